"""One leg of an exchange on the wire: a request written, its answer read into a private body, in a thread of ours.

    Wire.carry ──► an idle Worker (a daemon thread with its own connections) ──► httpcore ──► Answer
       └─ cancelled, or out of time ──► the worker's socket is shut, the worker stays

Threads with blocking sockets, because with the hand-over counted they carry 2,000 small loopback requests a second one
after the other and 2,200 sixteen at a time, where httpcore's async pool carries 1,300 and 450.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit

import httpcore

from core.connecting import Trust, Watch, WatchedBackend
from core.errors import RequestError
from core.exchange import Content, FileContent, Headers, Progress, ReceivedBody, Route
from core.failures import translated
from core.hosts import DEFAULT_PORTS, Origin
from core.receiving import BadEncoding, Spool, TooLarge, decoder

IDLE_SECONDS = 30.0
"""How long a thread and its connections wait for the next request."""
POOLS_PER_WORKER = 8
DISCARD_LIMIT = 64 * 1024
"""What is read of a body that nobody wants, so that its connection can be used again."""
BLOCK = 64 * 1024
PROGRESS_SECONDS = 0.1
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})


@dataclass(frozen=True)
class Leg:
    """One request for the wire."""

    method: str
    url: str = field(repr=False)
    headers: Headers = field(repr=False)
    content: Content = field(repr=False)
    route: Route = field(repr=False)
    label: str
    """The origin as messages may name it."""
    deadline: float
    """In terms of `time.monotonic`."""
    limit_s: float
    """The time limit as the user set it, for the message."""


@dataclass(frozen=True)
class Answer:
    status: int
    reason: str
    http_version: str
    headers: Headers = field(repr=False)
    body: ReceivedBody
    truncated: str | None
    note: str | None
    connect_s: float | None
    tls_s: float | None
    first_byte_s: float | None
    download_s: float | None


Keep = Callable[[int, Headers], bool]
"""Whether the body of such an answer is wanted; called in the worker's thread."""


