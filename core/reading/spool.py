"""Bytes that are appended and read at any place: in memory while few, then in a file without a name."""

from __future__ import annotations

import os
import tempfile
from typing import IO

IN_MEMORY = 64 * 1024


class PrivateFile:
    """A file without a name, readable by this user only; its space is free again when nothing holds it any more."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - __del__ closes it

    def fileno(self) -> int:
        return self._file.fileno()

    @property
    def size(self) -> int:
        return os.fstat(self.fileno()).st_size

    def append(self, data: bytes | bytearray) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.fileno(), rest) :]

    def read(self, start: int, stop: int) -> bytes:
        parts = []
        while start < stop and (part := os.pread(self.fileno(), stop - start, start)):
            parts.append(part)
            start += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()


class Spool:
    """Appended to by one thread, read by any. Where no file can be made or filled, the bytes stay in memory."""

    def __init__(self, file: PrivateFile | None = None) -> None:
        """With a file, what is in it."""
        self._memory = bytearray()
        self._file = file
        self._refused = False
        self.size = file.size if file is not None else 0

    def append(self, data: bytes) -> None:
        if self._file is None and not self._refused and self.size + len(data) > IN_MEMORY:
            self.to_file()
        if self._file is None:
            self._memory += data
        else:
            try:
                self._file.append(data)
            except OSError:
                # The disk is full; the memory may not be.
                self._memory = bytearray(self._file.read(0, self.size)) + data
                self._file, self._refused = None, True
        self.size += len(data)

    def read(self, start: int, stop: int) -> bytes:
        file = self._file
        return bytes(self._memory[start:stop]) if file is None else file.read(start, min(stop, self.size))

    @property
    def file(self) -> PrivateFile | None:
        """For a child process, which reads it by its descriptor; None while all is in memory."""
        return self._file

    def close(self) -> None:
        """Whoever reads afterwards finds nothing."""
        self._file, self._memory, self.size, self._refused = None, bytearray(), 0, True

    def to_file(self) -> None:
        """Move what is in memory to a file, if one can be had."""
        if self._file is not None:
            return
        try:
            file = PrivateFile()
            file.append(self._memory)
        except OSError:
            self._refused = True
        else:
            self._file, self._memory = file, bytearray()
