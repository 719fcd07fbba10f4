"""A one-line text field without border and blink: a key repaints its own line and lays nothing out."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual import events
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widgets import Input

from tui.foreign import one_cell_each, visible
from tui.widgets.own_keys import act_on_own_key


class LineInput(Input):
    """Input as this app uses it everywhere."""

    DEFAULT_CSS = """
    LineInput { background: $surface; padding: 0; }
    LineInput:focus { background: $panel; background-tint: 0%; }
    """
    cursor_blink = False
    # Textual lays out the whole screen when this changes, which is at every key.
    virtual_size = Reactive(Size(0, 0), layout=False)

    def __init__(self, value: str = "", *, placeholder: str = "", **arguments: Any) -> None:
        arguments.setdefault("select_on_focus", False)
        if "validators" not in arguments:
            # Validating nothing would still set a class at the first key, which matches styles anew.
            arguments.setdefault("validate_on", ())
        super().__init__(value, visible(placeholder), compact=True, **arguments)
        self.cursor_blink = False

    async def _on_key(self, event: events.Key) -> None:
        # Terminals send alt and a letter with the letter as its text, which is no text to type in.
        if event.key.startswith("alt+"):
            event.prevent_default()
        await act_on_own_key(self, event)

    @property
    def _value(self) -> Text:
        """As Input draws it, which would hand a terminal whatever stands in the text."""
        if self.password:
            return super()._value
        return Text(one_cell_each(self.value), no_wrap=True, overflow="ignore", end="")
