"""AWS on loopback: moto's Secrets Manager behind a front that checks signature, token, expiry and permission itself,
and answers STS, IAM and IAM Identity Center, which moto waves through or does not have.

Every refusal has the code, status and protocol that AWS documents for the service.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

ACCOUNT = "123456789012"
REGION = "eu-west-1"
START_URL = "https://sso.example.com/start"
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/([^/]+)/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w+)"
)
TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass
class Identity:
    """Who a pair of keys is, and what it may do (`*` is everything)."""

    arn: str
    secret: str
    actions: frozenset[str] = frozenset({"*"})
    token: str = ""
    ends: float | None = None
    mfa_serial: str = ""
    mfa_code: str = ""

    def may(self, action: str) -> bool:
        return "*" in self.actions or action in self.actions


@dataclass
class Role:
    trusts: str
    external_id: str = ""
    actions: frozenset[str] = frozenset({"*"})


class Refused(Exception):
    def __init__(self, code: str, message: str = "no") -> None:
        super().__init__(code)
        self.code = code
        self.message = message


@dataclass
class AwsFront:
    """What the cloud knows, and what it was asked."""

    url: str = ""
    identities: dict[str, Identity] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """Action names, signed requests only when the signature was right."""
    sso_tokens: dict[str, float] = field(default_factory=dict)
    sso_roles: set[tuple[str, str]] = field(default_factory=set)
    device_codes: dict[str, str] = field(default_factory=dict)
    """Device code to `pending`, `approved`, `denied` or `expired`."""

    def user(self, name: str = "", *actions: str, **options: Any) -> tuple[str, str]:
        """Long-lived keys of a new user: key ID and secret."""
        name = name or f"user-{secrets.token_hex(3)}"
        return self._keys(f"arn:aws:iam::{ACCOUNT}:user/{name}", "AKIA", actions or ("*",), **options)

    def temporary(self, *actions: str, life_s: float = 3600) -> tuple[str, str, str]:
        """Keys with a session token."""
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/ops/{secrets.token_hex(3)}"
        return self._temporary(arn, frozenset(actions or ("*",)), life_s)

    def role(self, name: str, *, trusts: str, external_id: str = "", actions: Iterable[str] = ("*",)) -> str:
        arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        self.roles[arn] = Role(trusts, external_id, frozenset(actions))
        return arn

    def end(self, key_id: str) -> None:
        """Let temporary keys expire now."""
        self.identities[key_id].ends = 0.0

    def sso_token(self, *, life_s: float = 3600) -> str:
        token = secrets.token_urlsafe(20)
        self.sso_tokens[token] = time.time() + life_s
        return token

    def _keys(self, arn: str, start: str, actions: Iterable[str], **options: Any) -> tuple[str, str]:
        key_id = start + secrets.token_hex(8).upper()
        secret = secrets.token_urlsafe(30)
        self.identities[key_id] = Identity(arn, secret, frozenset(actions), **options)
        return key_id, secret

    def _temporary(self, arn: str, actions: frozenset[str], life_s: float) -> tuple[str, str, str]:
        token = secrets.token_urlsafe(40)
        key_id, secret = self._keys(arn, "ASIA", actions, token=token, ends=time.time() + life_s)
        return key_id, secret, token

    # One request

    def signer(self, environ: WSGIEnvironment, body: bytes) -> tuple[Identity, str]:
        """Whose request it is and the service it was signed for, once its signature is proven."""
        match = AUTHORIZATION.fullmatch(environ.get("HTTP_AUTHORIZATION", ""))
        if match is None:
            raise Refused("MissingAuthenticationToken")
        key_id, _, region, service, signed, signature = match.groups()
        identity = self.identities.get(key_id)
        if identity is None:
            raise Refused("InvalidClientTokenId" if service in ("sts", "iam") else "UnrecognizedClientException")
        request = AWSRequest(
            method=environ["REQUEST_METHOD"],
            url=f"{self.url}{environ['REQUEST_URI']}",
            headers={name: _header(environ, name) for name in signed.split(";")},
            data=body,
        )
        request.context["timestamp"] = _header(environ, "x-amz-date")
        auth = SigV4Auth(Credentials(key_id, identity.secret), service, region)
        expected = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
        claimed = _header(environ, "x-amz-content-sha256")
        if expected != signature or (claimed and claimed != hashlib.sha256(body).hexdigest()):
            raise Refused("SignatureDoesNotMatch" if service in ("sts", "iam") else "InvalidSignatureException")
        if identity.token != _header(environ, "x-amz-security-token"):
            raise Refused("InvalidClientTokenId" if service in ("sts", "iam") else "UnrecognizedClientException")
        if identity.ends is not None and time.time() >= identity.ends:
            raise Refused("ExpiredToken" if service in ("sts", "iam") else "ExpiredTokenException")
        return identity, service

    def sts(self, identity: Identity, action: str, form: dict[str, str]) -> str:
        if action == "GetCallerIdentity":
            return f"<Arn>{identity.arn}</Arn><UserId>U</UserId><Account>{ACCOUNT}</Account>"
        if action == "GetSessionToken":
            if form.get("SerialNumber") != identity.mfa_serial or form.get("TokenCode") != identity.mfa_code:
                raise Refused("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.")
            return self._as_xml(*self._temporary(identity.arn, frozenset({"*"}), float(form["DurationSeconds"])))
        if action == "AssumeRole":
            role = self.roles.get(form["RoleArn"])
            if role is None or role.trusts != identity.arn or role.external_id != form.get("ExternalId", ""):
                raise Refused("AccessDenied")
            arn = f"{form['RoleArn'].replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/hushpost"
            return self._as_xml(*self._temporary(arn, role.actions, float(form["DurationSeconds"])))
        raise Refused("InvalidAction")

    def _as_xml(self, key_id: str, secret: str, token: str) -> str:
        ends = datetime.fromtimestamp(self.identities[key_id].ends or 0, UTC).strftime(TIME)
        return (
            f"<Credentials><AccessKeyId>{key_id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
            f"<SessionToken>{token}</SessionToken><Expiration>{ends}</Expiration></Credentials>"
        )

    def iam(self, identity: Identity, action: str) -> str:
        if action != "ListMFADevices" or not identity.may("iam:ListMFADevices"):
            raise Refused("AccessDenied")
        device = (
            f"<member><UserName>u</UserName><SerialNumber>{identity.mfa_serial}</SerialNumber>"
            "<EnableDate>2025-01-01T00:00:00Z</EnableDate></member>"
            if identity.mfa_serial
            else ""
        )
        return f"<MFADevices>{device}</MFADevices><IsTruncated>false</IsTruncated>"

    # IAM Identity Center

    def portal(self, query: dict[str, str], token: str) -> tuple[int, dict[str, str], dict[str, Any]]:
        if self.sso_tokens.get(token, 0) <= time.time():
            return 401, {"x-amzn-ErrorType": "UnauthorizedException"}, {"message": "Session token not found or invalid"}
        wanted = (query.get("account_id", ""), query.get("role_name", ""))
        if wanted not in self.sso_roles:
            return 403, {"x-amzn-ErrorType": "ForbiddenException"}, {"message": "No access"}
        arn = f"arn:aws:sts::{wanted[0]}:assumed-role/AWSReservedSSO_{wanted[1]}/me"
        key_id, secret, session = self._temporary(arn, frozenset({"*"}), 3600)
        ends = int((self.identities[key_id].ends or 0) * 1000)
        keys = {"accessKeyId": key_id, "secretAccessKey": secret, "sessionToken": session, "expiration": ends}
        return 200, {}, {"roleCredentials": keys}

    def oidc(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, str], dict[str, Any]]:
        if path == "/client/register" and body.get("clientType") == "public":
            return (
                200,
                {},
                {"clientId": "c-1", "clientSecret": "cs-1", "clientSecretExpiresAt": int(time.time()) + 9999},
            )
        if (body.get("clientId"), body.get("clientSecret")) != ("c-1", "cs-1"):
            return 401, {"x-amzn-ErrorType": "InvalidClientException"}, {"error": "invalid_client"}
        if path == "/device_authorization" and body.get("startUrl") == START_URL:
            code = secrets.token_hex(8)
            self.device_codes[code] = "pending"
            return 200, {}, {
                "deviceCode": code,
                "userCode": "ABCD-EFGH",
                "verificationUri": f"{START_URL}/device",
                "verificationUriComplete": f"{START_URL}/device?user_code=ABCD-EFGH",
                "expiresIn": 600,
                "interval": 1,
            }  # fmt: skip
        if path == "/token":
            match self.device_codes.get(body.get("deviceCode", "")):
                case "approved":
                    token = self.sso_token()
                    return 200, {}, {"accessToken": token, "expiresIn": 3600, "tokenType": "Bearer"}
                case "denied":
                    return 400, {"x-amzn-ErrorType": "AccessDeniedException"}, {"error": "access_denied"}
                case "pending":
                    return (
                        400,
                        {"x-amzn-ErrorType": "AuthorizationPendingException"},
                        {"error": "authorization_pending"},
                    )
            return 400, {"x-amzn-ErrorType": "ExpiredTokenException"}, {"error": "expired_token"}
        return 400, {"x-amzn-ErrorType": "InvalidRequestException"}, {"error": "invalid_request"}


class _Application:
    def __init__(self, front: AwsFront) -> None:
        self._front = front
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        path, front = environ["PATH_INFO"], self._front
        if path == "/federation/credentials":
            front.asked.append("GetRoleCredentials")
            query = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
            return _json(start, *front.portal(query, environ.get("HTTP_X_AMZ_SSO_BEARER_TOKEN", "")))
        if path in ("/client/register", "/device_authorization", "/token"):
            front.asked.append(path)
            return _json(start, *front.oidc(path, json.loads(body)))
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        try:
            identity, service = front.signer(environ, body)
            if service in ("sts", "iam"):
                form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
                action = form.get("Action", "")
                front.asked.append(action)
                answer = front.sts(identity, action, form) if service == "sts" else front.iam(identity, action)
                return _xml(
                    start, 200, f"<{action}Response><{action}Result>{answer}</{action}Result></{action}Response>"
                )
            action = target.partition(".")[2]
            front.asked.append(action)
            if not identity.may(f"secretsmanager:{action}"):
                raise Refused("AccessDeniedException", "User is not authorized")
        except Refused as refusal:
            if target:
                return _json(start, 400, {}, {"__type": refusal.code, "message": refusal.message})
            error = f"<Code>{refusal.code}</Code><Message>{refusal.message}</Message>"
            return _xml(start, 403, f"<ErrorResponse><Error>{error}</Error></ErrorResponse>")
        import io

        environ["wsgi.input"] = io.BytesIO(body)
        answered: Iterable[bytes] = self._moto(environ, start)
        return answered


def _header(environ: WSGIEnvironment, name: str) -> str:
    key = name.upper().replace("-", "_")
    return str(environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}", ""))


def _json(start: StartResponse, status: int, headers: dict[str, str], body: dict[str, Any]) -> list[bytes]:
    start(f"{status} X", [("Content-Type", "application/x-amz-json-1.1"), *headers.items()])
    return [json.dumps(body).encode()]


def _xml(start: StartResponse, status: int, body: str) -> list[bytes]:
    start(f"{status} X", [("Content-Type", "text/xml")])
    return [body.encode()]


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: object) -> None:
        pass

    def make_environ(self) -> WSGIEnvironment:
        environ = super().make_environ()
        # werkzeug drops headers with an underscore in their names.
        environ["HTTP_X_AMZ_SSO_BEARER_TOKEN"] = self.headers.get("x-amz-sso_bearer_token", "")
        return environ


@pytest.fixture(scope="session")
def _aws_server() -> Iterator[tuple[AwsFront, Callable[[], None]]]:
    front = AwsFront()
    server = make_server("127.0.0.1", 0, _Application(front), threaded=True, request_handler=_Quiet)
    front.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield front, server.shutdown
    server.shutdown()


@pytest.fixture
def aws(_aws_server: tuple[AwsFront, Callable[[], None]]) -> AwsFront:
    """The cloud, with what earlier tests asked forgotten."""
    front = _aws_server[0]
    front.asked.clear()
    return front


__all__ = ["ACCOUNT", "REGION", "START_URL", "AwsFront", "_aws_server", "aws"]
