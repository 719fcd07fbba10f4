"""OAuth 1 auth, against a check of signatures that was written from the RFC and not with the library that signs."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec.structs import replace

from core.auth.signing import Signer
from core.errors import RequestError
from core.exchange import Exchange
from core.models import (
    Auth,
    AwsSigV4Auth,
    Body,
    Field,
    FileBody,
    FormBody,
    JsonBody,
    NoAuth,
    NoBody,
    NtlmAuth,
    OAuth1Auth,
    OAuth2Auth,
    Request,
    TextBody,
)
from core.paths import Paths, Surroundings
from core.secret import MASK, Secret
from core.sending.prepare import prepare
from core.session import Session, open_session
from tests.canary import leaks
from tests.loopback import Loopback, Received
from tests.oauth1_check import FORM, base_string, is_signed, parameters_of

CONSUMER_SECRET = "c0nsumer/s3cret+&=ö"
TOKEN_SECRET = "t0ken s3cret%20"
TOKEN = "t0ken/of+ann"
GIVEN = {"consumer_secret": CONSUMER_SECRET, "token_secret": TOKEN_SECRET, "token": TOKEN}
AUTH = OAuth1Auth("key of ours", "{{consumer_secret}}", "{{token}}", "{{token_secret}}")


@pytest.fixture
async def session(paths: Paths, tmp_path: Path) -> AsyncIterator[Session]:
    opened = open_session(Surroundings(paths), headless=True)
    opened.create_workspace(tmp_path / "ws", "Signed")
    yield opened
    await opened.close()


class Checker:
    """A route that answers 200 only to what is signed rightly, and to no nonce twice."""

    def __init__(self, public_key: rsa.RSAPublicKey | None = None) -> None:
        self.public_key = public_key
        self.seen: list[dict[str, str]] = []
        self.places: list[str] = []
        self.realm = ""

    def __call__(self, handler: Any, received: Received) -> None:
        parameters, where, self.realm = parameters_of(received)
        url = f"http://{received.header('Host')}{received.target}"
        own = {name: value for name, value in parameters if name.startswith("oauth_")}
        right = is_signed(
            received.method,
            url,
            parameters,
            consumer_secret=CONSUMER_SECRET,
            token_secret=TOKEN_SECRET,
            public_key=self.public_key,
        ) and own["oauth_nonce"] not in [before["oauth_nonce"] for before in self.seen]
        self.seen.append(own)
        self.places.append(where)
        handler.answer_json({"said": dict(received.headers), "target": received.target}, 200 if right else 401)


@pytest.fixture
def checker(server: Loopback) -> Checker:
    route = Checker()
    server.routes["/signed/ä;p~".replace("ä", "%C3%A4")] = server.routes["/signed"] = route
    return route


async def send(session: Session, request: Request) -> Exchange:
    return await session.send(request, overrides={name: Secret(value) for name, value in GIVEN.items()})


def everything_shown(session: Session, exchange: Exchange) -> str:
    body = session.redact(exchange.response.body.read().decode())
    return repr((exchange, exchange.shown, exchange.hops, exchange.notes)) + body


def test_the_check_is_right_by_the_base_string_of_the_rfc() -> None:
    query = [("b5", "=%3D"), ("a3", "a"), ("c@", ""), ("a2", "r b")]
    header = [
        ("oauth_consumer_key", "9djdj82h48djs9d2"),
        ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
    ]
    made = base_string("POST", "http://EXAMPLE.COM:80/request", [*query, *header, ("c2", ""), ("a3", "2 q")])
    assert made == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26"
        "c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26"
        "oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


@pytest.mark.parametrize(
    ("method", "url", "more", "token_secret", "signature"),
    [
        (
            "POST",
            "https://photos.example.net/token",
            {"oauth_token": "hh5s93j4hdidpola", "oauth_timestamp": "137131201", "oauth_nonce": "walatlh"}
            | {"oauth_verifier": "hfdp7dh39dks9884"},
            "hdhd0244k9j7ao03",
            "gKgrFCywp7rO0OXSjdot/IHF7IU=",
        ),
        (
            "GET",
            "http://photos.example.net/photos",
            {"oauth_token": "nnch734d00sl2jdk", "oauth_timestamp": "137131202", "oauth_nonce": "chapoH"}
            | {"file": "vacation.jpg", "size": "original"},
            "pfkkdhi9sl3r4s00",
            "MdpQcU8iPSUjWoN/UDMsK2sui9I=",
        ),
    ],
)
def test_the_check_is_right_by_the_signatures_of_the_rfc(
    method: str, url: str, more: dict[str, str], token_secret: str, signature: str
) -> None:
    parameters = [
        ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
        ("oauth_signature_method", "HMAC-SHA1"),
        *more.items(),
        ("oauth_signature", signature),
    ]
    right = partial(is_signed, method, url, consumer_secret="kd94hf93k423kf44", token_secret=token_secret)
    assert right(parameters)
    assert not right([*parameters, ("one", "more")])


FORM_BODY = FormBody((Field("a 1", "ü&=+~*"), Field("a 1", ""), Field("b", "%20")))


@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "PLAINTEXT"])
@pytest.mark.parametrize("location", ["header", "query", "body"])
async def test_query_and_form_take_part_wherever_the_parameters_go(
    session: Session, server: Loopback, checker: Checker, method: Any, location: Any
) -> None:
    auth = replace(AUTH, signature_method=method, location=location)
    url = f"{server.url}/signed/ä;p~?q=1 2&q&empty=&odd=[a|b]'\"%5E!*()"
    for body in (FORM_BODY, FormBody()):
        exchange = await send(session, Request(method="POST", url=url, auth=auth, body=body))
        assert exchange.response.status == 200, exchange.response.body.read()
    assert checker.places == [location] * 2
    assert checker.seen[0]["oauth_token"] == TOKEN
    assert checker.seen[0]["oauth_consumer_key"] == "key of ours"
    received = server.requests[0]
    assert received.target.startswith("/signed/%C3%A4;p~?q=1%202&q&empty=&odd="), "the query stays as it was written"
    assert received.body.startswith(b"a+1=%C3%BC%26%3D%2B~%2A&a+1=&b=%2520")


@lru_cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(kind: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8) -> str:
    return key().private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode()


@pytest.mark.parametrize("method", ["RSA-SHA1", "RSA-SHA256", "RSA-SHA512"])
@pytest.mark.parametrize("kind", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL])
async def test_a_private_key_signs(
    session: Session, server: Loopback, method: Any, kind: serialization.PrivateFormat
) -> None:
    server.routes["/signed"] = Checker(key().public_key())
    auth = OAuth1Auth("key", token="{{token}}", signature_method=method, private_key="{{private_key}}")
    given = {"token": Secret(TOKEN), "private_key": Secret(pem(kind))}
    request = Request(method="POST", url=f"{server.url}/signed?a=1", auth=auth, body=FORM_BODY)
    exchange = await session.send(request, overrides=given)
    assert exchange.response.status == 200
    assert "PRIVATE KEY" not in everything_shown(session, exchange)


@pytest.mark.parametrize(
    "text", ["no key at all", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"]
)
async def test_a_key_that_is_none_is_named_and_not_quoted(session: Session, server: Loopback, text: str) -> None:
    auth = OAuth1Auth("key", signature_method="RSA-SHA256", private_key="{{private_key}}")
    with pytest.raises(RequestError, match="private key of the OAuth 1 auth cannot be used") as caught:
        await session.send(Request(url=f"{server.url}/signed", auth=auth), overrides={"private_key": Secret(text)})
    assert text not in str(caught.value) + str(caught.value.__cause__) + str(caught.value.__context__)
    assert server.requests == []


@pytest.mark.parametrize(
    "body",
    [JsonBody('{"a": "b=c&d"}'), TextBody("a=b&c", FORM), FileBody("form.txt", FORM), FileBody("form.txt"), NoBody()],
    ids=lambda body: type(body).__name__,
)
async def test_a_body_takes_part_only_where_it_is_a_form(
    session: Session, server: Loopback, checker: Checker, body: Body
) -> None:
    assert session.workspace is not None
    (session.workspace.path / "form.txt").write_text("from=a+file&x")
    request = Request(method="POST", url=f"{server.url}/signed", auth=AUTH, body=body)
    assert (await send(session, request)).response.status == 200


@pytest.mark.parametrize(("method", "algorithm"), [("HMAC-SHA1", "sha1"), ("HMAC-SHA256", "sha256")])
async def test_the_digest_of_a_body_that_is_no_form_is_signed_where_it_is_wanted(
    session: Session, server: Loopback, checker: Checker, method: Any, algorithm: str
) -> None:
    assert session.workspace is not None
    (session.workspace.path / "big.bin").write_bytes(bytes(range(256)) * 9000)
    auth = replace(AUTH, signature_method=method, body_hash=True)
    for body in (JsonBody('{"a": 1}'), FileBody("big.bin"), NoBody()):
        request = Request(method="POST", url=f"{server.url}/signed", auth=auth, body=body)
        assert (await send(session, request)).response.status == 200
        digest = hashlib.new(algorithm, server.last.body).digest()
        assert checker.seen[-1]["oauth_body_hash"] == base64.b64encode(digest).decode()
    await send(session, Request(method="POST", url=f"{server.url}/signed", auth=auth, body=FORM_BODY))
    assert "oauth_body_hash" not in checker.seen[-1]


async def test_a_form_in_a_file_takes_the_parameters(session: Session, server: Loopback, checker: Checker) -> None:
    assert session.workspace is not None
    (session.workspace.path / "form.txt").write_text("from=a+file")
    auth = replace(AUTH, location="body")
    request = Request(method="POST", url=f"{server.url}/signed", auth=auth, body=FileBody("form.txt", FORM))
    assert (await send(session, request)).response.status == 200
    assert server.last.body.startswith(b"from=a+file&oauth_nonce=")


async def test_a_form_that_is_sent_in_chunks_takes_the_parameters(
    session: Session, server: Loopback, checker: Checker
) -> None:
    request = Request(
        method="POST",
        url=f"{server.url}/signed",
        auth=replace(AUTH, location="body"),
        headers=(Field("Transfer-Encoding", "chunked"),),
        body=FORM_BODY,
    )
    assert (await send(session, request)).response.status == 200
    assert server.last.header("Content-Length") is None


async def test_a_file_that_goes_away_is_an_error_of_the_request(session: Session, server: Loopback) -> None:
    assert session.workspace is not None
    path = session.workspace.path / "gone.bin"
    path.write_bytes(b"x")
    scope = session.scope(Request(), "")
    prepared = prepare(
        Request(
            method="POST", url=f"{server.url}/signed", auth=OAuth1Auth("k", body_hash=True), body=FileBody("gone.bin")
        ),
        scope.resolve({}),
        files=session.file,
    )
    path.unlink()
    with pytest.raises(RequestError, match="cannot be read") as caught:
        await Signer(session.consent, session.vault).sign(prepared)
    assert caught.value.kind == "disk"


async def test_what_else_can_be_set_is_signed_and_sent(session: Session, server: Loopback, checker: Checker) -> None:
    auth = replace(AUTH, realm='Photos "of" a\\b', callback="http://127.0.0.1/ready?a=b c", verifier="v3r/ifier")
    assert (await send(session, Request(url=f"{server.url}/signed", auth=auth))).response.status == 200
    assert checker.realm == 'Photos "of" a\\b'
    assert checker.seen[0]["oauth_callback"] == "http://127.0.0.1/ready?a=b c"
    assert checker.seen[0]["oauth_verifier"] == "v3r/ifier"


@pytest.mark.parametrize("location", ["query", "body"])
async def test_what_the_request_says_of_it_itself_is_replaced(
    session: Session, server: Loopback, checker: Checker, location: Any
) -> None:
    auth = replace(AUTH, location=location)
    rows = (Field("oauth_token", "old"), Field("oauth_signature", "old"), Field("a", "1"))
    query, fields = (rows, ()) if location == "query" else ((), rows)
    request = Request(method="POST", url=f"{server.url}/signed", query=query, auth=auth, body=FormBody(fields))
    assert (await send(session, request)).response.status == 200
    assert checker.seen[0]["oauth_token"] == TOKEN


async def test_a_host_header_of_the_request_is_what_is_signed(
    session: Session, server: Loopback, checker: Checker
) -> None:
    request = Request(url=f"{server.url}/signed", auth=AUTH, headers=(Field("Host", "API.example.com:80"),))
    assert (await send(session, request)).response.status == 200


@pytest.mark.parametrize("location", ["header", "query", "body"])
async def test_each_hop_is_signed_anew_and_another_origin_gets_nothing(
    session: Session, server: Loopback, other_server: Loopback, checker: Checker, location: Literal["header", "query"]
) -> None:
    def repeating(target: str) -> Any:
        """A redirect that keeps the query, as servers do that add a slash."""
        return lambda handler, received: handler.answer(
            307, headers=(("Location", f"{target}?{received.target.partition('?')[2]}"),)
        )

    server.routes["/first"] = repeating("/signed")
    server.routes["/away"] = lambda handler, received: handler.answer(
        307, headers=(("Location", f"{other_server.url}/echo"),)
    )
    auth = replace(AUTH, location=location)
    request = Request(method="POST", url=f"{server.url}/first?a=1", auth=auth, body=FORM_BODY)
    exchange = await send(session, request)
    assert exchange.response.status == 200
    assert server.last.target.count("oauth_signature=") == (location == "query")
    assert all(hop.location.endswith(f"oauth_signature={MASK}") == (location == "query") for hop in exchange.hops)
    first = parameters_of(server.requests[0])[0]
    assert dict(first)["oauth_nonce"] != checker.seen[0]["oauth_nonce"]
    await send(session, replace(request, url=f"{server.url}/away"))
    assert b"oauth" not in other_server.raw().lower()
    assert other_server.last.body


@pytest.mark.parametrize("method", ["HMAC-SHA256", "PLAINTEXT"])
@pytest.mark.parametrize("location", ["header", "query", "body"])
async def test_no_secret_and_no_signature_is_shown(
    session: Session, server: Loopback, method: Any, location: Any
) -> None:
    auth = replace(AUTH, signature_method=method, location=location)
    request = Request(method="POST", url=f"{server.url}/echo?a=1", auth=auth, body=FORM_BODY)
    exchange = await send(session, request)
    shown = everything_shown(session, exchange)
    assert leaks(GIVEN, [("shown", shown.encode())]) == []
    assert not any(quote(quote(value, safe=""), safe="") in shown for value in GIVEN.values())
    signature = dict(parameters_of(server.last)[0])["oauth_signature"]
    for part in (exchange.shown.url, exchange.shown.body, repr(exchange.shown.headers)):
        assert signature not in part
        assert quote(signature, safe="") not in part
    if location == "header":
        assert dict(exchange.shown.headers)["Authorization"] == f"OAuth {MASK}"
    else:
        where = exchange.shown.url if location == "query" else exchange.shown.body
        assert where.endswith(f"&oauth_token={MASK}&oauth_signature={MASK}")
        assert "Authorization" not in dict(exchange.shown.headers)
    assert json.loads(exchange.response.body.read())["method"] == "POST"


def test_a_preview_says_where_the_signature_will_be(session: Session) -> None:
    request = Request(url="http://a.test/x?a=1", auth=OAuth1Auth("k"), headers=(Field("authorization", "mine"),))
    shown = session.preview(request)
    assert [value for name, value in shown.headers if name.lower() == "authorization"] == [f"OAuth {MASK}"]
    for location, body, expected in (
        ("query", NoBody(), ("http://a.test/x?a=1&oauth_signature=••••••", "")),
        ("body", FormBody((Field("b", "2"),)), ("http://a.test/x?a=1", "b=2&oauth_signature=••••••")),
    ):
        shown = session.preview(replace(request, auth=replace(request.auth, location=location), body=body))
        assert (shown.url, shown.body) == expected


@pytest.mark.parametrize(
    ("auth", "scheme"),
    [
        (NtlmAuth("ann", "p"), "NTLM"),
        (OAuth2Auth(), "Bearer"),
        (AwsSigV4Auth(), "AWS4-HMAC-SHA256"),
        (NoAuth(), None),
    ],
)
def test_a_preview_says_how_the_request_will_log_in(session: Session, auth: Auth, scheme: str | None) -> None:
    shown = dict(session.preview(Request(url="http://a.test", auth=auth)).headers)
    assert shown.get("Authorization") == (scheme and f"{scheme} {MASK}")


@pytest.mark.parametrize(
    ("auth", "body", "said"),
    [
        (OAuth1Auth(), NoBody(), "no consumer key"),
        (OAuth1Auth("k", signature_method="RSA-SHA1"), NoBody(), "no private key"),
        (OAuth1Auth("k", location="body"), JsonBody("{}"), "only in the body of a form"),
        (OAuth1Auth("k", location="body"), NoBody(), "only in the body of a form"),
        (OAuth1Auth("k", realm="a\nb"), NoBody(), "control character"),
    ],
)
async def test_what_cannot_be_signed_is_said_and_not_sent(
    session: Session, server: Loopback, auth: OAuth1Auth, body: Body, said: str
) -> None:
    with pytest.raises(RequestError, match=said):
        await session.send(Request(method="POST", url=f"{server.url}/echo", auth=auth, body=body))
    assert server.requests == []
