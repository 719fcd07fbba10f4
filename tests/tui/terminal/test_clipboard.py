"""Copying out of the app: what is sent to the terminal, which tool is asked, and that a secret never becomes a file."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from core.errors import HushpostError
from core.session import Session
from tests.vault_app import bytes_of, everything_under, in_mode
from tui.terminal.clipboard import OSC52_LIMIT, copy, native_tool, osc52

TEXT = "naïve text\n"


def unwrapped(sent: str) -> str:
    """What a terminal makes of the sequence."""
    assert sent.startswith("\x1b]52;c;")
    assert sent.endswith("\x07")
    return base64.b64decode(sent[7:-1]).decode()


def test_the_terminal_is_handed_the_text() -> None:
    assert unwrapped(osc52(TEXT)) == TEXT


def test_tmux_gets_it_both_ways() -> None:
    sent = osc52(TEXT, "tmux")
    plain = osc52(TEXT)
    assert sent.startswith(plain)
    passed = sent.removeprefix(plain).removeprefix("\x1bPtmux;").removesuffix("\x1b\\").replace("\x1b\x1b", "\x1b")
    assert passed == plain


@pytest.mark.parametrize("length", [1, 500, 3000])
def test_screen_gets_it_in_pieces_it_can_pass_on(length: int) -> None:
    sent = osc52("x" * length, "screen")
    pieces = sent.removeprefix("\x1bP").removesuffix("\x1b\\").split("\x1b\\\x1bP")
    assert unwrapped("".join(pieces)) == "x" * length
    assert all(len(piece) <= 768 for piece in pieces)


def caught(pilot: Pilot[Any]) -> list[str]:
    sent: list[str] = []
    driver = pilot.app._driver
    assert driver is not None
    driver.write = sent.append  # type: ignore[assignment]
    return sent


async def test_without_a_display_it_goes_to_the_terminal(session: Session) -> None:
    async with in_mode(session, "settings") as pilot:
        sent = caught(pilot)
        assert "sent to the terminal" in await copy(pilot.app, session, TEXT)
        assert unwrapped(sent[-1]) == TEXT
        assert pilot.app.clipboard == ""


async def test_what_is_too_long_for_the_terminal_is_written_to_a_file_of_ours(session: Session) -> None:
    async with in_mode(session, "settings") as pilot:
        sent = caught(pilot)
        happened = await copy(pilot.app, session, "x" * (OSC52_LIMIT + 1))
        path = session.paths.state / "clipboard.txt"
        assert str(path) in happened
        assert len(bytes_of(path)) == OSC52_LIMIT + 1
        assert path.stat().st_mode & 0o777 == 0o600
        assert not [one for one in sent if "]52;" in one]


@pytest.mark.parametrize("wanted", ["auto", "file"])
async def test_a_secret_is_never_written_to_a_file(session: Session, wanted: str) -> None:
    session.settings = msgspec.structs.replace(session.settings, clipboard=wanted)
    secret = "s3cret" * 20_000 if wanted == "auto" else "s3cret"
    async with in_mode(session, "settings") as pilot:
        with pytest.raises(HushpostError, match="not written into a file"):
            await copy(pilot.app, session, secret, secret=True)
    assert b"s3cret" not in everything_under(session.paths.state.parent)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder first on PATH with a clipboard tool that writes down what it is given."""
    folder = tmp_path / "bin"
    folder.mkdir()
    tool = folder / "wl-copy"
    tool.write_text(f'#!/bin/sh\nprintf "%s" "$*" > {tmp_path}/arguments\ncat > {tmp_path}/taken\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


async def test_with_a_display_the_tool_gets_it_by_stdin_alone(session: Session, tools: Path) -> None:
    session.surroundings = replace(session.surroundings, has_display=True)
    async with in_mode(session, "settings") as pilot:
        sent = caught(pilot)
        assert await copy(pilot.app, session, TEXT, secret=True) == "copied with wl-copy"
        assert bytes_of(tools / "taken") == TEXT.encode()
        assert bytes_of(tools / "arguments") == b""
        assert not [one for one in sent if "]52;" in one]


async def test_a_tool_that_fails_leaves_it_to_the_terminal(session: Session, tools: Path) -> None:
    (tools / "bin" / "wl-copy").write_text("#!/bin/sh\nexit 1\n")
    session.surroundings = replace(session.surroundings, has_display=True)
    async with in_mode(session, "settings") as pilot:
        sent = caught(pilot)
        assert "sent to the terminal" in await copy(pilot.app, session, TEXT)
        assert unwrapped(sent[-1]) == TEXT


def test_over_ssh_no_tool_is_asked(session: Session, tools: Path) -> None:
    session.surroundings = replace(session.surroundings, has_display=True, over_ssh=True)
    assert native_tool(session) is None


@pytest.fixture
def tmux(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """A tmux of its own with its defaults, and this process as a program inside of it."""
    if shutil.which("tmux") is None:
        pytest.skip("needs tmux")
    # The address of a socket has room for a hundred characters.
    folder = tempfile.TemporaryDirectory(dir="/tmp")
    socket = f"{folder.name}/tmux"

    def run(*arguments: str) -> str:
        command = ["tmux", "-S", socket, "-f", "/dev/null", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    run("new-session", "-d", "cat")
    monkeypatch.setenv("TMUX", f"{socket},{run('display-message', '-p', '#{pid}').strip()},0")
    yield run
    run("kill-server")
    folder.cleanup()


async def test_tmux_takes_it_by_its_own_command_and_keeps_no_secret(session: Session, tmux: Callable[..., str]) -> None:
    session.surroundings = replace(session.surroundings, over_ssh=True, multiplexer="tmux")
    async with in_mode(session, "settings") as pilot:
        sent = caught(pilot)
        assert "given to tmux" in await copy(pilot.app, session, TEXT)
        assert tmux("show-buffer", "-b", "hushpost") == TEXT
        assert "given to tmux" in await copy(pilot.app, session, "s3cret", secret=True)
        assert tmux("list-buffers") == ""
        assert not [one for one in sent if "]52;" in one]
