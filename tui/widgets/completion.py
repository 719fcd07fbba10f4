"""Completing `{{names}}`, and what else a field has an offer for: a small list under the cursor of the text field."""

from __future__ import annotations

import re
from collections.abc import Callable

from rich.segment import Segment
from textual import events
from textual.geometry import Offset
from textual.strip import Strip
from textual.widget import Widget

from tui.foreign import shortened
from tui.themes import paint
from tui.widgets.names import Names, Words

_OPEN = re.compile(r"\{\{(?:vault:)?([A-Za-z0-9_.$-]*)$")
_ROWS = 8


class CompletionList(Widget, can_focus=False):
    """The rows; it never has the focus, the field it serves sends it the keys."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    CompletionList {
        overlay: screen; position: absolute; constrain: inside inside; display: none;
        width: 56; max-width: 100%; height: 8; background: $panel; color: $foreground;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[str, str]] = []
        self._index = 0
        self._top = 0
        self.pick: Callable[[str], None] = lambda name: None

    @property
    def current(self) -> str | None:
        return self._rows[self._index][0] if self._rows and self._index >= 0 else None

    def offer(self, rows: list[tuple[str, str]], at: Offset, *, chosen: bool) -> None:
        """Show these rows below, or where there is no room above, the cell where the name begins; `chosen`: the first
        one is."""
        self._rows, self._index, self._top = rows, 0 if chosen else -1, 0
        height = min(_ROWS, len(rows))
        below = at.y + 1 + height <= self.app.size.height
        place = Offset(at.x, at.y + 1 if below else at.y - height)
        if self.styles.height is None or int(self.styles.height.value) != height or self.absolute_offset != place:
            self.styles.height = height
            self.absolute_offset = place
            self.refresh(layout=True)
        self.display = True
        self.refresh()

    def move(self, by: int) -> None:
        self._index = (max(self._index, -(by > 0)) + by) % len(self._rows)
        self._top = max(self._index - _ROWS + 1, min(self._top, self._index))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        base, ink = self.rich_style, paint(self.app)
        width = self.size.width
        row = self._top + y
        if row >= len(self._rows):
            return Strip.blank(width, base)
        name, said = self._rows[row]
        chosen = row == self._index
        style = base + ink.cursor if chosen else base
        room = max(width // 2, width - len(said) - 4)
        # Of a path too long for the list the end says which one it is.
        shown = f"…{name[1 - room :]}" if "/" in name and len(name) > room else shortened(name, room)
        quiet = style if chosen else base + ink.muted
        segments = [
            Segment(f"{'▸' if chosen else ' '}{shown}", style),
            Segment(f"  {shortened(said, max(0, width - len(shown) - 4))}", quiet),
        ]
        return Strip(segments).adjust_cell_length(width, style)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        event.stop()
        row = self._top + event.y
        if row < len(self._rows):
            self.pick(self._rows[row][0])


class Completer:
    """What a text field needs to complete names: it looks at the text before the cursor, takes keys while it offers."""

    def __init__(self, field: Widget, replace: Callable[[int, str], None], cursor: Callable[[], Offset]) -> None:
        """`replace(n, text)` puts a text in place of the n characters before the cursor, and closing braces where there
        are none; `cursor` is the cell of the cursor on the screen."""
        self.names: Callable[[], Names] = Names
        self.words: Words | None = None
        """None is chosen until a key does, for any other text may be meant."""
        self.take_word: Callable[[str], None] = lambda word: None
        """Puts a word in place of all that stands before the cursor."""
        self._field = field
        self._replace = replace
        self._cursor = cursor
        self._typed = ""
        self._is_name = True

    def _list(self) -> CompletionList | None:
        return next(iter(self._field.screen.query_children(CompletionList)), None)

    @property
    def is_open(self) -> bool:
        shown = self._list()
        return shown is not None and shown.display and shown.pick == self._take

    def look(self, before_cursor: str) -> None:
        """Offer what goes on from the text before the cursor, or close."""
        match = _OPEN.search(before_cursor)
        if match is not None:
            typed, rows = match[1], self.names().completions(match[1])
        else:
            typed, rows = before_cursor, list(self.words(before_cursor)) if self.words is not None else []
        if not rows or (len(rows) == 1 and rows[0][0] == typed):
            self.close()
            return
        self._typed = typed
        self._is_name = match is not None
        shown = self._list()
        if shown is None:
            shown = CompletionList()
            self._field.screen.mount(shown)
        shown.pick = self._take
        shown.offer(rows, self._cursor() - Offset(len(self._typed) + 1, 0), chosen=self._is_name)

    def _take(self, name: str) -> None:
        self.close()
        if self._is_name:
            self._replace(len(self._typed), name)
        else:
            self.take_word(name)
            if not name.endswith("/"):
                # Only what is in a folder is offered next; longer words that begin like this one are not meant.
                self.close()

    def key(self, event: events.Key) -> bool:
        """Use a key if the list is open and the key is one of its own."""
        shown = self._list()
        if not self.is_open or shown is None:
            return False
        if event.key in ("up", "down"):
            shown.move(1 if event.key == "down" else -1)
        elif event.key in ("tab", "enter") and shown.current is not None:
            self._take(shown.current)
            if not self._is_name and not self.is_open:
                # The text is whole: the key also does what it does in the field, such as going on to the next one.
                return False
        elif event.key == "escape":
            self.close()
        else:
            if event.key in ("tab", "enter"):
                self.close()
            return False
        event.stop()
        event.prevent_default()
        return True

    def close(self) -> None:
        if self._field.is_attached and (shown := self._list()) is not None and shown.pick == self._take:
            shown.display = False
