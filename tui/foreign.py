"""Text that is not ours on its way to the screen: never parsed as markup, what a terminal would obey shown as marks.

Names, headers, bodies, paths and the errors of servers go through here before any widget sees them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from core.visible import visible as visible

if TYPE_CHECKING:
    from textual.content import Content


def foreign(text: str, style: str = "", *, lines: bool = False) -> Content:
    """The text as Content: shown letter by letter, whatever brackets and escapes it holds."""
    from textual.content import Content

    shown = visible(text, lines=lines)
    return Content.styled(shown, style) if style else Content(shown)


def shortened(text: str, width: int) -> str:
    """At most `width` cells, the cut marked; for text that is already visible."""
    if len(text) * 2 <= width or cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 0 else ""


def fitted(text: str, width: int) -> str:
    """Exactly `width` cells, cut or filled with blanks; for text that is already visible."""
    return set_cell_size(shortened(text, width), max(0, width))


def one_cell_each(text: str) -> str:
    """Characters a terminal would obey as replacement signs, one for one, for text with a cursor in it; tabs stay."""
    shown = visible(text)
    if shown == text:
        return text
    return "".join(one if one == "\t" or visible(one) == one else "\ufffd" for one in text)
