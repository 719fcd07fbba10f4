"""A picture of what the terminal shows, cell by cell, and the shortest text that turns it into another.

A cell holds the characters drawn in it and a look: attributes, colours and link. The second half of a double-width
character is an empty cell. A cell whose content is not known differs from everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from rich.cells import get_character_cell_size, split_graphemes
from rich.color import Color, ColorSystem
from rich.style import Style
from textual.strip import Strip

Paint = tuple[int, int, Strip]
"""Row, column, and what to draw from there."""

_CODES = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "21", "51", "52", "53")
"""SGR codes by the bit of `rich.style.Style`."""
_OFF = {0: "22", 1: "22", 2: "23", 3: "24", 4: "25", 6: "27", 7: "28", 8: "29", 12: "55"}
"""Codes that end one attribute; the others end with a full reset only."""
_INTENSITY = 0b11
_ON_BLANKS = 0b1_1111_0100_1000
"""Attributes that show on a cell without a glyph: underlines, reverse, strike, frames, overline."""
_CACHED = 4096
_JUMP = 4
"""Unchanged cells in a row that cost no more to write again than to jump over."""


class Look:
    """How a cell is drawn; one object for each distinct look of a picture, so that identity is equality."""

    __slots__ = ("attributes", "background", "blank", "foreground", "link", "on_blanks")

    def __init__(self, attributes: int, foreground: str, background: str, link: str) -> None:
        self.attributes = attributes
        self.foreground = foreground
        self.background = background
        self.link = link
        """`id=…;address` as OSC 8 takes it; empty without a link."""
        self.on_blanks = bool(attributes & _ON_BLANKS or link)
        """Whether more of it than the background shows on a space."""
        self.blank = self
        """The look of a space under this one: what cannot be seen on it left out."""


class Picture:
    """What the terminal shows as far as it is known: nothing after `forget`, then what was painted."""

    def __init__(self) -> None:
        self.width = 0
        self.height = 0
        self._chars: list[list[str | None]] = []
        self._looks: list[list[Look]] = []
        self._painted: list[dict[int, tuple[int, Strip]]] = []
        """By row and first column: the end of the strip painted there last, and the strip."""
        self._loose: list[bool] = []
        """By row: whether it holds a character on whose width terminals differ."""
        self._plain = Look(0, "", "", "")
        self._system: ColorSystem | None = None
        self._by_style: dict[int, tuple[Style, Look]] = {}
        self._by_parts: dict[tuple[int, str, str, str], Look] = {}
        self._changes: dict[tuple[Look, Look], str] = {}

    def forget(self, width: int, height: int) -> None:
        """Know nothing of a terminal of this size."""
        self.width, self.height = width, height
        self._chars = [[None] * width for _ in range(height)]
        self._looks = [[self._plain] * width for _ in range(height)]
        self._painted = [{} for _ in range(height)]
        self._loose = [False] * height

    def paint(self, paints: Iterable[Paint], system: ColorSystem) -> str:
        """Take in what is to be shown; the text that makes the terminal show it, empty when it does already."""
        if system is not self._system or len(self._by_parts) > _CACHED or len(self._changes) > 4 * _CACHED:
            self._system = system
            self._by_style.clear()
            self._by_parts.clear()
            self._changes.clear()
        pen = _Pen(self._plain, self._changes, self.width)
        loose_from: dict[int, int] = {}
        for y, x, strip in paints:
            if 0 <= y < self.height and 0 <= x < self.width:
                known = self._painted[y].get(x)
                if known is None or known[1] is not strip:
                    self._put(y, x, strip, pen, loose_from)
        for y, x in loose_from.items():
            self._write_loose(y, x, pen)
        return pen.finish()

    def _put(self, y: int, x: int, strip: Strip, pen: _Pen, loose_from: dict[int, int]) -> None:
        chars, looks, loose = self._cells(strip)
        room = self.width - x
        if len(chars) > room:
            if chars[room] == "":
                chars[room - 1] = " "
            del chars[room:], looks[room:]
        end = x + len(chars)
        if not chars:
            return
        old_chars, old_looks = self._chars[y], self._looks[y]
        if old_chars[x] == "" or (end < self.width and old_chars[end] == ""):
            self._break_halves(y, x, end)
        self._note(y, x, end, strip)
        if old_chars[x:end] == chars and old_looks[x:end] == looks:
            return
        changed = [
            column
            for column, char, look in zip(range(x, end), chars, looks, strict=True)
            if char != old_chars[column] or look is not old_looks[column]
        ]
        old_chars[x:end], old_looks[x:end] = chars, looks
        if loose or self._loose[y]:
            # Such a character may reach over whatever stands behind it.
            self._loose[y] = True
            loose_from[y] = min(changed[0], loose_from.get(y, self.width))
        else:
            self._write_changed(y, changed, pen)

    def _note(self, y: int, x: int, end: int, strip: Strip) -> None:
        row = self._painted[y]
        if x not in row or row[x][0] != end:
            self._drop(y, x, end)
        row[x] = (end, strip)

    def _break_halves(self, y: int, x: int, end: int) -> None:
        """Half of a double-width character is about to be written over: what becomes of the other is not known."""
        chars = self._chars[y]
        if chars[x] == "" and x:
            chars[x - 1] = None
            self._drop(y, x - 1, x)
        if end < self.width and chars[end] == "":
            chars[end] = None
            self._drop(y, end, end + 1)

    def _drop(self, y: int, x: int, end: int) -> None:
        row = self._painted[y]
        for start in [start for start, (stop, _) in row.items() if start < end and stop > x]:
            del row[start]

    def _write_changed(self, y: int, changed: Sequence[int], pen: _Pen) -> None:
        """Write these cells of a row, with short unchanged gaps between them that need no change of look."""
        looks = self._looks[y]
        start = stop = changed[0]
        for column in changed:
            gap = column - stop
            if gap and (gap > _JUMP or any(look is not looks[stop - 1] for look in looks[stop : column + 1])):
                self._write(y, start, stop, pen)
                start = column
            stop = column + 1
        self._write(y, start, stop, pen)

    def _write(self, y: int, start: int, stop: int, pen: _Pen) -> None:
        """Write a run of cells; a double-width character is drawn by its first half."""
        if start >= stop:
            return
        chars = self._chars[y]
        while start and chars[start] == "":
            start -= 1
        while stop < self.width and chars[stop] == "":
            stop += 1
        pen.write(y, start, chars[start:stop], self._looks[y][start:stop])

    def _write_loose(self, y: int, x: int, pen: _Pen) -> None:
        """Write the rest of a row, each character of doubtful width over blanks and between absolute moves."""
        chars, looks = self._chars[y], self._looks[y]
        while x and chars[x] == "":
            x -= 1
        start = x
        while x < self.width:
            char = chars[x]
            # An empty cell is the second half of a character that is not loose, else it would have been passed with it.
            if char is not None and not (char and _is_loose(char)):
                x += 1
                continue
            self._write(y, start, x, pen)
            start = x + 1
            if char is not None:
                while start < self.width and chars[start] == "":
                    start += 1
                pen.write(y, x, [" "] * (start - x), [looks[x]] * (start - x))
                pen.write(y, x, [char], [looks[x]])
                pen.lose_place()
            x = start
        self._write(y, start, self.width, pen)
        self._loose[y] = any(char and _is_loose(char) for char in chars)

    def _cells(self, strip: Strip) -> tuple[list[str | None], list[Look], bool]:
        chars: list[str | None] = []
        looks: list[Look] = []
        loose = False
        for text, style, control in strip._segments:
            if control or not text:
                continue
            look = self._plain if style is None else self._look(style)
            if text.isascii() and text.isprintable():
                added: Sequence[str] = text
            else:
                joined, added, text_is_loose = _split(text)
                loose = loose or text_is_loose
                if joined and chars:
                    loose = True
                    last = len(chars) - 1 - (chars[-1] == "")
                    chars[last] = f"{chars[last]}{joined}"
            chars.extend(added)
            if look.blank is look:
                looks.extend([look] * len(added))
            else:
                blank = look.blank
                looks.extend([blank if char == " " else look for char in added])
        return chars, looks, loose

    def _look(self, style: Style) -> Look:
        known = self._by_style.get(id(style))
        if known is not None and known[0] is style:
            return known[1]
        system = self._system or ColorSystem.TRUECOLOR
        attributes = style._attributes & style._set_attributes
        # Nobody can end the sequence from inside an address.
        link = f"id={style._link_id};{style._link}" if style._link and style._link.isprintable() else ""
        look = self._intern(attributes, _codes(style._color, system, True), _codes(style._bgcolor, system, False), link)
        if len(self._by_style) > _CACHED:
            self._by_style.clear()
        self._by_style[id(style)] = (style, look)
        return look

    def _intern(self, attributes: int, foreground: str, background: str, link: str) -> Look:
        parts = (attributes, foreground, background, link)
        look = self._by_parts.get(parts)
        if look is None:
            look = self._by_parts[parts] = Look(*parts) if any(parts) else self._plain
            if not look.on_blanks and (attributes or foreground):
                look.blank = self._intern(0, "", background, "")
        return look


class _Pen:
    """Writes cells as a terminal reads them, with a move, a change of look or of link only where one is needed."""

    def __init__(self, plain: Look, changes: dict[tuple[Look, Look], str], width: int) -> None:
        self._plain = plain
        self._changes = changes
        self._width = width
        self._out: list[str] = []
        self._look = plain
        self._y = self._x = -1
        """Where the cursor is; -1 where that is not known."""

    def write(self, y: int, x: int, chars: Sequence[str | None], looks: Sequence[Look]) -> None:
        append = self._out.append
        if x != self._x or y != self._y:
            append(self._move(y, x))
        current = self._look
        for char, look in zip(chars, looks, strict=True):
            if (
                look is not current
                and char
                and not (
                    char == " "
                    and look.background == current.background
                    and not look.on_blanks
                    and not current.on_blanks
                )
            ):
                append(self._change(current, look))
                current = look
            append(char or "")
        self._look = current
        self._y, self._x = y, x + len(chars)
        if self._x >= self._width:
            # Terminals differ on where the cursor is after the last column.
            self._x = -1

    def lose_place(self) -> None:
        self._x = -1

    def finish(self) -> str:
        if self._look is not self._plain:
            self._out.append("\x1b]8;;\x1b\\\x1b[m" if self._look.link else "\x1b[m")
        return "".join(self._out)

    def _move(self, y: int, x: int) -> str:
        absolute = f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H"
        if self._x < 0:
            return absolute
        relative = _steps(y - self._y, "B", "A") + _steps(x - self._x, "C", "D")
        return min(absolute, relative, key=len)

    def _change(self, before: Look, after: Look) -> str:
        key = (before, after)
        change = self._changes.get(key)
        if change is None:
            change = self._changes[key] = _change(before, after)
        return change


def _steps(number: int, onward: str, back: str) -> str:
    """From where the cursor is; a column back is a backspace."""
    if number == -1 and back == "D":
        return "\b"
    steps = abs(number) if abs(number) > 1 else ""
    return f"\x1b[{steps}{onward if number > 0 else back}" if number else ""


def _change(before: Look, after: Look) -> str:
    """The shortest sequences that turn one look into the other."""
    link = "" if before.link == after.link else f"\x1b]8;{after.link or ';'}\x1b\\"
    whole = ";".join(filter(None, ("0", *_attribute_codes(after.attributes), after.foreground, after.background)))
    colours = []
    if before.foreground != after.foreground:
        colours.append(after.foreground or "39")
    if before.background != after.background:
        colours.append(after.background or "49")
    gone = before.attributes & ~after.attributes
    come = after.attributes & ~before.attributes
    if gone & _INTENSITY:
        come |= after.attributes & _INTENSITY
    off = [_OFF.get(bit) for bit in range(gone.bit_length()) if gone >> bit & 1]
    if None in off:
        return f"{link}\x1b[{whole}m"
    parts = ";".join([*dict.fromkeys(code for code in off if code), *_attribute_codes(come), *colours])
    shortest = min(parts, whole, key=len)
    if shortest == "0":
        shortest = ""
    return f"{link}\x1b[{shortest}m" if parts else link


def _attribute_codes(attributes: int) -> list[str]:
    return [_CODES[bit] for bit in range(attributes.bit_length()) if attributes >> bit & 1]


def _codes(color: Color | None, system: ColorSystem, foreground: bool) -> str:
    if color is None or color.is_default:
        return ""
    return ";".join(color.downgrade(system).get_ansi_codes(foreground))


_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)))
"""What a terminal would obey; such a character takes no cell."""
_REORDERING = dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)))


@lru_cache(2048)
def _split(text: str) -> tuple[str, Sequence[str], bool]:
    """Text as cells: what belongs to the cell before it, its own cells, and whether their widths are doubtful."""
    joined = ""
    cells: list[str] = []
    for start, end, width in split_graphemes(text)[0]:
        # Whoever draws foreign text marks these; here they are kept from the terminal in any case.
        cluster = text[start:end].translate(_CONTROLS).translate(_REORDERING)
        if width:
            cells.append(cluster or "\ufffd")
            cells.extend([""] * (width - 1))
        elif cells:
            cells[-1 - (cells[-1] == "")] += cluster
        else:
            joined += cluster
    return joined, cells, any(cell and _is_loose(cell) for cell in cells)


_WIDE_EVERYWHERE = (
    (0x1100, 0x115F), (0x2E80, 0x303E), (0x3041, 0x4DBF), (0x4E00, 0x9FFF), (0xA960, 0xA97C), (0xAC00, 0xD7A3),
    (0xF900, 0xFAFF), (0xFE30, 0xFE6F), (0xFF01, 0xFF60), (0xFFE0, 0xFFE6), (0x20000, 0x3FFFD),
)  # fmt: skip


@lru_cache(_CACHED)
def _is_loose(cell: str) -> bool:
    """Whether terminals differ on how many cells this takes: emoji, and most that several characters make up."""
    if len(cell) > 1:
        return any(not 0x300 <= ord(mark) < 0x370 for mark in cell[1:])
    code = ord(cell)
    if code < 0x300 or any(first <= code <= last for first, last in _WIDE_EVERYWHERE):
        return False
    return 0x1F000 <= code < 0x20000 or get_character_cell_size(cell) != 1
