"""Screens as text files that a reviewer can read: compared line by line, written anew with `pytest --renew-golden`."""

from __future__ import annotations

import difflib
from pathlib import Path

FOLDER = Path(__file__).parent / "golden" / "layout"


def check(name: str, text: str, *, renew: bool) -> None:
    """Compare with `tests/golden/layout/NAME.txt`; trailing blanks do not count."""
    path = FOLDER / f"{name}.txt"
    shown = "\n".join(line.rstrip() for line in text.splitlines()).rstrip() + "\n"
    if renew:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(shown)
        return
    expected = path.read_text() if path.exists() else ""
    if shown == expected:
        return
    difference = difflib.unified_diff(expected.splitlines(), shown.splitlines(), str(path), "now", lineterm="", n=2)
    raise AssertionError(
        "\n".join(
            [
                f'the screen "{name}" is not as it was; if it should be as it is now:',
                "    .venv/bin/python -m pytest tests/tui/test_layout.py --renew-golden",
                "and look the change of the file over",
                "",
                *difference,
            ]
        )
    )
