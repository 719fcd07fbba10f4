"""How far a run is: a bar, the counts, the time, and what goes on now, on one line."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from tui.foreign import shortened, visible
from tui.themes import paint
from tui.widgets.syntax import styles

LONGEST = 30
SHORTEST = 8
SPARED = 22
"""Cells left to what goes on now, as long as the bar has its least."""


class RunBar(Widget, can_focus=False):
    """Filled with signs, so that it reads without colours; it gives way to the words where there is little room."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "RunBar { height: 1; background: $surface; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._done = 0
        self._total = 0
        self._words: tuple[tuple[str, str], ...] = ()
        self._now = ""

    @property
    def text(self) -> str:
        return " · ".join(text for text, _ in self._words)

    def say(self, done: int, total: int, words: Sequence[tuple[str, str]], now: str = "") -> None:
        """`words` are texts with the name of an ink; a `total` of 0 draws no bar."""
        fresh = (done, total, tuple(words), now)
        if fresh != (self._done, self._total, self._words, self._now):
            self._done, self._total, self._words, self._now = fresh
            self.refresh()

    def render_line(self, y: int) -> Strip:
        base, known, width = self.rich_style, styles(paint(self.app)), self.size.width
        segments = [Segment(" ", base)]
        room = width - 2 - cell_len(self.text)
        if self._total and room >= SHORTEST + 1:
            spared = min(SPARED, cell_len(self._now) + 2) if self._now else 0
            cells = min(LONGEST, max(SHORTEST, room - 1 - spared))
            filled = cells * min(self._done, self._total) // self._total
            segments.append(Segment("━" * filled, base))
            segments.append(Segment(f"{'─' * (cells - filled)} ", base + known["muted"]))
        for number, (text, ink) in enumerate(self._words):
            if number:
                segments.append(Segment(" · ", base + known["muted"]))
            segments.append(Segment(visible(text), base + known[ink] if ink else base))
        left = width - 3 - sum(segment.cell_length for segment in segments)
        if self._now and left > 8:
            segments.append(Segment("  " + shortened(visible(self._now), left), base + known["muted"]))
        return Strip(segments).adjust_cell_length(width, base)
