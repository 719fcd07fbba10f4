from __future__ import annotations

import json
import random
import string
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from core.checks.examine import body_text, describe, examine
from core.environment import Scope
from core.exchange import Exchange, Expectation, ReceivedBody, Response, Shown, Timing
from core.models import Capture, Check, Request
from core.redactor import Redactor
from core.secret import Secret
from core.sending.prepare import prepare
from core.threads import run_in_daemon_thread

DOCUMENT = {
    "id": 7,
    "name": "Zoë",
    "price": 1.5,
    "ok": True,
    "none": None,
    "tags": ["a", "b", 3],
    "items": [{"id": 1, "kind": "x"}, {"id": 2, "kind": "y"}, {"id": 3, "kind": "x"}],
    "big": 123456789012345678901234567890,
}


def exchange(body: bytes | Any = b"", status: int = 200, *headers: tuple[str, str], ms: float = 12.34) -> Exchange:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Exchange(
        id="1",
        reference="r",
        environment="base",
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        method="GET",
        shown=Shown("https://x.example/", (), ""),
        secrets_used=(),
        timing=Timing(ms),
        response=Response(status, "OK", "HTTP/1.1", headers, ReceivedBody.of(data), None),
    )


def examined(
    given: Exchange, checks: Sequence[Check] = (), captures: Sequence[Capture] = (), redactor: Redactor | None = None
) -> Exchange:
    expectations = [Expectation(describe(check), check) for check in checks]
    return examine(expectations, captures, given, redactor or Redactor())


def check(check: Check, given: Exchange) -> tuple[bool, str]:
    [result] = examined(given, [check]).checks
    return result.passed, result.message


@pytest.mark.parametrize(
    ("subject", "op", "path", "value", "passes"),
    [
        ("status", "equals", "", 200, True),
        ("status", "equals", "", "200", True),
        ("status", "equals", "", 201, False),
        ("status", "equals", "", True, False),
        ("status", "not_equals", "", 500, True),
        ("status", "not_equals", "", 200, False),
        ("status", "less", "", 300, True),
        ("status", "less", "", 200, False),
        ("status", "greater", "", "199.5", True),
        ("status", "matches", "", "^2..$", True),
        ("status", "contains", "", "20", True),
        ("status", "exists", "", None, True),
        ("header", "equals", "content-type", "application/json", True),
        ("header", "equals", "X-Count", 3, True),
        ("header", "greater", "X-Count", 2, True),
        ("header", "contains", "X-Many", "two", True),
        ("header", "equals", "X-Many", "one, two", True),
        ("header", "matches", "Content-Type", "json$", True),
        ("header", "exists", "X-Count", None, True),
        ("header", "exists", "X-None", None, False),
        ("header", "exists", "X-None", False, True),
        ("header", "exists", "X-Count", False, False),
        ("header", "equals", "X-None", "x", False),
        ("header", "not_equals", "X-None", "x", False),
        ("json", "equals", "$.id", 7, True),
        ("json", "equals", "$.id", 7.0, True),
        ("json", "equals", "$.id", "7", True),
        ("json", "equals", "$.ok", True, True),
        ("json", "equals", "$.ok", "true", True),
        ("json", "equals", "$.ok", 1, False),
        ("json", "equals", "$.none", "null", True),
        ("json", "equals", "$.name", "Zoë", True),
        ("json", "equals", "$.price", 1.5, True),
        ("json", "equals", "$.tags", ["a", "b", 3], True),
        ("json", "equals", "$.tags", ["a", "b", True], False),
        ("json", "equals", "$.items[1]", {"id": 2, "kind": "y"}, True),
        ("json", "equals", "$.items[1]", {"id": True, "kind": "y"}, False),
        ("json", "equals", "$.items[*].id", [1, 2, 3], True),
        ("json", "equals", "$.items[?(@.kind=='y')].id", 2, True),
        ("json", "equals", "$.big", 123456789012345678901234567890, True),
        ("json", "contains", "$.tags", "b", True),
        ("json", "contains", "$.tags", "3", True),
        ("json", "contains", "$.tags", "c", False),
        ("json", "contains", "$.items[0]", "kind", True),
        ("json", "contains", "$.name", "oë", True),
        ("json", "matches", "$.name", "^Zo", True),
        ("json", "less", "$.price", 2, True),
        ("json", "less", "$.name", 2, False),
        ("json", "less", "$.ok", 2, False),
        ("json", "exists", "$.none", None, True),
        ("json", "exists", "$.missing", None, False),
        ("json", "exists", "$.missing", False, True),
        ("json", "exists", "$.items[?(@.id>2)]", True, True),
        ("json", "equals", "$.missing", None, False),
        ("json", "schema", "", {"type": "object", "required": ["id"]}, True),
        ("json", "schema", "$.id", {"type": "string"}, False),
        ("json", "schema", "", '{"properties": {"id": {"maximum": 6}}}', False),
        ("body", "schema", "", {"type": "object"}, True),
        ("status", "schema", "", {"type": "integer", "maximum": 299}, True),
        ("status", "schema", "", {"type": "object"}, False),
        ("body", "contains", "", '"id": 7', True),
        ("body", "matches", "", r'"id":\s*\d', True),
        ("body", "exists", "", None, True),
        ("body", "exists", "", False, False),
        ("elapsed_ms", "less", "", 100, True),
        ("elapsed_ms", "greater", "", 100, False),
        ("size", "greater", "", 10, True),
        ("size", "equals", "", 0, False),
    ],
)
def test_checks(subject: Any, op: Any, path: str, value: Any, passes: bool) -> None:
    given = exchange(
        DOCUMENT,
        200,
        ("Content-Type", "application/json"),
        ("X-Many", "one"),
        ("x-many", "two"),
        ("X-Count", "3"),
    )
    passed, message = check(Check(subject, op, path, value), given)
    assert passed is passes
    assert bool(message) is not passes


