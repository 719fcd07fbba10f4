"""All of stdout: the result of a command, as bytes for a pipe and as safe text for a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from core.visible import json_text, visible

_OBEYED = re.compile(r"##(?=\[|vso\[|teamcity\[)", re.IGNORECASE)
"""What GitHub's runner, Azure's agent and TeamCity take for a command wherever it stands in a line of the log."""

STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}

Part = str | tuple[str, str]
"""A piece of a line, or (text, name in STYLES)."""


def disarmed(text: str) -> str:
    """The text without what a CI system would obey in it."""
    return _OBEYED.sub("# #", text) if "##" in text else text


class Output:
    """Where a result goes. A reader that has gone (`| head`) ends the output, not the command."""

    def __init__(self, stream: IO[bytes] | None, *, is_terminal: bool = False, encoding: str = "utf-8") -> None:
        self._stream = stream
        self._encoding = encoding
        self.is_terminal = is_terminal
        self.color = False
        """Set by who knows NO_COLOR; never true where stdout is no terminal."""

    def line(self, *parts: Part) -> None:
        """One line: whatever the parts hold, it stays one line and moves no cursor."""
        self._put("".join(self._part(part) for part in parts) + "\n")

    def text(self, text: str) -> None:
        """A foreign text of many lines: as it is into a pipe, escaped on a terminal."""
        self._put(visible(text, lines=True) if self.is_terminal else text)

    def json(self, value: Any) -> None:
        self._put(json_text(value) + "\n")

    def write(self, data: bytes) -> None:
        """Bytes as they are."""
        if self._stream is None:
            return
        with self._ending():
            self._stream.write(data)

    def flush(self) -> None:
        if self._stream is None:
            return
        with self._ending():
            self._stream.flush()

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """A stream that failed is not written to again: what it holds back would fail once more."""
        try:
            yield
        except BrokenPipeError:
            self._stream = None
        except OSError:
            self._stream = None
            raise

    @property
    def closed(self) -> bool:
        """Nothing is written any more: its reader has gone, or it failed."""
        return self._stream is None

    def _part(self, part: Part) -> str:
        text, style = part if isinstance(part, tuple) else (part, "")
        text = disarmed(visible(text))
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if self.color and style else text

    def _put(self, text: str) -> None:
        self.write(text.encode(self._encoding, "replace"))
        if self.is_terminal:
            self.flush()
