"""The rows of a table as text, a row a line, and the text as edited as rows again.

`Name: value`, with `#` before a row that is switched off; a name or value in quotes is a JSON string, for line ends,
blanks at its ends, and signs that would mean something else. Columns past the second follow as `; title=text`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.template import references

_OFF = "#"


@dataclass(frozen=True)
class Line:
    """One row, and the number of the line that it stands in."""

    number: int
    cells: tuple[str, ...]
    enabled: bool


class LineError(ValueError):
    """A line that is no row; str() says which and why."""

    def __init__(self, number: int, problem: str) -> None:
        super().__init__(f"line {number}: {problem}")


def text_of(rows: Sequence[tuple[tuple[str, ...], bool]], more: Sequence[str] = ()) -> str:
    """`rows` are cells and whether the row is on; `more` are the titles of the columns past the second."""
    lines = []
    for (name, value, *rest), enabled in rows:
        line = f"{_name(name)}: {_value(value, ended=bool(more))}".rstrip()
        for title, text in zip(more, rest, strict=True):
            if text:
                line += f"; {title}={_value(text, ended=True)}"
        lines.append(line if enabled else f"{_OFF} {line}")
    return "".join(f"{line}\n" for line in lines)


def lines_of(text: str, more: Sequence[str] = ()) -> list[Line]:
    """The rows of a text; LineError for the first line that is none."""
    return list(_lines(text, more))


def _lines(text: str, more: Sequence[str]) -> Iterator[Line]:
    for number, line in enumerate(text.split("\n"), 1):
        rest = line.strip(" \t\r")
        if not rest:
            continue
        off = rest.startswith(_OFF)
        try:
            name, rest = _read(rest.lstrip(_OFF).lstrip(" \t") if off else rest, ":", bounded=True)
            value, rest = _read(rest, ";" if more else "")
            given = dict(_more(rest, more))
        except ValueError as error:
            raise LineError(number, str(error)) from None
        yield Line(number, (name, value, *(given.get(title, "") for title in more)), not off)


def _more(rest: str, titles: Sequence[str]) -> Iterator[tuple[str, str]]:
    while rest:
        title, equals, rest = rest.partition("=")
        if not equals or title.strip() not in titles:
            raise ValueError(f'after ";" one of {", ".join(f"{one}=…" for one in titles)} is needed')
        text, rest = _read(rest.lstrip(" \t"), ";")
        yield title.strip(), text


def _read(text: str, end: str, *, bounded: bool = False) -> tuple[str, str]:
    """A text, in quotes or not, up to a sign, and what follows the sign; `bounded`: the sign has to be there."""
    missing = f'there is no "{end}" after the name'
    if text.startswith('"'):
        try:
            found, at = json.JSONDecoder(strict=False).raw_decode(text)
        except ValueError:
            raise ValueError("the quotes do not end, or hold what JSON does not know") from None
        rest = text[at:].lstrip(" \t")
        if rest and not (end and rest.startswith(end)):
            raise ValueError(missing if bounded else "something follows the closing quotes")
        if bounded and not rest:
            raise ValueError(missing)
        return found, rest[1:].strip(" \t")
    at = _place(text, end) if end else -1
    if at < 0:
        if bounded:
            raise ValueError(missing)
        return text, ""
    found = text[:at].rstrip(" \t")
    if bounded and not found:
        raise ValueError("there is no name")
    return found, text[at + 1 :].strip(" \t")


def _place(text: str, sign: str) -> int:
    """Where the sign first stands outside of braces."""
    inside = [(one.start, one.end) for one in references(text)] if "{{" in text else []
    return next(
        (at for at, one in enumerate(text) if one == sign and not any(start < at < end for start, end in inside)), -1
    )


def _name(text: str) -> str:
    return text if text and _is_plain(text, ":") and text[0] != _OFF else _quoted(text)


def _value(text: str, *, ended: bool) -> str:
    """`ended`: a semicolon ends a text that is not in quotes."""
    return text if _is_plain(text, ";" if ended else "\n") else _quoted(text)


def _is_plain(text: str, sign: str) -> bool:
    """Braces that are not closed would take in what follows."""
    closed = text.rfind("{{") < 0 or text.rfind("{{") < text.rfind("}}")
    return text.isprintable() and text.strip() == text and not text.startswith('"') and sign not in text and closed


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=not text.isprintable())
