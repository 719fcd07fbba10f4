"""A one-line field for text with templates: names coloured by kind, completed, and explained in the hint line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from tui.themes import paint
from tui.widgets.completion import Completer
from tui.widgets.line_input import LineInput
from tui.widgets.names import Names, Words


class Hint(Message):
    """What stands at the cursor, in one line for the hint line; empty when there is nothing to say."""

    def __init__(self, said_by: Widget, text: str) -> None:
        super().__init__()
        self.said_by = said_by
        self.text = text


class TemplateInput(LineInput):
    """A LineInput that knows `names`; the owner sets them again when the scope changes."""

    def __init__(
        self, value: str = "", *, names: Callable[[], Names] = Names, placeholder: str = "", **more: Any
    ) -> None:
        self._names = names
        super().__init__(value, placeholder=placeholder, **more)
        self._completer = Completer(self, self._put, lambda: self.cursor_screen_offset)
        self._completer.names = names
        self._completer.take_word = self._take_word
        self._hint = ""

    @property
    def _value(self) -> Text:
        text = super()._value
        if "{{" in self.value:
            for start, end, style in self._names().styled(self.value, paint(self.app)):
                text.stylize(style, start, end)
        return text

    def offer(self, words: Words | None) -> None:
        """Complete whole texts beside names, from the next key on."""
        self._completer.words = words

    def _put(self, typed: int, name: str) -> None:
        cursor = self.cursor_position
        rest = self.value[cursor:]
        close = "" if rest.startswith("}}") else "}}"
        self.value = self.value[: cursor - typed] + name + close + rest
        self.cursor_position = cursor - typed + len(name) + 2

    def _take_word(self, word: str) -> None:
        self.value = word + self.value[self.cursor_position :]
        self.cursor_position = len(word)

    async def _on_key(self, event: events.Key) -> None:
        self._completer.key(event)

    def _watch_value(self, value: str) -> None:
        super()._watch_value(value)
        if self.has_focus:
            self._completer.look(value[: self.cursor_position])

    def _watch_selection(self, selection: Any) -> None:
        super()._watch_selection(selection)
        if self.is_attached and self.has_focus:
            self.say_hint()
            if self._completer.is_open:
                self._completer.look(self.value[: self.cursor_position])

    def on_focus(self) -> None:
        self.say_hint()
        if self._completer.words is not None:
            # Where the cursor is on the screen is known only then.
            self.call_after_refresh(self._offer_words)

    def _offer_words(self) -> None:
        if self.has_focus:
            self._completer.look(self.value[: self.cursor_position])

    def on_blur(self) -> None:
        self._completer.close()
        self._say("")
        self.scroll_to(x=0, animate=False, force=True)

    def say_hint(self) -> None:
        self._say(self._names().hint_at(self.value, self.cursor_position))

    def _say(self, hint: str) -> None:
        if hint != self._hint:
            self._hint = hint
            self.post_message(Hint(self, hint))
