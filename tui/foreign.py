"""Text that is not ours on its way to the screen: never parsed as markup, and what a terminal would obey is shown as marks.

Names, headers, bodies, paths and the errors of servers go through here before any widget sees them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.content import Content

_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: cursor moves, ESC and the eight-bit CSI
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # invisible and bidirectional marks
    "\u2028\u2029\ud800-\udfff\U000e0000-\U000e007f]"
)
_BUT_LINES = re.compile(_CONTROL.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))


def _mark(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: str, *, lines: bool = False) -> str:
    """The text with control, escape, bidirectional and zero-width characters as visible marks; `lines` keeps \\n and \\t."""
    return (_BUT_LINES if lines else _CONTROL).sub(_mark, text)


def foreign(text: str, style: str = "", *, lines: bool = False) -> "Content":
    """The text as Content: shown letter by letter, whatever brackets and escapes it holds."""
    from textual.content import Content

    shown = visible(text, lines=lines)
    return Content.styled(shown, style) if style else Content(shown)


def shortened(text: str, width: int) -> str:
    """At most `width` characters, the cut marked; for text that is already visible."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…" if width > 0 else ""
