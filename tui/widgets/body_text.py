"""A text area for request bodies: names in templates coloured and completed, text coloured by the line."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual import events
from textual.widgets import TextArea

from tui.foreign import one_cell_each
from tui.themes import paint
from tui.widgets.completion import Completer
from tui.widgets.names import Names
from tui.widgets.own_keys import act_on_own_key
from tui.widgets.syntax import styles, tokens
from tui.widgets.template_input import Hint

LARGEST = 256 * 1024
"""A longer text is not put into a text area: laying it out would hold up every key."""

_LONGEST_COLOURED = 2_000


class BodyText(TextArea):
    """Posts `TextArea.Changed` for edits of the person only."""

    DEFAULT_CSS = """
    BodyText { border: none; padding: 0; background: $background; scrollbar-size-vertical: 1; }
    BodyText:focus { border: none; }
    BodyText .text-area--cursor-line { background: $background; }
    BodyText:focus .text-area--cursor-line { background: $surface; }
    """

    def __init__(self, names: Callable[[], Names], *, id: str | None = None) -> None:
        super().__init__(compact=True, soft_wrap=True, tab_behavior="focus", id=id)
        self.cursor_blink = False
        self.match_cursor_bracket = False
        self._names = names
        self._given = self._loaded = ""
        self._syntax = ""
        self._completer = Completer(self, self._put, lambda: self.cursor_screen_offset)
        self._completer.names = names
        self._hint = ""

    def show(self, text: str, syntax: str = "") -> None:
        """Show another text; this is no edit. `syntax` is one of `tui.widgets.syntax`, empty for none."""
        self._syntax = syntax
        if text != self.value:
            self._given = text
            with self.prevent(TextArea.Changed):
                self.load_text(text)
            self._loaded = self.text

    @property
    def value(self) -> str:
        """The text as edited; as given while nothing was, since a text area makes all line ends of a text the same."""
        text: str = self.text
        return self._given if text == self._loaded else text

    def recolour(self) -> None:
        """The names mean something else now."""
        self._line_cache.clear()
        self.refresh()

    def get_line(self, line_index: int) -> Text:
        line = self.document.get_line(line_index)
        text = Text(one_cell_each(line), end="", no_wrap=True)
        if len(line) > _LONGEST_COLOURED:
            return text
        ink = paint(self.app)
        if self._syntax:
            looks = styles(ink)
            data = line.encode("utf-8", "surrogatepass")
            for start, end, look in tokens(data, self._syntax):
                text.stylize(looks[look], _characters(data, start), _characters(data, end))
        if "{{" in line:
            for start, end, style in self._names().styled(line, ink):
                text.stylize(style, start, end)
        return text

    def _before_cursor(self) -> str:
        row, column = self.cursor_location
        return str(self.document.get_line(row))[:column]

    def _put(self, typed: int, name: str) -> None:
        row, column = self.cursor_location
        rest = str(self.document.get_line(row))[column:]
        close = "" if rest.startswith("}}") else "}}"
        self.replace(name + close, (row, column - typed), (row, column))
        self.move_cursor((row, column - typed + len(name) + 2))

    async def _on_key(self, event: events.Key) -> None:
        # As in LineInput: alt and a letter is a key, whatever text comes with it.
        if event.key.startswith("alt+"):
            event.prevent_default()
            return
        taken = self._completer.key(event)
        if not taken and (event.is_printable or event.key == "backspace"):
            self.call_after_refresh(self._offer)
        if not taken:
            await act_on_own_key(self, event)

    def _offer(self) -> None:
        if self.has_focus:
            self._completer.look(self._before_cursor())

    def _watch_selection(self, previous_selection: object, selection: object) -> None:
        super()._watch_selection(previous_selection, selection)  # type: ignore[arg-type]
        if self.is_attached and self.has_focus:
            self._say_hint()
            if self._completer.is_open:
                self._completer.look(self._before_cursor())

    def on_focus(self) -> None:
        self._say_hint()

    def on_blur(self) -> None:
        self._completer.close()
        self._say("")

    def _say_hint(self) -> None:
        row, column = self.cursor_location
        self._say(self._names().hint_at(str(self.document.get_line(row))[:_LONGEST_COLOURED], column))

    def _say(self, hint: str) -> None:
        if hint != self._hint:
            self._hint = hint
            self.post_message(Hint(self, hint))


def _characters(data: bytes, position: int) -> int:
    """A place in the bytes of a line as a place in its text."""
    return position if data.isascii() else len(data[:position].decode("utf-8", "replace"))