@pytest.mark.parametrize(
    ("subject", "op", "path", "value", "says"),
    [
        ("status", "equals", "", 404, "it is 200"),
        ("json", "equals", "$.name", "x", 'it is "Zoë"'),
        ("json", "equals", "$.missing", 1, "nothing was found there"),
        ("json", "equals", "$.a[", 1, "is no JSONPath"),
        ("header", "equals", "X-None", 1, "no such header"),
        ("body", "matches", "", "(", "is no regular expression"),
        ("status", "less", "", "many", 'the check\'s value is no number: "many"'),
        ("json", "schema", "", "{", "the schema is no JSON"),
        ("json", "schema", "", {"type": "nonsense"}, "the schema is not valid"),
        ("json", "schema", "$.id", {"type": "string"}, "7 is not of type 'string'"),
        ("json", "schema", "", {"$ref": "http://127.0.0.1:9/schema.json"}, "which is not in it"),
        ("elapsed_ms", "less", "", 1, "it is 12.3"),
    ],
)
def test_a_failed_check_says_what_it_found(subject: Any, op: Any, path: str, value: Any, says: str) -> None:
    passed, message = check(Check(subject, op, path, value), exchange(DOCUMENT))
    assert not passed
    assert says in message


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b"<html>", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": ', "not JSON"),
        (b'{"a": "\xff"}', "not JSON"),
    ],
)
def test_a_body_that_is_no_json(body: bytes, says: str) -> None:
    assert check(Check("json", "exists", "$.a"), exchange(body)) == (False, f"the body is {says}")


@pytest.mark.parametrize("body", [b"\xef\xbb\xbf[NaN]", '["x"]'.encode("utf-16"), b'["\\ud800"]'])
def test_lenient_json_is_read(body: bytes) -> None:
    assert check(Check("json", "exists", "$[0]"), exchange(body))[0]


def test_the_body_s_charset_is_the_answer_s() -> None:
    latin = exchange(b"\xfc", 200, ("Content-Type", "text/plain; charset=ISO-8859-1"))
    assert body_text(latin.response) == "ü"
    assert body_text(exchange(b"\xff", 200, ("Content-Type", "text/plain; charset=nonsense")).response) == "\ufffd"


def test_long_findings_are_cut() -> None:
    _, message = check(Check("body", "equals", value="x"), exchange(b"y" * 100_000))
    assert len(message) == 200


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (Check("status", "equals", value=200), "status equals 200"),
        (Check("json", "not_equals", "$.a", "b"), 'json $.a not equals "b"'),
        (Check("header", "exists", "X"), "header X exists"),
        (Check("header", "exists", "X", False), "header X does not exist"),
        (Check("elapsed_ms", "less", value=500), "elapsed_ms is less than 500"),
        (Check("json", "schema", "$", {"type": "object"}), "json $ matches the schema"),
        (Check("body", "matches", value="a+"), 'body matches "a+"'),
    ],
)
def test_names(given: Check, name: str) -> None:
    assert describe(given) == name


