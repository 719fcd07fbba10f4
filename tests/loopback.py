"""Loopback HTTP servers that tests send to: they keep every request with its raw bytes, and misbehave on demand.

Routes, on every server:

    /echo                        what was received, as JSON
    /status/N                    an answer with that status and a small JSON body
    /json?NAME=VALUE...          the query as a JSON object
    /bytes/N                     N bytes
    /redirect?to=URL&status=N    sends elsewhere (302)
    /hold                        answers when the test calls `release()`
    /stream                      an endless body
    /set-cookie?NAME=VALUE...    one cookie each; `_attributes` is appended to each
    /headers?NAME=VALUE...       these as headers of the answer
    /gzip, /deflate              a compressed JSON body (`?mb=N`: that many MiB of zeros)
    /basic?user=U&password=P     401 unless Basic auth is right
    /digest?user=U&password=P    401 with a Digest challenge unless the answer to it is right
    /token?accept=T              401 unless `Authorization: Bearer T`
    /reset, /truncate            a body that ends in a reset, or short of its length
    /hangup, /garbage            no answer at all, or none in HTTP
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import select
import socket
import socketserver
import ssl
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import pytest
import trustme

from tests.patience import PATIENCE_S


@dataclass(frozen=True)
class Received:
    """One request as it came in."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    raw: bytes
    """Head and body as they were on the wire, chunk lines included."""
    connection: int
    """The same for requests that shared a connection."""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None


