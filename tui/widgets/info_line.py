"""One line of text: words in several inks at the left, a place or count at the right."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from tui.foreign import shortened, visible
from tui.themes import paint
from tui.widgets.syntax import styles


class InfoLine(Widget, can_focus=False):
    """Where there is too little room, the right text goes, then the end of the left one."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "InfoLine { height: 1; background: $background; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._words: tuple[tuple[str, str], ...] = ()
        self._right = ""

    @property
    def text(self) -> str:
        return "  ".join([*(text for text, _ in self._words), *filter(None, [self._right])])

    def say(self, words: Sequence[tuple[str, str]], right: str | None = None) -> None:
        """`words` are texts with the name of an ink, or none; `right` None leaves what is there."""
        fresh = tuple((text, ink) for text, ink in words if text)
        right = self._right if right is None else right
        if (fresh, right) != (self._words, self._right):
            self._words, self._right = fresh, right
            self.refresh()

    def render_line(self, y: int) -> Strip:
        base, known, width = self.rich_style, styles(paint(self.app)), self.size.width
        segments = [Segment(" ", base)]
        used = 1
        for text, ink in self._words:
            fitting = shortened(visible(text), width - used)
            if not fitting:
                break
            segments += [Segment(fitting, base + known[ink] if ink else base), Segment("  ", base)]
            used += cell_len(fitting) + 2
        right = self._right if used + cell_len(self._right) < width else ""
        gap = width - used - cell_len(right) - 1
        segments += [Segment(" " * max(0, gap), base), Segment(right, base + known["muted"])]
        return Strip(segments).adjust_cell_length(width, base)
