"""The app ended from outside goes quickly, leaves the terminal as it found it, and has the edits at the next start."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from core.models import Request
from core.workspace.workspace import Workspace
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


def test_it_is_suspended_to_the_shell_and_comes_back(home: Path, workspace: Workspace) -> None:
    hushpost = Path(sys.executable).with_name("hushpost")
    environment = {**os.environ, "TERM": "xterm-256color", "PS1": "$ ", "ENV": ""}
    with TerminalApp(["sh", "-i"], environment=environment, folder=home, columns=100) as app:
        app.wait_for("$")
        app.write(f"set -m; {hushpost} open {workspace.path}\r")
        app.wait_for("Health")
        app.write("\x1bs")
        app.wait_for("Stopped")
        app.write("stty -a | tr ';' '\\n' | grep -c -w -- ' echo'; echo here-$((40 + 2))\r")
        app.wait_for("here-42")
        app.write("fg\r")
        app.wait_for(lambda text: "Health" in text and "here-42" not in text)
        app.press("enter")
        app.wait_for("/status/200")
        app.press("ctrl+c", "ctrl+c")
        app.wait_for("$")
        app.write("echo code-$?; exit\r")
        app.wait_for("code-0")
        app.wait_exit()


def test_where_there_is_no_shell_to_go_back_to_it_stays(home: Path, workspace: Workspace) -> None:
    with started(home, workspace) as app:
        app.wait_for("Health")
        app.write("\x1bs")
        app.wait_for("no shell")
