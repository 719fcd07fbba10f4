"""The app through a real sshd: it says that the line is slow, follows the window, and outlives a line that drops."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from core.models import Environment, Request
from core.workspace.workspace import Workspace
from tests.loopback import Loopback
from tests.patience import PATIENCE_S
from tests.terminal import TerminalApp

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
pytestmark = pytest.mark.skipif(SSHD is None or shutil.which("ssh") is None, reason="needs sshd and ssh")

Login = Callable[..., TerminalApp]


@pytest.fixture
def login(tmp_path: Path, home: Path) -> Iterator[Login]:
    """A throwaway sshd on loopback; called with a command it gives a terminal in which that runs over ssh."""
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nAuthorizedKeysFile {tmp_path}/user.pub\n"
        "StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\nPasswordAuthentication no\n"
    )
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    assert SSHD is not None
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    for line in server.stderr:
        if "listening" in line:
            break
    else:
        pytest.skip("sshd does not start here")

    def run(*command: str, columns: int = 80, rows: int = 24) -> TerminalApp:
        kept = {name: os.environ[name] for name in os.environ if name != "TERM"}
        settings = [f"{name}={value}" for name, value in kept.items()]
        ssh = ["ssh", "-tt", "-F", "/dev/null", "-i", str(tmp_path / "user"), "-p", str(port)]
        options = [
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            f"UserKnownHostsFile={tmp_path}/known",
            "-o",
            "LogLevel=ERROR",
        ]
        remote = shlex.join(["env", *settings, *command])
        return TerminalApp(
            [*ssh, *options, f"{getpass.getuser()}@127.0.0.1", remote],
            environment={**os.environ, "TERM": "xterm-256color"},
            folder=home,
            columns=columns,
            rows=rows,
        )

    try:
        yield run
    finally:
        server.terminate()
        server.wait()
        server.stderr.close()


@pytest.fixture
def workspace(tmp_path: Path, server: Loopback) -> Workspace:
    made = Workspace.create(tmp_path / "ws", "Far away")
    made.save_environment("base", Environment(name="Base", variables={"base_url": server.url}))
    made.create_request("", "Health", Request(name="Health", url="{{base_url}}/status/200"))
    made.create_request("", "Held", Request(name="Held", url="{{base_url}}/hold"))
    return made


def app_below(terminal: TerminalApp, workspace: Workspace) -> psutil.Process:
    """The app's own process, at the other end of the line."""
    return next(
        process
        for process in psutil.process_iter(["cmdline"])
        if str(workspace.path) in (process.info["cmdline"] or [])
        and "hushpost" in " ".join(process.info["cmdline"])
        and "ssh" not in process.info["cmdline"][0]
    )


@pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=["80x24", "160x45"])
def test_a_sitting_over_ssh(login: Login, workspace: Workspace, size: tuple[int, int]) -> None:
    hushpost = str(Path(sys.executable).with_name("hushpost"))
    columns, rows = size
    with login(hushpost, "open", str(workspace.path), columns=columns, rows=rows) as app:
        app.wait_for("Held")
        started = len(app.received)
        app.press("enter")
        app.wait_for("/status/200")
        app.press("end", "?")
        app.wait_for("/status/200?")
        before = len(app.received)
        app.press("a", "b", "c")
        app.wait_for("/status/200?abc")
        # A key over a slow line costs no more than a small packet.
        assert len(app.received) - before < 3 * 400
        app.press("f9")
        app.wait_for('saved "health"')
        app.press("ctrl+r")
        app.wait_for("200 OK")
        app.press("f4")
        app.wait_for("base_url")
        app.resize(columns + 20, rows + 5)
        app.wait_for(lambda text: max(map(len, text.splitlines())) > columns)
        app.resize(columns, rows)
        app.press("ctrl+c", "ctrl+c")
        assert app.wait_exit() == 0
    assert started < 30_000
    assert workspace.load_request("health").url.endswith("/status/200?abc")


def test_the_line_drops_in_mid_send(login: Login, workspace: Workspace, server: Loopback) -> None:
    hushpost = str(Path(sys.executable).with_name("hushpost"))
    with login(hushpost, "open", str(workspace.path)) as app:
        app.wait_for("Held")
        app.press("down", "enter")
        app.wait_for("/hold")
        app.press("end", "?", "x")
        app.wait_for("unsaved edits")
        app.press("ctrl+r")
        server.wait_for(lambda: bool(server.requests))
        far = app_below(app, workspace)
        os.kill(app.pid, signal.SIGKILL)
        app.wait_exit()
        far.wait(PATIENCE_S)
    with login(hushpost, "open", str(workspace.path)) as app:
        app.wait_for("they are back")
