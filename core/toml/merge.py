"""Puts changed data into a TOML text that a person may have written, without disturbing the rest of it.

tomlkit parses the text and renders it again; in between, entries of its bodies are exchanged, added and taken out by
hand, because its own editing moves comments to other keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tomli
import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, Comment, InlineTable, Item, Key, Null, Table, Whitespace

from core.toml import text as tomltext
from core.toml.rows import Data, Layout, Row, array_layout, array_text, comment_lines, dropped, merged, origins_of
from core.toml.shape import same

Body = list[tuple[Key | None, Item]]
"""What tomlkit renders: keys with their values, and without a key the comments and blank lines between them."""


class Unmergeable(Exception):
    """tomlkit cannot parse what tomli can."""


def merge(text: str, old: Data, new: Data) -> str:
    """The text, which says `old`, changed to say `new`.

    What the text states although it is a default stays. Comments on lines of their own stay; one behind a value goes
    with it.
    """
    crlf = "\r\n" in text and text.count("\r\n") == text.count("\n")
    if crlf:
        text = text.replace("\r\n", "\n")
    if text and not text.endswith("\n"):
        text += "\n"
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise Unmergeable from error
    _lift_comments(document.body, [])
    _apply(_Node((), [_Fragment(document.body)]), tomli.loads(text), old, new)
    result = document.as_string()
    if not text.startswith("\n"):
        result = result.lstrip("\n")
    return result.replace("\n", "\r\n") if crlf else result


def _apply(node: _Node, raw: Data, old: Data, new: Data) -> None:
    """Change the table, which reads `raw` and means `old`, to mean `new`."""
    for key in dropped(raw, old, new):
        node.remove(key)
    for key, value in new.items():
        if key not in raw:
            node.add(key, value, tuple(new))
        elif not same(old[key] if key in old else raw[key], value):
            _change(node, key, raw[key], old.get(key), value, tuple(new))


def _change(node: _Node, key: str, raw: Any, old: Any, new: Any, order: Sequence[str]) -> None:
    item = node.entries(key)[0].item
    if isinstance(new, dict) and isinstance(raw, dict):
        meant = old if isinstance(old, dict) else {}
        if isinstance(item, InlineTable):
            node.set(key, tomltext.inline_table(merged(raw, meant, new)))
        elif new or node.below(key).has_header:
            _apply(node.below(key), raw, meant, new)
        else:
            # Only the tables below led to it; now it needs a header of its own.
            node.remove(key)
            node.add(key, new, order)
    elif isinstance(new, list) and isinstance(raw, list):
        was = old if isinstance(old, list) else raw
        if isinstance(item, AoT):
            _change_tables(node, key, item, raw, was, new, order)
        else:
            node.set(key, array_text(array_layout(item), raw, was, new))
    elif isinstance(item, Table | AoT) or (tomltext.has_header(key, new) and not node.inline):
        node.replace(key, new, order)
    else:
        node.set(key, tomltext.value_text(new, one_line=node.inline))


def _change_tables(
    node: _Node, key: str, item: AoT, raw: list[Any], old: list[Any], new: list[Any], order: Sequence[str]
) -> None:
    """Rows that the user wrote as `[[key]]` stay so while only their values change; else they become rows of an array,
    since in `[[key]]` a comment does not belong to a row."""
    if origins_of(old, new) == list(range(len(raw))):
        for table, was_raw, was, now in zip(item.body, raw, old, new, strict=True):
            _apply(_Node((*node.path, key), [_Fragment(table.value.body)], inline=True), was_raw, was, now)
        return
    rows = [Row(tomltext.inline_table(row), _comments(table)) for row, table in zip(raw, item.body, strict=True)]
    text = array_text(Layout(rows, one_line=False), raw, old, new)
    item.body[0].trivia.indent = ""
    node.remove(key)
    node.add_pair(key, text, order)


@dataclass(frozen=True)
class _Entry:
    body: Body
    index: int
    key: Key
    item: Item


@dataclass(frozen=True)
class _Fragment:
    """A table may stand in several pieces."""

    body: Body
    table: Table | None = None
    """None for the whole document."""

    @property
    def has_header(self) -> bool:
        return self.table is None or not self.table.is_super_table()


class _Node:
    """A table of the document, at `path`; an inline one has no header under which tables could follow."""

    def __init__(self, path: tuple[str, ...], fragments: list[_Fragment], *, inline: bool = False) -> None:
        self.path = path
        self.inline = inline
        self._fragments = sorted(fragments, key=lambda fragment: not fragment.has_header)

    @property
    def has_header(self) -> bool:
        return any(fragment.has_header for fragment in self._fragments)

    def entries(self, key: str) -> list[_Entry]:
        return [
            _Entry(fragment.body, index, known, item)
            for fragment in self._fragments
            for index, (known, item) in enumerate(fragment.body)
            if known is not None and known.key == key
        ]

    def below(self, key: str) -> _Node:
        entries = self.entries(key)
        inline = self.inline or any(entry.key.is_dotted() for entry in entries)
        fragments = [_Fragment(entry.item.value.body, entry.item) for entry in entries if isinstance(entry.item, Table)]
        return _Node((*self.path, key), fragments, inline=inline)

    def set(self, key: str, text: str) -> None:
        """Exchange a value, in its place."""
        entry = self.entries(key)[0]
        _, item = _parsed_pair(key, text)
        trivia = entry.item.trivia
        item.trivia.indent, item.trivia.trail = trivia.indent, trivia.trail
        item.trivia.comment_ws, item.trivia.comment = trivia.comment_ws, trivia.comment
        entry.body[entry.index] = (entry.key, item)

    def remove(self, key: str) -> None:
        for entry in self.entries(key):
            lines = _lifted_from(entry.item)
            entry.body[entry.index] = (None, tomlkit.ws(lines) if lines else Null())

    def replace(self, key: str, value: Any, order: Sequence[str]) -> None:
        """Exchange a pair for a table or a table for a pair; its comments come along."""
        entry = self.entries(key)[0]
        lines, behind = _lifted_from(entry.item), entry.item.trivia.comment
        if not isinstance(entry.item, Table | AoT):
            lines = _taken_above(entry)
        for old in self.entries(key):
            old.body[old.index] = (None, Null())
        self.add(key, value, order)
        item = self.entries(key)[0].item
        if isinstance(item, Table):
            item.trivia.indent += lines
        elif lines:
            new = self.entries(key)[0]
            new.body.insert(new.index, (None, tomlkit.ws(lines)))
        if behind and not item.trivia.comment:
            item.trivia.comment_ws, item.trivia.comment = "  ", behind

    def add(self, key: str, value: Any, order: Sequence[str]) -> None:
        """Add a key, beside those that precede it in `order`."""
        if tomltext.has_header(key, value) and not self.inline:
            self._add_table(key, value, order)
        else:
            self.add_pair(key, tomltext.value_text(value, one_line=self.inline), order)

    def add_pair(self, key: str, text: str, order: Sequence[str]) -> None:
        fragment = self._fragments[0]
        body = fragment.body
        place, indent = 0, ""
        before = set(order[: order.index(key)])
        simple = [
            index for index, (known, item) in enumerate(body) if known is not None and not _opens_table(known, item)
        ]
        for index in simple:
            known, item = body[index]
            if (known is not None and known.key in before) or place == 0:
                place, indent = index + 1, item.trivia.indent
        if fragment.table is not None and not fragment.has_header and not simple and not self.inline:
            # Its header is written from now on; until now it only led to the tables below.
            trivia = fragment.table.trivia
            trivia.indent, trivia.comment_ws, trivia.comment, trivia.trail = "\n", "", "", "\n"
            for _, below in body:
                _set_apart(below)
        new, item = _parsed_pair(key, text)
        item.trivia.indent = indent if not indent.strip(" \t") else ""
        body.insert(place, (new, item))

    def _add_table(self, key: str, value: Data, order: Sequence[str]) -> None:
        new, table = _parsed_table((*self.path, key), value)
        table.trivia.indent = "\n"
        place = order.index(key)
        for following in order[place + 1 :]:
            for entry in self.entries(following):
                if _opens_table(entry.key, entry.item):
                    _set_apart(entry.item)
                    entry.body.insert(entry.index, (new, table))
                    return
        self._fragments[-1].body.append((new, table))


def _opens_table(key: Key, item: Item) -> bool:
    """Whether it is written with a header, behind which no pair of the table above can stand."""
    return isinstance(item, AoT) or (isinstance(item, Table) and not key.is_dotted())


def _parsed_pair(key: str, text: str) -> tuple[Key, Item]:
    new, item = tomlkit.parse(f"{tomltext.key_text(key)} = {text}\n").body[0]
    if new is None:
        raise ValueError(f"no pair: {key}")
    return new, item


def _parsed_table(path: tuple[str, ...], value: Data) -> tuple[Key, Table]:
    body = tomlkit.parse(tomltext.tables(path, value)).body
    for _ in path[1:]:
        body = body[0][1].value.body
    key, item = body[0]
    if key is None or not isinstance(item, Table):
        raise ValueError(f"no table: {path[-1]}")
    return key, item


def _lift_comments(body: Body, run: list[tuple[Body, int]]) -> None:
    """Give the comment lines above a header to that header; tomlkit has them at the end of the table before. `run` are
    the comments and blank lines since the last value."""
    for index, (key, item) in enumerate(body):
        if key is None:
            if isinstance(item, Comment | Whitespace):
                run.append((body, index))
        elif isinstance(item, AoT):
            for table in item.body:
                _lift_to(table, run)
                _lift_comments(table.value.body, run)
        elif isinstance(item, Table):
            if not key.is_dotted() and not item.is_super_table():
                _lift_to(item, run)
            _lift_comments(item.value.body, run)
        else:
            run.clear()


def _lift_to(table: Table, run: list[tuple[Body, int]]) -> None:
    """What follows a blank line is the header's; without one, all of it."""
    items = [body[index][1] for body, index in run]
    start = next((place for place, item in enumerate(items) if isinstance(item, Whitespace) and "\n" in item.s), 0)
    table.trivia.indent = "".join(item.as_string() for item in items[start:]) + table.trivia.indent
    for body, index in run[start:]:
        body[index] = (None, Null())
    run.clear()


