"""Looks over a whole workspace without sending anything: files, templates and links, and no value comes out of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from msgspec.structs import replace

from cli.diagnostics import ExitCode, code_of, worst
from cli.unlocking import HINT
from core.environment import BASE
from core.errors import FileError, HushpostError, NotBound, RequestError, StoreError, StoreLocked, TemplateError
from core.exchange import ErrorInfo
from core.models import Environment, Folder, Request, Scripts, Variable, variable
from core.scripts import files as script_files
from core.scripts.files import ScriptFiles
from core.sending import urls
from core.sending.prepare import prepare, texts
from core.structs import Struct
from core.vault.environ import giving
from core.workspace import lint

if TYPE_CHECKING:
    from core.session import Session
    from core.workspace.workspace import Workspace

M = TypeVar("M", Environment, Folder, Request)

AT_ONCE = 16
"""Links fetched at a time."""
SHORT = 4
"""Values with fewer characters are masked by position only."""


class Problem(Struct, frozen=True):
    """`error` would stop a request; `finding` is odd and works."""

    severity: Literal["error", "finding"]
    kind: str
    file: str
    where: str
    message: str
    hint: str | None = None
    environment: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__struct_fields__}


class LinkState(Struct, frozen=True):
    """Whether one linked variable's secret can be had."""

    file: str
    variable: str
    provider: str
    credential: str
    secret: str
    """As its vault names it."""
    status: Literal["ok", "failed", "skipped"]
    version: str = ""
    error: ErrorInfo | None = None

    def as_json(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in self.__struct_fields__ if name != "error"}
        error = self.error
        found["error"] = error and {"kind": error.kind, "message": error.message, "hint": error.hint}
        return found


@dataclass
class Checked:
    workspace: str
    environments: list[str]
    """Names; `base` where base alone was checked."""
    offline: bool
    files: int = 0
    requests: int = 0
    problems: list[Problem] = field(default_factory=list)
    links: list[LinkState] = field(default_factory=list)

    @property
    def findings(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.severity == "finding"]

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.severity == "error"]

    @property
    def failed(self) -> list[LinkState]:
        return [link for link in self.links if link.status == "failed"]

    def exit_code(self, *, strict: bool) -> ExitCode:
        codes = [code_of(problem.kind) for problem in self.errors]
        codes += [code_of(link.error.kind) for link in self.links if link.error is not None]
        return worst([*codes, ExitCode.FAILED if strict and self.findings else ExitCode.OK])

    def as_json(self) -> dict[str, Any]:
        return {
            "workspace": self.workspace,
            "environments": self.environments,
            "offline": self.offline,
            "summary": {
                "files": self.files,
                "requests": self.requests,
                "links": len(self.links),
                "errors": len(self.errors) + len(self.failed),
                "findings": len(self.findings),
            },
            "problems": [problem.as_json() for problem in self.problems],
            "links": [link.as_json() for link in self.links],
        }


async def check(
    session: Session, workspace: Workspace, environments: Sequence[str | None], *, offline: bool
) -> Checked:
    """Everything that can be found out about the workspace in these environments; None is base alone."""
    return await _Checking(session, workspace, environments, offline).run()


