"""Finding a text in a document, piece by piece in a thread, so that the keys stay free."""

from __future__ import annotations

import re
import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable

from core.reading.rows import Document
from core.threads import start_daemon_thread

MOST = 200_000
"""Matches that are counted and remembered."""
_PIECE = 128 * 1024
_TOLD_EVERY = 0.1


def pattern(text: str) -> re.Pattern[bytes]:
    """What a person searches for: letters of both cases, unless the text has a capital."""
    if text != text.lower():
        return re.compile(re.escape(text.encode("utf-8", "surrogatepass")))
    return re.compile(b"".join(_either_case(character) for character in text))


def _either_case(character: str) -> bytes:
    forms = sorted({character, character.upper(), character.lower(), character.title()})
    codes = [re.escape(form.encode("utf-8", "surrogatepass")) for form in forms]
    if all(len(form) == 1 and form.isascii() for form in forms):
        return b"[" + b"".join(codes) + b"]" if len(codes) > 1 else codes[0]
    return b"(?:" + b"|".join(codes) + b")"


class Search:
    """The matches of one text in one document. A document that still grows is searched again when it is whole."""

    def __init__(self, document: Document, text: str, changed: Callable[[Search], None]) -> None:
        """`changed` is called from the search's thread, some times a second and at the end."""
        self.text = text
        self.pattern = pattern(text)
        self.document = document
        self.matches = array("Q")
        """Where they start, in order."""
        self.done = False
        self._changed = changed
        self._cancelled = False
        # Capitals may be longer than the letter they belong to.
        self._longest = 12 * len(text) + 4

    def start(self) -> None:
        start_daemon_thread(self.run, name="search")

    def cancel(self) -> None:
        self._cancelled = True

    @property
    def count(self) -> str:
        """`12`, `12…` while it goes on, `200,000+` where there are more than are counted."""
        number = f"{len(self.matches):,}"
        return number + ("…" if not self.done else "+" if len(self.matches) >= MOST else "")

    def run(self) -> None:
        told = 0.0
        position = after = 0
        size = self.document.size
        while position < size and not self._cancelled and len(self.matches) < MOST:
            data = self.document.read(position, min(position + _PIECE + self._longest, size))
            # A match that begins behind the piece belongs to the next one.
            limit = position + _PIECE
            for match in self.pattern.finditer(data):
                start = position + match.start()
                if start >= limit:
                    break
                if start >= after:
                    self.matches.append(start)
                    after = position + match.end()
            position = limit
            time.sleep(0)
            if time.monotonic() - told > _TOLD_EVERY and not self._cancelled:
                told = time.monotonic()
                self._changed(self)
        self.done = True
        if not self._cancelled:
            self._changed(self)

    def nearest(self, offset: int) -> int | None:
        """The number of the first match at or behind a place, else of the first of all."""
        if not self.matches:
            return None
        found = bisect_left(self.matches, offset)
        return found if found < len(self.matches) else 0

    def within(self, start: int, stop: int) -> list[tuple[int, int, int]]:
        """Number, first byte and end of the matches that touch a range."""
        first = bisect_right(self.matches, max(0, start - self._longest))
        found = []
        for number in range(max(0, first - 1), len(self.matches)):
            begin = self.matches[number]
            if begin >= stop:
                break
            match = self.pattern.match(self.document.read(begin, begin + self._longest))
            if match is not None and begin + match.end() > start:
                found.append((number, begin, begin + match.end()))
        return found
