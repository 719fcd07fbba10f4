"""The lint finds secrets in plain text and variables that nothing uses, and quotes no value."""

from __future__ import annotations

import pytest

from core.models import (
    ApiKeyAuth,
    BasicAuth,
    BearerAuth,
    Capture,
    Check,
    Environment,
    Field,
    Folder,
    FormBody,
    JsonBody,
    NtlmAuth,
    OAuth1Auth,
    OAuth2Auth,
    Options,
    Request,
    Variable,
)
from core.workspace.lint import Model, lint, looks_secret, token_kind

GITHUB = "ghp_" + "a1B2" * 9
VALUE = "correct-horse-battery"


def found(model: Model, kind: str = "plain-secret") -> list[str]:
    return [finding.where for finding in lint({"file.toml": model}) if finding.kind == kind]


@pytest.mark.parametrize(
    ("model", "where"),
    [
        (Request(auth=BasicAuth("bob", VALUE)), "auth.password"),
        (Request(auth=BearerAuth(VALUE)), "auth.token"),
        (Request(auth=ApiKeyAuth("k", VALUE)), "auth.value"),
        (Request(auth=OAuth2Auth(client_id="me", client_secret=VALUE)), "auth.client_secret"),
        (Request(auth=OAuth1Auth("me", consumer_secret=VALUE)), "auth.consumer_secret"),
        (Request(auth=OAuth1Auth("me", token_secret=VALUE)), "auth.token_secret"),
        (Request(auth=OAuth1Auth("me", token=VALUE)), "auth.token"),
        (Request(auth=OAuth1Auth("me", private_key=VALUE)), "auth.private_key"),
        (Request(auth=NtlmAuth("ann", VALUE)), "auth.password"),
        (Folder(auth=BearerAuth(VALUE)), "auth.token"),
        (Request(headers=(Field("Authorization", f"Bearer {VALUE}"),)), "headers.0.value"),
        (Request(headers=(Field("X-Api-Key", VALUE),)), "headers.0.value"),
        (Request(query=(Field("a", "1"), Field("accessToken", VALUE))), "query.1.value"),
        (Request(body=FormBody((Field("password", VALUE),))), "body.fields.0.value"),
        (Request(url=f"https://bob:{VALUE}@example.com/"), "url"),
        (Request(url=f"https://example.com/?a=1&api_key={VALUE}"), "url"),
        (Request(options=Options(proxy=f"socks5://bob:{VALUE}@proxy.test")), "options.proxy"),
        (Request(body=JsonBody(f'{{"a": "{GITHUB}"}}')), "body.text"),
        (Request(description=f"try it with {GITHUB}"), "description"),
        (Environment(variables={"db_password": VALUE}), "variables.db_password"),
        (Environment(variables={"db.token": Variable(value=VALUE)}), "variables.db.token.value"),
        (Environment(variables={"anything": "AKIA" + "A2B4" * 4}), "variables.anything"),
    ],
)
def test_a_secret_in_plain_text_is_found_where_it_stands(model: Model, where: str) -> None:
    assert found(model) == [where]


@pytest.mark.parametrize(
    "model",
    [
        Request(auth=BasicAuth("bob", "{{password}}")),
        Request(auth=BearerAuth("{{token}}")),
        Request(headers=(Field("Authorization", "Bearer {{token}}"), Field("Accept", "application/json"))),
        Request(auth=OAuth2Auth(token_url="https://example.com/token", client_id="a-long-client-identifier")),
        Request(url="https://example.com/?token={{token}}&page=2000000"),
        Request(url="http://[broken"),
        Environment(variables={"token_url": "https://example.com/oauth", "key_id": "nothing-secret-here"}),
        Environment(variables={"password": Variable(secret=True, description="ask Ann")}),
        Environment(variables={"use_token": "true", "pin_token": "123"}),
    ],
)
def test_what_is_no_secret_is_left_alone(model: Model) -> None:
    assert found(model) == []


def test_no_finding_quotes_the_value() -> None:
    files: dict[str, Model] = {
        "a": Request(auth=BasicAuth("bob", VALUE), url=f"https://u:{VALUE}@h/?token={VALUE}", body=JsonBody(GITHUB)),
        "b": Environment(variables={"password": VALUE}),
    }
    text = repr(list(lint(files)))
    assert "auth.password" in text
    assert VALUE not in text
    assert GITHUB not in text


def test_a_variable_that_nothing_uses_is_found_in_each_file_that_has_it() -> None:
    files: dict[str, Model] = {
        "environments/base.toml": Environment(variables={"host": "h", "base_url": "https://{{host}}", "old": "1"}),
        "environments/production.toml": Environment(variables={"old": "2", "key": Variable(secret=True)}),
        "requests/a.toml": Request(url="{{base_url}}/", headers=(Field("K", "{{vault:key}}"),)),
    }
    findings = [finding for finding in lint(files) if finding.kind == "unused-variable"]
    assert [(finding.file, finding.where) for finding in findings] == [
        ("environments/base.toml", "variables.old"),
        ("environments/production.toml", "variables.old"),
    ]


def test_a_name_that_a_script_mentions_counts_as_used() -> None:
    files: dict[str, Model] = {"e": Environment(variables={"signing_seed": "7"})}
    assert list(lint(files, ["seed = variables['signing_seed']"])) == []


@pytest.mark.parametrize(
    "name", ["password", "DB_PASSWORD", "api-key", "X-Auth-Token", "clientSecret", "apikey", "pwd"]
)
def test_names_of_secrets(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name", ["token_url", "password_hint", "keyboard", "monkey", "secretary", "public_key", "author"]
)
def test_names_of_other_things(name: str) -> None:
    assert not looks_secret(name)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hvs.CAESIJ0abcdefghijklmnop", "a Vault token"),
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
        ("-----BEGIN PRIVATE KEY-----", "a private key"),
        ("xoxb-1234567890-abc", "a Slack token"),
        ("eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.abcdefghijk", "a JSON web token"),
        ("task-9f8e7d6c5b4a39281706f5e4d3c2b1a0", None),
        ("https://example.com/AKIAX", None),
    ],
)
def test_kinds_of_tokens(text: str, kind: str | None) -> None:
    assert token_kind(text) == kind


def test_checks_and_captures_that_cannot_work_are_found_and_not_quoted() -> None:
    request = Request(
        checks=(
            Check("status", "equals", value=200),
            Check("body", "matches", value=f"({VALUE}"),
            Check("header", "exists"),
        ),
        captures=(Capture("a", "json", "$.a"), Capture("b", "json", "$.[")),
    )
    assert found(request, "useless-check") == ["checks.1", "checks.2", "captures.1"]
    assert VALUE not in repr(list(lint({"file.toml": request})))
    assert [finding.message.partition(": ")[2] for finding in lint({"file.toml": request})] == [
        "a regular expression in it is none",
        "a check of a header names the header",
        "its path is no JSONPath",
    ]
