"""What terminals send for keys, in one piece or in several."""

from __future__ import annotations

import pytest
from textual import events

from tui.terminal.keyboard import AltParser


def keys(*pieces: str) -> list[str]:
    parser = AltParser()
    return [event.key for piece in pieces for event in parser.feed(piece) if isinstance(event, events.Key)]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("\x1bu", ["alt+u"]),
        ("\x1bu\x1b[A", ["alt+u", "up"]),
        ("\x1bu\x10abc", ["alt+u", "ctrl+p", "a", "b", "c"]),
        ("\x1bU", ["alt+shift+u"]),
        ("\x1b.", ["alt+full_stop"]),
        ("\x1b\x03", ["escape", "ctrl+c"]),
        ("\x1b\x1b[B", ["escape", "down"]),
        ("\x1bOP\x1b[15~\x1b[1;3C", ["f1", "f5", "alt+right"]),
        ("\x1b[11~\x1b[[A\x1b[24~", ["f1", "f1", "f12"]),
        ("\x1bf\x1bb", ["ctrl+right", "ctrl+left"]),
        ("é\x1bé", ["é", "alt+é"]),
    ],
)
def test_legacy_terminals(sent: str, expected: list[str]) -> None:
    assert keys(sent) == expected
    assert keys(*sent) == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("\x1b[97;;97u", ["a"]),
        ("\x1b[117;3u", ["alt+u"]),
        ("\x1b[27u", ["escape"]),
        ("\x1b[99;5u", ["ctrl+c"]),
        ("\x1b[P\x1b[15~", ["f1", "f5"]),
        ("\x1b[1;3C", ["alt+right"]),
        ("\x1b[27u\x1b[99;5u", ["escape", "ctrl+c"]),
    ],
)
def test_the_kitty_protocol(sent: str, expected: list[str]) -> None:
    assert keys(sent) == expected
