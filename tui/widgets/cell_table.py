"""A table of cells of which one at a time is edited in place."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Self

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Input

from tui.messages import Notice
from tui.widgets.names import Names, Words
from tui.widgets.table_lines import TableColumn, TableLines, TableRow
from tui.widgets.template_input import TemplateInput

_NARROW = 20
"""Columns that a text is given at least while it is typed."""


class CellTable(Container):
    """Enter takes what is typed, tab goes on to the next cell, escape leaves the cell as it was; what else keys do to
    rows is its subclass's."""

    DEFAULT_CSS = """
    CellTable { height: 1fr; layers: rows editor; }
    CellTable > TemplateInput { layer: editor; position: absolute; display: none; height: 1; background: $panel; }
    CellTable > TableLines { layer: rows; }
    """

    def __init__(
        self,
        columns: Sequence[TableColumn],
        *,
        names: Callable[[], Names],
        fixed: bool,
        blank: TableRow | None,
        empty: str,
        titles: bool,
        boxes: int,
        id: str | None,
    ) -> None:
        super().__init__(id=id)
        self.fixed = fixed
        self.blank = blank or TableRow(("",) * len(columns))
        self._lines = TableLines(columns, names, titles=titles, empty=empty, boxes=boxes)
        self.names = names
        self._editor = TemplateInput(names=names)
        self._editing: tuple[int, int] | None = None
        self._filling = False
        """The cell was typed onto, as one fills in a form: enter goes on to the next row of it."""

    def compose(self) -> ComposeResult:
        yield self._lines
        yield self._editor

    @property
    def rows(self) -> tuple[TableRow, ...]:
        return tuple(self._lines.rows)

    @property
    def is_editing(self) -> bool:
        return self._editing is not None

    def type_into_cell(self, typed: str) -> bool:
        """Begin to edit the cell under the cursor with this in place of its text; False where it takes no text."""
        row, column = self._lines.row_at_cursor, self._lines.column
        if row is None or column in row.choices or column in row.locked:
            return False
        self._edit(self._lines.row, column)
        self._editor.value = typed
        self._editor.cursor_position = len(typed)
        self._filling = True
        return True

    def focus(self, scroll_visible: bool = True) -> Self:
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

    # What a table of its own kind says

    @abstractmethod
    def action_add(self) -> None:
        """Begin a new row."""

    @abstractmethod
    def _choose(self, row: int, column: int) -> None:
        """Let another of a cell's choices be taken."""

    @abstractmethod
    def _changed(self) -> None:
        """A cell has another text, or rows came or went."""

    def _refusal(self, row: int, column: int, text: str) -> str:
        """Why a cell cannot have this text; what is typed stays in its field then."""
        return ""

    def _words(self, row: TableRow, column: int) -> Words | None:
        """What a cell's text can be completed to, beside the names in it."""
        return None

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
        self._editing, self._filling = (row, column), False
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
        if self._filling and self.fixed:
            self._lines.go(row + 1, column)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        if event.widget is self._editor and self._editing is not None:
            row, _ = self._editing
            self._commit()
            self.drop_empty(row)

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
