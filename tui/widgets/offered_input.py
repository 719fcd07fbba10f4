"""A text field that may be offered texts: up and down put one of them in, and typing by hand goes on as ever."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.actions import SkipAction
from textual.binding import BindingType

from tui import keys
from tui.widgets.line_input import LineInput


class OfferedInput(LineInput):
    """Past the first and the last of its `offers` the keys do what they do in the form around it."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.plain("up", "offer(-1)"), *keys.plain("down", "offer(1)")]

    def __init__(self, value: str = "", **arguments: Any) -> None:
        super().__init__(value, **arguments)
        self.offers: Sequence[str] = ()

    def action_offer(self, by: int) -> None:
        at = self.offers.index(self.value) + by if self.value in self.offers else 0 if by > 0 else -1
        if not 0 <= at < len(self.offers):
            raise SkipAction
        self.value = self.offers[at]
        self.cursor_position = len(self.value)
