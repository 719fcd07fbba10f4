"""A loopback OAuth 2 server that checks what RFC 6749, 7636 and 8628 let it check."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

CLIENT, SECRET = "the-client", "the client secret+/="
USER, PASSWORD = "ada", "pass word&+"


@dataclass
class OAuthServer:
    url: str = ""
    life_s: float = 3600.0
    refreshing: bool = True
    """Whether it gives refresh tokens."""
    forgetful: bool = False
    """The tokens it gives open nothing."""
    grants: list[str] = field(default_factory=list)
    """The grant type of each call of the token endpoint."""
    access: set[str] = field(default_factory=set)
    refresh: set[str] = field(default_factory=set)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    devices: dict[str, str] = field(default_factory=dict)
    authentication: list[str] = field(default_factory=list)
    """`basic` or `body`, of each call."""

    def log_in(self, url: str, *, deny: bool = False) -> str:
        """What a person does in the browser: the address that the browser is sent to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        if deny:
            return f"{asked['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': asked['state']})}"
        code = secrets.token_hex(8)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form: Mapping[str, str], basic: str) -> tuple[int, dict[str, Any]]:
        self.grants.append(form.get("grant_type", ""))
        self.authentication.append("basic" if basic else "body")
        given = base64.b64decode(basic).decode() if basic else f"{form.get('client_id')}:{form.get('client_secret')}"
        public = form.get("grant_type") in ("authorization_code", "urn:ietf:params:oauth:grant-type:device_code")
        if given != f"{CLIENT}:{SECRET}" and not (public and form.get("client_id") == CLIENT):
            return 401, {"error": "invalid_client"}
        match form["grant_type"]:
            case "client_credentials":
                return self._give()
            case "password" if (form["username"], form["password"]) == (USER, PASSWORD):
                return self._give()
            case "refresh_token" if form["refresh_token"] in self.refresh:
                self.refresh.discard(form["refresh_token"])
                return self._give()
            case "authorization_code" if form["code"] in self.codes:
                asked = self.codes.pop(form["code"])
                digest = hashlib.sha256(form["code_verifier"].encode()).digest()
                challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
                if challenge == asked["code_challenge"] and form["redirect_uri"] == asked["redirect_uri"]:
                    return self._give()
            case "urn:ietf:params:oauth:grant-type:device_code":
                state = self.devices.get(form["device_code"], "expired_token")
                if state == "approved":
                    return self._give()
                return 400, {"error": state}
        return 400, {"error": "invalid_grant"}

    def _give(self) -> tuple[int, dict[str, Any]]:
        access, refresh = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        given = {"access_token": access, "token_type": "Bearer", "expires_in": self.life_s}
        if not self.forgetful:
            self.access.add(access)
        if self.refreshing:
            self.refresh.add(refresh)
            given["refresh_token"] = refresh
        return 200, given

    def device(self) -> dict[str, Any]:
        code = secrets.token_hex(8)
        self.devices[code] = "authorization_pending"
        return {
            "device_code": code,
            "user_code": "WDJB-MJHT",
            "verification_uri": f"{self.url}/device",
            "expires_in": 600,
            "interval": 0,
        }


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    wbufsize = 65536

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        oauth = self.server.oauth
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        scheme, _, basic = (self.headers["Authorization"] or "").partition(" ")
        if self.path == "/token":
            self._answer(*oauth.token(form, basic if scheme == "Basic" else ""))
        elif self.path == "/api":
            self.do_GET()
        else:
            self._answer(200, oauth.device())

    def do_GET(self) -> None:
        scheme, _, token = (self.headers["Authorization"] or "").partition(" ")
        good = scheme == "Bearer" and token in self.server.oauth.access
        self._answer(200 if good else 401, {"ok": good, "echo": token})

    def _answer(self, status: int, body: Mapping[str, object]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, oauth: OAuthServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.oauth = oauth


@pytest.fixture
def oauth() -> Iterator[OAuthServer]:
    made = OAuthServer()
    server = _Server(made)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


def visit(address: str) -> None:
    """As a browser goes to a redirect."""
    httpx.get(address, trust_env=False)
