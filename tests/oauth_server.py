"""A loopback OAuth 2 server that checks what RFC 6749, 7636 and 8628 let it check."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from tests.json_server import JsonHandler, JsonServer, serving

CLIENT, SECRET = "the-client", "the client secret+/="
USER, PASSWORD = "ada", "pass word&+"


@dataclass
class OAuthServer:
    url: str = ""
    life_s: float = 3600.0
    device_life_s: float = 600.0
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
            "expires_in": self.device_life_s,
            "interval": 0,
        }


class _Handler(JsonHandler):
    server: JsonServer[OAuthServer]

    def do_POST(self) -> None:
        oauth = self.server.service
        form = self.form()
        if self.path == "/token":
            self.answer(*oauth.token(form, self.authorization("Basic")))
        elif self.path == "/api":
            self.do_GET()
        else:
            self.answer(200, oauth.device())

    def do_GET(self) -> None:
        token = self.authorization("Bearer")
        good = token in self.server.service.access
        self.answer(200 if good else 401, {"ok": good, "echo": token})


@pytest.fixture
def oauth() -> Iterator[OAuthServer]:
    made = OAuthServer()
    with serving(_Handler, made) as made.url:
        yield made


def visit(address: str) -> None:
    """As a browser goes to a redirect."""
    httpx.get(address, trust_env=False)
