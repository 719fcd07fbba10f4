"""The two sides of an exchange as a page shows them: masked, laid out, and cut where they are long."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from core.exchange import Exchange, Headers, Timing
from core.history.record import masked_body
from core.reading.kinds import HEAD, kind_of
from core.reading.layout import SYNTAXES, TooDeep, lay_out
from core.redactor import Redactor
from core.secret import MASK
from core.workspace.lint import looks_secret, without_tokens

LARGEST_BODY = 16 * 1024
"""Bytes of a body that are shown."""
LARGEST_HEADER = 2 * 1024

_MEMBER = re.compile(r'^(\s*"((?:[^"\\]|\\.)*)": )("(?:[^"\\]|\\.)*"|[\d.eE+-]+)(,?)$', re.MULTILINE)
_COOKIE = re.compile(r"^([^=;]*=)[^;]+")


@dataclass(frozen=True)
class Sides:
    request: str
    response: str
    timing: Timing
    note: str = ""
    """What is not shown."""


def sides(exchange: Exchange, redactor: Redactor) -> Sides:
    """A page is passed on: beside the known secrets, what looks like one in the answer is masked as well."""
    redact = redactor.redact
    shown, response = exchange.shown, exchange.response
    kind = kind_of(response.headers, response.body.read(0, HEAD), redact)
    notes = []
    if kind.syntax == "binary":
        body = f"({kind.label}, {response.body.size:,} bytes)" if response.body.size else ""
    else:
        data, cut = masked_body(response, redactor, LARGEST_BODY)
        body = _unknown(_laid_out(data, kind.syntax, by_lines=kind.by_lines))
        if cut:
            notes.append(f"the first {LARGEST_BODY >> 10} KiB of {response.body.size:,} bytes")
    sent = redact(shown.body)
    if len(sent) > LARGEST_BODY:
        sent = sent[:LARGEST_BODY]
        notes.append(f"the first {LARGEST_BODY >> 10} KiB of the request's body")
    head = f"{response.http_version} {response.status} {redact(response.reason)}".rstrip()
    return Sides(
        _side(redact(f"{exchange.method} {shown.url}"), _headers(shown.headers, redact), sent),
        _side(head, _headers(response.headers, redact), body),
        exchange.timing,
        "; ".join(notes),
    )


def _side(head: str, headers: Iterator[str], body: str) -> str:
    return "\n".join([head, *headers]) + (f"\n\n{body}" if body else "")


def _headers(headers: Headers, redact: Callable[[str], str]) -> Iterator[str]:
    for name, value in headers:
        text = without_tokens(redact(value))
        if name.lower() == "set-cookie":
            text = _COOKIE.sub(rf"\1{MASK}", text)
        elif looks_secret(name) and "{{" not in text:
            text = MASK
        yield f"{redact(name)}: {text if len(text) <= LARGEST_HEADER else text[:LARGEST_HEADER] + '…'}"


def _laid_out(data: bytes, syntax: str, *, by_lines: bool) -> str:
    if syntax in SYNTAXES:
        with suppress(TooDeep):
            data = b"".join(lay_out(data.removeprefix(b"\xef\xbb\xbf"), syntax, by_lines=by_lines))
    return data.decode("utf-8", "replace").removeprefix("\ufeff").rstrip()


def _unknown(text: str) -> str:
    """Nobody named it a secret, and its name or its look says that it is one."""

    def member(match: re.Match[str]) -> str:
        return f'{match[1]}"{MASK}"{match[4]}' if looks_secret(match[2]) else match[0]

    return without_tokens(_MEMBER.sub(member, text))
