"""What a request says of its answer: checks that pass or fail, and captures that set variables for the next requests.

Several matches of a JSONPath count as one array of them. Regular expressions are Python's, searched in the first MiB.
What cannot be worked out in `LIMIT_S` has failed: patterns, paths and schemas can be made to take for ever.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, time
from functools import cached_property, partial
from time import thread_time
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from core.charsets import known_charset
from core.checks.expressions import Unusable, compiled, fault_by_schema, found_by, has_patterns, pattern, validator
from core.excerpt import LOOKED_AT, excerpt
from core.exchange import CheckResult, Exchange, Expectation, Prepared, Response
from core.models import Capture, Check
from core.redactor import Redactor
from core.secret import Secret
from core.timelimit import TooLong, limited

Redact = Callable[[str], str]
T = TypeVar("T")

LARGEST_JSON = 256 * 1024 * 1024
LARGEST_CAPTURE = 1024 * 1024
SEARCHED = 1024 * 1024
QUOTED = 200
LONGEST_NAME = 3200
NUMBERS = frozenset({"status", "elapsed_ms", "size"})
LIMIT_S = 5.0
"""For all checks and captures of one answer, and a second more for each MiB of its body."""

_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._:-]+)", re.IGNORECASE)


class _Missing(Exception):
    """What a check or capture is about is not there; str() says what."""


def examine(
    expectations: Sequence[Expectation], captures: Sequence[Capture], exchange: Exchange, redactor: Redactor
) -> Exchange:
    """The exchange with its checks and captures; secret captures are in the redactor before any message is made."""
    if not expectations and not captures:
        return exchange
    answer = _Answer(exchange)
    captured, failures = _capture(captures, answer, redactor)
    checks = _check(expectations, answer, redactor.redact)
    return replace(exchange, checks=checks + failures, captured=captured)


def describe(check: Check, path: str | None = None, value: Any = None) -> str:
    """The check's name in reports; `path` and `value` are what may be shown of them."""
    subject = f"{check.subject} {check.path if path is None else path}".strip()
    value = check.value if value is None else value
    match check.op:
        case "exists":
            return f"{subject} does not exist" if value is False else f"{subject} exists"
        case "schema":
            return f"{subject} matches the schema"
        case "less" | "greater":
            return f"{subject} is {check.op} than {_written(value)}"
        case "equals" | "not_equals":
            return f"{subject} {check.op.replace('_', ' ')} {_written(value)}"
        case _:
            return f"{subject} {check.op} {_written(value)}"


def fault_in(check: Check, *, brief: bool = False) -> str:
    """Why the check can never hold as it is written, empty when it may; templates are not looked into. `brief` quotes
    nothing of it."""
    if check.subject == "header" and not check.path:
        return "a check of a header names the header"
    if check.value is None and check.op != "exists":
        return "the check needs a value to compare with"
    templated = isinstance(check.value, str) and "{{" in check.value
    numeric = check.subject in NUMBERS and check.op in ("equals", "not_equals")
    try:
        if check.subject == "json" and check.path and "{{" not in check.path:
            compiled(check.path)
        if check.op == "matches" and not templated:
            pattern(check.value)
        elif check.op == "schema" and not templated:
            validator(check.value)
        elif (numeric or check.op in ("less", "greater")) and not templated:
            _number(check.value, "the value")
    except Unusable as error:
        return error.brief if brief else str(error)
    return ""


def capture_fault_in(capture: Capture, *, brief: bool = False) -> str:
    """Why the capture can never find anything as it is written, empty when it may; `brief` quotes nothing of it."""
    try:
        if capture.source == "json" and capture.path:
            compiled(capture.path)
        elif capture.source == "body" and capture.path:
            pattern(capture.path)
    except Unusable as error:
        return error.brief if brief else str(error)
    if capture.source in ("header", "cookie") and not capture.path:
        return f"the capture names the {capture.source}"
    return ""


