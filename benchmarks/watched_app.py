"""A TerminalApp whose output is stamped by a thread that does nothing else, so that drawing the model costs no time."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.terminal import KEYS, QUERIES, TerminalApp

STILL_S = 0.05
"""No output for so long, and the program not running, ends what a key caused."""

BETWEEN_S = 0.05
"""From a key that has shown to the next one, of those typed while an answer comes."""


@dataclass(frozen=True)
class Pressed:
    bytes: int
    milliseconds: float
    """From the key to the last byte it caused; 0 where it caused none."""


class WatchedApp(TerminalApp):
    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: dict[str, str],
        columns: int = 80,
        rows: int = 24,
        folder: Path | None = None,
    ) -> None:
        super().__init__(command, environment=environment, columns=columns, rows=rows, folder=folder)
        self._chunks: list[tuple[float, bytes]] = []
        self._drawn = 0
        self._ended = False
        self._came = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            data = b""
            with suppress(OSError):
                data = os.read(self._fd, 65536)
            stamp = time.perf_counter()
            with self._came:
                self._chunks.append((stamp, data))
                self.received += data
                self._ended = not data
                self._came.notify_all()
            if not data:
                return
            for query, answer in QUERIES:
                if query.search(data):
                    os.write(self._fd, answer)

    def pump(self, seconds: float) -> bool:
        """Draw what has come, at most one chunk, waiting so long for it."""
        return self._draw(seconds) is not None

    def _draw(self, seconds: float) -> float | None:
        with self._came:
            if self._drawn == len(self._chunks):
                self._came.wait(seconds)
            if self._drawn == len(self._chunks):
                return None
            stamp, data = self._chunks[self._drawn]
            self._drawn += 1
        if not data:
            raise AssertionError(f"the program has ended; the screen:\n{self.text}")
        self._model.feed(data)
        return stamp

    def wait_for_bytes(self, texts: Sequence[str], seconds: float = 120.0) -> float:
        """Seconds from the start to the chunk that completed the last of these; nothing is drawn meanwhile."""
        wanted = [text.encode() for text in texts]
        deadline = time.perf_counter() + seconds
        with self._came:
            while not all(text in self.received for text in wanted):
                if self._ended or time.perf_counter() > deadline:
                    raise AssertionError(f"never wrote {texts}: {bytes(self.received)[-2000:]!r}")
                self._came.wait(1)
            return self._chunks[-1][0] - self.started

    def wait_for(self, condition: str | Callable[[str], bool], seconds: float = 30.0) -> float:
        return self._seen(condition, seconds) - self.started

    def _seen(self, condition: str | Callable[[str], bool], seconds: float) -> float:
        """The stamp of the chunk that made the screen meet the condition."""
        holds = condition if callable(condition) else lambda screen: condition in screen
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            stamp = self._draw(0.1)
            if stamp is not None and holds(self.text):
                return stamp
        raise AssertionError(f"waited in vain for {condition!r}; the screen:\n{self.text}")

    def until_seen(self, key: str, text: str, seconds: float = 60.0) -> float:
        """Seconds from the key to the text on the screen."""
        pressed = time.perf_counter()
        self.press(key)
        return self._seen(text, seconds) - pressed

    def send_and_type(
        self, key: str, text: str, marked: str, after: float, seconds: float = 600.0
    ) -> tuple[float, float]:
        """Seconds from the key to the text on the screen, and the longest that typing the last letter of `marked`, or
        taking it back, took to show; that goes on for `after` seconds more."""
        pressed = time.perf_counter()
        self.press(key)
        seen: float | None = None
        slowest, there = 0.0, False
        while seen is None or time.perf_counter() - pressed - seen < after:
            typed = stamp = time.perf_counter()
            self.write("\x7f" if there else marked[-1])
            there = not there
            while (marked in self.text) is not there:
                stamp = self._draw(0.1) or time.perf_counter()
                if seen is None and text in self.text:
                    seen = stamp - pressed
                if stamp - pressed > seconds:
                    raise AssertionError(f"waited in vain for {marked!r} or {text!r}; the screen:\n{self.text}")
            slowest = max(slowest, stamp - typed)
            still = time.perf_counter() + BETWEEN_S
            while time.perf_counter() < still:
                stamp = self._draw(BETWEEN_S / 4) or time.perf_counter()
                if seen is None and text in self.text:
                    seen = stamp - pressed
        return seen, slowest

    def press_and_watch(self, key: str, quiet: float = STILL_S) -> Pressed:
        before = len(self._chunks)
        pressed = time.perf_counter()
        if key.startswith("ctrl+"):
            self.press(key)
        else:
            self.write(KEYS.get(key, key))
        self.quiet(quiet, before)
        caused = self._chunks[before:]
        last = caused[-1][0] if caused else pressed
        return Pressed(sum(len(data) for _, data in caused), (last - pressed) * 1000)

    def quiet(self, seconds: float, before: int | None = None, first: float = 0.5, limit: float = 60.0) -> None:
        """Until nothing has come for so long and the program does not run; at most `first` for the first output."""
        began = time.perf_counter()
        seen, looks = len(self._chunks) if before is None else before, 0
        while time.perf_counter() - began < limit and not self._ended:
            with self._came:
                came = len(self._chunks) > seen
                since = max(began, self._chunks[-1][0]) if came else began
                left = (seconds if came else first) - (time.perf_counter() - since)
                if left > 0:
                    looks = 0
                    self._came.wait(left)
                    continue
            looks = 0 if self._running() else looks + 1
            if looks == 3:
                break
            time.sleep(0.004)
        while self._draw(0) is not None:
            pass

    def _running(self) -> bool:
        state = Path(f"/proc/{self.pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0]
        return state in "RD"

    def idle(self, seconds: float) -> int:
        """How many bytes come in that time, with nothing pressed."""
        before = len(self.received)
        time.sleep(seconds)
        return len(self.received) - before

    def peak_mib(self) -> float:
        """Of the program and what it started: the most memory each has had."""
        root = psutil.Process(self.pid)
        total = 0
        for process in (root, *root.children(recursive=True)):
            with suppress(OSError):
                status = Path(f"/proc/{process.pid}/status").read_text("ascii", "replace")
                total += int(status.partition("VmHWM:")[2].split()[0])
        return total / 1024

    def quit(self, key: str, seconds: float = 5.0) -> None:
        """Let it end by itself, so that it keeps what it has learnt; else it is killed later."""
        self.press(key)
        with self._came:
            self._came.wait_for(lambda: self._ended, seconds)

    def close(self) -> None:
        if self.status is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, 9)
            self._reap(0)
        self._reader.join()
        os.close(self._fd)


def median_of(pressed: Sequence[Pressed], name: str) -> float:
    return statistics.median(float(getattr(one, name)) for one in pressed)
