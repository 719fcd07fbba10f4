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

SOME = "•"
"""That a tab holds something, where there is no room for what; a star is for unsaved edits."""


class TabLine(Widget, can_focus=True):
    """The names of the editor's tabs in one line; the chosen one stands in brackets."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "TabLine { height: 1; background: $background; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.plain("left", "step(-1)"),
        *keys.plain("right", "step(1)"),
        *keys.plain("home", "step(-100)"),
        *keys.plain("end", "step(100)"),
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

    def _cells(self) -> list[tuple[str, str, str]]:
        """Key, label and mark of each tab that is shown: marks go where there is no room, then blanks, then tabs.

        A cell has its brackets or blanks around it; the ends of a line that is cut are marked.
        """
        width = self.size.width
        full = [(key, label, self._counts.get(key, "")) for key, label in self._tabs]
        bare = [
            (key, label, mark if mark.isdigit() or not mark else "!" if "FAIL" in mark else SOME)
            for key, label, mark in full
        ]
        dots = [(key, label, mark and ("!" if "FAIL" in mark else SOME)) for key, label, mark in full]
        for tabs, pad in ((full, 1), (bare, 1), (dots, 1), (dots, 0)):
            cells = [self._cell(*tab, pad) for tab in tabs]
            # The blank behind the last one needs no room.
            if len("".join(label + mark for _, label, mark in cells).rstrip()) <= width:
                return cells
        return self._window([self._cell(key, label, "", 0) for key, label, _ in full], width)

    def _cell(self, key: str, label: str, mark: str, pad: int) -> tuple[str, str, str]:
        gap = " " if mark and mark not in f"{SOME}!" and pad else ""
        if key == self.chosen:
            return key, f"[{label}{gap}{mark}]", ""
        return key, f"{' ' * pad}{label}{gap}", f"{mark} "

    def _window(self, cells: list[tuple[str, str, str]], width: int) -> list[tuple[str, str, str]]:
        """The chosen tab and as many on both sides of it as there is room for."""
        at = next(index for index, (key, _, _) in enumerate(cells) if key == self.chosen)
        first, last = at, at + 1
        room = width - len(cells[at][1]) - 4
        for index in (*range(at + 1, len(cells)), *range(at - 1, -1, -1)):
            needed = len(cells[index][1]) + len(cells[index][2])
            if index in (first - 1, last) and needed <= room:
                room -= needed
                first, last = min(first, index), max(last, index + 1)
        shown = cells[first:last]
        before, after = ("", "\u2039 ", "") if first else None, ("", "\u203a", "") if last < len(cells) else None
        return [*([before] if before else []), *shown, *([after] if after else [])]

    def _spans(self) -> list[tuple[int, int, str]]:
        spans, x = [], 0
        for key, label, mark in self._cells():
            end = x + len(label) + len(mark)
            spans.append((x, end, key))
            x = end
        return spans

    def places(self) -> list[tuple[str, int, Callable[[], object]]]:
        """Label, first cell and way into each tab, for jump mode."""
        labels = dict(self._tabs)

        def into(key: str) -> Callable[[], object]:
            return lambda: self.post_message(self.Chosen(key, enter=True))

        return [(labels[key], start, into(key)) for start, _, key in self._spans() if key]

    def render_line(self, y: int) -> Strip:
        base, ink = self.rich_style, paint(self.app)
        segments = []
        for key, label, mark in self._cells():
            if key == self.chosen:
                segments.append(Segment(label, base + (ink.cursor if self.has_focus else ink.resting)))
            else:
                segments += [Segment(label, base), Segment(mark, base + ink.muted)]
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def on_click(self, event: events.Click) -> None:
        for start, end, key in self._spans():
            if key and start <= event.x < end:
                self.post_message(self.Chosen(key))
