"""One line that asks for a text and gives it to whoever asked; it takes the place of another line meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Static
from textual.widgets.input import Selection

from tui import keys
from tui.foreign import visible
from tui.widgets.line_input import LineInput


class AskLine(Horizontal):
    """Not seen until something is asked. `done` gets None when the person gave up, or went elsewhere."""

    DEFAULT_CSS = """
    AskLine { height: 1; display: none; }
    AskLine Static { width: auto; padding: 0 1; }
    AskLine LineInput { width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = keys.plain("escape", "give_up")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._done: Callable[[str | None], None] = lambda text: None

    def compose(self) -> ComposeResult:
        yield Static("", markup=False)
        yield LineInput()

    @property
    def asking(self) -> bool:
        return bool(self.display)

    def ask(self, label: str, text: str, done: Callable[[str | None], None], *, whole: bool = False) -> None:
        """Ask; `done` is called once with what was entered. `whole`: what is typed takes the place of `text`."""
        self._done = done
        self.query_one(Static).update(visible(label))
        field = self.query_one(Input)
        field.value = text
        field.selection = Selection(0 if whole else len(text), len(text))
        self.display = True
        field.focus()

    def _answer(self, text: str | None) -> None:
        self.display = False
        done, self._done = self._done, lambda text: None
        done(text)

    def action_give_up(self) -> None:
        self._answer(None)

    @property
    def has_keys(self) -> bool:
        """Whether the keys come here; also where they go nowhere, as while the terminal's window is in the back."""
        return self.screen.focused in (None, self.query_one(Input))

    def on_descendant_blur(self) -> None:
        if self.asking and not self.has_keys:
            self._answer(None)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._answer(event.value)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
