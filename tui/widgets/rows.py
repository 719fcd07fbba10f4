"""A list of rows in columns that fill the width, with one cursor; cells that count down are repainted alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from textwrap import wrap
from typing import ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui import keys
from tui.foreign import fitted, shortened, visible
from tui.themes import Paint, paint
from tui.widgets.countdown import WIDTH, Clock, Ticker, changed_cells, left, seconds_left, utc_now

K = TypeVar("K", bound="str | None")

GAP = 2
GUTTER = 2
CURSOR = "▸"


@dataclass(frozen=True)
class Column:
    """A column of `width` cells, or of its share of what the others leave; not shown in a table below `from_width`."""

    title: str
    width: int = 0
    share: int = 1
    from_width: int = 0


@dataclass(frozen=True)
class Cell:
    """A text that may be foreign, in one of the inks of `Paint` or in a colour."""

    text: str
    ink: str = ""
    color: str = ""

    def style(self, inks: Paint) -> Style:
        ink: Style = getattr(inks, self.ink) if self.ink else Style.null()
        return ink + Style(color=self.color) if self.color else ink


@dataclass(frozen=True)
class Until:
    """A cell that shows the time left until a moment, and `idle` when there is none or it is over."""

    moment: datetime | None
    idle: str = ""

    def text(self, now: datetime) -> str:
        text = visible(self.idle) if self.moment is None or self.moment <= now else left(seconds_left(self.moment, now))
        return text.rjust(WIDTH)

    def runs(self, now: datetime) -> bool:
        return self.moment is not None and self.moment > now


@dataclass(frozen=True)
class Row:
    key: str
    cells: tuple[str | Cell | Until, ...]
    heading: bool = False
    """A line that the cursor passes over, its first cell as wide as the table."""


class OfRow(Message, Generic[K]):
    """What is said of one row, by its key."""

    def __init__(self, rows: Rows, key: K) -> None:
        super().__init__()
        self.rows = rows
        self.key = key

    @property
    def control(self) -> Rows:
        return self.rows


class Rows(ScrollView, can_focus=True):
    """Messages carry the key of a row; `show` keeps the cursor on the row it was on."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Rows { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.plain("up", "move(-1)"),
        *keys.plain("down", "move(1)"),
        *keys.plain("pageup", "page(-1)"),
        *keys.plain("pagedown", "page(1)"),
        *keys.plain("home", "ends(0)"),
        *keys.plain("end", "ends(-1)"),
        *keys.plain("enter", "choose"),
    ]

    class Highlighted(OfRow[str | None]):
        """The cursor came to another row, or the rows under it changed; `key` is None when there is no row."""

    class Chosen(OfRow[str]):
        """Enter, or a click on the row that has the cursor."""

    class Over(OfRow[str]):
        """A countdown of the row came to its end."""

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        ticker: Ticker | None = None,
        titles: bool = True,
        empty: str = "",
        now: Clock = utc_now,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._columns = tuple(columns)
        self._ticker = ticker
        self._titles = int(titles and any(column.title for column in columns))
        self._empty = empty
        self._now = now
        self._rows: tuple[Row, ...] = ()
        self._cursor = 0
        self._ticked: datetime | None = None

    # What is shown

    @property
    def rows(self) -> tuple[Row, ...]:
        return self._rows

    @property
    def key(self) -> str | None:
        """Of the row that has the cursor."""
        return self._rows[self._cursor].key if self._rows and not self._rows[self._cursor].heading else None

    def text(self, key: str) -> str:
        """A row as a person reads it, cells separated by a bar."""
        row = next(row for row in self._rows if row.key == key)
        now = self._now()
        return " | ".join(_shown(cell, now).strip() for cell in row.cells)

    def show(self, rows: Sequence[Row], *, key: str | None = None, empty: str | None = None) -> None:
        """Replace the rows; the cursor goes to `key`, else stays on its row, else on its line."""
        wanted = key if key is not None else self.key
        self._rows = tuple(rows)
        if empty is not None:
            self._empty = empty
        found = [index for index, row in enumerate(self._rows) if row.key == wanted and not row.heading]
        self._cursor = found[0] if found else self._selectable(min(self._cursor, len(self._rows) - 1), 1)
        self.virtual_size = Size(0, max(len(self._rows), 1) + self._titles)
        self._keep_cursor_visible()
        self.refresh()
        self.post_message(self.Highlighted(self, self.key))
        self._count()

    def go_to(self, key: str) -> None:
        for index, row in enumerate(self._rows):
            if row.key == key and not row.heading:
                self._move_to(index)

    def _selectable(self, index: int, direction: int) -> int:
        """The nearest line from `index` on in that direction that can have the cursor, else in the other."""
        count = len(self._rows)
        index = max(0, min(index, count - 1)) if count else 0
        for step in (direction, -direction):
            at = index
            while 0 <= at < count:
                if not self._rows[at].heading:
                    return at
                at += step
        return index

    # Moving

    def _move_to(self, index: int) -> None:
        if not self._rows or index == self._cursor:
            return
        before, self._cursor = self._cursor, index
        for line in (before, index):
            self.refresh_line(line + self._titles)
        self._keep_cursor_visible()
        self.post_message(self.Highlighted(self, self.key))

    def action_move(self, step: int) -> None:
        if self._rows and 0 <= self._cursor + step < len(self._rows):
            self._move_to(self._selectable(self._cursor + step, step))
        elif step < 0:
            self.scroll_to(y=0, animate=False)

    def action_page(self, direction: int) -> None:
        page = max(1, self.size.height - self._titles - 1)
        self._move_to(self._selectable(self._cursor + direction * page, -direction))

    def action_ends(self, end: int) -> None:
        self._move_to(self._selectable(0 if end == 0 else len(self._rows) - 1, 1 if end == 0 else -1))

    def action_choose(self) -> None:
        if self.key is not None:
            self.post_message(self.Chosen(self, self.key))

    def on_click(self, event: events.Click) -> None:
        line = event.y - self._titles
        index = line + self.scroll_offset.y
        if line < 0 or index >= len(self._rows) or self._rows[index].heading:
            return
        if index == self._cursor:
            self.action_choose()
        else:
            self._move_to(index)

    def _keep_cursor_visible(self) -> None:
        body = self.size.height - self._titles
        top = self.scroll_offset.y
        if body <= 0:
            return
        # A heading directly above the cursor's first row is worth its line.
        headed = 0 < self._cursor < len(self._rows) and self._rows[self._cursor - 1].heading
        if self._cursor - headed < top:
            self.scroll_to(y=self._cursor - headed, animate=False)
        elif self._cursor >= top + body:
            self.scroll_to(y=self._cursor - body + 1, animate=False)

    def on_resize(self) -> None:
        self._keep_cursor_visible()

    def on_focus(self) -> None:
        self.refresh_line(self._cursor + self._titles)

    def on_blur(self) -> None:
        self.refresh_line(self._cursor + self._titles)

    # Counting

    def _count(self) -> None:
        self._ticked = self._now()
        if self._ticker is not None and any(_runs(row, self._ticked) for row in self._rows):
            self._ticker.watch(self)

    def tick(self) -> bool:
        now = self._now()
        before = self._ticked or now
        self._ticked = now
        running = False
        columns = self._laid_out()
        for index, row in enumerate(self._rows):
            if not _runs(row, before):
                continue
            y = index - self.scroll_offset.y + self._titles
            seen = self._titles <= y < self.size.height
            for position, x, _ in columns:
                cell = row.cells[position] if position < len(row.cells) else ""
                if not isinstance(cell, Until) or not cell.runs(before):
                    continue
                if seen and (region := changed_cells(cell.text(before), cell.text(now), x, y)) is not None:
                    self.refresh(region)
            if _runs(row, now):
                running = True
            else:
                self.post_message(self.Over(self, row.key))
        return running

    # Drawing

    def _laid_out(self) -> list[tuple[int, int, int]]:
        """Position, first cell and width of each column that is shown."""
        total = self.scrollable_content_region.width
        shown = [(index, column) for index, column in enumerate(self._columns) if total >= column.from_width]
        free = total - GUTTER - sum(column.width for _, column in shown) - GAP * max(0, len(shown) - 1)
        shares = sum(column.share for _, column in shown if not column.width)
        laid_out = []
        x = GUTTER
        for index, column in shown:
            width = column.width
            if not width:
                width = max(0, free * column.share // shares)
                free -= width
                shares -= column.share
            laid_out.append((index, x, width))
            x += width + GAP
        return laid_out

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        base, inks = self.rich_style, paint(self.app)
        if self._titles and y == 0:
            titles = [(x, cells, self._columns[index].title, base + inks.muted) for index, x, cells in self._laid_out()]
            return self._line(titles, " ", base)
        index = y - self._titles + self.scroll_offset.y
        if not self._rows:
            said = self._said(width - 2 * GUTTER)
            text = said[index] if 0 <= index < len(said) else ""
            return Strip([Segment(" " * GUTTER + text, base + inks.muted)]).adjust_cell_length(width, base)
        if index >= len(self._rows):
            return Strip.blank(width, base)
        row = self._rows[index]
        now = self._ticked or self._now()
        if row.heading:
            title = Segment(" " + shortened(_shown(row.cells[0], now), width - 1), base + inks.heading)
            return Strip([title]).adjust_cell_length(width, base)
        at_cursor = index == self._cursor
        style = base + ((inks.cursor if self.has_focus else inks.resting) if at_cursor else Style.null())
        cells = []
        for position, x, column_width in self._laid_out():
            cell = row.cells[position] if position < len(row.cells) else ""
            # Inks of single cells would be unreadable on the cursor's background.
            ink = cell.style(inks) if isinstance(cell, Cell) and not (at_cursor and self.has_focus) else Style.null()
            cells.append((x, column_width, _shown(cell, now), style + ink))
        return self._line(cells, CURSOR if at_cursor else " ", style)

    def _said(self, width: int) -> list[str]:
        """What stands in an empty table, in lines that fit."""
        lines: list[str] = []
        for line in self._empty.splitlines():
            lines += wrap(visible(line), max(8, width)) or [""]
        return lines

    def _line(self, cells: Sequence[tuple[int, int, str, Style]], mark: str, style: Style) -> Strip:
        segments = [Segment(fitted(mark, GUTTER), style)]
        end = GUTTER
        for x, width, text, ink in cells:
            segments += [Segment(" " * (x - end), style), Segment(fitted(text, width), ink)]
            end = x + width
        return Strip(segments).adjust_cell_length(self.scrollable_content_region.width, style)


def _shown(cell: str | Cell | Until, now: datetime) -> str:
    return cell.text(now) if isinstance(cell, Until) else visible(cell.text if isinstance(cell, Cell) else cell)


def _runs(row: Row, now: datetime) -> bool:
    return any(isinstance(cell, Until) and cell.runs(now) for cell in row.cells)
