"""The app as a person runs it: a real terminal, the person's editor, and what is left when it ends."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from core.models import JsonBody, Request
from core.workspace.workspace import Workspace
from tests.loopback import Loopback
from tests.terminal import TerminalApp

EDITOR = """\
import pathlib, sys
file = pathlib.Path(sys.argv[1])
assert file.suffix == ".json", file
text = file.read_text()
pathlib.Path({seen!r}).write_text(f"{{oct(file.stat().st_mode & 0o077)}} {{text}}")
file.write_text(text.replace("100", "200"))
"""


def command(home: Path, workspace: Workspace) -> TerminalApp:
    hushpost = Path(sys.executable).with_name("hushpost")
    environment = {**os.environ, "TERM": "xterm-256color", "SSH_CONNECTION": "1 2 3 4"}
    return TerminalApp([str(hushpost), "open", str(workspace.path)], environment=environment, folder=home)


def test_the_body_is_edited_in_the_persons_editor_saved_and_sent(
    home: Path, workspace: Workspace, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, seen = home / "editor.py", home / "seen"
    script.write_text(EDITOR.format(seen=str(seen)))
    monkeypatch.setenv("EDITOR", shlex.join([sys.executable, str(script)]))
    workspace.save_request(
        "health",
        Request(
            name="Health", method="POST", url="{{base_url}}/echo", body=JsonBody(text='{"n": 100, "t": "{{tenant}}"}')
        ),
    )
    with command(home, workspace) as app:
        app.wait_for(lambda text: "Health" in text and "payments" in text)
        app.press("enter")
        app.wait_for(lambda text: "POST" in text and "no answer yet" in text)
        app.write("\x1be")
        app.wait_for(lambda text: "unsaved edits" in text)
        app.press("f9")
        app.wait_for(lambda text: "saved" in text)
        app.press("ctrl+r")
        app.wait_for(lambda text: "200 OK" in text)
        app.press("ctrl+c", "ctrl+c")
        app.wait_exit()
    assert seen.read_text() == '0o0 {"n": 100, "t": "{{tenant}}"}'
    assert workspace.load_request("health").body == JsonBody(text='{"n": 200, "t": "{{tenant}}"}')
    assert server.requests[0].body == b'{"n": 200, "t": "acme"}'
    assert app.status == 0


def test_the_app_does_not_start_where_it_would_not_be_seen(home: Path, workspace: Workspace) -> None:
    hushpost = Path(sys.executable).with_name("hushpost")
    line = f"{shlex.join([str(hushpost), 'open', str(workspace.path)])} 2> said"
    with TerminalApp(["/bin/sh", "-c", line], environment=dict(os.environ), folder=home) as app:
        assert app.wait_exit() == 2
    assert "needs a terminal" in (home / "said").read_text()


def test_the_app_goes_on_after_an_editor_that_cannot_be_started(
    home: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", str(home / "no-editor"))
    workspace.save_request("health", Request(name="Health", url="{{base_url}}/", body=JsonBody(text="{}")))
    with command(home, workspace) as app:
        app.wait_for(lambda text: "Health" in text and "payments" in text)
        app.press("enter")
        app.wait_for("no answer yet")
        app.write("\x1be")
        app.wait_for("cannot be started")
        app.press("f4")
        app.wait_for("base_url")