class _Tee(io.RawIOBase):
    """Keeps what is read of the current request."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self.seen = bytearray()

    def readline(self, size: int | None = -1, /) -> bytes:
        line = cast(bytes, self._source.readline(size))
        self.seen += line
        return line

    def read(self, size: int = -1, /) -> bytes:
        data = cast(bytes, self._source.read(size))
        self.seen += data
        return data


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.rfile = cast(Any, _Tee(self.rfile))
        self.number = self.server.loopback._opened(self)

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()
        self.server.loopback._closed(self)

    def handle_one_request(self) -> None:
        cast(Any, self.rfile).seen.clear()
        with suppress(ConnectionError, ssl.SSLError, ValueError, TimeoutError):
            super().handle_one_request()
            return
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        received = Received(
            method=self.command,
            target=self.path,
            headers=tuple(self.headers.items()),
            body=self._body(),
            raw=b"",
            connection=self.number,
        )
        received = Received(**(received.__dict__ | {"raw": bytes(cast(Any, self.rfile).seen)}))
        loopback = self.server.loopback
        loopback._record(received)
        path = received.path
        extra = loopback.routes.get(path)
        if extra is not None:
            extra(self, received)
            return
        name = path.strip("/").split("/")[0].replace("-", "_")
        route = getattr(self, f"route_{name}", None)
        if route is None:
            self.answer(404, b'{"error": "no such route"}')
        else:
            route(received)

    def _body(self) -> bytes:
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            data = bytearray()
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return bytes(data)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(
        self, status: int, body: bytes = b"", headers: tuple[tuple[str, str], ...] = (), kind: str = "application/json"
    ) -> None:
        self.send_response(status)
        if not any(name.lower() == "content-type" for name, _ in headers):
            self.send_header("Content-Type", kind)
        for name, value in headers:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)

    def answer_json(self, value: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.answer(status, json.dumps(value).encode(), headers)

    def route_echo(self, received: Received) -> None:
        try:
            body = received.body.decode()
        except UnicodeDecodeError:
            body = base64.b64encode(received.body).decode()
        self.answer_json(
            {
                "method": received.method,
                "target": received.target,
                "headers": [list(pair) for pair in received.headers],
                "body": body,
            }
        )

    def route_status(self, received: Received) -> None:
        status = int(received.path.rsplit("/", 1)[1])
        self.answer_json({"status": status}, status)

    def route_json(self, received: Received) -> None:
        self.answer_json(received.query)

    def route_bytes(self, received: Received) -> None:
        left = int(received.path.rsplit("/", 1)[1])
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(left))
        self.end_headers()
        block = b"0123456789abcdef" * 4096
        while left:
            self.wfile.write(block[:left])
            left -= min(left, len(block))

    def route_redirect(self, received: Received) -> None:
        self.answer(int(received.query.get("status", "302")), headers=(("Location", received.query["to"]),))

    def route_hold(self, received: Received) -> None:
        self.server.loopback._released.wait(60)
        self.answer_json({})

    def route_stream(self, received: Received) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        block = b"1000\r\n" + b"s" * 4096 + b"\r\n"
        while True:
            self.wfile.write(block)

    def route_set_cookie(self, received: Received) -> None:
        query = received.query
        attributes = query.pop("_attributes", "")
        self.answer(200, b"{}", tuple(("Set-Cookie", f"{name}={value}{attributes}") for name, value in query.items()))

    def route_headers(self, received: Received) -> None:
        self.answer(200, b"{}", tuple(parse_qsl(urlsplit(received.target).query)))

    def route_gzip(self, received: Received) -> None:
        self._compressed(received, "gzip", lambda: zlib.compressobj(wbits=31))

    def route_deflate(self, received: Received) -> None:
        self._compressed(received, "deflate", zlib.compressobj)

    def _compressed(self, received: Received, name: str, make: Callable[[], Any]) -> None:
        if "mb" not in received.query:
            data = json.dumps({"compressed": name}).encode()
            packed = gzip.compress(data) if name == "gzip" else zlib.compress(data)
            self.answer(200, packed, (("Content-Encoding", name),))
            return
        self.send_response(200)
        self.send_header("Content-Encoding", name)
        self.send_header("Connection", "close")
        self.end_headers()
        compressor = make()
        block = bytes(1024 * 1024)
        for _ in range(int(received.query["mb"])):
            self.wfile.write(compressor.compress(block))
        self.wfile.write(compressor.flush())
        self.close_connection = True

    def route_basic(self, received: Received) -> None:
        wanted = base64.b64encode("{user}:{password}".format(**received.query).encode()).decode()
        if received.header("Authorization") == f"Basic {wanted}":
            self.answer_json({"user": received.query["user"]})
        else:
            self.answer(401, b"{}", (("WWW-Authenticate", 'Basic realm="loopback"'),))

    def route_token(self, received: Received) -> None:
        if received.header("Authorization") == f"Bearer {received.query['accept']}":
            self.answer_json({"ok": True})
        else:
            self.answer(401, b"{}", (("WWW-Authenticate", "Bearer"),))

    def route_digest(self, received: Received) -> None:
        user, password = received.query["user"], received.query["password"]
        given = received.header("Authorization") or ""
        if given.startswith("Digest "):
            pairs = dict(part.strip().split("=", 1) for part in given[7:].split(", "))
            said = {name: value.strip('"') for name, value in pairs.items()}
            ha1 = hashlib.md5(f"{user}:loopback:{password}".encode()).hexdigest()
            ha2 = hashlib.md5(f"{received.method}:{received.target}".encode()).hexdigest()
            answer = ":".join((ha1, "n0nce", said["nc"], said["cnonce"], "auth", ha2))
            if said["uri"] == received.target and said["response"] == hashlib.md5(answer.encode()).hexdigest():
                self.answer_json({"user": user})
                return
        challenge = 'Digest realm="loopback", nonce="n0nce", qop="auth", algorithm=MD5'
        self.answer(401, b"{}", (("WWW-Authenticate", challenge),))

    def route_truncate(self, received: Received) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"only this")
        self.close_connection = True

    def route_reset(self, received: Received) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"only this")
        self._reset()

    def route_hangup(self, received: Received) -> None:
        self.close_connection = True

    def route_garbage(self, received: Received) -> None:
        self.wfile.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
        self.close_connection = True

    def _reset(self) -> None:
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    loopback: Loopback
    context: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        # The handshake belongs to the connection's own thread: a client that never shakes must not block the others.
        if self.context is None:
            super().finish_request(request, client_address)
            return
        with suppress(OSError, ValueError), self.context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def shutdown_request(self, request: Any) -> None:
        with suppress(OSError):
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        self.loopback.errors.append(repr(client_address))


Route = Callable[[_Handler, Received], None]


@dataclass
class Loopback:
    """One server on a free port of 127.0.0.1; `requests` fills as they come in."""

    context: ssl.SSLContext | None = None
    requests: list[Received] = field(default_factory=list)
    routes: dict[str, Route] = field(default_factory=dict)
    """Routes of one test, by path."""
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._released = threading.Event()
        self._open: set[_Handler] = set()
        self._accepted = 0
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.loopback = self
        self._server.context = self.context
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def scheme(self) -> str:
        return "https" if self.context else "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def local_url(self) -> str:
        """The same server by the name localhost: another origin for everyone who looks at names."""
        return f"{self.scheme}://localhost:{self.port}"

    @property
    def open_connections(self) -> int:
        with self._changed:
            return len(self._open)

    @property
    def last(self) -> Received:
        return self.requests[-1]

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Until the condition holds; it is asked again whenever a request or connection comes or goes."""
        with self._changed:
            assert self._changed.wait_for(condition, PATIENCE_S), "the server never saw it"

    def release(self) -> None:
        """Let every request at /hold be answered, now and later."""
        self._released.set()

    def clear(self) -> None:
        self._released.set()
        self._released = threading.Event()
        self.requests.clear()
        self.routes.clear()
        self.errors.clear()

    def raw(self) -> bytes:
        """Everything that was received, as it was on the wire."""
        return b"".join(request.raw for request in self.requests)

    def close(self) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    def _record(self, received: Received) -> None:
        with self._changed:
            self.requests.append(received)
            self._changed.notify_all()

    def _opened(self, handler: _Handler) -> int:
        with self._changed:
            self._open.add(handler)
            self._accepted += 1
            self._changed.notify_all()
            return self._accepted

    def _closed(self, handler: _Handler) -> None:
        with self._changed:
            self._open.discard(handler)
            self._changed.notify_all()


