"""Where a report goes, as its writers see it; and one that goes into a file."""

from __future__ import annotations

from typing import IO, Protocol


class Sink(Protocol):
    def text(self, text: str) -> None:
        """A foreign text of many lines; who shows it escapes what a terminal would obey."""

    def write(self, data: bytes) -> None:
        """Bytes as they are."""


class FileSink:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def text(self, text: str) -> None:
        self._file.write(text.encode("utf-8", "replace"))

    def write(self, data: bytes) -> None:
        self._file.write(data)
