"""One daemon thread that does pieces of work in the order they were handed over; it starts with the first piece."""

from __future__ import annotations

import asyncio
import queue
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

from core.threads import awaited, start_daemon_thread

T = TypeVar("T")


class SerialThread:
    """Handing work over never waits, and quitting does not wait for work that is stuck."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._work: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._running = False

    @property
    def running(self) -> bool:
        return self._running

    def submit(self, work: Callable[[], object]) -> None:
        with self._lock:
            self._work.put(work)
            if not self._running:
                self._running = True
                start_daemon_thread(self._run, name=self._name)

    def call(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """The future of what `work` returns or raises; giving up the future leaves the work as it is."""
        future, done = awaited(work)
        self.submit(done)
        return future

    def end(self) -> None:
        """Let the thread end after what it was handed so far; further work starts another."""
        with self._lock:
            if self._running:
                self._running = False
                self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                work()
            except Exception:  # noqa: BLE001 - a bug in one piece must not leave the next ones waiting for ever
                threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))