@dataclass
class LoopbackProxy:
    """An HTTP proxy: CONNECT tunnels and absolute-form requests; `seen` has the head of each."""

    credentials: str | None = None
    """`user:password` it insists on."""
    seen: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._handle, args=(client,), daemon=True).start()

    def _handle(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                data = client.recv(65536)
                if not data:
                    return
                head += data
            self.seen.append(head)
            if self.credentials is not None:
                wanted = b"Basic " + base64.b64encode(self.credentials.encode())
                if wanted not in head:
                    client.sendall(
                        b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    )
                    return
            method, target, _ = head.split(b"\r\n", 1)[0].split(b" ")
            if method == b"CONNECT":
                host, port = target.decode().rsplit(":", 1)
                with socket.create_connection((host, int(port)), 10) as upstream:
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    self._pump(client, upstream)
                return
            parts = urlsplit(target.decode())
            with socket.create_connection((parts.hostname or "", parts.port or 80), 10) as upstream:
                path = target.decode()[len(f"{parts.scheme}://{parts.netloc}") :] or "/"
                upstream.sendall(head.replace(target, path.encode(), 1))
                self._pump(client, upstream)

    def _pump(self, client: socket.socket, upstream: socket.socket) -> None:
        other = {client: upstream, upstream: client}
        while True:
            for ready in select.select([client, upstream], [], [], 60)[0]:
                data = ready.recv(65536)
                if not data:
                    return
                other[ready].sendall(data)


@dataclass(frozen=True)
class Authority:
    """A certificate authority of this test run, and what it signed."""

    ca: trustme.CA
    ca_file: Path

    def server_context(self, *names: str, client_certificate: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(context)
        if client_certificate:
            self.ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    ca = trustme.CA()
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    ca.cert_pem.write_to_path(path)
    return Authority(ca, path)


@pytest.fixture(scope="session")
def _servers(authority: Authority) -> Iterator[dict[str, Loopback]]:
    servers = {
        "server": Loopback(),
        "other": Loopback(),
        "tls": Loopback(context=authority.server_context()),
    }
    yield servers
    for server in servers.values():
        server.close()


def _fresh(server: Loopback) -> Iterator[Loopback]:
    server.clear()
    yield server
    errors = list(server.errors)
    server.clear()
    assert not errors, f"the loopback server failed: {errors}"


@pytest.fixture
def server(_servers: dict[str, Loopback]) -> Iterator[Loopback]:
    """A plain HTTP server; what it received is forgotten before each test."""
    yield from _fresh(_servers["server"])


@pytest.fixture
def other_server(_servers: dict[str, Loopback]) -> Iterator[Loopback]:
    """A second plain HTTP server: another origin."""
    yield from _fresh(_servers["other"])


@pytest.fixture
def tls_server(_servers: dict[str, Loopback]) -> Iterator[Loopback]:
    """An HTTPS server for 127.0.0.1 and localhost whose certificate `authority` signed."""
    yield from _fresh(_servers["tls"])


@pytest.fixture
def http_proxy() -> Iterator[LoopbackProxy]:
    proxy = LoopbackProxy()
    yield proxy
    proxy.close()
