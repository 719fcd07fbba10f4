from __future__ import annotations

import base64
import json
import xml.etree.ElementTree as ET
from email.parser import BytesParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.environment import Scope
from core.errors import RequestError, TemplateError
from core.exchange import FileContent, Prepared, StepAuth
from core.models import (
    ApiKeyAuth,
    AwsSigV4Auth,
    BasicAuth,
    BearerAuth,
    Body,
    Check,
    ClientCertificate,
    DigestAuth,
    Field,
    FileBody,
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
from core.secret import MASK, Secret
from core.sending.prepare import Defaults, prepare, preview, texts
from core.sending.urls import parameters_in

SECRET = Variable(secret=True)
HOST = "https://api.example.com"


def built(
    request: Request, folder: Path = Path(), defaults: Defaults | None = None, **values: str | Secret
) -> Prepared:
    variables: dict[str, str | Variable] = {
        name: SECRET if isinstance(value, Secret) else value for name, value in values.items()
    }
    scope = Scope.of(request=variables)
    needed = scope.needed(texts(request))
    secrets = {name: value for name, value in values.items() if isinstance(value, Secret) and name in needed}
    return prepare(request, scope.resolve(secrets), files=folder.joinpath, defaults=defaults or Defaults())


def header(prepared: Prepared, name: str) -> str | None:
    return next((value for key, value in prepared.headers if key.lower() == name.lower()), None)


def shown_header(prepared: Prepared, name: str) -> str | None:
    return next((value for key, value in prepared.shown.headers if key.lower() == name.lower()), None)


# URLs


@pytest.mark.parametrize(
    ("url", "result"),
    [
        ("https://api.example.com", "https://api.example.com/"),
        ("  HTTPS://API.Example.com:443/a#frag ", "https://api.example.com/a"),
        ("https://api.example.com?x=1", "https://api.example.com/?x=1"),
        ("https://api.example.com/a b/ü?q=a b&r=ü", "https://api.example.com/a%20b/%C3%BC?q=a%20b&r=%C3%BC"),
        ("https://api.example.com/a%20b%2Fc?x=50%", "https://api.example.com/a%20b%2Fc?x=50%25"),
        ('https://api.example.com/<"{}|^`>\\', "https://api.example.com/%3C%22%7B%7D%7C%5E%60%3E%5C"),
        ("https://bücher.example:8443/", "https://xn--bcher-kva.example:8443/"),
        ("http://[::1]:80/x", "http://[::1]/x"),
        ("https://api.example.com/a/../b/./c", "https://api.example.com/a/../b/./c"),
        ("https://api.example.com/v1/models:predict", "https://api.example.com/v1/models:predict"),
    ],
)
def test_urls(url: str, result: str) -> None:
    assert built(Request(url=url)).url == result


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "no URL"),
        ("api.example.com/x", "no scheme"),
        ("localhost:8080", "no scheme"),
        ("//api.example.com", "no scheme"),
        ("ftp://api.example.com", "not http or https"),
        ("javascript://x", "not http or https"),
        ("https:///x", "no valid host"),
        ("https://a b/", "no valid host"),
        ("https://api.example.com:port/", "no valid host"),
        ("https://good.example\\@evil.example/", "backslash"),
    ],
)
def test_urls_that_cannot_be_sent(url: str, says: str) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        built(Request(url=url))
    assert caught.value.kind == "url"
    assert caught.value.hint


def test_an_error_of_a_url_names_its_variables_and_never_their_values() -> None:
    with pytest.raises(RequestError) as caught:
        built(Request(url="{{base}}/x"), base=Secret("hidden.example.com"))
    assert '"{{base}}/x"' in str(caught.value)
    assert "hidden" not in f"{caught.value} {caught.value.hint}"


def test_path_parameters_are_one_segment() -> None:
    request = Request(
        url=f"{HOST}/:id/x/:id/:other/:idx?q=/:id",
        path_params={"id": "a/b c?", "other": "{{name}}", "idx": "1", "unused": "{{no}}"},
    )
    assert built(request, name="ü").url == f"{HOST}/a%2Fb%20c%3F/x/a%2Fb%20c%3F/%C3%BC/1?q=/:id"


