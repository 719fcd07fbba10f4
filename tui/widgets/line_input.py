"""A one-line text field without border and blink: a key repaints its own line and lays nothing out."""

from __future__ import annotations

from typing import Any

from textual.widgets import Input

from tui.foreign import visible


class LineInput(Input):
    """Input as this app uses it everywhere."""

    DEFAULT_CSS = """
    LineInput { background: $surface; padding: 0; }
    LineInput:focus { background: $panel; background-tint: 0%; }
    """
    cursor_blink = False

    def __init__(self, value: str = "", *, placeholder: str = "", **arguments: Any) -> None:
        arguments.setdefault("select_on_focus", False)
        super().__init__(value, visible(placeholder), compact=True, **arguments)
        self.cursor_blink = False
