"""No secret of a real vault is ever on the app's screen, in what it writes to the terminal, or in a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.consent.registry import Registry
from core.paths import Paths
from core.secret import Secret
from core.vault.store import CredentialStore
from core.workspace.workspace import Workspace
from tests.canary import files_below, leaks
from tests.e2e.canary_workspace import SECRETS, write
from tests.loopback import Loopback
from tests.terminal import TerminalApp
from tests.vaults.openbao import OpenBao

HUSHPOST = str(Path(sys.executable).with_name("hushpost"))
PASSPHRASE = "a passphrase of the canary"


@pytest.fixture
def workspace(tmp_path: Path, home: Path, bao: OpenBao, server: Loopback, other_server: Loopback) -> Path:
    """Bound and approved, as a person would have done it before."""
    folder = tmp_path / "canary"
    write(folder, bao, server.url, other_server.url)
    paths = Paths(home / ".config/hushpost", home / ".local/share/hushpost", home / ".local/state/hushpost")
    paths.ensure()
    store = CredentialStore(paths.store)
    store.create(passphrase=Secret(PASSPHRASE))
    store.put("mine", bao.token_credential())
    registry = Registry(paths)
    key = Workspace.open(folder).key
    registry.bind(key, "canary vault", "mine")
    registry.approve(key, "canary vault", [server.url])
    return folder


@pytest.fixture(params=[(80, 24), (160, 45)], ids=["80x24", "160x45"])
def app(request: pytest.FixtureRequest, workspace: Path) -> Iterator[TerminalApp]:
    columns, rows = request.param
    environment = {**os.environ, "TERM": "xterm-256color", "HUSHPOST_PASSPHRASE": PASSPHRASE}
    with TerminalApp(
        [HUSHPOST, "open", str(workspace)], environment=environment, columns=columns, rows=rows
    ) as running:
        yield running


def send(app: TerminalApp, name: str) -> None:
    """Go to a request by its name, and send it."""
    app.press("ctrl+f")
    app.wait_for("Find a request")
    app.press(*name)
    app.wait_for(lambda screen: name in screen)
    app.press("enter")
    app.wait_for(lambda screen: "Find a request" not in screen)
    app.press("ctrl+r")


def look(app: TerminalApp, *keys: str) -> None:
    """What each key brings up is seen, where it brings up something."""
    for key in keys:
        app.press(key)
        app.settle(0.1)


JAR = """\
schema = 1
url = "{{base}}/set-cookie?sid={{bearer_key}}"
headers = [
    { name = "X-Key", value = "{{header_key}}" },
]
checks = [
    { subject = "header", path = "Set-Cookie", op = "equals", value = "none" },
]
captures = [
    { name = "sid", from = "cookie", path = "sid" },
]
"""
"""Its answer sets a cookie that holds a secret; a check says what it found instead, and a capture what it took."""
FOLDER = """\
schema = 1
headers = [
    { name = "X-Inherited", value = "{{header_key}}" },
]
"""


def test_a_person_sends_looks_around_and_quits(
    app: TerminalApp, bao: OpenBao, server: Loopback, other_server: Loopback, workspace: Path, home: Path
) -> None:
    (workspace / "requests" / "jar.toml").write_text(JAR)
    (workspace / "requests" / "folder.toml").write_text(FOLDER)
    app.wait_for("echoed")
    send(app, "echoed")
    app.wait_for("200 OK")
    assert server.requests[0].header("X-Key") == SECRETS["header_key"]
    app.press("escape", "pagedown", "pagedown", "end", "home")
    look(app, *["alt+right"] * 8)
    send(app, "form")
    app.wait_for(lambda screen: "200 OK" in screen and len(server.requests) > 1)
    send(app, "redirected")
    app.wait_for(lambda screen: "redirect" in screen.lower() and "May this host" in screen)
    app.press("escape")
    app.wait_for(lambda screen: "May this host" not in screen)
    send(app, "unreachable")
    app.wait_for(lambda screen: "http://127.0.0.1:9" in screen and "May this host" in screen)
    app.press("escape")
    app.wait_for(lambda screen: "May this host" not in screen)
    send(app, "jar")
    app.wait_for(lambda screen: "jar" in screen and "200 OK" in screen)
    for _ in range(5):
        app.press("alt+right")
    app.wait_for("[Checks")
    app.press("tab", "tab", "tab", "tab")
    app.wait_for("it is")
    app.press("tab")
    app.wait_for("sid is")
    # The focus goes into a tab once it is drawn.
    app.see(*["alt+left"] * 4)
    app.wait_for("[Headers")
    app.press("t")
    app.wait_for("Headers as text")
    app.press("escape")
    app.write("\x1bk")
    app.wait_for("in memory until")
    app.press("e")
    app.wait_for("HttpOnly")
    app.press("escape", "escape")
    app.write("\x1bp")
    app.wait_for("As it will be sent")
    app.press("c")
    app.wait_for("curl command")
    app.press("escape")
    app.write("\x1br")
    look(app, *"]]]]")
    app.write("\x1bt")
    app.press("escape", "E")
    app.wait_for("What all requests inherit")
    look(app, *["alt+right"] * 4)
    app.press("escape")
    for screen in ("f4", "f5", "f2", "f8", "f1"):
        look(app, screen, "escape")
    app.press("f4")
    app.wait_for("header_key")
    app.press("down", "down", "i")
    app.wait_for("Resolved ID")
    app.press("escape", "ctrl+l")
    app.wait_for("locked")
    app.press("ctrl+c")
    app.wait_for("Quit hushpost?")
    app.press("enter")
    assert app.wait_exit() == 0

    assert not other_server.requests
    secrets = SECRETS | {"token": bao.root_token, "passphrase": PASSPHRASE}
    frames = [(f"frame {number}", frame.encode()) for number, frame in enumerate(app.frames)]
    # A value that is cut at the edge of a line shows its start.
    starts = {name: value[:8] for name, value in SECRETS.items()}
    assert leaks(secrets, [("terminal", bytes(app.received)), *frames, *files_below(home, workspace)]) == []
    assert [leak for leak in leaks(starts, frames) if leak.endswith("as raw")] == []


@pytest.mark.parametrize("app", [(80, 24)], ids=["80x24"], indirect=True)
def test_a_person_runs_everything_reads_it_and_writes_reports(
    app: TerminalApp, bao: OpenBao, server: Loopback, other_server: Loopback, workspace: Path, home: Path
) -> None:
    app.wait_for("echoed")
    app.press("f7")
    app.wait_for("the whole workspace, 4 requests")
    app.press("ctrl+r")
    app.wait_for("Before the run")
    # Not the other server's address, which nobody approved.
    app.press("left", "enter")
    app.wait_for("4/4")
    app.wait_for("FAILED")
    assert server.requests[0].header("X-Key") == SECRETS["header_key"]
    app.press("home")
    for _ in range(3):
        look(app, "enter", *"]]]]]]")
        app.press("escape")
        look(app, "down")
    look(app, "c")
    app.press("escape", "f", "f")
    for name in ("r.html", "r.xml", "r.json"):
        app.press("w")
        app.wait_for("Write a report")
        app.press("end", "ctrl+u", *f"{home}/{name}", "enter")
        app.wait_for(lambda screen, file=home / name: "Write a report" not in screen and file.exists())  # type: ignore[misc]
        assert "unreachable" in (home / name).read_text("utf-8")
    look(app, "r")
    app.press("escape", "ctrl+c")
    app.wait_for("Quit hushpost?")
    app.press("enter")
    assert app.wait_exit() == 0

    assert not other_server.requests
    secrets = SECRETS | {"token": bao.root_token, "passphrase": PASSPHRASE}
    frames = [(f"frame {number}", frame.encode()) for number, frame in enumerate(app.frames)]
    starts = {name: value[:8] for name, value in SECRETS.items()}
    assert leaks(secrets, [("terminal", bytes(app.received)), *frames, *files_below(home, workspace)]) == []
    assert [leak for leak in leaks(starts, frames) if leak.endswith("as raw")] == []
