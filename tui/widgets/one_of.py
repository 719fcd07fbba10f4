"""One of a few values on one line, chosen with the arrow keys or space; and its simplest case, on or off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget


class OneOf(Widget, can_focus=True):
    """All values side by side where there is room, else only the chosen one between arrows."""

    DEFAULT_CSS = """
    OneOf {
        width: 1fr;
        height: 1;
        background: $surface;
        color: $foreground;
        text-wrap: nowrap;
        &:focus { background: $panel; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space", "step(1)", "Next value", show=False),
        Binding("left", "step(-1)", "Previous value", show=False),
        Binding("enter", "submit", "Save", show=False),
    ]

    class Changed(Message):
        def __init__(self, one_of: OneOf, value: str) -> None:
            super().__init__()
            self.one_of = one_of
            self.value = value

        @property
        def control(self) -> OneOf:
            return self.one_of

    class Submitted(Message):
        """Enter, which in a form means: take all of it."""

        def __init__(self, one_of: OneOf) -> None:
            super().__init__()
            self.one_of = one_of

        @property
        def control(self) -> OneOf:
            return self.one_of

    def __init__(self, options: Sequence[tuple[str, str]], value: str | None = None, *, id: str | None = None) -> None:
        """`options` are pairs of value and label."""
        super().__init__(id=id)
        self._options = tuple(options)
        values = [option for option, _ in self._options]
        self._at = values.index(value) if value in values else 0

    @property
    def value(self) -> str:
        return self._options[self._at][0]

    @value.setter
    def value(self, value: str) -> None:
        self._choose([option for option, _ in self._options].index(value))

    def _choose(self, at: int) -> None:
        if at != self._at:
            self._at = at
            self.refresh()
            self.post_message(self.Changed(self, self.value))

    def action_step(self, step: int) -> None:
        self._choose((self._at + step) % len(self._options))

    def action_submit(self) -> None:
        self.post_message(self.Submitted(self))

    def on_click(self, event: events.Click) -> None:
        for at, (start, end) in enumerate(self._spans()):
            if start <= event.x < end:
                self._choose(at)
                return
        if not self._spans():
            self.action_step(1)

    def _spans(self) -> list[tuple[int, int]]:
        """Where each value stands, empty when there is no room for all."""
        spans = []
        x = 0
        for _, label in self._options:
            spans.append((x, x + 4 + len(label)))
            x += 4 + len(label) + 2
        return spans if spans and spans[-1][1] <= self.size.width else []

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return sum(len(label) + 6 for _, label in self._options) - 2

    def render(self) -> Content:
        if not self._spans():
            shown = Content(f"\u2039 {self._options[self._at][1]} \u203a")
            return shown.stylize("bold") if self.has_focus else shown
        parts = []
        for at, (_, label) in enumerate(self._options):
            chosen = at == self._at
            style = ("bold reverse" if self.has_focus else "bold") if chosen else "dim"
            parts.append(Content.styled(f"{'(•)' if chosen else '( )'} {label}", style))
        return Content("  ").join(parts)


class Toggle(OneOf):
    """On or off: `[x]`."""

    def __init__(self, on: bool = False, *, id: str | None = None) -> None:
        super().__init__((("off", "no"), ("on", "yes")), "on" if on else "off", id=id)

    @property
    def on(self) -> bool:
        return self.value == "on"

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return 7

    def on_click(self, event: events.Click) -> None:
        self.action_step(1)

    def render(self) -> Content:
        mark = Content.styled("[x]" if self.on else "[ ]", "bold reverse" if self.has_focus else "bold")
        return mark + Content(" yes" if self.on else " no")
