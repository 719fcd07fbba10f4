"""Time left until a moment, on screen: one timer a screen, which repaints only the cells that changed and rests while
nothing runs or the screen is not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol
from weakref import WeakSet

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

WIDTH = 8
"""Cells that every time left fits in."""

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def seconds_left(moment: datetime, now: datetime) -> int:
    """Whole seconds until a moment."""
    return max(0, int((moment - now).total_seconds()))


def left(seconds: int) -> str:
    """`09:59`, `1:59:59`, `6d 23h`: at most `WIDTH` cells, the same number for all of an hour."""
    minutes, rest = divmod(max(0, seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, of_day = divmod(hours, 24)
    if days >= 1000:
        return "> 999d"
    if days:
        return f"{days}d {of_day:02d}h"
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"


class Ticking(Protocol):
    """A widget with something on it that counts down."""

    def tick(self) -> bool:
        """Repaint what changed; True while there is something to count."""
        ...


class Ticker:
    """The one timer of a screen; whoever has something to count calls `watch` again whenever that changes."""

    def __init__(self, screen: Screen[Any]) -> None:
        self._screen = screen
        self._watched: WeakSet[Any] = WeakSet()
        self._timer: Timer | None = None
        self._follows = False

    @property
    def running(self) -> bool:
        return self._timer is not None

    def watch(self, ticking: Ticking) -> None:
        self._watched.add(ticking)
        if not self._follows:
            self._follows = True
            self._screen.app.screen_change_signal.subscribe(self._screen, self._screen_changed)
        if self._timer is None and self._screen.is_active:
            self._timer = self._screen.set_interval(1.0, self._tick, name="countdowns")

    def _tick(self) -> None:
        still = [ticking for ticking in list(self._watched) if ticking.tick()]
        if not still:
            self._stop()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _screen_changed(self, _: Screen[Any]) -> None:
        if not self._screen.is_active:
            self._stop()
            return
        for ticking in list(self._watched):
            if ticking.tick():
                self.watch(ticking)


class Countdown(Widget):
    """The time left until `deadline` in `WIDTH` cells; `idle` stands there when there is none or it is over."""

    DEFAULT_CSS = "Countdown { width: 8; height: 1; }"

    class Over(Message):
        """The deadline passed while it was counted."""

        def __init__(self, countdown: Countdown) -> None:
            super().__init__()
            self.countdown = countdown

        @property
        def control(self) -> Countdown:
            return self.countdown

    def __init__(
        self,
        ticker: Ticker,
        deadline: datetime | None = None,
        *,
        idle: str = "",
        left_aligned: bool = False,
        now: Clock = utc_now,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._placed = str.ljust if left_aligned else str.rjust
        self._ticker = ticker
        self._deadline = deadline
        self._idle = idle
        self._now = now
        self._shown = ""

    @property
    def shown(self) -> str:
        return self._shown

    def on_mount(self) -> None:
        self.count_to(self._deadline)

    def count_to(self, deadline: datetime | None, *, idle: str | None = None) -> None:
        self._deadline = deadline
        if idle is not None:
            self._idle = idle
        if self.tick():
            self._ticker.watch(self)

    def tick(self) -> bool:
        now = self._now()
        runs = self._deadline is not None and self._deadline > now
        text = left(seconds_left(self._deadline, now)) if self._deadline is not None and runs else self._idle
        if (region := changed_cells(self._placed(self._shown, WIDTH), self._placed(text, WIDTH))) is not None:
            self._shown = text
            self.refresh(region)
        if self._deadline is not None and not runs:
            self._deadline = None
            self.post_message(self.Over(self))
        return runs

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return WIDTH

    def render_line(self, y: int) -> Strip:
        text = self._placed(self._shown, WIDTH) if y == 0 else ""
        return Strip([Segment(text[: self.size.width].ljust(self.size.width), self.rich_style)])


def changed_cells(before: str, after: str, x: int = 0, y: int = 0) -> Region | None:
    """Where two texts drawn from (x, y) differ; None when they are the same."""
    width = max(len(before), len(after))
    pairs = zip(before.ljust(width), after.ljust(width), strict=True)
    differing = [index for index, (old, new) in enumerate(pairs) if old != new]
    return Region(x + differing[0], y, differing[-1] - differing[0] + 1, 1) if differing else None
