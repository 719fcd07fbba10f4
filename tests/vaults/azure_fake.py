"""Loopback stand-ins of Entra ID and Key Vault that check what they are sent; reached by their real names.

Entra ID: openid-configuration, authorize (form_post, PKCE), token (code, refresh, device code, client secret, client
assertion) and devicecode. Key Vault: the challenge, tokens' audience, tenant, life and rights, secrets with versions
and attributes, and lists in pages. Everything asked is kept.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import secrets
import ssl
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
import trustme
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.patience import PATIENCE_S
from tests.vaults.fakenet import FakeNet, fakenet

RESOURCES = {"login.microsoftonline.com": "vault.azure.net", "login.microsoftonline.us": "vault.usgovcloudapi.net"}
DEVELOPER_APP = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
"""What users sign in to when no application is named."""
DEVICE_URL = "https://microsoft.com/devicelogin"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
INSTANCES = {
    "api-version": "1.1",
    "metadata": [
        {"preferred_network": host, "preferred_cache": host, "aliases": [host, *others]}
        for host, *others in (
            ("login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"),
            ("login.microsoftonline.us", "login.usgovcloudapi.net"),
        )
    ],
}
"""Which hosts of Entra ID are the same; asked for after a refusal."""
PAGE = 3


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    host: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """Entra ID's refusal: an OAuth error and an AADSTS code."""

    def __init__(self, code: int | None, error: str = "invalid_grant", status: int = 400) -> None:
        super().__init__(code)
        said = f"AADSTS{code}: No. Trace ID: 0d0f-trace Correlation ID: 0c0c Timestamp: 2026-01-01" if code else error
        self.answer = Answer(status, {"error": error, "error_description": said, "error_codes": [code]})


@dataclass
class App:
    """`secret` or `certificate` for a service principal, neither for an application that users sign in to."""

    client_id: str
    secret: str = ""
    certificate: x509.Certificate | None = None
    may_read: bool = True
    redirect_uris: tuple[str, ...] = ("http://localhost",)


@dataclass
class Grant:
    """What a token, a code or a device code stands for."""

    who: str
    client_id: str
    tenant: str
    resource: str
    may_read: bool
    by_person: bool
    ends: float
    revoked: bool = False
    nonce: str = ""
    challenge: str = ""
    redirect_uri: str = ""


@dataclass
class Device:
    client_id: str
    tenant: str
    resource: str
    user_code: str
    outcome: str = "authorization_pending"
    """`""` when approved, else the error."""
    user: str = ""


