"""The command line on a real terminal: questions without echo, safe text, color, progress, Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.canary import leaks
from tests.cli.harness import PROGRAM, ROOT, Hushpost, write
from tests.loopback import Loopback
from tests.terminal import TerminalApp

PASSPHRASE = "correct-horse-battery"

Start = Callable[..., TerminalApp]


@pytest.fixture
def terminal(hushpost: Hushpost) -> Start:
    def start(*arguments: str, **env: str) -> TerminalApp:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **hushpost.environment, **env}
        return TerminalApp([*PROGRAM, *arguments], environment=environment, folder=hushpost.folder)

    return start


def plain(app: TerminalApp) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", app.received.decode()).replace("\r\n", "\n")


def test_a_passphrase_is_typed_without_echo_and_may_be_mistyped(terminal: Start) -> None:
    with terminal("store", "init") as app:
        app.wait_for("new passphrase:")
        app.write(f"{PASSPHRASE}\n")
        app.wait_for("once more:")
        app.write(f"{PASSPHRASE}\n")
        assert app.wait_exit() == 0
        assert PASSPHRASE not in plain(app)
    with terminal("credential", "list") as app:
        app.wait_for("passphrase of the credential store:")
        app.write("wrong\n")
        # What is typed before the second question is thrown away with whatever was pending.
        app.wait_for(lambda screen: screen.count("passphrase of the credential store:") == 2)
        assert "does not open" in plain(app)
        app.write(f"{PASSPHRASE}\n")
        assert app.wait_exit() == 0
        assert "there are no credentials" in plain(app)
        assert PASSPHRASE not in plain(app)


def test_two_different_passphrases_make_no_store(terminal: Start, home: Path) -> None:
    with terminal("store", "init") as app:
        app.wait_for("new passphrase:")
        app.write("one\n")
        app.wait_for("once more:")
        app.write("two\n")
        assert app.wait_exit() == 2
        assert "differ" in plain(app)
    assert not list(home.rglob("*.hush"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_at_a_question_ends_at_once_with_echo_back(terminal: Start, number: signal.Signals) -> None:
    with terminal("store", "init") as app:
        app.wait_for("new passphrase:")
        os.kill(app.pid, number)
        assert app.wait_exit() == 130
        assert "interrupted" in plain(app)
        assert termios.tcgetattr(app._fd)[3] & termios.ECHO


def test_a_secret_field_is_asked_for_without_echo(terminal: Start, store: Path, hushpost: Hushpost) -> None:
    fields = ["--provider", "hashicorp", "--type", "token"]
    with terminal("credential", "add", "prod", *fields) as app:
        app.wait_for("Server address:")
        app.write("http://127.0.0.1:9\n")
        app.wait_for("Authentication token:")
        app.write("hvs-typed-unseen\n")
        assert app.wait_exit() == 0
        assert "hvs-typed-unseen" not in plain(app)
    assert hushpost("credential", "show", "prod", "--json").json["fields"]["server_address"] == "http://127.0.0.1:9"


def test_the_first_credential_makes_the_store(terminal: Start, home: Path, hushpost: Hushpost) -> None:
    kind = ["credential", "add", "amb", "--provider", "aws", "--type", "ambient"]
    headless = hushpost(*kind)
    assert (headless.code, "run `hushpost store init`" in headless.stderr) == (3, True)
    with terminal(*kind) as app:
        app.wait_for("new passphrase:")
        assert "there is no credential store yet" in plain(app)
        assert "cannot be recovered" in plain(app)
        app.write(f"{PASSPHRASE}\n")
        app.wait_for("once more:")
        app.write(f"{PASSPHRASE}\n")
        assert app.wait_exit() == 0
        assert PASSPHRASE not in plain(app)
    assert hushpost("credential", "list", env={"HUSHPOST_PASSPHRASE": PASSPHRASE}).out.split()[0] == "amb"


def test_a_credential_that_cannot_be_makes_no_store(terminal: Start, home: Path) -> None:
    with terminal("credential", "add", "x", "--provider", "aws", "--type", "nonsense") as app:
        assert app.wait_exit() == 2
    assert not list(home.rglob("*.hush"))


@pytest.mark.parametrize(("answer", "left"), [("", True), ("y", False)])
def test_what_deletes_asks_first(terminal: Start, store: Path, hushpost: Hushpost, answer: str, left: bool) -> None:
    assert hushpost("credential", "add", "amb", "--provider", "aws", "--type", "ambient").code == 0
    with terminal("credential", "remove", "amb") as app:
        app.wait_for("[y/N]")
        app.write(f"{answer}\n")
        assert app.wait_exit() == (1 if left else 0)
    assert ("amb" in hushpost("credential", "list").out) is left


def test_a_question_of_a_request_is_asked(terminal: Start, workspace: Path, server: Loopback) -> None:
    write(workspace, {"requests/ask.toml": f'url = "{server.url}/json?n={{{{?Which one}}}}"\n'})
    with terminal("send", "ask") as app:
        app.wait_for("Which one:")
        app.write("seven\n")
        assert app.wait_exit() == 0
    assert server.last.query == {"n": "seven"}


def test_a_body_cannot_command_the_terminal(terminal: Start, workspace: Path, server: Loopback) -> None:
    body = "hello \x1b]0;owned\x07\x1b[2J \u202eevil \x9b31m".encode()
    server.routes["/evil"] = lambda handler, _: handler.answer(200, body, (("Content-Type", "text/plain"),))
    write(workspace, {"requests/evil.toml": f'url = "{server.url}/evil"\n'})
    with terminal("send", "evil", "--raw") as app:
        assert app.wait_exit() == 0
        assert b"\x1b" not in app.received
        assert "hello \\x1b]0;owned\\x07\\x1b[2J \\u202eevil \\x9b31m" in plain(app)
        assert "200 OK, " in plain(app)


def test_a_body_that_is_no_text_is_only_described(terminal: Start, workspace: Path, server: Loopback) -> None:
    server.routes["/bin"] = lambda handler, _: handler.answer(200, b"\x00\xff\xfe" * 100)
    write(workspace, {"requests/bin.toml": f'url = "{server.url}/bin"\n'})
    with terminal("send", "bin") as app:
        assert app.wait_exit() == 0
        assert "300 bytes that are no text" in plain(app)


@pytest.mark.parametrize("no_color", [False, True])
def test_color_is_for_terminals_that_want_it(
    terminal: Start, workspace: Path, server: Loopback, no_color: bool
) -> None:
    for number in range(30):
        write(workspace, {f"requests/r{number:02}.toml": f'url = "{server.url}/status/200"\n'})
    write(workspace, {"requests/bad.toml": f'url = "{server.url}/status/500"\n'})
    with terminal("run", **({"NO_COLOR": "1"} if no_color else {})) as app:
        assert app.wait_exit() == 1
        colored = re.search(rb"\x1b\[[0-9;]*m", app.received) is not None
        assert colored is not no_color
        text = app.text
    assert "31 requests: 30 passed, 1 failed" in text
    assert "[###" not in text, "the bar is gone when all is said"
    assert "[###" in plain(app)


def test_no_progress_line_holds_a_secret(terminal: Start, workspace: Path, server: Loopback) -> None:
    token = "s3cr3t-in-a-name"
    (workspace / "token").write_text(token)
    for number in range(20):
        write(workspace, {f"requests/{token} {number:02}.toml": f'url = "{server.url}/echo?t={{{{token}}}}"\n'})
    write(workspace, {"requests/bad.toml": 'url = "http://127.0.0.1:9/{{token}}"\n'})
    with terminal("run", "-v", "token=@token") as app:
        assert app.wait_exit() == 4
        assert "[###" in plain(app)
        assert "21 requests: 20 passed" in plain(app)
        frames = "\n".join(app.frames).encode()
        assert leaks({"token": token}, [("bytes", bytes(app.received)), ("frames", frames)]) == []


def test_without_a_terminal_there_is_neither_color_nor_progress(
    hushpost: Hushpost, workspace: Path, server: Loopback
) -> None:
    for number in range(5):
        write(workspace, {f"requests/r{number}.toml": f'url = "{server.url}/status/200"\n'})
    ran = hushpost("run")
    assert "\x1b" not in ran.out + ran.stderr
    assert ran.stderr == ""


def test_an_app_that_is_ended_from_outside_restores_the_terminal(
    terminal: Start, workspace: Path, server: Loopback
) -> None:
    write(workspace, {"requests/health.toml": f'url = "{server.url}/status/200"\n'})
    with terminal("open", ".") as app:
        app.wait_for("health")
        os.kill(app.pid, signal.SIGTERM)
        assert app.wait_exit() == 130
        for off in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l"):
            assert app.received.rfind(off) > app.received.rfind(off[:-1] + (b"h" if off[-1:] == b"l" else b"l"))


def test_a_demo_that_is_ended_from_outside_leaves_nothing(terminal: Start, tmp_path: Path) -> None:
    with terminal("demo", TMPDIR=str(tmp_path)) as app:
        app.wait_for("Payments")
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith("hushpost")]
        os.kill(app.pid, signal.SIGTERM)
        assert app.wait_exit() == 130
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("hushpost")] == []


def test_approvals_are_asked_for(terminal: Start, store: Path, workspace: Path, hushpost: Hushpost) -> None:
    (workspace / "secrets.json").write_text('{"a": "value-of-a"}')
    arguments = ["--provider", "memory", "--type", "memory", "--field", "secrets=@secrets.json"]
    assert hushpost("credential", "add", "mine", *arguments).code == 0
    assert hushpost("bind", "mem", "mine").code == 0
    write(
        workspace,
        {
            "environments/base.toml": ('[variables.a.link]\nprovider = "memory"\ncredential = "mem"\nname = "a"\n'),
            "requests/a.toml": 'url = "https://api.example.com/{{a}}"\n',
        },
    )
    with terminal("bind") as app:
        app.wait_for("[y/N]")
        assert 'secrets of "mem" may go to https://api.example.com: to approve' in plain(app)
        app.write("y\n")
        assert app.wait_exit() == 0
    assert hushpost("bind").code == 0
