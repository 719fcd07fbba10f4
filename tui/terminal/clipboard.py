"""Copying a text out of the app: by the machine's own tool, by the terminal (OSC 52), or by a file, never a secret."""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from textual.app import App

from core.errors import HushpostError
from core.threads import run_in_daemon_thread
from core.toml.file import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from core.session import Session

OSC52_LIMIT = 74_994
"""Bytes of text: more than xterm and tmux take at once is cut or dropped without a word."""
SCREEN_PIECE = 768
"""Bytes that GNU screen passes on at a time."""
TOOL_TIMEOUT_S = 3
_TMUX = ("tmux",)
_BUFFER = "hushpost"
_TOOLS = (("wl-copy",), ("xclip", "-selection", "clipboard"), ("xsel", "--clipboard", "--input"))


async def copy(app: App[Any], session: Session, text: str, *, secret: bool = False) -> str:
    """Copy as the settings say; returns what happened to the text, in a sentence."""
    wanted = session.settings.clipboard
    tool = native_tool(session) if wanted in ("auto", "native") else None
    if tool is not None and await run_in_daemon_thread(_given_to, tool, text):
        return f"copied with {tool[0]}"
    if wanted == "native":
        raise HushpostError("no tool of this machine took the text", hint="set the clipboard to auto in the settings")
    if wanted in ("auto", "osc52") and len(text.encode()) <= OSC52_LIMIT:
        in_tmux = session.surroundings.multiplexer == "tmux"
        if in_tmux and await run_in_daemon_thread(_given_to_tmux, text, secret):
            return "given to tmux, which hands it to the terminal if it may"
        send_osc52(app, text, session.surroundings.multiplexer)
        return "sent to the terminal, which copies it if it may"
    if secret:
        raise HushpostError(
            "a secret is not written into a file to be copied",
            hint="set the clipboard to osc52 or native in the settings",
        )
    return f'written to "{await run_in_daemon_thread(_written, session, text)}"'


def native_tool(session: Session) -> tuple[str, ...] | None:
    """The command that takes a text for this machine's clipboard, unless that is not the person's own machine."""
    surroundings = session.surroundings
    if surroundings.over_ssh:
        return None
    if sys.platform == "darwin":
        return ("pbcopy",)
    if not surroundings.has_display:
        return None
    return next((tool for tool in _TOOLS if shutil.which(tool[0])), None)


def _given_to(tool: tuple[str, ...], text: str) -> bool:
    try:
        # The text goes in by stdin: arguments are seen by everyone on the machine.
        done = subprocess.run(  # noqa: S603
            tool,
            input=text.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TOOL_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _given_to_tmux(text: str, secret: bool) -> bool:
    """By default tmux takes no text from a program's output, but from its own command, which hands it on by OSC 52."""
    given = _given_to(("tmux", "load-buffer", "-w", "-b", _BUFFER, "-"), text)
    if given and secret:
        # The terminal has it; the server's buffers are for anyone to list.
        _given_to(("tmux", "delete-buffer", "-b", _BUFFER), "")
    return given


def _written(session: Session, text: str) -> Path:
    session.paths.ensure()
    path = session.paths.state / "clipboard.txt"
    write_atomic(path, text.encode(), mode=0o600)
    return path


def send_osc52(app: App[Any], text: str, multiplexer: str = "") -> None:
    """Ask the terminal to copy, through what stands between; Textual's own way would keep the text in memory."""
    driver = app._driver
    if driver is not None:
        driver.write(osc52(text, multiplexer))
        driver.flush()


def osc52(text: str, multiplexer: str = "") -> str:
    encoded = base64.b64encode(text.encode()).decode()
    plain = f"\x1b]52;c;{encoded}\x07"
    if multiplexer == "tmux":
        # tmux takes the plain one with `set-clipboard on`, and passes the wrapped one with `allow-passthrough on`.
        return plain + "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if multiplexer == "screen":
        pieces = [plain[start : start + SCREEN_PIECE] for start in range(0, len(plain), SCREEN_PIECE)]
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return plain
