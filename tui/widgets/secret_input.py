"""A text field for a secret: dots on screen, nothing on the clipboard, in messages or a repr; it gives a Secret."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.actions import SkipAction
from textual.message import Message
from textual.validation import ValidationResult
from textual.widgets import Input

from core.secret import Secret
from tui.widgets.line_input import LineInput


class SecretInput(LineInput):
    """A pasted text keeps its line ends, since keys and certificates have some."""

    class Changed(Input.Changed, namespace="input"):
        """Without the text."""

        def __init__(self, input: Input, value: str, validation_result: ValidationResult | None = None) -> None:
            super().__init__(input, "", validation_result)

    class Submitted(Input.Submitted, namespace="input"):
        """Without the text."""

        def __init__(self, input: Input, value: str, validation_result: ValidationResult | None = None) -> None:
            super().__init__(input, "", validation_result)

    class Blurred(Input.Blurred, namespace="input"):
        """Without the text."""

        def __init__(self, input: Input, value: str, validation_result: ValidationResult | None = None) -> None:
            super().__init__(input, "", validation_result)

    class Erased(Message):
        """Backspace in the blank field."""

        def __init__(self, input: Input) -> None:
            super().__init__()
            self.input = input

        @property
        def control(self) -> Input:
            return self.input

    def __init__(self, *, placeholder: str = "", id: str | None = None, **more: Any) -> None:
        super().__init__(placeholder=placeholder, password=True, id=id, **more)

    @property
    def secret(self) -> Secret:
        return Secret(self.value)

    @property
    def is_blank(self) -> bool:
        return not self.value

    def action_delete_left(self) -> None:
        if self.is_blank:
            self.post_message(self.Erased(self))
        super().action_delete_left()

    def action_copy(self) -> None:
        # The app's own ctrl+c must not run instead: the person meant this text.
        if not self.selected_text:
            raise SkipAction

    def action_cut(self) -> None:
        self.delete_selection()

    def _on_paste(self, event: events.Paste) -> None:
        if event.text:
            text = event.text.replace("\r\n", "\n").replace("\r", "\n")
            text = text[:-1] if text.count("\n") == 1 and text.endswith("\n") else text
            selection = self.selection
            if selection.is_empty:
                self.insert_text_at_cursor(text)
            else:
                self.replace(text, *selection)
        event.stop()
        event.prevent_default()
