"""One request as it is about to be sent, and what came of it: shared by sending, history, checks, runs and reports."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Literal

import msgspec

from core.hosts import Origin
from core.models import AwsSigV4Auth, Check, DigestAuth, NtlmAuth, OAuth1Auth, OAuth2Auth, Request
from core.secret import Secret
from core.structs import Struct

Headers = tuple[tuple[str, str], ...]
_BLOCK = 1 << 20


class CertificateFiles(Struct, frozen=True):
    """A client certificate on this machine; `password` opens the key."""

    cert: str
    key: str | None = None
    password: Secret | None = None


class Route(Struct, frozen=True):
    """How the connection is made; one long-lived client serves each distinct route. Paths are absolute."""

    unshown = frozenset({"client_certificate", "proxy"})

    verify_tls: bool = True
    ca_file: str | None = None
    ca_digest: str = ""
    """Start of the SHA-256 of the CA file: other authorities make another route, and ask for consent anew."""
    client_certificate: CertificateFiles | None = None
    proxy: str | None = None
    """With its user name and password; None for a direct connection."""
    http2: bool = False


class SecretUse(Struct, frozen=True):
    """That a request holds a secret: its rules, never its value."""

    name: str
    credential: str = ""
    """The workspace's credential name for a linked variable; empty for a value of the local store or of this run."""
    allowed_hosts: tuple[str, ...] | None = None
    refetch_on_401: bool = False
    consented: bool = False
    """Consent is in the environment or the command line: hosts need no approval, only `allowed_hosts` restricts."""


class Shown(Struct, frozen=True):
    """The request with names instead of secrets: all that a screen, a report or the history may hold."""

    url: str
    headers: Headers
    body: str
    """Text, or a line that describes bytes; empty without a body."""


class FileContent(Struct, frozen=True):
    """A body streamed from a file of this machine."""

    path: str
    size: int


Content = bytes | FileContent | Sequence[bytes | FileContent] | None


def digest(content: Content, algorithm: str) -> bytes:
    """Of a whole body; what stands in files is read; blocks."""
    found = hashlib.new(algorithm)
    for piece in (content,) if isinstance(content, bytes | FileContent) else content or ():
        if isinstance(piece, bytes):
            found.update(piece)
            continue
        with Path(piece.path).open("rb") as file:
            while block := file.read(_BLOCK):
                found.update(block)
    return found.digest()


StepAuth = DigestAuth | OAuth1Auth | OAuth2Auth | NtlmAuth | AwsSigV4Auth
"""The kinds of auth that need an answer, a token, a signature or a log-in, and so a step while sending."""


class Signature(Struct, frozen=True):
    """What signs one hop."""

    unshown = frozenset({"headers", "url", "content"})

    headers: Headers = ()
    """In place of those of their names."""
    url: str | None = None
    """With the parameters in its query; None: as it was."""
    content: bytes | None = None
    """With the parameters behind the fields of the form; None: as it was."""
    parameters: tuple[str, ...] = ()
    """Names of the parameters that were put into the url or the content, in their order."""


class Destination(Struct, frozen=True):
    """A server besides the request's own that is given secrets while sending."""

    unshown = frozenset({"url"})

    purpose: Literal["token", "proxy"]
    url: str
    names: frozenset[str]
    """The variables it is given, in any form."""


class Expectation(Struct, frozen=True):
    """A check with its real values, and the name that reports give it."""

    unshown = frozenset({"check"})

    name: str
    check: Check


class Prepared(Struct, frozen=True):
    """A request with every template rendered, ready to send; what it shows of itself has names instead of secrets."""

    unshown = frozenset({"url", "headers", "content", "auth", "proxy_for"})

    reference: str
    """Path below `requests/` without `.toml`; empty for a request without a file."""
    request: Request
    """As in its file, merged with what its folders give it."""
    method: str
    url: str
    headers: Headers
    content: Content
    shown: Shown
    uses: Mapping[str, SecretUse]
    """Every secret of the request, wherever it goes."""
    route: Route
    timeout: float
    """Seconds for the whole exchange."""
    auth: StepAuth | None = None
    """With its real values."""
    derived: tuple[SecretUse, ...] = ()
    """Secrets of earlier requests whose answers gave what this one captured of them."""
    held: Mapping[str, frozenset[str]] = msgspec.field(default_factory=dict)
    """Which secrets stand where in what the request's own host receives: url, body, auth, header:NAME (lower case)."""
    elsewhere: tuple[Destination, ...] = ()
    terms: tuple[str, ...] = ()
    """What the request asks of the route that this user has to approve before a secret takes it (see `core.hosts`)."""
    expectations: tuple[Expectation, ...] = ()
    log_in: frozenset[str] = frozenset()
    """Lower-case names of the headers that auth set: they never leave the origin."""
    proxy_for: Callable[[Origin], str | None] | None = None
    """The proxy for another origin that a redirect leads to; None where the request itself names one."""

    @property
    def guarded(self) -> frozenset[SecretUse]:
        """The secrets that the request's own host gets, or what they gave, by this user's approval."""
        names = frozenset[str]().union(*self.held.values())
        return frozenset(use for name in names if not (use := self.uses[name]).consented)