@dataclass
class AzureFake:
    """What the cloud holds and what it was asked."""

    net: FakeNet
    tenant: str = field(default_factory=lambda: str(uuid.uuid4()))
    other_tenant: str = field(default_factory=lambda: str(uuid.uuid4()))
    """Of vaults whose name begins with `other-`."""
    host: str = field(default_factory=lambda: f"kv-{secrets.token_hex(5)}.vault.azure.net")
    apps: dict[str, App] = field(default_factory=lambda: {DEVELOPER_APP: App(DEVELOPER_APP)})
    readers: set[str] = field(default_factory=lambda: {"ada@example.com"})
    """User names that may read."""
    guests: set[str] = field(default_factory=set)
    """User names of this tenant that the other one knows."""
    access: dict[str, Grant] = field(default_factory=dict)
    refresh: dict[str, Grant] = field(default_factory=dict)
    codes: dict[str, Grant] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    held: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    """Host and name of a secret to its versions, the oldest first."""
    token_life_s: int = 3600
    device_life_s: int = 900
    refuse_refresh: int = 0
    """The AADSTS code that refresh tokens are refused with."""
    forbidden: str = "ForbiddenByRbac"
    asked: list[Asked] = field(default_factory=list)
    answers: dict[str, Callable[[], Answer]] = field(default_factory=dict)
    """By the beginning of a path, instead of what it would answer."""
    polled: threading.Event = field(default_factory=threading.Event)
    """A device code was asked for."""
    denials: list[str] = field(default_factory=list)
    """What was wrong with what we were sent, for a test that must not be denied."""
    faults: list[str] = field(default_factory=list)
    """Of the stand-in itself."""

    def app(self, **more: Any) -> App:
        app = App(str(uuid.uuid4()), **more)
        self.apps[app.client_id] = app
        return app

    def put(self, name: str, value: str, *, host: str = "", **attributes: Any) -> str:
        """A new version; its identifier."""
        host = host or self.host
        version = secrets.token_hex(16)
        now = int(time.time())
        self.held.setdefault((host, name), []).append(
            {
                "value": value,
                "id": f"https://{host}/secrets/{name}/{version}",
                "attributes": {"enabled": True, "created": now, "updated": now, **attributes},
            }
        )
        return f"https://{host}/secrets/{name}/{version}"

    def revoke(self) -> None:
        """As when an account's sessions are revoked: the vaults ask for newer tokens."""
        for grant in self.access.values():
            grant.revoked = True

    def count(self, beginning: str) -> int:
        return sum(one.path.startswith(beginning) for one in self.asked)

    def logins(self, grant_type: str) -> list[Asked]:
        return [one for one in self.asked if one.form.get("grant_type") == grant_type]

    def issue(self, grant: Grant) -> str:
        """An access token as Entra ID makes them for Key Vault."""
        claims = {
            "aud": f"https://{grant.resource}",
            "iss": f"https://sts.windows.net/{grant.tenant}/",
            "tid": grant.tenant,
            "appid": grant.client_id,
            "exp": int(grant.ends),
            **({"upn": grant.who} if grant.by_person else {}),
        }
        token = _jwt(claims)
        self.access[token] = grant
        return token

    def token_for(self, who: str, *, by_person: bool = True, may_read: bool = True, tenant: str = "") -> str:
        """A token that another tool of Azure hands over."""
        client_id = DEVELOPER_APP if by_person else who
        ends = time.time() + self.token_life_s
        return self.issue(Grant(who, client_id, tenant or self.tenant, "vault.azure.net", may_read, by_person, ends))

    def browse(self, url: str, user: str = "ada@example.com", *, decline: bool = False) -> requests.Response:
        """What a person's browser does: open the address, sign in, and post the answer to where the page says."""
        page = requests.get(f"{url}&{urlencode({'user': user, 'decline': int(decline)})}", timeout=PATIENCE_S)
        if page.status_code != 200:
            return page
        action = re.search(r'action="([^"]*)"', page.text)
        assert action is not None
        fields = {
            html.unescape(name): html.unescape(value)
            for name, value in re.findall(r'name="([^"]*)" value="([^"]*)"', page.text)
        }
        return requests.post(html.unescape(action[1]), data=fields, timeout=PATIENCE_S)

    def approve(self, user_code: str, user: str = "ada@example.com", *, outcome: str = "") -> None:
        """What a person does with a device code."""
        [device] = [one for one in self.devices.values() if one.user_code == user_code]
        device.user, device.outcome = user, outcome

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        for beginning, instead in self.answers.items():
            if asked.path.startswith(beginning):
                return instead()
        try:
            return self._entra(asked) if asked.host in RESOURCES else self._vault(asked)
        except Refused as refusal:
            self.denials.append(f"{asked.path}: {refusal.args[0]}")
            return refusal.answer

    # Entra ID

    def _entra(self, asked: Asked) -> Answer:
        if asked.path == "/common/discovery/instance":
            return Answer(200, INSTANCES)
        tenant, _, what = asked.path.lstrip("/").partition("/")
        if tenant == "organizations":
            home = self.tenant
        elif tenant in (self.tenant, self.other_tenant, "example.com"):
            home = self.tenant if tenant == "example.com" else tenant
        else:
            raise Refused(90002, "invalid_tenant")
        base = f"https://{asked.host}/{tenant if tenant == 'organizations' else home}"
        match asked.method, what:
            case "GET", "v2.0/.well-known/openid-configuration":
                return Answer(
                    200,
                    {
                        "issuer": f"{base}/v2.0",
                        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                        "token_endpoint": f"{base}/oauth2/v2.0/token",
                        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                    },
                )
            case "GET", "oauth2/v2.0/authorize":
                return self._authorize(asked, home)
            case "POST", "oauth2/v2.0/devicecode":
                return self._device_code(asked, home)
            case "POST", "oauth2/v2.0/token":
                return self._token(asked, home, f"{base}/oauth2/v2.0/token")
        return Answer(404)

    def _authorize(self, asked: Asked, tenant: str) -> Answer:
        query = asked.query
        app = self.apps.get(query["client_id"])
        if app is None:
            raise Refused(700016, "unauthorized_client")
        redirect = urlsplit(query["redirect_uri"])
        if f"{redirect.scheme}://{redirect.hostname}" not in app.redirect_uris:
            raise Refused(50011, "invalid_request")
        if query["response_type"] != "code" or query["response_mode"] != "form_post":
            raise Refused(9000411, "invalid_request")
        if query.get("code_challenge_method") != "S256" or len(query.get("code_challenge", "")) != 43:
            raise Refused(9002325, "invalid_request")
        resource = self._resource(asked, query["scope"])
        if not {"openid", "profile", "offline_access"} <= set(query["scope"].split()):
            raise Refused(70011, "invalid_scope")
        user = query["user"]
        if query["decline"] == "1":
            fields = {"error": "access_denied", "error_description": "AADSTS65004: User declined to consent."}
        else:
            code = secrets.token_urlsafe(30)
            self.codes[code] = self._grant(user, app, tenant, resource)
            self.codes[code].nonce = query.get("nonce", "")
            self.codes[code].challenge = query["code_challenge"]
            self.codes[code].redirect_uri = query["redirect_uri"]
            fields = {"code": code}
        fields |= {"state": query["state"]}
        inputs = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in fields.items()
        )
        return Answer(200, f'<form method="post" action="{html.escape(query["redirect_uri"])}">{inputs}</form>')

    def _device_code(self, asked: Asked, tenant: str) -> Answer:
        if asked.form["client_id"] not in self.apps:
            raise Refused(700016, "unauthorized_client")
        resource = self._resource(asked, asked.form["scope"])
        code, user_code = secrets.token_urlsafe(30), secrets.token_hex(4).upper()
        self.devices[code] = Device(asked.form["client_id"], tenant, resource, user_code)
        return Answer(
            200,
            {
                "device_code": code,
                "user_code": user_code,
                "verification_uri": DEVICE_URL,
                "expires_in": self.device_life_s,
                "interval": 1,
                "message": "to be shown by nobody",
            },
        )

    def _token(self, asked: Asked, tenant: str, endpoint: str) -> Answer:
        form = asked.form
        app = self.apps.get(form["client_id"])
        if app is None:
            raise Refused(700016, "unauthorized_client")
        match form["grant_type"]:
            case "client_credentials":
                self._check_client(form, app, endpoint)
                grant = self._grant(app.client_id, app, tenant, self._resource(asked, form["scope"]))
                grant.by_person, grant.may_read = False, app.may_read
                return Answer(200, self._answer_with(grant))
            case "authorization_code":
                if form["code"] not in self.codes:
                    raise Refused(70008)
                grant = self.codes.pop(form["code"])
                if grant.redirect_uri != form["redirect_uri"] or grant.client_id != app.client_id:
                    raise Refused(70008)
                verified = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
                if verified.rstrip(b"=").decode() != grant.challenge:
                    raise Refused(501481)
                return Answer(200, self._answer_with(grant, form["scope"]))
            case "refresh_token":
                old = self.refresh.get(form["refresh_token"])
                if old is None or old.client_id != app.client_id:
                    raise Refused(70000)
                if self.refuse_refresh:
                    raise Refused(self.refuse_refresh)
                if tenant != old.tenant and old.who not in self.guests:
                    raise Refused(50020)
                grant = self._grant(old.who, app, tenant, self._resource(asked, form["scope"]))
                return Answer(200, self._answer_with(grant, form["scope"]))
            case grant_type if grant_type == DEVICE_GRANT:
                self.polled.set()
                device = self.devices.get(form["device_code"])
                if device is None or device.client_id != app.client_id:
                    raise Refused(70018)
                if device.outcome:
                    raise Refused(
                        {"authorization_pending": 70016, "expired_token": 70020}.get(device.outcome), device.outcome
                    )
                grant = self._grant(device.user, app, tenant, device.resource)
                return Answer(200, self._answer_with(grant, form.get("scope", "")))
            case _:
                raise Refused(70003, "unsupported_grant_type")

    def _check_client(self, form: Mapping[str, str], app: App, endpoint: str) -> None:
        if app.secret:
            if form.get("client_secret") != app.secret:
                raise Refused(7000215, "invalid_client", 401)
            return
        if app.certificate is None or form.get("client_assertion_type") != ASSERTION:
            raise Refused(7000218, "invalid_client", 401)
        if not _assertion_holds(form["client_assertion"], app, endpoint):
            raise Refused(700027, "invalid_client", 401)

    def _resource(self, asked: Asked, scope: str) -> str:
        """The vaults that a scope is for, of the cloud that was asked."""
        wanted = [one for one in scope.split() if "/" in one]
        known = RESOURCES[asked.host]
        if wanted not in ([f"https://{known}/.default"], [f"https://{known}/user_impersonation"]):
            raise Refused(500011, "invalid_resource")
        return known

    def _grant(self, who: str, app: App, tenant: str, resource: str) -> Grant:
        ends = time.time() + self.token_life_s
        return Grant(who, app.client_id, tenant, resource, who in self.readers, True, ends)

    def _answer_with(self, grant: Grant, scope: str = "") -> dict[str, object]:
        found: dict[str, object] = {
            "token_type": "Bearer",
            "expires_in": self.token_life_s,
            "ext_expires_in": self.token_life_s,
            "access_token": self.issue(grant),
        }
        if grant.by_person:
            now = int(time.time())
            refresh = secrets.token_urlsafe(40)
            self.refresh[refresh] = grant
            claims = {
                "aud": grant.client_id,
                "iss": f"https://login.microsoftonline.com/{grant.tenant}/v2.0",
                "iat": now,
                "nbf": now,
                "exp": now + 3600,
                "sub": grant.who,
                "tid": grant.tenant,
                "preferred_username": grant.who,
                **({"nonce": grant.nonce} if grant.nonce else {}),
            }
            found |= {
                "scope": scope,
                "refresh_token": refresh,
                "id_token": _jwt(claims),
                "client_info": _b64(json.dumps({"uid": grant.who, "utid": self.tenant}).encode()),
            }
        return found

    # Key Vault

    def _vault(self, asked: Asked) -> Answer:
        name, _, resource = asked.host.partition(".")
        tenant = self.other_tenant if name.startswith("other-") else self.tenant
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        grant = self.access.get(token)
        challenge = f'Bearer authorization="https://login.microsoftonline.com/{tenant}", resource="https://{resource}"'
        if scheme != "Bearer" or grant is None or grant.resource != resource or time.time() >= grant.ends:
            if scheme:
                self.denials.append("a token that Key Vault does not take")
            return self._unauthorized("AKV10000: Request is missing a Bearer or PoP token.", challenge)
        if grant.revoked:
            newer = _b64(json.dumps({"access_token": {"nbf": {"essential": True, "value": "1"}}}).encode())
            return self._unauthorized(
                "AKV10041", f'Bearer realm="", authorization_uri="x", error="insufficient_claims", claims="{newer}"'
            )
        if grant.tenant != tenant:
            said = f"AKV10032: Invalid issuer. Expected one of https://sts.windows.net/{tenant}/"
            return self._unauthorized(said, challenge)
        if "api-version" not in asked.query or asked.method != "GET":
            return Answer(400, _fault("BadParameter", "api-version must be specified"))
        if not grant.may_read:
            said = f"Caller is not authorized to perform action on resource. Caller: appid={grant.client_id}"
            return Answer(403, _fault("Forbidden", said, self.forbidden))
        path = [part for part in asked.path.split("/") if part]
        match path:
            case ["secrets"]:
                return self._list(asked)
            case ["secrets", secret]:
                return self._get(asked.host, secret, "")
            case ["secrets", secret, version]:
                return self._get(asked.host, secret, version)
        return Answer(400, _fault("BadParameter", "no such path"))

    def _unauthorized(self, said: str, challenge: str) -> Answer:
        return Answer(401, _fault("Unauthorized", said), {"WWW-Authenticate": challenge})

    def _get(self, host: str, name: str, version: str) -> Answer:
        versions = self.held.get((host, name), [])
        found = [one for one in versions if not version or one["id"].endswith(f"/{version}")]
        if not found:
            said = f"A secret with (name/id) {name} was not found in this key vault."
            return Answer(404, _fault("SecretNotFound", said))
        if not found[-1]["attributes"]["enabled"]:
            said = "Operation get is not allowed on a disabled secret."
            return Answer(403, _fault("Forbidden", said, "SecretDisabled"))
        return Answer(200, found[-1])

    def _list(self, asked: Asked) -> Answer:
        names = sorted(name for host, name in self.held if host == asked.host)
        start = int(asked.query.get("$skiptoken", 0))
        rows = [
            {"id": f"https://{asked.host}/secrets/{name}", "attributes": {"enabled": True}}
            for name in names[start : start + PAGE]
        ]
        more = None
        if start + PAGE < len(names):
            query = urlencode({"api-version": asked.query["api-version"], "$skiptoken": start + PAGE})
            more = f"https://{asked.host}:443/secrets?{query}"  # with the port, as Key Vault writes it
        return Answer(200, {"value": rows, "nextLink": more})


