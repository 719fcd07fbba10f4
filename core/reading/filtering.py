"""What a body of any size is narrowed to by a JSONPath, an XPath or a command, worked out in a child process."""

from __future__ import annotations

from typing import Literal

from core.errors import HushpostError
from core.reading.child import Child, Failed
from core.reading.kinds import HEAD, Syntax, kind_of
from core.reading.rows import TextDocument
from core.reading.spool import Spool
from core.redactor import Redactor

_PIECE = 64 * 1024

Language = Literal["JSONPath", "XPath", "command"]
LANGUAGES: dict[str, Language] = {"json": "JSONPath", "xml": "XPath", "html": "XPath"}
"""The language of paths into a body, by its syntax; others have none."""
_EXAMPLES = {"JSONPath": "a path looks like $.items[*].id", "XPath": "a path looks like //item/@id"}


class Filter:
    """One query over one text. `run` blocks; `cancel` ends it from any other thread."""

    def __init__(self, text: TextDocument, query: str, redactor: Redactor, syntax: Syntax = "json") -> None:
        """`query` is a path, or after `|` a command line for the shell, which gets the masked text on its stdin."""
        self.query = query
        self.found = 0
        """Values that a path found, lines that a command wrote."""
        self.result = TextDocument()
        self.syntax: Syntax = syntax
        """Of the result."""
        self.language: Language = "command" if query.startswith("|") else LANGUAGES.get(syntax, "JSONPath")
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
            query = self.query.removeprefix("|").strip()
            self._child = Child("filter", file, query, self.language, self.syntax)
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
        if self.language == "command":
            self.syntax = kind_of((), self.result.read(0, HEAD), self._redactor.redact).syntax

    def _error(self, failure: Failed) -> HushpostError:
        query = f'the {self.language} "{self.query.removeprefix("|").strip()}"'
        said = self._redactor.redact(str(failure))
        match failure.kind:
            case "path":
                return HushpostError(f"{query} cannot be used: {said}", hint=_EXAMPLES[self.language])
            case "body":
                return HushpostError(f"the body is not {said}, so there is nothing to filter")
            case "deep":
                return HushpostError("the body is nested too deep for a filter")
            case "command":
                return HushpostError(f"{query} failed: {said}")
            case "memory":
                return HushpostError(f"{query} needs more memory than a filter may take", hint="ask for less with it")
            case _:
                return HushpostError(f"{query} could not be evaluated: {said}")
