"""A list to pick one row from, drawn by the line: thousands of rows cost no more than the visible ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip

from tui import keys
from tui.foreign import fitted, shortened, visible
from tui.themes import paint
from tui.widgets.line_view import CursorLines

_MATCH = Style(underline=True, bold=True)


@dataclass(frozen=True)
class Pick:
    """One row: what picking it returns, its text, and a quieter text to the right of it."""

    key: str
    label: str
    detail: str = ""
    mark: str = ""
    """One or two characters before the label, such as a dot at the current one."""
    color: str = ""
    """Of the mark, as a terminal is told it."""
    enabled: bool = True


class PickList(CursorLines):
    """Rows with a cursor. Enter or a click picks; the owner filters by setting `choices`."""

    DEFAULT_CSS = "PickList { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }"
    BINDINGS: ClassVar[list[BindingType]] = keys.plain("enter", "pick")

    class Picked(Message):
        def __init__(self, sender: PickList, choice: Pick) -> None:
            super().__init__()
            self.pick_list = sender
            self.choice = choice

        @property
        def control(self) -> PickList:
            return self.pick_list

    class Moved(Message):
        """The cursor stands on another row, or on none (None) when the list is empty."""

        def __init__(self, sender: PickList, choice: Pick | None) -> None:
            super().__init__()
            self.pick_list = sender
            self.choice = choice

        @property
        def control(self) -> PickList:
            return self.pick_list

    def __init__(
        self, choices: Sequence[Pick] = (), *, id: str | None = None, empty: str = "nothing here", active: bool = False
    ) -> None:
        super().__init__(id=id)
        self._choices: Sequence[Pick] = choices
        self._empty = empty
        self._active = active
        """Drawn as if focused: a filter field above has the focus and sends the cursor keys here."""
        self._words: Sequence[str] = ()
        self._label_width = self._detail_width = 0

    def on_mount(self) -> None:
        self.choices = self._choices

    @property
    def choices(self) -> Sequence[Pick]:
        return self._choices

    @choices.setter
    def choices(self, choices: Sequence[Pick]) -> None:
        kept = self.current.key if self.current is not None else None
        self._choices = choices
        self._label_width = max((_width(choice.label) for choice in choices), default=0)
        self._detail_width = max((_width(choice.detail) for choice in choices), default=0)
        self._index = next((row for row, choice in enumerate(choices) if choice.key == kept), 0)
        self.set_line_count(len(choices))
        self._show_cursor()
        self.post_message(self.Moved(self, self.current))

    def mark_words(self, words: Sequence[str]) -> None:
        """Show where these stand in the rows; the next `choices` draw them."""
        self._words = [word.casefold() for word in words]

    @property
    def current(self) -> Pick | None:
        return self._choices[self._index] if 0 <= self._index < len(self._choices) else None

    @property
    def count(self) -> int:
        return len(self._choices)

    def cursor_moved(self) -> None:
        self.post_message(self.Moved(self, self.current))

    def clicked(self, again: bool) -> None:
        self.action_pick()

    def select(self, key: str) -> None:
        """Put the cursor on the row with this key, if there is one."""
        for row, choice in enumerate(self._choices):
            if choice.key == key:
                self._go(row)
                return

    def action_pick(self) -> None:
        if self.current is not None and self.current.enabled:
            self.post_message(self.Picked(self, self.current))

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        base, ink = self.rich_style, paint(self.app)
        row = int(self.scroll_y) + y
        if not self._choices and y == 0:
            empty = Segment("  " + shortened(self._empty, width - 2), base + ink.muted)
            return Strip([empty]).adjust_cell_length(width, base)
        if row >= len(self._choices):
            return Strip.blank(width, base)
        choice = self._choices[row]
        style, quiet, cursor = base, base + ink.muted, " "
        if row == self._index:
            cursor = "▸"
            if self.has_focus or self._active:
                style = quiet = base + ink.cursor
            else:
                style, quiet = base + ink.resting, quiet + ink.resting
        if not choice.enabled:
            style = quiet
        start = f"{cursor}{choice.mark}{' ' if choice.mark else ''}"
        # A colour is seen on the list's own ground alone.
        begin = self._marked(start, style)
        if choice.color:
            begin = [
                Segment(cursor, style),
                Segment(choice.mark, base + Style(color=choice.color)),
                Segment(" ", style),
            ]
        # A label is cut only where its detail needs the room.
        most = max(12, width * 3 // 5, width - len(start) - self._detail_width - 3)
        label_width = min(self._label_width, most) if choice.detail else width
        label_width = min(label_width, max(0, width - len(start) - 1))
        segments = begin
        if choice.detail:
            segments += self._marked(fitted(visible(choice.label), label_width), style)
            detail = shortened(visible(choice.detail), max(0, width - len(start) - label_width - 3))
            segments += [Segment("  ", quiet), *self._marked(detail, quiet)]
        else:
            segments += self._marked(shortened(visible(choice.label), label_width), style)
        return Strip(segments).adjust_cell_length(width, style)

    def _marked(self, text: str, style: Style) -> list[Segment]:
        """The text with every place underlined where one of the words stands."""
        folded = text.casefold()
        if not self._words or len(folded) != len(text):
            return [Segment(text, style)]
        inside = bytearray(len(text))
        for word in self._words:
            at = folded.find(word)
            while at >= 0:
                inside[at : at + len(word)] = b"\1" * len(word)
                at = folded.find(word, at + 1)
        lit = style + _MATCH
        return [
            Segment("".join(text[at] for at in run), lit if marked else style)
            for marked, run in groupby(range(len(text)), key=inside.__getitem__)
        ]


def _width(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)


def matching(choices: Sequence[Pick], typed: str) -> Sequence[Pick]:
    """The rows that hold every typed word, those whose label starts with the text or a word of it first."""
    words = typed.casefold().split()
    if not words:
        return choices
    found: list[tuple[int, int, Pick]] = []
    for row, choice in enumerate(choices):
        label = choice.label.casefold()
        text = f"{label} {choice.detail.casefold()}"
        if not all(word in text for word in words):
            continue
        if label.startswith(words[0]):
            rank = 0
        elif all(word in label for word in words):
            rank = 1 if any(part.startswith(words[0]) for part in label.replace("/", " ").split()) else 2
        else:
            rank = 3
        found.append((rank, row, choice))
    found.sort(key=lambda entry: entry[:2])
    return [choice for _, _, choice in found]
