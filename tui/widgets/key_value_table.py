"""A table whose cells are edited in place by keyboard: headers, parameters, variables, and forms of fixed rows.

Enter edits a cell, tab goes on to the next one and past the last row makes a new one; `tui.keys.TABLE` has the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.actions import SkipAction
from textual.binding import BindingType
from textual.message import Message

from tui import keys
from tui.messages import ChoiceAsked, Notice, TextAsked
from tui.widgets.cell_table import CellTable
from tui.widgets.names import Names
from tui.widgets.table_lines import TableColumn, TableLines, TableRow

if TYPE_CHECKING:
    from tui.widgets.row_text import Line

_MOST_PAST = 100
"""Changes that can be taken back."""


class KeyValueTable(CellTable):
    """Rows with a cursor on one cell; every edit posts `Changed` with all rows."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.TABLE)

    class Changed(Message):
        def __init__(self, table: KeyValueTable, rows: tuple[TableRow, ...]) -> None:
            super().__init__()
            self.table = table
            self.rows = rows

        @property
        def control(self) -> KeyValueTable:
            return self.table

    def __init__(
        self,
        columns: Sequence[TableColumn],
        *,
        names: Callable[[], Names] = Names,
        fixed: bool = False,
        blank: TableRow | None = None,
        empty: str = "",
        titles: bool = True,
        boxes: int = 4,
        adds_to: KeyValueTable | None = None,
        id: str | None = None,
    ) -> None:
        """`fixed` rows cannot be added, deleted or moved; `blank` is what a new row starts as; `boxes` is
        the room for the boxes of rows that can be switched off, or for their marks; `adds_to` is the table
        beside a fixed one that a new row goes to."""
        super().__init__(columns, names=names, fixed=fixed, blank=blank, empty=empty, titles=titles, boxes=boxes, id=id)
        self._adds_to = adds_to
        self._told: tuple[TableRow, ...] = ()
        """The rows as they were set or told last, and before that, the newest last."""
        self._past: list[tuple[TableRow, ...]] = []

    # What the owner uses

    def set_rows(self, rows: Sequence[TableRow]) -> None:
        """Show other rows, without posting a change; an edit under way is given up."""
        self._close_editor()
        if tuple(rows) != self._told:
            self._told, self._past = tuple(rows), []
        self._lines.rows = list(rows)
        self._lines.shown()

    def edit_cell(self, row: int, column: int) -> None:
        self._edit(row, column)

    # Keys

    @property
    def without(self) -> frozenset[str]:
        """Actions of tables that there never are in this one, whatever its rows are."""
        if not self.fixed:
            return frozenset()
        return frozenset(("delete", "shift") if self._adds_to is not None else ("delete", "shift", "add", "rows"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in self.without:
            return False
        row = self._lines.row_at_cursor
        if self._editing is not None and action != "edit":
            return False
        match action:
            case "add":
                return True
            case "delete" | "shift":
                return row is not None
            case "rows":
                return self.AS_TEXT is not None
            case "undo":
                return bool(self._past)
            case "whole":
                column = self._lines.column
                return row is not None and column not in row.choices and column not in row.locked
            case "switch":
                return row is not None and (row.enabled is not None or self._lines.column in row.choices)
            case _:
                return True

    def action_edit(self) -> None:
        if self._lines.rows:
            self._edit(self._lines.row, self._lines.column)
        elif not self.fixed:
            self.action_add()

    def action_add(self) -> None:
        if self._adds_to is not None:
            self._adds_to.action_add()
            return
        at = min(len(self._lines.rows), self._lines.row + 1) if self._lines.rows else 0
        self._lines.rows.insert(at, self.blank)
        self._lines.shown()
        self._edit(at, 0)

    def action_delete(self) -> None:
        del self._lines.rows[self._lines.row]
        self._lines.shown()
        self._changed()

    def action_undo(self) -> None:
        """Have the rows as they were before the last change of them."""
        now, self._told = self.rows, self._past.pop()
        self._lines.rows = list(self._told)
        self._lines.shown()
        changed = (at for at, (one, other) in enumerate(zip(now, self._told, strict=False)) if one != other)
        self._lines.go(next(changed, len(self._told) - 1), self._lines.column)
        self.post_message(self.Changed(self, self.rows))
        self.screen.refresh_bindings()

    def action_switch(self) -> None:
        """On or off; a cell with choices goes to its next one."""
        at, column = self._lines.row, self._lines.column
        row = self._lines.rows[at]
        choices = row.choices.get(column)
        if choices:
            here = choices.index(row.cells[column]) if row.cells[column] in choices else -1
            self._take(at, column, choices[(here + 1) % len(choices)])
            return
        self._lines.rows[at] = replace(row, enabled=not row.enabled)
        self._lines.refresh_row(at)
        self._changed()

    def _take(self, row: int, column: int, text: str) -> None:
        """A choice was made."""
        self._put(row, column, text)
        self._lines.refresh_row(row)
        self._changed()

    def _choose(self, row: int, column: int) -> None:
        """The other of two, or one of a list."""
        entry = self._lines.rows[row]
        choices = entry.choices[column]
        if len(choices) == 2:
            self.action_switch()
            return

        def chosen(choice: str) -> None:
            if row < len(self._lines.rows) and self._lines.rows[row].key == entry.key:
                self._take(row, column, choice)

        title = self._lines.columns[column].title or entry.cells[0]
        self.post_message(ChoiceAsked(title, choices, entry.cells[column], chosen))

    def action_shift(self, by: int) -> None:
        at = self._lines.row
        to = at + by
        if not 0 <= to < len(self._lines.rows):
            raise SkipAction
        self._lines.rows[at], self._lines.rows[to] = self._lines.rows[to], self._lines.rows[at]
        self._lines.go(to, self._lines.column)
        self._lines.refresh()
        self._changed()

    def action_whole(self) -> None:
        """Edit the cell's text in a larger field."""
        at, column = self._lines.row, self._lines.column
        entry = self._lines.rows[at]

        def taken(text: str) -> None:
            if at < len(self._lines.rows) and self._lines.rows[at].key == entry.key:
                self._take(at, column, text)

        title = " ".join(part for part in (entry.cells[0] if column else "", self._lines.columns[column].title) if part)
        self.post_message(
            TextAsked(
                title or "Text",
                entry.cells[column],
                taken,
                names=self.names,
                syntax=self._syntax(entry, column),
                problem=lambda text: self._refusal(at, column, text),
            )
        )

    def action_rows(self) -> None:
        """Edit all rows as text."""
        from tui.widgets.rows_as_text import asked

        self.post_message(asked(self._adds_to or self))

    def take_rows(self, rows: Sequence[TableRow]) -> None:
        """Have other rows, as an edit."""
        self._lines.rows = list(rows)
        self._lines.shown()
        self._changed()

    # What a table of its own kind says

    AS_TEXT: ClassVar[tuple[str, ...] | None] = ()
    """What the columns past the second are called where rows are text; None where they cannot be."""

    @property
    def called(self) -> str:
        """What the rows are, for a title."""
        return (self.id or "rows").replace("-", " ").capitalize()

    def line_problems(self, lines: Sequence[Line], kept: Sequence[TableRow]) -> Iterator[tuple[Line, str]]:
        """Why lines of a text cannot be rows; `kept` are the rows that are not in the text."""
        yield from ()

    def _syntax(self, row: TableRow, column: int) -> str:
        """The language of a cell's text."""
        return ""

    @on(TableLines.CellClicked)
    def _clicked(self, event: TableLines.CellClicked) -> None:
        event.stop()
        if event.edit:
            self.action_edit()
        elif self.check_action("switch", ()):
            self.action_switch()

    def on_paste(self, event: events.Paste) -> None:
        """Lines of `Name: value` are more rows; else a text is the new one of the cell under the cursor."""
        if self._editing is not None:
            return
        if not self.fixed and self.AS_TEXT is not None:
            from tui.widgets.rows_as_text import pasted

            if more := pasted(self, event.text):
                event.stop()
                self.take_rows([*self.rows, *more])
                self.post_message(Notice(f"{len(more)} row{'s' if len(more) > 1 else ''} pasted"))
                return
        line = next(iter(event.text.splitlines()), "")
        if line and self.type_into_cell(line):
            event.stop()

    def _changed(self) -> None:
        if self.rows != self._told:
            self._past = [*self._past[1 - _MOST_PAST :], self._told]
            self._told = self.rows
            self.screen.refresh_bindings()
        self.post_message(self.Changed(self, self.rows))