@pytest.mark.parametrize("values", [{}, {"id": ""}, {"other": "1"}])
def test_a_path_parameter_without_a_value_is_refused_by_name(values: dict[str, str]) -> None:
    with pytest.raises(RequestError, match='path parameter "id" has no value') as caught:
        built(Request(url=f"{HOST}/:id/x", path_params=values))
    assert "Params" in str(caught.value.hint)
    assert "%3Aid" in str(caught.value.hint)


@pytest.mark.parametrize("path", ["/%3Aid", "/x:id", "/:8080", "/?next=/:id", "/{{?which}}?x=/:id"])
def test_a_colon_that_begins_no_segment_is_text(path: str) -> None:
    assert parameters_in(f"{HOST}{path}") == ()
    if "{{" not in path:
        assert built(Request(url=f"{HOST}{path}")).url == f"{HOST}{path}"


def test_a_question_mark_in_braces_does_not_end_the_path() -> None:
    assert parameters_in("https://x.example/{{?Which one}}/:id?y=/:z#/:f") == ("id",)


def test_a_preview_shows_a_parameter_that_has_no_value_yet() -> None:
    scope = Scope.of().preview()
    assert preview(Request(url="https://x.example/:id/:other", path_params={"other": "1"}), scope).url == (
        "https://x.example/:id/1"
    )


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_path_parameter_that_makes_another_path_is_refused(value: str) -> None:
    with pytest.raises(RequestError, match='path parameter "id"'):
        built(Request(url=f"{HOST}/:id/x", path_params={"id": value}))


def test_a_port_is_no_path_parameter() -> None:
    request = Request(url="{{base}}/:id", path_params={"id": "7", "8080": "x"})
    assert built(request, base="http://localhost:8080").url == "http://localhost:8080/7"


def test_query_rows_are_added_and_encoded() -> None:
    query = (Field("a b", "c&d=e+f"), Field("off", "x", enabled=False), Field("empty"), Field("ü", "{{v}}"))
    prepared = built(Request(url=f"{HOST}/x?first=1", query=query), v="100%")
    assert prepared.url == f"{HOST}/x?first=1&a%20b=c%26d%3De%2Bf&empty=&%C3%BC=100%25"


def test_plain_values_may_be_structure_and_secrets_are_one_value() -> None:
    request = Request(url="{{base}}?{{filter}}&key={{key}}#{{key}}")
    prepared = built(request, base=f"{HOST}/v1", filter="a=1&b=2", key=Secret("x&y=z+#?/ %"))
    assert prepared.url == f"{HOST}/v1?a=1&b=2&key=x%26y=z%2B%23%3F/%20%25"
    assert dict(parse_qsl(urlsplit(prepared.url).query))["key"] == "x&y=z+#?/ %"
    assert prepared.shown.url == f"{HOST}/v1?a=1&b=2&key={{{{key}}}}"


def test_a_secret_path_keeps_its_segments() -> None:
    prepared = built(Request(url=f"{HOST}/hooks/{{{{path}}}}?x=1"), path=Secret("T0/B0/x?y#z"))
    assert prepared.url == f"{HOST}/hooks/T0/B0/x%3Fy%23z?x=1"


def test_a_secret_may_be_the_base_of_a_url() -> None:
    prepared = built(Request(url="{{base}}/x y"), base=Secret("https://tenant.example.com:8443/api?"))
    assert prepared.url == "https://tenant.example.com:8443/api?/x%20y"
    assert prepared.shown.url == "{{base}}/x%20y"
    assert prepared.held["url"] == {"base"}


def test_user_information_becomes_basic_auth_and_is_masked() -> None:
    prepared = built(Request(url="https://bob:p%40ss@api.example.com/x"))
    assert prepared.url == f"{HOST}/x"
    assert header(prepared, "Authorization") == "Basic " + base64.b64encode(b"bob:p@ss").decode()
    assert prepared.shown.url == f"https://{MASK}@api.example.com/x"
    assert shown_header(prepared, "Authorization") == f"Basic {MASK}"
    assert "authorization" in prepared.log_in
    other = built(Request(url="https://bob:p%40ss@api.example.com/x", auth=BearerAuth("t")))
    assert header(other, "Authorization") == "Bearer t"


# Headers


