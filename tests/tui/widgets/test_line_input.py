"""Text fields take keys in the order in which they were typed, however fast they come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.widget import Widget

from tui.widgets.body_text import BodyText
from tui.widgets.line_input import LineInput
from tui.widgets.names import Names
from tui.widgets.template_input import TemplateInput


class FieldApp(App[None]):
    def __init__(self, make: Callable[[], Widget]) -> None:
        super().__init__()
        self._make = make

    def compose(self) -> ComposeResult:
        yield self._make()


def at_once(app: App[Any], *keys: str) -> None:
    """As they come from a terminal that had to wait: all before the first was looked at."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))


FIELDS: dict[str, Callable[[], LineInput | BodyText]] = {
    "line": LineInput,
    "template": lambda: TemplateInput("", names=Names),
    "body": lambda: BodyText(Names),
}


@pytest.mark.parametrize("kind", FIELDS)
async def test_keys_that_come_at_once_keep_their_order(kind: str) -> None:
    app = FieldApp(FIELDS[kind])
    async with app.run_test() as pilot:
        field = app.query_one("LineInput, BodyText")
        field.focus()
        await pilot.pause()
        at_once(app, *"there", *["backspace"] * 5, *"othre", "left", "backspace", "end", "backspace", *"er")
        await pilot.pause()
        await pilot.pause()
        assert (field.text if isinstance(field, BodyText) else getattr(field, "value", "")) == "other"
