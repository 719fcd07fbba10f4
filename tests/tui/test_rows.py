"""Tables of the vault's screens: columns that fill the width, one cursor, cells that count down alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

from tests.tui.conftest import screen_text, until
from tui.widgets.countdown import Ticker
from tui.widgets.rows import Cell, Column, Row, Rows, Until

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
COLUMNS = (Column("Name", share=2), Column("Wide only", width=9, from_width=60), Column("Left", width=8))


class TableApp(App[None]):
    def __init__(self, rows: Sequence[Row] = (), *, empty: str = "nothing here") -> None:
        super().__init__()
        self.now = START
        self.first = rows
        self.empty = empty
        self.told: list[str] = []

    def compose(self) -> ComposeResult:
        yield Rows(COLUMNS, ticker=Ticker(self.screen), empty=self.empty, now=lambda: self.now)

    def on_mount(self) -> None:
        self.table.show(self.first)

    @property
    def table(self) -> Rows:
        return self.query_one(Rows)

    def on_rows_highlighted(self, message: Rows.Highlighted) -> None:
        self.told.append(f"at {message.key}")

    def on_rows_chosen(self, message: Rows.Chosen) -> None:
        self.told.append(f"chose {message.key}")

    def on_rows_over(self, message: Rows.Over) -> None:
        self.told.append(f"over {message.key}")


def named(*names: str) -> list[Row]:
    return [Row(name, (name, "more")) for name in names]


def lines(pilot: Pilot[Any]) -> list[str]:
    return [line.rstrip() for line in screen_text(pilot).splitlines()]


async def test_the_cursor_moves_skips_headings_and_chooses() -> None:
    rows = [Row("g1", ("Group",), heading=True), *named("a", "b"), Row("g2", ("Other",), heading=True), *named("c")]
    app = TableApp(rows)
    async with app.run_test(size=(50, 10)) as pilot:
        app.table.focus()
        await pilot.pause()
        assert app.table.key == "a"
        await pilot.press("down", "down")
        assert app.table.key == "c"
        await pilot.press("up", "home", "end", "enter")
        await pilot.pause()
        assert app.told[-1] == "chose c"
        await pilot.press("down", "home", "up")
        assert app.table.key == "a"


async def test_new_rows_keep_the_cursor_on_its_row_else_on_its_line() -> None:
    app = TableApp(named("a", "b", "c"))
    async with app.run_test() as pilot:
        app.table.go_to("b")
        app.table.show(named("x", "y", "b"))
        assert app.table.key == "b"
        app.table.show(named("x", "y"))
        assert app.table.key == "y"
        app.table.show(named("x", "y", "z"), key="x")
        assert app.table.key == "x"
        app.table.show([])
        assert app.table.key is None
        await pilot.press("down", "enter")
        assert not [told for told in app.told if told.startswith("chose")]


async def test_columns_fill_the_width_and_narrow_tables_leave_some_out() -> None:
    app = TableApp([Row("a", ("a rather long name that has to be cut somewhere", "more", Until(None, "off")))])
    async with app.run_test(size=(40, 5)) as pilot:
        await pilot.pause()
        assert lines(pilot)[0] == "  Name                          Left"
        assert lines(pilot)[1] == "▸ a rather long name that has…       off"
        await pilot.resize_terminal(70, 5)
        await pilot.pause()
        assert "Wide only" in lines(pilot)[0]
        assert "more" in lines(pilot)[1]


async def test_an_empty_table_says_why() -> None:
    app = TableApp(empty="first line\nsecond line")
    async with app.run_test(size=(40, 5)) as pilot:
        await pilot.pause()
        assert lines(pilot)[1:3] == ["  first line", "  second line"]


async def test_the_cursor_stays_visible_in_a_long_table_of_any_height() -> None:
    app = TableApp(named(*(f"row {number:03}" for number in range(200))))
    async with app.run_test(size=(40, 8)) as pilot:
        app.table.focus()
        await pilot.press("end")
        await pilot.pause()
        assert "▸ row 199" in screen_text(pilot)
        await pilot.press("pageup")
        await pilot.pause()
        assert f"▸ {app.table.key}" in screen_text(pilot)
        await pilot.resize_terminal(40, 4)
        await pilot.pause()
        assert f"▸ {app.table.key}" in screen_text(pilot)
        await pilot.press("home")
        await pilot.pause()
        assert "▸ row 000" in screen_text(pilot)


async def test_only_the_cells_of_the_countdown_are_repainted() -> None:
    rows = [Row("a", ("a", "", Until(START + timedelta(seconds=65)))), Row("b", ("b", "", Until(None)))]
    app = TableApp(rows)
    async with app.run_test(size=(40, 6)) as pilot:
        await pilot.pause()
        assert lines(pilot)[1].endswith("01:05")
        painted: list[tuple[Region, ...]] = []
        refresh = app.table.refresh

        def watched(*regions: Region, **how: Any) -> Rows:
            painted.append(regions)
            assert not how
            return refresh(*regions, **how)

        app.table.refresh = watched  # type: ignore[method-assign]
        app.now += timedelta(seconds=1)
        assert app.table.tick()
        assert painted == [(Region(39, 1, 1, 1),)]
        app.now += timedelta(seconds=64)
        assert not app.table.tick()
        await until(pilot, lambda: "over a" in app.told)
        assert not app.table.tick()
        await pilot.pause()
        assert app.told.count("over a") == 1


async def test_foreign_text_in_cells_is_no_markup_and_no_escape() -> None:
    app = TableApp([Row("a", ("[bold]x[/] \x1b[31m\u202e", Cell("y", "bad")))])
    async with app.run_test(size=(60, 5)) as pilot:
        await pilot.pause()
        assert "[bold]x[/]" in lines(pilot)[1]
        assert "\x1b" not in screen_text(pilot)
        assert "\u202e" not in screen_text(pilot)


@given(
    names=st.lists(st.text(max_size=30), max_size=6),
    width=st.integers(1, 30),
    height=st.integers(1, 8),
)
@settings(max_examples=15, deadline=None)
async def test_draws_any_text_at_any_size(names: list[str], width: int, height: int) -> None:
    app = TableApp([Row(str(index), (name, name, Until(None, name[:8]))) for index, name in enumerate(names)])
    async with app.run_test(size=(width, height)) as pilot:
        await pilot.press("down", "end")
        for line in screen_text(pilot).splitlines():
            assert "\x1b" not in line
