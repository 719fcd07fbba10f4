"""The base of what is drawn by the line: a list, however long, that lays out the screen only for its scrollbar."""

from __future__ import annotations

from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.scroll_view import ScrollView


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
