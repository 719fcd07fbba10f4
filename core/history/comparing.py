"""Two exchanges side by side: what differs in request, status, headers and body, as a unified diff; masked."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator
from contextlib import suppress

from core.exchange import Exchange
from core.reading.kinds import HEAD, kind_of
from core.reading.layout import SYNTAXES, TooDeep, lay_out
from core.redactor import Redactor

LARGEST = 1024 * 1024
MOST_LINES = 4000
"""Of each body: comparing takes the square of their number at worst."""
SAME = "no difference: request, status, headers and body are the same\n"


def compare(before: Exchange, after: Exchange, redactor: Redactor) -> str:
    """Takes its time on large bodies: call it in a thread."""
    one, other = _lines(before, redactor), _lines(after, redactor)
    names = [f"{exchange.started_at.astimezone():%Y-%m-%d %H:%M:%S}" for exchange in (before, after)]
    return "\n".join(difflib.unified_diff(one, other, names[0], names[1], lineterm="", n=3)) or SAME


def _lines(exchange: Exchange, redactor: Redactor) -> list[str]:
    response, shown = exchange.response, exchange.shown
    parts = [
        f"{exchange.method} {shown.url}",
        *(f"{name}: {value}" for name, value in shown.headers),
        "",
        *([*shown.body.splitlines(), ""] if shown.body else []),
        f"no answer: {exchange.error.message}"
        if exchange.error
        else f"{response.http_version} {response.status} {response.reason}".rstrip(),
        *(f"{name}: {value}" for name, value in response.headers),
        "",
    ]
    return [*redactor.redact("\n".join(parts)).split("\n"), *_body(exchange, redactor)]


def _body(exchange: Exchange, redactor: Redactor) -> Iterator[str]:
    body = exchange.response.body
    data = body.read(0, LARGEST)
    kind = kind_of(exchange.response.headers, data[:HEAD], redactor.redact)
    if kind.syntax == "binary":
        digest = hashlib.sha256(redactor.redact_bytes(data)).hexdigest()
        yield f"{kind.label}, {body.size:,} bytes, SHA-256 {digest}"
        return
    text = redactor.redact(data.decode(kind.charset, "replace").removeprefix("\ufeff"))
    if kind.syntax in SYNTAXES and body.size <= LARGEST:
        with suppress(TooDeep):
            laid_out = b"".join(lay_out(text.encode("utf-8", "replace"), kind.syntax, by_lines=kind.by_lines))
            text = laid_out.decode("utf-8", "replace")
    lines = text.splitlines()
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES or body.size > LARGEST:
        yield f"… the rest of {body.size:,} bytes is not compared"