def _lifted_from(item: Item) -> str:
    """The comment lines that stay when an entry goes: those lifted to its first header, or between an array's rows."""
    if isinstance(item, Array):
        return "".join(f"{line}\n" for line in comment_lines(array_layout(item)) if line)
    header = _first_header(item)
    return header.trivia.indent if header is not None and "#" in header.trivia.indent else ""


def _first_header(item: Item) -> Table | None:
    while isinstance(item, AoT | Table):
        if isinstance(item, AoT):
            return item.body[0]
        if not item.is_super_table():
            return item
        item = next((below for key, below in item.value.body if key is not None), Null())
    return None


def _set_apart(item: Item) -> None:
    """A blank line before the first header."""
    header = _first_header(item)
    if header is not None and not header.trivia.indent.startswith("\n"):
        header.trivia.indent = "\n" + header.trivia.indent


def _taken_above(entry: _Entry) -> str:
    """The comment lines right above a pair, taken out of the document."""
    text = ""
    for index in range(entry.index - 1, -1, -1):
        key, item = entry.body[index]
        if key is not None or not isinstance(item, Comment):
            break
        text = item.as_string() + text
        entry.body[index] = (None, Null())
    return text


def _comments(table: Table) -> list[str]:
    """The comments of one `[[…]]` piece, above, beside and in it."""
    found = [line.strip() for line in table.trivia.indent.splitlines() if line.strip()]
    found += [table.trivia.comment] if table.trivia.comment else []
    for key, item in table.value.body:
        if (key is not None or isinstance(item, Comment)) and item.trivia.comment:
            found.append(item.trivia.comment)
    return found
