"""The demo's payments API: a loopback server that answers those who send the right secrets, and echoes one of them."""

from __future__ import annotations

import base64
import hmac
import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from core.secret import Secret
from core.structs import Struct

REPORT_USER = "nightly"


class Keys(Struct, frozen=True):
    """What one environment's callers must send."""

    api_key: Secret
    webhook_secret: Secret
    merchant_pin: Secret
    report_password: Secret


def _same(sent: str | None, expected: Secret) -> bool:
    return sent is not None and hmac.compare_digest(sent.encode(), expected.reveal().encode())


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "payments-demo"
    sys_version = ""
    # Unbuffered headers and body meet Nagle's algorithm and delayed acknowledgements: 40 ms a request.
    wbufsize = 65536

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the terminal belongs to the app."""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/health":
            self._answer(200, {"status": "ok", "service": "payments-demo"})
        elif path == "/payments":
            if keys := self._caller():
                payments = [_payment(f"pay_{1001 + i}", 1990 + 250 * i) for i in range(3)]
                self._answer(200, {"payments": payments, "authenticated_with": keys.api_key.reveal()})
        elif path.startswith("/payments/"):
            if self._caller():
                self._answer(200, _payment(path.removeprefix("/payments/"), 1990))
        elif path == "/reports/daily":
            if any(self._basic(keys.report_password) for keys in self.server.keys.values()):
                self._answer(200, {"date": "2026-01-31", "settled": 128, "refunded": 3, "volume": {"EUR": 254_720}})
            else:
                self._refuse("wrong user name or password")
        else:
            self._answer(404, {"error": "not found"})

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if urlsplit(self.path).path != "/payments":
            self._answer(404, {"error": "not found"})
            return
        keys = self._caller()
        if keys is None:
            return
        try:
            body = json.loads(content)
        except ValueError:
            self._answer(400, {"error": "the body is no JSON"})
            return
        if not _same(self.headers.get("X-Merchant-Pin"), keys.merchant_pin):
            self._refuse("wrong merchant PIN")
        elif not _same(body.get("webhook_secret"), keys.webhook_secret):
            self._refuse("wrong webhook secret")
        else:
            self._answer(201, _payment("pay_2001", body.get("amount", 0)))

    def _caller(self) -> Keys | None:
        """The keys of the environment whose API key was sent; a 401 is answered where there is none."""
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        for keys in self.server.keys.values():
            if scheme == "Bearer" and _same(token, keys.api_key):
                return keys
        self._refuse("wrong API key")
        return None

    def _basic(self, password: Secret) -> bool:
        expected = Secret(base64.b64encode(f"{REPORT_USER}:{password.reveal()}".encode()).decode())
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        return scheme == "Basic" and _same(token, expected)

    def _refuse(self, reason: str) -> None:
        self._answer(401, {"error": reason})

    def _answer(self, status: int, body: Mapping[str, object]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _payment(identifier: str, amount: int) -> dict[str, object]:
    return {"id": identifier, "amount": amount, "currency": "EUR", "status": "settled"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, keys: Mapping[str, Keys]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.keys = keys


class DemoApi:
    """The running API; `keys` names the environments it serves."""

    def __init__(self, keys: Mapping[str, Keys]) -> None:
        self._server = _Server(keys)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True, name="demo-api").start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
