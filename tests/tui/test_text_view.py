from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from core.reading.hexrows import HexDocument
from core.reading.rows import TextDocument
from core.reading.search import Search
from core.reading.spool import Spool
from tests.tui.conftest import screen_text
from tui.widgets.syntax import overlaid, tokens
from tui.widgets.text_view import TextView, shown

Viewing = Callable[..., AbstractAsyncContextManager[tuple[Pilot[Any], TextView]]]


class ViewApp(App[None]):
    def __init__(self, view: TextView) -> None:
        super().__init__()
        self.view = view

    def compose(self) -> ComposeResult:
        yield self.view


@pytest.fixture
def viewing() -> Viewing:
    @asynccontextmanager
    async def view(data: bytes, syntax: str = "", **more: Any) -> AsyncIterator[tuple[Pilot[Any], TextView]]:
        made = TextView()
        async with ViewApp(made).run_test(size=(20, 6)) as pilot:
            made.show(TextDocument.of(data), syntax, **more)
            made.focus()
            await pilot.pause()
            yield pilot, made

    return view


def rows(pilot: Pilot[Any]) -> list[str]:
    return [line.rstrip() for line in screen_text(pilot).splitlines()]


NUMBERS = "".join(f"row {number}\n" for number in range(1, 101)).encode()


async def test_only_what_fits_is_shown_and_the_keys_move(viewing: Viewing) -> None:
    async with viewing(NUMBERS) as (pilot, view):
        assert [row.split(" ┃")[0].split("  ")[0] for row in rows(pilot)] == [f"row {number}" for number in range(1, 7)]
        for keys, first in (
            (["down"], 2),
            (["pagedown"], 7),
            (["space"], 12),
            (["pageup", "up"], 6),
            (["end"], 95),
            (["down", "pagedown"], 95),
            (["k"], 94),
            (["home"], 1),
            (["up"], 1),
            (["G"], 95),
            (["g"], 1),
        ):
            await pilot.press(*keys)
            assert rows(pilot)[0].split("  ")[0] == f"row {first}", keys
            assert view.range[0] == first - 1


async def test_the_mark_at_the_right_says_where_one_is(viewing: Viewing) -> None:
    async with viewing(NUMBERS) as (pilot, _):
        assert [row.endswith("┃") for row in rows(pilot)] == [True, *[False] * 5]
        await pilot.press("end")
        assert [row.endswith("┃") for row in rows(pilot)] == [*[False] * 5, True]
    async with viewing(b"one\ntwo") as (pilot, _):
        assert "┃" not in screen_text(pilot)


async def test_a_long_row_is_cut_with_a_mark_and_moves_to_the_side(viewing: Viewing) -> None:
    async with viewing(b"0123456789abcdefghijklmnopqrstuvwxyz") as (pilot, _):
        assert rows(pilot)[0] == "0123456789abcdefgh…"
        await pilot.press("right")
        assert rows(pilot)[0] == "89abcdefghijklmnop…"
        await pilot.press("right", "right", "right")
        assert rows(pilot)[0] == "ijklmnopqrstuvwxyz"
        await pilot.press("left", "left", "left", "left")
        assert rows(pilot)[0].startswith("0123")


async def test_wrapping_shows_all_of_a_row_and_splits_no_character(viewing: Viewing) -> None:
    text = "0123456789abcdefgh字字xyz\nnext"
    async with viewing(text.encode()) as (pilot, view):
        view.toggle_wrap()
        await pilot.pause()
        assert rows(pilot)[:3] == ["0123456789abcdefgh", "字字xyz", "next"]
        view.toggle_wrap()
        await pilot.pause()
        assert rows(pilot)[0] == "0123456789abcdefgh…"


async def test_wrapped_rows_scroll_part_by_part(viewing: Viewing) -> None:
    async with viewing(b"\n".join(bytes([97 + number]) * 60 for number in range(20))) as (pilot, view):
        view.toggle_wrap()
        await pilot.pause()
        tops = []
        for _ in range(4):
            await pilot.press("down")
            tops.append(view.top)
        assert tops == [(0, 1), (0, 2), (0, 3), (1, 0)]
        await pilot.press("end")
        assert view.top == (18, 2)
        assert rows(pilot)[-1].startswith("ttt")
        await pilot.press("pageup", "pageup", "home")
        assert view.top == (0, 0)


async def test_lines_are_numbered_and_what_goes_on_is_not(viewing: Viewing) -> None:
    async with viewing(b"a\n" + b"x" * 5000 + b"\nb", numbered=True) as (pilot, _):
        shown_rows = rows(pilot)
        assert shown_rows[0] == "  1 a"
        assert shown_rows[1] == "  2 xxxxxxxxxxxxxx…"
        assert shown_rows[2] == "    xxxxxxxxxxxxxx…"
        assert shown_rows[3] == "  3 b"


async def test_what_a_terminal_would_obey_is_shown_as_marks(viewing: Viewing) -> None:
    async with viewing("\x1b[2J \u202eabc\n[bold]x[/]\nt\tt \x07\n\xff".encode("latin-1", "replace")) as (pilot, _):
        assert rows(pilot)[1:4] == ["[bold]x[/]", "t    t \\x07", "\\xff"]
        assert rows(pilot)[0].startswith("\\x1b[2J ")
    assert shown("\u202eabc".encode()) == "\\u202eabc"