# Captures


@pytest.mark.parametrize(
    ("source", "path", "value"),
    [
        ("json", "$.name", "Zoë"),
        ("json", "$.id", "7"),
        ("json", "$.ok", "true"),
        ("json", "$.items[1]", '{"id":2,"kind":"y"}'),
        ("json", "$.items[*].id", "[1,2,3]"),
        ("header", "x-count", "3"),
        ("cookie", "sid", "abc=d"),
        ("status", "", "201"),
        ("body", r'"id": (\d+)', "7"),
        ("body", r'"id": \d+', '"id": 7'),
    ],
)
def test_captures(source: Any, path: str, value: str) -> None:
    given = exchange(
        DOCUMENT, 201, ("X-Count", "3"), ("Set-Cookie", "other=1; Path=/"), ("Set-Cookie", "sid=abc=d; Secure")
    )
    result = examined(given, captures=[Capture("v", source, path)])
    assert result.captured == {"v": value}
    assert result.checks == ()


@pytest.mark.parametrize(
    ("source", "path", "says"),
    [
        ("json", "$.missing", "nothing was found there"),
        ("header", "X-None", "no such header"),
        ("cookie", "sid", "no such cookie"),
        ("body", "nowhere", "does not match"),
        ("body", "(", "no regular expression"),
        ("json", "$[", "no JSONPath"),
    ],
)
def test_a_capture_that_finds_nothing_is_a_failed_check(source: Any, path: str, says: str) -> None:
    result = examined(exchange(DOCUMENT), captures=[Capture("token", source, path)])
    [failure] = result.checks
    assert result.captured == {}
    assert not failure.passed
    assert '"token"' in failure.name
    assert says in failure.message


def test_a_secret_capture_is_hidden_at_once() -> None:
    redactor = Redactor()
    checks = [Check("json", "equals", "$.token", "x")]
    captures = [Capture("token", "json", "$.token", secret=True)]
    result = examined(exchange({"token": "t0k3n-value"}), checks, captures, redactor)
    assert result.captured == {"token": Secret("t0k3n-value")}
    assert "t0k3n-value" not in repr(result.checks)
    assert redactor.names_in("t0k3n-value") == {"token"}


def test_secrets_in_what_was_found_are_masked_before_it_is_cut() -> None:
    redactor = Redactor()
    secret = "s3cr3t-" + "v" * 40
    redactor.add("key", Secret(secret))
    body = "x" * 180 + secret
    result = examined(exchange(body.encode()), [Check("body", "equals", value="x")], redactor=redactor)
    assert "s3cr3t" not in result.checks[0].message
    as_json = examined(exchange({"a": secret}), [Check("json", "equals", "$", "x")], redactor=redactor)
    assert secret not in as_json.checks[0].message


def test_checks_compare_with_variables() -> None:
    request = Request(url="https://x.example", checks=(Check("json", "equals", "$.{{field}}", "{{expected}}"),))
    scope = Scope.of(overrides={"expected": Secret("7")}, request={"field": "id"})
    prepared = prepare(request, scope.resolve({}), files=lambda name: None)  # type: ignore[arg-type, return-value]
    [result] = examine(prepared.expectations, (), exchange(DOCUMENT), Redactor()).checks
    assert (result.name, result.passed) == ('json $.id equals "{{expected}}"', True)


def test_a_request_without_checks_leaves_the_body_unread() -> None:
    given = exchange(DOCUMENT)
    given.response.body.close()
    assert examined(given) is given


ENDLESS = {
    "pattern": (Check(subject="body", op="matches", value="^(a+)+$"), b"a" * 40 + b"!"),
    "pattern in a path": (
        Check(subject="json", path='$.a[?match(@, "(a+)+")]', op="exists"),
        {"a": ["a" * 40 + "!"]},
    ),
    "pattern in a schema": (Check(subject="json", op="schema", value={"pattern": "^(a+)+$"}), "a" * 40 + "!"),
    "schema that doubles": (
        Check(
            subject="json",
            op="schema",
            value={
                "$defs": {"0": {}} | {str(at): {"allOf": [{"$ref": f"#/$defs/{at - 1}"}] * 2} for at in range(1, 40)},
                "$ref": "#/$defs/39",
            },
        ),
        1,
    ),
    "path over everything": (Check(subject="json", path="$" + "..*" * 12, op="exists"), b"[" * 60 + b"]" * 60),
}


