"""A table whose cells are edited in place by keyboard: headers, parameters, variables, and forms of fixed rows.

Enter edits a cell, tab goes on to the next one and past the last row makes a new one; `tui.keys.TABLE` has the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.message import Message
from textual.widgets import Input

from tui import keys
from tui.messages import ChoiceAsked, Notice, TextAsked
from tui.widgets.names import Names, Words
from tui.widgets.table_lines import TableColumn, TableLines, TableRow
from tui.widgets.template_input import TemplateInput

if TYPE_CHECKING:
    from tui.widgets.row_text import Line

_NARROW = 20
"""Columns that a text is given at least while it is typed."""
_MOST_PAST = 100
"""Changes that can be taken back."""


class KeyValueTable(Container):
    """Rows with a cursor on one cell; every edit posts `Changed` with all rows."""

    DEFAULT_CSS = """
    KeyValueTable { height: 1fr; layers: rows editor; }
    KeyValueTable > TemplateInput { layer: editor; position: absolute; display: none; height: 1; background: $panel; }
    KeyValueTable > TableLines { layer: rows; }
    """
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
        super().__init__(id=id)
        self._adds_to = adds_to
        self.fixed = fixed
        self.blank = blank or TableRow(("",) * len(columns))
        self._lines = TableLines(columns, names, titles=titles, empty=empty, boxes=boxes)
        self.names = names
        self._editor = TemplateInput(names=names)
        self._editing: tuple[int, int] | None = None
        self._told: tuple[TableRow, ...] = ()
        """The rows as they were set or told last, and before that, the newest last."""
        self._past: list[tuple[TableRow, ...]] = []

    def compose(self) -> ComposeResult:
        yield self._lines
        yield self._editor

    # What the owner uses

    @property
    def rows(self) -> tuple[TableRow, ...]:
        return tuple(self._lines.rows)

    @property
    def is_editing(self) -> bool:
        return self._editing is not None

    def set_rows(self, rows: Sequence[TableRow]) -> None:
        """Show other rows, without posting a change; an edit under way is given up."""
        self._close_editor()
        if tuple(rows) != self._told:
            self._told, self._past = tuple(rows), []
        self._lines.rows = list(rows)
        self._lines.shown()

    def edit_cell(self, row: int, column: int) -> None:
        self._edit(row, column)

    def type_into_cell(self, typed: str) -> bool:
        """Begin to edit the cell under the cursor with this in place of its text; False where it takes no text."""
        row, column = self._lines.row_at_cursor, self._lines.column
        if row is None or column in row.choices or column in row.locked:
            return False
        self._edit(self._lines.row, column)
        self._editor.value = typed
        self._editor.cursor_position = len(typed)
        return True

    def focus(self, scroll_visible: bool = True) -> KeyValueTable:
        self._lines.focus(scroll_visible)
        return self

    def refresh_lines(self) -> None:
        """Template names mean something else now."""
        self._lines.refresh()

    def finish(self) -> tuple[TableRow, ...]:
        """The rows with the text of a cell that is being edited; the edit goes on."""
        if self._editing is not None:
            row, column = self._editing
            if not self._refusal(row, column, self._editor.value):
                self._put(row, column, self._editor.value)
        return self.rows

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        row = self._lines.row_at_cursor
        if self._editing is not None and action != "edit":
            return False
        match action:
            case "add":
                return not self.fixed or self._adds_to is not None
            case "delete" | "shift":
                return not self.fixed and row is not None
            case "rows":
                return (not self.fixed or self._adds_to is not None) and self.AS_TEXT is not None
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
        self._told = self._past.pop()
        self._lines.rows = list(self._told)
        self._lines.shown()
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

    def _refusal(self, row: int, column: int, text: str) -> str:
        """Why a cell cannot have this text; what is typed stays in its field then."""
        return ""

    def _words(self, row: TableRow, column: int) -> Words | None:
        """What a cell's text can be completed to, beside the names in it."""
        return None

    def _syntax(self, row: TableRow, column: int) -> str:
        """The language of a cell's text."""
        return ""

    # Editing a cell

    def _edit(self, row: int, column: int) -> None:
        entry = self._lines.rows[row]
        column = self._editable(entry, column)
        if column < 0:
            return
        self._lines.go(row, column)
        if column in entry.choices:
            self._choose(row, column)
            return
        self._editing = (row, column)
        start, width = self._lines.cell_span(column)
        if width < _NARROW:
            # What is typed may cover the cells before it, rather than be seen through a slit.
            end = start + width
            start = max(0, end - _NARROW)
            width = end - start
        editor = self._editor
        editor.styles.width = width
        editor.styles.offset = (start, self._lines.line_of(row))
        editor.display = True
        editor.offer(self._words(entry, column))
        editor.value = entry.cells[column]
        editor.cursor_position = len(editor.value)
        editor.focus(scroll_visible=False)
        self.screen.refresh_bindings()

    def _editable(self, row: TableRow, column: int) -> int:
        """The column, or the next one to its right that may be edited; -1 for none."""
        columns = [*range(column, len(row.cells)), *range(column)]
        return next((one for one in columns if one not in row.locked), -1)

    def _refused(self) -> bool:
        """Whether what is typed cannot stand in the cell, which is told then."""
        if self._editing is None or not (refusal := self._refusal(*self._editing, self._editor.value)):
            return False
        self.post_message(Notice(refusal, warning=True))
        return True

    def _commit(self) -> None:
        if self._editing is None:
            return
        if self._refused():
            self._close_editor()
            return
        row, column = self._editing
        self._editing = None
        self._editor.display = False
        if row < len(self._lines.rows):
            self._put(row, column, self._editor.value)
            self._changed()
            self._lines.refresh_row(row)

    def _put(self, row: int, column: int, text: str) -> None:
        before = self._lines.rows[row]
        self._lines.rows[row] = replace(before, cells=(*before.cells[:column], text, *before.cells[column + 1 :]))

    def _close_editor(self) -> None:
        """Leave the cell as it was; a new row that is still empty goes away."""
        if self._editing is None:
            return
        row, _ = self._editing
        self._editing = None
        had_focus = self._editor.has_focus
        self._editor.display = False
        if had_focus:
            self._lines.focus()
        self.drop_empty(row)

    def drop_empty(self, row: int) -> None:
        if not self.fixed and row < len(self._lines.rows) and self._lines.rows[row].cells == self.blank.cells:
            del self._lines.rows[row]
            self._lines.shown()

    def _next_cell(self, back: bool = False) -> None:
        """On to the next cell that may be edited; past the last row a new one begins."""
        if self._editing is None or self._refused():
            return
        row, column = self._editing
        self._commit()
        cells = [
            (at, one)
            for at, entry in enumerate(self._lines.rows)
            for one in range(len(self._lines.columns))
            if one not in entry.locked
        ]
        here = cells.index((row, column))
        there = here - 1 if back else here + 1
        if 0 <= there < len(cells):
            at, one = cells[there]
            if one in self._lines.rows[at].choices:
                self._lines.go(at, one)
                self._lines.focus()
            else:
                self._edit(at, one)
        elif back or self.fixed or self._lines.rows[row].cells == self.blank.cells:
            self._lines.focus()
            self.drop_empty(row)
        else:
            self._lines.go(len(self._lines.rows) - 1, 0)
            self.action_add()
            if self._editing is None:
                self._lines.focus()

    @on(TableLines.CellClicked)
    def _clicked(self, event: TableLines.CellClicked) -> None:
        event.stop()
        if event.edit:
            self.action_edit()
        elif self.check_action("switch", ()):
            self.action_switch()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._editing is None or self._refused():
            return
        row, column = self._editing
        entry = self._lines.rows[row]
        empty = [
            at for at in range(column + 1, len(entry.cells)) if not entry.cells[at] and self._editable(entry, at) == at
        ]
        self._commit()
        if empty and not self.fixed:
            self._edit(row, empty[0])
            return
        self._lines.focus()
        self.drop_empty(row)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        if event.widget is self._editor and self._editing is not None:
            row, _ = self._editing
            self._commit()
            self.drop_empty(row)

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

    def on_key(self, event: events.Key) -> None:
        if self._editing is not None:
            if event.key in ("tab", "shift+tab"):
                event.stop()
                event.prevent_default()
                self._next_cell(back=event.key == "shift+tab")
            elif event.key == "escape":
                event.stop()
                event.prevent_default()
                self._close_editor()
            elif event.key in ("up", "down"):
                row, column = self._editing
                to = row + (1 if event.key == "down" else -1)
                if 0 <= to < len(self._lines.rows) and not self._refused():
                    event.stop()
                    self._commit()
                    self._edit(to, column)

    def _changed(self) -> None:
        if self.rows != self._told:
            self._past = [*self._past[1 - _MOST_PAST :], self._told]
            self._told = self.rows
            self.screen.refresh_bindings()
        self.post_message(self.Changed(self, self.rows))
