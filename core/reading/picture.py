"""A picture as rows of half blocks, two of its points one above the other in each cell of the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import HushpostError
from core.reading.child import Child, Failed
from core.reading.hexrows import HexDocument
from core.reading.spool import Spool

HALF_BLOCK = "▀"
Colour = tuple[int, int, int]


class PictureDocument:
    """A document whose rows are half blocks; `colours` says what to draw them in."""

    def __init__(self, width: int, points: bytes) -> None:
        """`points` are rows of `width` points, three bytes each."""
        self._width = width
        self._points = points
        self._row = (HALF_BLOCK * width).encode()

    @property
    def size(self) -> int:
        return self.rows * len(self._row)

    @property
    def rows(self) -> int:
        return -(-len(self._points) // (6 * self._width))

    def row(self, number: int) -> bytes:
        return self._row

    def colours(self, number: int) -> Sequence[tuple[Colour, Colour | None]]:
        """The upper and lower colour of each cell; there is no lower one below the last row of points."""
        upper, lower = (self._line(2 * number + half) for half in (0, 1))
        return [(above, lower[at] if lower else None) for at, above in enumerate(upper)]

    def _line(self, number: int) -> list[Colour]:
        line = self._points[number * self._width * 3 : (number + 1) * self._width * 3]
        return list(zip(line[::3], line[1::3], line[2::3], strict=True))

    def line(self, number: int) -> int | None:
        return None

    def goes_on(self, number: int) -> bool:
        return False

    def row_at(self, offset: int) -> int:
        return max(0, min(offset // len(self._row), self.rows - 1))

    def offset(self, number: int) -> int:
        return number * len(self._row)

    def spans(self, number: int, start: int, stop: int) -> Sequence[tuple[int, int]]:
        return ()

    def read(self, start: int, stop: int) -> bytes:
        return (self._row * self.rows)[start:stop]

    def close(self) -> None:
        pass


def draw_picture(source: HexDocument, columns: int, rows: int, ground: str) -> PictureDocument:
    """The picture in `source` within so many cells, never larger than it is, on `ground` (`#1a2b3c`).

    Blocks. A HushpostError says why a body is no picture that can be drawn.
    """
    copy = Spool()
    copy.append(source.read(0, source.size))
    copy.to_file()
    if copy.file is None:
        raise HushpostError("there is no room for a temporary file", hint="make room, or set TMPDIR")
    child: Child | None = None
    try:
        child = Child("picture", copy.file, str(columns), str(rows), ground)
        said = child.message()
        points = child.out.read(said["size"])
    except Failed as failure:
        raise HushpostError(f"cannot be drawn: {failure}") from None
    finally:
        if child is not None:
            child.close()
    return PictureDocument(said["width"], points)
