"""JSON with a line for each member, every token as it came; also what is cut short, or no JSON at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

DEEPEST = 32
"""Levels of indentation; what is nested deeper is not moved further to the right."""
_PIECE = 64 * 1024
_INDENTS = [b"\n" + b"  " * depth for depth in range(DEEPEST + 1)]
_TOKEN = re.compile(
    rb'"(?:[^"\\]++|\\.)*+(?:("(?:\s*+(:)\s*+|\s*+\Z)?+)|\\?\Z)'  # a string, perhaps a name, perhaps not ended yet
    rb"|[{\[]\s*+[}\]]?+|[}\]]|,\s*+|\s++"
    rb'|[^\s"{}\[\],]++',
    re.DOTALL,
)
_STRING_REST = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_COLON = re.compile(rb"\s*+:\s*+")
_BARE_MASK = re.compile(rb"(?<=[:\[,\s])(\xe2\x80\xa2){6}(?=[,\]}\s]|\Z)")


def quote_masks(data: bytes) -> bytes:
    """Masks that stand for a number of a body become strings, so that it is JSON again."""
    return _BARE_MASK.sub(b'"\\g<0>"', data)


def lay_out_value(data: bytes) -> bytes | None:
    """One JSON value; None when it is not one, or nested too deep."""
    for mended in (False, True):
        source = quote_masks(data) if mended else data
        try:
            if not mended or source is not data:
                return msgspec.json.format(source, indent=2)
        except (msgspec.DecodeError, RecursionError, MemoryError):
            continue
    return None


def lay_out_lines(data: bytes) -> Iterator[bytes]:
    """A JSON value on each line."""
    for line in data.splitlines(keepends=True):
        yield (lay_out_value(line) or line.rstrip(b"\r\n")) + b"\n"


def lay_out_anything(data: bytes) -> Iterator[bytes]:
    """Whatever looks like JSON, piece by piece; text that does not is left as it is."""
    layout = JsonLayout()
    for start in range(0, len(data), _PIECE):
        yield layout.feed(data[start : start + _PIECE])
    yield layout.finish()


class JsonLayout:
    """Lays out text that comes in pieces. Of a long string it keeps only that it is inside."""

    def __init__(self) -> None:
        self._rest = b""
        self._depth = 0
        self._in_string = False
        self._after_value = False
        """At the top level a further value begins a line."""

    def feed(self, data: bytes) -> bytes:
        return self._lay_out(self._rest + data, last=False)

    def finish(self) -> bytes:
        return self._lay_out(self._rest, last=True)

    def _lay_out(self, data: bytes, *, last: bool) -> bytes:
        out: list[bytes] = []
        at = 0
        if self._in_string:
            at = self._end_of_string(data, out)
        if not self._in_string:
            at = self._tokens(data, at, out, last)
        self._rest = data[at:]
        if last:
            out.append(self._rest)
            self._rest = b""
        return b"".join(out)

    def _end_of_string(self, data: bytes, out: list[bytes]) -> int:
        """Take what of the data still belongs to the string; where it ends."""
        match = _STRING_REST.match(data)
        end = match.end() if match is not None else 0
        out.append(data[:end])
        if data[end : end + 1] != b'"':
            return end
        out.append(b'"')
        self._in_string = False
        colon = _COLON.match(data, end + 1)
        if colon is None:
            return end + 1
        out.append(b": ")
        return colon.end()

    def _tokens(self, data: bytes, at: int, out: list[bytes], last: bool) -> int:
        append = out.append
        depth = self._depth
        for match in _TOKEN.finditer(data, at):
            token = match[0]
            end = match.end()
            if end == len(data) and not last:
                if match[1] is None and token[0] == 0x22 and len(token) >= _PIECE:
                    held = len(token) - len(token.rstrip(b"\\"))
                    append(self._start(depth))
                    append(token[: len(token) - held])
                    self._in_string = True
                    at = end - held
                break
            at = end
            first = token[0]
            if first == 0x22:  # "
                append(self._start(depth))
                append(token if match[1] is None else token[: match.start(1) - match.start() + 1])
                if match[2] is not None:
                    append(b": ")
            elif first == 0x2C:  # ,
                append(b",")
                append(_INDENTS[min(depth, DEEPEST)])
            elif first in b"{[":
                append(self._start(depth))
                if len(token) > 1 and token[-1] in b"}]":
                    append(token[:1] + token[-1:])
                else:
                    depth += 1
                    append(token[:1])
                    append(_INDENTS[min(depth, DEEPEST)])
            elif first in b"}]":
                depth = max(0, depth - 1)
                append(_INDENTS[min(depth, DEEPEST)])
                append(token)
            elif first not in b" \t\r\n":
                append(self._start(depth))
                append(token)
            self._after_value = True
        self._depth = depth
        return at

    def _start(self, depth: int) -> bytes:
        return b"\n" if not depth and self._after_value else b""
