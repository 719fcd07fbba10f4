"""How a value may be written in a text: the pieces of it that must not be seen, their encoded forms, and decoding.

Forms are listed where an encoder has one result; escapes that an encoder may choose freely (`%2f`, `\\u002f`, `&#47;`)
are undone in the text instead, with a way back from each decoded position.
"""

from __future__ import annotations

import base64
import html
import html.entities
import json
import re
import urllib.parse
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache

LONG = 4096
"""Values with more characters are searched for in few forms."""
SHORTEST = 4
"""Values with fewer characters are not searched for: they would be found everywhere."""

_BLOCK = 48
_LONGEST = 2 * _BLOCK
_NOT_SECRET = frozenset({"true", "false", "null"})

BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")

# What encoders leave as it is, besides letters, digits and `_.-~`: quote, quote_plus, encodeURIComponent, encodeURI.
_SAFE = ("", "/", "!*'()", ";,/?:@&=+$!*'()#")


def searchable(value: str) -> bool:
    """Whether a value is long enough to be searched for; a shorter one can only be masked where it stands."""
    return len(value.strip()) >= SHORTEST


def pieces(value: str, depth: int = 3) -> Iterator[str]:
    """The value whole and trimmed, its lines, and the leaves of the JSON it may be; long ones as consecutive blocks.

    Blocks keep the search small, and a long value that something cut short is still found up to its last whole block.
    """
    for whole in {value, value.strip()}:
        if searchable(whole):
            yield from _blocks(whole)
    leaves = _json_leaves(value) if depth else None
    if leaves is not None:
        for leaf in leaves:
            yield from pieces(leaf, depth - 1)
    elif "\n" in value or "\r" in value:
        for line in re.split(r"[\r\n]+", value):
            if searchable(line):
                yield from _blocks(line.strip())


def _blocks(text: str) -> Iterator[str]:
    count = 1 if len(text) <= _LONGEST else len(text) // _BLOCK
    for number in range(count):
        end = len(text) if number == count - 1 else (number + 1) * _BLOCK
        block = text[number * _BLOCK : end]
        if searchable(block):
            yield block


def _json_leaves(value: str) -> list[str] | None:
    """The texts and long numbers of a JSON object, array or string; None when the value is no such JSON."""
    if value.lstrip()[:1] not in ("{", "[", '"'):
        return None
    try:
        todo = [json.loads(value, parse_int=_number, parse_float=_number, strict=False)]
    except (ValueError, RecursionError):
        return None
    leaves = []
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)
        elif isinstance(item, str) and item not in _NOT_SECRET:
            leaves.append(item)
    return leaves


def _number(text: str) -> str | None:
    """A number that may be a secret: a port or a count of seconds is not, and hiding it would spoil every text."""
    return text if len(text) >= 6 else None


def forms(piece: str) -> dict[bytes, int]:
    """Every byte sequence a piece may stand as, and how many base64 characters beside each hold bits of the piece."""
    found = _forms(piece)
    for misread in _misread(piece):
        for form, margin in few_forms(misread).items():
            found.setdefault(form, margin)
    return found


def few_forms(piece: str) -> dict[bytes, int]:
    """What a piece may stand as after the escapes around it are undone: for values so long that all forms of all of
    their pieces would take more memory than they are worth."""
    raw = piece.encode("utf-8", "surrogatepass")
    found = dict.fromkeys((raw.replace(b" ", b"+"), raw.hex().encode(), raw.hex().upper().encode()), 0)
    for quoted in {piece, html.escape(piece), *(json.dumps(piece, ensure_ascii=only)[1:-1] for only in (True, False))}:
        data = quoted.encode("utf-8", "surrogatepass")
        found |= dict.fromkeys((data, *_undone(data)), 0)
    return found | dict.fromkeys(_base64(raw), 1)


def _undone(data: bytes) -> Iterator[bytes]:
    """What the text becomes when it is decoded: the value's own escapes are undone along with the encoder's."""
    for _ in range(DEPTH):
        view = decode(data)
        if view is None:
            return
        data = view.data
        if len(data.decode("utf-8", "replace").strip()) >= SHORTEST:
            yield data


