"""Editing a table by keyboard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tests.tui.conftest import type_text
from tui.widgets.key_value_table import KeyValueTable
from tui.widgets.table_lines import TableColumn, TableLines, TableRow

ROWS = (TableRow(("Accept", "text/plain")), TableRow(("X-Debug", "1"), enabled=False), TableRow(("Last", "z")))


class Host(App[None]):
    def __init__(self, rows: tuple[TableRow, ...] = ROWS, **arguments: Any) -> None:
        super().__init__()
        self.table = KeyValueTable((TableColumn("Name"), TableColumn("Value", 2)), empty="none", **arguments)
        self.changes: list[tuple[TableRow, ...]] = []
        self._given = rows

    def compose(self) -> ComposeResult:
        yield self.table

    def on_mount(self) -> None:
        self.table.set_rows(self._given)
        self.table.focus()

    def on_key_value_table_changed(self, event: KeyValueTable.Changed) -> None:
        self.changes.append(event.rows)

    @property
    def cells(self) -> list[tuple[str, ...]]:
        return [row.cells for row in self.table.rows]


@asynccontextmanager
async def shown(*rows: TableRow, **arguments: Any) -> AsyncIterator[tuple[Host, Pilot[None]]]:
    host = Host(rows or ROWS, **arguments)
    async with host.run_test(size=(60, 12)) as pilot:
        await pilot.pause()
        yield host, pilot


async def test_enter_edits_the_cell_and_enter_takes_it() -> None:
    async with shown() as (host, pilot):
        await pilot.press("right", "enter")
        await type_text(pilot, ";q=1")
        await pilot.press("enter")
        assert host.cells[0] == ("Accept", "text/plain;q=1")
        assert len(host.changes) == 1


async def test_z_takes_changes_of_the_rows_back_one_by_one() -> None:
    async with shown() as (host, pilot):
        await pilot.press("d", "space", "J", "right", "enter", "9", "enter", "n", "N", "enter", "v", "enter")
        assert host.table.rows == (
            TableRow(("Last", "z")),
            TableRow(("X-Debug", "19"), enabled=True),
            TableRow(("N", "v")),
        )
        # A new row is two changes: its name, then its value.
        for _ in range(6):
            await pilot.press("z")
        assert host.table.rows == ROWS
        assert host.changes[-1] == ROWS
        told = len(host.changes)
        await pilot.press("z")
        assert len(host.changes) == told


async def test_what_is_taken_back_has_the_cursor() -> None:
    async with shown() as (host, pilot):
        await pilot.press("down", "down", "d", "up", "z", "d")
        assert [name for name, _ in host.cells] == ["Accept", "X-Debug"]


async def test_changes_of_other_rows_are_not_taken_back() -> None:
    async with shown() as (host, pilot):
        await pilot.press("d")
        host.table.set_rows(host.table.rows)
        await pilot.press("z")
        assert len(host.cells) == 3
        await pilot.press("d")
        host.table.set_rows(ROWS[:1])
        await pilot.press("z")
        assert len(host.cells) == 1


async def test_escape_leaves_the_cell_as_it_was() -> None:
    async with shown() as (host, pilot):
        await pilot.press("enter")
        await type_text(pilot, "zzz")
        await pilot.press("escape")
        assert host.cells == [row.cells for row in ROWS]
        assert host.changes == []


async def test_tab_goes_through_the_cells_and_past_the_last_makes_a_row() -> None:
    async with shown(TableRow(("a", "1"))) as (host, pilot):
        await pilot.press("enter", "tab", "tab")
        await type_text(pilot, "b")
        await pilot.press("tab")
        await type_text(pilot, "2")
        await pilot.press("enter")
        assert host.cells == [("a", "1"), ("b", "2")]


async def test_a_new_row_left_empty_goes_away() -> None:
    async with shown() as (host, pilot):
        await pilot.press("n", "escape")
        assert len(host.cells) == 3
        await pilot.press("n", "tab")
        await pilot.press("shift+tab", "escape")
        assert len(host.cells) == 3


async def test_space_switches_a_row_off_and_on() -> None:
    async with shown() as (host, pilot):
        await pilot.press("space", "down", "space")
        assert [row.enabled for row in host.table.rows] == [False, True, True]


async def test_rows_move_and_are_deleted() -> None:
    async with shown() as (host, pilot):
        await pilot.press("end", "alt+up", "delete")
        assert host.cells == [("Accept", "text/plain"), ("X-Debug", "1")]
        await pilot.press("home", "J")
        assert host.cells == [("X-Debug", "1"), ("Accept", "text/plain")]


async def test_an_empty_table_begins_with_enter() -> None:
    host = Host(())
    async with host.run_test(size=(60, 12)) as pilot:
        await pilot.press("enter")
        await type_text(pilot, "a")
        await pilot.press("enter")
        await type_text(pilot, "1")
        await pilot.press("enter")
        assert host.cells == [("a", "1")]


async def test_fixed_rows_keep_their_labels_and_their_number() -> None:
    rows = (
        TableRow(("Token", ""), None, locked=(0,)),
        TableRow(("In", "header"), None, choices={1: ("header", "query")}, locked=(0,)),
    )
    async with shown(*rows, fixed=True, boxes=0) as (host, pilot):
        await pilot.press("n", "d", "enter")
        await type_text(pilot, "t")
        await pilot.press("tab", "space")
        assert host.cells == [("Token", "t"), ("In", "query")]


async def test_digits_and_q_are_typed_into_a_cell() -> None:
    async with shown() as (host, pilot):
        await pilot.press("enter")
        await type_text(pilot, "q2 n")
        await pilot.press("enter")
        assert host.cells[0][0] == "Acceptq2 n"


async def test_finishing_takes_the_cell_and_goes_on_editing() -> None:
    async with shown() as (host, pilot):
        await pilot.press("enter")
        await type_text(pilot, "!")
        assert host.table.finish()[0].cells[0] == "Accept!"
        await type_text(pilot, "?")
        await pilot.press("enter")
        assert host.cells[0][0] == "Accept!?"


@pytest.mark.parametrize(
    ("width", "spans"), [(60, (10, 16, 10, 17)), (38, (9, 6, 9, 7)), (33, (7, 6, 7, 6)), (20, (6, 0, 6, 1))]
)
async def test_columns_of_words_give_room_to_texts_in_a_narrow_table(width: int, spans: tuple[int, ...]) -> None:
    columns = (TableColumn("", width=10), TableColumn(""), TableColumn("", width=10), TableColumn(""))
    app: App[None] = App()
    async with app.run_test(size=(width, 5)) as pilot:
        table = KeyValueTable(columns, fixed=True, boxes=0)
        await app.mount(table)
        await pilot.pause()
        lines = table.query_one(TableLines)
        assert tuple(lines.cell_span(column)[1] for column in range(4)) == spans
