"""Bytes as people look at them: sixteen in a row, in hex and, as far as they are ASCII, as characters."""

from __future__ import annotations

from collections.abc import Sequence

from core.reading.spool import Spool

_HEX, _TEXT = 10, 60
"""Columns where the two views begin."""


class HexDocument:
    """A document over a spool of bytes; it needs no index."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    @property
    def size(self) -> int:
        return self._spool.size

    @property
    def rows(self) -> int:
        return -(-self.size // 16)

    def row(self, number: int) -> bytes:
        data = self._spool.read(number * 16, number * 16 + 16)
        left, right = data[:8].hex(" "), data[8:].hex(" ")
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)
        return f"{number * 16:08x}  {left:23}  {right:23}  {text}".encode() if data else b""

    def line(self, number: int) -> int | None:
        return None

    def goes_on(self, number: int) -> bool:
        return False

    def row_at(self, offset: int) -> int:
        return max(0, min(offset // 16, self.rows - 1))

    def offset(self, number: int) -> int:
        return number * 16

    def spans(self, number: int, start: int, stop: int) -> Sequence[tuple[int, int]]:
        first = number * 16
        found = []
        for byte in range(max(start - first, 0), min(stop - first, 16)):
            column = _HEX + byte * 3 + (byte >= 8)
            found += [(column, column + 2), (_TEXT + byte, _TEXT + byte + 1)]
        return found

    def read(self, start: int, stop: int) -> bytes:
        return self._spool.read(start, stop)

    def close(self) -> None:
        self._spool.close()
