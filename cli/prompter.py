"""How a login talks to a person at the terminal: questions on stderr, answers from stdin, a browser if there is one."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import sys
import threading
from datetime import UTC, datetime

from cli.diagnostics import Diagnostics
from core.errors import LoginRequired
from core.paths import Surroundings


class TerminalPrompter:
    """An AuthPrompter; its methods are called from the threads of providers."""

    def __init__(self, diagnostics: Diagnostics, surroundings: Surroundings, *, stdin: int = 0) -> None:
        self._diagnostics = diagnostics
        self._graphical = (surroundings.has_display or sys.platform == "darwin") and not surroundings.over_ssh
        self._stdin = stdin
        self._asking = threading.Lock()
        """One question at a time: two logins may be under way."""

    def ask_code(self, title: str, message: str) -> str:
        with self._asking:
            self._diagnostics.note(f"{title}: {message}")
            self._diagnostics.ask("code: ")
            answer = _read_line(self._stdin)
        if not answer:
            raise LoginRequired("no code was given", hint="run the command again and type the code")
        return answer

    def show_device_code(self, url: str, code: str, expires_at: datetime) -> Shown:
        minutes = max(round((expires_at - datetime.now(UTC)).total_seconds() / 60), 1)
        self._diagnostics.note(
            f"to log in, open {url} in any browser and type the code {code} (valid for {minutes} min)"
        )
        return Shown()

    def open_url(self, url: str, redirect_uri: str) -> Shown:
        opened = self._graphical and _open_in_browser(url)
        self._diagnostics.note(
            f"{'log in in the browser; if none opens, go to' if opened else 'to log in, open'}\n{url}"
        )
        self._diagnostics.note(
            f"if the browser is on another machine, paste the address it ends at ({redirect_uri}?…) and press Enter"
        )
        return Pasted(self._stdin)


class Shown:
    """Something on the terminal while a login waits; Ctrl-C ends the whole command, so this never is."""

    cancelled = False

    @property
    def pasted(self) -> str | None:
        return None

    def dismiss(self) -> None:
        pass


class Pasted(Shown):
    """Listens for a pasted line until it is dismissed, and then leaves stdin to the next question."""

    def __init__(self, stdin: int) -> None:
        self._line: str | None = None
        self._wake_read, self._wake_write = os.pipe()
        self._done = threading.Event()
        threading.Thread(target=self._listen, args=(stdin,), name="hushpost-paste", daemon=True).start()

    @property
    def pasted(self) -> str | None:
        return self._line

    def dismiss(self) -> None:
        if not self._done.is_set():
            self._done.set()
            os.close(self._wake_write)

    def _listen(self, stdin: int) -> None:
        try:
            while not self._done.is_set() and not self._line:
                ready, _, _ = select.select([stdin, self._wake_read], [], [])
                if self._wake_read in ready:
                    return
                data = os.read(stdin, 65_536)
                if not data:
                    return
                self._line = data.decode("utf-8", "replace").strip() or None
        finally:
            with contextlib.suppress(OSError):
                os.close(self._wake_read)


def _read_line(stdin: int) -> str:
    """One line, past Python's buffer: what is typed later belongs to the next question."""
    data = b""
    while not data.endswith(b"\n"):
        chunk = os.read(stdin, 1)
        if not chunk:
            break
        data += chunk
    return data.decode("utf-8", "replace").strip()


def _open_in_browser(url: str) -> bool:
    """Open a graphical browser, detached from our streams; never a text-mode one, which would take the terminal."""
    opener = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if opener is None or not url.startswith(("https://", "http://")):
        return False
    try:
        subprocess.Popen(  # noqa: S603 - a fixed program, and an address that cannot be an option
            [opener, url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    return True
