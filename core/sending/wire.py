"""The wire: threads of ours that carry the legs of exchanges, each with connections of its own.

    Wire.carry ──► an idle Worker (a daemon thread with its own connections) ──► httpcore ──► Answer
       └─ cancelled, or out of time ──► the worker's socket is shut, the worker stays

Where nothing else needs the calling thread, as in a run of one request after the other, it takes the worker's open
connection itself: two changes of thread cost as much as building the request.

Threads with blocking sockets, because with the hand-over counted they carry 2,000 small loopback requests a second one
after the other and 2,200 sixteen at a time, where httpcore's async pool carries 1,300 and 450.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from urllib.parse import unquote, urlsplit

import msgspec

from core.errors import RequestError
from core.exchange import Content, Progress, Route
from core.hosts import Origin
from core.sending.connecting import KeptConnection, Trust, Watch, WatchedBackend
from core.sending.failures import translated
from core.sending.leg import Answer, Keep, Leg, exchange
from core.sending.socks import SocksBackend
from core.sending.transport import httpcore

IDLE_SECONDS = 30.0
"""How long a thread and its connections wait for the next request."""
CONNECTIONS_PER_WORKER = 16
PROGRESS_SECONDS = 0.1
GRACE_SECONDS = 0.2
"""What a thread gets beyond the time limit to say itself what it was waiting for."""
AT_ONCE = 16 * 1024
"""What finds room in the buffer of any socket."""
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})

_TIMEOUTS: dict[str, type[httpcore.TimeoutException]] = {
    "sending": httpcore.WriteTimeout,
    "waiting": httpcore.ReadTimeout,
}
"""By the phase that took too long."""


class Wire:
    """Carries legs, each in a thread that keeps its connections for the next one. Used from one event loop."""

    def __init__(self) -> None:
        # These libraries log headers.
        for name in ("httpcore", "httpx", "hpack", "h2", "spnego"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        self._trust = Trust()
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._closed = False
        self._here: _Job | None = None

    async def carry(
        self, leg: Leg, keep: Keep, progress: Callable[[Progress], None] | None = None, *, here: bool = False
    ) -> Answer:
        """`here`: the calling thread may wait for the answer, and `interrupt` ends that."""
        loop = asyncio.get_running_loop()
        job = _Job(leg, keep, loop, loop.create_future(), progress)
        with self._lock:
            if self._closed:
                raise RequestError("hushpost is closing", kind="cancelled")
            worker = self._idle.pop() if self._idle else _Worker(self)
            self._busy.add(worker)
        # Through a proxy TLS may stand within TLS, where each piece that is read gets the whole time anew, as does each
        # that is written of what a server is slow to take; a log-in may make a connection in between.
        here = here and leg.route.proxy is None and leg.login is None and _at_once(leg.content)
        if here and (answer := await self._carry_here(worker, job)) is not None:
            return answer
        worker.jobs.put(job)
        # Nothing ends a name look-up or a trickling handshake from outside: then the thread is left to itself.
        timer = loop.call_later(max(0.0, leg.deadline - time.monotonic()) + GRACE_SECONDS, job.expire)
        try:
            return await job.future
        except asyncio.CancelledError:
            job.abort()
            raise
        finally:
            timer.cancel()

    async def _carry_here(self, worker: _Worker, job: _Job) -> Answer | None:
        """None where no connection is open: making one can take longer than its time limit, and nothing ends it."""
        try:
            # Before the loop's turn: a signal that comes in it cancels the task only after the next one.
            self._here = job
            # Between two requests the loop has its turn, and a run that was cancelled ends.
            await asyncio.sleep(0)
            answer = worker.carry(job, kept=True)
        except BaseException:
            self.rest(worker)
            if job.watch.aborted:
                await asyncio.sleep(0)
            raise
        finally:
            self._here = None
        if answer is not None:
            self.rest(worker)
        return answer

    def interrupt(self) -> None:
        """End what the calling thread waits for; from a handler of signals, which has cancelled the task too."""
        if self._here is not None:
            self._here.abort()

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

    def expire(self) -> None:
        """Out of time, whatever the thread is doing."""
        if self._phase == "receiving":
            # The thread is in no call without an end, and hands over what came.
            self.watch.expire()
            return
        self.abort()
        if not self.future.done():
            timeout = _TIMEOUTS.get(self._phase, httpcore.ConnectTimeout)
            self.future.set_exception(_translated(timeout(), self.leg))

    def tell(self, progress: Progress) -> None:
        """Pass progress on to the loop: each new phase, and within one some times a second."""
        another, self._phase = progress.phase != self._phase, progress.phase
        if self._progress is None:
            return
        at = time.monotonic()
        if another or at - self._told >= PROGRESS_SECONDS:
            self._told = at
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
        self._kept: dict[tuple[Route, Origin, bytes], KeptConnection] = {}
        """The one used last at the end."""
        self._salt = secrets.token_bytes(32)
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
                answer = self.carry(job)
            except Exception as raised:  # noqa: BLE001 - it is handed to the waiter
                error = raised
            self._job = None
            # Before the waiter wakes, so that its next request finds this worker and its open connection.
            self._wire.rest(self)
            job.settle(answer, error)
            # While this thread waits it must not keep the last answer's body alive.
            job = answer = error = None
        for connection in self._kept.values():
            connection.close()

    def carry(self, job: _Job, *, kept: bool = False) -> Answer | None:
        """`kept`: on a connection that is open; None where there is none."""
        leg = job.leg
        self._backend.watch = watch = job.watch
        try:
            while True:
                try:
                    return self._exchange(job, kept=kept)
                except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError):
                    # Once more on a new connection, when the server gave up the kept one before it saw the request.
                    fresh = watch.connect_s is not None or watch.first_read or watch.aborted
                    if fresh or leg.method not in REPEATABLE:
                        raise
                    watch.connect_s = 0.0
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError) as error:
            if watch.aborted:
                raise RequestError("the request was cancelled", kind="cancelled") from None
            raise _translated(error, leg) from None

    def _exchange(self, job: _Job, *, kept: bool) -> Answer | None:
        leg = job.leg
        connection = self._connection(leg)
        if not connection.still_open() and kept:
            return None
        try:
            if leg.login is not None:
                # Its library takes longer to import than a small request to send.
                from core.sending import ntlm

                return ntlm.exchange(connection, leg, leg.login, job.watch, job.keep, job.tell)
            return exchange(connection, leg, job.watch, job.keep, job.tell)
        except BaseException:
            connection.close()
            raise

    def _connection(self, leg: Leg) -> KeptConnection:
        place = (leg.route, leg.origin, self._owner(leg))
        connection = self._kept.pop(place, None)
        if connection is None:
            # Without the leg: it holds what may not stay as long as a connection.
            http2 = leg.route.http2 and leg.login is None
            connection = KeptConnection(partial(self._open, leg.route, leg.address.origin, http2))
            while len(self._kept) >= CONNECTIONS_PER_WORKER:
                self._kept.pop(next(iter(self._kept))).close()
        self._kept[place] = connection
        return connection

    def _owner(self, leg: Leg) -> bytes:
        """Whose connection serves a leg: one that is logged in is of one log-in.

        No log-in can be read from it: it stays longer than a secret may.
        """
        return b"" if leg.login is None else hmac.digest(self._salt, msgspec.json.encode(leg.login), "sha256")

    def _open(self, route: Route, origin: httpcore.Origin, http2: bool) -> httpcore.ConnectionInterface:
        trust = self._wire.trust
        tls = origin.scheme == b"https"
        backend: httpcore.NetworkBackend = self._backend
        proxy = None
        if route.proxy is not None and route.proxy.startswith("socks5:"):
            backend = SocksBackend(backend, route.proxy)
        elif route.proxy is not None:
            parts = urlsplit(route.proxy)
            proxy = httpcore.Proxy(
                f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/",
                auth=None
                if parts.username is None
                else (unquote(parts.username).encode(), unquote(parts.password or "").encode()),
                ssl_context=trust.context(Route()) if parts.scheme == "https" else None,
            )
        pool = httpcore.ConnectionPool(
            # Plain http needs no TLS context: building one costs more than the request.
            ssl_context=trust.context(route) if tls else None,
            proxy=proxy,
            keepalive_expiry=IDLE_SECONDS,
            http2=http2 and tls,
            network_backend=backend,
        )
        return pool.create_connection(origin)


def _at_once(content: Content) -> bool:
    """Whether the system takes a body whole, however slow the server is."""
    return not content or (isinstance(content, bytes) and len(content) <= AT_ONCE)


def _translated(error: Exception, leg: Leg) -> RequestError:
    return translated(error, leg.label, leg.limit_s, proxied=leg.route.proxy is not None)