def test_the_headers_of_a_plain_get() -> None:
    prepared = built(Request(url="https://api.example.com:8443/"), defaults=Defaults(user_agent="hushpost/9"))
    assert prepared.headers == (
        ("Host", "api.example.com:8443"),
        ("User-Agent", "hushpost/9"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "gzip, deflate"),
    )


def test_own_headers_go_before_the_defaults() -> None:
    fields = (Field("user-agent", "mine"), Field("ACCEPT", "a/b"), Field("Host", "virtual"), Field("X", " padded\t"))
    prepared = built(Request(url=HOST, headers=fields))
    names = [name.lower() for name, _ in prepared.headers]
    assert sorted(names) == ["accept", "accept-encoding", "host", "user-agent", "x"]
    assert (header(prepared, "Host"), header(prepared, "X")) == ("virtual", "padded")


def test_the_length_is_said_by_us() -> None:
    prepared = built(Request(method="POST", url=HOST, headers=(Field("content-length", "9"),), body=TextBody("four")))
    assert [value for name, value in prepared.headers if name.lower() == "content-length"] == ["4"]
    assert header(built(Request(method="POST", url=HOST)), "Content-Length") == "0"
    assert header(built(Request(method="GET", url=HOST)), "Content-Length") is None


def test_chunked_can_be_asked_for_and_nothing_else() -> None:
    chunked = (Field("Transfer-Encoding", "chunked"),)
    prepared = built(Request(method="POST", url=HOST, headers=chunked, body=TextBody("x")))
    assert header(prepared, "Content-Length") is None
    with pytest.raises(RequestError):
        built(Request(method="POST", url=HOST, headers=(Field("Transfer-Encoding", "gzip"),), body=TextBody("x")))


@pytest.mark.parametrize("value", ["a\nb", "a\r\nX-Evil: 1", "a\0", "a\x1b[31m", "\x7f", "a\ud800"])
def test_what_no_header_can_carry_names_the_variable_and_not_the_value(value: str) -> None:
    with pytest.raises(RequestError) as caught:
        built(Request(url=HOST, headers=(Field("X-Key", "k={{key}}"),)), key=Secret(f"hidden{value}"))
    assert '"key"' in str(caught.value)
    assert '"X-Key"' in str(caught.value)
    assert "hidden" not in f"{caught.value} {caught.value.hint}"
    with pytest.raises(RequestError, match='header "X-Key"'):
        built(Request(url=HOST, headers=(Field("X-Key", f"typed{value}"),)))
    with pytest.raises(RequestError, match='"key"'):
        built(Request(url=HOST, auth=BearerAuth("{{key}}")), key=Secret(f"hidden{value}"))


@pytest.mark.parametrize("name", ["", "a b", "a:b", "ä", "a\n", "{{key}} "])
def test_what_no_header_can_be_called(name: str) -> None:
    with pytest.raises(RequestError, match="header name") as caught:
        built(Request(url=HOST, headers=(Field(name, "x"),)), key=Secret("hidden name"))
    assert "hidden" not in str(caught.value)


# Auth


def test_basic_auth_in_utf8() -> None:
    prepared = built(Request(url=HOST, auth=BasicAuth("jürgen", "pä:ss")))
    assert header(prepared, "Authorization") == "Basic " + base64.b64encode("jürgen:pä:ss".encode()).decode()
    assert shown_header(prepared, "Authorization") == header(prepared, "Authorization")


@pytest.mark.parametrize("value", ["x", "longer-secret"])
def test_basic_auth_with_a_secret_shows_what_is_encoded(value: str) -> None:
    prepared = built(Request(url=HOST, auth=BasicAuth("bob", "{{p}}")), p=Secret(value))
    assert shown_header(prepared, "Authorization") == "Basic base64(bob:{{p}})"
    assert prepared.held["header:authorization"] == {"p"}


def test_a_colon_in_the_user_name_is_refused() -> None:
    with pytest.raises(RequestError, match="colon"):
        built(Request(url=HOST, auth=BasicAuth("a:b", "c")))


def test_bearer_auth_and_its_prefix() -> None:
    assert header(built(Request(url=HOST, auth=BearerAuth("t", "Token"))), "Authorization") == "Token t"
    assert header(built(Request(url=HOST, auth=BearerAuth("t", ""))), "Authorization") == "t"


