"""Ends work on texts of strangers that takes too long: a pattern, a path or a schema can be made to run for years.

On the main thread a timer's signal ends it, also inside `re`; on any other an exception set from outside, which waits
until a regular expression has come to its own end.
"""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

AGAIN_S = 0.1
"""What the first signal raises may be lost, in a `__del__`."""


class TooLong(BaseException):
    """The time was used up; no `except Exception` of a library may take it."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TooLong in the work after so many seconds: of this process's own work on the main thread, else of time."""
    if seconds <= 0:
        raise TooLong
    on_main = threading.current_thread() is threading.main_thread()
    with _by_signal(seconds) if on_main else _from_outside(seconds):
        yield


@contextmanager
def _by_signal(seconds: float) -> Iterator[None]:
    def end(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGVTALRM, end)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds, AGAIN_S)
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextmanager
def _from_outside(seconds: float) -> Iterator[None]:
    worker = ctypes.c_ulong(threading.get_ident())
    lock = threading.Lock()
    over = False

    def end() -> None:
        with lock:
            if not over:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(worker, ctypes.py_object(TooLong))

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            over = True
            ctypes.pythonapi.PyThreadState_SetAsyncExc(worker, None)
