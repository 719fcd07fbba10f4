"""A proxy on loopback that leads the clouds' own addresses to stand-ins: the product needs no switch for tests.

It answers CONNECT only, so what passes is TLS, and the stand-in needs a certificate for the name that was asked for.
"""

from __future__ import annotations

import fnmatch
import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.patience import PATIENCE_S

NOWHERE = "http://127.0.0.1:9"
CA_VARIABLES = (
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "AWS_CA_BUNDLE",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
)


class _Tunnel(socketserver.StreamRequestHandler):
    server: FakeNet
    timeout = 30
    disable_nagle_algorithm = True

    def handle(self) -> None:
        method, _, rest = self.rfile.readline(8192).decode("latin-1").partition(" ")
        while self.rfile.readline(8192) not in (b"\r\n", b"\n", b""):
            pass
        host, _, port = rest.split(" ")[0].rpartition(":")
        target = self.server.target(host) if method == "CONNECT" and port == "443" else None
        if target is None:
            self.server.refused.append(rest.split(" ")[0])
            self._refuse()
            return
        try:
            there = socket.create_connection(("127.0.0.1", target), timeout=PATIENCE_S)
        except OSError:
            self._refuse()
            return
        there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        with there, self.server.counted(there):
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(there, self.connection), daemon=True)
            back.start()
            _pump(self.connection, there)
            back.join()

    def _refuse(self) -> None:
        with suppress(OSError):
            self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


class FakeNet(socketserver.ThreadingTCPServer):
    """`routes` maps names, `*.vault.azure.net` among them, to ports of loopback; it may change at any time."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, ca_file: Path, routes: Mapping[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.ca_file = ca_file
        self.routes = dict(routes)
        self.refused: list[str] = []
        """What was asked for and has no route."""
        self._open: set[socket.socket] = set()

    def target(self, host: str) -> int | None:
        return next((port for name, port in self.routes.items() if fnmatch.fnmatchcase(host.lower(), name)), None)

    @contextmanager
    def counted(self, there: socket.socket) -> Iterator[None]:
        self._open.add(there)
        try:
            yield
        finally:
            self._open.discard(there)

    def cut(self) -> None:
        """End every connection, as a network that goes away does."""
        for there in list(self._open):
            with suppress(OSError):
                there.shutdown(socket.SHUT_RDWR)

    @property
    def env(self) -> dict[str, str]:
        """What sends a process's traffic here; plain http to other machines goes nowhere."""
        proxy = f"http://127.0.0.1:{self.server_address[1]}"
        return {
            "HTTPS_PROXY": proxy,
            "https_proxy": proxy,
            "HTTP_PROXY": NOWHERE,
            "http_proxy": NOWHERE,
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            **dict.fromkeys(CA_VARIABLES, str(self.ca_file)),
        }

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client that hangs up is no event."""


@contextmanager
def fakenet(ca_file: Path, routes: Mapping[str, int]) -> Iterator[FakeNet]:
    with FakeNet(ca_file, routes) as net:
        threading.Thread(target=net.serve_forever, args=(0.02,), daemon=True).start()
        yield net
        net.shutdown()


def _pump(source: socket.socket, target: socket.socket) -> None:
    source.settimeout(None)
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    # Both ways: an end that hung up waits for nothing.
    for end, how in ((target, socket.SHUT_WR), (source, socket.SHUT_RD)):
        with suppress(OSError):
            end.shutdown(how)
