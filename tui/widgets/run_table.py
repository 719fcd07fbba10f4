"""The live table of a run: a line for each request that ended, drawn when seen; the newest are followed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip

from tui import keys
from tui.foreign import fitted, shortened, visible
from tui.run_log import Line
from tui.themes import Paint, paint
from tui.widgets.line_view import CursorLines
from tui.widgets.request_tree import short_method
from tui.widgets.response_pages import duration

WORDS = {"passed": "passed", "failed": "FAILED", "error": "ERROR", "skipped": "skipped"}
_INKS = {"passed": "good", "failed": "bad", "error": "bad", "skipped": "warning"}
_SPLIT_FROM = 100
"""Cells of width from which requests and reasons stand in columns of their own."""


class RunTable(CursorLines):
    """`lines` is the owner's list, which grows; the table keeps a cursor on it, and which of it is listed."""

    DEFAULT_CSS = "RunTable { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }"
    TITLES = 1
    BINDINGS: ClassVar[list[BindingType]] = keys.plain("enter", "choose")

    class Moved(Message):
        """The cursor is on another line, or the line under it is another."""

    class Chosen(Message):
        """Enter, or a click on the line that has the cursor."""

    def __init__(self, redact: Callable[[str], str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._redact = redact
        self._lines: Sequence[Line] = ()
        self._listed: Sequence[int] = ()
        """Places in `_lines`."""
        self._failures_only = False
        self._empty = ""
        self._numbered = False
        """Iterations have a column."""

    # What the owner uses

    @property
    def current(self) -> Line | None:
        return self._lines[self._listed[self._index]] if self._index < len(self._listed) else None

    @property
    def count(self) -> int:
        return len(self._listed)

    def cursor_moved(self) -> None:
        self.post_message(self.Moved())

    def clicked(self, again: bool) -> None:
        if again:
            self.action_choose()

    @property
    def listed(self) -> Sequence[Line]:
        return [self._lines[at] for at in self._listed]

    @property
    def failures_only(self) -> bool:
        return self._failures_only

    def show(self, lines: Sequence[Line], *, empty: str, numbered: bool = False) -> None:
        """Take another list."""
        self._lines, self._empty, self._numbered = lines, empty, numbered
        self._index = 0
        self.look()

    def say_empty(self, text: str) -> None:
        """What stands where there are no lines."""
        if text != self._empty:
            self._empty = text
            if not self._listed:
                self.refresh()

    def look(self) -> None:
        """Lines were added, or became others: the cursor follows what is added at the end, else stays where it is."""
        before = len(self._listed)
        following = self._index >= before - 1
        kept = self._listed[self._index] if self._index < before else 0
        self._list()
        self._stand_on(kept)
        if following and len(self._listed) > before:
            self._index = len(self._listed) - 1
        self._shown()

    def filter(self, failures_only: bool) -> None:
        kept = self._listed[self._index] if self._index < len(self._listed) else 0
        self._failures_only = failures_only
        self._list()
        self._stand_on(kept)
        self._shown()

    def _list(self) -> None:
        every: Sequence[int] = range(len(self._lines))
        self._listed = [at for at in every if not self._lines[at].passed] if self._failures_only else every

    def _stand_on(self, kept: int) -> None:
        """The line under the cursor, or the next one that is still listed."""
        found = bisect_left(self._listed, kept)
        self._index = min(found, max(0, len(self._listed) - 1))

    def _shown(self) -> None:
        self.set_line_count(len(self._listed) + 1)
        self._show_cursor()
        self.post_message(self.Moved())

    def action_choose(self) -> None:
        if self.current is not None:
            self.post_message(self.Chosen())

    # Drawing

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        base, inks = self.rich_style, paint(self.app)
        if y == 0:
            return self._titles(width, base + inks.muted)
        index = int(self.scroll_y) + y - 1
        if not self._listed:
            text = self._empty if not self._lines else "everything passed so far: f lists it"
            said = [piece for one in text.splitlines() for piece in wrap(visible(one), max(8, width - 4)) or [""]]
            shown = said[y - 1] if y <= len(said) else ""
            return Strip([Segment(f"  {shown}", base + inks.muted)]).adjust_cell_length(width, base)
        if index >= len(self._listed):
            return Strip.blank(width, base)
        return self._line(self._lines[self._listed[index]], index == self._index, width, base, inks)

    def _number_width(self) -> int:
        return 7 if self._numbered else 0

    def _titles(self, width: int, style: Style) -> Strip:
        request, why = self._shares(width)
        text = f"  {'Outcome':9}{'Verb':6}{'Code':6}{'Took':>8}  "
        text += fitted("Iter", self._number_width()) + fitted("Request", request) + ("  Why" if why else "")
        return Strip([Segment(fitted(text, width), style)]).adjust_cell_length(width, style)

    def _shares(self, width: int) -> tuple[int, int]:
        """Cells of the request and of the reason; the reason has none of its own where it follows the request."""
        free = max(0, width - 33 - self._number_width())
        return (free * 2 // 5, free - free * 2 // 5 - 2) if width >= _SPLIT_FROM else (free, 0)

    def _line(self, line: Line, at_cursor: bool, width: int, base: Style, inks: Paint) -> Strip:
        lit = at_cursor and self.has_focus
        style = base + (inks.cursor if lit else inks.resting) if at_cursor else base

        def inked(ink: str) -> Style:
            found: Style = getattr(inks, ink)
            # Inks would be unreadable on the cursor's background.
            return style if lit else style + found

        status = "" if line.status is None else str(line.status)
        took = "" if line.elapsed_ms is None else duration(line.elapsed_ms)
        request, own = self._shares(width)
        segments = [
            Segment("▸ " if at_cursor else "  ", style),
            Segment(f"{WORDS[line.outcome]:9}", inked(_INKS[line.outcome])),
            Segment(fitted(short_method(visible(line.method)), 6), style),
            Segment(f"{status:6}{took:>8}  ", style),
        ]
        if self._numbered:
            segments.append(Segment(fitted(f"#{line.iteration}", self._number_width()), inked("muted")))
        # What was learnt to be a secret since is masked here.
        name = visible(self._redact(line.reference))
        why = visible(self._redact(line.why))
        if own:
            segments += [Segment(fitted(name, request) + "  ", style), Segment(shortened(why, own), inked("muted"))]
        else:
            name = shortened(name, request if not why else max(request // 2, request - cell_len(why) - 2))
            segments += [
                Segment(f"{name}  ", style),
                Segment(shortened(why, request - cell_len(name) - 2), inked("muted")),
            ]
        return Strip(segments).adjust_cell_length(width, style)
