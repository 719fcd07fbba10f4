"""Keeps the rows of a report whose head is only known at the end: on disk, so that memory does not grow."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

from core.reports.sink import Sink

KEPT_IN_MEMORY = 1 << 20
CHUNK = 1 << 16


class Spool:
    """Text written piece by piece and copied to an Sink once; the file is unlinked from the start."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=KEPT_IN_MEMORY)  # noqa: SIM115 - closed by copy_to
        self.pieces = 0

    def write(self, text: str) -> None:
        self._file.write(text.encode("utf-8", "replace"))
        self.pieces += 1

    def copy_to(self, output: Sink) -> None:
        with self._file:
            for chunk in self._chunks():
                output.write(chunk)

    def _chunks(self) -> Iterator[bytes]:
        self._file.seek(0)
        while chunk := self._file.read(CHUNK):
            yield chunk