async def test_matches_are_marked_and_brought_into_sight(viewing: Viewing) -> None:
    async with viewing(NUMBERS) as (pilot, view):
        view.search = Search(view.document, "row 7", lambda search: None)
        view.search.run()
        view.redraw()
        view.go_to_match(3)
        await pilot.pause()
        assert view.range[0] <= 71 <= view.range[1]
        lines = {row: view.render_line(row - view.range[0]) for row in range(view.range[0], view.range[1] + 1)}
        reversed_rows = [row for row, strip in lines.items() for part in strip if part.style and part.style.reverse]
        current = [part for part in lines[71] if part.style and part.style.underline]
        assert [part.text for part in current] == ["row 7"]
        assert set(reversed_rows) == set(range(max(69, view.range[0]), view.range[1] + 1))


async def test_a_match_far_to_the_right_is_brought_into_sight(viewing: Viewing) -> None:
    async with viewing(b"x" * 300 + b"needle" + b"x" * 300) as (pilot, view):
        view.search = Search(view.document, "needle", lambda search: None)
        view.search.run()
        view.go_to_match(0)
        await pilot.pause()
        assert "needle" in rows(pilot)[0]
        view.toggle_wrap()
        view.go_to_match(0)
        await pilot.pause()
        assert "needle" in screen_text(pilot).replace("\n", "").replace(" ", "").replace("┃", "")


async def test_a_growing_document_shows_more(viewing: Viewing) -> None:
    document = TextDocument.of(b"one\ntw")
    async with viewing(b"") as (pilot, view):
        view.show(document)
        document.append(b"o\nthree")
        view.grew()
        await pilot.pause()
        assert rows(pilot)[:3] == ["one", "two", "three"]


async def test_hex_marks_bytes_and_characters(viewing: Viewing) -> None:
    spool = Spool()
    spool.append(b"ab\x00needle")
    async with viewing(b"") as (pilot, view):
        await pilot.resize_terminal(80, 6)
        view.show(HexDocument(spool), "hex")
        view.search = Search(view.document, "need", lambda search: None)
        view.search.run()
        view.redraw()
        await pilot.pause()
        marked = [part.text for part in view.render_line(0) if part.style and part.style.reverse]
        assert marked == ["6e", "65", "65", "64", "n", "e", "e", "d"]


async def test_hex_has_as_many_bytes_in_a_row_as_there_is_room_for(viewing: Viewing) -> None:
    spool = Spool()
    spool.append(bytes(range(64)) * 4)
    async with viewing(b"") as (pilot, view):
        await pilot.resize_terminal(80, 6)
        view.show(HexDocument(spool), "hex", top=(4, 0))
        await pilot.pause()
        assert rows(pilot)[0] == f"00000040  {bytes(range(8)).hex(' ')}  {bytes(range(8, 16)).hex(' ')}  {'.' * 16}"
        await pilot.resize_terminal(58, 6)
        assert rows(pilot)[0] == f"00000040  {bytes(range(8)).hex(' ')}  ........"
        await pilot.resize_terminal(30, 6)
        assert rows(pilot)[0] == "00000040  00 01 02 03  ...."
        await pilot.resize_terminal(80, 6)
        assert rows(pilot)[0].startswith("00000040  00 01 02 03 04 05 06 07  08")


async def test_any_size_of_window_works(viewing: Viewing) -> None:
    async with viewing(NUMBERS + "字".encode() * 5000, numbered=True) as (pilot, view):
        for wrap in (False, True):
            if wrap:
                view.toggle_wrap()
            for width, height in ((1, 1), (2, 2), (3, 1), (200, 60), (20, 6)):
                await pilot.resize_terminal(width, height)
                await pilot.press("end", "pageup", "right", "home", "pagedown")
                strips = [view.render_line(y) for y in range(view.size.height)]
                assert all(strip.cell_length == view.size.width for strip in strips)


def test_colours_of_json() -> None:
    row = '  "name": "text \\" •••••• more", "n": -1.5e3, "t": true'.encode()
    found = [(row[start:end].decode(), name) for start, end, name in tokens(row, "json")]
    assert found == [
        ('"name"', "name"),
        ('"text \\" ', "text"),
        ("••••••", "secret"),
        (' more"', "text"),
        ('"n"', "name"),
        ("-1.5e3", "number"),
        ('"t"', "name"),
        ("true", "word"),
    ]


def test_colours_of_markup() -> None:
    row = b'say "hi" <a href="x>y" b=1>text</a> <!-- c --> &amp;'
    found = [(row[start:end].decode(), name) for start, end, name in tokens(row, "html")]
    assert found[:3] == [("<a", "name"), ("href", "word"), ('"x', "text")]
    assert ("</a", "name") in found
    assert found[-2:] == [("<!-- c -->", "muted"), ("&amp;", "word")]


@pytest.mark.parametrize("syntax", ["json", "xml", "headers", "request", "labels", "hex", "error", "muted", "none"])
def test_tokens_are_in_order_and_do_not_overlap(syntax: str) -> None:
    row = 'ab: "••••••" <x y="z••••••"/> "n": 1  ok GET true'.encode()
    at = 0
    for start, end, _ in tokens(row, syntax):
        assert at <= start < end <= len(row)
        at = end


def test_marks_lie_over_colours() -> None:
    below = [(0, 10, "a"), (12, 20, "b")]
    assert overlaid(below, [(2, 4, "x"), (8, 14, "y")]) == [
        (0, 2, "a"),
        (2, 4, "x"),
        (4, 8, "a"),
        (8, 14, "y"),
        (14, 20, "b"),
    ]
