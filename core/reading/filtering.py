"""A JSONPath over a body of any size, evaluated in a child process."""

from __future__ import annotations

from core.errors import HushpostError
from core.reading.child import Child, Failed
from core.reading.rows import TextDocument
from core.reading.spool import Spool
from core.redactor import Redactor

_PIECE = 64 * 1024


class Filter:
    """One path over one text. `run` blocks; `cancel` ends it from any other thread."""

    def __init__(self, text: TextDocument, path: str, redactor: Redactor) -> None:
        self.path = path
        self.found = 0
        self.result = TextDocument()
        self._text = text
        self._redactor = redactor
        self._child: Child | None = None
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True
        if self._child is not None:
            self._child.kill()

    def run(self) -> bool:
        """Whether it ran to its end. Raises HushpostError for a path or a body that cannot be used."""
        file = self._text.spool.file
        if file is None:
            copy = Spool()
            copy.append(self._text.read(0, self._text.size))
            copy.to_file()
            file = copy.file
        if file is None:
            raise HushpostError("there is no room for a temporary file", hint="make room, or set TMPDIR")
        try:
            self._child = Child("filter", file, self.path)
            if self._cancelled:
                self._child.kill()
            self._take(self._child)
        except Failed as failure:
            if self._cancelled:
                return False
            raise self._error(failure) from None
        finally:
            if self._child is not None:
                self._child.close()
        return not self._cancelled

    def _take(self, child: Child) -> None:
        said = child.message()
        stream = self._redactor.stream()
        left = said["size"]
        while left > 0:
            data = child.out.read(min(left, _PIECE))
            if not data:
                raise Failed("ended")
            left -= len(data)
            self.result.append(stream.feed(data))
        self.result.append(stream.finish())
        self.found = said["found"]

    def _error(self, failure: Failed) -> HushpostError:
        path = f'the JSONPath "{self.path}"'
        match failure.kind:
            case "path":
                return HushpostError(f"{path} cannot be used: {failure}", hint="a path looks like $.items[*].id")
            case "json":
                return HushpostError("the body is not JSON, so there is nothing to filter")
            case "memory":
                return HushpostError(f"{path} needs more memory than a filter may take", hint="ask for less with it")
            case _:
                return HushpostError(f"{path} could not be evaluated: {failure}")
