"""Completing `{{names}}`: a small list under the cursor of whatever text field is typed in."""

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
from tui.widgets.names import Names

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
        return self._rows[self._index][0] if self._rows else None

    def offer(self, rows: list[tuple[str, str]], at: Offset) -> None:
        """Show these rows below, or where there is no room above, the cell where the name begins."""
        self._rows, self._index, self._top = rows, 0, 0
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
        self._index = (self._index + by) % len(self._rows)
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
        shown = shortened(name, width // 2)
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
        self._field = field
        self._replace = replace
        self._cursor = cursor
        self._typed = ""

    def _list(self) -> CompletionList | None:
        return next(iter(self._field.screen.query_children(CompletionList)), None)

    @property
    def is_open(self) -> bool:
        shown = self._list()
        return shown is not None and shown.display and shown.pick == self._take

    def look(self, before_cursor: str) -> None:
        """Offer what goes on from the text before the cursor, or close."""
        match = _OPEN.search(before_cursor)
        rows = self.names().completions(match[1]) if match else []
        if match is None or not rows or (len(rows) == 1 and rows[0][0] == match[1]):
            self.close()
            return
        self._typed = match[1]
        shown = self._list()
        if shown is None:
            shown = CompletionList()
            self._field.screen.mount(shown)
        shown.pick = self._take
        shown.offer(rows, self._cursor() - Offset(len(self._typed) + 1, 0))

    def _take(self, name: str) -> None:
        self.close()
        self._replace(len(self._typed), name)

    def key(self, event: events.Key) -> bool:
        """Use a key if the list is open and the key is one of its own."""
        shown = self._list()
        if not self.is_open or shown is None:
            return False
        if event.key in ("up", "down"):
            shown.move(1 if event.key == "down" else -1)
        elif event.key in ("tab", "enter") and shown.current is not None:
            self._take(shown.current)
        elif event.key == "escape":
            self.close()
        else:
            return False
        event.stop()
        event.prevent_default()
        return True

    def close(self) -> None:
        if self._field.is_attached and (shown := self._list()) is not None and shown.pick == self._take:
            shown.display = False
