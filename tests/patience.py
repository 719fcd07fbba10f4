"""How long a test waits for what is bound to happen, and the waiting for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

PATIENCE_S = 60.0
"""Far more than anything here takes, also on a busy machine: a test that uses it up has found a fault."""


def wait_until(condition: Callable[[], object]) -> None:
    """Until the condition holds, which another thread or process brings about."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be so"
        time.sleep(0.005)


async def until(condition: Callable[[], object]) -> None:
    """The same, while this loop goes on."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be so"
        await asyncio.sleep(0.005)
