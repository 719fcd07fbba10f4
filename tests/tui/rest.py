"""When an app under a pilot is at rest, which Textual's pilot guesses at: by how much CPU the process used in 20 ms."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual._context import active_app

from tui.typeahead import Typeahead

FRAME_S = 0.02
"""A timer due within it is part of what goes on: the next drawing, a step of work in slices."""
FRAMES = 4
"""How many of those are waited for: some come again and again."""
TURNS = 50
"""Turns of the event loop before the waiting takes pauses."""
PAUSE_S = 0.002
PAUSES = 500
"""For work that waits for another thread or a server; a test that needs its end waits for that itself."""


async def at_rest(*_: float) -> None:
    """Until nothing is on its way to any part of the app, its event loop has nothing to do, and no key is kept back."""
    loop: Any = asyncio.get_running_loop()
    app: Any = active_app.get()
    typeahead = getattr(app, "typeahead", None) or Typeahead(app)
    turns = frames = 0
    while app.is_running and app._exception is None and turns < TURNS + PAUSES:
        turns += 1
        await asyncio.sleep(0 if turns < TURNS else PAUSE_S)
        if loop._ready or typeahead.waiting or typeahead._holds or not typeahead._is_still():
            continue
        due = [timer.when() for timer in loop._scheduled if not timer.cancelled()]
        if not due or frames == FRAMES or min(due) > loop.time() + FRAME_S:
            return
        frames += 1
        await asyncio.sleep(min(due) - loop.time())


@pytest.fixture(autouse=True)
def wait_for_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("textual.pilot", "textual.app"):
        monkeypatch.setattr(f"{module}.wait_for_idle", at_rest)
