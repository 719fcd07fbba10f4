"""One request of a session on its way out: secrets got, built, sent, checked, captured; scripts before and after."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from core import needs
from core.auth.signing import Signer
from core.captured import Captured
from core.checks.examine import examine, needs_patterns
from core.environment import BASE, Scope
from core.errors import RequestError
from core.exchange import ErrorInfo, Exchange, Prepared, Progress, ReceivedBody, Response, Timing
from core.models import Request
from core.scripts import scripting
from core.secret import Secret
from core.sending.cookies import Cookies
from core.sending.prepare import prepare, texts
from core.threads import run_in_daemon_thread
from core.workspace.inheritance import inherit

if TYPE_CHECKING:
    from core.session import Session

Given = Mapping[str, str | Secret]
"""Values from outside the workspace's files, by variable."""

UNANSWERED = frozenset({"connect", "timeout", "tls", "proxy", "protocol", "redirect-refused", "disk"})
"""Kinds of errors of requests that left, or tried to."""
LARGE = 256 * 1024
"""A body beyond this many bytes is checked in a thread, so that the app stays quick."""


class Outgoing:
    """One sending; the secrets it got are kept for a second try after a 401."""

    def __init__(
        self,
        session: Session,
        request: Request,
        reference: str,
        *,
        overrides: Given | None,
        captured: Captured,
        cookies: Cookies,
        prompts: Given | None,
    ) -> None:
        self._session = session
        self._reference = reference
        self._captured = captured
        self._cookies = cookies
        self._prompts = prompts
        folders = session.folders(reference)
        self._whole = inherit(request, [folder for _, folder in folders])
        self._seen: Callable[[], Scope] = partial(
            session.scope, request, reference, overrides=overrides, captured=captured, folders=folders
        )
        self.exchange: Exchange | None = None
        """As far as it came, also where `send` raises: an answer whose script was not waited for, a server that gave
        none. None where nothing was sent."""
        self._held: dict[str, Secret] = {}
        self._consented: set[str] = set()

    async def send(self, progress: Callable[[Progress], None] | None) -> Exchange:
        try:
            return await self._send(progress)
        except UnicodeEncodeError:
            # A JSON text can hold `\ud800`, and so can what is captured of one. Not chained: the error holds the value.
            raise RequestError(
                "a value holds half of a character, which cannot be sent there",
                kind="request",
                hint="look at what was captured, and at the values that were given",
            ) from None

    async def _send(self, progress: Callable[[Progress], None] | None) -> Exchange:
        session, captured = self._session, self._captured
        scripted = scripting.Scripted.of(session, self._whole, self._reference, captured, self._seen)
        if scripted is not None:
            self._whole = await scripted.before(self._whole)
        self._scope = self._seen()
        found = needs.look(self._scope, texts(self._whole, self._reference))
        derived = captured.behind(self._scope, found.names)
        if scripted is not None:
            derived |= scripted.behind

        async def prepared(names: Sequence[str], *, fresh: bool = False) -> Prepared:
            made = await self._prepared(names, fresh=fresh)
            return replace(made, derived=tuple(derived)) if derived else made

        async def refetched(stale: Sequence[str]) -> Prepared | None:
            before = dict(self._held)
            again = await prepared(stale, fresh=True)
            return again if self._held != before else None

        first = await prepared(found.fetched)
        started_at = datetime.now(UTC)
        try:
            exchange = self.exchange = await session.sender.send(
                first,
                approve=session.consent.approved,
                environment=session.environment or BASE,
                cookies=self._cookies,
                refetch=refetched,
                token=session.tokens.token,
                sign=Signer(session.consent, session.vault).sign,
                progress=progress,
            )
        except RequestError as error:
            if error.kind in UNANSWERED:
                self.exchange = self._unanswered(first, started_at, error)
            raise
        look = partial(examine, first.expectations, first.request.captures, exchange, session.redactor)
        large = exchange.response.body.size > LARGE and not needs_patterns(first)
        exchange = await run_in_daemon_thread(look) if large else look()
        self.exchange = exchange
        if exchange.captured:
            captured.take(exchange.captured, derived | first.guarded)
        if scripted is not None:
            exchange = self.exchange = await scripted.after(exchange, derived | first.guarded)
        return exchange

    def _unanswered(self, prepared: Prepared, started_at: datetime, error: RequestError) -> Exchange:
        redact = self._session.redact
        return Exchange(
            id=uuid.uuid4().hex,
            reference=self._reference,
            environment=self._session.environment or BASE,
            started_at=started_at,
            method=prepared.method,
            shown=prepared.shown,
            secrets_used=tuple(sorted(prepared.uses)),
            timing=Timing(total_ms=(datetime.now(UTC) - started_at).total_seconds() * 1000),
            response=Response(0, "", "", (), ReceivedBody.of(b"")),
            error=ErrorInfo(error.kind, redact(str(error)), redact(error.hint) if error.hint else None),
        )

    async def _prepared(self, names: Sequence[str], *, fresh: bool) -> Prepared:
        session = self._session
        got = await session.resolver.resolve(self._scope, names, request=self._reference, fresh=fresh)
        self._held.update(got.values)
        self._consented.update(got.consented)
        values = self._scope.resolve(self._held, prompts=self._prompts, consented=self._consented)
        return prepare(self._whole, values, files=session.file, reference=self._reference, defaults=session.defaults)
