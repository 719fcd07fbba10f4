from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from core.errors import HushpostError
from core.reading.hexrows import HexDocument
from core.reading.picture import PictureDocument, draw_picture
from core.reading.spool import Spool

RED, BLUE, GROUND = (255, 0, 0), (0, 0, 255), (16, 32, 48)


def picture(width: int, height: int, name: str = "PNG", **how: int) -> bytes:
    """Red above, blue below."""
    made = Image.new("RGB", (width, height), RED)
    made.paste(BLUE, (0, height // 2, width, height))
    out = io.BytesIO()
    made.save(out, name, **how)
    return out.getvalue()


def drawn(data: bytes, columns: int = 20, rows: int = 10) -> PictureDocument:
    spool = Spool()
    spool.append(data)
    return draw_picture(HexDocument(spool), columns, rows, "#102030")


@pytest.mark.parametrize("name", ["PNG", "GIF", "BMP", "TIFF"])
def test_a_small_picture_is_drawn_point_by_point(name: str) -> None:
    made = drawn(picture(3, 4, name))
    assert made.rows == 2
    assert made.row(0).decode() == "▀▀▀"
    assert made.colours(0) == [(RED, RED)] * 3
    assert made.colours(1) == [(BLUE, BLUE)] * 3


@pytest.mark.parametrize("name", ["JPEG", "WEBP"])
def test_a_large_one_is_made_to_fit_without_being_distorted(name: str) -> None:
    made = drawn(picture(400, 200, name, quality=95))
    assert (len(made.colours(0)), made.rows) == (20, 5)
    for cell in made.colours(0):
        assert all(abs(one - other) < 40 for half in cell if half for one, other in zip(half, RED, strict=True))


def test_an_odd_number_of_lines_ends_with_half_a_row() -> None:
    assert drawn(picture(1, 3)).colours(1) == [(BLUE, None)]


def test_what_can_be_seen_through_shows_the_ground() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (2, 2), (255, 255, 255, 0)).save(out, "PNG")
    assert drawn(out.getvalue()).colours(0) == [(GROUND, GROUND)] * 2


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x89PNG\r\n\x1a\n", "no format|damaged"),
        (picture(90, 90)[:150], "damaged"),
        (b"no picture at all", "in no format"),
    ],
)
def test_what_is_none_says_so(data: bytes, why: str) -> None:
    with pytest.raises(HushpostError, match=why):
        drawn(data)


def test_one_that_says_it_is_huge_is_not_drawn() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0))
    with pytest.raises(HushpostError, match="too large"):
        drawn(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))
