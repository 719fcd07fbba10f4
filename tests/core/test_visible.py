"""What a terminal would obey, hide or reorder is shown as marks; all other text is left alone."""

from __future__ import annotations

import unicodedata

import pytest

from core.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m", "\\x9b31m"),
        ("a\rb", "a\\x0db"),
        ("\x07\x7f", "\\x07\\x7f"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\u200bb\u2066c", "a\\u200bb\\u2066c"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("ünïcode, 日本語, naïve ••••••", "ünïcode, 日本語, naïve ••••••"),
    ],
)
def test_marks(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_line_ends_are_marks_unless_lines_are_wanted() -> None:
    assert visible("a\nb\tc") == "a\\x0ab\\x09c"
    assert visible("a\nb\tc\r", lines=True) == "a\nb\tc\\x0d"


def test_no_control_or_bidirectional_character_of_unicode_gets_through() -> None:
    every = "".join(map(chr, range(0x110000)))
    left = [
        letter
        for letter in visible(every, lines=True)
        if letter not in "\n\t"
        and (unicodedata.category(letter) == "Cc" or unicodedata.bidirectional(letter) in ("RLO", "LRO", "RLE", "LRE"))
    ]
    assert left == []