def test_auth_goes_before_a_row_of_the_same_name() -> None:
    request = Request(url=HOST, headers=(Field("authorization", "row"),), auth=BearerAuth("t"))
    assert [value for name, value in built(request).headers if name.lower() == "authorization"] == ["Bearer t"]


def test_an_api_key_in_a_header_or_in_the_query() -> None:
    in_header = built(Request(url=HOST, auth=ApiKeyAuth("X-Key", "{{k}}")), k=Secret("a&b"))
    assert header(in_header, "X-Key") == "a&b"
    in_query = built(
        Request(url=f"{HOST}/x", query=(Field("a", "1"),), auth=ApiKeyAuth("key", "{{k}}", "query")), k=Secret("a&b")
    )
    assert in_query.url == f"{HOST}/x?a=1&key=a%26b"
    assert in_query.shown.url == f"{HOST}/x?a=1&key={{{{k}}}}"


@pytest.mark.parametrize(
    "auth",
    [
        DigestAuth("bob", "{{p}}"),
        OAuth2Auth(client_secret="{{p}}", token_url="{{u}}"),
        AwsSigV4Auth(secret_key="{{p}}"),
        OAuth1Auth("key", token_secret="{{p}}"),
        NtlmAuth("bob", "{{p}}"),
    ],
)
def test_auth_that_needs_a_step_has_its_real_values(auth: StepAuth) -> None:
    prepared = built(Request(url=HOST, auth=auth), p=Secret("hidden"), u="https://login.example.com/token")
    assert "hidden" in repr(prepared.auth)
    assert "hidden" not in repr(prepared)
    assert prepared.held["auth"] == {"p"}
    if isinstance(auth, OAuth2Auth):
        assert [(place.purpose, place.url) for place in prepared.elsewhere] == [
            ("token", "https://login.example.com/token")
        ]


def test_a_signing_credential_is_a_use_of_its_own() -> None:
    prepared = built(Request(url=HOST, auth=AwsSigV4Auth(credential="aws-prod")))
    [use] = prepared.uses.values()
    assert (use.name, use.credential) == ("aws_sigv4", "aws-prod")


# Bodies

NASTY = [
    'quote"',
    "back\\slash",
    "line\nbreak\r\ttab",
    "emoji 😀",
    "\x00\x1f",
    "</tag>&amp;",
    "{{not}}",
    "'",
    "\u2028",
    "\ud800",
]


@pytest.mark.parametrize("value", NASTY)
@pytest.mark.parametrize("hidden", [True, False])
def test_a_value_inside_a_json_string_stays_in_it(value: str, hidden: bool) -> None:
    text = '{"a \\"{{v}}": ["{{v}}", "x{{v}}\\\\{{v}}"], "n": {{n}}}'
    request = Request(method="POST", url=HOST, body=JsonBody(text))
    variables: dict[str, str | Secret] = {"v": value if hidden is False else Secret(value), "n": "[1, true]"}
    scope = Scope.of(overrides={"v": variables["v"]}, request={"n": "[1, true]"})
    prepared = prepare(request, scope.resolve({}), files=Path)
    assert isinstance(prepared.content, bytes)
    assert json.loads(prepared.content) == {f'a "{value}': [value, f"x{value}\\{value}"], "n": [1, True]}
    assert ("{{v}}" in prepared.shown.body) is hidden


def test_outside_a_json_string_the_value_is_json() -> None:
    prepared = built(
        Request(url=HOST, body=JsonBody('{"a": {{object}}, "b": "{{nested}}"}')),
        object='{"x": "y"}',
        nested="<{{object}}>",
    )
    assert json.loads(prepared.content) == {"a": {"x": "y"}, "b": '<{"x": "y"}>'}  # type: ignore[arg-type]


@given(st.text(min_size=1))
def test_any_secret_makes_valid_json_and_graphql(value: str) -> None:
    secret = Secret(value)
    for body in (JsonBody('{"v": "{{v}}"}'), GraphqlBody('query { q(v: "{{v}}") }', '{"v": "{{v}}"}')):
        scope = Scope.of(overrides={"v": secret})
        prepared = prepare(Request(url=HOST, body=body), scope.resolve({}), files=Path)
        document = json.loads(prepared.content)  # type: ignore[arg-type]
        assert document.get("variables", document)["v"] == value


