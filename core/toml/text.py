"""Writes data as TOML text in our style: rows as inline tables, one a line; multi-line strings for longer texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any

import msgspec

INLINE = frozenset({"path_params", "client_certificate"})
"""Tables written as `{ … }`; the others get a header of their own."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
# What a literal string cannot hold: control characters but tab, and in a single line the line feed.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_INDENT = "    "


def document(table: Mapping[str, Any]) -> str:
    """A whole file."""
    return tables((), table, header=False)


def tables(path: tuple[str, ...], table: Mapping[str, Any], *, header: bool = True) -> str:
    """A table at `path` with a header and those below it."""
    below = {key: value for key, value in table.items() if has_header(key, value)}
    lines = [pair(key, value) for key, value in table.items() if key not in below]
    if header and (lines or not below):
        lines.insert(0, f"[{'.'.join(key_text(key) for key in path)}]\n")
    parts = ["".join(lines)] if lines else []
    parts.extend(tables((*path, key), value) for key, value in below.items())
    return "\n".join(parts)


def has_header(key: str, value: Any) -> bool:
    return isinstance(value, dict) and key not in INLINE


def pair(key: str, value: Any) -> str:
    """`key = value`, a line or more."""
    return f"{key_text(key)} = {value_text(value)}\n"


def key_text(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else f'"{_escaped(key)}"'


def value_text(value: Any, *, one_line: bool = False) -> str:
    """`one_line` inside an inline table, which may not break."""
    if isinstance(value, str):
        return _string(value, one_line)
    if isinstance(value, dict):
        return inline_table(value)
    if isinstance(value, list):
        rows = [value_text(item, one_line=True) for item in value]
        if one_line or not any(isinstance(item, dict) for item in value):
            return f"[{', '.join(rows)}]"
        return array((((), row, "") for row in rows), ())
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | time | date):
        return value.isoformat().replace("+00:00", "Z")
    return repr(value)


def inline_table(table: Mapping[str, Any]) -> str:
    if not table:
        return "{}"
    pairs = (f"{key_text(key)} = {value_text(value, one_line=True)}" for key, value in table.items())
    return f"{{ {', '.join(pairs)} }}"


def array(
    rows: Iterable[tuple[Iterable[str], str, str]], closing: Iterable[str], *, indent: str = _INDENT, end: str = ""
) -> str:
    """An array with a row a line, from (comment lines above, text, comment behind) and the comment lines at its end."""
    lines = ["["]
    for above, text, behind in rows:
        lines.extend(indent + line if line else "" for line in above)
        lines.append(f"{indent}{text},{behind}")
    lines.extend(indent + line if line else "" for line in closing)
    lines.append(f"{end}]")
    return "\n".join(lines)


def _string(text: str, one_line: bool) -> str:
    if "\n" in text and "\r" not in text and not one_line:
        if "'''" not in text and not text.endswith("'") and not _CONTROL.search(text.replace("\n", "")):
            return f"'''\n{text}'''"  # the line break after the quotes is not part of the text
        escaped = "\n".join(_escaped(line) for line in text.split("\n"))
        return f'"""\n{escaped}"""'
    if ('"' in text or "\\" in text) and "'" not in text and not _CONTROL.search(text):
        return f"'{text}'"
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """For a basic string: as in JSON, and DEL too."""
    return msgspec.json.encode(text).decode()[1:-1].replace("\x7f", "\\u007f")
