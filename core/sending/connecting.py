"""Connections to servers and proxies: how they are made, how long they may take, and how another thread ends them."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.errors import RequestError
from core.exchange import Route
from core.hosts import is_loopback
from core.sending.transport import httpcore

ADDRESS_SECONDS = 3.0
"""What an address gets to accept while another is left to try: a host with a dead IPv6 route answers by IPv4."""


class Aborted(httpcore.NetworkError):
    """The exchange was given up by whoever waited for it."""


class Watch:
    """The clock of one hop, and the handle by which another thread ends it."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        """In terms of `time.monotonic`."""
        self.connect_s: float | None = None
        self.tls_s: float | None = None
        self.last_write = 0.0
        self.first_read = 0.0
        self.aborted = False
        self.expired = self.stopped = False
        """Whether the body was ended where it was: the time ran out, or whoever waits has enough of it."""
        self._stream: httpcore.NetworkStream | None = None
        self._released = False

    def remaining(self, kind: type[httpcore.TimeoutException] = httpcore.ReadTimeout) -> float:
        if self.aborted:
            raise Aborted
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise kind
        return left

    def uses(self, stream: httpcore.NetworkStream) -> None:
        self._stream, self._released = stream, False

    @property
    def connection(self) -> object:
        """What the last read or write was on."""
        return self._stream

    @property
    def certificate(self) -> bytes | None:
        """Of the server, as TLS gave it."""
        secured = self._stream.get_extra_info("ssl_object") if self._stream is not None else None
        return secured.getpeercert(True) if secured is not None else None

    def abort(self) -> None:
        """End the hop from another thread: a read or write under way returns at once."""
        self.aborted = True
        self._shut()

    def expire(self) -> None:
        """As `abort`, for a hop whose answer has begun: what came of it stays."""
        self.expired = True
        self._shut()

    def stop(self) -> None:
        """As `expire`, because that is enough."""
        self.stopped = True
        self._shut()

    def release(self) -> None:
        """The answer is there: the connection is the next one's, and not to be ended any more."""
        self._released = True

    def _shut(self) -> None:
        stream = None if self._released else self._stream
        connection = stream.get_extra_info("socket") if stream is not None else None
        if connection is not None:
            with suppress(OSError):
                # Closed with a reset: a server in mid-body would else wait for room in a window that nobody reads.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                # The base class's method: the one of SSLSocket takes the TLS object away from the thread that reads.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


class WatchedStream(httpcore.NetworkStream):
    """A stream that ends when the watch of the hop that uses it does."""

    def __init__(self, inner: httpcore.NetworkStream, backend: WatchedBackend) -> None:
        self._inner = inner
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        watch = self._backend.watch
        watch.uses(self._inner)
        data = self._inner.read(max_bytes, watch.remaining())
        if data and not watch.first_read:
            watch.first_read = time.monotonic()
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:
            return  # httpcore writes the end of a body as nothing: the request was on its way before
        watch = self._backend.watch
        watch.uses(self._inner)
        self._inner.write(buffer, watch.remaining(httpcore.WriteTimeout))
        watch.last_write = time.monotonic()
        watch.first_read = 0.0

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        watch = self._backend.watch
        started = time.monotonic()
        name = _bare(server_hostname) if server_hostname else None
        secured = self._inner.start_tls(ssl_context, name, watch.remaining(httpcore.ConnectTimeout))
        watch.tls_s = (watch.tls_s or 0.0) + time.monotonic() - started
        return WatchedStream(secured, self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class WatchedBackend(httpcore.NetworkBackend):
    """Makes connections for one thread, which sets `watch` before each hop."""

    def __init__(self) -> None:
        self.watch = Watch(0.0)
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        watch = self.watch
        watch.remaining(httpcore.ConnectTimeout)
        started = time.monotonic()
        addresses = _addresses(_bare(host), port)
        for index, address in enumerate(addresses, 1):
            left = watch.remaining(httpcore.ConnectTimeout)
            last = index == len(addresses)
            try:
                stream = self._sockets.connect_tcp(
                    address, port, left if last else min(left, ADDRESS_SECONDS), None, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if last:
                    raise
            else:
                watch.connect_s = (watch.connect_s or 0.0) + time.monotonic() - started
                return WatchedStream(stream, self)
        raise httpcore.ConnectError(socket.gaierror(socket.EAI_NONAME, "no address"))


class KeptConnection:
    """One connection of one thread, which is made anew where it is gone.

    httpcore's pool is for many threads, and its book-keeping costs a fifth of an exchange again.
    """

    def __init__(self, make: Callable[[], httpcore.ConnectionInterface]) -> None:
        self._make = make
        self._connection: httpcore.ConnectionInterface | None = None

    def still_open(self) -> bool:
        """Whether the next request will go over a connection that is there already, as far as this end can tell."""
        connection = self._connection
        if connection is not None and (not connection.is_available() or connection.has_expired()):
            self.close()
        return self._connection is not None

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        if self._connection is None or not self._connection.is_available():
            self.close()
            self._connection = self._make()
        return self._connection.handle_request(request)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Trust:
    """The TLS contexts of the routes, each built once: reading the authorities costs more than a request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._contexts: dict[Route, ssl.SSLContext] = {}

    def context(self, route: Route) -> ssl.SSLContext:
        with self._lock:
            context = self._contexts.get(route)
            if context is None:
                context = self._contexts[route] = _context(route)
            return context


def _bare(host: str) -> str:
    """An IPv6 address without the brackets that httpcore leaves around it."""
    return host.strip("[]")


def _addresses(host: str, port: int) -> list[str]:
    """The addresses of a host; names for this machine are not looked up, whatever a name server says of them."""
    if is_loopback(host) and not host[:1].isdigit() and ":" not in host:
        return ["127.0.0.1", "::1"]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(error) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _context(route: Route) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not route.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif route.ca_file is not None:
        try:
            context.load_verify_locations(cafile=route.ca_file)
        except (OSError, ssl.SSLError):
            raise RequestError(
                f'the CA file "{route.ca_file}" cannot be used',
                kind="tls",
                hint="options.ca_file names a PEM file with at least one certificate",
            ) from None
    else:
        _load_system_authorities(context)
    if route.client_certificate is not None:
        certificate = route.client_certificate
        try:
            context.load_cert_chain(
                certificate.cert,
                certificate.key,
                # Without a password OpenSSL would ask for one on the terminal.
                certificate.password.reveal() if certificate.password else "",
            )
        except (OSError, ssl.SSLError, ValueError):
            raise RequestError(
                f'the client certificate "{certificate.cert}" cannot be used',
                kind="tls",
                hint="check that cert and key are PEM files that belong together, and the password of the key",
            ) from None
    return context


def _load_system_authorities(context: ssl.SSLContext) -> None:
    """The system's authorities, which include a company's own; those of certifi where the system has none."""
    context.load_default_certs()
    folder = ssl.get_default_verify_paths().capath
    if context.cert_store_stats()["x509_ca"] == 0 and not (folder and any(Path(folder).glob("*.0"))):
        import certifi

        context.load_verify_locations(cafile=certifi.where())
