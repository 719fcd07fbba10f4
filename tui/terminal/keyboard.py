"""Reads alt and a letter at once, where Textual waits for a pause and takes them apart when more keys follow."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.keys import _character_to_key

_ESC = "\x1b"
_BEGINS_MORE = "[]OPX^_"
"""What after ESC begins a longer sequence."""


def install() -> None:
    """Make the driver of real terminals read keys this way; it offers no other place to say so."""
    linux_driver.XTermParser = AltParser  # type: ignore[attr-defined]


class AltParser(XTermParser):
    """Escape and a control key, as a slow line brings them together, are those two keys."""

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        letter = sequence[1:]
        if len(sequence) != 2 or sequence[0] != _ESC or letter in _BEGINS_MORE or sequence in ANSI_SEQUENCES_KEYS:
            yield from super()._sequence_to_key_events(sequence, alt)
            return
        if not letter.isprintable():
            yield events.Key("escape", _ESC)
            yield from super()._sequence_to_key_events(letter)
            return
        name = letter if letter.isalnum() else _character_to_key(letter)
        yield events.Key(f"alt+shift+{name.lower()}" if name.isupper() else f"alt+{name}", letter)
