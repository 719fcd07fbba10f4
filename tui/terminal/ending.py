"""What the system and the shell do to the app: end it when its terminal closes or it is asked to, or stop it."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.app import HushpostApp

SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)
INTERRUPTED = 130
"""The exit code, as that of the commands that are ended from outside."""
PATIENCE_S = 3.0
"""How long an orderly end may take: with its terminal gone, the app may be stuck in writing to it."""


def end_on_signals(app: HushpostApp) -> None:
    """End like a person who quits, except that nothing is asked: unsaved edits are kept for the next start."""

    def end(number: int, frame: FrameType | None) -> None:
        timer = threading.Timer(PATIENCE_S, lambda: _end_at_once(app))
        timer.daemon = True
        timer.start()
        loop = app._loop
        if loop is not None:
            loop.call_soon_threadsafe(app.end, INTERRUPTED)

    # A handler of the loop would never run while the loop is stuck.
    for number in SIGNALS:
        signal.signal(number, end)


def has_shell() -> bool:
    """Whether whoever started us could take the terminal and start us again; else being stopped would be for ever."""
    try:
        return os.getppid() > 1 and os.getsid(os.getppid()) == os.getsid(0) and os.getpgid(os.getppid()) != os.getpgrp()
    except OSError:
        return False


def _end_at_once(app: HushpostApp) -> None:
    app.keep_unsaved()
    os._exit(INTERRUPTED)
