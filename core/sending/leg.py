"""One leg of an exchange: a request written on a connection, its answer read into a private body."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from types import GeneratorType
from typing import cast
from urllib.parse import urlsplit

from core.errors import RequestError
from core.exchange import Content, FileContent, Headers, Progress, ReceivedBody, Route
from core.hosts import DEFAULT_PORTS, Origin
from core.models import NtlmAuth
from core.sending.connecting import Aborted, KeptConnection, Watch
from core.sending.receiving import BadEncoding, Spool, TooLarge, decoder
from core.sending.transport import httpcore
from core.structs import Struct

DISCARD_LIMIT = 64 * 1024
"""What is read of a body that nobody wants, so that its connection can be used again."""
BLOCK = 64 * 1024


class Leg(Struct, frozen=True):
    """One request for the wire."""

    unshown = frozenset({"url", "headers", "content", "route", "login"})

    method: str
    url: str
    headers: Headers
    content: Content
    route: Route
    origin: Origin
    label: str
    """`origin` as messages may name it."""
    deadline: float
    """In terms of `time.monotonic`."""
    limit_s: float
    """The time limit as the user set it, for the message."""
    login: NtlmAuth | None = None
    """Who its connection is logged in as."""

    @property
    def address(self) -> httpcore.URL:
        origin, parts = self.origin, urlsplit(self.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        # A proxy is told the port only where it is another than the scheme's own.
        port = None if DEFAULT_PORTS[origin.scheme] == origin.port else origin.port
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        return httpcore.URL(scheme=origin.scheme.encode(), host=host.encode(), port=port, target=target.encode("ascii"))


class Answer(Struct, frozen=True):
    unshown = frozenset({"headers"})

    status: int
    reason: str
    http_version: str
    headers: Headers
    body: ReceivedBody
    truncated: str | None
    late: bool
    note: str | None
    connect_s: float | None
    tls_s: float | None
    first_byte_s: float | None
    download_s: float | None


Keep = Callable[[int, Headers], bool]
"""Whether the body of such an answer is wanted; called in the worker's thread."""


def exchange(
    connection: KeptConnection, leg: Leg, watch: Watch, keep: Keep, tell: Callable[[Progress], None]
) -> Answer:
    """Write the request on the connection and read the answer; errors are httpcore's, and RequestError."""
    tell(Progress("connecting"))
    written = 0.0

    def traced(event: str, _: object) -> None:
        nonlocal written
        if event == "http2.send_request_body.complete":
            written = time.monotonic()
            if not leg.content:
                tell(Progress("waiting"))

    request = httpcore.Request(
        leg.method.encode(),
        leg.address,
        headers=[(name.encode(), value.encode()) for name, value in leg.headers],
        content=_blocks(leg.content, tell),
        # HTTP/2 writes beside the request, reads what is no answer before one, and takes no body that is empty.
        extensions={"trace": traced} if leg.route.http2 else None,
    )
    with _translated():
        response = connection.handle_request(request)
    version = response.extensions.get("http_version", b"").decode("latin-1")
    first_read = watch.first_read if watch.first_read and not written else time.monotonic()
    last_write = written or watch.last_write
    spool, behind = Spool(), 0
    stream = cast("GeneratorType[bytes, None, None]", _stream(response))
    try:
        headers = tuple((_text(name), _text(value)) for name, value in response.headers)
        truncated, note = _receive(response.status, headers, stream, spool, watch, keep, tell)
        if watch.aborted:
            # A body that ends with its connection would pass for a whole one.
            raise Aborted
        late = truncated is None and watch.expired and not watch.stopped
        if truncated is None and watch.stopped:
            truncated = "it was stopped"
        elif late:
            truncated = f"it had not ended after {leg.limit_s:g} s"
        behind = _behind(response)
        if behind and truncated is None and note is None:
            note = f"{behind:,} bytes came that are no part of the answer"
    except BaseException:
        spool.close()
        raise
    finally:
        watch.release()
        with suppress(httpcore.NetworkError, httpcore.ProtocolError):
            response.close()
        if behind or stream.gi_frame is not None:
            # The next request on this connection would take those bytes for its answer. In HTTP/2 the rest of a body
            # that was not read to its end would take up room for good.
            connection.close()
    ended = time.monotonic()
    reason = _text(response.extensions.get("reason_phrase", b""))
    return Answer(
        status=response.status,
        reason=reason or _phrase(response.status),
        http_version=version,
        headers=headers,
        body=spool.body(),
        truncated=truncated,
        late=late,
        note=note,
        connect_s=watch.connect_s or None,
        tls_s=watch.tls_s,
        first_byte_s=max(0.0, first_read - last_write),
        download_s=ended - first_read,
    )