class Timing(Struct, frozen=True):
    """Where the time went, in milliseconds; None where a phase did not happen (a kept connection has no connect)."""

    total_ms: float
    connect_ms: float | None = None
    """Name look-up and TCP connect."""
    tls_ms: float | None = None
    first_byte_ms: float | None = None
    """From the request written to the first byte of the answer."""
    download_ms: float | None = None


class Hop(Struct, frozen=True):
    """One answer that sent us elsewhere, redacted."""

    method: str
    url: str
    status: int
    location: str
    dropped: tuple[str, ...] = ()
    """Headers not sent to the next origin, because it is another."""


class Response(Struct, frozen=True):
    """An answer as received. `body` is the decoded content: shown by a Redactor, as received by Save, -o, --raw."""

    unshown = frozenset({"headers", "body"})

    status: int
    reason: str
    http_version: str
    headers: Headers
    body: ReceivedBody
    truncated: str | None = None
    """Why the body is not whole, None where it is."""
    late: bool = False
    """Whether that is because the time limit came first."""


class ReceivedBody:
    """The bytes of an answer: in memory up to a limit, past it in an unlinked file that only this process can open.

    May be read from several threads; the file's space is free again when the object is gone or closed.
    """

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.size = size

    @classmethod
    def of(cls, data: bytes) -> ReceivedBody:
        return cls(io.BytesIO(data), len(data))

    def read(self, offset: int = 0, length: int = -1) -> bytes:
        with self._lock:
            self._file.seek(offset)
            return self._file.read(length)

    def close(self) -> None:
        self._file.close()

    def __del__(self) -> None:
        self._file.close()

    def __repr__(self) -> str:
        return f"ReceivedBody({self.size} bytes)"


class Progress(Struct, frozen=True):
    """How far an exchange is, some times a second."""

    phase: Literal["preparing", "connecting", "sending", "waiting", "receiving"]
    sent: int = 0
    received: int = 0
    """Bytes of the body, before decoding."""
    total: int | None = None
    """As the server announced it."""
    stop: Callable[[], None] | None = None
    """Ends the body where it is: what came of it is the answer."""


class CheckResult(Struct, frozen=True):
    name: str
    passed: bool
    message: str = ""
    """What was found instead, redacted."""


class ErrorInfo(Struct, frozen=True):
    """A failure as reports name it, redacted."""

    kind: str
    message: str
    hint: str | None = None


class Exchange(Struct, frozen=True, weakref=True):
    """A request as sent, plus its answer. `shown` is redacted; the response is as received."""

    unshown = frozenset({"captured"})

    id: str
    reference: str
    environment: str
    started_at: datetime
    method: str
    shown: Shown
    secrets_used: tuple[str, ...]
    timing: Timing
    response: Response
    hops: tuple[Hop, ...] = ()
    notes: tuple[str, ...] = ()
    """What happened on the way: a secret was fetched anew after a 401, a cookie was refused, a script wrote text."""
    checks: tuple[CheckResult, ...] = ()
    captured: Mapping[str, str | Secret] = msgspec.field(default_factory=dict)
    script_error: ErrorInfo | None = None
    """Why the script after the response has no result."""
    error: ErrorInfo | None = None
    """Why there is no answer: `response` is then an empty one with status 0. Only the history has such exchanges."""


Outcome = Literal["passed", "failed", "error", "skipped"]


def outcome_of(exchange: Exchange) -> tuple[Outcome, ErrorInfo | None]:
    """What an answer comes to, with why where that is an error. Without checks a status below 400 passes."""
    if exchange.response.truncated is not None:
        kind = "timeout" if exchange.response.late else "protocol"
        return "error", ErrorInfo(kind, f"the body is not whole: {exchange.response.truncated}")
    if exchange.script_error is not None:
        return "error", exchange.script_error
    passed = all(check.passed for check in exchange.checks) if exchange.checks else exchange.response.status < 400
    return "passed" if passed else "failed", None


class Result(Struct, frozen=True):
    """What a run says of one request."""

    unshown = frozenset({"exchange"})

    reference: str
    iteration: int
    outcome: Outcome
    method: str
    url: str
    exchange: Exchange | None = None
    error: ErrorInfo | None = None
    attempts: int = 1
    """How often it was sent or tried; 0 for a skipped one."""
    notes: tuple[str, ...] = ()
    """What happened on the way, redacted."""


class RunStarted(Struct, frozen=True):
    workspace: str
    environment: str
    started_at: datetime
    total: int


class RequestStarted(Struct, frozen=True):
    reference: str
    iteration: int


class RequestFinished(Struct, frozen=True):
    result: Result


class RunFinished(Struct, frozen=True):
    duration_ms: float
    interrupted: bool = False


RunEvent = RunStarted | RequestStarted | RequestFinished | RunFinished
