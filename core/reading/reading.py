"""Reading: one body on its way to the screen.

bytes as received → text in UTF-8 → masked by the Redactor → rows as received → rows laid out

The first three steps run in pieces in a thread, and what they gave can be looked at meanwhile; the last one runs in a
child process where the body is large. Nothing that was not masked is kept.
"""

from __future__ import annotations

import codecs
import threading
import time
from collections.abc import Callable, Iterator
from typing import Literal

from core.exchange import Response
from core.reading.child import Child, Failed
from core.reading.hexrows import HexDocument
from core.reading.kinds import HEAD, Kind, kind_of
from core.reading.layout import SYNTAXES, TooDeep, lay_out
from core.reading.rows import TextDocument
from core.reading.spool import IN_MEMORY, PrivateFile, Spool
from core.redactor import Redactor
from core.threads import start_daemon_thread

Phase = Literal["masking", "laying out", "done"]
_PIECE = 16 * 1024
_AT_A_TIME = 0.001
_LET_GO = 0.0002
"""Seconds of work, and of the rest after them in which the event loop gets the interpreter's lock."""
_TOLD_EVERY = 0.1


class Reading:
    """The documents of one body, which grow until `phase` is done."""

    def __init__(self, response: Response, redactor: Redactor, changed: Callable[[Reading], None]) -> None:
        """`changed` is called from the reading's thread, some times a second and at each phase."""
        self._body = response.body
        self._redactor = redactor
        self._changed = changed
        self._cancelled = threading.Event()
        self._child: Child | None = None
        self.size = response.body.size
        self.kind: Kind = kind_of(response.headers, response.body.read(0, HEAD), redactor.redact)
        self.phase: Phase = "masking"
        self.read = 0
        """Bytes of the body that are masked."""
        self.note = ""
        """Why there is no layout where one would be expected."""
        self.text = TextDocument()
        """The masked text as received; without rows for what is no text."""
        self.bytes: HexDocument | None = None
        self.laid_out: TextDocument | None = None

    def start(self) -> None:
        start_daemon_thread(self.run, name="reading")

    def cancel(self) -> None:
        self._cancelled.set()
        child = self._child
        if child is not None:
            child.kill()

    def close(self) -> None:
        """Give up, and drop what was read."""
        self.cancel()
        for document in (self.text, self.bytes, self.laid_out):
            if document is not None:
                document.close()

    def run(self) -> None:
        """All of it, in the calling thread."""
        if self.kind.syntax == "binary":
            spool = Spool()
            self.bytes = HexDocument(spool)
            self._mask(spool.append, "")
        else:
            self._mask(self.text.append, self.kind.charset)
        if self.kind.syntax in SYNTAXES and self.text.size and not self._cancelled.is_set():
            self.phase = "laying out"
            self._tell()
            self._lay_out()
        self.phase = "done"
        self._tell()

    def _tell(self) -> None:
        if not self._cancelled.is_set():
            self._changed(self)

    def _mask(self, append: Callable[[bytes], None], charset: str) -> None:
        stream = self._redactor.stream()
        rested = told = time.monotonic()
        for piece in self._pieces(charset):
            if masked := stream.feed(piece):
                append(masked)
            now = time.monotonic()
            if now - rested > _AT_A_TIME:
                time.sleep(_LET_GO)
                rested = time.monotonic()
            if now - told > _TOLD_EVERY:
                told = now
                self._tell()
        append(stream.finish())

    def _pieces(self, charset: str) -> Iterator[bytes]:
        """The body in UTF-8; bytes that are no text, as they are."""
        decoder = None
        if charset not in ("", "utf-8", "ascii"):
            decoder = codecs.getincrementaldecoder(charset)("replace")
        while self.read < self.size and not self._cancelled.is_set():
            try:
                piece = self._body.read(self.read, _PIECE)
            except ValueError:  # closed meanwhile: whoever closed it wants no more of it
                break
            if not piece:
                break
            first = self.read == 0
            self.read += len(piece)
            if decoder is not None:
                yield decoder.decode(piece).encode("utf-8", "replace")
            else:
                yield piece.removeprefix(codecs.BOM_UTF8) if first and charset else piece
        if decoder is not None:
            yield decoder.decode(b"", True).encode("utf-8", "replace")

    def _lay_out(self) -> None:
        kind = self.kind
        try:
            file = self.text.spool.file
            if self.text.size <= IN_MEMORY:
                document = TextDocument()
                for piece in lay_out(self.text.read(0, self.text.size), kind.syntax, by_lines=kind.by_lines):
                    document.append(piece)
            elif file is None:
                raise Failed("disk", "no room for a temporary file")
            else:
                document = self._lay_out_elsewhere(file)
        except TooDeep:
            self.note = "nested too deep to be laid out"
        except (Failed, OSError) as error:
            deep = isinstance(error, Failed) and error.kind in ("deep", "memory")
            self.note = "nested too deep to be laid out" if deep else f"not laid out: {error}"
        else:
            self.laid_out = document

    def _lay_out_elsewhere(self, source: PrivateFile) -> TextDocument:
        out, kind = PrivateFile(), self.kind
        child = self._child = Child("lay-out", source, kind.syntax, "lines" if kind.by_lines else "", out=out)
        try:
            if self._cancelled.is_set():
                child.kill()
            child.message()
        finally:
            child.close()
        return TextDocument(Spool(out))
