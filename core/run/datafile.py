"""Reads the rows of a data file, one set of variables for each iteration of a run: CSV, JSON, or JSON lines."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import FormatError
from core.models import VARIABLE_NAME

MAX_BYTES = 64 * 1024 * 1024

_NAME = re.compile(VARIABLE_NAME)


def read_rows(path: Path) -> Sequence[Mapping[str, str]]:
    """The rows, by the file's ending (.csv, .tsv, .json, .jsonl, .ndjson); FormatError names the row that is wrong."""
    source = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise _wrong(f"the file is larger than {MAX_BYTES >> 20} MiB", source, "", hint="split it")
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise _wrong(f"cannot be read: {(error.strerror or 'unreadable').lower()}", source, "") from error
    except UnicodeDecodeError:
        raise _wrong("is no UTF-8 text", source, "", hint="save it as UTF-8") from None
    readers = {".csv": _csv, ".tsv": _csv, ".json": _json, ".jsonl": _json_lines, ".ndjson": _json_lines}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise _wrong(f'a data file cannot end in "{path.suffix}"', source, "", hint=f"use {', '.join(readers)}")
    rows = list(reader(text, source))
    if not rows:
        raise _wrong("holds no rows", source, "", hint="a CSV file begins with a line of names")
    return rows


def _csv(text: str, source: str) -> Iterator[Mapping[str, str]]:
    delimiter = "\t" if source.lower().endswith(".tsv") else ","
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] | None = None
    # Its own limit is 128 KiB a cell; the file has one already.
    before = csv.field_size_limit(MAX_BYTES)
    try:
        for cells in lines:
            if not cells:
                continue
            where = f"line {lines.line_num}"
            if names is None:
                names = [_name(cell.strip(), source, where) for cell in cells]
                if len(set(names)) != len(names):
                    raise _wrong("two columns have the same name", source, where)
                continue
            if len(cells) != len(names):
                raise _wrong(f"has {len(cells)} cells where the first line has {len(names)}", source, where)
            yield dict(zip(names, cells, strict=True))
    except csv.Error as error:
        raise _wrong(f"is no CSV: {error}", source, f"line {lines.line_num}") from error
    finally:
        csv.field_size_limit(before)


def _json(text: str, source: str) -> Iterator[Mapping[str, str]]:
    rows = _parsed(text, source, "")
    if not isinstance(rows, list):
        raise _wrong("is no array of objects", source, "")
    for number, row in enumerate(rows, 1):
        yield _row(row, source, f"row {number}")


def _json_lines(text: str, source: str) -> Iterator[Mapping[str, str]]:
    # Not splitlines(): a JSON text may hold U+2028 as it is.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _row(_parsed(line, source, f"line {number}"), source, f"line {number}")


def _parsed(text: str, source: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise _wrong("is no JSON", source, where) from None
    except RecursionError:
        raise _wrong("is nested too deep", source, where) from None


def _row(row: Any, source: str, where: str) -> Mapping[str, str]:
    if not isinstance(row, dict):
        raise _wrong("is no object", source, where)
    # null leaves the name to the layers below; what is no text becomes compact JSON, as behind a JSON key of a link.
    return {
        _name(name, source, where): value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        for name, value in row.items()
        if value is not None
    }


def _name(text: str, source: str, where: str) -> str:
    if not _NAME.fullmatch(text):
        hint = "part the columns with commas, or with tabs in a .tsv file" if ";" in text or "\t" in text else None
        raise _wrong(f'"{text}" is no variable name', source, where, hint)
    return text


def _wrong(message: str, source: str, where: str = "", hint: str | None = None) -> FormatError:
    place = f'"{source}", {where}' if where else f'"{source}"'
    return FormatError(f"{place}: {message}", source=source, where=where, hint=hint)
