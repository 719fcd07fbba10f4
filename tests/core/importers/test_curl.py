"""A pasted curl command as a request: what it becomes, that it sends what curl sends, and what cannot be read."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import template
from core.errors import FormatError
from core.importers import commandline
from core.importers.commandline import CLOSE, OPEN
from core.importers.curl import read
from core.importers.looks import looks_like_curl
from core.models import (
    AwsSigV4Auth,
    BasicAuth,
    BearerAuth,
    ClientCertificate,
    DigestAuth,
    Field,
    FileBody,
    FormBody,
    JsonBody,
    MultipartBody,
    NoAuth,
    NtlmAuth,
    Options,
    Part,
    Request,
    TextBody,
    XmlBody,
)
from core.session import Session
from tests.curl_runs import run, said
from tests.loopback import Loopback

URL = "https://api.test/x"
FORM = "application/x-www-form-urlencoded"

CHROME_BASH = r"""curl 'https://shop.test/api/cart?id=7&x=%20' \
  -X 'PUT' \
  -H 'accept: application/json, text/plain, */*' \
  -H 'accept-language: en-GB,en;q=0.9' \
  -H 'content-type: application/json' \
  -b 'session=abc; theme=dark' \
  -H 'sec-ch-ua: "Chromium";v="130", "Not?A_Brand";v="99"' \
  --data-raw $'{"note":"it\'s \u0021 50%","items":[{"n":1}]}' ;"""
CHROME_CMD = r"""curl --request POST ^"https://shop.test/api/cart?id=7^&x=^%^20^" ^
  -H ^"accept: application/json, text/plain, */*^" ^
  -H ^"content-type: application/json^" ^
  -b ^"session=abc^" ^
  --data-raw ^"^{^\^"note^\^":^\^"a ^\\\^"b^\\\^" c^\^"^}^" """
OLD_CMD = r"""curl "https://shop.test/" -H "X-A: 1" ^
  -H "X-B: a ""quoted"" b" --data-binary "{\"a\":\"^^\"}" --compressed"""
FIREFOX = (
    "curl 'https://shop.test/login' --compressed -X POST -H 'User-Agent: Mozilla/5.0 (X11; rv:130.0)' "
    "-H 'Content-Type: application/x-www-form-urlencoded' -H 'DNT: 1' --data-raw 'user=ann&pass=a+b%26c'"
)
POWERSHELL = 'curl.exe "https://shop.test/" `\n  -H "X-A: 1" `\n  -d "a=1"'


def test_chrome_for_bash() -> None:
    request = read(CHROME_BASH).request
    assert request == Request(
        method="PUT",
        url="https://shop.test/api/cart?id=7&x=%20",
        headers=(
            Field("accept", "application/json, text/plain, */*"),
            Field("accept-language", "en-GB,en;q=0.9"),
            Field("Cookie", "session=abc; theme=dark"),
            Field("sec-ch-ua", '"Chromium";v="130", "Not?A_Brand";v="99"'),
        ),
        auth=NoAuth(),
        body=JsonBody('{"note":"it\'s ! 50%","items":[{"n":1}]}'),
        options=Options(follow_redirects=False),
    )


def test_chrome_for_cmd() -> None:
    request = read(CHROME_CMD).request
    assert (request.method, request.url) == ("POST", "https://shop.test/api/cart?id=7&x=%20")
    assert request.headers == (Field("accept", "application/json, text/plain, */*"), Field("Cookie", "session=abc"))
    assert request.body == JsonBody(r'{"note":"a \"b\" c"}')


def test_cmd_as_it_was_written_before() -> None:
    request = read(OLD_CMD).request
    assert request.headers == (Field("X-A", "1"), Field("X-B", 'a "quoted" b'))
    assert request.body == TextBody('{"a":"^"}', FORM)


def test_a_line_break_in_a_body_for_cmd() -> None:
    assert read('curl ^"https://a.test/^" ^\n  --data-raw ^"one^\n\ntwo^"').request.body == TextBody("one\ntwo", FORM)


def test_firefox() -> None:
    request = read(FIREFOX).request
    assert request.body == FormBody((Field("user", "ann"), Field("pass", "a b&c")))
    assert request.headers == (Field("User-Agent", "Mozilla/5.0 (X11; rv:130.0)"), Field("DNT", "1"))


def test_powershell() -> None:
    request = read(POWERSHELL).request
    assert (request.method, request.headers) == ("POST", (Field("X-A", "1"),))


def of(arguments: str) -> Request:
    return read(f"curl {arguments} {URL}").request


@pytest.mark.parametrize(
    ("arguments", "field", "value"),
    [
        ("", "method", "GET"),
        ("-I", "method", "HEAD"),
        ("-d a=1", "method", "POST"),
        ("-X patch -d a=1", "method", "patch"),
        ("-XDELETE", "method", "DELETE"),
        ("--request=PUT", "method", "PUT"),
        ("-T file.bin", "method", "PUT"),
        ("-H 'A: b' -H 'Empty;' -H 'Host:'", "headers", (Field("A", "b"), Field("Empty", ""))),
        ("-A me -e https://a.test", "headers", (Field("User-Agent", "me"), Field("Referer", "https://a.test"))),
        ("-sSLvk -H 'A: b'", "options", Options(verify_tls=False)),
        ("-b 'a=1; b=2'", "headers", (Field("Cookie", "a=1; b=2"),)),
        ("-u ann:s3:cr", "auth", BasicAuth("ann", "s3:cr")),
        ("-u ann:pw --digest", "auth", DigestAuth("ann", "pw")),
        (r"-u 'CORP\ann:pw' --ntlm", "auth", NtlmAuth(r"CORP\ann", "pw")),
        ("--ntlm -u CORP/ann:pw", "auth", NtlmAuth(r"CORP\ann", "pw")),
        ("--oauth2-bearer abc", "auth", BearerAuth("abc")),
        ("-H 'authorization: bearer abc'", "auth", BearerAuth("abc", "bearer")),
        ("-H 'Authorization: Basic YW5uOnB3'", "auth", BasicAuth("ann", "pw")),
        ("--aws-sigv4 aws:amz:eu-west-1:s3 -u K:S", "auth", AwsSigV4Auth("s3", "eu-west-1", None, "K", "S")),
        ("-m 2.5 -L --max-redirs 3", "options", Options(timeout=2.5, max_redirects=3)),
        ("-Lx proxy:80", "options", Options(proxy="http://proxy:80")),
        ("-L --noproxy '*' --http2", "options", Options(proxy="", http2=True)),
        ("-L --cacert ca.pem", "options", Options(ca_file="ca.pem")),
        (
            "-L -E c.pem:pw --key k.pem",
            "options",
            Options(client_certificate=ClientCertificate("c.pem", "k.pem", "pw")),
        ),
        ("-d a=1 -d b=2", "body", FormBody((Field("a", "1"), Field("b", "2")))),
        ("-d 'a=b c'", "body", TextBody("a=b c", FORM)),
        ("-d '{\"a\":1}'", "body", TextBody('{"a":1}', FORM)),
        ("--data-urlencode 'a=b &c' --data-urlencode '=x y'", "body", TextBody("a=b+%26c&x+y", FORM)),
        ("-H 'Content-Type: text/xml' -d '<a/>'", "body", XmlBody("<a/>", "text/xml")),
        ("-H 'Content-Type:' -d x", "body", TextBody("x", "")),
        ("--data-binary @in.json -H 'Content-Type: application/json'", "body", FileBody("in.json", "application/json")),
        ("-T in.bin", "body", FileBody("in.bin", "")),
        ("-F a=1 --form-string 's=@;type=x'", "body", MultipartBody((Part("a", "1"), Part("s", "@;type=x")))),
        (
            "-F 'f=@x.png;type=image/png;filename=\"y;.png\"'",
            "body",
            MultipartBody((Part("f", file="x.png", filename="y;.png", content_type="image/png"),)),
        ),
        (
            """-F 'j={"a":1};type=application/json'""",
            "body",
            MultipartBody((Part("j", '{"a":1}', content_type="application/json"),)),
        ),
        ("-G -d a=1 --data-urlencode 'q=x y'", "url", f"{URL}?a=1&q=x+y"),
        ("-o out.json -w '%{http_code}' --compressed", "url", URL),
    ],
)  # fmt: skip
def test_options(arguments: str, field: str, value: object) -> None:
    assert getattr(of(arguments), field) == value


def test_json_sets_both_headers_unless_they_are_there() -> None:
    assert of("--json '{}'").headers == (Field("Accept", "application/json"),)
    assert of("--json '{}' -H 'Accept: a/b'").headers == (Field("Accept", "a/b"),)
    assert of("--json '{' --json '}'").body == JsonBody("{}")


@pytest.mark.parametrize(
    ("command", "url"),
    [
        ("curl example.test/a", "http://example.test/a"),
        ("curl https://ann:p%40ss@a.test/", "https://a.test/"),
        ("$ curl -s https://a.test", "https://a.test"),
        ("> curl https://a.test \\\n> -X PUT", "https://a.test"),
        ("A=1 B='x y' /usr/bin/curl https://a.test", "https://a.test"),
        ("curl 'https://a.test' | jq . > out", "https://a.test"),
        ("curl https://a.test/?a=1&b=2", "https://a.test/?a=1&b=2"),
        ("curl https://a.test 2>/dev/null -X PUT", "https://a.test"),
        ("curl --url https://a.test # what it is for", "https://a.test"),
    ],
)
def test_how_commands_are_written(command: str, url: str) -> None:
    assert looks_like_curl(command)
    assert read(command).request.url == url


@pytest.mark.parametrize("text", ["https://a.test/curl", "curly https://a", "curl", "the curl -X", ""])
def test_what_is_no_command(text: str) -> None:
    assert not looks_like_curl(text)


def test_braces_stay_braces_and_shell_variables_become_templates() -> None:
    request = read('curl "$BASE/a" -H \'X: {{no}}\' -H "Authorization: Bearer ${TOKEN}" -d \'a={{b}}&c=\'"$D"').request
    assert request.url == "{{BASE}}/a"
    assert request.headers == (Field("X", "\\{{no}}"),)
    assert request.auth == BearerAuth("{{TOKEN}}")
    assert request.body == TextBody("a=\\{{b}}&c={{D}}", FORM)
    assert template.render(request.headers[0].value, {}).reveal() == "{{no}}"


def test_everything_that_is_left_out_is_named_and_no_value_is() -> None:
    imported = read(
        "curl --retry 3 -b jar.txt --connect-to s3cr3t::x --no-such -n https://a.test https://b.test; curl https://c.test"
    )
    assert imported.request.url == "https://a.test"
    said = " ".join(imported.notices)
    for what in (
        "--retry",
        "--connect-to",
        "--no-such",
        '"-n"',
        "cookies of a file",
        "2 addresses",
        "follows the first",
    ):
        assert what in said
    assert "s3cr3t" not in said
    assert read("curl -sS --compressed https://a.test").notices == ()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("wget https://a.test", "no curl command"),
        ("curl -X POST", "names no address"),
        ("curl 'https://a.test", "quote is not closed"),
        ('curl ^"https://a.test', "quote is not closed"),
        ("curl https://a.test -H", '"-H" has no value'),
        ("curl https://a.test -d @-", "comes from another command"),
        ("curl https://a.test -d a=1 -d @b", "made of a file and of something else"),
        ("curl https://a.test -F 'a=<b'", "is the text of a file"),
        ("curl https://a.test -F a", "has no name"),
        ("curl https://a.test -F a=1 -d b=2", "data and a form"),
        ("curl https://a.test -d '\\{{'", "backslash before {{"),
        ("curl https://a.test -m soon", "no usable number"),
        ("curl https://a.test -X 'A B'", "none that HTTP knows"),
        ("curl https://a.test -d $'\\xff'", "no UTF-8 text"),
    ],
)
def test_what_cannot_be_read_is_said_with_what_to_do(command: str, message: str) -> None:
    with pytest.raises(FormatError, match=message) as caught:
        read(command)
    assert caught.value.hint
    assert caught.value.source == "curl"


@given(st.lists(st.text(st.characters(exclude_characters="\0\r" + OPEN + CLOSE, exclude_categories=["Cs"]))))
def test_words_quoted_for_a_shell_are_read_as_they_were(words: list[str]) -> None:
    assert commandline.split(shlex.join(["curl", *words])).words == ("curl", *words)


PIECES = st.sampled_from(
    [
        *"'\"\\ \n^`$@=;:{}%&|<>#",
        "$'",
        "${A}",
        "{{",
        "-d ",
        "-F ",
        "-H ",
        "-X",
        "-u ",
        "-G ",
        "--json ",
        "https://a.test",
        "a",
    ]
)


@given(st.lists(PIECES, max_size=25).map("".join))
def test_whatever_is_pasted_is_read_or_refused_with_what_to_do(text: str) -> None:
    refused = None
    try:
        request = read(f"curl https://a.test {text}").request
    except FormatError as error:
        refused = error
    if refused is not None:
        assert refused.hint
        return
    assert msgspec.convert(msgspec.to_builtins(request), Request) == request


def test_ansi_quotes_are_read_as_bash_reads_them() -> None:
    texts = [r"a\nb\t\'\"\\", r"\u00e9\U0001f600\xc3\xa9", r"\101\x41z\e[0m", r"\cA\?", "\\\n"]
    for text in texts:
        said = subprocess.run(
            ["bash", "-c", f"printf %s $'{text}'"], capture_output=True, env={"LC_ALL": "C.UTF-8"}, check=True
        ).stdout
        assert commandline.split(f"curl $'{text}'").words == ("curl", said.decode())
    assert commandline.split(r"curl $'\ud83d\ude00'").words == ("curl", "😀")


# Against curl itself


@pytest.mark.parametrize(
    "arguments",
    [
        "-H 'X-A: 1' -H 'X-Empty;' /echo?a=1&b=%20",
        "-I /status/200",
        "-d a=1 -d 'b=x y' /echo",
        "-d 'a=1&b=%C3%A9' /echo",
        "--data-raw '@not a file' /echo",
        "--data-binary $'one\\ntwo\\r\\n' -H 'Content-Type: text/plain' /echo",
        "-H 'content-type: application/json; charset=utf-8' -d '{\"a\": \"{{b}}\"}' /echo",
        "--json '{\"a\":1}' /echo",
        "--data-urlencode 'a=ü &' --data-urlencode '=b' /echo",
        "-G -d a=1 --data-urlencode 'q=x y' /echo",
        "-u 'ann:p:w' /echo",
        "--oauth2-bearer abc /echo",
        "-b 'a=1; b=2' -e https://from.test/ /echo",
        "-X PATCH -H 'Content-Type: application/xml' -d '<a/>' /echo",
        "--data-binary @in.json -H 'Content-Type: application/json' /echo",
        "-T in.json /echo",
        "-F a=1 -F 'b=x y;type=text/html' -F 'f=@pic.png;type=image/png' /echo",
        "-F 'g=@in.json;filename=\"q;.json\";type=a/b' /echo",
        "-X POST -r 0-5 /echo",
    ],
)
async def test_the_request_sends_what_curl_sends(
    session: Session, server: Loopback, tmp_path: Path, arguments: str
) -> None:
    options, _, path = arguments.rpartition(" ")
    command = f"curl -s -o /dev/null {options} '{server.url}{path}'"
    await run(command, tmp_path)
    imported = read(command)
    assert imported.notices == ()
    await session.send(imported.request)
    by_curl, by_us = map(said, server.requests[-2:])
    assert by_us == by_curl
