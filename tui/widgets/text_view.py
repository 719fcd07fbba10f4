"""Rows of a document on the screen: only what is visible is read, coloured and drawn, and nothing is ever laid out."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.cells import cell_len, split_graphemes
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from core.reading.hexrows import HexDocument
from core.reading.picture import HALF_BLOCK, Colour, PictureDocument
from core.reading.rows import Document, TextDocument
from core.reading.search import Search
from tui import keys
from tui.foreign import visible
from tui.themes import paint
from tui.widgets.syntax import Token, overlaid, styles, tokens

_KEPT = 400
"""Drawn rows that are kept."""
_SIDE = 8
"""Columns that a key moves to the side."""

Place = tuple[int, int]
"""A row, and which part of it where rows are wrapped."""
Mask = Callable[[bytes], bytes]
"""Masks what became a secret after a document was read."""


class TextView(Widget, can_focus=True):
    """A window on a document. It scrolls at once, by rows."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "TextView { height: 1fr; width: 1fr; background: $background; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.plain("up,k", "go(-1)"),
        *keys.plain("down,j", "go(1)"),
        *keys.plain("pageup", "page(-1)"),
        *keys.plain("pagedown,space", "page(1)"),
        *keys.plain("home,g", "end(-1)"),
        *keys.plain("end,G", "end(1)"),
        *keys.plain("left,h", "side(-1)"),
        *keys.plain("right,l", "side(1)"),
    ]

    def __init__(self, moved: Callable[[], None] = lambda: None, *, id: str | None = None) -> None:
        """`moved` is called when other rows are visible. A message would come a frame late."""
        super().__init__(id=id)
        self._tell_moved = moved
        self.document: Document = TextDocument()
        self.wrap = False
        """What the person chose; prose is wrapped in any case."""
        self._prose = False
        self.search: Search | None = None
        self.current: int | None = None
        """The number of the match that the person is at."""
        self._syntax = ""
        self._numbered = False
        self._mask: Mask | None = None
        self._top: Place = (0, 0)
        self._left = 0
        self._room = Size(0, 0)
        """The size of the widget, looked up once for each frame."""
        self._known = 0
        """How many rows the document had when it was last looked at."""
        self._drawn: dict[int, Strip] = {}
        self._looked: tuple[Style, dict[str, Style]] | None = None
        self._places: list[Place] | None = None
        """What stands in each row of the screen, while that is known."""

    # What is shown

    def show(
        self,
        document: Document,
        syntax: str = "",
        *,
        numbered: bool = False,
        top: Place = (0, 0),
        mask: Mask | None = None,
        prose: bool = False,
    ) -> None:
        """Show another document; what was searched in the last one is forgotten. `prose` is wrapped at words."""
        self.document, self._syntax, self._numbered = document, syntax, numbered
        self._prose = prose
        self._mask = mask
        self.search, self.current = None, None
        self._left = 0
        if isinstance(document, HexDocument) and self._room.width:
            document.fit(self._text_width)
        self._known = document.rows
        self._top = top if top[0] < document.rows else (0, 0)
        self.redraw()

    def grew(self) -> None:
        """The document has more rows than before."""
        for row in [row for row in self._drawn if row >= self._known - 1]:
            del self._drawn[row]
        self._known = self.document.rows
        self._changed()

    def redraw(self) -> None:
        """Draw all that is visible anew."""
        self._drawn.clear()
        self._changed()

    def _changed(self) -> None:
        self._places = None
        self.refresh()
        self._tell_moved()

    @property
    def top(self) -> Place:
        return self._top

    @property
    def range(self) -> tuple[int, int]:
        """The first and last row that are visible; (0, -1) for none."""
        places = self._visible()
        return (places[0][0], places[-1][0]) if places else (0, -1)

    # Moving

    def action_go(self, by: int) -> None:
        self._to(self._moved(self._top, by))

    def action_page(self, by: int) -> None:
        self._to(self._moved(self._top, by * max(1, self._height - 1)))

    def action_end(self, by: int) -> None:
        self._left = 0
        self._to((0, 0) if by < 0 else self._last_top(), draw=True)

    def action_side(self, by: int) -> None:
        if self._wraps:
            return
        widest = max((self._strip(row).cell_length for row, _ in self._visible()), default=0)
        left = max(0, min(self._left + by * _SIDE, widest - self._text_width + 1))
        if left != self._left:
            self._left = left
            self._changed()

    def toggle_wrap(self) -> None:
        self.wrap = not self.wrap
        self._left = 0
        self._to((self._top[0], 0), draw=True)

    def go_to_match(self, number: int) -> None:
        """Make a match the current one and bring it into sight."""
        if self.search is None or not 0 <= number < len(self.search.matches):
            return
        self.current = number
        start = self.search.matches[number]
        row = self.document.row_at(start)
        spans = self.document.spans(row, start, start + 1)
        column = cell_len(shown(self.document.row(row)[: spans[0][0]])) if spans else 0
        place = (row, sum(1 for cut in self._cuts(row) if cut <= column))
        if place not in self._visible():
            self._top = self._clamped(self._moved(place, -(self._height // 3)))
        if not self._wraps and not self._left <= column < self._left + self._text_width - 1:
            self._left = max(0, column - self._text_width // 2) if column >= self._text_width - 1 else 0
        self.redraw()

    def _to(self, place: Place, *, draw: bool = False) -> None:
        place = self._clamped(place)
        if place != self._top or draw:
            self._top = place
            self._changed()

    def _clamped(self, place: Place) -> Place:
        return max((0, 0), min(place, self._last_top()))

    def _last_top(self) -> Place:
        """Where the view stands when the last row is at its bottom."""
        last = self.document.rows - 1
        return self._moved((last, len(self._cuts(last))), 1 - self._height) if last >= 0 else (0, 0)

    def _moved(self, place: Place, by: int) -> Place:
        """The place so many rows of the screen further on, within the document."""
        row, part = place
        last = self.document.rows - 1
        if not self._wraps:
            return max(0, min(row + by, last)), 0
        while by > 0:
            parts = len(self._cuts(row)) + 1
            if part + by < parts:
                return row, part + by
            if row >= last:
                return row, parts - 1
            by -= parts - part
            row, part = row + 1, 0
        while by < 0:
            if part + by >= 0:
                return row, part + by
            if row <= 0:
                return 0, 0
            by += part + 1
            row -= 1
            part = len(self._cuts(row))
        return row, part

    # The room there is

    @property
    def _wraps(self) -> bool:
        return self.wrap or self._prose

    @property
    def _height(self) -> int:
        return max(1, self._room.height)

    @property
    def _gutter(self) -> int:
        return max(3, len(str(self.document.rows))) + 1 if self._numbered else 0

    @property
    def _text_width(self) -> int:
        """Columns for text; one more at the right is for the scroll mark."""
        return max(1, self._room.width - self._gutter - 1)

    def _visible(self) -> list[Place]:
        if self._places is None:
            places: list[Place] = []
            row, part = self._top
            rows = self.document.rows
            while row < rows and len(places) < self._height:
                places += [(row, one) for one in range(part, len(self._cuts(row)) + 1)]
                row, part = row + 1, 0
            self._places = places[: self._height]
        return self._places

    def on_resize(self) -> None:
        self._fit()
        self._changed()

    def _fit(self) -> None:
        """Take the size that the widget has now; a frame may come before the event that tells of it."""
        self._room, self._places = self.size, None
        document, row = self.document, self._top[0]
        if isinstance(document, HexDocument):
            start = document.offset(row)
            if document.fit(self._text_width):
                self._drawn.clear()
                self._known, self._top = document.rows, (document.row_at(start), 0)
        self._top = self._clamped((self._top[0], 0) if self._wraps else self._top)

    # Rows

    def _cuts(self, row: int) -> list[int]:
        """The columns at which a row goes on in the next row of the screen; none where rows are not wrapped."""
        if not self._wraps:
            return []
        strip, width = self._strip(row), self._text_width
        if strip.cell_length <= width:
            return []
        if strip.text.isascii() and not self._prose:
            return list(range(width, strip.cell_length, width))
        cuts, at, start, word = [], 0, 0, 0
        for first, last, size in split_graphemes(strip.text)[0]:
            if at + size - start > width:
                start = word if self._prose and word > start else at
                cuts.append(start)
            at += size
            if strip.text[first:last] == " ":
                word = at
        return cuts

    def _strip(self, row: int) -> Strip:
        """A whole row as it looks, from its first column on."""
        strip = self._drawn.get(row)
        if strip is None:
            if len(self._drawn) >= _KEPT:
                self._drawn.clear()
            strip = self._drawn[row] = self._draw(row)
        return strip

    def _draw(self, row: int) -> Strip:
        if isinstance(self.document, PictureDocument):
            return _points(self.document, row)
        as_read = self.document.row(row)
        data = self._mask(as_read) if self._mask is not None else as_read
        # Inside a line nobody knows whether this is in a string.
        inside = self.document.line(row) is None and self._syntax != "hex"
        marks = tokens(data, "" if inside else self._syntax)
        if self.search is not None and data == as_read:
            marks = overlaid(marks, self._matches(self.search, row))
        base, known = self._look
        segments, at = [], 0
        for start, end, name in marks:
            if start > at:
                segments.append(Segment(shown(data[at:start]), base))
            segments.append(Segment(shown(data[start:end]), base + known[name]))
            at = end
        if at < len(data):
            segments.append(Segment(shown(data[at:]), base))
        return Strip(segments)

    def _matches(self, search: Search, row: int) -> list[Token]:
        start = self.document.offset(row)
        # A row of hex shows its bytes in many more columns.
        hexed = isinstance(self.document, HexDocument)
        end = self.document.offset(row + 1) if hexed else start + max(1, len(self.document.row(row)))
        found: list[Token] = []
        for number, first, last in search.within(start, end):
            name = "current" if number == self.current else "match"
            found += [(low, high, name) for low, high in self.document.spans(row, first, last)]
        return sorted(found)

    # Drawing

    @property
    def _look(self) -> tuple[Style, dict[str, Style]]:
        """The ground and the inks, looked up once for each frame."""
        if self._looked is None:
            self._looked = (self.rich_style, styles(paint(self.app)))
        return self._looked

    def render_lines(self, crop: Region) -> list[Strip]:
        if self._room != self.size:
            self._fit()
        before, self._looked = self._looked, None
        if self._look != before:
            self._drawn.clear()
            self._places = None
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        base, inks = self._look
        muted = inks["muted"]
        places = self._visible()
        width = self._text_width
        mark = self._scroll_mark(y, base, muted)
        if y >= len(places):
            return Strip([Segment(" " * (self._room.width - 1), base), mark], self._room.width)
        row, part = places[y]
        strip = self._strip(row)
        if self._wraps:
            cuts = [0, *self._cuts(row), strip.cell_length]
            text = strip.crop(cuts[part], cuts[part + 1]).adjust_cell_length(width, base)
        else:
            text = strip.crop(self._left, self._left + width).adjust_cell_length(width, base)
            if strip.cell_length > self._left + width or self.document.goes_on(row):
                text = Strip([*text.crop(0, width - 1), Segment("…", base + muted)])
        segments = [*text, mark]
        if self._numbered:
            line = self.document.line(row) if part == 0 else None
            number = "" if line is None else str(line)
            segments.insert(0, Segment(f"{number:>{self._gutter - 1}} ", base + muted))
        return Strip(segments).adjust_cell_length(self._room.width, base)

    def _scroll_mark(self, y: int, base: Style, style: Style) -> Segment:
        begin, end = self._seen()
        if begin == 0 and end == 1:
            return Segment(" ", base)
        first = min(int(begin * self._height), self._height - 1)
        return Segment("┃" if first <= y < max(end * self._height, first + 1) else " ", base + style)

    def _seen(self) -> tuple[float, float]:
        """Which part of the document is visible."""
        places = self._visible()
        if not places:
            return 0, 1
        (row, part), (last, last_part) = places[0], places[-1]
        rows = self.document.rows
        begin = row + part / (len(self._cuts(row)) + 1)
        return begin / rows, (last + (last_part + 1) / (len(self._cuts(last)) + 1)) / rows

    # The mouse

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_go(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_go(-3)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if event.x == self.size.width - 1:
            self.capture_mouse()
            self._drag_to(event.y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self.app.mouse_captured is self:
            self._drag_to(event.y)

    def on_mouse_up(self) -> None:
        self.release_mouse()

    def _drag_to(self, y: int) -> None:
        share = max(0, min(y, self._height - 1)) / max(1, self._height - 1)
        self._to((round(share * self._last_top()[0]), 0))


def _points(picture: PictureDocument, row: int) -> Strip:
    def ink(colour: Colour | None) -> Color | None:
        return Color.from_rgb(*colour) if colour is not None else None

    return Strip(
        [Segment(HALF_BLOCK, Style(color=ink(upper), bgcolor=ink(lower))) for upper, lower in picture.colours(row)]
    )


def shown(data: bytes) -> str:
    """Bytes as characters that a terminal neither obeys nor reorders."""
    return visible(data.decode("utf-8", "backslashreplace").replace("\t", "    "))
