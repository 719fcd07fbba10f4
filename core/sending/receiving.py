"""Bodies as they come in: decoded, kept in memory while small and in a private file when not, up to a limit."""

from __future__ import annotations

import io
import tempfile
import zlib
from collections.abc import Sequence
from typing import IO, Protocol

from core.errors import RequestError
from core.exchange import ReceivedBody

IN_MEMORY = 1024 * 1024
LARGEST = 2 * 1024**3
_STEP = 256 * 1024
"""The most that one call decompresses: a bomb grows in steps that the limit can stop."""


class TooLarge(Exception):
    """The body passed the limit; what was kept up to there stays."""


class BadEncoding(Exception):
    """The body is not what its Content-Encoding says; what could be decoded stays."""


class Spool:
    """Collects a body: in memory up to `IN_MEMORY` bytes, past it in a file without a name that only we can open."""

    def __init__(self, *, limit: int = LARGEST, in_memory: int = IN_MEMORY) -> None:
        self._file: IO[bytes] = io.BytesIO()
        self._limit = limit
        self._in_memory = in_memory
        self.size = 0

    def write(self, data: bytes) -> None:
        room = self._limit - self.size
        kept = data[:room] if len(data) > room else data
        try:
            if self.size <= self._in_memory < self.size + len(kept):
                memory = self._file
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the body
                memory.seek(0)
                self._file.write(memory.read())
            self._file.write(kept)
        except OSError as error:
            self._file.close()
            raise RequestError(
                f"the body of the answer cannot be kept: {(error.strerror or 'the disk failed').lower()}",
                kind="disk",
                hint=f'make room in "{tempfile.gettempdir()}", or set TMPDIR to a folder that has some',
            ) from error
        self.size += len(kept)
        if len(kept) < len(data):
            raise TooLarge

    def body(self) -> ReceivedBody:
        return ReceivedBody(self._file, self.size)

    def close(self) -> None:
        self._file.close()


class Decoder(Protocol):
    def feed(self, data: bytes, out: Spool) -> None: ...
    def finish(self, out: Spool) -> None: ...


class Plain:
    """No encoding, or one that we do not know: the bytes are kept as they came."""

    def feed(self, data: bytes, out: Spool) -> None:
        out.write(data)

    def finish(self, out: Spool) -> None:
        pass


class Inflate:
    """gzip and deflate, also deflate without its zlib header as some servers send it, and gzip of several members."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._engine = zlib.decompressobj(wbits=47)
        self._raw_tried = name != "deflate"
        self._started = False

    def feed(self, data: bytes, out: Spool) -> None:
        while data:
            if self._engine.eof:
                # Zeros after the last member are padding.
                if self._name != "gzip" or not data.strip(b"\0"):
                    return
                self._engine = zlib.decompressobj(wbits=47)
            try:
                decoded = self._engine.decompress(data, _STEP)
            except zlib.error as error:
                if self._raw_tried or self._started:
                    raise BadEncoding from error
                self._raw_tried = True
                self._engine = zlib.decompressobj(wbits=-15)
                continue
            self._started = True
            out.write(decoded)
            data = self._engine.unconsumed_tail or self._engine.unused_data

    def finish(self, out: Spool) -> None:
        try:
            while rest := self._engine.decompress(b"", _STEP):
                out.write(rest)
        except zlib.error as error:
            raise BadEncoding from error
        if self._started and not self._engine.eof:
            raise BadEncoding


def decoder(encodings: Sequence[str]) -> tuple[Decoder, str]:
    """The decoder for a Content-Encoding, and the encoding that stays on because it is none that we asked for."""
    known = [name for name in encodings if name not in ("", "identity")]
    if not known:
        return Plain(), ""
    if known[0] in ("gzip", "x-gzip", "deflate") and len(known) == 1:
        return Inflate("gzip" if known[0] != "deflate" else "deflate"), ""
    return Plain(), ", ".join(known)
