"""Countdowns: what they say, which cells they repaint, and when their one timer rests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.screen import ModalScreen
from textual.widgets import Static

from tests.tui.conftest import until
from tui.widgets.countdown import WIDTH, Countdown, Ticker, changed_cells, left, seconds_left

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Counting(App[None]):
    def __init__(self, clock: Clock, *deadlines: datetime | None) -> None:
        super().__init__()
        self.clock = clock
        self.deadlines = deadlines
        self.over: list[str | None] = []

    def compose(self) -> ComposeResult:
        self.ticker = Ticker(self.screen)
        for number, deadline in enumerate(self.deadlines):
            yield Countdown(self.ticker, deadline, idle="-", now=self.clock, id=f"c{number}")

    def on_countdown_over(self, message: Countdown.Over) -> None:
        self.over.append(message.countdown.id)

    def countdown(self, number: int) -> Countdown:
        return self.query_one(f"#c{number}", Countdown)


class Dialog(ModalScreen[None]):
    def compose(self) -> ComposeResult:
        yield Static("a dialog")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "00:00"),
        (59, "00:59"),
        (60, "01:00"),
        (1799, "29:59"),
        (3600, "1:00:00"),
        (86_399, "23:59:59"),
        (86_400, "1d 00h"),
        (90 * 86_400, "90d 00h"),
        (5000 * 86_400, "> 999d"),
    ],
)
def test_says_how_long_in_at_most_its_width(seconds: int, text: str) -> None:
    assert left(seconds) == text
    assert len(text) <= WIDTH


def test_counts_whole_seconds_and_never_below_none() -> None:
    assert seconds_left(START + timedelta(seconds=2.9), START) == 2
    assert seconds_left(START - timedelta(seconds=5), START) == 0


def test_only_cells_that_differ_are_repainted() -> None:
    assert changed_cells("   29:59", "   29:58", 10, 3) == Region(17, 3, 1, 1)
    assert changed_cells("   10:00", "   09:59") == Region(3, 0, 5, 1)
    assert changed_cells("   29:59", "   29:59") is None


async def test_counts_down_says_when_it_is_over_and_then_rests() -> None:
    clock = Clock()
    app = Counting(clock, START + timedelta(seconds=90))
    async with app.run_test() as pilot:
        countdown = app.countdown(0)
        assert countdown.shown == "01:30"
        clock.forward(31)
        assert countdown.tick()
        assert countdown.shown == "00:59"
        clock.forward(59)
        assert not countdown.tick()
        assert countdown.shown == "-"
        await pilot.pause()
        assert app.over == ["c0"]
        await until(pilot, lambda: not app.ticker.running)
        countdown.tick()
        await pilot.pause()
        assert app.over == ["c0"]


async def test_a_tick_repaints_the_changed_cells_and_lays_nothing_out() -> None:
    clock = Clock()
    app = Counting(clock, START + timedelta(seconds=90))
    async with app.run_test() as pilot:
        await pilot.pause()
        painted: list[tuple[tuple[Region, ...], dict[str, Any]]] = []
        countdown = app.countdown(0)
        refresh = countdown.refresh

        def watched(*regions: Region, **how: Any) -> Countdown:
            painted.append((regions, how))
            return refresh(*regions, **how)

        countdown.refresh = watched  # type: ignore[method-assign]
        clock.forward(1)
        countdown.tick()
        countdown.tick()
        assert painted == [((Region(7, 0, 1, 1),), {})] or painted == [((Region(6, 0, 2, 1),), {})]


async def test_one_timer_serves_all_countdowns_of_a_screen_and_none_where_nothing_runs() -> None:
    clock = Clock()
    app = Counting(clock, START + timedelta(seconds=5), START + timedelta(seconds=9), None)
    async with app.run_test():
        assert app.ticker.running
        assert len([timer for timer in app.screen._timers if timer.name == "countdowns"]) == 1
    app = Counting(clock, None, START - timedelta(seconds=1))
    async with app.run_test():
        assert not app.ticker.running


async def test_the_timer_rests_under_a_dialog_and_goes_on_after_it() -> None:
    clock = Clock()
    app = Counting(clock, START + timedelta(seconds=90))
    async with app.run_test() as pilot:
        await app.push_screen(Dialog())
        assert not app.ticker.running
        clock.forward(30)
        app.pop_screen()
        await until(pilot, lambda: app.ticker.running)
        assert app.countdown(0).shown == "01:00"


async def test_a_new_deadline_wakes_the_timer() -> None:
    clock = Clock()
    app = Counting(clock, None)
    async with app.run_test():
        app.countdown(0).count_to(START + timedelta(minutes=2))
        assert app.ticker.running
        assert app.countdown(0).shown == "02:00"
        app.countdown(0).count_to(None, idle="not kept")
        assert app.countdown(0).shown == "not kept"