def _fault(code: str, said: str, inner: str = "") -> dict[str, object]:
    fault: dict[str, object] = {"code": code, "message": said}
    return {"error": fault | ({"innererror": {"code": inner}} if inner else {})}


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _jwt(claims: Mapping[str, object]) -> str:
    return f"{_b64(b'{}')}.{_b64(json.dumps(claims).encode())}.{secrets.token_urlsafe(32)}"


def _assertion_holds(assertion: str, app: App, endpoint: str) -> bool:
    """Whether it was signed with the key of the application's certificate, for this endpoint, and is valid now."""
    certificate = app.certificate
    assert certificate is not None
    head, body, signature = assertion.split(".")
    header, claims = json.loads(_unb64(head)), json.loads(_unb64(body))
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    sha1, sha256 = hashes.SHA1(), hashes.SHA256()
    thumbprints = {"x5t": _b64(certificate.fingerprint(sha1)), "x5t#S256": _b64(certificate.fingerprint(sha256))}
    scheme = (
        padding.PSS(padding.MGF1(sha256), padding.PSS.DIGEST_LENGTH) if header["alg"] == "PS256" else padding.PKCS1v15()
    )
    try:
        key.verify(_unb64(signature), f"{head}.{body}".encode(), scheme, sha256)
    except InvalidSignature:
        return False
    named = [header[name].rstrip("=") == thumbprint for name, thumbprint in thumbprints.items() if name in header]
    return (
        bool(named)
        and all(named)
        and claims["aud"] == endpoint
        and claims["iss"] == claims["sub"] == app.client_id
        and claims["iat"] - 60 <= time.time() < claims["exp"]
        and bool(claims["jti"])
    )


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    timeout = 30
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        parts = urlsplit(self.path)
        asked = Asked(
            (self.headers["Host"] or "").removesuffix(":443"),
            self.command,
            parts.path,
            dict(parse_qsl(parts.query)),
            {name.lower(): value for name, value in self.headers.items()},
            dict(parse_qsl(body)),
        )
        fake = self.server.fake
        assert fake is not None
        answer = fake.answer(asked)
        content = answer.body.encode() if isinstance(answer.body, str) else json.dumps(answer.body).encode()
        kind = "text/html" if isinstance(answer.body, str) else "application/json"
        self.send_response(answer.status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        # Without a handshake on accept: a client that says nothing would stop all others.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.fake: AzureFake | None = None

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no event; anything else is a fault of the stand-in."""
        error = sys.exc_info()[1]
        if self.fake is not None and not isinstance(error, OSError):
            self.fake.faults.append(repr(error))


@pytest.fixture(scope="module")
def _azure_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[_Server, Path]]:
    ca = trustme.CA()
    ca_file = tmp_path_factory.mktemp("azure") / "ca.pem"
    ca.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    names = [*RESOURCES, *(f"*.{resource}" for resource in RESOURCES.values())]
    ca.issue_cert(*names).configure_cert(context)
    with _Server(context) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server, ca_file
        server.shutdown()


@pytest.fixture
def azure(_azure_server: tuple[_Server, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureFake]:
    """A new cloud, and this process's traffic led to it."""
    server, ca_file = _azure_server
    port = server.server_address[1]
    routes = dict.fromkeys([*RESOURCES, *(f"*.{resource}" for resource in RESOURCES.values())], port)
    with fakenet(ca_file, routes) as net:
        for name, value in net.env.items():
            monkeypatch.setenv(name, value)
        server.fake = AzureFake(net)
        yield server.fake
        assert server.fake.faults == []
        assert net.refused == [], "the product asked for hosts that are none of Azure's"
