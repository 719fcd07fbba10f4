"""A loopback server that stands for Google: token endpoint, Secret Manager over REST, and the metadata server.

It checks what Google checks: signature, issuer, audience, scope and life of assertions and bearers, and the roles of
who asks. `GoogleNet` leads the production host names to it, by a CONNECT proxy and certificates of this test run.
"""

from __future__ import annotations

import base64
import json
import secrets
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import google_crc32c
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from google.auth import _helpers

from tests.loopback import Authority

PROJECT, NUMBER = "demo-project", "123456789012"
REGION = "europe-west3"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
AUDIENCE = "https://secretmanager.googleapis.com/"
ASSERTION_AUDIENCE = "https://oauth2.googleapis.com/token"
HOSTS = ("secretmanager.googleapis.com", "oauth2.googleapis.com", f"secretmanager.{REGION}.rep.googleapis.com")
SKEW_S = 300
ENABLED, DISABLED, DESTROYED = 1, 2, 3
ACCESSOR, VIEWER = "accessor", "viewer"


@lru_cache(maxsize=4)
def private_key(name: str) -> rsa.RSAPrivateKey:
    """Made once in a test run: each takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: Any) -> str:
    none = serialization.NoEncryption()
    return str(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, none), "ascii")


@dataclass
class Account:
    email: str
    keys: dict[str, str] = field(default_factory=dict)
    """Key ID to the name of its key."""
    roles: set[str] = field(default_factory=set)


@dataclass
class Version:
    data: bytes
    state: int = ENABLED
    destroyed: str = ""
    will_be_destroyed: str = ""


@dataclass
class GcpFake:
    """What Google holds and what it was asked."""

    url: str = ""
    port: int = 0
    accounts: dict[str, Account] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    """Refresh token to the account that stands for the user."""
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    secrets: dict[str, list[Version]] = field(default_factory=dict)
    """Full name, with the project's ID, to its versions."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Host and path with query."""
    bearers: list[str] = field(default_factory=list)
    ahead_s: float = 0.0
    """How far the clocks of this server and of google-auth are ahead."""
    late_s: float = 0.0
    """How far this machine's clock is behind that of this server."""
    refusing: int = 0
    """How many calls of the API are still to be refused as not logged in."""
    damaged: int = 0
    """How many payloads are still to be damaged on their way."""
    instead: Callable[[_Handler], None] | None = None
    """Answers calls of the API in place of it."""
    machine: str = ""
    """Whose machine this is: the account that the metadata server gives tokens for."""

    def now(self) -> float:
        return time.time() + self.ahead_s + self.late_s

    def add_account(self, *roles: str, key: str = "first") -> dict[str, str]:
        """A service account, and the content of its key file."""
        email = f"robot-{secrets.token_hex(4)}@{PROJECT}.iam.gserviceaccount.com"
        self.accounts[email] = Account(email, roles=set(roles))
        return self.add_key(email, key)

    def add_key(self, email: str, key: str = "first") -> dict[str, str]:
        key_id = secrets.token_hex(20)
        self.accounts[email].keys[key_id] = key
        return {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": key_id,
            "private_key": pem(private_key(key)),
            "client_email": email,
            "client_id": "1001",
            "token_uri": f"{self.url}/token",
            "universe_domain": "googleapis.com",
        }

    def put(self, name: str, data: bytes, *, location: str = "") -> str:
        """Add a version, and say the full name of the secret."""
        above = f"projects/{PROJECT}" + (f"/locations/{location}" if location else "")
        full = f"{above}/secrets/{name}"
        self.secrets.setdefault(full, []).append(Version(data))
        return full

    def paths(self, end: str) -> list[str]:
        return [path for _, path in self.asked if urlsplit(path).path.endswith(end)]

    def issue(self, email: str, life_s: float = 3600.0) -> Mapping[str, object]:
        token = f"ya29.{secrets.token_hex(30)}"
        self.tokens[token] = (email, self.now() + life_s)
        return {"access_token": token, "expires_in": int(life_s), "token_type": "Bearer", "scope": SCOPE}


