"""What a terminal of few colours, or none, is sent, and that what matters is seen there too."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from core.workspace.workspace import Workspace
from tests.loopback import Loopback
from tests.terminal import TerminalApp

SGR = re.compile(rb"\x1b\[([0-9;:]*)m")
SIXTEEN = {*range(30, 38), *range(90, 98), *range(40, 48), *range(100, 108)}
NEITHER = {39, 49}
"""Back to the terminal's own colour."""


def colours(received: bytes) -> set[int]:
    """The colour codes in everything that was sent; -1 for one of 256 or of 16 million."""
    found: set[int] = set()
    for match in SGR.finditer(received):
        numbers = [int(part or 0) for part in re.split(rb"[;:]", match[1])]
        if 38 in numbers or 48 in numbers:
            found.add(-1)
        found |= {number for number in numbers if number in SIXTEEN}
    return found


def tour(home: Path, workspace: Workspace, **environment: str) -> TerminalApp:
    """Through the modes and a dialog, with an answer and an error on the screen."""
    hushpost = Path(sys.executable).with_name("hushpost")
    command = [str(hushpost), "open", str(workspace.path)]
    with TerminalApp(command, environment={**os.environ, **environment}, folder=home) as app:
        app.wait_for("Health")
        app.press("enter")
        app.wait_for("no answer yet")
        app.press("ctrl+r")
        app.wait_for("200 OK")
        app.press("f4")
        app.wait_for("production")
        # The active environment and the row of the cursor are marked by signs.
        assert re.search(r"▸ +\* +base", app.text), app.text
        app.press("f2")
        app.wait_for("Payments API")
        app.press("f3", "ctrl+p")
        app.wait_for("What to do")
        assert "▸" in app.text
        app.press("escape", "ctrl+c", "ctrl+c")
        app.wait_exit()
    return app


@pytest.mark.parametrize(
    "environment",
    [
        {"TERM": "xterm-256color", "NO_COLOR": "1"},
        {"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"},
    ],
    ids=["256", "truecolor"],
)
def test_with_no_color_none_is_sent(
    home: Path, workspace: Workspace, server: Loopback, environment: dict[str, str]
) -> None:
    app = tour(home, workspace, **environment)
    assert colours(bytes(app.received)) == set()
    # The cursor's row is there all the same.
    assert b"\x1b[7m" in app.received or b";7m" in app.received


@pytest.mark.parametrize("term", ["xterm-16color", "linux", "screen"])
def test_a_terminal_of_sixteen_colours_is_sent_no_others(
    home: Path, workspace: Workspace, server: Loopback, term: str
) -> None:
    app = tour(home, workspace, TERM=term)
    sent = colours(bytes(app.received))
    assert sent
    assert -1 not in sent