def _receive(
    status: int,
    headers: Headers,
    stream: Iterator[bytes],
    spool: Spool,
    watch: Watch,
    keep: Keep,
    tell: Callable[[Progress], None],
) -> tuple[str | None, str | None]:
    """Read the body into the spool; why it is not whole, unless the watch knows, and what else there is to say."""
    received = 0
    if not keep(status, headers):
        for block in stream:
            received += len(block)
            if received > DISCARD_LIMIT:
                break
        return None, None
    encodings: list[str] = []
    total = None
    for name, value in headers:
        lowered = name.lower()
        if lowered == "content-encoding":
            encodings.extend(part.strip().lower() for part in value.split(","))
        elif lowered == "content-length" and value.isdigit():
            total = int(value)
    decode, left_encoded = decoder(encodings)
    note = f'the body is encoded as "{left_encoded}" and kept as it came' if left_encoded else None
    tell(Progress("receiving", total=total, stop=watch.stop))
    try:
        for block in stream:
            received += len(block)
            decode.feed(block, spool)
            tell(Progress("receiving", received=received, total=total, stop=watch.stop))
        decode.finish(spool)
    except TooLarge:
        return f"the body is larger than {spool.size:,} bytes, the rest was not read", note
    except BadEncoding:
        return None if watch.expired or watch.stopped else f"the body is not valid {' '.join(encodings)}", note
    except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.ReadTimeout) as error:
        if watch.aborted:
            raise
        with suppress(BadEncoding, TooLarge):
            decode.finish(spool)
        watch.expired = watch.expired or isinstance(error, httpcore.ReadTimeout)
        if watch.expired or watch.stopped:
            return None, note
        announced = f" of {total:,}" if total is not None else ""
        return f"the connection broke after {received:,}{announced} bytes", note
    return None, note


def _behind(response: httpcore.Response) -> int:
    """Bytes that came behind the answer. Only the library's own state knows of them, and it looks for none."""
    state = getattr(getattr(response.stream, "_connection", None), "_h11_state", None)
    return len(state.trailing_data[0]) if state is not None else 0


def _stream(response: httpcore.Response) -> Iterator[bytes]:
    with _translated():
        yield from cast(Iterable[bytes], response.stream)


@contextmanager
def _translated() -> Iterator[None]:
    """What an answer breaks in the libraries below httpcore, in HTTP/2 above all, is a fault of the answer's."""
    try:
        yield
    except (
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.ProxyError,
        httpcore.TimeoutException,
        RequestError,
    ):
        raise
    except Exception as error:
        raise httpcore.RemoteProtocolError(type(error).__name__) from error


def _blocks(
    content: bytes | FileContent | Sequence[bytes | FileContent] | None, tell: Callable[[Progress], None]
) -> Iterator[bytes]:
    """The body in pieces; once the last one is taken the answer is waited for, also where there is no body."""
    sent = 0
    for part in (content,) if isinstance(content, bytes | FileContent) else content or ():
        if isinstance(part, bytes):
            for start in range(0, len(part), BLOCK):
                block = part[start : start + BLOCK]
                sent += len(block)
                yield block
                if len(part) > BLOCK:
                    tell(Progress("sending", sent=sent))
            continue
        left = part.size
        try:
            with Path(part.path).open("rb") as file:
                while left and (block := file.read(min(BLOCK, left))):
                    left -= len(block)
                    sent += len(block)
                    yield block
                    tell(Progress("sending", sent=sent))
        except OSError as error:
            raise RequestError(
                f'the file "{part.path}" cannot be read: {(error.strerror or "it failed").lower()}', kind="disk"
            ) from error
        if left:
            raise RequestError(f'the file "{part.path}" became shorter while it was sent', kind="disk")
    tell(Progress("waiting", sent=sent))


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
