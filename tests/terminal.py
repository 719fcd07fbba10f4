"""A program in a real pty: keys in, bytes and screens out. Used by the end-to-end tests and the benchmarks."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte
from pyte.screens import Char

from tests.patience import PATIENCE_S

# Escape as a terminal with the keyboard protocol of kitty sends it, for which Textual asks: the bare byte would be
# another key together with what follows it, unless it were given time.
KEYS = {
    "enter": "\r", "tab": "\t", "shift+tab": "\x1b[Z", "escape": "\x1b[27u", "space": " ", "backspace": "\x7f",
    "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "home": "\x1b[H", "end": "\x1b[F",
    "pageup": "\x1b[5~", "pagedown": "\x1b[6~", "delete": "\x1b[3~", "insert": "\x1b[2~",
    "f1": "\x1bOP", "f2": "\x1bOQ", "f3": "\x1bOR", "f4": "\x1bOS", "f5": "\x1b[15~", "f6": "\x1b[17~",
    "f7": "\x1b[18~", "f8": "\x1b[19~", "f9": "\x1b[20~", "f10": "\x1b[21~",
}  # fmt: skip
QUERIES = ((re.compile(rb"\x1b\[0?c"), b"\x1b[?62;22c"), (re.compile(rb"\x1b\[\?2026\$p"), b"\x1b[?2026;2$y"))
FRAME_BEGINS, FRAME_ENDS = b"\x1b[?2026h", b"\x1b[?2026l"
# What pyte does not know and would draw as text.
UNKNOWN = re.compile(
    "\x1b\\[[<=>][0-9;:]*[ -/]*[@-~]|\x1b\\[\\??[0-9;:]*[ -/]+[@-~]|\x1b\\[[0-9;]*[tu]"
    "|\x1b[PX^_][^\x1b\x07]*(?:\x1b\\\\|\x07)|\x1b\\][^\x1b\x07]*(?:\x1b\\\\|\x07)|\x1b[=>]"
)
UNFINISHED = re.compile("\x1b(?:\\[[0-?]*[ -/]*|[P\\]X^_][^\x1b\x07]*\x1b?)?$")


class ScreenModel:
    """What a terminal that received these bytes shows; every frame it ever showed is kept as text on demand."""

    def __init__(self, columns: int, rows: int) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self.screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._tail = ""

    def feed(self, data: bytes) -> None:
        text = self._tail + self._decoder.decode(data)
        self._tail = ""
        unfinished = UNFINISHED.search(text)
        if unfinished and len(text) - unfinished.start() < 4096:
            text, self._tail = text[: unfinished.start()], text[unfinished.start() :]
        self._stream.feed(UNKNOWN.sub("", text.replace("\x1b[?1049h", "\x1b[2J\x1b[H")))

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    @property
    def cells(self) -> list[list[Char]]:
        """With the colours, by which the part with the focus differs from others."""
        buffer = self.screen.buffer
        return [[buffer[y][x] for x in range(self.screen.columns)] for y in range(self.screen.lines)]


class TerminalApp:
    """A running program on a terminal of its own; use as a context manager, which ends it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        columns: int = 80,
        rows: int = 24,
        folder: Path | None = None,
    ) -> None:
        self.received = bytearray()
        self.frames: list[str] = []
        """The screen after each chunk: a cell-diffing program never writes a whole frame at once."""
        self.status: int | None = None
        self._model = ScreenModel(columns, rows)
        self.started = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            try:
                if folder:
                    os.chdir(folder)
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                os.execvpe(command[0], list(command), dict(environment))
            finally:
                os._exit(127)
        self.resize(columns, rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def text(self) -> str:
        return self._model.text

    @property
    def _is_drawing(self) -> bool:
        """The last frame has begun and not ended."""
        return self.received.rfind(FRAME_BEGINS) > self.received.rfind(FRAME_ENDS)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if (columns, rows) != (self._model.screen.columns, self._model.screen.lines):
            self._model.screen.resize(rows, columns)

    def press(self, *keys: str) -> None:
        for key in keys:
            if key in KEYS:
                self.write(KEYS[key])
            elif key.startswith("alt+"):
                self.write("\x1b[1;3" + KEYS[key[4:]][-1])
            elif key.startswith("ctrl+"):
                self.write(chr(ord(key[5:].lower()) & 0x1F))
            else:
                self.write(key)

    def write(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def pump(self, seconds: float) -> bool:
        """Read what comes within `seconds`; False when nothing came or the program has gone."""
        if self._fd < 0:
            time.sleep(seconds)
            return False
        ready, _, _ = select.select([self._fd], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            data = b""
        if not data:
            self._reap(0)
            return False
        self.received += data
        for query, answer in QUERIES:
            if query.search(data):
                os.write(self._fd, answer)
        self._model.feed(data)
        frame = self._model.text
        if not self.frames or self.frames[-1] != frame:
            self.frames.append(frame)
        return True

    def wait_for(self, condition: str | Callable[[str], bool], seconds: float = PATIENCE_S) -> float:
        """Wait until a whole frame holds a text or meets a condition; the seconds since the program started."""
        holds = condition if callable(condition) else lambda screen: condition in screen
        deadline = time.perf_counter() + seconds
        while self._is_drawing or not holds(self.text):
            if time.perf_counter() > deadline or self.status is not None:
                raise AssertionError(
                    f"waited in vain for {condition!r}; status {self.status}; the screen:\n{self.text}"
                )
            self.pump(0.1)
        return time.perf_counter() - self.started

    def see(self, *keys: str) -> None:
        """Press keys one after the other, each once the one before has changed the screen."""
        for key in keys:
            before = self._model.cells
            self.press(key)
            self.wait_for(lambda screen: self._model.cells != before)  # noqa: B023 - called at once

    def settle(self, quiet: float = 0.3, seconds: float = 10.0) -> None:
        """Read until nothing has come for `quiet` seconds."""
        deadline = time.perf_counter() + seconds
        while self.pump(quiet) and time.perf_counter() < deadline:
            pass

    def wait_exit(self, seconds: float = PATIENCE_S) -> int:
        deadline = time.perf_counter() + seconds
        while self.status is None and time.perf_counter() < deadline:
            if not self.pump(0.05):
                self._reap(os.WNOHANG)
        if self.status is None:
            raise AssertionError(f"the program did not end; the screen:\n{self.text}")
        return self.status

    def settings(self) -> list[object]:
        """How the terminal is set, as `stty` would say it."""
        return termios.tcgetattr(self._fd)

    def hang_up(self) -> None:
        """Close the terminal, as its window is closed or its line drops."""
        os.close(self._fd)
        self._fd = -1

    def close(self) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self._reap(0)
        if self._fd >= 0:
            os.close(self._fd)

    def _reap(self, options: int) -> None:
        if self.status is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
