"""One line below an editor that says what the cursor stands on."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from tui.foreign import shortened, visible
from tui.themes import paint


class HintLine(Widget, can_focus=False):
    """A text in passing, or while there is none the resting text; one that begins with `!` is a warning."""

    DEFAULT_CSS = "HintLine { height: 1; background: $background; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._resting = ""
        self._hint = ""

    @property
    def text(self) -> str:
        return self._hint or self._resting

    def rest(self, text: str) -> None:
        if text != self._resting:
            self._resting = text
            self.refresh()

    def say(self, text: str) -> None:
        if text != self._hint:
            self._hint = text
            self.refresh()

    def render_line(self, y: int) -> Strip:
        base, ink = self.rich_style, paint(self.app)
        style = base + (ink.warning if self.text.startswith("!") else ink.muted)
        text = shortened(visible(self.text), self.size.width - 2)
        return Strip([Segment(f" {text}", style)]).adjust_cell_length(self.size.width, base)
