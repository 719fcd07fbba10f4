"""A loopback server of HCP Vault Secrets' documented shape: it checks grant, audience, token and the token's life."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.json_server import JsonHandler, JsonServer, serving

ORGANIZATION, PROJECT, APP = "org-1", "project-1", "web app"
PAGE = 3


@dataclass
class HcpStub:
    """What the service holds and what it was asked."""

    url: str = ""
    clients: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Client ID to its secret, and whether it may read."""
    secrets: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Name to its versions, the oldest first."""
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    token_life_s: float = 3600.0
    asked: list[str] = field(default_factory=list)
    gone: bool = False

    def add_client(self, *, may_read: bool = True) -> tuple[str, str]:
        identifier, secret = f"client-{secrets.token_hex(4)}", secrets.token_hex(16)
        self.clients[identifier] = (secret, may_read)
        return identifier, secret

    def put(self, name: str, value: str, *, kind: str = "kv") -> None:
        versions = self.secrets.setdefault(name, [])
        held = {"version": len(versions) + 1, "created_at": "2025-11-03T10:00:00Z"}
        if kind == "kv":
            versions.append({"type": "kv", "static_version": {**held, "value": value}})
        else:
            versions.append({"type": kind, "rotating_version": {**held, "values": json.loads(value)}})


class _Handler(JsonHandler):
    server: JsonServer[HcpStub]

    def do_POST(self) -> None:
        stub = self.server.service
        given = self.form()
        stub.asked.append(self.path)
        known = stub.clients.get(given.get("client_id", ""))
        if self.path != "/oauth2/token" or given.get("grant_type") != "client_credentials":
            self.answer(400, {"error": "unsupported_grant_type"})
        elif given.get("audience") != "https://api.hashicorp.cloud":
            self.answer(403, {"error": "access_denied"})
        elif known is None or known[0] != given.get("client_secret"):
            self.answer(401, {"error": "invalid_client"})
        else:
            token = secrets.token_hex(20)
            stub.tokens[token] = (given["client_id"], time.monotonic() + stub.token_life_s)
            body = {"access_token": token, "expires_in": stub.token_life_s, "token_type": "Bearer"}
            self.answer(200, body)

    def do_GET(self) -> None:
        stub = self.server.service
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        stub.asked.append(self.path)
        token = self.authorization("Bearer")
        client, ends = stub.tokens.get(token, ("", 0.0))
        if stub.gone:
            self.answer(410, {"code": 12, "message": "service ended", "details": []})
        elif not client or time.monotonic() >= ends:
            self._fail(401, 16)
        elif not stub.clients[client][1]:
            self._fail(403, 7)
        else:
            self._serve(parts.path, query)

    def _serve(self, path: str, query: Mapping[str, str]) -> None:
        stub = self.server.service
        if path == "/resource-manager/2019-12-10/organizations":
            self.answer(200, {"organizations": [{"id": ORGANIZATION, "name": "One"}]})
            return
        if path == "/resource-manager/2019-12-10/projects" and query.get("scope.id") == ORGANIZATION:
            self.answer(200, {"projects": [{"id": PROJECT, "name": "One"}]})
            return
        base = f"/secrets/2023-11-28/organizations/{ORGANIZATION}/projects/{PROJECT}/apps"
        parts = [unquote(part) for part in path.removeprefix(base).split("/")[1:]]
        if not path.startswith(base):
            self._fail(404, 5)
            return
        match parts:
            case []:
                self.answer(200, {"apps": [{"name": APP}]})
            case [app, "secrets"] if app == APP:
                names = sorted(stub.secrets)
                start = int(query.get("pagination.next_page_token") or 0)
                page = {"next_page_token": str(start + PAGE) if start + PAGE < len(names) else ""}
                rows = [{"name": name, "type": "kv"} for name in names[start : start + PAGE]]
                self.answer(200, {"secrets": rows, "pagination": page})
            case [app, "secrets", name] if app == APP and name.removesuffix(":open") in stub.secrets:
                name = name.removesuffix(":open")
                self.answer(200, {"secret": {"name": name, **stub.secrets[name][-1]}})
            case [app, "secrets", name, "versions", number] if app == APP and name in stub.secrets:
                versions = stub.secrets[name]
                wanted = int(number.removesuffix(":open"))
                if 0 < wanted <= len(versions):
                    self.answer(200, versions[wanted - 1])
                else:
                    self._fail(404, 5)
            case _:
                self._fail(404, 5)

    def _fail(self, status: int, code: int) -> None:
        self.answer(status, {"code": code, "message": "no", "details": []})


@contextmanager
def standing_in() -> Iterator[HcpStub]:
    stub = HcpStub()
    with serving(_Handler, stub) as stub.url:
        yield stub


@pytest.fixture
def hcp() -> Iterator[HcpStub]:
    with standing_in() as stub:
        yield stub
