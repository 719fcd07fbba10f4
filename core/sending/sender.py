"""Sends a prepared request and follows it hop by hop.

    consent for every receiver ─► token or signature ─► cookies ─► the wire ─► cookies
        ▲                                                                        │
        ├── a redirect: headers that hold a secret stay behind ◄─────────────────┤
        └── a Digest challenge, a 401 whose secret was fetched anew: once ◄──────┘

Before anything of a hop leaves, even a name look-up, its origin is allowed for every secret that would go there.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from core.errors import HostNotAllowed, RequestError
from core.exchange import (
    Content,
    Exchange,
    Headers,
    Hop,
    Prepared,
    Progress,
    Response,
    SecretUse,
    Signature,
    Timing,
)
from core.hosts import Origin
from core.models import AwsSigV4Auth, DigestAuth, NtlmAuth, OAuth1Auth, OAuth2Auth
from core.redactor import Redactor
from core.secret import MASK, Secret
from core.sending import digest, receivers, redirects, showing, urls
from core.sending.cookies import Cookies, beside
from core.sending.prepare import Defaults, prepare, preview, texts
from core.sending.receivers import Approve
from core.sending.showing import Showing

if TYPE_CHECKING:
    from core.sending.leg import Answer
    from core.sending.wire import Wire

__all__ = ["Approve", "Defaults", "Refetch", "Sender", "Sign", "Token", "prepare", "preview", "texts"]

Refetch = Callable[[Sequence[str]], Awaitable[Prepared | None]]
"""Fetches these variables anew and prepares again; None when no value changed."""
Token = Callable[[OAuth2Auth, Secret | None], Awaitable[Secret | None]]
"""The access token for an OAuth 2 auth with its real values, in place of one that a server refused; None: there is no
other."""
Sign = Callable[[Prepared], Awaitable[Signature]]
"""What signs a request with OAuth 1 or SigV4; it is given each hop as a request of its own."""

ACCESS_TOKEN = "access token"  # noqa: S105  # a name
REFETCHED = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


class Sender:
    """Long-lived connections to any number of servers; one object serves a whole session, on one event loop."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self.alone = False
        """Nothing else needs the event loop while a request is on the wire: the loop's own thread may wait for the
        answer, which `interrupt` ends."""
        self._wire: Wire | None = None
        self._closed = False

    @property
    def wire(self) -> Wire:
        if self._wire is None:
            # Its library takes longer to import than a small request to send.
            from core.sending.wire import Wire

            self._wire = Wire()
            if self._closed:
                self._wire.close()
        return self._wire

    async def send(
        self,
        prepared: Prepared,
        *,
        approve: Approve,
        environment: str = "",
        cookies: Cookies | None = None,
        refetch: Refetch | None = None,
        token: Token | None = None,
        sign: Sign | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Exchange:
        """Send and receive; cancelling the task ends the exchange at once. Raises RequestError, HostNotAllowed."""
        started_at, started = datetime.now(UTC), time.monotonic()
        trip = _Trip(self, prepared, approve, cookies, token, sign, progress)
        answer = await trip.follow()
        stale = sorted(name for name, use in prepared.uses.items() if use.refetch_on_401)
        if answer.status == 401 and stale and refetch is not None and _repeatable(prepared):
            again = await refetch(stale)
            if again is not None:
                answer.body.close()
                listed = " and ".join(f'"{name}"' for name in stale)
                first, trip = trip, _Trip(self, again, approve, cookies, token, sign, progress)
                trip.notes += [
                    *first.notes,
                    f"the answer was 401; {listed} had changed in the vault, and it was sent again",
                ]
                answer = await trip.follow()
        return trip.exchange(answer, environment, started_at, time.monotonic() - started)

    def needs(self, prepared: Prepared) -> Sequence[tuple[SecretUse, str]]:
        """What this user has to approve before the request is sent, redirects not looked into; sends nothing.

        Raises HostNotAllowed where a variable's own `allowed_hosts` forbids the host.
        """
        found: list[tuple[SecretUse, str]] = []

        def noted(use: SecretUse, what: str) -> bool:
            found.append((use, what))
            return True

        _Trip(self, prepared, noted, None, None, None, None).ask_consent()
        return found

    def interrupt(self) -> None:
        """From a handler of signals, which cancels the task as well."""
        if self._wire is not None:
            self._wire.interrupt()

    def close(self) -> None:
        """End every connection; exchanges under way fail."""
        self._closed = True
        if self._wire is not None:
            self._wire.close()


class _Trip:
    """One prepared request on its way."""

    def __init__(
        self,
        sender: Sender,
        prepared: Prepared,
        approve: Approve,
        cookies: Cookies | None,
        token: Token | None,
        sign: Sign | None,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self._redactor = sender.redactor
        self._wire = sender.wire
        self._alone = sender.alone
        self._prepared = prepared
        self._approve = approve
        options = prepared.request.options
        self._sent_cookies = cookies if options.send_cookies else None
        self._kept_cookies = cookies if options.store_cookies else None
        self._token = token
        self._sign = sign
        self._progress = progress
        self._method = prepared.method
        self._url = prepared.url
        self._headers = prepared.headers
        self._content = prepared.content
        self._route = prepared.route
        self._held = dict(prepared.held)
        self._derived = prepared.derived
        self._label = urls.shown_origin(prepared.shown.url)
        self._at_home = True
        """No redirect has led to another origin yet."""
        self._showing = Showing(prepared.shown, sender.redactor)
        """Of the first hop."""
        self._answers: list[Answer] = []
        self.hops: list[Hop] = []
        self.notes: list[str] = []

    async def follow(self) -> Answer:
        """Send, and go where the answers say, until one is the last."""
        prepared = self._prepared
        options = prepared.request.options
        origin = self.ask_consent()
        token = await self._add_token(prepared.auth) if isinstance(prepared.auth, OAuth2Auth) else None
        deadline = time.monotonic() + prepared.timeout
        challenged = False
        while True:
            answer = await self._carry(origin, *await self._complete(origin), deadline)
            if self._kept_cookies is not None:
                self.notes += self._kept_cookies.store(self._url, answer.headers, self._redactor.redact)
            if isinstance(prepared.auth, DigestAuth) and answer.status == 401 and self._at_home and not challenged:
                challenged = True
                given = digest.answer(prepared.auth, self._method, self._url, answer.headers)
                if given is not None:
                    answer.body.close()
                    self._set("Authorization", given, f"Digest {MASK}")
                    continue
            if isinstance(prepared.auth, OAuth2Auth) and answer.status == 401 and self._at_home and not challenged:
                challenged = True
                if _repeatable(prepared) and await self._add_token(prepared.auth, token) is not None:
                    answer.body.close()
                    self.notes.append("the answer was 401; the access token was renewed, and it was sent again")
                    continue
            target = redirects.location(answer.status, answer.headers)
            if target is None or not options.follow_redirects:
                return answer
            answer.body.close()
            if len(self.hops) >= options.max_redirects:
                raise RequestError(
                    f"the server redirects more than {options.max_redirects} times",
                    kind="protocol",
                    hint="raise options.max_redirects, or set options.follow_redirects = false to see the first answer",
                )
            origin = self._redirect(answer.status, target, origin)

    def exchange(self, answer: Answer, environment: str, started_at: datetime, total_s: float) -> Exchange:
        prepared = self._prepared
        if answer.note is not None:
            self.notes.append(answer.note)
        return Exchange(
            id=uuid.uuid4().hex,
            reference=prepared.reference,
            environment=environment,
            started_at=started_at,
            method=prepared.method,
            shown=self._showing.shown(),
            secrets_used=tuple(sorted(prepared.uses)),
            timing=Timing(
                total_ms=total_s * 1000,
                connect_ms=_ms(given.connect_s for given in self._answers),
                tls_ms=_ms(given.tls_s for given in self._answers),
                first_byte_ms=_ms(given.first_byte_s for given in self._answers),
                download_ms=_ms(given.download_s for given in self._answers),
            ),
            response=Response(
                answer.status,
                answer.reason,
                answer.http_version,
                answer.headers,
                answer.body,
                answer.truncated,
                answer.late,
            ),
            hops=tuple(self.hops),
            notes=tuple(self._redactor.redact(note) for note in self.notes),
        )

    async def _carry(self, origin: Origin, url: str, headers: Headers, content: Content, deadline: float) -> Answer:
        follows = self._prepared.request.options.follow_redirects

        def keep(status: int, received: Headers) -> bool:
            return not follows or redirects.location(status, received) is None

        from core.sending.leg import Leg

        auth = self._prepared.auth
        leg = Leg(
            method=self._method,
            url=url,
            headers=headers,
            content=content,
            route=self._route,
            origin=origin,
            label=self._label,
            deadline=deadline,
            limit_s=self._prepared.timeout,
            login=auth if isinstance(auth, NtlmAuth) and self._at_home else None,
        )
        answer = await self._wire.carry(leg, keep, self._progress, here=self._alone)
        self._answers.append(answer)
        return answer

    # Consent

    def ask_consent(self) -> Origin:
        """The origin that is sent to first; HostNotAllowed unless every receiver may have what it would get."""
        origin = Origin.of(self._url)
        self._check(origin)
        self._check_elsewhere()
        return origin

    def _check(self, origin: Origin, came_from: str = "") -> None:
        """Raise HostNotAllowed unless every secret that would go to `origin` may."""
        going, derived = receivers.split(self._held, self._prepared)
        derived = [*derived, *self._derived]
        if not going and not derived:
            return
        self._allow(origin, going, came_from=came_from)
        self._allow(origin, derived, came_from=came_from, itself=False)
        for named in receivers.named(origin, self._headers):
            # One address serves many names: what stands in Host is who gets the request.
            label = self._redactor.redact(str(named))
            self._allow(named, going, label=label)
            self._allow(named, derived, label=label, itself=False)

    def _allow(
        self, origin: Origin, uses: Iterable[SecretUse], *, label: str = "", came_from: str = "", itself: bool = True
    ) -> None:
        receivers.check(
            uses,
            origin,
            receivers.terms(self._prepared, origin),
            self._approve,
            label=label or self._label,
            redirected_from=came_from,
            itself=itself,
        )

    def _check_elsewhere(self) -> None:
        prepared = self._prepared
        for place in prepared.elsewhere:
            origin = receivers.origin_of(place)
            uses = (prepared.uses[name] for name in sorted(place.names))
            receivers.check(uses, origin, (), self._approve, label=self._redactor.redact(str(origin)))

    # What sending adds to the headers

    async def _complete(self, origin: Origin) -> tuple[str, Headers, Content]:
        """The address, headers and body of this hop."""
        headers = self._with_cookies(origin)
        auth = self._prepared.auth
        if isinstance(auth, NtlmAuth) and self._at_home:
            self._show("Authorization", f"NTLM {MASK}")
        if not (isinstance(auth, OAuth1Auth | AwsSigV4Auth) and self._at_home):
            return self._url, headers, self._content
        if self._sign is None:
            raise RequestError("signatures are not available here", kind="request")
        signed = await self._sign(
            replace(self._prepared, method=self._method, url=self._url, headers=headers, content=self._content)
        )
        for name, value in signed.headers:
            headers = _with(headers, name, value)
        if not self.hops:
            self._showing.signature(signed)
        content = self._content if signed.content is None else signed.content
        return signed.url or self._url, headers, content

    async def _add_token(self, auth: OAuth2Auth, refused: Secret | None = None) -> Secret | None:
        if self._token is None:
            raise RequestError("OAuth 2 tokens are not available here", kind="request")
        token = await self._token(auth, refused)
        if token is not None:
            self._redactor.add(ACCESS_TOKEN, token)
            self._set("Authorization", f"Bearer {token.reveal()}", f"Bearer {MASK}")
        return token

    def _with_cookies(self, origin: Origin) -> Headers:
        kept = self._sent_cookies.matching(self._url) if self._sent_cookies is not None else ()
        written = next((value for name, value in self._headers if name.lower() == "cookie"), "")
        fresh = beside(written, kept)
        if not fresh:
            return self._headers
        pairs = "; ".join(cookie.pair for cookie in fresh)
        uses = self._prepared.uses
        names = self._redactor.names_in(pairs) & uses.keys()
        try:
            self._allow(origin, [uses[name] for name in sorted(names)])
        except HostNotAllowed:
            self.notes.append(f'cookies that hold a secret were not sent to "{self._label}"')
            return self._headers
        shown = next((value for name, value in self._prepared.shown.headers if name.lower() == "cookie"), "")
        self._show("Cookie", "; ".join(filter(None, (shown, *(cookie.shown for cookie in fresh)))))
        return _with(self._headers, "Cookie", f"{written}; {pairs}" if written else pairs)

    def _set(self, name: str, value: str, shown: str) -> None:
        self._headers = _with(self._headers, name, value)
        self._show(name, shown)

    def _show(self, name: str, shown: str) -> None:
        if not self.hops:
            self._showing.header(name, shown)

    # Redirects

    def _redirect(self, status: int, target: str, origin: Origin) -> Origin:
        """Turn to where an answer points, once every secret that would go there may."""
        redact, uses = self._redactor.redact, self._prepared.uses

        def sensitive(name: str, value: str) -> bool:
            return (
                name in self._prepared.log_in
                or f"header:{name}" in self._held
                or (bool(self._derived) and redirects.filled(name, self._prepared.request.headers))
                or bool(self._redactor.names_in(f"{name}: {value}"))
            )

        turn = redirects.follow(
            status, target, method=self._method, url=self._url, headers=self._headers, sensitive=sensitive
        )
        shown = self._prepared.shown.url if not self.hops else self.hops[-1].location
        location = showing.address(turn.url, self._redactor)
        self.hops.append(Hop(self._method, redact(shown), status, location, turn.dropped))
        names = self._redactor.names_in(turn.url)
        if turn.origin != origin:
            self._at_home = False
            self._label = redact(str(turn.origin))
            self._held = {"body": self._held.get("body", frozenset())}
            if self._prepared.proxy_for is not None:
                self._route = replace(self._route, proxy=self._prepared.proxy_for(turn.origin))
        if not turn.keeps_body:
            self._held.pop("body", None)
            self._content = None
        if turn.origin != origin and self._content is None:
            self._derived = ()
        self._held["url"] = names & uses.keys()
        if ACCESS_TOKEN in names:
            self._held["auth"] = self._prepared.held.get("auth", frozenset())
        self._method, self._url, self._headers = turn.method, turn.url, turn.headers
        self._check(turn.origin, came_from=urls.shown_origin(self.hops[-1].url))
        return turn.origin


def _with(headers: Headers, name: str, value: str) -> Headers:
    """The headers with this one in place of those of its name."""
    return (*(pair for pair in headers if pair[0].lower() != name.lower()), (name, value))


def _ms(seconds: Iterable[float | None]) -> float | None:
    known = [each for each in seconds if each is not None]
    return sum(known) * 1000 if known else None


def _repeatable(prepared: Prepared) -> bool:
    """Whether it does no harm when a server is sent it twice."""
    return prepared.method in REFETCHED or prepared.request.options.retry_unsafe
