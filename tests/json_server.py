"""A loopback server that answers in JSON and keeps quiet, for stand-ins of services."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs

T = TypeVar("T")


class JsonHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def form(self) -> dict[str, str]:
        """The fields of a posted form."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        return {name: values[0] for name, values in parse_qs(body).items()}

    def authorization(self, scheme: str) -> str:
        """What follows the scheme; empty where it is another."""
        given, _, value = (self.headers["Authorization"] or "").partition(" ")
        return value if given == scheme else ""

    def answer(self, status: int, body: Mapping[str, object]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class JsonServer(ThreadingHTTPServer, Generic[T]):
    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler], service: T) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.service = service


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], service: object) -> Iterator[str]:
    """Serve until the end of the block; gives the URL. The handler finds the service as `self.server.service`."""
    server = JsonServer(handler, service)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
