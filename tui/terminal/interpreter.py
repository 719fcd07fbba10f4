"""The interpreter set up for a person who types: no collection of what starting made, and short turns of threads."""

from __future__ import annotations

import gc
import sys
from importlib import import_module

from core.threads import start_daemon_thread

TURN_S = 0.001
"""After this long a busy thread lets the event loop have the interpreter, which may need it many times for one key."""


def begin() -> None:
    """Before the app is imported: next to nothing becomes garbage while it starts, and looking for some takes long."""
    gc.disable()
    sys.setswitchinterval(TURN_S)


def started() -> None:
    """Collect from now on, without what is there: looking at all of it holds a key up for a tenth of a second."""
    gc.freeze()
    gc.enable()


def load_ahead() -> None:
    """What the first send needs, while nobody waits for it: imported on the event loop it would hold keys up."""
    start_daemon_thread(lambda: import_module("core.sending.wire"), name="loading")
