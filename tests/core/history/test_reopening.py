from __future__ import annotations

from core.exchange import Shown
from core.history.reopening import label_of, request_from
from core.models import BasicAuth, Field, FormBody, JsonBody, NoBody
from core.secret import MASK
from tests.kept import made


def shown(url: str = "https://api.example.com/", *headers: tuple[str, str], body: str = "") -> Shown:
    return Shown(url, headers, body)


def test_names_of_used_secrets_are_references_and_all_other_braces_are_text() -> None:
    exchange = made(
        shown=shown(
            "https://x/{{path}}?key={{stripe_key}}&a=%7B%7Bother%7D%7D",
            ("X-Key", "{{stripe_key}} {{other}}"),
            ("Content-Type", "application/json"),
            body='{"a": "{{stripe_key}}", "b": "{{other}}"}',
        ),
        secrets_used=("stripe_key", "path"),
    )
    request = request_from(exchange).request
    assert request.url == "https://x/{{path}}"
    assert request.query == (Field("key", "{{stripe_key}}"), Field("a", "\\{{other}}"))
    assert request.headers == (Field("X-Key", "{{stripe_key}} \\{{other}}"),)
    assert request.body == JsonBody(text='{"a": "{{stripe_key}}", "b": "\\{{other}}"}')


def test_basic_auth_and_forms_come_back_as_they_were_written() -> None:
    exchange = made(
        method="POST",
        shown=shown(
            "https://x/",
            ("Host", "x"),
            ("User-Agent", "hushpost"),
            ("Content-Length", MASK),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Authorization", "Basic base64(ada:{{password}})"),
            body="key={{form_key}}&with+blank=%26",
        ),
        secrets_used=("form_key", "password"),
    )
    rebuilt = request_from(exchange)
    assert rebuilt.left_out == ()
    assert rebuilt.request.auth == BasicAuth(username="ada", password="{{password}}")
    assert rebuilt.request.body == FormBody(fields=(Field("key", "{{form_key}}"), Field("with blank", "&")))
    assert rebuilt.request.headers == ()


def test_what_cannot_be_had_back_is_named() -> None:
    exchange = made(
        shown=shown(
            f"https://x/?k={MASK}",
            ("Authorization", f"Bearer {MASK}"),
            ("Content-Type", "multipart/form-data; boundary=x"),
            body="--x",
        )
    )
    rebuilt = request_from(exchange)
    assert rebuilt.left_out == ('the header "Authorization"', "a part of the URL", "the body")
    assert rebuilt.request.body == NoBody()


def test_what_an_oauth_1_signature_added_is_left_out_and_said() -> None:
    added = f"oauth_nonce={MASK}&oauth_signature={MASK}"
    form = ("Content-Type", "application/x-www-form-urlencoded")
    rebuilt = request_from(made(shown=shown(f"https://x/?a=1&{added}", form, body=f"oauth_scope=read&{added}")))
    assert rebuilt.request.query == (Field("a", "1"),)
    assert rebuilt.request.body == FormBody((Field("oauth_scope", "read"),))
    assert rebuilt.left_out == ("a part of the URL", "a part of the body")


def test_the_label_is_the_method_and_the_end_of_the_path() -> None:
    assert label_of(made("https://x/v1/pay%20ments/?q=1")) == "GET pay ments"
    assert label_of(made("https://x")) == "GET x"
