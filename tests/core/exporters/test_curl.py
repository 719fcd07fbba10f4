"""A request as a curl command: run by a real shell and the real curl, it sends what hushpost sends."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from core.errors import FormatError
from core.exporters.curl import ACCESS_TOKEN, command
from core.importers.curl import read
from core.models import (
    ApiKeyAuth,
    AwsSigV4Auth,
    BasicAuth,
    BearerAuth,
    ClientCertificate,
    DigestAuth,
    Environment,
    Field,
    FileBody,
    Folder,
    FormBody,
    GraphqlBody,
    JsonBody,
    MultipartBody,
    NtlmAuth,
    OAuth1Auth,
    OAuth2Auth,
    Options,
    Part,
    Request,
    TextBody,
    Variable,
    XmlBody,
)
from core.session import Session
from tests.curl_runs import run, said
from tests.loopback import Loopback
from tests.ntlm_server import NtlmServer
from tests.patience import PATIENCE_S

NASTY = """it's "$HOME" `id` \\ $(id) !x \t%s *? ü 😀\n#;&|<>~{a,b}[1-3] {{ '"""

REQUESTS = {
    "get": Request(url="/echo?a=1", query=(Field("b", NASTY),)),
    "head": Request(method="HEAD", url="/status/200"),
    "delete": Request(method="DELETE", url="/echo"),
    "post without a body": Request(method="POST", url="/echo"),
    "own method": Request(method="PURGE", url="/echo"),
    "get with a body": Request(url="/echo", body=JsonBody("{}")),
    "path": Request(url="/a/../echo/:id/[x]/{y}", path_params={"id": "a/b c"}),
    "headers": Request(
        url="/echo",
        headers=(Field("X-A", NASTY.replace("\n", "").replace("ü 😀", "")), Field("X-Empty"), Field("Accept", "a/b")),
    ),
    "folder's header": Request(url="/echo"),
    "user agent": Request(url="/echo", headers=(Field("User-Agent", "me/1"), Field("Host", "other.test"))),
    "cookie": Request(url="/echo", headers=(Field("Cookie", "a=1; b=2"),)),
    "json": Request(method="POST", url="/echo", body=JsonBody('{"a": "' + "\\\\" + '\\"\n@"}')),
    "at": Request(method="POST", url="/echo", body=TextBody("@in.json")),
    "text": Request(method="PUT", url="/echo", body=TextBody(NASTY)),
    "crlf": Request(method="POST", url="/echo", body=TextBody("a\r\nb\n")),
    "empty text": Request(method="POST", url="/echo", body=TextBody("")),
    "untyped": Request(method="POST", url="/echo", body=TextBody("x", content_type="")),
    "charset": Request(method="POST", url="/echo", body=TextBody("plain", content_type="text/plain; charset=latin-1")),
    "xml": Request(method="POST", url="/echo", body=XmlBody("<a b='c'>&amp;</a>")),
    "form": Request(
        method="POST", url="/echo", body=FormBody((Field("a", NASTY), Field("ä", ""), Field("o", enabled=False)))
    ),
    "graphql": Request(method="POST", url="/echo", body=GraphqlBody('query { a(b: "c") }', '{"d": "e\'f"}')),
    "file": Request(method="POST", url="/echo", body=FileBody("pic.png", "image/png")),
    "put a file": Request(method="PUT", url="/echo", body=FileBody("in.json")),
    "multipart": Request(
        method="POST",
        url="/echo",
        body=MultipartBody(
            (
                Part("text", NASTY.replace("{{", "")),
                Part("at", "@in.json"),
                Part("less", "<in.json;type=x"),
                Part("typed", 'a "b"; \\ c', content_type="text/html"),
                Part("named", "x", filename="n;a,m e.txt", content_type="a/b"),
                Part("pic", file="pic.png"),
                Part("doc", file="in.json", filename='q "r".json', content_type="application/vnd.x"),
                Part("off", "no", enabled=False),
            )
        ),
    ),
    "basic": Request(url="/echo", auth=BasicAuth("ann", "p:w'$x")),
    "bearer": Request(url="/echo", auth=BearerAuth("abc")),
    "api key": Request(url="/echo", auth=ApiKeyAuth("key", "v w", "query")),
    "digest": Request(url="/digest?user=ann&password=pw", auth=DigestAuth("ann", "pw")),
    "ntlm": Request(method="POST", url="/ntlm", auth=NtlmAuth(r"CORP\ann", "p;w'$x"), body=JsonBody("{}")),
    "redirect": Request(url="/redirect?to=/echo"),
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_curl_sends_what_hushpost_sends(
    session: Session, server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert session.workspace is not None
    if name == "ntlm":
        (tmp_path / "users").write_text("CORP:ann:p;w'$x")
        monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "users"))
        server.routes["/ntlm"] = NtlmServer()
    if name == "folder's header":
        session.workspace.save_folder("", Folder(headers=(Field("X-Folder", "1"),)))
    request = REQUESTS[name]
    request = _placed(request, server.url)
    exported = command(session, request)
    assert exported.notices == ()
    await run(f"{exported.text} -s -o /dev/null", tmp_path / "environments")
    by_curl = [said(one) for one in server.requests]
    server.requests.clear()
    exchange = await session.send(request)
    assert name != "ntlm" or exchange.response.status == 200
    by_us = [said(one) for one in server.requests]
    if name in ("digest", "ntlm"):
        for one in (*by_curl, *by_us):
            one["headers"].pop("authorization", None)
    assert by_curl == by_us


def _placed(request: Request, url: str) -> Request:
    """On the server, with its literal braces written as the file has to."""
    import msgspec

    text = msgspec.json.encode(request).decode().replace("{{", "\\\\{{")
    placed = msgspec.json.decode(text, type=Request)
    return msgspec.structs.replace(placed, url=url + request.url)


@pytest.mark.parametrize("name", sorted(set(REQUESTS) - {"folder's header", "path", "redirect", "ntlm"}))
async def test_what_was_exported_is_read_as_the_same_request(session: Session, server: Loopback, name: str) -> None:
    request = _placed(REQUESTS[name], server.url)
    again = read(command(session, request).text)
    assert again.notices == ()
    await session.send(request)
    before = [said(one) for one in server.requests]
    server.requests.clear()
    await session.send(again.request)
    after = [said(one) for one in server.requests]
    if name == "digest":
        for one in (*before, *after):
            one["headers"].pop("authorization", None)
    assert after == before
    assert again.request.options.follow_redirects


SECRETS = {
    "token": "t0ken-of-the-vault",
    "password": "p4ssword'$(id)",
}


async def test_names_stand_in_place_of_secrets_whatever_they_are_in(session: Session, home: Path) -> None:
    workspace = session.workspace
    assert workspace is not None
    workspace.save_environment(
        "base", Environment(variables={name: Variable(secret=True) for name in SECRETS} | {"user": "ann"})
    )
    for auth, expected in (
        (BasicAuth("{{user}}", "{{password}}"), "--user 'ann:{{password}}'"),
        (BearerAuth("{{token}}"), "'Authorization: Bearer {{token}}'"),
        (DigestAuth("ann", "{{password}}"), "--digest \\\n  --user 'ann:{{password}}'"),
        (
            AwsSigV4Auth("s3", "eu-west-1", None, "AK", "{{token}}"),
            "s3 \\\n  --user 'AK:{{token}}'",
        ),
        (NtlmAuth("ann", "{{password}}", "CORP"), "--ntlm \\\n  --user 'CORP\\ann:{{password}}'"),
        (ApiKeyAuth("key", "{{token}}", "query"), "?key={{token}}"),
    ):
        assert expected in command(session, Request(url="https://a.test", auth=auth)).text
    for body in (
        JsonBody('{"p": "{{password}}"}'),
        FormBody((Field("p", "{{password}}"),)),
        MultipartBody((Part("p", "{{password}}"), Part("f", file="in.json", filename="{{token}}"))),
        GraphqlBody("{a}", '{"p": "{{password}}"}'),
    ):
        text = command(session, Request(method="POST", url="https://{{user}}.test/{{token}}", body=body)).text
        assert "https://ann.test/{{token}}" in shlex.split(text)
        assert "{{password}}" in text
        assert not any(secret in text for secret in SECRETS.values())


def test_what_curl_cannot_do_is_said(session: Session) -> None:
    for auth, notice in (
        (OAuth1Auth("key", "x"), "curl makes no OAuth 1 signature: the command has none"),
        (NtlmAuth("ann", "x", workstation="DESK"), "curl cannot be told to name a workstation"),
    ):
        assert command(session, Request(url="https://a.test", auth=auth)).notices == (notice,)


def test_options(session: Session, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("")
    options = Options(
        timeout=2.5,
        follow_redirects=False,
        verify_tls=False,
        ca_file="ca.pem",
        client_certificate=ClientCertificate("c.pem", "k.pem", "pw"),
        proxy="http://p.test:80",
        http2=True,
    )
    exported = command(session, Request(url="https://a.test", options=options))
    words = shlex.split(exported.text)
    for pair in (
        ("--max-time", "2.5"),
        ("--cacert", str(tmp_path / "ca.pem")),
        ("--cert", "c.pem"),
        ("--key", "k.pem"),
        ("--pass", "pw"),
        ("--proxy", "http://p.test:80"),
    ):
        assert words[words.index(pair[0]) + 1] == pair[1]
    assert {"--insecure", "--http2"} <= set(words)
    assert "--location" not in words
    assert any('"c.pem"' in notice for notice in exported.notices)


def test_what_curl_does_otherwise_is_said(session: Session) -> None:
    auth = OAuth2Auth(token_url="https://id.test", client_secret="s3cr3t")
    exported = command(session, Request(url="https://a.test", auth=auth))
    assert f"Bearer {ACCESS_TOKEN}" in exported.text
    assert "s3cr3t" not in exported.text
    assert any("token" in notice for notice in exported.notices)


@pytest.mark.parametrize(
    "body",
    [TextBody("a\0b"), TextBody("ü", "text/plain; charset=latin-1"), MultipartBody((Part("a=b", "c"),))],
    ids=["nul", "charset", "name"],
)
def test_what_no_command_line_can_hold_is_refused(session: Session, body: TextBody | MultipartBody) -> None:
    with pytest.raises(FormatError) as caught:
        command(session, Request(method="POST", url="https://a.test", body=body))
    assert caught.value.hint


def test_an_address_is_no_option_of_curls(session: Session, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(f'url = "file:///etc/hostname"\noutput = "{tmp_path / "written"}"\n')
    text = command(session, Request(url=f"-K{config}")).text
    subprocess.run(["sh", "-c", text], capture_output=True, timeout=PATIENCE_S)
    assert "--url" in shlex.split(text)
    assert not (tmp_path / "written").exists()