class Wire:
    """Carries legs, each in a thread that keeps its connections for the next one. Used from one event loop."""

    def __init__(self) -> None:
        # These libraries log headers.
        for name in ("httpcore", "httpx", "hpack", "h2"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        self._trust = Trust()
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._closed = False

    async def carry(self, leg: Leg, keep: Keep, progress: Callable[[Progress], None] | None = None) -> Answer:
        loop = asyncio.get_running_loop()
        job = _Job(leg, keep, loop, loop.create_future(), progress)
        with self._lock:
            if self._closed:
                raise RequestError("hushpost is closing", kind="cancelled")
            worker = self._idle.pop() if self._idle else _Worker(self)
            self._busy.add(worker)
        worker.jobs.put(job)
        try:
            return await job.future
        except asyncio.CancelledError:
            job.abort()
            raise

    def close(self) -> None:
        """End idle connections now and busy ones as soon as their thread notices."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = list(self._busy)
        for worker in idle:
            worker.jobs.put(None)
        for worker in busy:
            worker.jobs.put(None)
            worker.abort()
        for worker in idle:
            worker.join(1.0)

    @property
    def trust(self) -> Trust:
        return self._trust

    def rest(self, worker: _Worker) -> None:
        with self._lock:
            self._busy.discard(worker)
            if not self._closed:
                self._idle.append(worker)

    def retire(self, worker: _Worker) -> bool:
        """Whether an idle worker may end: false when it has just been given a job."""
        with self._lock:
            if worker not in self._idle:
                return self._closed
            self._idle.remove(worker)
            return True


class _Job:
    def __init__(
        self,
        leg: Leg,
        keep: Keep,
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[Answer],
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.leg = leg
        self.keep = keep
        self.future = future
        self.watch = Watch(leg.deadline)
        self._loop = loop
        self._progress = progress
        self._told = 0.0
        self._phase = ""

    def abort(self) -> None:
        self.watch.abort()

    def tell(self, progress: Progress) -> None:
        """Pass progress on to the loop: each new phase, and within one some times a second."""
        if self._progress is None:
            return
        at = time.monotonic()
        if progress.phase != self._phase or at - self._told >= PROGRESS_SECONDS:
            self._told, self._phase = at, progress.phase
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._pass_on, progress)

    def settle(self, answer: Answer | None, error: BaseException | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._settle, answer, error)
        except RuntimeError:  # the loop has closed: nobody waits any more
            if answer is not None:
                answer.body.close()

    def _pass_on(self, progress: Progress) -> None:
        if self._progress is not None and not self.future.done():
            self._progress(progress)

    def _settle(self, answer: Answer | None, error: BaseException | None) -> None:
        if self.future.done():
            if answer is not None:
                answer.body.close()
        elif answer is not None:
            self.future.set_result(answer)
        elif error is not None:
            self.future.set_exception(error)


class _Worker(threading.Thread):
    def __init__(self, wire: Wire) -> None:
        super().__init__(name="hushpost-wire", daemon=True)
        self.jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._wire = wire
        self._backend = WatchedBackend()
        self._pools: dict[tuple[Route, bool], httpcore.ConnectionPool] = {}
        self._job: _Job | None = None
        self.start()

    def abort(self) -> None:
        job = self._job
        if job is not None:
            job.abort()

    def run(self) -> None:
        while True:
            try:
                job = self.jobs.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                if self._wire.retire(self):
                    break
                continue
            if job is None:
                break
            self._job = job
            answer: Answer | None = None
            error: Exception | None = None
            try:
                answer = self._carry(job)
            except Exception as raised:  # noqa: BLE001 - it is handed to the waiter
                error = raised
            self._job = None
            # Before the waiter wakes, so that its next request finds this worker and its open connection.
            self._wire.rest(self)
            job.settle(answer, error)
            # While this thread waits it must not keep the last answer's body alive.
            job = answer = error = None
        for pool in self._pools.values():
            pool.close()

    def _carry(self, job: _Job) -> Answer:
        leg = job.leg
        try:
            pool = self._pool(leg)
            while True:
                self._backend.watch = watch = job.watch
                try:
                    return _exchange(pool, job)
                except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError):
                    # Once more on a new connection, when the server gave up the kept one before it saw the request.
                    fresh = watch.connect_s is not None or watch.first_read or watch.aborted
                    if fresh or leg.method not in REPEATABLE:
                        raise
                    watch.connect_s = 0.0
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError) as error:
            if job.watch.aborted:
                raise RequestError("the request was cancelled", kind="cancelled") from None
            raise translated(error, leg.label, leg.limit_s, proxied=leg.route.proxy is not None) from None

    def _pool(self, leg: Leg) -> httpcore.ConnectionPool:
        # Plain http has pools of its own, which need no TLS context: building one costs more than the request.
        key = (leg.route, leg.url.startswith("https:"))
        pool = self._pools.pop(key, None)
        if pool is None:
            pool = self._open(*key)
            while len(self._pools) >= POOLS_PER_WORKER:
                self._pools.pop(next(iter(self._pools))).close()
        self._pools[key] = pool
        return pool

    def _open(self, route: Route, tls: bool) -> httpcore.ConnectionPool:
        trust = self._wire.trust
        proxy = None
        if route.proxy is not None:
            parts = urlsplit(route.proxy)
            proxy = httpcore.Proxy(
                f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/",
                auth=None
                if parts.username is None
                else (unquote(parts.username).encode(), unquote(parts.password or "").encode()),
                ssl_context=trust.context(Route()) if parts.scheme == "https" else None,
            )
        return httpcore.ConnectionPool(
            ssl_context=trust.context(route) if tls else None,
            proxy=proxy,
            max_connections=10,
            keepalive_expiry=IDLE_SECONDS,
            http2=route.http2 and tls,
            network_backend=self._backend,
        )


def _exchange(pool: httpcore.ConnectionPool, job: _Job) -> Answer:
    leg, watch = job.leg, job.watch
    job.tell(Progress("connecting"))
    request = httpcore.Request(
        leg.method.encode(),
        _url(leg.url),
        headers=[(name.encode(), value.encode()) for name, value in leg.headers],
        content=leg.content if isinstance(leg.content, bytes) else _blocks(leg.content, job),
    )
    response = pool.handle_request(request)
    spool = Spool()
    try:
        headers = tuple((_text(name), _text(value)) for name, value in response.headers)
        truncated, note = _receive(response, headers, spool, job)
    except BaseException:
        spool.close()
        raise
    finally:
        with suppress(httpcore.NetworkError, httpcore.ProtocolError):
            response.close()
    ended = time.monotonic()
    first_read = watch.first_read or ended
    reason = response.extensions.get("reason_phrase", b"").decode("latin-1")
    return Answer(
        status=response.status,
        reason=reason or _phrase(response.status),
        http_version=response.extensions.get("http_version", b"").decode("latin-1"),
        headers=headers,
        body=spool.body(),
        truncated=truncated,
        note=note,
        connect_s=watch.connect_s or None,
        tls_s=watch.tls_s,
        first_byte_s=max(0.0, first_read - watch.last_write),
        download_s=ended - first_read,
    )


def _receive(response: httpcore.Response, headers: Headers, spool: Spool, job: _Job) -> tuple[str | None, str | None]:
    """Read the body into the spool; why it is not whole, and what else there is to say of it."""
    stream = cast(Iterable[bytes], response.stream)
    received = 0
    if not job.keep(response.status, headers):
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
    try:
        for block in stream:
            received += len(block)
            decode.feed(block, spool)
            job.tell(Progress("receiving", received=received, total=total))
        decode.finish(spool)
    except TooLarge:
        return f"the body is larger than {spool.size:,} bytes, the rest was not read", note
    except BadEncoding:
        return f"the body is not valid {' '.join(encodings)}", note
    except (httpcore.RemoteProtocolError, httpcore.ReadError):
        if job.watch.aborted:
            raise
        with suppress(BadEncoding, TooLarge):
            decode.finish(spool)
        announced = f" of {total:,}" if total is not None else ""
        return f"the connection broke after {received:,}{announced} bytes", note
    return None, note


def _blocks(content: FileContent | Sequence[bytes | FileContent] | None, job: _Job) -> Iterator[bytes]:
    if content is None:
        return
    sent = 0
    for part in (content,) if isinstance(content, FileContent) else content:
        if isinstance(part, bytes):
            sent += len(part)
            yield part
            continue
        left = part.size
        try:
            with Path(part.path).open("rb") as file:
                while left and (block := file.read(min(BLOCK, left))):
                    left -= len(block)
                    sent += len(block)
                    yield block
                    job.tell(Progress("sending", sent=sent))
        except OSError as error:
            raise RequestError(
                f'the file "{part.path}" cannot be read: {(error.strerror or "it failed").lower()}', kind="disk"
            ) from error
        if left:
            raise RequestError(f'the file "{part.path}" became shorter while it was sent', kind="disk")
    job.tell(Progress("waiting", sent=sent))


@lru_cache(maxsize=256)
def _url(url: str) -> httpcore.URL:
    origin = Origin.of(url)
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    port = None if DEFAULT_PORTS[origin.scheme] == origin.port else origin.port
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return httpcore.URL(scheme=origin.scheme.encode(), host=host.encode(), port=port, target=target.encode("ascii"))


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
