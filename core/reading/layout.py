"""A body laid out for reading, from its text and what it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.reading.json_layout import lay_out_anything, lay_out_lines, lay_out_value
from core.reading.markup_layout import lay_out_markup

_LIKE_JSON = re.compile(rb"""\s*+(?:[{\["]|/[/*]|\)\]|[\w.$]++\()""")
"""How it begins, also behind a comment, a guard against being run as a script, or the name of a function."""
_GROWTH = 12
"""How many times its size a body may grow."""


class TooDeep(Exception):
    """Laid out, the body would be many times its size."""


SYNTAXES = ("json", "xml", "html")
"""What has a layout."""


def lay_out(data: bytes, syntax: str, *, by_lines: bool = False) -> Iterator[bytes]:
    """Pieces of text; nothing of the body is left out but white space. Raises TooDeep.

    `by_lines`: each line of JSON is a value of its own.
    """
    room = _GROWTH * len(data) + 64 * 1024
    for piece in _pieces(data, syntax, by_lines):
        room -= len(piece)
        if room < 0:
            raise TooDeep
        yield piece


def _pieces(data: bytes, syntax: str, by_lines: bool) -> Iterator[bytes]:
    if syntax != "json":
        yield from lay_out_markup(data, html=syntax == "html")
    elif by_lines:
        yield from lay_out_lines(data)
    elif (whole := lay_out_value(data)) is not None:
        yield whole
    elif (first := data.partition(b"\n")[0]).strip() and lay_out_value(first) is not None:
        yield from lay_out_lines(data)
    elif _LIKE_JSON.match(data):
        yield from lay_out_anything(data)
    else:
        # A sentence or a page that is called JSON, as proxies answer.
        yield data
