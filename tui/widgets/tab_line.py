"""The editor's tabs as one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui import keys
from tui.themes import paint


class TabLine(Widget, can_focus=True):
    """The names of the editor's tabs in one line; the chosen one stands in brackets."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "TabLine { height: 1; background: $background; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.plain("left", "step(-1)"),
        *keys.plain("right", "step(1)"),
        *keys.plain("enter,down", "enter"),
    ]

    class Chosen(Message):
        """`enter` asks to go on into the tab's contents."""

        def __init__(self, tab: str, enter: bool = False) -> None:
            super().__init__()
            self.tab = tab
            self.enter = enter

    def __init__(self, tabs: tuple[tuple[str, str], ...], *, pages: bool = False, id: str | None = None) -> None:
        """`tabs` are pairs of key and label; `pages` says that choosing one changes nothing but what is seen."""
        super().__init__(id=id)
        self.pages = pages
        self._tabs = tabs
        self.chosen = tabs[0][0]
        self._counts: dict[str, str] = {}

    def show(self, chosen: str, counts: dict[str, str]) -> None:
        """`counts` are short marks behind the labels: how many rows are on, or which kind."""
        if (chosen, counts) != (self.chosen, self._counts):
            self.chosen, self._counts = chosen, dict(counts)
            self.refresh()

    def action_step(self, by: int) -> None:
        names = [key for key, _ in self._tabs]
        at = max(0, min(names.index(self.chosen) + by, len(names) - 1))
        self.post_message(self.Chosen(names[at]))

    def action_enter(self) -> None:
        self.post_message(self.Chosen(self.chosen, enter=True))

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def _texts(self) -> list[tuple[str, str, str]]:
        """Key, label and mark of each tab; marks and then letters go where there is no room."""
        width = self.size.width
        full = [(key, label, self._counts.get(key, "")) for key, label in self._tabs]
        if sum(len(label) + len(mark) + 2 + bool(mark) for _, label, mark in full) <= width:
            return full
        bare = [(key, label, mark if mark.isdigit() or not mark else "*") for key, label, mark in full]
        if sum(len(label) + len(mark) + 2 + mark.isdigit() for _, label, mark in bare) <= width:
            return bare
        bare = [(key, label, mark and "*") for key, label, mark in full]
        if sum(len(label) + len(mark) + 2 for _, label, mark in bare) <= width:
            return bare
        return [(key, label if key == self.chosen else label[:4], "") for key, label, _ in full]

    def _spans(self) -> list[tuple[int, int, str]]:
        spans, x = [], 0
        for key, label, mark in self._texts():
            gap = 1 if mark and mark != "*" else 0
            end = x + len(label) + len(mark) + gap + 2
            spans.append((x, end, key))
            x = end
        return spans

    def places(self) -> list[tuple[str, int, Callable[[], object]]]:
        """Label, first cell and way into each tab, for jump mode."""
        labels = dict(self._tabs)

        def into(key: str) -> Callable[[], object]:
            return lambda: self.post_message(self.Chosen(key, enter=True))

        return [(labels[key], start, into(key)) for start, _, key in self._spans()]

    def render_line(self, y: int) -> Strip:
        base, ink = self.rich_style, paint(self.app)
        segments = []
        for key, label, mark in self._texts():
            gap = " " if mark and mark != "*" else ""
            if key == self.chosen:
                style = base + (ink.cursor if self.has_focus else ink.resting)
                segments.append(Segment(f"[{label}{gap}{mark}]", style))
            else:
                segments += [Segment(f" {label}{gap}", base), Segment(f"{mark} ", base + ink.muted)]
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def on_click(self, event: events.Click) -> None:
        for start, end, key in self._spans():
            if start <= event.x < end:
                self.post_message(self.Chosen(key))
