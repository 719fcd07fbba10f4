"""A terminal as exact as the tests of the cell-diffing display need: attributes, colours and links of each cell.

It understands only what the display may write, and fails on anything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from rich.cells import get_character_cell_size

TOKEN = re.compile(r"\x1b\[([0-9;]*)([HABCDm])|\x1b\]8;([^;\x1b]*);([^\x1b]*)\x1b\\|([^\x1b])", re.DOTALL)
OFF = {22: {1, 2}, 23: {3}, 24: {4, 21}, 25: {5, 6}, 27: {7}, 28: {8}, 29: {9}, 54: {51, 52}, 55: {53}}
SEEN_ON_BLANKS = {4, 7, 9, 21, 51, 52, 53}


@dataclass(frozen=True)
class Look:
    attributes: frozenset[int] = frozenset()
    foreground: str = ""
    background: str = ""
    link: str = ""


@dataclass(frozen=True)
class Cell:
    text: str = "?"
    look: Look = Look()

    @property
    def seen(self) -> Cell:
        """What a person can tell apart: on a space, neither the colour nor the weight of the text."""
        if self.text != " " or self.look.link or self.look.attributes & SEEN_ON_BLANKS:
            return self
        return Cell(" ", Look(background=self.look.background))


class CellModel:
    def __init__(self, width: int, height: int, size_of: Callable[[str], int] = get_character_cell_size) -> None:
        self.width, self.height = width, height
        self.cells = [[Cell() for _ in range(width)] for _ in range(height)]
        self.look = Look()
        self.x = self.y = 0
        self.size_of = size_of

    @property
    def seen(self) -> list[list[Cell]]:
        return [[cell.seen for cell in row] for row in self.cells]

    def feed(self, data: str) -> None:
        position = 0
        while position < len(data):
            match = TOKEN.match(data, position)
            assert match, f"the display wrote {data[position : position + 20]!r}"
            position = match.end()
            parameters, final, link_options, link, text = match.groups()
            if text == "\b":
                self.x -= 1
            elif text is not None:
                self._draw(text)
            elif final is None:
                self.look = replace(self.look, link=f"{link_options};{link}" if link else "")
            elif final == "m":
                self._style([int(number or 0) for number in parameters.split(";")])
            elif final == "H":
                row, _, column = parameters.partition(";")
                self.y, self.x = int(row or 1) - 1, int(column or 1) - 1
            elif final in "AB":
                self.y += int(parameters or 1) * (1 if final == "B" else -1)
            else:
                self.x += int(parameters or 1) * (1 if final == "C" else -1)
            assert 0 <= self.y < self.height
            assert 0 <= self.x <= self.width

    def _draw(self, text: str) -> None:
        row = self.cells[self.y]
        size = self.size_of(text)
        if size == 0:
            at = self.x - 1
            while row[at].text == "":
                at -= 1
            row[at] = replace(row[at], text=row[at].text + text)
            return
        assert text.isprintable() or text == "\ufffd"
        for x in range(self.x, min(self.x + size, self.width)):
            self._break(row, x)
        for index, x in enumerate(range(self.x, min(self.x + size, self.width))):
            row[x] = Cell("" if index else text, self.look)
        self.x = min(self.x + size, self.width)

    def _break(self, row: list[Cell], x: int) -> None:
        """Drawing over half of a double-width character leaves a blank where its other half was."""
        if row[x].text == "" and x:
            row[x - 1] = Cell(" ", row[x - 1].look)
        if x + 1 < self.width and row[x + 1].text == "" and row[x].text != "":
            row[x + 1] = Cell(" ", row[x + 1].look)

    def _style(self, numbers: list[int]) -> None:
        while numbers:
            number = numbers.pop(0)
            if number == 0:
                self.look = Look(link=self.look.link)
            elif number in OFF:
                self.look = replace(self.look, attributes=self.look.attributes - OFF[number])
            elif number < 10 or number in (21, 51, 52, 53):
                self.look = replace(self.look, attributes=self.look.attributes | {number})
            elif number in (38, 48):
                count = 2 if numbers[0] == 5 else 4
                colour = ";".join(str(part) for part in (number, *numbers[:count]))
                del numbers[:count]
                self._colour(number == 38, colour)
            elif number in (39, 49):
                self._colour(number == 39, "")
            else:
                assert 30 <= number <= 37 or 90 <= number <= 97 or 40 <= number <= 47 or 100 <= number <= 107
                self._colour(number // 10 in (3, 9), str(number))

    def _colour(self, foreground: bool, colour: str) -> None:
        self.look = replace(self.look, foreground=colour) if foreground else replace(self.look, background=colour)
