"""The base of what is drawn by the line: a list, however long, that lays out the screen only for its scrollbar."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.scroll_view import ScrollView

from tui import keys


class LineView(ScrollView, can_focus=True):
    """One row a line; the subclass draws them in `render_line`."""

    ALLOW_SELECT = False
    # Textual lays out the whole screen when this changes, which filtering a list does at every key.
    virtual_size = Reactive(Size(0, 0), layout=False)

    def set_line_count(self, count: int) -> None:
        self.virtual_size = Size(0, count)
        self._scroll_update(self.virtual_size)
        if (count > self.container_size.height) != self.show_vertical_scrollbar:
            self.refresh(layout=True)
        self.refresh()

    def show_line(self, line: int, *, below: int = 0) -> None:
        """Scroll as far as needed to see a line; the first `below` lines of the view are taken by something else."""
        height = self.scrollable_content_region.height
        top = int(self.scroll_y)
        if height <= 0:
            return
        if line < top + below:
            self.scroll_to(y=line - below, animate=False, force=True)
        elif line >= top + height:
            self.scroll_to(y=line - height + 1, animate=False, force=True)

    def refresh_line(self, line: int) -> None:
        """Draw one line again, given by its place in the list."""
        self.refresh(Region(0, line - int(self.scroll_y), self.size.width, 1))


class CursorLines(LineView):
    """With a cursor on one of the lines; keys and clicks move it, and only the lines it leaves and enters are drawn."""

    TITLES: ClassVar[int] = 0
    """Lines at the top that stand still and take no cursor."""
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.plain("up", "go(-1)"),
        *keys.plain("down", "go(1)"),
        *keys.plain("pageup", "page(-1)"),
        *keys.plain("pagedown", "page(1)"),
        *keys.plain("home", "edge(0)"),
        *keys.plain("end", "edge(1)"),
    ]

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._index = 0

    @property
    @abstractmethod
    def count(self) -> int:
        """How many lines there are below the titles."""

    def cursor_moved(self) -> None:
        """The cursor stands on another line."""

    def clicked(self, again: bool) -> None:
        """The line under the cursor was clicked; `again`: the cursor was there before."""

    def action_go(self, by: int) -> None:
        self._go(self._index + by)

    def action_page(self, by: int) -> None:
        self._go(self._index + by * max(1, self.scrollable_content_region.height - self.TITLES - 1))

    def action_edge(self, end: int) -> None:
        self._go(self.count - 1 if end else 0)

    def on_click(self, event: events.Click) -> None:
        at = int(self.scroll_y) + event.y - self.TITLES
        if event.y >= self.TITLES and at < self.count:
            again = at == self._index
            self._go(at)
            self.clicked(again)

    def on_focus(self) -> None:
        self.refresh_line(self._index + self.TITLES)

    def on_blur(self) -> None:
        self.refresh_line(self._index + self.TITLES)

    def on_resize(self) -> None:
        self._show_cursor()

    def _show_cursor(self) -> None:
        self.show_line(self._index + self.TITLES, below=self.TITLES)

    def _go(self, at: int) -> None:
        at = max(0, min(at, self.count - 1))
        if at == self._index:
            return
        before, self._index = self._index, at
        self.refresh_line(before + self.TITLES)
        self.refresh_line(at + self.TITLES)
        self._show_cursor()
        self.cursor_moved()
