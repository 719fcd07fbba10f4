"""A check or capture as a row of a table, and a row as a check or capture; values as JSON has them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args, get_type_hints

from core.models import Capture, Check
from tui.widgets.struct_rows import NO, YES
from tui.widgets.table_lines import TableRow

SUBJECTS: tuple[str, ...] = get_args(get_type_hints(Check)["subject"])
SOURCES: tuple[str, ...] = get_args(get_type_hints(Capture)["source"])
_COMPARED = ("equals", "not_equals")
_NUMBER = (*_COMPARED, "less", "greater", "matches")
OPS: Mapping[str, tuple[str, ...]] = {
    "status": _NUMBER,
    "header": (*_COMPARED, "contains", "matches", "exists", "less", "greater"),
    "json": (*_COMPARED, "contains", "matches", "exists", "less", "greater", "schema"),
    "body": (*_COMPARED, "contains", "matches", "exists", "schema"),
    "elapsed_ms": ("less", "greater", *_COMPARED),
    "size": _NUMBER,
}
"""What can be said of a subject, the first as the first."""

_HAS_PATH = {"json": "a JSONPath, such as $.items[0].id; empty: all of it", "header": "the header's name"}
_FROM_PATH = _HAS_PATH | {"cookie": "the cookie's name", "body": "a regular expression; its first group counts"}
SUBJECT, PATH, OP, VALUE = range(4)
NAME, FROM, WHERE, SECRET = range(4)


def check_row(check: Check, key: str = "") -> TableRow:
    row = TableRow((check.subject, check.path, check.op, written(check)), enabled=None, key=key)
    return _check_laid_out(row, own=check.op)


def check_changed(row: TableRow, column: int, text: str) -> TableRow:
    """The row after an edit: a path or value that has no meaning for the new subject is put aside until it has."""
    cells = [*row.cells[:column], text, *row.cells[column + 1 :]]
    kept = list(row.kept or ("",) * len(cells))
    if column == SUBJECT and cells[OP] not in OPS[text]:
        cells[OP] = OPS[text][0]
    _put_aside(cells, kept, PATH, has=cells[SUBJECT] in _HAS_PATH)
    was, now = row.cells[OP] == "exists", cells[OP] == "exists"
    if now and not was:
        kept[VALUE], cells[VALUE] = cells[VALUE], YES
    elif was and not now:
        cells[VALUE] = kept[VALUE]
    own = "" if column == SUBJECT else cells[OP]
    return _check_laid_out(replace(row, cells=tuple(cells), kept=tuple(kept)), own=own)


def _put_aside(cells: list[str], kept: list[str], column: int, *, has: bool) -> None:
    if not has and cells[column]:
        kept[column], cells[column] = cells[column], ""
    elif has and not cells[column]:
        cells[column], kept[column] = kept[column], ""


def _check_laid_out(row: TableRow, *, own: str) -> TableRow:
    """`own` is an op that is offered whether or not it goes with the subject, since a file has it."""
    subject, _, op, _ = row.cells
    ops = OPS[subject]
    choices = {SUBJECT: SUBJECTS, OP: ops if own in ops or not own else (*ops, own)}
    if op == "exists":
        choices[VALUE] = (YES, NO)
    return replace(
        row,
        choices=choices,
        locked=() if subject in _HAS_PATH else (PATH,),
        helps=("", _HAS_PATH.get(subject, ""), "", _value_help(subject, op)),
    )


def check_of(row: TableRow) -> Check:
    subject, path, op, value = row.cells
    return Check(subject, op, path if subject in _HAS_PATH else "", _value(subject, op, value))  # type: ignore[arg-type]


def written(check: Check) -> str:
    """The value as it stands in its cell."""
    value = check.value
    if check.op == "exists":
        return NO if value is False else YES
    if value is None:
        return ""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, default=str)
    if _is_json(check.subject, check.op) and (not value.strip() or _parsed(value) != value):
        # Without quotes it would be a number or an object.
        return json.dumps(value, ensure_ascii=False)
    return value


def _value(subject: str, op: str, text: str) -> Any:
    if op == "exists":
        return False if text == NO else None
    if op == "matches":
        return text
    if op in ("less", "greater") or subject in ("status", "elapsed_ms", "size"):
        return _number(text)
    if _is_json(subject, op):
        return _parsed(text) if text.strip() else None
    return text


def _is_json(subject: str, op: str) -> bool:
    return op == "schema" or (subject == "json" and op in (*_COMPARED, "contains"))


def _number(text: str) -> Any:
    if not text.strip():
        return None
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if math.isfinite(number):
            return number
    return text


def _parsed(text: str) -> Any:
    """The JSON that the text is, else the text; as text too where TOML has no word for it, such as null."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        value = json.loads(text, parse_constant=refuse)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return text
    if _holds_null(value):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value


def _holds_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_null, value.values()))
    return value is None or (isinstance(value, list) and any(map(_holds_null, value)))


def _value_help(subject: str, op: str) -> str:
    if op == "exists":
        return ""
    if op == "schema":
        return "a JSON Schema; e opens a larger field for it"
    if op == "matches":
        return "a regular expression, found anywhere"
    if _is_json(subject, op):
        return 'JSON: 42, "42", [1, 2], {"a": 1}; anything else is a text'
    return "" if subject in ("header", "body") and op not in ("less", "greater") else "a number"


def capture_row(capture: Capture, key: str = "") -> TableRow:
    cells = (capture.name, capture.source, capture.path, YES if capture.secret else NO)
    return _capture_laid_out(TableRow(cells, enabled=None, key=key))


def capture_changed(row: TableRow, column: int, text: str) -> TableRow:
    cells = [*row.cells[:column], text, *row.cells[column + 1 :]]
    kept = list(row.kept or ("",) * len(cells))
    _put_aside(cells, kept, WHERE, has=cells[FROM] in _FROM_PATH)
    return _capture_laid_out(replace(row, cells=tuple(cells), kept=tuple(kept)))


def _capture_laid_out(row: TableRow) -> TableRow:
    choices = {FROM: SOURCES, SECRET: (YES, NO)}
    source = row.cells[FROM]
    helps = (
        "the variable that the requests after this one find",
        "",
        _FROM_PATH.get(source, ""),
        "yes: masked everywhere from then on",
    )
    return replace(row, choices=choices, locked=() if source in _FROM_PATH else (WHERE,), helps=helps)


def capture_of(row: TableRow) -> Capture:
    name, source, path, secret = row.cells
    return Capture(name, source, path if source in _FROM_PATH else "", secret == YES)  # type: ignore[arg-type]
