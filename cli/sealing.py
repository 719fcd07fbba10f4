"""Keeps the process to itself: what it was started with and what it holds is read by no other program of this user."""

from __future__ import annotations

import ctypes
import resource
import sys
from contextlib import suppress

PR_SET_DUMPABLE = 4


def seal() -> int:
    """Refuse core files, debuggers and reads through /proc; a script of a workspace would find there the environment
    that this process was started with. Programs that it starts are what they always are.

    Returns how large a core file could be, in the terms of `unseal`.
    """
    before, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    return before


def unseal(core_file: int) -> None:
    """Give the program that takes this one's place the limit that its user set."""
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (core_file, resource.getrlimit(resource.RLIMIT_CORE)[1]))
