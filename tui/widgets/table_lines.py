"""The drawn part of a table: rows in columns, a cursor on one cell, templates in colour; the visible lines only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.actions import SkipAction
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip

from tui import keys
from tui.foreign import fitted, shortened, visible
from tui.themes import paint
from tui.widgets.line_view import LineView
from tui.widgets.names import Names
from tui.widgets.template_input import Hint

_LEAST = 6
"""Columns of the terminal that a column keeps where there is little room."""


@dataclass(frozen=True)
class TableRow:
    """One row. `enabled` is None where rows cannot be switched off."""

    cells: tuple[str, ...]
    enabled: bool | None = True
    choices: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """By column: the values to choose from, where a cell is no free text."""
    locked: tuple[int, ...] = ()
    """Columns that cannot be edited, such as the labels of a form."""
    help: str = ""
    """What the hint line says while the cursor is on the row."""
    helps: tuple[str, ...] = ()
    """By column: the same where there is no `help`."""
    key: str = ""
    """What the owner calls the row."""
    file: bool = False
    """Its last cell names a file of the workspace."""
    ghost: str = ""
    """What holds, and is shown faintly, while the last cell is empty."""
    mark: str = ""
    """What stands in the place of the box, of four characters at most; one that begins with `!` or is `FAIL` is bad."""
    kept: tuple[str, ...] = ()
    """What the cells held that have no meaning now, so that going through the choices of another loses nothing."""


@dataclass(frozen=True)
class TableColumn:
    title: str
    share: int = 1
    """Its part of the width that columns of fixed `width` leave."""
    width: int = 0


NAME_VALUE = (TableColumn("Name"), TableColumn("Value", 2))


class TableLines(LineView):
    """Rows by the line and a cursor on one cell; clicking the cursor's cell edits it."""

    DEFAULT_CSS = "TableLines { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.plain("up", "go(-1, 0)"),
        *keys.plain("down", "go(1, 0)"),
        *keys.plain("left", "go(0, -1)"),
        *keys.plain("right", "go(0, 1)"),
        *keys.plain("pageup", "go(-10, 0)"),
        *keys.plain("pagedown", "go(10, 0)"),
        *keys.plain("home", "go(-100000, 0)"),
        *keys.plain("end", "go(100000, 0)"),
    ]

    class CellClicked(Message):
        """A click on the cell under the cursor (`edit`), or on a row's box."""

        def __init__(self, edit: bool) -> None:
            super().__init__()
            self.edit = edit

    def __init__(
        self, columns: Sequence[TableColumn], names: Callable[[], Names], *, titles: bool, empty: str, boxes: int
    ) -> None:
        super().__init__()
        self._boxes = boxes
        self.columns = tuple(columns)
        self.rows: list[TableRow] = []
        self.row = 0
        self.column = 0
        self._names = names
        self._titled = titles
        self._empty = empty

    @property
    def row_at_cursor(self) -> TableRow | None:
        return self.rows[self.row] if self.row < len(self.rows) else None

    @property
    def _head(self) -> int:
        return 1 if self._titled else 0

    @property
    def _gutter(self) -> int:
        """The cursor's mark, and the box of rows that can be switched off, or what marks them."""
        return 1 + self._boxes

    def shown(self) -> None:
        """The rows are others now."""
        self.set_line_count(len(self.rows) + self._head)
        self.go(min(self.row, max(0, len(self.rows) - 1)), self.column)
        self.refresh()
        self._say_hint()

    def line_of(self, row: int) -> int:
        return row + self._head - int(self.scroll_y)

    def cell_span(self, column: int) -> tuple[int, int]:
        """Where a column begins and how wide it is."""
        width = max(0, self.scrollable_content_region.width - self._gutter - (len(self.columns) - 1) * 2)
        fixed = [one.width for one in self.columns if one.width]
        flexible = len(self.columns) - len(fixed)
        free = width - sum(fixed)
        less = 0
        if fixed and flexible and free < _LEAST * flexible:
            # In a narrow terminal columns of words give some of their width to those of texts.
            less = min(-(-(_LEAST * flexible - free) // len(fixed)), max(0, min(fixed) - _LEAST))
            free += less * len(fixed)
        free = max(0, free)
        shares = sum(one.share for one in self.columns if not one.width) or 1
        x = self._gutter
        for index, one in enumerate(self.columns):
            wide = one.width - less if one.width else free * one.share // shares
            if index + 1 == len(self.columns):
                wide = max(0, self.scrollable_content_region.width - x)
            if index == column:
                return x, wide
            x += wide + 2
        return x, 0

    def go(self, row: int, column: int) -> None:
        """Put the cursor on a cell and make it visible."""
        before = self.row, self.column
        self.row = max(0, min(row, len(self.rows) - 1))
        self.column = max(0, min(column, len(self.columns) - 1))
        entry = self.row_at_cursor
        if entry is not None and self.column in entry.locked:
            self.column = next((one for one in range(len(entry.cells)) if one not in entry.locked), self.column)
        self.refresh_row(before[0])
        self.refresh_row(self.row)
        self.show_line(self.row + self._head, below=self._head)
        if before != (self.row, self.column):
            self._say_hint()
            self.screen.refresh_bindings()

    def action_go(self, rows: int, columns: int) -> None:
        if not self.rows:
            raise SkipAction
        row, column = self.row + rows, self.column + columns
        locked = self.row_at_cursor.locked if self.row_at_cursor is not None else ()
        while columns and column in locked:
            column += columns
        if not 0 <= column < len(self.columns):
            return
        self.go(row, column)

    def refresh_row(self, row: int) -> None:
        self.refresh_line(row + self._head)

    def _say_hint(self, *, focused: bool = False) -> None:
        """`focused`: it has just got the focus, of which `has_focus` does not tell yet."""
        if not (self.has_focus or focused):
            return
        entry = self.row_at_cursor
        self.post_message(Hint(self, self._hint(entry) if entry is not None else ""))

    def _hint(self, entry: TableRow) -> str:
        """Where the cell's variable comes from, else what the row is for, else the row's first variable."""
        names, here = self._names(), entry.cells[self.column]
        said = [names.hint_at(text, text.find("{{")) if "{{" in text else "" for text in (here, *entry.cells)]
        told = entry.help or "".join(entry.helps[self.column : self.column + 1])
        cut = here if cell_len(here) > self.cell_span(self.column)[1] else ""
        return said[0] or told or next((one for one in said if one), cut)

    def on_focus(self) -> None:
        self.refresh_row(self.row)
        self._say_hint(focused=True)

    def on_blur(self) -> None:
        self.refresh_row(self.row)
        self.post_message(Hint(self, ""))

    def on_resize(self) -> None:
        self.go(self.row, self.column)

    def on_click(self, event: events.Click) -> None:
        row = event.y - self._head + int(self.scroll_y)
        if not 0 <= row < len(self.rows):
            return
        spans = [self.cell_span(column) for column in range(len(self.columns))]
        column = next((index for index, (start, width) in enumerate(spans) if start <= event.x < start + width), -1)
        again = (row, column) == (self.row, self.column)
        self.go(row, max(0, column))
        if column < 0 or again or event.chain > 1:
            self.post_message(self.CellClicked(column >= 0))

    def render_line(self, y: int) -> Strip:
        base, ink = self.rich_style, paint(self.app)
        width = self.scrollable_content_region.width
        line = int(self.scroll_y) + y
        if line < self._head:
            return self._titles(width, base)
        row = line - self._head
        if not self.rows and row == 0 and self._empty:
            style = base + (ink.resting if self.has_focus else ink.muted)
            text = f"{'▸' if self.has_focus else ' '}{shortened(self._empty, width - 2)}"
            return Strip([Segment(text, style)]).adjust_cell_length(width, base)
        if row >= len(self.rows):
            return Strip.blank(width, base)
        return self._row(row, self.rows[row], width, base)

    def _titles(self, width: int, base: Style) -> Strip:
        muted = base + paint(self.app).muted
        segments = [Segment(" " * self._gutter, base)]
        for index, column in enumerate(self.columns):
            segments.append(Segment(fitted(column.title, self.cell_span(index)[1]) + "  ", muted))
        return Strip(segments).adjust_cell_length(width, base)

    def _row(self, at: int, row: TableRow, width: int, base: Style) -> Strip:
        ink = paint(self.app)
        # Without the focus no row stands out: a screen has several tables, and one place that keys act on.
        lit = at == self.row and self.has_focus
        style = base
        off = row.enabled is False
        box = "" if self._gutter == 1 else row.mark if row.enabled is None else "[ ]" if off else "[x]"
        bad = row.mark.startswith("!") or row.mark == "FAIL"
        box_style = style + (ink.warning if bad else ink.muted if off or row.mark else Style.null())
        segments = [Segment("▸" if lit else " ", style), Segment(fitted(box, self._gutter - 1), box_style)]
        names = self._names()
        for index, cell in enumerate(row.cells):
            wide = self.cell_span(index)[1]
            locked = index in row.locked
            faint = off or locked
            if not cell and row.ghost and index + 1 == len(row.cells):
                cell, faint = row.ghost, True
            cell_style = style + ink.muted if faint else style
            if lit and index == self.column and not locked:
                segments += self._cell(cell, wide, base + ink.cursor, None, row)
            else:
                segments += self._cell(cell, wide, cell_style, None if faint else names, row)
            segments.append(Segment("  ", style))
        return Strip(segments).adjust_cell_length(width, style)

    def _cell(self, cell: str, wide: int, style: Style, names: Names | None, row: TableRow) -> list[Segment]:
        """One cell's text, cut to its width; template names in colour where `names` is given."""
        shown = visible(cell.replace("\n", "⏎"))
        if names is None or "{{" not in cell or shown != cell:
            return [Segment(fitted(shown, wide), style)]
        segments, x = [], 0
        for start, end, ink in names.styled(cell, paint(self.app)):
            segments += [Segment(cell[x:start], style), Segment(cell[start:end], style + ink)]
            x = end
        segments.append(Segment(cell[x:], style))
        strip = Strip(segments)
        if strip.cell_length > wide:
            return [*strip.crop(0, wide - 1), Segment("…", style)]
        return list(strip.adjust_cell_length(wide, style))
