"""A loopback server that stands for Google: token endpoint, Secret Manager over REST, and the metadata server.

It checks what Google checks: signature, issuer, audience, scope and life of assertions and bearers, and the roles of
who asks.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
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
from tests.vaults.fakenet import FakeNet, fakenet

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
    """Made once in a test run, and small: making one takes a while, and so does the check of one that is loaded."""
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)


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
    instead: Callable[[Handler], None] | None = None
    """Answers calls of the API in place of it."""
    silent: str = ""
    """Requests whose path begins so are not answered, until `over`."""
    over: threading.Event = field(default_factory=threading.Event)
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


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    wbufsize = 65536

    def log_message(self, format: str, *args: Any) -> None:
        pass

    @property
    def fake(self) -> GcpFake:
        return self.server.fake

    def parse_request(self) -> bool:
        good = super().parse_request()
        if good and self.fake.silent and self.path.startswith(self.fake.silent):
            self.close_connection = True
            self.fake.over.wait()
            return False
        return good

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
        asked = query.get("filter", "")
        if asked and (not re.fullmatch(r"name:[A-Za-z0-9][A-Za-z0-9_-]*", asked) or asked[5:] in ("AND", "OR", "NOT")):
            raise Refusal(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
        wanted = asked.removeprefix("name:").casefold()
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


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, fake: GcpFake) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.fake = fake

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet: a client that does not trust the certificate hangs up."""


@pytest.fixture
def gcp(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcpFake]:
    fake = GcpFake()
    server = Server(fake)
    fake.port = server.server_address[1]
    fake.url = f"http://127.0.0.1:{fake.port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    utcnow: Callable[[], datetime] = _helpers.utcnow
    monkeypatch.setattr(_helpers, "utcnow", lambda: utcnow() + timedelta(seconds=fake.ahead_s))
    yield fake
    fake.over.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def google_net(gcp: GcpFake, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeNet]:
    """Google's own addresses lead to `gcp`, in this process and in children with its `env`."""
    server = Server(gcp)
    server.socket = authority.server_context(*HOSTS).wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    with fakenet(authority.ca_file, dict.fromkeys(HOSTS, server.server_address[1])) as net:
        for name, value in net.env.items():
            monkeypatch.setenv(name, value)
        yield net
    server.shutdown()
    server.server_close()