def test_a_graphql_body() -> None:
    prepared = built(
        Request(method="POST", url=HOST, body=GraphqlBody("query Q($id: ID!) {\n  node\n}", '{"id": {{id}}}')), id="7"
    )
    assert json.loads(prepared.content) == {"query": "query Q($id: ID!) {\n  node\n}", "variables": {"id": 7}}  # type: ignore[arg-type]
    assert header(prepared, "Content-Type") == "application/json"
    assert json.loads(built(Request(url=HOST, body=GraphqlBody("{ a }"))).content) == {"query": "{ a }"}  # type: ignore[arg-type]


@pytest.mark.parametrize("variables", ["[]", "{", '"x"', "{{v}}"])
def test_graphql_variables_are_an_object(variables: str) -> None:
    with pytest.raises(RequestError, match="no JSON object") as caught:
        built(Request(url=HOST, body=GraphqlBody("{ a }", variables)), v=Secret("hidden"))
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("value", ["<&>\"'", "]]>", "plain"])
def test_a_secret_inside_xml_stays_text(value: str) -> None:
    text = "<!-- < ' --><a b=\"{{v}}\" c='{{v}}'>{{v}}<d>{{markup}}</d></a>"
    prepared = built(Request(url=HOST, body=XmlBody(text)), v=Secret(value), markup="<e/>")
    root = ET.fromstring(prepared.content)  # type: ignore[arg-type]
    assert (root.attrib["b"], root.attrib["c"], root.text) == (value, value, value)
    assert root[0][0].tag == "e"
    assert "{{v}}" in prepared.shown.body


def test_xml_in_cdata_is_left_alone() -> None:
    prepared = built(Request(url=HOST, body=XmlBody("<a><![CDATA[{{v}}]]></a>")), v=Secret("<&>"))
    assert prepared.content == b"<a><![CDATA[<&>]]></a>"


def test_a_text_body_is_sent_as_it_is_in_its_charset() -> None:
    assert built(Request(url=HOST, body=TextBody("{{v}}\r\nü")), v=Secret('"<')).content == '"<\r\nü'.encode()
    latin = built(Request(url=HOST, body=TextBody("ü", "text/plain; charset=latin-1")))
    assert latin.content == b"\xfc"
    for charset in ("ascii", "nonsense", "undefined", "rot13"):
        content_type = f"text/plain; charset={charset}"
        with pytest.raises(RequestError, match=r"charset|cannot hold"):
            built(Request(url=HOST, body=TextBody("ü", content_type)))


def test_the_request_s_own_content_type_goes_before_the_body_s() -> None:
    own = (Field("content-type", "application/vnd.api+json"),)
    prepared = built(Request(url=HOST, headers=own, body=JsonBody("{}")))
    assert [value for name, value in prepared.headers if name.lower() == "content-type"] == ["application/vnd.api+json"]
    without = built(Request(url=HOST, headers=own))
    assert header(without, "Content-Type") == "application/vnd.api+json"


def test_a_form() -> None:
    fields = (Field("a b", "c&d=e+ü"), Field("key", "{{k}}"), Field("off", "1", enabled=False), Field("a b", "2"))
    prepared = built(Request(method="POST", url=HOST, body=FormBody(fields)), k=Secret("p&q w"))
    assert parse_qsl(prepared.content.decode()) == [("a b", "c&d=e+ü"), ("key", "p&q w"), ("a b", "2")]  # type: ignore[union-attr]
    assert prepared.shown.body == "a+b=c%26d%3De%2B%C3%BC&key={{k}}&a+b=2"
    assert header(prepared, "Content-Type") == "application/x-www-form-urlencoded"


def parts_of(prepared: Prepared, folder: Path) -> list[Any]:
    content = prepared.content
    pieces = content if isinstance(content, tuple) else (content,)
    data = b"".join(Path(piece.path).read_bytes() if isinstance(piece, FileContent) else piece for piece in pieces)
    assert str(len(data)) == header(prepared, "Content-Length")
    message = BytesParser().parsebytes(f"Content-Type: {header(prepared, 'Content-Type')}\r\n\r\n".encode() + data)
    return list(message.get_payload())