def needs_patterns(prepared: Prepared) -> bool:
    """Whether regular expressions may be searched, which only the main thread can interrupt."""
    checks = [expectation.check for expectation in prepared.expectations]
    paths = [check.path for check in checks if check.subject == "json"]
    paths += [capture.path for capture in prepared.request.captures if capture.source == "json"]
    return (
        any(check.op == "matches" for check in checks)
        or any(capture.source == "body" and capture.path for capture in prepared.request.captures)
        or any(check.op == "schema" and has_patterns(check.value) for check in checks)
        or any(word in path for word in ("match", "search", "=~") for path in paths)
    )


def body_text(response: Response) -> str:
    """The body as text, by the charset that the answer names."""
    content_type = next((value for name, value in response.headers if name.lower() == "content-type"), "")
    charset = _CHARSET.search(content_type)
    return response.body.read().decode(known_charset(charset[1] if charset else ""), "replace")


class _Answer:
    """What checks look at, each read once and only when asked for."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.response = exchange.response
        self._left = LIMIT_S + self.response.body.size / 1024 / 1024

    def in_time(self, work: Callable[[], T]) -> T:
        if self._left <= 0:
            raise Unusable("what was worked out before it took all the time")
        started = thread_time()
        try:
            with limited(self._left):
                return work()
        except TooLong:
            raise Unusable("it takes too long to work out, and was given up") from None
        finally:
            self._left -= thread_time() - started

    @cached_property
    def text(self) -> str:
        return body_text(self.response)

    @cached_property
    def _parsed(self) -> Any:
        body = self.response.body
        if body.size > LARGEST_JSON:
            raise _Missing(f"the body is larger than {LARGEST_JSON >> 20} MiB and was not read as JSON")
        data = body.read()
        try:
            return msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
        # More lenient: NaN, a byte order mark, lone surrogates, UTF-16.
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            what = (
                "empty"
                if not data
                else f"cut off ({self.response.truncated})"
                if self.response.truncated
                else "not JSON"
            )
            raise _Missing(f"the body is {what}") from None

    def json(self, path: str) -> Any:
        document = self._parsed
        if not path:
            return document
        found = found_by(path, document)
        if not found:
            raise _Missing("nothing was found there")
        return found[0] if len(found) == 1 else found

    def header(self, name: str) -> str:
        values = [value for key, value in self.response.headers if key.lower() == name.lower()]
        if not values:
            raise _Missing("the answer has no such header")
        return ", ".join(values)

    def cookie(self, name: str) -> str:
        for key, line in self.response.headers:
            if key.lower() == "set-cookie":
                pair = line.partition(";")[0]
                given, equals, value = pair.partition("=")
                if equals and given.strip() == name:
                    return value.strip()
        raise _Missing("the answer sets no such cookie")

    def subject(self, check: Check) -> Any:
        match check.subject:
            case "status":
                return self.response.status
            case "header":
                return self.header(check.path)
            case "json":
                return self.json(check.path)
            case "body":
                return self.text
            case "elapsed_ms":
                return self.exchange.timing.total_ms
            case "size":
                return self.response.body.size


def _check(expectations: Iterable[Expectation], answer: _Answer, redact: Redact) -> tuple[CheckResult, ...]:
    results = []
    for expectation in expectations:
        work = partial(_fault, expectation.check, answer)
        try:
            fault = work() if _of_numbers(expectation.check) else answer.in_time(work)
        except (_Missing, Unusable) as error:
            fault = str(error)
        message = "" if fault is None else excerpt(fault, redact, QUOTED)
        results.append(CheckResult(excerpt(expectation.name, redact, LONGEST_NAME), fault is None, message))
    return tuple(results)


def _of_numbers(check: Check) -> bool:
    """Nothing but two numbers to compare: that needs no timer, which costs more than the check."""
    return check.subject in NUMBERS and check.op in ("exists", "equals", "not_equals", "less", "greater")


def _fault(check: Check, answer: _Answer) -> str | None:
    """What is wrong, None when the check holds."""
    if check.op == "exists":
        return _existence(check, answer)
    actual, expected = answer.subject(check), check.value
    if isinstance(expected, date | time):
        # TOML has dates, JSON has texts.
        expected = expected.isoformat()
    match check.op:
        case "equals":
            return None if _equal(actual, expected) else f"it is {_written(actual)}"
        case "not_equals":
            return f"it is {_written(actual)}" if _equal(actual, expected) else None
        case "contains":
            return None if _contains(actual, expected) else f"it is {_written(actual)}"
        case "matches":
            found = pattern(expected).search(_as_text(actual)[:SEARCHED])
            return None if found else f"it is {_written(actual)}"
        case "less" | "greater":
            number, limit = _number(actual, "it"), _number(expected, "the check's value")
            holds = number < limit if check.op == "less" else number > limit
            return None if holds else f"it is {_written(actual)}"
        case _:
            return fault_by_schema(answer.json("") if check.subject == "body" else actual, expected)


def _existence(check: Check, answer: _Answer) -> str | None:
    try:
        actual = answer.subject(check)
        there = check.subject != "body" or answer.response.body.size > 0
    except _Missing as error:
        return None if check.value is False else str(error)
    if there is (check.value is not False):
        return None
    return f"it is {_written(actual)}" if there else "the body is empty"


def _equal(actual: Any, expected: Any) -> bool:
    if isinstance(actual, bool) or isinstance(expected, bool):
        # A rendered template is text; in Python True equals 1.
        return actual is expected or (isinstance(expected, str) and _as_text(actual) == expected.strip())
    if isinstance(expected, str) and not isinstance(actual, str):
        return _as_text(actual) == expected.strip() or _same_number(actual, expected)
    if isinstance(actual, str) and isinstance(expected, (int, float)):
        return _same_number(expected, actual)
    if isinstance(actual, list) and isinstance(expected, list):
        return len(actual) == len(expected) and all(map(_equal, actual, expected))
    if isinstance(actual, dict) and isinstance(expected, dict):
        return actual.keys() == expected.keys() and all(_equal(actual[key], expected[key]) for key in actual)
    return bool(actual == expected)


def _same_number(number: Any, text: str) -> bool:
    try:
        return isinstance(number, (int, float)) and float(text) == number
    except ValueError:
        return False


def _contains(actual: Any, expected: Any) -> bool:
    if isinstance(actual, list):
        return any(_equal(item, expected) for item in actual)
    if isinstance(actual, dict):
        return str(expected) in actual
    return _as_text(expected) in _as_text(actual)


def _number(value: Any, what: str) -> float:
    try:
        if isinstance(value, (bool, list, dict)) or value is None:
            raise ValueError
        return float(value)
    except (ValueError, OverflowError):
        raise Unusable(f"{what} is no number: {_written(value)}", f"{what} is no number") from None


def _capture(
    captures: Sequence[Capture], answer: _Answer, redactor: Redactor
) -> tuple[Mapping[str, str | Secret], tuple[CheckResult, ...]]:
    captured: dict[str, str | Secret] = {}
    failures = []
    for capture in captures:
        try:
            value = answer.in_time(partial(_captured, capture, answer))
            if len(value) > LARGEST_CAPTURE:
                raise _Missing(f"what was found is larger than {LARGEST_CAPTURE >> 10} KiB")
        except (_Missing, Unusable) as error:
            where = f"{capture.source} {capture.path}".strip()
            name = redactor.redact(f'capture of "{capture.name}" from {where}')
            failures.append(CheckResult(name, False, excerpt(str(error), redactor.redact, QUOTED)))
            continue
        if capture.secret:
            secret = Secret(value)
            redactor.add(capture.name, secret)
            captured[capture.name] = secret
        else:
            captured[capture.name] = value
    return captured, tuple(failures)


def _captured(capture: Capture, answer: _Answer) -> str:
    match capture.source:
        case "json":
            found = answer.json(capture.path)
            if found is None:
                raise _Missing("it is null")
            return _as_text(found)
        case "header":
            return answer.header(capture.path)
        case "cookie":
            return answer.cookie(capture.path)
        case "status":
            return str(answer.response.status)
        case "body":
            if not capture.path:
                return answer.text
            match = pattern(capture.path).search(answer.text[:SEARCHED])
            if match is None:
                raise _Missing("the body does not match")
            return (match[1] if match.re.groups else match[0]) or ""


def _as_text(value: Any) -> str:
    return (
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    )


def _written(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    if isinstance(value, str):
        value = value[: LOOKED_AT + 1]
        return f'"{value}"'
    return _as_text(value)
