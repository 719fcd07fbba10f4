"""A request's scripts: consent to run them, what they are told, and what becomes of what they hand back.

    effective request ─► before_request ─► edited request ─► build, send, check ─► after_response

A script sees the request before its templates are rendered, so no edit can lose or learn a secret's value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from core.captured import Captured
from core.checks.examine import body_text
from core.consent.registry import Grant
from core.environment import Scope
from core.errors import HushpostError, ScriptError, ScriptsNotAllowed, TemplateError
from core.excerpt import excerpt
from core.exchange import CheckResult, ErrorInfo, Exchange, SecretUse
from core.models import VARIABLE_NAME, Field, JsonBody, NoBody, Request, Scripts, TextBody, XmlBody
from core.redactor import Redactor
from core.scripts import files as script_files
from core.scripts.files import ScriptFiles
from core.scripts.process import Edited, Ended, Limits, run
from core.secret import MASK, Secret
from core.template import not_in_vault

if TYPE_CHECKING:
    from core.session import Session

GRANTS: tuple[Grant, ...] = ("scripts", "secrets")
HOW = {"scripts": "--allow-scripts", "secrets": "--allow-script-secrets"}
LARGEST_BODY = 4 * 1024 * 1024
"""Bytes of an answer that a script is given."""
LARGEST_VALUE = 1024 * 1024
LIMITS = Limits()
QUOTED = 200


def granted(session: Session) -> frozenset[Grant]:
    """What this user allows the scripts of the open workspace, as they are now."""
    if session.workspace is None:
        return frozenset()
    return _granted(session, script_files.read(session.workspace.path))


def _granted(session: Session, files: ScriptFiles) -> frozenset[Grant]:
    fingerprint = files.fingerprint
    return frozenset(grant for grant in GRANTS if session.registry.granted(session.key, grant, fingerprint))


def grant(session: Session, *grants: Grant) -> ScriptFiles:
    """Allow it for the scripts as they are now, and for no later ones; returns them."""
    if session.workspace is None:
        raise HushpostError("no workspace is open", hint="open one")
    files = script_files.read(session.workspace.path)
    if not files.contents:
        raise HushpostError("this workspace has no scripts", hint=f"they are files below {script_files.FOLDER}/")
    for one in grants:
        session.registry.grant(session.key, one, files.fingerprint)
    return files


class Scripted(msgspec.Struct):
    """The scripts of one request that is being sent."""

    session: Session
    reference: str
    scripts: Scripts
    captured: Captured
    """Of this run, script-set values too; a script adds to it."""
    scope: Callable[[], Scope]
    """As the request sees it now."""
    files: ScriptFiles
    grants: frozenset[Grant]
    limits: Limits
    notes: list[str] = msgspec.field(default_factory=list)
    checks: list[CheckResult] = msgspec.field(default_factory=list)
    behind: frozenset[SecretUse] = frozenset()
    """The secrets that have a part in what the scripts made: it goes only where the user lets those go."""
    secrets_used: set[str] = msgspec.field(default_factory=set)

    @classmethod
    def of(
        cls, session: Session, request: Request, reference: str, captured: Captured, scope: Callable[[], Scope]
    ) -> Scripted | None:
        """None where the request has none. Raises ScriptsNotAllowed, FileError before anything is sent."""
        scripts = request.scripts
        named = [path for path in (scripts.before_request, scripts.after_response) if path]
        if not named or session.workspace is None:
            return None
        files = script_files.read(session.workspace.path)
        grants = _granted(session, files)
        names = [files.find(path) for path in named]
        if "scripts" not in grants:
            raise _not_allowed(f'this request runs the script "{names[0]}", which you have not allowed', "scripts")
        return cls(session, reference, scripts, captured, scope, files, grants, LIMITS)

    async def before(self, request: Request) -> Request:
        """The request as its before_request script leaves it. Raises ScriptError, or what the script was refused."""
        if not self.scripts.before_request:
            return request
        name = self.files.find(self.scripts.before_request)
        # A script is given every captured value, and does not say what it made of which.
        self.behind |= self.captured.behind(self.scope(), self.captured)
        try:
            return await self._before(name, request)
        except HushpostError as error:
            # There will be no exchange to have them.
            error.notes = tuple(self.notes)
            raise

    async def _before(self, name: str, request: Request) -> Request:
        ended = await self._run(name, request, _told(request), None)
        if ended.refusal is not None:
            raise ended.refusal
        if ended.failure:
            raise ScriptError(self._failed(name, ended))
        self._keep(name, ended)
        edited = _edited(request, ended.said.request)
        if MASK in repr(ended.said.request):
            raise _masked(name, "the request")
        return edited

    async def after(self, exchange: Exchange, behind: frozenset[SecretUse]) -> Exchange:
        """The exchange with what its scripts say of it; a script that fails is the exchange's `script_error`.

        `behind` are the secrets that had a part in the answer.
        """
        self.behind |= behind
        error: ErrorInfo | None = None
        if self.scripts.after_response:
            name = self.files.find(self.scripts.after_response)
            try:
                error = await self._after(name, exchange)
            except HushpostError as failure:
                error = self._info(failure)
        return replace(
            exchange,
            notes=(*exchange.notes, *self.notes),
            checks=(*exchange.checks, *self.checks),
            secrets_used=tuple(sorted({*exchange.secrets_used, *self.secrets_used})),
            script_error=error,
        )

    async def _after(self, name: str, exchange: Exchange) -> ErrorInfo | None:
        shown, response = exchange.shown, exchange.response
        sent = {"name": self.reference, "method": exchange.method, "url": shown.url, "body": shown.body or None}
        answer = {
            "status": response.status,
            "reason": response.reason,
            "headers": response.headers,
            "elapsed_ms": exchange.timing.total_ms,
            "size": response.body.size,
            "text": body_text(response) if response.body.size <= LARGEST_BODY else None,
        }
        ended = await self._run(name, None, {**sent, "headers": shown.headers}, answer)
        if ended.refusal is not None:
            return self._info(ended.refusal)
        if ended.failure:
            return self._info(ScriptError(self._failed(name, ended)))
        self._keep(name, ended)
        return None

    async def _run(
        self, name: str, request: Request | None, sent: Mapping[str, Any], answer: Mapping[str, Any] | None
    ) -> Ended:
        scope = self.scope()
        infos = scope.names()
        told = {
            "request": sent,
            "response": answer,
            "variables": {info.name: info.shown for info in infos if info.kind == "plain"},
            "hidden": [info.name for info in infos if info.kind != "plain"],
            "fixed": [info.name for info in infos if scope.shadowed(info.name)],
        }
        if "secrets" not in self.grants:
            told = _masked_in(told, self._masks().redact)

        async def reply(question: str, about: str) -> str:
            return await self._secret(name, scope, about) if question == "secret" else self._render(scope, about)

        ended = await run(self.files, name, told, reply, self.limits)
        redact = self.session.redact
        for variable, (text, secret) in ended.said.variables.items():
            if secret:
                self.session.redactor.add(variable, Secret(text))
        if ended.output.strip():
            torn = len(ended.output.encode()) >= self.limits.output
            wrote = excerpt(ended.output.rstrip(), redact, self.limits.output, torn=torn)
            self.notes.append(redact(f'script "{name}" wrote:\n') + wrote)
        if ended.left:
            what = "a process" if ended.left == 1 else f"{ended.left} processes"
            self.notes.append(f'script "{name}" left {what} running; ended')
        for label, passed, message in ended.said.checks:
            self.checks.append(CheckResult(excerpt(label, redact, QUOTED), passed, excerpt(message, redact, QUOTED)))
        return ended

    def _masks(self) -> Redactor:
        """What scripts must not see: every secret but those that scripts made."""
        own = [
            value
            for name, value in self.captured.items()
            if isinstance(value, Secret) and name in self.session.scripted
        ]
        return self.session.redactor.without(own) if own else self.session.redactor

    def _render(self, scope: Scope, text: str) -> str:
        return scope.preview().render(text, where="script").shown

    async def _secret(self, script: str, scope: Scope, name: str) -> str:
        if "secrets" not in self.grants:
            raise _not_allowed(
                f'script "{script}" asks for the secret "{name}", and you have not let scripts read secrets', "secrets"
            )
        entry = scope.entry(name)
        if entry is None:
            raise TemplateError(f'variable "{name}" is not defined', names=(name,), where=f'script "{script}"')
        if not entry.hidden:
            raise not_in_vault(name, f'script "{script}"')
        given, consented = entry.given, True
        if not isinstance(given, Secret):
            resolved = await self.session.resolver.resolve(scope, [name], request=self.reference)
            given, consented = resolved.values[name], name in resolved.consented
        variable = entry.variable
        credential = variable.link.credential if variable.link else ""
        self.behind |= {SecretUse(name, credential, variable.allowed_hosts, consented=consented)}
        self.secrets_used.add(name)
        return given.reveal()

    def _keep(self, script: str, ended: Ended) -> None:
        """Take the variables that it set. Raises ScriptError where one may not be set."""
        scope = self.scope()
        for name, (text, _) in ended.said.variables.items():
            if not re.fullmatch(VARIABLE_NAME, name):
                raise ScriptError(f'script "{script}" sets a variable whose name is none')
            if (written := scope.shadowed(name)) is not None:
                raise ScriptError(
                    f'script "{script}" sets "{name}", which is a {written.kind} variable of {written.source}',
                    hint="give what the script sets another name",
                )
            if len(text) > LARGEST_VALUE:
                raise ScriptError(f'script "{script}" sets "{name}" to more than {LARGEST_VALUE >> 10} KiB')
            if MASK in text:
                raise _masked(script, f'"{name}"')
        values = {name: Secret(text) if secret else text for name, (text, secret) in ended.said.variables.items()}
        self.captured.take(values, self.behind)
        self.session.scripted.update(values)

    def _failed(self, name: str, ended: Ended) -> str:
        return f'script "{name}" failed: {excerpt(ended.failure, self.session.redact, QUOTED)}'

    def _info(self, error: HushpostError) -> ErrorInfo:
        redact = self.session.redact
        return ErrorInfo(error.kind, redact(str(error)), redact(error.hint) if error.hint else None)


def _told(request: Request) -> Mapping[str, Any]:
    return {
        "name": request.name,
        "method": request.method,
        "url": request.url,
        "headers": [(row.name, row.value) for row in request.headers if row.enabled],
        "body": request.body.text if isinstance(request.body, (JsonBody, XmlBody, TextBody)) else None,
    }


def _edited(request: Request, edited: Edited) -> Request:
    changes: dict[str, Any] = {}
    if edited.method is not None:
        changes["method"] = edited.method
    if edited.url is not None:
        changes["url"] = edited.url
    if edited.headers is not None:
        changes["headers"] = tuple(Field(name, value) for name, value in edited.headers)
    if edited.body is None:
        changes["body"] = NoBody()
    elif isinstance(edited.body, str):
        body = request.body
        if isinstance(body, (JsonBody, XmlBody, TextBody)) and (not edited.as_json or isinstance(body, JsonBody)):
            changes["body"] = msgspec.structs.replace(body, text=edited.body)
        else:
            changes["body"] = JsonBody(edited.body) if edited.as_json else TextBody(edited.body)
    try:
        # `replace` checks nothing; a method has to be a token.
        return msgspec.convert(msgspec.to_builtins(msgspec.structs.replace(request, **changes)), Request)
    except msgspec.ValidationError as error:
        raise ScriptError(f"a script makes a request that cannot be: {error}") from None


def _masked_in(value: Any, redact: Callable[[str], str]) -> Any:
    """Every text in it through `redact`."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _masked_in(one, redact) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked_in(one, redact) for one in value]
    return value


def _masked(script: str, what: str) -> ScriptError:
    return ScriptError(
        f'script "{script}" puts a masked secret into {what}',
        hint=f"scripts see dots in place of secrets; to let them read secrets run: hushpost bind {HOW['secrets']}",
    )


def _not_allowed(message: str, missing: Grant) -> ScriptsNotAllowed:
    hint = f"read what is in {script_files.FOLDER}/, then run: hushpost bind {HOW[missing]}"
    return ScriptsNotAllowed(message, missing=missing, hint=hint)
