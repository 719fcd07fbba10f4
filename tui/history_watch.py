"""Tells the app what the history's thread did: its notes once, and the open list that there is more to show."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.app import HushpostApp


class HistoryWatch:
    def __init__(self, app: HushpostApp) -> None:
        self._app = app
        self._told = threading.Event()
        """The event loop was told and has not looked yet: many exchanges in a moment are one look."""
        app.session.history.changed = self._changed

    def end(self) -> None:
        self._app.session.history.changed = None

    def _changed(self) -> None:
        """In the history's thread."""
        if not self._told.is_set():
            self._told.set()
            self._app.call_later(self._look)

    def _look(self) -> None:
        from tui.foreign import visible

        self._told.clear()
        for note in self._app.session.history.take_notes():
            self._app.notify(visible(note), title="History", severity="warning", markup=False, timeout=10)
        if self._app.current_mode == "history":
            show = getattr(self._app.base_screen, "list_entries", None)
            if show is not None:
                show()