# The first signal may be raised in a callback of the garbage collector, which only tells of it; the next one ends it.
RAISED_ANYWHERE = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@RAISED_ANYWHERE
@pytest.mark.parametrize("case", ENDLESS)
def test_a_check_that_would_take_for_ever_fails(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.checks.examine.LIMIT_S", 0.2)
    one, body = ENDLESS[case]
    assert check(one, exchange(body)) == (False, "it takes too long to work out, and was given up")


@RAISED_ANYWHERE
def test_captures_and_the_checks_of_an_answer_have_one_limit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.checks.examine.LIMIT_S", 0.2)
    endless = Capture(name="x", source="body", path="^(a+)+$")
    given = exchange(b"a" * 40 + b"!")
    result = examined(given, captures=[endless] * 100)
    assert not result.captured
    assert len(result.checks) == 100
    assert "it takes too long" in result.checks[0].message
    assert result.checks[-1].message == "what was worked out before it took all the time"


@RAISED_ANYWHERE
async def test_a_schema_without_end_is_given_up_in_a_thread_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.checks.examine.LIMIT_S", 0.2)
    one, body = ENDLESS["schema that doubles"]
    passed, message = await run_in_daemon_thread(check, one, exchange(body))
    assert not passed
    assert message == "it takes too long to work out, and was given up"


@pytest.mark.parametrize("size", [150, 3000, 3500, 4096, 5000, 300_000])
def test_no_piece_of_a_long_secret_is_left_where_a_message_is_cut(size: int) -> None:
    letters = random.Random(size).choices(string.ascii_letters, k=size)
    value = "".join(letters)
    redactor = Redactor()
    redactor.add("long", Secret(value))
    checks = (
        Check(subject="body", op="equals", value="no"),
        Check(subject="body", op="less", value=3),
        Check(subject="json", op="schema", value={"maxLength": 3}),
        Check(subject="json", path="$.a", op="equals", value=1),
    )
    for body in (value.encode(), json.dumps(value).encode(), json.dumps({"a": value}).encode()):
        for result in examined(exchange(body), checks, redactor=redactor).checks:
            said = result.message
            assert all(said[at : at + 8] not in value for at in range(len(said) - 7))


def test_a_number_too_large_to_compare_fails_its_check() -> None:
    passed, message = check(Check(subject="json", op="less", value=3), exchange(b"9" * 400))
    assert not passed
    assert message.startswith("it is no number: 999")


@pytest.mark.parametrize("body", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b'["a", NaN]'])
@pytest.mark.parametrize(
    "schema", [{"multipleOf": 0.1}, {"items": {"pattern": "("}}, {"pattern": "("}, {"minimum": 1, "uniqueItems": True}]
)
def test_no_number_and_no_schema_ends_more_than_its_check(body: bytes, schema: dict[str, Any]) -> None:
    check(Check(subject="json", op="schema", value=schema), exchange(body))


def test_a_date_of_toml_is_the_text_that_json_has() -> None:
    value = tomllib.loads("at = 2026-01-02")["at"]
    one = Check(subject="json", op="equals", path="$.at", value=value)
    assert describe(one) == 'json $.at equals "2026-01-02"'
    assert check(one, exchange({"at": "2026-01-02"})) == (True, "")
    assert check(one, exchange({"at": "2026-01-03"})) == (False, 'it is "2026-01-03"')


@pytest.mark.parametrize("dialect", [1, True, 0.5, ["a"], {"a": 1}])
def test_a_dialect_that_is_no_text_makes_no_schema(dialect: Any) -> None:
    passed, message = check(Check(subject="json", op="schema", value={"$schema": dialect}), exchange(1))
    assert not passed
    assert message.startswith("the schema is not valid: ")


def test_the_name_of_a_check_is_no_book() -> None:
    one = Check(subject="body", op="equals", value="a" * 100_000)
    [result] = examined(exchange(b"b"), [one]).checks
    assert 3000 < len(result.name) < 4000
