"""The request's first line: method, address, and what a key does with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from core.importers.looks import looks_like_curl
from core.models import METHODS
from tui import keys
from tui.foreign import fitted, visible
from tui.themes import paint
from tui.widgets.names import Names
from tui.widgets.request_tree import method_ink
from tui.widgets.template_input import TemplateInput


class MethodField(Widget, can_focus=True):
    """The method: up, down and letters go through the usual ones, enter offers them all and any other."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "MethodField { width: 10; height: 1; background: $surface; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.plain("up", "step(-1)"),
        *keys.plain("down", "step(1)"),
        *keys.bindings(keys.METHOD),
    ]

    class Chosen(Message):
        def __init__(self, method: str) -> None:
            super().__init__()
            self.method = method

    class Asked(Message):
        """The person wants to choose from a list."""

    def __init__(self) -> None:
        super().__init__(id="method")
        self.method = "GET"

    def show(self, method: str) -> None:
        if method != self.method:
            self.method = method
            self.refresh()

    def action_step(self, by: int) -> None:
        at = METHODS.index(self.method) if self.method in METHODS else 0
        self.show(METHODS[(at + by) % len(METHODS)])
        self.post_message(self.Chosen(self.method))

    def on_key(self, event: events.Key) -> None:
        """A letter goes to the next usual method that begins with it."""
        letter = (event.character or "").upper() if not event.key.startswith("alt+") else ""
        found = [method for method in METHODS if letter and method.startswith(letter)]
        if found:
            event.stop()
            at = found.index(self.method) + 1 if self.method in found else 0
            self.show(found[at % len(found)])
            self.post_message(self.Chosen(self.method))

    def action_choose(self) -> None:
        self.post_message(self.Asked())

    def on_click(self) -> None:
        self.action_choose()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def render_line(self, y: int) -> Strip:
        ink, width = paint(self.app), self.size.width
        style = self.rich_style + (ink.cursor if self.has_focus else method_ink(self.method, ink) + Style(bold=True))
        return Strip([Segment(f" {fitted(visible(self.method), width - 3)}▾ ", style)]).adjust_cell_length(width, style)


class AddressInput(TemplateInput):
    """A pasted address loses the blanks and line breaks around and in it; a pasted command is told, not typed."""

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self._take(event.text)

    def action_paste(self) -> None:
        self._take(self.app.clipboard)

    def _take(self, text: str) -> None:
        # Terminals send a pasted line break as the key that makes one.
        lines = text.replace("\r\n", "\n").replace("\r", "\n")
        if looks_like_curl(lines):
            self.post_message(UrlBar.Pasted(lines))
        else:
            self.replace("".join(line.strip() for line in lines.split("\n")), *sorted(self.selection))


class UrlBar(Horizontal):
    """Method and address; posts an edit at each change, and enter in the address sends."""

    DEFAULT_CSS = """
    UrlBar { height: 1; background: $surface; }
    UrlBar > TemplateInput { width: 1fr; }
    """

    class Edited(Message):
        def __init__(self, method: str, url: str) -> None:
            super().__init__()
            self.method = method
            self.url = url

    class Sent(Message):
        """Enter in the address."""

    class Pasted(Message):
        """A curl command was pasted into the address, or typed there."""

        def __init__(self, command: str) -> None:
            super().__init__()
            self.command = command

    def __init__(self, names: Callable[[], Names], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.method = MethodField()
        self.url = AddressInput(names=names, placeholder="https://…  or {{base_url}}/…", id="url")

    def compose(self) -> ComposeResult:
        yield self.method
        yield self.url

    def show(self, method: str, url: str) -> None:
        """Show another request's; this is no edit."""
        self.method.show(method)
        if self.url.value != url:
            with self.url.prevent(Input.Changed):
                self.url.value = url
            self.url.cursor_position = len(url)

    def finish(self) -> tuple[str, str]:
        """Method and address as typed so far."""
        return self.method.method, self.url.value

    def choose(self, method: str) -> None:
        """Take a method that was chosen elsewhere, as an edit."""
        self.method.show(method)
        self.post_message(self.Edited(method, self.url.value))

    @on(MethodField.Chosen)
    def _chosen(self, event: MethodField.Chosen) -> None:
        event.stop()
        self.post_message(self.Edited(event.method, self.url.value))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Edited(self.method.method, event.value))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        typed = looks_like_curl(event.value)
        self.post_message(self.Pasted(event.value) if typed else self.Sent())
