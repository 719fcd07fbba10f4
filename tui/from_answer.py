"""A check or a capture made of what an answer shows: its status, or what a JSONPath finds in its body."""

from __future__ import annotations

import json
import re

from core.models import Capture, Check
from core.secret import MASK
from core.workspace.lint import looks_secret
from tui.widgets.check_rows import check_changed, check_of, check_row

LARGEST = 4096
"""Characters of what was found, past which a check says only that it is there."""
_QUOTED = 200
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def status_check(status: int) -> Check:
    return Check("status", "equals", value=status)


def json_check(path: str, found: str) -> Check:
    """`found` is the array of what the path finds, masked: a secret is never what a check compares with."""
    there = Check("json", "exists", path)
    if len(found) > LARGEST or MASK in found:
        return there
    try:
        values = json.loads(found)
    except ValueError:
        return there
    value = values[0] if len(values) == 1 else values
    text = json.dumps(value, ensure_ascii=False)
    if not values or MASK in text or len(text) > _QUOTED:
        return there
    # As if it had been typed: what TOML has no word for is compared as text.
    return check_of(check_changed(check_row(Check("json", "equals", path)), 3, text))


def json_capture(path: str) -> Capture:
    """Named by the last name in the path; secret where that sounds like one."""
    names = _NAME.findall(path)
    name = names[-1] if names else "value"
    return Capture(name, "json", path, secret=looks_secret(name))
