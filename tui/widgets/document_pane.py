"""A document to read: its rows, a line that says where one is, and searching, wrapping, copying and paging."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message

from core.errors import HushpostError
from core.reading.hexrows import HexDocument
from core.reading.rows import Document, TextDocument
from core.reading.search import Search
from tui import keys
from tui.messages import Notice
from tui.widgets.ask_line import AskLine
from tui.widgets.info_line import InfoLine
from tui.widgets.text_view import Mask, Place, TextView

COPIED_AT_MOST = 4 * 1024 * 1024
"""Bytes of text that a clipboard is asked to take."""

Copy = Callable[[str], Awaitable[str]]
"""Puts a text on the clipboard and says what became of it."""
Page = Callable[[Document], None]
"""Shows a document in the person's pager."""


class DocumentPane(Vertical):
    """What is searched for is searched for again in every further document, until the person ends it."""

    DEFAULT_CSS = """
    DocumentPane { height: 1fr; }
    DocumentPane InfoLine.-focused { background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.TEXT)

    class Found(Message):
        """From the search's thread."""

        def __init__(self, search: Search) -> None:
            super().__init__()
            self.search = search

    def __init__(self, *, copy: Copy | None = None, page: Page | None = None, id: str | None = None) -> None:
        super().__init__(id=id)
        self._copy = copy
        self._page = page
        self._text = ""
        """What is searched for; empty for nothing."""
        self._jump = False
        """Whether the nearest match is to be gone to as soon as one is known."""
        self._words: tuple[tuple[str, str], ...] = ()
        self._lines = TextView(self._say)
        self._info = InfoLine()
        self._ask = AskLine()

    def compose(self) -> ComposeResult:
        yield self._lines
        yield self._info
        yield self._ask

    # What is shown

    @property
    def document(self) -> Document:
        return self._lines.document

    @property
    def top(self) -> Place:
        return self._lines.top

    @property
    def info(self) -> str:
        """What the line below the text says."""
        return self._info.text

    def show(
        self,
        document: Document,
        syntax: str = "",
        *,
        numbered: bool = False,
        top: Place = (0, 0),
        mask: Mask | None = None,
        prose: bool = False,
        words: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Show a document; `words` are what the line below says of it."""
        self._end_search()
        self._words = words
        self._lines.show(document, syntax, numbered=numbered, top=top, mask=mask, prose=prose)
        if self._text:
            self._search()
        self._say()

    def show_text(self, text: str, syntax: str = "", **more: object) -> None:
        self.show(TextDocument.of(text.encode("utf-8", "replace")), syntax, **more)  # type: ignore[arg-type]

    def say(self, *words: tuple[str, str]) -> None:
        """Say something else of the document."""
        self._words = words
        self._say()

    def grew(self, *, whole: bool) -> None:
        """The document has more rows; `whole`: it has all of them now."""
        self._lines.grew()
        if whole and self._text:
            self._end_search()
            self._search()
        self._say()

    def focus_lines(self) -> None:
        self._lines.focus()

    def ask(self, label: str, text: str, done: Callable[[str | None], None], *, whole: bool = False) -> None:
        """Ask for a text in the line below, as `AskLine.ask`; the keys go back to the document afterwards."""

        def answered(answer: str | None) -> None:
            self._info.display = True
            if self._ask.has_keys:
                self._lines.focus()
            done(answer)

        self._info.display = False
        self._ask.ask(label, text, answered, whole=whole)

    def on_descendant_focus(self) -> None:
        self._info.set_class(self._lines.has_focus, "-focused")

    def on_descendant_blur(self) -> None:
        self._info.set_class(False, "-focused")

    def _say(self) -> None:
        first, last = self._lines.range
        rows = self.document.rows
        place = f"{first + 1:,}-{last + 1:,} of {rows:,}" if rows else ""
        words = list(self._words)
        search = self._lines.search
        if search is not None:
            current = self._lines.current
            at = f"{current + 1:,} of " if current is not None else ""
            found = bool(search.matches) or not search.done
            words.insert(0, (f'"{search.text}" {at}{search.count}' if found else f'"{search.text}" not found', "key"))
        self._info.say(words, place)

    # Searching

    @property
    def searching(self) -> bool:
        return bool(self._text)

    def action_search(self) -> None:
        self.ask("search", self._text, self._search_for)

    def _search_for(self, text: str | None) -> None:
        if text is None:
            return
        self._text = text
        self._end_search()
        if text:
            self._search(jump=True)
        self._say()

    def stop_searching(self) -> None:
        self._search_for("")

    def _search(self, *, jump: bool = False) -> None:
        self._jump = jump
        search = Search(self.document, self._text, self._tell)
        self._lines.search = search
        self._lines.redraw()
        search.start()

    def _tell(self, search: Search) -> None:
        """From the search's thread."""
        self.post_message(self.Found(search))

    def _end_search(self) -> None:
        search, self._lines.search = self._lines.search, None
        self._lines.current = None
        if search is not None:
            search.cancel()
            self._lines.redraw()

    @on(Found)
    def _found(self, event: Found) -> None:
        event.stop()
        if event.search is not self._lines.search:
            return
        if self._jump and event.search.matches:
            here = self.document.offset(self._lines.range[0])
            behind = event.search.matches[-1] >= here
            if behind or event.search.done:
                self._jump = False
                self._lines.go_to_match(event.search.nearest(here) or 0)
        self._lines.redraw()

    def action_match(self, by: int) -> None:
        search, current = self._lines.search, self._lines.current
        if search is None:
            self.action_search()
        elif search.matches:
            here = self.document.offset(self._lines.range[0])
            nearest = search.nearest(here) or 0
            number = nearest - (by < 0) if current is None else current + by
            self._lines.go_to_match(number % len(search.matches))

    # The rest

    def action_wrap(self) -> None:
        self._lines.toggle_wrap()

    def action_copy(self) -> None:
        if self._copy is None or not self.document.size:
            self.post_message(Notice("there is nothing to copy"))
            return
        if self.document.size > COPIED_AT_MOST:
            self.post_message(Notice("too much text for a clipboard: save it, or read it in your pager", warning=True))
            return
        self.run_worker(self._copied(self._copy), group="copy", exclusive=True)

    async def _copied(self, copy: Copy) -> None:
        try:
            self.post_message(Notice(await copy(text_of(self.document))))
        except HushpostError as error:
            self.post_message(Notice(str(error), warning=True))

    def action_page(self) -> None:
        if self._page is None or not self.document.size:
            return
        try:
            self._page(self.document)
        except HushpostError as error:
            self.post_message(Notice(str(error), warning=True))

    def on_unmount(self) -> None:
        self._end_search()


def text_of(document: Document) -> str:
    """All of it as shown, save for the marks of what a terminal would obey."""
    if isinstance(document, HexDocument):
        return "\n".join(document.row(row).decode() for row in range(document.rows))
    return document.read(0, document.size).decode("utf-8", "replace")