def test_a_multipart_body_streams_its_files(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(b"\x89PNG\r\n--fake")
    body = MultipartBody(
        (
            Part("text", "ü {{k}}"),
            Part("typed", "{}", content_type="application/json"),
            Part("file", file="cat.png"),
            Part("renamed", file="cat.png", filename='a "b"\n.bin', content_type="application/x-cat"),
            Part("off", "x", enabled=False),
        )
    )
    prepared = built(Request(method="POST", url=HOST, body=body), tmp_path, k=Secret("s3cr3t"))
    text, typed, file, renamed = parts_of(prepared, tmp_path)
    assert text.get_payload(decode=True) == "ü s3cr3t".encode()
    assert typed.get_content_type() == "application/json"
    assert (file.get_filename(), file.get_content_type()) == ("cat.png", "image/png")
    assert file.get_payload(decode=True) == b"\x89PNG\r\n--fake"
    assert (renamed.get_filename(), renamed.get_content_type()) == ("a %22b%22%0A.bin", "application/x-cat")
    assert sum(isinstance(piece, FileContent) for piece in prepared.content) == 2  # type: ignore[union-attr]
    assert "s3cr3t" not in prepared.shown.body
    assert 'the file "cat.png", 12 bytes' in prepared.shown.body
    assert shown_header(prepared, "Content-Length") == MASK
    assert prepared.held["body"] == {"k"}


def test_a_boundary_of_one_s_own(tmp_path: Path) -> None:
    own = (Field("Content-Type", "multipart/related; boundary=mine"),)
    prepared = built(Request(url=HOST, headers=own, body=MultipartBody((Part("a", "b"),))))
    assert prepared.content.startswith(b"--mine\r\n")  # type: ignore[union-attr]
    assert header(prepared, "Content-Type") == "multipart/related; boundary=mine"


def test_a_part_is_a_value_or_a_file() -> None:
    with pytest.raises(RequestError, match="a value and a file"):
        built(Request(url=HOST, body=MultipartBody((Part("a", "b", "c"),))))


def test_a_file_body(tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(b"12345")
    prepared = built(Request(method="PUT", url=HOST, body=FileBody("{{name}}.bin")), tmp_path, name="data")
    assert prepared.content == FileContent(str(tmp_path / "data.bin"), 5)
    assert header(prepared, "Content-Length") == "5"
    assert prepared.shown.body == 'the file "data.bin", 5 bytes'


@pytest.mark.parametrize("path", ["", "missing.bin", "."])
def test_a_file_that_is_none(tmp_path: Path, path: str) -> None:
    with pytest.raises(RequestError) as caught:
        built(Request(url=HOST, body=FileBody(path)), tmp_path)
    assert caught.value.kind == "request"


# The route


def test_options_make_the_route(tmp_path: Path) -> None:
    for name in ("ca.pem", "client.pem", "client.key"):
        (tmp_path / name).write_text(name)
    options = Options(
        timeout=7,
        verify_tls=False,
        ca_file="ca.pem",
        client_certificate=ClientCertificate("client.pem", "client.key", "{{pw}}"),
        proxy="http://bob:{{pw}}@Proxy.Example.com:3128",
        http2=True,
    )
    prepared = built(Request(url=HOST, options=options), tmp_path, pw=Secret("hidden"))
    route = prepared.route
    assert (route.verify_tls, route.http2, prepared.timeout) == (False, True, 7)
    assert route.ca_file == str(tmp_path / "ca.pem")
    assert route.client_certificate is not None
    assert route.client_certificate.password == Secret("hidden")
    assert route.proxy == "http://bob:hidden@proxy.example.com:3128"
    assert prepared.terms[0] == "insecure"
    assert prepared.terms[1].startswith("ca ca.pem:")
    assert prepared.terms[2] == "proxy http://proxy.example.com:3128"
    [place] = prepared.elsewhere
    assert (place.purpose, set(place.names)) == ("proxy", {"pw"})
    assert "hidden" not in repr(prepared)
    assert built(Request(url=HOST)).timeout == 30


@pytest.mark.parametrize("password", ["[x]", "a\tb\nc", "℀ü🔑", "a:b@c", "50%", "'<>&\"\\"])
def test_the_password_of_a_proxy_may_hold_anything_that_ends_no_address(password: str) -> None:
    request = Request(url=HOST, options=Options(proxy="http://bob:{{pw}}@p.example:1"))
    prepared = built(request, pw=Secret(password))
    parts = urlsplit(prepared.route.proxy or "")
    assert (parts.hostname, parts.username) == ("p.example", "bob")
    assert unquote(parts.password or "") == password


@pytest.mark.parametrize("proxy", ["socks4://p:1", "http://", "http://a b:1", "http://p:1/path?x"])
def test_proxies_that_cannot_be_used(proxy: str) -> None:
    with pytest.raises(RequestError) as caught:
        built(Request(url=HOST, options=Options(proxy=proxy)))
    assert caught.value.kind == "proxy"


ENVIRONMENT = {
    "http_proxy": "http://h:1",
    "https_proxy": "https://s:2",
    "no_proxy": "example.org, .internal,10.0.0.0/8",
}


@pytest.mark.parametrize(
    ("url", "options", "defaults", "proxy"),
    [
        ("https://a.example.com", Options(), Defaults(proxies=ENVIRONMENT), "https://s:2"),
        ("http://a.example.com", Options(), Defaults(proxies=ENVIRONMENT), "http://h:1"),
        ("http://a.example.com", Options(proxy=""), Defaults(proxies=ENVIRONMENT), None),
        ("http://a.example.com", Options(proxy="http://own:3"), Defaults(proxies=ENVIRONMENT), "http://own:3"),
        ("http://a.example.com", Options(), Defaults(proxy="set:4", proxies=ENVIRONMENT), "http://set:4"),
        ("http://a.example.com", Options(), Defaults(proxy="", proxies=ENVIRONMENT), None),
        ("https://example.org", Options(), Defaults(proxies=ENVIRONMENT), None),
        ("https://www.example.org", Options(), Defaults(proxies=ENVIRONMENT), None),
        ("https://notexample.org", Options(), Defaults(proxies=ENVIRONMENT), "https://s:2"),
        ("https://x.internal", Options(), Defaults(proxies=ENVIRONMENT), None),
        ("https://10.1.2.3", Options(), Defaults(proxies=ENVIRONMENT), None),
        ("http://localhost:8080", Options(), Defaults(proxy="http://p:5"), None),
        ("http://localhost:8080", Options(proxy="http://own:3"), Defaults(), "http://own:3"),
        ("https://x.example", Options(), Defaults(proxies={"all_proxy": "http://all:6", "no_proxy": "*"}), None),
        ("https://x.example", Options(), Defaults(proxies={"all_proxy": "http://all:6"}), "http://all:6"),
        (
            "https://x.example:8443",
            Options(),
            Defaults(proxies=ENVIRONMENT | {"no_proxy": "x.example:443"}),
            "https://s:2",
        ),
    ],
)
def test_which_proxy_is_taken(url: str, options: Options, defaults: Defaults, proxy: str | None) -> None:
    prepared = built(Request(url=url, options=options), defaults=defaults)
    assert prepared.route.proxy == proxy
    assert bool(prepared.terms) is (options.proxy not in (None, "")), "only what the request says has to be approved"


# What is used, and what may be shown


def test_uses_carry_the_rules_of_their_variables() -> None:
    rules = Variable(secret=True, allowed_hosts=("api.example.com",), refetch_on_401=True)
    request = Request(url=HOST, headers=(Field("X", "{{via}}"), Field("Y", "{{unused}}", enabled=False)))
    scope = Scope.of(request={"key": rules, "via": "a {{key}}", "unused": SECRET})
    assert scope.needed(texts(request)) == ("key",)
    prepared = prepare(request, scope.resolve({"key": Secret("v")}), files=Path)
    assert list(prepared.uses) == ["key"]
    use = prepared.uses["key"]
    assert (use.allowed_hosts, use.refetch_on_401, use.consented) == (("api.example.com",), True, False)
    assert shown_header(prepared, "X") == "a {{key}}"


def test_every_text_of_a_request_is_asked_for() -> None:
    request = Request(
        url="{{a}}/:p",
        path_params={"p": "{{b}}", "unused": "{{no}}"},
        headers=(Field("{{c}}", "{{d}}"), Field("{{no}}", "{{no}}", enabled=False)),
        query=(Field("{{e}}", "{{f}}"),),
        auth=OAuth2Auth(client_secret="{{g}}", token_url="{{h}}"),
        body=MultipartBody((Part("{{i}}", "{{j}}"), Part("k", file="{{k}}"), Part("{{no}}", enabled=False))),
        options=Options(
            ca_file="{{l}}", proxy="{{m}}", client_certificate=ClientCertificate("{{n}}", "{{o}}", "{{q}}")
        ),
        checks=(Check("json", "equals", "{{r}}", "{{s}}"),),
    )
    scope = Scope.of(request=dict.fromkeys("abcdefghijklmnoqrs", "x"))
    assert set(scope.used(texts(request))) == set("abcdefghijklmnoqrs")


def test_an_undefined_variable_is_named_with_its_place() -> None:
    request = Request(url=HOST, body=FormBody((Field("a", "{{missing}}"),)))
    with pytest.raises(TemplateError) as caught:
        Scope.of().needed(texts(request, "payments/create"))
    assert caught.value.names == ("missing",)
    assert caught.value.where.startswith("payments/create: body")


def test_a_preview_needs_no_values_no_files_and_no_valid_url() -> None:
    request = Request(
        method="POST",
        url="{{base}}/x?k={{key}}",
        headers=(Field("X", "{{key}}"),),
        auth=BasicAuth("bob", "{{key}}"),
        body=MultipartBody((Part("f", file="missing.bin"), Part("q", "{{?What}}"))),
    )
    scope = Scope.of(request={"base": SECRET, "key": SECRET})
    shown = preview(request, scope.preview())
    assert shown.url == "{{base}}/x?k={{key}}"
    assert ("X", "{{key}}") in shown.headers
    assert ("Authorization", "Basic base64(bob:{{key}})") in shown.headers
    assert "{{?What}}" in shown.body
    assert 'the file "missing.bin"' in shown.body
    streamed = preview(Request(method="POST", url=HOST, body=FileBody("missing.bin")), scope.preview())
    for one in (shown, streamed):
        assert "Content-Length" not in dict(one.headers), "no file was looked at"
    whole = preview(Request(url="https://x.example/:id", path_params={"id": "a b"}), scope.preview())
    assert whole.url == "https://x.example/a%20b"


def test_a_preview_and_what_is_sent_agree() -> None:
    request = Request(method="POST", url=f"{HOST}/x?id={{{{$uuid}}}}", body=JsonBody('{"id": "{{$uuid}}"}'))
    scope = Scope.of().resolve({})
    prepared = prepare(request, scope, files=Path)
    assert json.loads(prepared.content)["id"] in unquote(prepared.url)  # type: ignore[arg-type]
    assert prepared.shown.url == prepared.url


def test_checks_are_rendered_and_named_without_values() -> None:
    checks = (Check("json", "equals", "$.key", "{{key}}"), Check("status", "less", value=400))
    prepared = built(Request(url=HOST, checks=checks), key=Secret("hidden"))
    assert [each.name for each in prepared.expectations] == ['json $.key equals "{{key}}"', "status is less than 400"]
    assert prepared.expectations[0].check.value == "hidden"
    assert "hidden" not in repr(prepared)
    assert prepared.uses == {}, "a value that is only compared goes nowhere"


VALUES = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=12)


@given(VALUES)
def test_no_secret_of_any_length_is_shown(value: str) -> None:
    """The marks stand where no name and no text of the request has them, so a value can only come from the secret."""
    mark = "\N{SNOWMAN}" + value + "\N{SNOWMAN}"
    bodies: list[Body] = [
        JsonBody('{"a": "{{k}}"}'),
        XmlBody("<a>{{k}}</a>"),
        TextBody("{{k}}"),
        FormBody((Field("a", "{{k}}"),)),
        MultipartBody((Part("a", "{{k}}"),)),
        GraphqlBody("{{k}}"),
    ]
    for body in bodies:
        request = Request(
            url=f"{HOST}/:p?q={{{{k}}}}",
            path_params={"p": "{{k}}"},
            headers=(Field("X", "{{k}}"),),
            auth=ApiKeyAuth("key", "{{k}}", "query"),
            body=body,
        )
        prepared = built(request, k=Secret(mark))
        shown = f"{prepared.shown} {prepared!r}"
        for form in ("\N{SNOWMAN}", "%E2%98%83", "\\u2603", "&#9731;"):
            assert form not in shown
