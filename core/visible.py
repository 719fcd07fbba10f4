"""Text that is not ours, made safe to look at: what a terminal would obey, hide or reorder is shown as marks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: cursor moves, ESC and the eight-bit CSI
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # invisible and bidirectional marks
    "\u2028\u2029\ud800-\udfff\U000e0000-\U000e007f]"
)
_BUT_LINES = re.compile(_CONTROL.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))


def _mark(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: str, *, lines: bool = False, mark: Callable[[str], str] = _mark) -> str:
    """The text with control, escape, bidirectional and zero-width characters as marks; `lines` keeps \\n and \\t."""
    return (_BUT_LINES if lines else _CONTROL).sub(lambda match: mark(match.group()), text)


def json_text(value: Any, *, indent: int | None = 2) -> str:
    """JSON in which what a terminal would obey stands in JSON's own escapes, also what `json.dumps` lets through."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return visible(text, lines=True, mark=lambda character: json.dumps(character)[1:-1])
