"""A text of several lines, written here or in the person's own editor; taken only when nothing is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from tui import keys
from tui.foreign import foreign
from tui.messages import TextAsked
from tui.screens.base import SessionDialog
from tui.screens.dialogs import ConfirmDialog, DialogButton
from tui.widgets.body_text import BodyText
from tui.widgets.footer import KeyFooter

if TYPE_CHECKING:
    from core.session import Session

_SUFFIXES = {"json": ".json"}
"""What an editor takes the language from, by the syntax of the text."""


class TextDialog(SessionDialog[str]):
    """Holds the text as written: templates stay templates, also on the way to an editor."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.DIALOG), *keys.bindings(keys.TEXT_DIALOG)]
    DEFAULT_CSS = """
    TextDialog BodyText { height: 1fr; min-height: 3; background: $background; }
    TextDialog .dialog { height: 90%; }
    """

    def __init__(self, session: Session, asked: TextAsked) -> None:
        super().__init__(session)
        self._asked = asked
        self._text = BodyText(asked.names, id="text")
        self._problem = Static("", id="problem", classes="dialog-problem")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large") as box:
            box.border_title = foreign(self._asked.title)
            if self._asked.note:
                yield Static(foreign(self._asked.note, lines=True), classes="dialog-label")
            yield self._text
            yield self._problem
            with Horizontal(classes="dialog-buttons"):
                yield DialogButton("Take", id="yes")
                yield DialogButton("Cancel", id="no")
        yield KeyFooter()

    def on_mount(self) -> None:
        self._text.show(self._asked.text, self._asked.syntax)
        self._text.move_cursor(self._text.document.end)
        self._text.focus()

    def action_take(self) -> None:
        text = self._text.value
        problem = self._asked.problem(text)
        if not problem:
            self.dismiss(text)
            return
        self._problem.update(foreign(f"! {problem}"))
        self._text.focus()

    def action_cancel(self) -> None:
        if self._text.value == self._asked.text:
            self.dismiss(None)
        else:
            self.run(self._throw_away)

    async def _throw_away(self) -> None:
        """One key is not to cost what was typed."""
        question = "Throw away what was typed here?"
        if await self.ask(ConfirmDialog(self.session, "Text not taken", question, yes="Throw away", danger=True)):
            self.dismiss(None)

    def action_outside(self) -> None:
        from tui.terminal.outside import edited_outside

        suffix = _SUFFIXES.get(self._asked.syntax, ".txt")
        text = self._text.value
        edited = self.attempt(lambda: edited_outside(self.app, self.session, text, suffix))
        if edited is not None:
            self._text.show(edited, self._asked.syntax)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "yes":
            self.action_take()
        else:
            self.action_cancel()
