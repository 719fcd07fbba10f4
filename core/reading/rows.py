"""Text as rows: only where every few kilobytes begin is kept, and a row is found at once in any amount of text."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from core.reading.spool import Spool

LONGEST = 4096
"""Bytes in a row: a longer line is cut into several rows, so that none costs much to draw."""
_PIECE = 16 * 1024
_BLOCK = LONGEST // 2
"""A line longer than `LONGEST` holds a whole block of this size."""


class Document(Protocol):
    """Rows to look at."""

    @property
    def size(self) -> int:
        """Bytes in all."""
        ...

    @property
    def rows(self) -> int: ...

    def row(self, number: int) -> bytes:
        """What stands in a row, without its line end."""
        ...

    def line(self, number: int) -> int | None:
        """The line's number, from 1; None where a row goes on with the line of the row before it."""
        ...

    def goes_on(self, number: int) -> bool:
        """Whether the row's line goes on in the next row."""
        ...

    def offset(self, number: int) -> int:
        """The first byte of a row."""
        ...

    def row_at(self, offset: int) -> int:
        """The row that holds a byte."""
        ...

    def spans(self, number: int, start: int, stop: int) -> Sequence[tuple[int, int]]:
        """Where in a row the document's bytes from `start` to `stop` are shown."""
        ...

    def read(self, start: int, stop: int) -> bytes: ...

    def close(self) -> None: ...


class Row(NamedTuple):
    offset: int
    text: bytes
    line: int | None


class TextDocument:
    """Lines of text. It may grow while it is read, from one other thread; text should not be cut inside a character."""

    def __init__(self, spool: Spool | None = None) -> None:
        """With a spool that holds text already, that text."""
        self._spool = spool or Spool()
        self._offsets = array("Q", [0])
        self._rows = array("Q", [0])
        self._lines = array("Q", [1])
        """The line that the first row of a piece belongs to."""
        self._inside = bytearray([0])
        """Whether a piece begins in the middle of its line."""
        self._tail = b""
        """Text behind the start of the last piece."""
        self._tail_rows = (0, 0)
        """Length of the tail when its rows were counted, and how many there were."""
        self._read: tuple[tuple[int, int], list[Row]] = ((-1, 0), [])
        if self._spool.size:
            for start in range(0, self._spool.size, 4 * _PIECE):
                self._learn(self._spool.read(start, start + 4 * _PIECE))

    @classmethod
    def of(cls, data: bytes) -> TextDocument:
        document = cls()
        document.append(data)
        return document

    def append(self, data: bytes) -> None:
        self._spool.append(data)
        self._learn(data)

    def _learn(self, data: bytes) -> None:
        tail = self._tail + data
        at = 0
        while len(tail) - at >= _PIECE:
            end = tail.rfind(b"\n", at, at + _PIECE) + 1
            if end:
                at = self._add(tail[at:end], at, end)
            else:
                # One long line: whole rows of it.
                rows = list(_rows(tail[at : at + _PIECE], 0, 1, bool(self._inside[-1])))
                at = self._add(tail[at : at + rows[-1].offset], at, at + rows[-1].offset)
        self._tail = tail[at:]

    def _add(self, piece: bytes, start: int, end: int) -> int:
        """Note the place behind a piece; its end."""
        lines = piece.count(b"\n")
        whole = all(piece.find(b"\n", at, at + _BLOCK) >= 0 for at in range(0, len(piece) - _BLOCK + 1, _BLOCK))
        rows = lines if whole and lines else sum(1 for _ in _rows(piece, 0, 1, bool(self._inside[-1])))
        self._inside.append(not piece.endswith(b"\n"))
        self._lines.append(self._lines[-1] + lines)
        self._offsets.append(self._offsets[-1] + end - start)
        self._rows.append(self._rows[-1] + rows)
        return end

    @property
    def size(self) -> int:
        return self._spool.size

    @property
    def rows(self) -> int:
        tail, pieces = self._tail, len(self._rows)
        if self._tail_rows[0] != len(tail) or not tail:
            self._tail_rows = (len(tail), sum(1 for _ in _rows(tail, 0, 1, False)))
        return self._rows[pieces - 1] + self._tail_rows[1]

    def _piece(self, piece: int) -> list[Row]:
        offset = self._offsets[piece]
        end = self._offsets[piece + 1] if piece + 1 < len(self._offsets) else self.size
        key, rows = self._read
        if key != (piece, end):
            data = self._spool.read(offset, end)
            rows = list(_rows(data, offset, self._lines[piece], bool(self._inside[piece])))
            self._read = ((piece, end), rows)
        return rows

    def _find(self, number: int) -> Row:
        piece = min(bisect_right(self._rows, number), len(self._rows)) - 1
        rows = self._piece(piece)
        return rows[min(number - self._rows[piece], len(rows) - 1)] if rows else Row(0, b"", 1)

    def row(self, number: int) -> bytes:
        return self._find(number).text

    def line(self, number: int) -> int | None:
        return self._find(number).line

    def goes_on(self, number: int) -> bool:
        return number + 1 < self.rows and self._find(number + 1).line is None

    def offset(self, number: int) -> int:
        return self._find(number).offset

    def row_at(self, offset: int) -> int:
        piece = min(bisect_right(self._offsets, offset), len(self._offsets)) - 1
        starts = [row.offset for row in self._piece(piece)]
        return self._rows[piece] + max(0, bisect_right(starts, offset) - 1)

    def spans(self, number: int, start: int, stop: int) -> Sequence[tuple[int, int]]:
        row = self._find(number)
        low, high = max(start - row.offset, 0), min(stop - row.offset, len(row.text))
        return ((low, high),) if low < high else ()

    def read(self, start: int, stop: int) -> bytes:
        return self._spool.read(start, stop)

    @property
    def spool(self) -> Spool:
        return self._spool

    def close(self) -> None:
        self._spool.close()


def _rows(data: bytes, offset: int, line: int, inside: bool) -> Iterator[Row]:
    """The rows of text that begins at a row; an end of line at its very end begins no further row."""
    lines = data.split(b"\n")
    last = len(lines) - 1
    if not lines[last]:
        last -= 1
    for number, text in enumerate(lines[: last + 1]):
        shown = text[:-1] if text.endswith(b"\r") and number < len(lines) - 1 else text
        at = 0
        while len(text) - at > LONGEST:
            cut = at + LONGEST
            while text[cut] & 0xC0 == 0x80 and cut > at + LONGEST - 4:
                cut -= 1
            yield Row(offset + at, text[at:cut], None if inside or at else line)
            at = cut
        yield Row(offset + at, shown[at:], None if inside or at else line)
        inside = False
        offset += len(text) + 1
        line += 1
