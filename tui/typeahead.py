"""Makes keys wait until what the keys before them started has come up, so that each acts on what it was typed for.

A dialog, a mode or a field in a table takes a moment to appear; over a slow line, or from a paste, the keys meant for
it are there before it is. They are kept in order and given to whatever has the focus then.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from textual import events
from textual.message_pump import MessagePump
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.app import App

PATIENCE_S = 1.0
"""How long keys wait for work that neither asks something nor ends, such as an answer of a server."""
_TURNS = 50
"""Turns of the event loop before the waiting takes pauses."""
_PAUSE_S = 0.002

working_for: ContextVar[Hold | None] = ContextVar("working_for", default=None)
"""What makes the keys wait for the work that is running here, if they do."""


class Hold:
    """One piece of work that keys wait for: until it asks something, ends, lets them go on, or takes too long."""

    def __init__(self, holds: set[Hold]) -> None:
        self._holds = holds
        self._end: asyncio.TimerHandle | None = None

    def take(self) -> None:
        """Make the keys wait from now on, anew if they do already."""
        self.free()
        self._holds.add(self)
        self._patience(PATIENCE_S)

    def free(self) -> None:
        """Let the keys go on."""
        self._holds.discard(self)
        if self._end is not None:
            self._end.cancel()
            self._end = None

    def _patience(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds

        def over() -> None:
            # Where the loop itself was held up, by an import or a slow machine, the work had no chance to go on.
            if loop.time() - due > _PAUSE_S * _TURNS:
                self._patience(seconds / 4)
            else:
                self.free()

        self._end = loop.call_at(due, over)


class Typeahead:
    """The keys of one app that came too early."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._waiting: deque[events.Event] = deque()
        self._next: events.Event | None = None
        self._delivery: asyncio.Task[None] | None = None
        self._holds: set[Hold] = set()

    @property
    def waiting(self) -> bool:
        """Keys are still kept back."""
        return bool(self._waiting)

    def hold(self) -> Hold:
        """Work begins that may ask something."""
        hold = Hold(self._holds)
        hold.take()
        return hold

    def keeps(self, event: events.Event) -> bool:
        """Whether a key or paste has to wait; then it is posted to the app again. Asked by the app's event handler."""
        if event is self._next:
            self._next = None
            return False
        if self._delivery is None and not self._holds and self._is_still(here=self._app):
            return False
        self._waiting.append(event)
        if self._delivery is None:
            self._delivery = asyncio.create_task(self._deliver())
        return True

    async def _deliver(self) -> None:
        try:
            while self._waiting and self._app.is_running:
                await self._settled()
                self._next = self._waiting.popleft()
                self._app.post_message(self._next)
        finally:
            self._delivery = None

    async def _settled(self) -> None:
        # Counted in turns, in each of which everything goes on a step: on a slow machine they take longer.
        turn, most = 0, _TURNS + PATIENCE_S / _PAUSE_S
        while self._holds or (not self._is_still() and turn < most):
            turn = min(turn + 1, _TURNS) if self._holds else turn + 1
            await asyncio.sleep(0 if turn < _TURNS else _PAUSE_S)

    def _is_still(self, here: MessagePump | None = None) -> bool:
        """Whether nothing is on its way to any part of the screen; `here` is the part that is asking."""
        app = self._app
        stack = app._screen_stacks.get(app._current_mode)
        if not stack or not _rests(app, here):
            return False
        screen = stack[-1]
        # Where tab goes to depends on where everything is.
        if screen._callbacks or screen._layout_required or screen._recompose_required:
            return False
        return all(_rests(below) for below in stack[:-1]) and all(_rests(part) for part in _parts(screen))


def _parts(widget: Widget) -> Iterator[Widget]:
    yield widget
    for child in widget.children:
        yield from _parts(child)


def _rests(pump: MessagePump, here: MessagePump | None = None) -> bool:
    """Whether this has nothing to do: it waits for its next message, or is gone."""
    if pump._closing or pump._closed:
        return True
    queue: Any = pump._message_queue
    if not queue.empty() or pump._pending_message is not None:
        return False
    # What is handling a message, or is not mounted yet, does not stand waiting for the next one.
    return pump is here or bool(queue.ready_event._waiters)
