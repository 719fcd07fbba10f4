"""Auth and options as rows of a table and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args, get_type_hints

import pytest

from core.models import (
    ApiKeyAuth,
    AwsSigV4Auth,
    BearerAuth,
    ClientCertificate,
    NtlmAuth,
    OAuth1Auth,
    OAuth2Auth,
    Options,
)
from tui.widgets.struct_rows import AUTH_TYPES, auth_rows, auth_tag, auth_with, new_auth, option_rows, options_with
from tui.widgets.table_lines import TableRow


def with_cell(rows: list[TableRow], key: str, text: str) -> tuple[TableRow, ...]:
    return tuple(replace(row, cells=(row.cells[0], text)) if row.key == key else row for row in rows)


@pytest.mark.parametrize(
    "auth",
    [
        *(new_auth(tag) for tag, _ in AUTH_TYPES),
        BearerAuth(token="{{t}}", prefix=""),
        ApiKeyAuth(name="k", value="v", location="query"),
        OAuth2Auth(grant="device_code", scope="a b"),
        AwsSigV4Auth(service="s3", credential="team"),
        OAuth1Auth("k", signature_method="RSA-SHA1", private_key="a\nb\n", body_hash=True),
        NtlmAuth("u", "p", workstation="w"),
    ],
)
def test_rows_and_back_change_nothing(auth: object) -> None:
    assert auth_with(auth, tuple(auth_rows(auth))) == auth  # type: ignore[arg-type]


@pytest.mark.parametrize("tag", [tag for tag, _ in AUTH_TYPES])
def test_every_field_can_be_reached(tag: str) -> None:
    auth = new_auth(tag)
    every = [auth]
    if tag == "oauth2":
        every = [OAuth2Auth(grant=grant) for grant in get_args(get_type_hints(OAuth2Auth)["grant"])]
    elif tag == "oauth1":
        methods = get_args(get_type_hints(OAuth1Auth)["signature_method"])
        every = [OAuth1Auth(signature_method=method) for method in methods]
    assert {row.key for one in every for row in auth_rows(one)} == set(auth.__struct_fields__)


def test_a_field_that_the_grant_does_not_use_is_shown_while_it_has_a_text_and_is_never_lost() -> None:
    auth = OAuth2Auth(username="bob", device_url="https://x.example")
    shown = {row.key for row in auth_rows(auth)}
    assert {"username", "device_url"} <= shown
    assert not {"password", "authorization_url", "redirect_uri"} & shown
    assert auth_with(auth, tuple(auth_rows(auth))) == auth


@pytest.mark.parametrize("method", get_args(get_type_hints(OAuth1Auth)["signature_method"]))
def test_only_what_a_signature_is_made_with_is_asked_for(method: Any) -> None:
    shown = {row.key for row in auth_rows(OAuth1Auth(signature_method=method))}
    made_with = {"consumer_secret", "token_secret", "private_key"} & shown
    assert made_with == ({"private_key"} if method.startswith("RSA") else {"consumer_secret", "token_secret"})


def test_every_option_can_be_reached() -> None:
    rows = {row.key for row in option_rows(Options())}
    certificate = {f"client_certificate.{name}" for name in ClientCertificate.__struct_fields__}
    assert rows == (set(Options.__struct_fields__) - {"client_certificate"}) | certificate


def test_every_type_has_a_label_and_can_be_made_empty() -> None:
    assert {auth_tag(new_auth(tag)) for tag, _ in AUTH_TYPES} == {tag for tag, _ in AUTH_TYPES}


def test_a_field_with_few_values_offers_them() -> None:
    row = next(row for row in auth_rows(ApiKeyAuth()) if row.key == "location")
    assert row.choices == {1: ("header", "query")}


@pytest.mark.parametrize(
    "options",
    [
        Options(),
        Options(timeout=2.5, verify_tls=False, proxy="", max_redirects=0),
        Options(proxy="http://proxy:3128", ca_file="ca.pem", http2=True),
        Options(client_certificate=ClientCertificate(cert="c.pem", key="k.pem", password="{{p}}")),
    ],
)
def test_options_and_back_change_nothing(options: Options) -> None:
    assert options_with(options, tuple(option_rows(options))) == options


def test_an_empty_cell_is_as_the_settings_say_and_none_is_no_proxy() -> None:
    rows = option_rows(Options(timeout=3, proxy="http://p"))
    assert options_with(Options(), with_cell(rows, "timeout", "")).timeout is None
    assert options_with(Options(), with_cell(rows, "proxy", "none")).proxy == ""
    assert options_with(Options(), with_cell(rows, "proxy", "")).proxy is None


@pytest.mark.parametrize(
    ("key", "text"),
    [("timeout", "soon"), ("timeout", "0"), ("timeout", "1e9"), ("max_redirects", "101"), ("max_redirects", "x")],
)
def test_what_cannot_be_is_refused(key: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        options_with(Options(), with_cell(option_rows(Options()), key, text))


def test_a_key_without_a_certificate_is_refused() -> None:
    with pytest.raises(ValueError, match="certificate"):
        options_with(Options(), with_cell(option_rows(Options()), "client_certificate.key", "k.pem"))