class _Checking:
    def __init__(
        self, session: Session, workspace: Workspace, environments: Sequence[str | None], offline: bool
    ) -> None:
        self._session = session
        self._workspace = workspace
        self._environments = environments
        self._checked = Checked(session.redact(workspace.name), [name or BASE for name in environments], offline)
        self._models: dict[str, lint.Model] = {}
        self._requests: dict[str, Request] = {}
        self._script_files: ScriptFiles | FileError
        try:
            self._script_files = script_files.read(workspace.path)
        except FileError as error:
            self._script_files = error
        contents = {} if isinstance(self._script_files, FileError) else self._script_files.contents
        self._scripts = [text.decode("utf-8", "replace") for name, text in contents.items() if name.endswith(".py")]

    async def run(self) -> Checked:
        checked = self._checked
        self._read_files()
        for environment in self._environments:
            self._session.environment = environment
            for reference, request in self._requests.items():
                self._check_templates(reference, request, environment)
        for finding in lint.lint(self._models, self._scripts):
            self._add(Problem("finding", finding.kind, finding.file, finding.where, finding.message, finding.hint))
        await self._check_values()
        checked.problems.sort(key=lambda problem: (problem.severity, problem.file, problem.where))
        return checked

    def _read_files(self) -> None:
        workspace = self._workspace
        for broken in workspace.problems():
            self._add(_problem(broken.error, self._relative(broken.path)))
        for name in [BASE, *(name for name in self._environments if name)]:
            self._read(f"environments/{name}.toml", workspace.load_environment, name)
        folders = [""]
        for node in (node for top in workspace.tree() for node in top.walk()):
            if node.kind == "folder":
                folders.append(node.ref)
                continue
            if node.kind == "problem":
                continue  # said above
            request = self._read(f"requests/{node.ref}.toml", workspace.load_request, node.ref)
            if request is not None:
                self._requests[node.ref] = request
        for ref in folders:
            if workspace.folder_path(ref).exists():
                self._read(self._relative(workspace.folder_path(ref)), workspace.load_folder, ref)
        self._checked.files = len(self._models) + len({problem.file for problem in self._checked.errors})
        self._checked.requests = len(self._requests)

    def _read(self, file: str, load: Callable[[str], M], name: str) -> M | None:
        """The file's model; what is wrong with it is noted once."""
        try:
            model = load(name)
        except FileError as error:
            if all(problem.file != file for problem in self._checked.problems):
                self._add(_problem(error, file))
            return None
        self._models[file] = model
        return model

    def _check_templates(self, reference: str, request: Request, environment: str | None) -> None:
        file = f"requests/{reference}.toml"
        session = self._session
        try:
            whole = session.effective(request, reference)
            self._check_scripts(whole.scripts, file, environment)
            try:
                urls.require_values(whole.url, whole.path_params)
            except RequestError as error:
                self._add(_problem(error, file, environment))
                return
            found = list(texts(whole))
            scope = session.scope(request, reference)
            try:
                scope.needed(found)
            except TemplateError as error:
                later = {name: "later" for name in error.names if self._set_later(name)}
                if not later:
                    raise
                scope = session.scope(request, reference, captured=later)
                scope.needed(found)
            prepare(whole, scope.preview(), files=session.file, reference=reference, defaults=session.defaults)
        except RequestError as error:
            # A placeholder in it may be what is wrong with an address.
            if "{{" not in request.url:
                self._add(_problem(error, file, environment))
        except TemplateError as error:
            self._add(_problem(error, file, environment))
        except FileError as error:
            # Of a folder or environment, which is named already, or of a file that the request sends.
            named = self._relative(error.path)
            if all(problem.file != named for problem in self._checked.problems):
                told = _problem(error, file, environment)
                self._add(replace(told, message=f'the file "{named}" {error.message}'))

    def _check_scripts(self, scripts: Scripts, file: str, environment: str | None) -> None:
        """That they can run as they are; whether this user lets them is what `bind` says."""
        for path in (scripts.before_request, scripts.after_response):
            try:
                if path and isinstance(self._script_files, FileError):
                    raise self._script_files
                if path and not isinstance(self._script_files, FileError):
                    self._script_files.find(path)
            except FileError as error:
                told = _problem(error, file, environment)
                self._add(replace(told, message=f'the script "{self._relative(error.path)}" {error.message}'))

    def _set_later(self, name: str) -> bool:
        """A capture of some request, or a script, may set the name while a run goes on."""
        captured = any(capture.name == name for request in self._requests.values() for capture in request.captures)
        return captured or any(name in script for script in self._scripts)

    async def _check_values(self) -> None:
        used = lint.used_names(self._models)
        given = self._session.scope(Request())
        limit = asyncio.Semaphore(AT_ONCE)
        links: list[Awaitable[LinkState]] = []
        for file, model in self._models.items():
            for name, entry in model.variables.items():
                one = variable(entry)
                if not one.enabled:
                    continue
                if one.link is not None:
                    self._check_consent(file, name, one)
                    links.append(self._fetch(file, name, one, limit))
                elif one.secret and name in used and not self._checked.offline:
                    override = given.entry(name)
                    if override is None or override.given is None:
                        self._check_stored(file, name)
        self._checked.links = list(await asyncio.gather(*links))

    def _check_consent(self, file: str, name: str, one: Variable) -> None:
        link = one.link
        if link is None:
            return
        where = f"variables.{name}"
        try:
            granted = self._session.consent.credential_for(link)
        except NotBound as error:
            if self._checked.offline:
                self._add(Problem("finding", "unbound-name", file, where, str(error), error.hint))
        except HushpostError:
            pass  # fetching says it, with the variable's name
        else:
            if granted.from_environment and one.allowed_hosts is None:
                message = "goes to any host: its credential is from the environment, and so is the consent"
                hint = 'add allowed_hosts = ["HOST"]'
                self._add(Problem("finding", "no-allowed-hosts", file, where, message, hint))

    async def _fetch(self, file: str, name: str, one: Variable, limit: asyncio.Semaphore) -> LinkState:
        link = one.link
        if link is None:
            raise ValueError(name)
        state = LinkState(file, name, link.provider, link.credential, self._session.redact(link.label), "skipped")
        if self._checked.offline:
            return state
        try:
            async with limit:
                got = await self._session.resolver.linked(name, one)
        except HushpostError as error:
            hint = self._session.redact(error.hint) if error.hint else None
            told = ErrorInfo(error.kind, self._session.redact(str(error)), hint)
            return replace(state, status="failed", error=told)
        if len(got.secret.reveal()) < SHORT:
            message = "has a value so short that it is masked by position only"
            hint = "use a longer secret: what an API echoes of this one is not masked"
            self._add(Problem("finding", "short-secret", file, f"variables.{name}", message, hint))
        return replace(state, status="ok", version=got.info.version)

    def _check_stored(self, file: str, name: str) -> None:
        holder = file.removesuffix(".toml").removesuffix("/folder")
        where = f"variables.{name}"
        match self._session.values.has(holder, name):
            case None:
                error: StoreError = StoreLocked("is in the credential store, which is locked", hint=HINT)
            case False:
                hint = f"set its value in the app, or {giving(name)}"
                error = StoreError("has no value on this machine", hint=hint)
            case True:
                return
        self._add(Problem("error", error.kind, file, where, str(error), error.hint))

    def _relative(self, path: Path) -> str:
        with suppress(ValueError):
            return str(path.relative_to(self._workspace.path))
        return str(path)

    def _add(self, problem: Problem) -> None:
        redact = self._session.redact
        hint = redact(problem.hint) if problem.hint else None
        self._checked.problems.append(replace(problem, message=redact(problem.message), hint=hint))


def _problem(error: HushpostError, file: str, environment: str | None = None) -> Problem:
    where = getattr(error, "key", None) or getattr(error, "where", "") or ""
    return Problem("error", error.kind, file, where, error.message, error.hint, environment)
