"""Colours for one row of text, found in the row alone: what stands before it is never read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields

from rich.style import Style

from core.secret import MASK
from tui.themes import Paint

Token = tuple[int, int, str]
"""Start and end in bytes, and a name of `styles`."""

_JSON = re.compile(rb'("(?:[^"\\]|\\.)*"?)(\s*:)?|-?\d[\d.eE+-]*|\b(?:true|false|null)\b')
_MARKUP = re.compile(rb"<!--.*?(?:-->|$)|<!\[CDATA\[.*?(?:\]\]>|$)|<[?!/]?[^\s/>]+|\?>|/?>|&[#\w]+;")
_INSIDE_TAG = re.compile(rb"""([^\s="'/>]+)(\s*=\s*)?|"[^"]*"?|'[^']*'?""")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~\w-]+):")
_REQUEST = re.compile(rb"([A-Z]+) ")
_LABEL = re.compile(rb" *([^ ].*?)  ")
_VERDICT = re.compile(rb" *(ok|FAIL|ERROR)\b")
_MASK = re.compile(re.escape(MASK.encode()))


def _json(row: bytes) -> Iterator[Token]:
    for match in _JSON.finditer(row):
        first = row[match.start()]
        if first == 0x22:  # "
            yield match.start(1), match.end(1), "name" if match[2] else "text"
        else:
            yield match.start(), match.end(), "number" if first in b"-0123456789" else "word"


def _markup(row: bytes) -> Iterator[Token]:
    at = 0
    while (match := _MARKUP.search(row, at)) is not None:
        at = match.end()
        token = match[0]
        if token.startswith((b"<!--", b"<![")):
            yield match.start(), at, "muted"
        elif token.startswith(b"&"):
            yield match.start(), at, "word"
        else:
            yield match.start(), at, "name"
            if token.startswith(b"<"):
                end = row.find(b">", at)
                yield from _attributes(row, at, end if end >= 0 else len(row))
                at = end if end >= 0 else len(row)


def _attributes(row: bytes, start: int, end: int) -> Iterator[Token]:
    for match in _INSIDE_TAG.finditer(row, start, end):
        if match[1] is not None:
            yield match.start(1), match.end(1), "word" if match[2] else "text"
        else:
            yield match.start(), match.end(), "text"


def _header(row: bytes) -> Iterator[Token]:
    if (match := _HEADER.match(row)) is not None:
        yield match.start(1), match.end(1), "name"


def _request(row: bytes) -> Iterator[Token]:
    if (match := _REQUEST.match(row)) is not None:
        yield match.start(1), match.end(1), "strong"
    else:
        yield from _header(row)


def _labels(row: bytes) -> Iterator[Token]:
    if (verdict := _VERDICT.match(row)) is not None:
        yield verdict.start(1), verdict.end(1), "good" if verdict[1] == b"ok" else "bad"
    elif (match := _LABEL.match(row)) is not None:
        yield match.start(1), match.end(1), "name"


def _whole(style: str) -> Callable[[bytes], Iterator[Token]]:
    def tokens(row: bytes) -> Iterator[Token]:
        yield 0, len(row), style

    return tokens


def _hex(row: bytes) -> Iterator[Token]:
    yield 0, 8, "muted"


def _error(row: bytes) -> Iterator[Token]:
    if row.startswith(b"error: "):
        yield 0, 6, "bad"


def _diff(row: bytes) -> Iterator[Token]:
    ink = {b"+": "good", b"-": "bad", b"@": "muted"}.get(row[:1])
    if ink is not None:
        yield 0, len(row), ink


_SYNTAXES: dict[str, Callable[[bytes], Iterator[Token]]] = {
    "json": _json,
    "xml": _markup,
    "html": _markup,
    "headers": _header,
    "request": _request,
    "labels": _labels,
    "muted": _whole("muted"),
    "hex": _hex,
    "error": _error,
    "diff": _diff,
}


def tokens(row: bytes, syntax: str) -> list[Token]:
    """What is coloured in a row, in order and without overlaps; masks of secrets in any text."""
    find = _SYNTAXES.get(syntax)
    found: Iterable[Token] = find(row) if find is not None else ()
    masks = [(match.start(), match.end(), "secret") for match in _MASK.finditer(row)]
    return overlaid(found, masks) if masks else list(found)


def overlaid(below: Iterable[Token], above: Iterable[Token]) -> list[Token]:
    """Both in order, the lower ones cut where an upper one lies over them."""
    out: list[Token] = []
    upper = list(above)
    for start, end, name in below:
        for high_start, high_end, _ in upper:
            if high_end <= start or high_start >= end:
                continue
            if high_start > start:
                out.append((start, high_start, name))
            start = high_end
        if start < end:
            out.append((start, end, name))
    return sorted([*out, *upper])


def styles(paint: Paint) -> dict[str, Style]:
    """The look of each name, in the theme's own colours."""
    named = {field.name: getattr(paint, field.name) for field in fields(paint)}
    return {
        **named,
        "name": paint.dynamic,
        "text": paint.good,
        "number": paint.warning,
        "word": paint.linked,
        "match": Style(reverse=True),
        "current": Style(reverse=True, bold=True, underline=True),
    }
