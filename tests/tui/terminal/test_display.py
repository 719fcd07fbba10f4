from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pyte.screens import Char

from tests.display_app import DisplayApp
from tests.terminal import FRAME_ENDS, ScreenModel, TerminalApp

Cells = list[list[Any]]
SCRIPT = Path(__file__).parents[2] / "display_app.py"


class Session:
    """The test app on a terminal, with what the terminal shows as cells."""

    def __init__(self, mode: str, columns: int, rows: int, environment: dict[str, str], *more: str) -> None:
        self.app = TerminalApp(
            [sys.executable, str(SCRIPT), mode, *more], environment=environment, columns=columns, rows=rows
        )
        self.model = ScreenModel(columns, rows)
        self.fed = 0
        self.done = 0
        # The footer comes last.
        self.app.wait_for(lambda screen: "ready" in screen and "palette" in screen)

    @property
    def cells(self) -> Cells:
        self.feed()
        return cells_of(self.model)

    def shows(self, cells: Callable[[], Cells]) -> None:
        """Wait until every cell is as it is there, now or when more has been drawn."""
        self.app.wait_for(lambda _: self.cells == cells())

    def feed(self) -> None:
        self.model.feed(bytes(self.app.received[self.fed :]))
        self.fed = len(self.app.received)

    def press(self, keys: Sequence[str]) -> None:
        """Press them one after the other, the last one a key whose effect can be waited for."""
        for key in keys:
            self.app.press(key)
            if key in ("f2", "f3", "f5", "f6", "f7", "f9"):
                self.done += 1
                self.app.wait_for(f"done {self.done}")
            elif key == "f4":
                self.app.wait_for("a dialog")
            elif key == "m":
                self.app.wait_for(lambda screen: "a dialog" not in screen)

    def resize(self, columns: int, rows: int) -> None:
        self.feed()
        self.app.resize(columns, rows)
        self.model.screen.resize(rows, columns)


def cells_of(model: ScreenModel) -> Cells:
    buffer = model.screen.buffer
    return [[seen(buffer[y][x]) for x in range(model.screen.columns)] for y in range(model.screen.lines)]


def drawn(file: Path, columns: int, rows: int) -> Cells:
    """What Textual would have drawn by itself until now."""
    model = ScreenModel(columns, rows)
    model.feed(file.read_bytes())
    return cells_of(model)


def same(one: Session, other: Session) -> None:
    """Wait until both show the same, when each has drawn what there is to draw."""
    one.app.wait_for(lambda _: not other.app.pump(0) and one.cells == other.cells)


def seen(char: Char) -> Any:
    """What a person can tell apart: the colour and weight of the text do not show on a space."""
    if char.data == " " and not (char.reverse or char.underscore or char.strikethrough):
        return (" ", char.bg)
    return tuple(char)


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "xterm-256color", "LANG": "C.UTF-8"}


@pytest.fixture
def sessions(environment: dict[str, str]) -> Iterator[Any]:
    opened: list[Session] = []

    def start(mode: str, columns: int = 80, rows: int = 24, *arguments: str, **more: str) -> Session:
        opened.append(Session(mode, columns, rows, environment | more, *arguments))
        return opened[-1]

    yield start
    for session in opened:
        session.app.close()


KEYS = ["a", "b", "f2", "f2", "tab", "down", "pagedown", "tab", "f3", "f4", "m", "f5", "f9", "f2", "tab", "x", "enter"]
TERMINALS = pytest.mark.parametrize(
    ("columns", "rows", "more"),
    [
        (80, 24, {}),
        (160, 45, {"COLORTERM": "truecolor"}),
        (80, 24, {"NO_COLOR": "1"}),
        (61, 20, {"TERM": "xterm"}),
    ],
    ids=["80x24", "160x45 truecolor", "NO_COLOR", "16 colours"],
)


@TERMINALS
def test_the_screen_is_what_textual_alone_would_have_made_it(
    sessions: Any, tmp_path: Path, columns: int, rows: int, more: dict[str, str]
) -> None:
    whole = tmp_path / "whole"
    session = sessions("diff", columns, rows, str(whole), **more)
    keys = KEYS + random.Random(columns).choices(["f2", "f2", "f5", "f3", "down", "up", "y", "tab", "enter"], k=20)
    for part in (keys[:10], keys[10:24], [*keys[24:], "f2"]):
        session.press(part)
        session.shows(partial(drawn, whole, columns, rows))
    received = bytes(session.app.received)
    assert len(received) < 0.35 * whole.stat().st_size
    assert received.count(b"\x1b[?2026h") == received.count(b"\x1b[?2026l") > 10
    assert b"\x1b]8;id=" in received


def test_the_screen_is_the_same_with_it_and_without(sessions: Any) -> None:
    plain, diff = sessions("plain"), sessions("diff")
    for part in (KEYS[:10], KEYS[10:14]):
        plain.press(part)
        diff.press(part)
        same(diff, plain)
    assert len(diff.app.received) < 0.35 * len(plain.app.received)


def test_a_typed_key_costs_the_same_at_any_width(sessions: Any) -> None:
    session = sessions("diff", 160, 45)
    session.press(["f2", "a"])
    session.app.wait_for("a ")
    before = len(session.app.received)
    session.press(["b"])
    session.app.wait_for("ab")
    assert len(session.app.received) - before <= 100


def test_clearing_and_suspending_lead_to_a_whole_frame(sessions: Any) -> None:
    plain, diff = sessions("plain"), sessions("diff")
    for key in ("f6", "f7"):  # a clear, and a program that had the terminal for a while
        for session in (plain, diff):
            session.press(["f2", key, "f2"])
        same(diff, plain)
        assert "something else" not in diff.model.text


def test_a_key_writes_every_cell_anew(sessions: Any) -> None:
    session = sessions("diff")
    session.press(["f2"])
    before = session.cells
    session.model.feed(b"\x1b[5;5Ha message of another program")
    assert session.cells != before
    session.press(["f8"])
    session.shows(lambda: before)


def test_stopping_and_continuing_the_process_leads_to_a_whole_frame(sessions: Any) -> None:
    session = sessions("diff")
    session.press(["f2"])
    before = session.cells
    os.kill(session.app.pid, signal.SIGTSTP)
    _, status = os.waitpid(session.app.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    while session.app.pump(0.1):
        pass
    session.feed()
    session.model.feed(b"\x1b[2J\x1b[Hthe shell was here")
    os.kill(session.app.pid, signal.SIGCONT)
    session.shows(lambda: before)


def test_sizes_may_change_faster_than_frames(sessions: Any) -> None:
    session, other = sessions("diff", 80, 24), sessions("plain", 80, 24)
    for one in (session, other):
        for size in ((60, 20), (80, 24), (90, 8), (100, 30)):
            one.resize(*size)
        one.app.wait_for("100x30")
        one.press(["f2"])
    same(session, other)
    shown = session.cells
    session.resize(40, 10)
    session.resize(100, 30)
    session.shows(lambda: shown)
    for size in ((1, 1), (2, 3), (100, 30)):
        before = session.app.received.count(FRAME_ENDS)
        session.resize(*size)
        session.app.wait_for(lambda _: session.app.received.count(FRAME_ENDS) > before)  # noqa: B023 - called at once
    session.shows(lambda: shown)


async def test_without_a_terminal_nothing_is_in_the_way() -> None:
    app = DisplayApp("diff")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f9")
        assert "the&#160;page" in app.export_screenshot()