def _misread(piece: str) -> set[str]:
    """What a server makes of a piece that it takes for another encoding than UTF-8: most take headers for Latin-1."""
    if piece.isascii():
        return set()
    octets = piece.encode("utf-8", "surrogatepass")
    found = {octets.decode("latin-1"), _windows(octets)}
    # Marks in place of what is no ASCII, as long as enough is left to tell it by.
    if sum(character.isascii() for character in piece.strip()) >= SHORTEST:
        for text in (piece, octets.decode("latin-1")):
            for mark in "?\ufffd":
                found.add("".join(character if character.isascii() else mark for character in text))
    return found


def _windows(octets: bytes) -> str:
    """As Windows-1252 in the way of browsers, for whom the bytes that it leaves out are control characters."""
    return "".join(bytes([octet]).decode("cp1252", "ignore") or chr(octet) for octet in octets)


def _forms(piece: str) -> dict[bytes, int]:
    raw = piece.encode("utf-8", "surrogatepass")
    plain = {raw}
    octets = {raw}
    if not piece.isascii():
        with suppress(UnicodeEncodeError):
            octets.add(piece.encode("latin-1"))
    texts = _escaped(piece)
    for data in octets:
        plain.update(_percent(data))
    plain.update(text.encode("utf-8", "surrogatepass") for text in texts)
    plain.update(octets)
    plain.update(_undone(raw))
    found = dict.fromkeys(plain, 0)
    for data in octets:
        found.setdefault(data.hex().encode(), 0)
        found.setdefault(data.hex().upper().encode(), 0)
    for data in plain:
        for once in _base64(data):
            found[once] = max(1, found.get(once, 0))
    for data in octets:
        for once in _base64(data):
            for twice in _base64(once):
                found[twice] = max(2, found.get(twice, 0))
    return found


def _percent(data: bytes) -> Iterator[bytes]:
    for safe in _SAFE:
        quoted = urllib.parse.quote_from_bytes(data, safe=safe)
        for variant in (quoted, re.sub("%..", lambda escape: escape[0].lower(), quoted)):
            yield variant.encode()
            yield variant.replace("%20", "+").encode()
    yield data.replace(b" ", b"+")


def _escaped(piece: str) -> set[str]:
    """The piece inside the quotes of JSON, XML, HTML, Python and a shell."""
    found = set()
    for ascii_only in (True, False):
        quoted = json.dumps(piece, ensure_ascii=ascii_only)[1:-1]
        found |= {quoted, quoted.replace("/", "\\/")}
    backslashed = piece.replace("\\", "\\\\")
    for text in (piece, backslashed):
        found |= {text.replace('"', '\\"'), text.replace("'", "\\'"), text.replace("\n", "\\n").replace("\r", "\\r")}
    # With both quotes in front repr takes single ones and escapes them; unescaped it is what stands in double ones.
    led = "\"'" + piece
    for written in (repr(led), ascii(led), repr(led.encode("utf-8", "surrogatepass"))[1:]):
        body = written[4:-1]
        found |= {body, body.replace("\\'", "'")}
    for quote in ("&quot;", "&#34;", '"'):
        for apostrophe in ("&apos;", "&#39;", "&#x27;", "'"):
            marked = html.escape(piece, quote=False)
            found.add(marked.replace('"', quote).replace("'", apostrophe))
    found |= {piece.replace("'", "'\\''"), piece.replace("'", "'\"'\"'")}
    return found


