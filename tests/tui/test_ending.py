"""The app ended from outside goes quickly, leaves the terminal as it found it, and has the edits at the next start."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from core.models import Request
from core.workspace import Workspace
from tests.loopback import Loopback
from tests.terminal import TerminalApp

EDITED = "{{base_url}}/hold?n=1"


def started(home: Path, workspace: Workspace) -> TerminalApp:
    hushpost = Path(sys.executable).with_name("hushpost")
    environment = {**os.environ, "TERM": "xterm-256color"}
    return TerminalApp([str(hushpost), "open", str(workspace.path)], environment=environment, folder=home)


def edit_and_send(app: TerminalApp, server: Loopback) -> None:
    """The first request has an unsaved edit and is being sent."""
    app.wait_for("Held")
    app.press("enter")
    app.wait_for("/hold")
    app.press("end", "?", "n", "=", "1")
    app.wait_for("unsaved edits")
    app.press("ctrl+r")
    server.wait_for(lambda: bool(server.requests))


@pytest.fixture
def held(workspace: Workspace) -> Workspace:
    workspace.create_request("", "A Held", Request(name="A Held", url="{{base_url}}/hold"))
    return workspace


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_in_mid_send(home: Path, held: Workspace, server: Loopback, number: signal.Signals) -> None:
    with started(home, held) as app:
        before = app.settings()
        edit_and_send(app, server)
        children = psutil.Process(app.pid).children(recursive=True)
        os.kill(app.pid, number)
        assert app.wait_exit() == 130, app.text
        after = app.settings()
        assert after == before
        assert app.received.rfind(b"\x1b[?1049l") > app.received.rfind(b"\x1b[?1049h")
        assert not any(child.is_running() for child in children)
    assert held.load_request("a-held").url == "{{base_url}}/hold"
    with started(home, held) as app:
        app.wait_for("they are back")
        app.press("enter")
        app.wait_for("/hold?n=1")
        app.press("f9")
        app.wait_for('saved "a-held"')
        app.press("ctrl+c", "ctrl+c")
        assert app.wait_exit() == 0
    assert held.load_request("a-held").url == EDITED


def test_the_terminal_is_closed_in_mid_send(home: Path, held: Workspace, server: Loopback) -> None:
    app = started(home, held)
    edit_and_send(app, server)
    app.hang_up()
    assert app.wait_exit() > 0
    with started(home, held) as again:
        again.wait_for("they are back")
