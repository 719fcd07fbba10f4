"""Bytes as people look at them: in rows, in hex and, as far as they are ASCII, as characters."""

from __future__ import annotations

from collections.abc import Sequence

from core.reading.spool import Spool

_HEX = 10
"""The column where the bytes begin."""
WIDTHS = (16, 8, 4)
"""Bytes that a row may have, in groups of eight."""


class HexDocument:
    """A document over a spool of bytes; it needs no index."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self.width = WIDTHS[0]
        """Bytes in a row."""

    def fit(self, columns: int) -> bool:
        """Take rows of as many bytes as there is room for; whether that is another number now."""
        before = self.width
        self.width = next((width for width in WIDTHS if _text_at(width) + width <= columns), WIDTHS[-1])
        return self.width != before

    @property
    def size(self) -> int:
        return self._spool.size

    @property
    def rows(self) -> int:
        return -(-self.size // self.width)

    def row(self, number: int) -> bytes:
        start = number * self.width
        data = self._spool.read(start, start + self.width)
        groups = "  ".join(data[at : at + 8].hex(" ") for at in range(0, len(data), 8))
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)
        return f"{f'{start:08x}  {groups}':{_text_at(self.width)}}{text}".encode() if data else b""

    def line(self, number: int) -> int | None:
        return None

    def goes_on(self, number: int) -> bool:
        return False

    def row_at(self, offset: int) -> int:
        return max(0, min(offset // self.width, self.rows - 1))

    def offset(self, number: int) -> int:
        return number * self.width

    def spans(self, number: int, start: int, stop: int) -> Sequence[tuple[int, int]]:
        first, text = number * self.width, _text_at(self.width)
        found = []
        for byte in range(max(start - first, 0), min(stop - first, self.width)):
            column = _HEX + byte * 3 + byte // 8
            found += [(column, column + 2), (text + byte, text + byte + 1)]
        return found

    def read(self, start: int, stop: int) -> bytes:
        return self._spool.read(start, stop)

    def close(self) -> None:
        self._spool.close()


def _text_at(width: int) -> int:
    """The column where the characters begin, in rows of so many bytes."""
    return _HEX + width * 3 + (width - 1) // 8 + 1