class Refusal(Exception):
    def __init__(self, status: int, code: str, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.reason = status, code, message, reason


def read_jwt(fake: GcpFake, text: str) -> tuple[Account, dict[str, Any]]:
    """The account that signed and the claims; ValueError with Google's words if it is not good."""
    try:
        signed, _, signature = text.rpartition(".")
        header, claims = (json.loads(_unpadded(part)) for part in signed.split("."))
        account = fake.accounts.get(claims["iss"])
    except (ValueError, KeyError):
        raise ValueError("Invalid JWT") from None
    if account is None:
        raise ValueError("Invalid grant: account not found")
    if header.get("alg") != "RS256" or header.get("kid") not in account.keys:
        raise ValueError("Invalid JWT Signature.")
    public = private_key(account.keys[header["kid"]]).public_key()
    try:
        public.verify(_unpadded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise ValueError("Invalid JWT Signature.") from None
    issued, ends, now = claims["iat"], claims["exp"], fake.now()
    if not (issued - SKEW_S <= now < ends <= issued + 3600):
        raise ValueError("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.")
    return account, claims


def _unpadded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = 65536

    def log_message(self, format: str, *args: Any) -> None:
        pass

    @property
    def fake(self) -> GcpFake:
        return self.server.fake

    def do_POST(self) -> None:
        self.fake.asked.append((self.headers["Host"], self.path))
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        given = {name: values[0] for name, values in form.items()}
        try:
            self.answer(200, self._token(given))
        except ValueError as error:
            self.answer(400, {"error": "invalid_grant", "error_description": str(error)})

    def _token(self, given: Mapping[str, str]) -> Mapping[str, object]:
        if self.path != "/token":
            raise ValueError("no such endpoint")
        if given["grant_type"] == "refresh_token":
            if (given["client_id"], given["client_secret"]) != ("the-client", "the-client-secret"):
                raise ValueError("Unauthorized")
            if given["refresh_token"] not in self.fake.users:
                raise ValueError("Token has been expired or revoked.")
            return self.fake.issue(self.fake.users[given["refresh_token"]])
        if given["grant_type"] != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            raise ValueError("unsupported grant")
        account, claims = read_jwt(self.fake, given["assertion"])
        if claims.get("aud") != ASSERTION_AUDIENCE:
            raise ValueError("Invalid JWT: Failed audience check.")
        if claims.get("scope") != SCOPE:
            raise ValueError("Invalid OAuth scope or ID token audience provided.")
        return self.fake.issue(account.email)

    def do_GET(self) -> None:
        self.fake.asked.append((self.headers["Host"], self.path))
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if not parts.path.startswith("/v1/"):
            self._metadata(parts.path, query)
            return
        if self.fake.instead is not None:
            self.fake.instead(self)
            return
        try:
            self.answer(200, self._serve(unquote(parts.path.removeprefix("/v1/")), query))
        except Refusal as refusal:
            body: dict[str, Any] = {"code": refusal.status, "message": refusal.message, "status": refusal.code}
            if refusal.reason:
                kind = "type.googleapis.com/google.rpc.ErrorInfo"
                body["details"] = [{"@type": kind, "reason": refusal.reason, "domain": "googleapis.com"}]
            self.answer(refusal.status, {"error": body})

    def _who(self) -> Account:
        fake = self.fake
        scheme, _, bearer = (self.headers["Authorization"] or "").partition(" ")
        fake.bearers.append(bearer)
        refusal = Refusal(
            401,
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid"
            " authentication credential.",
            "ACCESS_TOKEN_EXPIRED",
        )
        if scheme != "Bearer" or fake.refusing:
            fake.refusing = max(fake.refusing - 1, 0)
            raise refusal
        if bearer in fake.tokens:
            email, ends = fake.tokens[bearer]
            if fake.now() >= ends:
                raise refusal
            return fake.accounts[email]
        try:
            account, claims = read_jwt(fake, bearer)
        except ValueError:
            raise refusal from None
        if claims.get("sub") != account.email or claims.get("aud") != AUDIENCE:
            raise refusal
        return account

    def _serve(self, path: str, query: Mapping[str, str]) -> Mapping[str, object]:
        account = self._who()
        project, parts = path.split("/")[1], path.split("/")[2:]
        if path.split("/")[0] != "projects":
            raise Refusal(404, "NOT_FOUND", "Method not found.")
        if project not in (PROJECT, NUMBER):
            raise Refusal(
                403, "PERMISSION_DENIED", f"Permission denied on resource project {project}.", "CONSUMER_INVALID"
            )
        location = ""
        if parts[0] == "locations":
            location, parts = parts[1], parts[2:]
        host = self.headers["Host"]
        if host.endswith("googleapis.com") and (f".{location}.rep." in host) != bool(location):
            raise Refusal(400, "INVALID_ARGUMENT", "This endpoint does not serve this location.")
        above = f"projects/{PROJECT}" + (f"/locations/{location}" if location else "")
        shown = f"projects/{NUMBER}" + (f"/locations/{location}" if location else "")
        match parts:
            case ["secrets"]:
                self._must(account, VIEWER, "secretmanager.secrets.list", above)
                return self._list(f"{above}/secrets/", shown, query)
            case ["secrets", secret, "versions", version] if version.endswith(":access"):
                self._must(account, ACCESSOR, "secretmanager.versions.access", f"{above}/secrets/{secret}")
                return self._access(above, shown, secret, version.removesuffix(":access"))
            case ["secrets", secret, "versions", version]:
                self._must(account, VIEWER, "secretmanager.versions.get", f"{above}/secrets/{secret}")
                number, held = self._find(above, shown, secret, version)
                times = {"destroyTime": held.destroyed, "scheduledDestroyTime": held.will_be_destroyed}
                return {
                    "name": f"{shown}/secrets/{secret}/versions/{number}",
                    "createTime": f"2025-11-03T10:00:{number:02}.123456Z",
                    "state": held.state,
                    **{name: value for name, value in times.items() if value},
                }
        raise Refusal(404, "NOT_FOUND", "Method not found.")

    def _must(self, account: Account, role: str, permission: str, resource: str) -> None:
        if role not in account.roles:
            raise Refusal(
                403,
                "PERMISSION_DENIED",
                f"Permission '{permission}' denied for resource '{resource}' (or it may not exist).",
                "IAM_PERMISSION_DENIED",
            )

    def _list(self, start: str, shown: str, query: Mapping[str, str]) -> Mapping[str, object]:
        wanted = query.get("filter", "").removeprefix("name:").casefold()
        bare = sorted(full.removeprefix(start) for full in self.fake.secrets if full.startswith(start))
        names = [f"{shown}/secrets/{name}" for name in bare if wanted in f"{shown}/secrets/{name}".casefold()]
        first = int(query.get("pageToken") or 0)
        # Google may give fewer than were asked for.
        last = first + min(int(query.get("pageSize") or 25000), 3)
        more = {"nextPageToken": str(last)} if last < len(names) else {}
        return {"secrets": [{"name": name} for name in names[first:last]], "totalSize": len(names), **more}

    def _find(self, above: str, shown: str, secret: str, version: str) -> tuple[int, Version]:
        versions = self.fake.secrets.get(f"{above}/secrets/{secret}", [])
        if not versions:
            raise Refusal(404, "NOT_FOUND", f"Secret [{shown}/secrets/{secret}] not found or has no versions.")
        number = len(versions) if version == "latest" else int(version) if version.isdigit() else 0
        if not 0 < number <= len(versions):
            raise Refusal(404, "NOT_FOUND", f"Secret Version [{shown}/secrets/{secret}/versions/{version}] not found.")
        return number, versions[number - 1]

    def _access(self, above: str, shown: str, secret: str, version: str) -> Mapping[str, object]:
        number, held = self._find(above, shown, secret, version)
        name = f"{shown}/secrets/{secret}/versions/{number}"
        if held.state != ENABLED:
            state = "DISABLED" if held.state == DISABLED else "DESTROYED"
            raise Refusal(400, "FAILED_PRECONDITION", f"Secret Version [{name}] is in {state} state.")
        data = held.data
        if self.fake.damaged:
            self.fake.damaged -= 1
            data = data[:-1] + bytes([data[-1] ^ 1])
        payload = {"data": base64.b64encode(data).decode(), "dataCrc32c": str(google_crc32c.value(held.data))}
        return {"name": name, "payload": payload}

    def _metadata(self, path: str, query: Mapping[str, str]) -> None:
        if self.headers["Metadata-Flavor"] != "Google" or not self.fake.machine:
            self.answer(403, {})
            return
        # Once it knows its account, google-auth asks for it by its e-mail.
        path = path.replace(self.fake.machine, "default")
        match path.removeprefix("/computeMetadata/v1"):
            case "/":
                self.answer(200, {})
            case "/project/project-id":
                self.answer(200, PROJECT)
            case "/universe/universe-domain":
                self.answer(200, "googleapis.com")
            case "/instance/service-accounts/default/":
                self.answer(200, {"email": self.fake.machine, "scopes": [SCOPE], "aliases": ["default"]})
            case "/instance/service-accounts/default/token":
                self.answer(200, self.fake.issue(self.fake.machine))
            case _:
                self.answer(404, {})

    def answer(self, status: int, body: object, headers: Mapping[str, str] = {}) -> None:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        given = {"Content-Type": "application/text" if isinstance(body, str) else "application/json; charset=UTF-8"}
        for name, value in {**given, "Metadata-Flavor": "Google", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, fake: GcpFake) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.fake = fake

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet: a client that does not trust the certificate hangs up."""


class GoogleNet:
    """A CONNECT proxy that leads Google's host names to the fake, and no other name anywhere."""

    def __init__(self, fake: GcpFake, authority: Authority) -> None:
        self.connected: list[str] = []
        self.refused: list[str] = []
        self._server = _Server(fake)
        context = authority.server_context(*HOSTS)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._listener = socket.create_server(("127.0.0.1", 0))
        for work in (lambda: self._server.serve_forever(0.02), self._accept):
            threading.Thread(target=work, daemon=True).start()
        url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.env = {"HTTPS_PROXY": url, "https_proxy": url, "REQUESTS_CA_BUNDLE": str(authority.ca_file)}

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._server.shutdown()
        self._server.server_close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._handle, args=(client,), daemon=True).start()

    def _handle(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                data = client.recv(4096)
                if not data:
                    return
                head += data
            host = head.split(b" ")[1].decode().rpartition(":")[0]
            self.connected.append(host)
            if host not in HOSTS:
                self.refused.append(host)
                client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", self._server.server_address[1])) as upstream:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                other = {client: upstream, upstream: client}
                while True:
                    for ready in select.select([client, upstream], [], [], 60)[0]:
                        data = ready.recv(65536)
                        if not data:
                            return
                        other[ready].sendall(data)


@pytest.fixture
def gcp(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcpFake]:
    fake = GcpFake()
    server = _Server(fake)
    fake.port = server.server_address[1]
    fake.url = f"http://127.0.0.1:{fake.port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    utcnow: Callable[[], datetime] = _helpers.utcnow
    monkeypatch.setattr(_helpers, "utcnow", lambda: utcnow() + timedelta(seconds=fake.ahead_s))
    yield fake
    server.shutdown()
    server.server_close()


@pytest.fixture
def google_net(gcp: GcpFake, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleNet]:
    """Google's production host names lead to `gcp`, in this process and in children with its `env`."""
    net = GoogleNet(gcp, authority)
    for name, value in net.env.items():
        monkeypatch.setenv(name, value)
    yield net
    net.close()
