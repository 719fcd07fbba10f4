"""What looks like a secret in a request, and the variables that take its place."""

from __future__ import annotations

from core.models import (
    BasicAuth,
    BearerAuth,
    Field,
    FormBody,
    JsonBody,
    Options,
    Request,
    Variable,
)
from core.secret import Secret
from core.workspace import secret_texts

GITHUB = "ghp_" + "a1B2" * 9


def kept(request: Request) -> tuple[Request, dict[str, str]]:
    found = secret_texts.find(request)
    changed, values = secret_texts.replaced(request, found)
    return changed, {name: value.reveal() for name, value in values.items()}


def test_each_place_gets_a_variable_named_after_it() -> None:
    request, values = kept(
        Request(
            url="https://a.test/x?api_key=k3y-0f-a&page=2",
            headers=(Field("Cookie", "session=abcdef"), Field("X-Auth-Token", "t0ken"), Field("Accept", "*/*")),
            auth=BasicAuth("ann", "pa55word"),
            body=JsonBody('{"user": "ann", "client_secret": "s\\"3cr\\u0065t", "n": 1}'),
        )
    )
    assert request.url == "https://a.test/x?api_key={{api_key}}&page=2"
    assert [row.value for row in request.headers] == ["{{cookie}}", "{{x_auth_token}}", "*/*"]
    assert request.auth == BasicAuth("ann", "{{password}}")
    assert request.body == JsonBody('{"user": "ann", "client_secret": "{{client_secret}}", "n": 1}')
    assert values == {
        "api_key": "k3y-0f-a",
        "cookie": "session=abcdef",
        "x_auth_token": "t0ken",
        "password": "pa55word",
        "client_secret": 's"3cret',
    }
    assert set(request.variables.values()) == {Variable(secret=True)}


def test_the_password_of_a_proxy_is_found() -> None:
    request, values = kept(Request(url="https://a.test/", options=Options(proxy="socks5://ann:pa55:w@rd@p.test:1080")))
    assert request.options.proxy == "socks5://ann:{{proxy_password}}@p.test:1080"
    assert values == {"proxy_password": "pa55:w@rd"}


def test_a_scheme_stays_and_equal_values_share_a_variable_and_names_that_are_taken_are_not_taken() -> None:
    request, values = kept(
        Request(
            url=f"https://a.test/{GITHUB}",
            headers=(Field("Authorization", f"token {GITHUB}"), Field("X-Api-Key", "0ther")),
            body=FormBody((Field("token", GITHUB),)),
            variables={"token": "mine"},
        )
    )
    name = next(name for name, value in values.items() if value == GITHUB)
    assert request.headers[0].value == f"token {{{{{name}}}}}"
    assert name not in ("token", "mine")
    assert request.variables["token"] == Variable(value="mine")
    assert GITHUB not in repr(request)
    assert len(values) == 2


def test_what_is_a_template_or_no_secret_stays() -> None:
    request = Request(
        url="https://a.test/?token={{t}}&page=1",
        headers=(Field("X-Debug", "on"),),
        auth=BearerAuth("{{token}}"),
        body=JsonBody('{"password": "", "name": "ann"}'),
    )
    assert secret_texts.find(request) == []


def test_no_value_shows() -> None:
    [found] = secret_texts.find(Request(auth=BearerAuth("s3cr3t-value")))
    assert "s3cr3t" not in repr(found)
    assert found.value == Secret("s3cr3t-value")
    assert found.shown == "auth.token"
