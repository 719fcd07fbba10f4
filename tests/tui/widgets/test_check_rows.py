"""Checks and captures as rows and back."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.checks.examine import capture_fault_in, fault_in
from core.models import Capture, Check
from tui.widgets.check_rows import (
    OP,
    OPS,
    PATH,
    SUBJECT,
    SUBJECTS,
    VALUE,
    capture_changed,
    capture_of,
    capture_row,
    check_changed,
    check_of,
    check_row,
)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def row_of(subject: str, op: str, value: str, path: str = "") -> Any:
    row = check_row(Check("json", "equals", "$.a", 1))
    for column, text in ((SUBJECT, subject), (OP, op), (VALUE, value)):
        row = check_changed(row, column, text)
    return check_changed(row, PATH, path) if path else row


@given(value=json_values, op=st.sampled_from(["equals", "not_equals", "contains"]))
def test_any_json_value_comes_back_as_it_was(value: Any, op: Any) -> None:
    check = Check("json", op, "$.a", value)
    assert check_of(check_row(check)) == check


@given(
    subject=st.sampled_from(["header", "body"]), op=st.sampled_from(["equals", "contains", "matches"]), value=st.text()
)
def test_any_text_comes_back_as_it_was(subject: Any, op: Any, value: str) -> None:
    check = Check(subject, op, "X" if subject == "header" else "", value)
    assert check_of(check_row(check)) == check


@pytest.mark.parametrize(
    ("subject", "op", "typed", "value"),
    [
        ("status", "equals", "200", 200),
        ("status", "equals", "2x", "2x"),
        ("status", "matches", "^2", "^2"),
        ("elapsed_ms", "less", "12.5", 12.5),
        ("size", "greater", "1e3", 1000.0),
        ("size", "less", "inf", "inf"),
        ("header", "equals", "5", "5"),
        ("header", "greater", "5", 5),
        ("json", "equals", "5", 5),
        ("json", "equals", '"5"', "5"),
        ("json", "equals", "open", "open"),
        ("json", "equals", "true", True),
        ("json", "equals", '{"a": [1, 2]}', {"a": [1, 2]}),
        ("json", "equals", "null", "null"),
        ("json", "equals", '{"a": null}', '{"a":null}'),
        ("json", "equals", "{{id}}", "{{id}}"),
        ("json", "equals", "NaN", "NaN"),
        ("json", "equals", '"\\ud800"', '"\\ud800"'),
        ("json", "exists", "no", False),
        ("json", "exists", "yes", None),
        ("body", "schema", '{"type": "object"}', {"type": "object"}),
        ("status", "equals", "", None),
    ],
)
def test_a_value_is_what_toml_wants(subject: str, op: str, typed: str, value: Any) -> None:
    made = check_of(row_of(subject, op, typed))
    assert (made.subject, made.op, made.value) == (subject, op, value)
    assert type(made.value) is type(value)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_what_has_no_meaning_for_a_subject_is_empty_and_locked_and_comes_back(subject: str) -> None:
    row = check_changed(check_row(Check("json", "equals", "$.a", 1)), SUBJECT, subject)
    if subject in ("json", "header"):
        assert (row.cells[PATH], row.locked) == ("$.a", ())
    else:
        assert (row.cells[PATH], row.locked) == ("", (PATH,))
        assert check_of(row).path == ""
    back = check_changed(row, SUBJECT, "json")
    assert back.cells[PATH] == "$.a"


def test_going_through_exists_keeps_the_value() -> None:
    row = check_row(Check("json", "equals", "$.a", 12))
    there = check_changed(row, OP, "exists")
    assert (there.cells[VALUE], there.choices[VALUE]) == ("yes", ("yes", "no"))
    assert check_changed(there, OP, "less").cells[VALUE] == "12"


def test_an_op_that_does_not_go_with_the_subject_stays_while_the_file_has_it() -> None:
    row = check_row(Check("status", "contains", value=20))
    assert row.choices[OP][-1] == "contains"
    assert check_changed(row, VALUE, "40").cells[OP] == "contains"
    assert check_changed(row, SUBJECT, "elapsed_ms").cells[OP] == OPS["elapsed_ms"][0]


def test_all_of_the_model_can_be_chosen() -> None:
    hints = get_type_hints(Check)
    assert set(SUBJECTS) == set(get_args(hints["subject"])) == set(OPS)
    assert {op for ops in OPS.values() for op in ops} == set(get_args(hints["op"]))


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (Check("json", "equals", "$.[", 1), "no JSONPath"),
        (Check("json", "matches", "$.a", "("), "no regular expression"),
        (Check("json", "schema", "", {"type": "nothing"}), "schema is not valid"),
        (Check("json", "schema", "", "{"), "schema is no JSON"),
        (Check("json", "schema", "", 5), "schema"),
        (Check("status", "equals", "", "OK"), "no number"),
        (Check("elapsed_ms", "less", "", "soon"), "no number"),
        (Check("header", "exists"), "names the header"),
        (Check("status", "equals"), "needs a value"),
        (Check("status", "equals", "", "{{wanted}}"), ""),
        (Check("json", "matches", "$.{{x}}", "({{x}}"), ""),
        (Check("json", "schema", "", {"type": "object"}), ""),
        (Check("body", "exists", "", False), ""),
    ],
)
def test_what_can_never_hold_is_said(check: Check, said: str) -> None:
    fault = fault_in(check)
    assert said in fault
    assert bool(said) == bool(fault)


@pytest.mark.parametrize(
    ("capture", "said"),
    [
        (Capture("a", "json", "$.["), "no JSONPath"),
        (Capture("a", "body", "("), "no regular expression"),
        (Capture("a", "header"), "names the header"),
        (Capture("a", "cookie"), "names the cookie"),
        (Capture("a", "json"), ""),
        (Capture("a", "status"), ""),
    ],
)
def test_a_capture_that_can_never_find_anything_is_said(capture: Capture, said: str) -> None:
    assert said in capture_fault_in(capture)
    assert bool(said) == bool(capture_fault_in(capture))


@pytest.mark.parametrize("source", get_args(get_type_hints(Capture)["source"]))
def test_captures_come_back_as_they_were(source: Any) -> None:
    capture = Capture("token", source, "" if source == "status" else "x", secret=True)
    assert capture_of(capture_row(capture)) == capture
    assert msgspec.convert(msgspec.to_builtins(capture), Capture) == capture
    there = capture_changed(capture_row(Capture("token", "json", "$.a")), 1, source)
    assert capture_changed(there, 1, "json").cells[2] == "$.a"
