from __future__ import annotations

import resource
import signal
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.reading.hexrows import HexDocument
from core.reading.rows import LONGEST, TextDocument
from core.reading.spool import IN_MEMORY, Spool

LINES = st.lists(
    st.one_of(
        st.text("abé字\r", max_size=20),
        st.integers(1, 4).map(lambda times: "0123456789abcdef" * (times * 128)),
        st.integers(4000, 9000).map(lambda length: "é" * length),
        st.integers(15_000, 40_000).map(lambda length: "x" * length),
    ),
    max_size=30,
).map("\n".join)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Pieces that are not cut inside a character."""
    ends = sorted({len(data[: place % (len(data) + 1)].decode("utf-8", "ignore").encode()) for place in places})
    return [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]


@settings(max_examples=60)
@given(LINES, st.lists(st.integers(0, 500_000), max_size=6))
def test_rows_are_the_lines_and_long_lines_are_cut(text: str, places: list[int]) -> None:
    data = text.encode()
    document = TextDocument()
    for piece in cut(data, places):
        document.append(piece)
        assert document.size == 0 or document.rows > 0
        if document.rows:
            document.row(document.rows - 1)
    lines: dict[int, str] = {}
    number = 0
    for row in range(document.rows):
        shown = document.row(row)
        assert len(shown) <= LONGEST
        number = document.line(row) or number
        lines[number] = lines.get(number, "") + shown.decode()
        offset = document.offset(row)
        assert data[offset : offset + len(shown)] == shown
        assert document.row_at(offset) == row
        assert document.row_at(offset + max(0, len(shown) - 1)) == row
        assert document.goes_on(row) == (row + 1 < document.rows and document.line(row + 1) is None)
        assert list(document.spans(row, offset + 1, offset + 3)) == (
            [(1, min(3, len(shown)))] if len(shown) > 1 else []
        )
    expected = text.split("\n")
    if expected[-1] == "":
        expected.pop()
    assert list(lines) == list(range(1, len(expected) + 1))
    ended = [number < text.count("\n") for number in range(len(expected))]
    assert list(lines.values()) == [
        line.removesuffix("\r") if end else line for line, end in zip(expected, ended, strict=True)
    ]


@settings(max_examples=20)
@given(LINES)
def test_text_that_is_there_already_has_the_same_rows(text: str) -> None:
    spool = Spool()
    spool.append(text.encode())
    whole, grown = TextDocument(spool), TextDocument.of(text.encode())
    assert [whole.row(row) for row in range(whole.rows)] == [grown.row(row) for row in range(grown.rows)]


def test_a_million_lines_take_little_memory_and_any_is_found_at_once() -> None:
    document = TextDocument()
    for start in range(0, 1_000_000, 1000):
        document.append(b"".join(b"line %d\n" % number for number in range(start, start + 1000)))
    assert document.rows == 1_000_000
    assert document.row(765_432) == b"line 765432"
    assert document.line(765_432) == 765_433
    assert len(document._offsets) < 1000
    assert document.spool.file is not None


def test_where_no_file_can_be_made_the_bytes_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    document = TextDocument.of(b"a line\n" * IN_MEMORY)
    assert document.spool.file is None
    assert document.rows == IN_MEMORY
    assert document.row(IN_MEMORY - 1) == b"a line"


def test_a_full_disk_in_the_middle_loses_nothing() -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        spool = Spool()
        for number in range(200):
            spool.append(b"%09d\n" % number * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert spool.size == 2_000_000
    assert spool.read(1_990_000, 1_990_010) == b"000000199\n"
    assert spool.read(10_000, 10_010) == b"000000001\n"


def test_a_closed_document_has_nothing_and_breaks_nothing() -> None:
    document = TextDocument.of(b"a line\n" * 50_000)
    document.close()
    assert document.row(100) == b""
    document.append(b"late")


def test_bytes_are_shown_in_hex_and_as_characters() -> None:
    spool = Spool()
    spool.append(b"\x89PNG\r\n\x1a\n" + bytes(range(10)))
    document = HexDocument(spool)
    assert document.rows == 2
    assert document.row(0) == b"00000000  89 50 4e 47 0d 0a 1a 0a  00 01 02 03 04 05 06 07  .PNG............"
    assert document.row(1) == b"00000010  08 09                                             .."
    row = document.row(0)
    assert [row[start:end] for start, end in document.spans(0, 1, 3)] == [b"50", b"P", b"4e", b"N"]
    assert [row[start:end] for start, end in document.spans(0, 8, 9)] == [b"00", b"."]
    assert document.row_at(17) == 1


@pytest.mark.parametrize(("columns", "width"), [(200, 16), (76, 16), (75, 8), (43, 8), (42, 4), (0, 4)])
def test_bytes_are_found_in_rows_of_any_width(columns: int, width: int) -> None:
    spool = Spool()
    spool.append(b"." * 21 + b"here" + b"." * 21)
    document = HexDocument(spool)
    assert document.fit(columns) == (width != 16)
    assert document.width == width
    found = b""
    for number in range(document.rows):
        row = document.row(number)
        assert len(row) <= max(columns, 27)
        found += b"".join(row[start:end] for start, end in document.spans(number, 21, 25))
        assert document.row_at(document.offset(number)) == number
    assert found == b"68h65e72r65e"