def _base64(data: bytes) -> set[bytes]:
    """The characters of base64 that hold nothing but bits of `data`, when it stands at each of the three offsets."""
    found = set()
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + data)
        first = -(-8 * offset // 6)
        last = 8 * (offset + len(data)) // 6
        middle = encoded[first:last]
        if len(middle) >= SHORTEST:
            found |= {middle, middle.translate(_URLSAFE)}
    return found


_URLSAFE = bytes.maketrans(b"+/", b"-_")

DEPTH = 3
"""How many encodings on top of each other are undone."""

_TOKEN = re.compile(
    rb"%[0-9A-Fa-f]{2}"
    rb"|\\(?:u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]{1,6}\}"
    rb"|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|[\"'\\/bfnrt0])"
    rb"|&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
    # A line break between base64 characters: mail and PEM wrap encoded text.
    rb"|\r\n(?<=[A-Za-z0-9+/=_-]\r\n)[ \t]{0,32}(?=[A-Za-z0-9+/=_-])"
    rb"|\n(?<=[A-Za-z0-9+/=_-]\n)[ \t]{0,32}(?=[A-Za-z0-9+/=_-])"
)
_CONTROLS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"\0"}


@lru_cache(maxsize=4096)
def _meaning(token: bytes) -> bytes | None:
    """What an escape stands for; None for what only looks like one."""
    kind = token[:1]
    if kind in b"\r\n":
        return b""
    if kind == b"%":
        return bytes.fromhex(token[1:].decode())
    letter, rest = token[1:2], token[2:].decode()
    if kind == b"&" and letter != b"#":
        text = html.entities.html5.get(token[1:].decode())
        return None if text is None else text.encode()
    if kind == b"&":
        return _character(int("0" + rest[:-1], 16) if rest[0] in "xX" else int(rest[:-1]))
    if letter == b"x":
        return bytes.fromhex(rest)
    if letter not in b"uU":
        return _CONTROLS.get(letter, letter)
    if "\\u" in rest:
        units = bytes.fromhex(rest.replace("\\u", ""))
        return units.decode("utf-16-be").encode()
    return _character(int(rest.strip("{}"), 16))


def _character(number: int) -> bytes | None:
    return chr(number).encode("utf-8", "surrogatepass") if number < 0x110000 else None


class Decoded:
    """A text with one layer of escapes undone, and where each part of it came from."""

    __slots__ = ("_decoded", "_lengths", "_source_ends", "_source_starts", "data")

    def __init__(self, data: bytes, decoded: list[int], lengths: list[int], starts: list[int], ends: list[int]) -> None:
        self.data = data
        self._decoded = decoded
        self._lengths = lengths
        self._source_starts = starts
        self._source_ends = ends

    def start(self, position: int) -> int:
        """Where in the source the character at `position` starts."""
        number = bisect_right(self._decoded, position) - 1
        if number < 0:
            return position
        inside = position - self._decoded[number] - self._lengths[number]
        return self._source_starts[number] if inside < 0 else self._source_ends[number] + inside

    def end(self, position: int) -> int:
        """Where in the source the character before `position` ends."""
        number = bisect_right(self._decoded, position - 1) - 1
        if number < 0:
            return position
        inside = position - self._decoded[number] - self._lengths[number]
        return self._source_ends[number] + max(0, inside)

    def position(self, source: int) -> int:
        """The decoded position of a place in the source; of the whole escape when it lies inside one."""
        number = bisect_right(self._source_starts, source) - 1
        if number < 0:
            return source
        beyond = source - self._source_ends[number]
        return self._decoded[number] + (self._lengths[number] + beyond if beyond >= 0 else 0)


def decode(data: bytes) -> Decoded | None:
    """Undo one layer of percent, backslash and entity escapes and of wrapped base64; None when there is none."""
    parts: list[bytes] = []
    decoded, lengths, starts, ends = [], [], [], []
    last = size = 0
    for match in _TOKEN.finditer(data):
        meaning = _meaning(match[0])
        if meaning is None:
            continue
        start, end = match.span()
        parts += (data[last:start], meaning)
        size += start - last
        decoded.append(size)
        lengths.append(len(meaning))
        starts.append(start)
        ends.append(end)
        size += len(meaning)
        last = end
    if not starts:
        return None
    parts.append(data[last:])
    return Decoded(b"".join(parts), decoded, lengths, starts, ends)
