"""What this user allowed one workspace: which credential of theirs a name means, and which hosts may receive a secret.

Headless runs may have their credentials, and with them the consent, from the environment instead.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from core import hosts
from core.consent.registry import Registry
from core.errors import NotBound, StoreError, StoreLocked
from core.exchange import SecretUse
from core.structs import Struct
from core.vault.config import AnyCredential, AnyLink
from core.vault.environ import GROUPS, EnvironmentCredentials
from core.vault.store import CredentialStore
from core.workspace.workspace import WorkspaceKey


class Need(Struct, frozen=True, order=True):
    """That secrets of a credential (empty: of the local store) go somewhere; `what` is a need of `core.hosts`."""

    credential: str
    what: str


class Granted(Struct, frozen=True):
    """The credential that a link may use; `name` is this user's own name for it."""

    name: str
    credential: AnyCredential
    from_environment: bool = False
    """Whoever set the environment consented: hosts need no approval."""


class Consent:
    """Of one workspace at one path. Without a workspace nothing is bound and nothing approved."""

    def __init__(
        self,
        registry: Registry,
        store: CredentialStore,
        environment: EnvironmentCredentials | None,
        key: WorkspaceKey,
    ) -> None:
        self._registry = registry
        self._store = store
        self._environment = environment
        self._key = key

    def credential_for(self, link: AnyLink) -> Granted:
        return self.credential_named(link.credential, link.provider)

    def credential_named(self, name: str, provider: str) -> Granted:
        """Whose login a name means: the environment's of that name, a binding, the environment's of that provider.

        Raises NotBound, StoreLocked, and VaultError for an environment that lacks something.
        """
        if self._environment is not None and (named := self._environment.named(name, provider)):
            return Granted(name, named, from_environment=True)
        bound = self.binding(name)
        if bound is not None:
            return Granted(bound, self._bound(name, bound, provider))
        if self._environment is not None and (shared := self._environment.shared(provider)):
            return Granted(name, shared, from_environment=True)
        hint = f"run: hushpost bind {shlex.quote(name)} YOUR_CREDENTIAL"
        if self._environment is not None and provider in GROUPS:
            hint += f", or give one in the environment: HUSHPOST_{GROUPS[provider]}_TYPE and what goes with it"
        raise NotBound(
            f'no credential of yours is bound to the name "{name}" in this workspace',
            provider=provider,
            credential=name,
            hint=hint,
        )

    def _bound(self, name: str, bound: str, provider: str) -> AnyCredential:
        problem = ""
        try:
            stored = self._store.get(bound)
            if stored.provider != provider:
                problem = f"which is for {stored.provider}, and the link is for {provider}"
        except StoreLocked:
            raise
        except StoreError:
            problem = "which is not there any more"
        if problem:
            raise NotBound(
                f'the name "{name}" is bound to your credential "{bound}", {problem}',
                provider=provider,
                credential=name,
                hint=f"run: hushpost bind {shlex.quote(name)} YOUR_CREDENTIAL",
            )
        return stored.credential

    def binding(self, name: str) -> str | None:
        """This user's credential for a name of the workspace."""
        return self._registry.credential_for(self._key, name)

    def bind(self, name: str, credential: str) -> None:
        self._registry.bind(self._key, name, credential)

    def unbind(self, name: str) -> None:
        """Take the name's binding back, and with it every host approved for it."""
        self._registry.unbind(self._key, name)

    def approved(self, use: SecretUse, what: str) -> bool:
        return use.consented or self.covered(Need(use.credential, what))

    def covered(self, need: Need) -> bool:
        approvals = self._registry.approvals(self._key).get(need.credential, ())
        return any(hosts.covers(approval, need.what) for approval in approvals)

    def approve(self, needs: Iterable[Need]) -> None:
        by_credential: dict[str, list[str]] = {}
        for need in needs:
            by_credential.setdefault(need.credential, []).append(need.what)
        for credential, whats in by_credential.items():
            self._registry.approve(self._key, credential, whats)
