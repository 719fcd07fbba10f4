"""Session: everything of one run wired together, and what the front ends call.

Blocking work of the credential store runs in daemon threads of ours; everything else belongs to the event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from core.auth.oauth2 import OAuth2Tokens
from core.captured import Captured
from core.consent import survey, unattended
from core.consent.consent import Consent, Need
from core.consent.registry import Grant, Registry
from core.environment import BASE, Scope
from core.errors import FileError, HushpostError
from core.exchange import Exchange, Progress, Shown
from core.history.history import History
from core.models import Request, Variable
from core.outgoing import Given, Outgoing
from core.paths import Paths, Surroundings
from core.redactor import Redactor
from core.resolving import Resolver
from core.scripts import scripting
from core.secret import Secret
from core.sending.cookies import Cookies, Jars
from core.sending.prepare import Defaults, preview, texts
from core.sending.sender import Sender
from core.sending.showing import expected
from core.settings import NO_PROXY, Settings, load_settings, save_settings
from core.stored_values import StoredValues
from core.threads import run_in_daemon_thread
from core.vault.cache import CacheEntry, SecretCache
from core.vault.config import AnyCredential, AnyLink
from core.vault.contents import StoredCredential
from core.vault.environ import EnvironmentCredentials
from core.vault.provider import AuthPrompter, SecretSummary
from core.vault.selection import Inside
from core.vault.service import LoginInfo, LoginState, SecretInfo, Vault
from core.vault.store import CredentialStore
from core.workspace.changes import Changes
from core.workspace.inheritance import inherit
from core.workspace.workspace import WORKSPACE_FILE, Folders, Workspace, WorkspaceKey

__all__ = ["Need", "Session", "open_session"]

NOWHERE = WorkspaceKey("", Path("/"))


def open_session(
    surroundings: Surroundings,
    *,
    headless: bool,
    prompter: AuthPrompter | None = None,
    environment: EnvironmentCredentials | None = None,
) -> Session:
    """Wire a session; no network, no key derivation. `environment` is what headless runs may take credentials from."""
    return Session(
        surroundings,
        load_settings(surroundings.paths),
        headless=headless,
        prompter=prompter,
        environment=environment if headless else None,
    )


class Session:
    """One user, at most one open workspace, one active environment."""

    def __init__(
        self,
        surroundings: Surroundings,
        settings: Settings,
        *,
        headless: bool,
        prompter: AuthPrompter | None,
        environment: EnvironmentCredentials | None,
    ) -> None:
        self.surroundings = surroundings
        self.settings = settings
        self.headless = headless
        self.redactor = Redactor()
        self.registry = Registry(self.paths)
        self.store = CredentialStore(self.paths.store)
        self.vault = Vault(SecretCache(settings.cache_minutes), prompter)
        self.sender = Sender(self.redactor)
        self.history = History(self.paths.history, self.redactor, lambda: self.store, lambda: self.settings)
        self.tokens = OAuth2Tokens(lambda: self.vault.prompter)
        self.workspace: Workspace | None = None
        self.environment: str | None = None
        """The active environment's name; None when only base counts."""
        self.captured = Captured()
        """What requests captured since the environment was chosen."""
        self.scripted: set[str] = set()
        """Names of values that scripts set."""
        self.changes = Changes(self)
        self._given = environment
        self._jars = Jars()

    @property
    def paths(self) -> Paths:
        return self.surroundings.paths

    async def close(self) -> None:
        """Drop every secret, login and connection. A coroutine, because logins belong to the event loop."""
        await self.history.close()
        await self.changes.close()
        self.lock()
        self.sender.close()

    # The workspace

    @property
    def key(self) -> WorkspaceKey:
        return self.workspace.key if self.workspace is not None else NOWHERE

    @property
    def consent(self) -> Consent:
        return Consent(self.registry, self.store, self._given, self.key)

    def open_workspace(self, path: Path) -> Workspace:
        """Open the workspace in a folder, in the environment that was active there last."""
        workspace = Workspace.open(path, self.paths.state)
        if not self.headless:
            with suppress(FileError, OSError):  # a read-only home forgets, and works
                self.registry.remember(workspace)
        self._enter(workspace)
        return workspace

    def create_workspace(self, path: Path, name: str) -> Workspace:
        return self.open_workspace(Workspace.create(path, name).path)

    def close_workspace(self) -> None:
        self.workspace = None
        self.environment = None
        self.captured.clear()

    def _enter(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.captured.clear()
        active = self.registry.active_environment(workspace.key)
        self.environment = active if active in workspace.environments() else None

    def set_environment(self, name: str | None) -> None:
        """Make an environment the active one, here and at the next start; None and `base` mean base alone."""
        workspace = self._open()
        name = None if name == BASE else name
        if name is not None:
            workspace.load_environment(name)
        self.environment = name
        self.captured.clear()
        self.registry.set_active_environment(workspace.key, name)

    def save_settings(self, settings: Settings) -> None:
        save_settings(self.paths, settings)
        self.use_settings(settings)

    def use_settings(self, settings: Settings) -> None:
        self.settings = settings
        self.vault.cache.minutes = settings.cache_minutes

    def redact(self, text: str) -> str:
        return self.redactor.redact(text)

    # The credential store

    async def create_store(
        self, *, passphrase: Secret | None = None, key_file: Path | None = None, keyring: bool = False
    ) -> None:
        """Make the store, opened by what is given; a key file is made where there is none."""
        self.paths.ensure()
        await run_in_daemon_thread(lambda: self.store.create(passphrase=passphrase, key_file=key_file, keyring=keyring))
        self.history.settle()

    async def unlock(
        self, *, passphrase: Secret | None = None, key_file: Path | None = None, keyring: bool = False
    ) -> None:
        await run_in_daemon_thread(lambda: self.store.unlock(passphrase=passphrase, key_file=key_file, keyring=keyring))
        self.history.settle()

    async def unlock_unattended(self) -> bool:
        """Open the store without a person, see `core.consent.unattended`; False when nothing opens it."""
        return await unattended.unlock(self)

    def lock(self) -> None:
        """Drop the store's key, every login, and every secret that was cached, captured or is in a cookie."""
        self.store.lock()
        self.history.lock()
        self.vault.lock()
        self.tokens.drop()
        self.captured.drop_secrets()
        self._jars.drop(self.redactor.names_in)

    # Credentials

    def credentials(self) -> Sequence[StoredCredential]:
        """All of them by name; none where there is no store. Raises StoreLocked."""
        return self.store.credentials() if self.store.exists else ()

    async def save_credential(self, name: str, credential: AnyCredential, *, previous: str | None = None) -> None:
        """Add or change; `previous` is the name it had. What was fetched with the old one is dropped."""
        await run_in_daemon_thread(lambda: self.store.put(name, credential, previous=previous))
        self.vault.logout(previous or name)
        if previous is not None and previous != name:
            self.registry.rename_credential(previous, name)

    async def rename_credential(self, name: str, new: str) -> None:
        """Give it another name and nothing else: its login goes on, every binding follows."""
        await run_in_daemon_thread(self.store.rename, name, new)
        self.vault.rename(name, new)
        self.registry.rename_credential(name, new)

    async def delete_credential(self, name: str) -> None:
        """Links to it stay in the files and are unresolved from then on."""
        await run_in_daemon_thread(self.store.delete, name)
        self.registry.forget_credential(name)
        self.vault.logout(name)

    async def test_credential(self, name: str) -> LoginInfo:
        """Log in anew and say as whom."""
        return await self.vault.test(name, self.credential(name))

    def credential(self, name: str) -> AnyCredential:
        """A credential of the store; raises StoreLocked, StoreError for an unknown name."""
        return self.store.get(name).credential

    def logout(self, name: str) -> None:
        """Forget the login and what was fetched with it."""
        self.vault.logout(name)

    def login_state(self, name: str) -> LoginState:
        return self.vault.login_state(name)

    async def list_secrets(self, credential_name: str, prefix: str = "", limit: int = 200) -> Sequence[SecretSummary]:
        return await self.vault.list_secrets(credential_name, self.credential(credential_name), prefix, limit)

    async def look_inside(self, credential_name: str, link: AnyLink) -> Inside:
        """Which JSON keys a secret has, for a person who links one."""
        return await self.vault.look_inside(credential_name, self.credential(credential_name), link)

    # What this user allowed the open workspace

    def moved_from(self) -> WorkspaceKey | None:
        """Where this user knew the open workspace before it was moved; None when nothing was, or is still there."""
        for known in self.registry.elsewhere(self.key):
            if not (known.path / WORKSPACE_FILE).exists():
                return known.key
        return None

    async def take_over(self, old: WorkspaceKey) -> None:
        """Let the open workspace have what was allowed and stored for it at its old path; a person is asked first."""
        await self.values.take_over(old)
        self.registry.take_over(old, self.key)

    def unbound(self) -> Sequence[str]:
        """Credential names that the workspace's links use and that mean nothing here yet."""
        return survey.unbound(self)

    def needed_approvals(self) -> Sequence[Need]:
        """Where the workspace's requests would take secrets, as far as this user has not approved it."""
        return survey.needed_approvals(self)

    def script_grants(self) -> frozenset[Grant]:
        """What scripts of the open workspace may do, as they are now: run (`scripts`), read `secrets`."""
        return scripting.granted(self)

    def grant(self, *grants: Grant) -> Sequence[str]:
        """Allow it until a file below `scripts/` changes; returns what the files are called."""
        return tuple(scripting.grant(self, *grants).contents)

    def allow_file(self, path: Path) -> None:
        """Let the open workspace use this file outside it."""
        self.registry.allow_file(self.key, path)

    def file(self, relative: str) -> Path:
        """The file that a workspace file names; FileError, FileNotAllowed for one outside that was not allowed."""
        return self._open().resolve_file(relative, self.registry.allowed_files(self.key))

    # Variables

    def scope(
        self,
        request: Request,
        reference: str = "",
        *,
        overrides: Given | None = None,
        captured: Given | None = None,
        folders: Folders | None = None,
    ) -> Scope:
        """The layers of a request in the active environment, without any secret's value; `folders` if at hand."""
        workspace = self.workspace
        given = {**(self._given.variables() if self._given is not None else {}), **(overrides or {})}
        if workspace is None:
            scope = Scope.of(overrides=given, request=request.variables)
        else:
            active = self.environment
            scope = Scope.of(
                overrides=given,
                captured=self.captured if captured is None else captured,
                request=request.variables,
                reference=reference,
                folders=[(ref, folder.variables) for ref, folder in folders or self.folders(reference)],
                environment=(active, workspace.load_environment(active).variables) if active else None,
                base=workspace.load_environment(BASE).variables,
            )
        for name in given:
            # A plain text too, where it stands in for a secret variable.
            entry = scope.entry(name)
            if entry is not None and isinstance(entry.given, Secret):
                self.redactor.add(name, entry.given)
        return scope

    def folders(self, reference: str) -> Folders:
        """From the inside out; a request without a file stands in `requests/` itself."""
        return self.workspace.folders_of(reference) if self.workspace is not None else ()

    @property
    def values(self) -> StoredValues:
        """Of the open workspace's secret variables."""
        return StoredValues(self.store, self.key)

    @property
    def resolver(self) -> Resolver:
        return Resolver(self.values, self.consent, self.vault, self.redactor)

    async def details(self, name: str, variable: Variable, *, fresh: bool = False) -> SecretInfo:
        """Everything about a linked variable's secret but the value; fetched if it is not cached.

        Its uses are this variable's, though others may share the secret.
        """
        info = (await self.resolver.linked(name, variable, fresh=fresh)).info
        return replace(info, uses=tuple(use for use in info.uses if use.variable == name and use.request))

    async def reveal(self, name: str, variable: Variable) -> Secret:
        """The value of a linked variable, for a person who asked to see or copy it."""
        return (await self.resolver.linked(name, variable)).secret

    def cached(self) -> Sequence[CacheEntry]:
        return self.vault.cache.entries()

    def reset_cache(self, entry: CacheEntry | None = None) -> None:
        self.vault.reset(entry)

    # Sending

    def effective(self, request: Request, reference: str = "") -> Request:
        """The request with the headers, auth and scripts that its folders give it."""
        return inherit(request, [folder for _, folder in self.folders(reference)])

    def prompts_in(self, request: Request, reference: str = "", *, overrides: Given | None = None) -> Sequence[str]:
        """The questions to ask a person before the request can be sent."""
        scope = self.scope(request, reference, overrides=overrides)
        return scope.prompts(texts(self.effective(request, reference)))

    def preview(self, request: Request, reference: str = "", *, overrides: Given | None = None) -> Shown:
        """The request as it would go out, with names instead of secrets; no vault is asked and no file read."""
        scope = self.scope(request, reference, overrides=overrides).preview()
        whole = self.effective(request, reference)
        shown = expected(preview(whole, scope, defaults=self.defaults), whole.auth)
        return self.cookies.shown_in(shown) if request.options.send_cookies else shown

    async def send(
        self,
        request: Request,
        reference: str = "",
        *,
        overrides: Given | None = None,
        captured: Captured | None = None,
        cookies: Cookies | None = None,
        prompts: Given | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Exchange:
        """Get the secrets, build, send, check, capture. Nothing is sent unless everything is there and allowed.

        What is captured goes to `captured` and cookies to `cookies`, by default the session's own, which later requests
        see. Raises TemplateError, StoreLocked, VaultError, RequestError, ScriptError and their kin; sending again is
        safe.
        """
        outgoing = Outgoing(
            self,
            request,
            reference,
            overrides=overrides,
            captured=self.captured if captured is None else captured,
            cookies=self.cookies if cookies is None else cookies,
            prompts=prompts,
        )
        try:
            return await outgoing.send(progress)
        finally:
            kept = request.options.history and (self.workspace is None or self.workspace.file.history)
            if kept and not self.headless and outgoing.exchange is not None:
                self.history.add(outgoing.exchange, self.key)

    @property
    def defaults(self) -> Defaults:
        settings = self.settings
        proxy = {"": None, NO_PROXY: ""}.get(settings.proxy.strip(), settings.proxy)
        return Defaults(timeout=settings.timeout, proxy=proxy, proxies=self.surroundings.proxies)

    @property
    def cookies(self) -> Cookies:
        """The jar of the open workspace in the active environment; memory only."""
        return self._jars.setdefault((self.key, self.environment or BASE), Cookies())

    def _open(self) -> Workspace:
        if self.workspace is None:
            raise HushpostError("no workspace is open", hint="open one, or make one with `hushpost new PATH`")
        return self.workspace
