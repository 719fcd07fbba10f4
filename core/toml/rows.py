"""Edits the rows of an array so that each keeps its text and its comments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from tomlkit.items import Array, Comment, Item, Null, Whitespace

from core.toml import text as tomltext
from core.toml.shape import same

Data = dict[str, Any]

_TAGS = ("type", "provider")
"""Keys that say which kind of table it is: with another kind, no key of the old one stays."""

_ALIGN_LIMIT = 250_000
"""Rows of one list times rows of the other, above which rows are matched by place alone."""


@dataclass
class Row:
    text: str
    above: list[str] = field(default_factory=list)
    """Comment lines over it, and "" for blank ones."""
    behind: str = ""


@dataclass
class Layout:
    """How an array is written."""

    rows: list[Row] = field(default_factory=list)
    closing: list[str] = field(default_factory=list)
    indent: str = "    "
    end: str = ""
    one_line: bool = True


def array_layout(item: Item) -> Layout:
    layout = Layout()
    above: list[str] = []
    gap = ""
    for token in item._iter_items() if isinstance(item, Array) else ():
        if isinstance(token, Whitespace):
            gap += token.s
        elif isinstance(token, Comment):
            gap += token.trivia.indent
            text = token.trivia.comment
            if "\n" in gap or not layout.rows:
                above += [*_blank_lines(gap), text]
            else:
                layout.rows[-1].behind += gap.replace(",", "") + text
            gap = token.trivia.trail
            layout.one_line = False
        elif not isinstance(token, Null):
            if "\n" in gap and not layout.rows:
                layout.indent = gap.rpartition("\n")[2].replace(",", "")
            layout.one_line = layout.one_line and "\n" not in gap
            layout.rows.append(Row(token.as_string(), above + _blank_lines(gap)))
            above, gap = [], ""
    if "\n" in gap:
        layout.one_line = False
        layout.end = gap.rpartition("\n")[2].replace(",", "")
    layout.closing = above
    return layout


def _blank_lines(gap: str) -> list[str]:
    return [""] * (gap.count("\n") - 1)


def array_text(layout: Layout, raw: list[Any], old: list[Any], new: list[Any]) -> str:
    """The array with each kept row as it stands, and with its comments; `layout` is of `raw`, which means `old`."""
    rows: list[tuple[list[str], str, str]] = []
    above: list[str] = []
    done = 0
    for value, origin in zip(new, origins_of(old, new), strict=True):
        if origin is None:
            rows.append((above, tomltext.value_text(value, one_line=True), ""))
        else:
            row = layout.rows[origin]
            above += _above(layout.rows[done:origin])
            done = origin + 1
            text = row.text
            if not same(old[origin], value):
                text = tomltext.value_text(merged(raw[origin], old[origin], value), one_line=True)
            rows.append((above + row.above, text, row.behind))
        above = []
    closing = above + _above(layout.rows[done:]) + layout.closing
    if layout.one_line and not closing and not any(isinstance(value, dict) for value in new):
        return f"[{', '.join(text for _, text, _ in rows)}]"
    return tomltext.array(rows, closing, indent=layout.indent, end=layout.end)


def comment_lines(layout: Layout) -> list[str]:
    """What stands on lines of its own."""
    return [*_above(layout.rows), *layout.closing]


def _above(rows: Iterable[Row]) -> list[str]:
    return [line for row in rows for line in row.above if line]


def origins_of(old: list[Any], new: list[Any]) -> list[int | None]:
    """For each new row the old one it is, or was made from; ascending."""
    origins: list[int | None] = [None] * len(new)
    before = [repr(row) for row in old]
    after = [repr(row) for row in new]
    if len(old) * len(new) > _ALIGN_LIMIT:
        return [place if place < len(old) else None for place in range(len(new))]
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for operation, start, end, new_start, new_end in matcher.get_opcodes():
        if operation in ("equal", "replace"):
            for place in range(min(end - start, new_end - new_start)):
                origins[new_start + place] = start + place
    return origins


def dropped(raw: Data, old: Data, new: Data) -> list[str]:
    other_kind = any(old.get(tag) != new.get(tag) for tag in _TAGS)
    return [key for key in raw if key not in new and (key in old or other_kind)]


def merged(raw: Any, old: Any, new: Any) -> Any:
    """`new` with what `raw` states although it is a default, in the order of `raw`."""
    if not (isinstance(raw, dict) and isinstance(old, dict) and isinstance(new, dict)):
        return new
    gone = dropped(raw, old, new)
    kept = {
        key: merged(value, old.get(key), new[key]) if key in new else value
        for key, value in raw.items()
        if key not in gone
    }
    return kept | {key: value for key, value in new.items() if key not in kept}
