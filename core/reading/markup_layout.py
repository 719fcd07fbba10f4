"""XML and HTML with a line for each element, every token as it came: only the white space between them changes."""

from __future__ import annotations

import re
from collections.abc import Iterator

_DEEPEST = 32
_SHORT = 100
"""An element with no more text than this stays on one line."""
_VOID = frozenset(b"area base br col embed hr img input link meta param source track wbr".split())
_VERBATIM = frozenset(b"script style pre textarea".split())
_TAG = re.compile(rb"""</?+([^\s/>"'=<]++)(?:[^>"']++|"[^"]*+"|'[^']*+')*+>""")
_LONGEST_TAG = 64 * 1024
_PAIRS = ((b"<!--", b"-->"), (b"<![CDATA[", b"]]>"), (b"<?", b"?>"), (b"<!", b">"))


def lay_out_markup(data: bytes, *, html: bool) -> Iterator[bytes]:
    """Text and tags on lines of their own, indented by depth."""
    open_names: list[bytes] = []
    tokens = _tokens(data, html)
    token = next(tokens, None)
    while token is not None:
        following = next(tokens, None)
        kind, name, text = token
        if kind == "open" and following is not None:
            # An element that is empty or holds a little text is one line.
            parts = [text]
            if following[0] == "text" and len(following[2]) <= _SHORT and b"\n" not in following[2].strip():
                parts.append(following[2].strip())
                closing = next(tokens, None)
            else:
                closing = following
            if closing is not None and closing[0] == "close" and closing[1] == name:
                yield _indent(open_names) + b"".join([*parts, closing[2]]) + b"\n"
                token = next(tokens, None)
                continue
            yield _indent(open_names) + text + b"\n"
            open_names.append(name)
            if len(parts) > 1:
                yield from _text(parts[1], open_names)
                following = closing
        elif kind == "open":
            yield _indent(open_names) + text + b"\n"
        elif kind == "close":
            if name in open_names[-_DEEPEST:]:
                while open_names.pop() != name:
                    pass
            yield _indent(open_names) + text + b"\n"
        elif kind == "verbatim":
            yield text if text.endswith(b"\n") else text + b"\n"
        elif kind == "text":
            yield from _text(text, open_names)
        else:
            yield _indent(open_names) + text + b"\n"
        token = following


def _indent(open_names: list[bytes]) -> bytes:
    return b"  " * min(len(open_names), _DEEPEST)


def _text(text: bytes, open_names: list[bytes]) -> Iterator[bytes]:
    for line in text.split(b"\n"):
        if stripped := line.strip():
            yield _indent(open_names) + stripped + b"\n"


def _tokens(data: bytes, html: bool) -> Iterator[tuple[str, bytes, bytes]]:
    """Kind, name of the element, and text. Nothing but white space between tags is left out."""
    at = 0
    while at < len(data):
        start = data.find(b"<", at)
        if start < 0:
            start = len(data)
        if start > at:
            text = data[at:start]
            if not text.isspace():
                yield "text", b"", text
            at = start
            continue
        pair = next((pair for pair in _PAIRS if data.startswith(pair[0], at)), None)
        if pair is not None:
            stop = data.find(pair[1], at + len(pair[0]))
            end = stop + len(pair[1]) if stop >= 0 else len(data)
            yield "other", b"", data[at:end]
            at = end
            continue
        tag = _TAG.match(data, at, at + _LONGEST_TAG)
        if tag is None:
            stop = data.find(b"<", at + 1)
            end = stop if stop >= 0 else len(data)
            yield "text", b"", data[at:end]
            at = end
            continue
        name = tag[1].lower() if html else tag[1]
        at = tag.end()
        if data[tag.start() + 1] == 0x2F:  # /
            yield "close", name, tag[0]
        elif tag[0].endswith(b"/>") or (html and name in _VOID):
            yield "other", name, tag[0]
        else:
            yield "open", name, tag[0]
            if html and name in _VERBATIM:
                close = re.compile(rb"</" + re.escape(name), re.IGNORECASE).search(data, at)
                end = close.start() if close is not None else len(data)
                if data[at:end].strip():
                    yield "verbatim", b"", data[at:end].strip(b"\r\n")
                at = end
