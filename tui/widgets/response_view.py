"""The answer of a request: its status, its body, and on tabs whatever else is known of the exchange."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

from core.errors import HushpostError
from core.exchange import ErrorInfo, Exchange, Progress
from core.reading.filtering import LANGUAGES, Filter, Language
from core.reading.hexrows import HexDocument
from core.reading.picture import PictureDocument, draw_picture
from core.reading.reading import Reading
from core.reading.rows import Document
from core.reading.saving import suggested_name
from core.redactor import Redactor
from core.threads import run_in_daemon_thread
from tui import keys
from tui.foreign import shortened
from tui.messages import AnswerWanted, Notice, Wanted
from tui.widgets.document_pane import Copy, DocumentPane, Page
from tui.widgets.info_line import InfoLine
from tui.widgets.response_pages import PAGES, marks, progress_text, request_page, status_words
from tui.widgets.saver import Saver
from tui.widgets.tab_line import TabLine
from tui.widgets.text_view import Place

TABS = (
    ("body", "Body"),
    ("headers", "Headers"),
    ("cookies", "Cookies"),
    ("request", "Request"),
    ("timing", "Timing"),
    ("checks", "Checks"),
)
_STARTS: dict[Language, str] = {"JSONPath": "$", "XPath": "//"}
_LONG_QUERY = 36
"""Characters of a filter that leave room for what it found at 80 columns."""
_PATIENCE = 0.15
"""Seconds after which a body that is not ready is shown as far as it is."""


class ResponseView(Widget):
    """One exchange, that one is under way, or why there is none."""

    DEFAULT_CSS = "ResponseView { layout: vertical; }"
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.RESPONSE)

    makes_checks = False
    """Whether the owner makes checks and captures of the answer."""

    class Read(Message):
        """From the reading's thread: there is more of the body."""

        def __init__(self, reading: Reading) -> None:
            super().__init__()
            self.reading = reading

    def __init__(
        self,
        *,
        copy: Copy | None = None,
        page: Page | None = None,
        jar: Callable[[], object] | None = None,
        id: str | None = None,
    ) -> None:
        """`jar` shows the cookie jar, where there is one to show."""
        super().__init__(id=id)
        self._jar = jar
        self._status = InfoLine()
        self._tabs = TabLine(TABS, pages=True)
        self._pane = DocumentPane(copy=copy, page=page)
        self._saver = Saver(self._pane, lambda: self._exchange)
        self._exchange: Exchange | None = None
        self._redactor = Redactor()
        self._reading: Reading | None = None
        self._filter: Filter | None = None
        """The filter whose result is shown, or that is under way."""
        self._filtering = False
        self._tab = "body"
        self._raw = False
        self._hex = False
        self._picture: PictureDocument | None = None
        self._undrawn = ""
        """Why it cannot be drawn."""
        self._drawn_for = Size(0, 0)
        """The room that it was drawn for."""
        self._places: dict[str, Place] = {}
        """Where each tab was left."""
        self._shown: Document | None = None
        """The document of the body that is shown."""
        self._shown_at = 0.0
        self._patience: Timer | None = None
        self._progress: Progress | None = None
        self._stopped: Callable[[], None] | None = None
        """The `stop` of the progress that was used: once more, and it is cancelled."""
        self._since = 0.0
        self._clock: Timer | None = None

    def compose(self) -> ComposeResult:
        yield self._status
        yield self._tabs
        yield self._pane

    def on_mount(self) -> None:
        self.clear()

    def on_unmount(self) -> None:
        self._forget()

    # What the owner says

    def show(self, exchange: Exchange, redactor: Redactor, *, tab: str = "") -> None:
        """Show an exchange; all of it passes the redactor first."""
        self._redactor = redactor
        if exchange.error is not None:
            self._fail(exchange.error, request_page(exchange, redactor))
            return
        self._forget()
        self._exchange = exchange
        self._tabs.display = True
        self._status.say(status_words(exchange, redactor), "")
        self._shown_at = monotonic()
        self._patience = self.set_timer(_PATIENCE + 0.01, self._show_body)
        self._reading = Reading(exchange.response, redactor, self._tell)
        self._hex = self._reading.kind.picture and not self._shows_pictures
        self._reading.start()
        self._choose(tab or self._tab)

    def clear(self, next_step: str = "") -> None:
        """There is no answer; `next_step` says how one comes."""
        self._forget()
        self._tabs.display = False
        self._status.say([("no answer yet", "muted"), (next_step, "muted")], "")
        self._pane.show_text("", "muted")

    def progress(self, progress: Progress) -> None:
        """A request is under way; the last answer stays to be read meanwhile."""
        if self._progress is None:
            self._since = monotonic()
            self._clock = self.set_interval(1, self._say_progress)
        self._progress = progress
        self._say_progress()

    def stop_receiving(self) -> bool:
        """End the body that comes in where it is; False where none does, or where that was said already."""
        progress = self._progress
        if progress is None or progress.stop is None or self._stopped == progress.stop:
            return False
        self._stopped = progress.stop
        progress.stop()
        return True

    def fail(self, error: HushpostError | ErrorInfo, hint: str | None = None) -> None:
        """There is no answer, and this is why; `hint` stands in for the error's own."""
        said = str(error) if isinstance(error, HushpostError) else error.message
        self._fail(ErrorInfo(error.kind, said, error.hint if hint is None else hint))

    def _fail(self, error: ErrorInfo, sent: str = "") -> None:
        self._forget()
        self._tabs.display = False
        text = "\n\n".join(filter(None, [f"error: {error.message}", error.hint, sent]))
        self._status.say([("no answer", "bad"), (error.kind.replace("-", " "), "muted")], "")
        self._pane.show_text(self._redactor.redact(text), "error", prose=True)

    # Parts

    def _forget(self) -> None:
        self._end_progress()
        self._end_filter()
        if self._patience is not None:
            self._patience.stop()
        reading, self._reading, self._exchange = self._reading, None, None
        self._shown = None
        self._raw = self._hex = False
        self._picture, self._drawn_for, self._undrawn = None, Size(0, 0), ""
        self._places.clear()
        if reading is not None:
            reading.close()

    def _end_progress(self) -> None:
        self._progress = None
        if self._clock is not None:
            self._clock.stop()
            self._clock = None

    def _say_progress(self) -> None:
        if self._progress is not None:
            text = progress_text(self._progress, monotonic() - self._since)
            self._status.say([(text, "strong"), (f"esc {'stops' if self._progress.stop else 'cancels'}", "muted")], "")

    # Tabs

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        event.stop()
        self._choose(event.tab)
        if event.enter:
            self._pane.focus_lines()

    def action_tab(self, by: int) -> None:
        names = [name for name, _ in TABS]
        self._choose(names[(names.index(self._tab) + by) % len(names)])

    def _choose(self, tab: str) -> None:
        exchange = self._exchange
        if exchange is None:
            return
        if tab != self._tab:
            self._places[self._tab] = self._pane.top
        self._tab = tab
        self._tabs.show(tab, marks(exchange))
        self.screen.refresh_bindings()
        if tab == "body":
            self._shown = None
            self._show_body()
        else:
            make, syntax = PAGES[tab]
            top = self._places.get(tab, (0, 0))
            self._pane.show_text(make(exchange, self._redactor), syntax, top=top, mask=self._redactor.redact_bytes)

    # The body

    def _tell(self, reading: Reading) -> None:
        """From the reading's thread."""
        self.post_message(self.Read(reading))

    @on(Read)
    def _read(self, event: Read) -> None:
        event.stop()
        if event.reading is self._reading:
            self._show_body()

    def _show_body(self, *, asked: bool = False) -> None:
        """Show as much of the body as there is; `asked`: the person wants another view of it."""
        reading = self._reading
        if reading is None or self._tab != "body":
            return
        done = reading.phase == "done"
        if done:
            self._draw(reading)
        document, syntax = self._document(reading)
        if document is self._shown:
            self._pane.grew(whole=done)
        elif self._shown is None and not asked and not done and monotonic() - self._shown_at < _PATIENCE:
            return
        elif self._shown is not None and not asked and self._pane.top != (0, 0):
            # Whoever reads the text as received already is not moved away from it.
            self._raw = True
        elif done and not reading.size:
            self._shown = document
            self._pane.show_text("the body is empty", "muted")
        else:
            top = self._places.get("body", (0, 0)) if self._shown is None else (0, 0)
            self._shown = document
            mask = self._redactor.redact_bytes
            self._pane.show(document, syntax, numbered=syntax != "hex", top=top, mask=mask)
        self._pane.say(*self._words(reading))

    def _document(self, reading: Reading) -> tuple[Document, str]:
        """The view of the body that is wanted, and its syntax."""
        if self._filter is not None and not self._filtering:
            return self._filter.result, self._filter.syntax
        if reading.bytes is not None:
            return (reading.bytes if self._picture is None or self._hex else self._picture), "hex"
        if self._hex:
            same = isinstance(self._shown, HexDocument)
            return (self._shown if same and self._shown else HexDocument(reading.text.spool)), "hex"
        if reading.laid_out is not None and not self._raw:
            return reading.laid_out, reading.kind.syntax
        return reading.text, reading.kind.syntax

    def _words(self, reading: Reading) -> list[tuple[str, str]]:
        words: list[tuple[str, str]] = []
        if self._filter is not None:
            shown = f"{self._filter.found:,} found" if not self._filtering else "filtering…"
            query = shortened(self._redactor.redact(self._filter.query), _LONG_QUERY)
            words.append((f"{query}  {shown}", "key"))
            words.append(("esc ends it", "muted"))
        elif reading.laid_out is not None and (self._raw or self._hex):
            words.append((f"{reading.kind.label} as received", "muted"))
        elif reading.size:
            words.append((reading.kind.label, "muted"))
            if self._undrawn:
                words.append((self._undrawn, "warning"))
            elif reading.kind.picture:
                words.append((f"x shows the {'picture' if self._hex else 'bytes'}", "muted"))
        if reading.phase == "masking":
            words.append((f"reading {reading.read * 100 // max(1, reading.size)} %", ""))
        elif reading.phase == "laying out":
            words.append(("laying out…", ""))
        words.append((reading.note, "warning"))
        return words

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "back":
            return self._filter is not None or self._pane.searching
        if action == "jar":
            return self._jar is not None and self._tab == "cookies"
        if action == "want" and not self.makes_checks:
            return False
        return self._exchange is not None or action not in ("filter", "raw", "hex", "save", "tab", "want")

    def action_want(self, what: Wanted) -> None:
        if self._exchange is not None:
            shown = self._filter if self._filter is not None and not self._filtering else None
            self.post_message(AnswerWanted(what, self._exchange.response.status, shown))

    def action_jar(self) -> None:
        if self._jar is not None:
            self._jar()

    def action_back(self) -> None:
        if self._filter is not None:
            self._end_filter()
            self._show_body(asked=True)
        else:
            self._pane.stop_searching()

    def action_raw(self) -> None:
        self._view(raw=not self._raw and not self._hex, hexed=False)

    def action_hex(self) -> None:
        self._view(raw=self._raw, hexed=not self._hex)

    def _view(self, *, raw: bool, hexed: bool) -> None:
        self._end_filter()
        self._raw, self._hex = raw, hexed
        self._places["body"] = (0, 0)
        if self._tab == "body":
            self._show_body(asked=True)
        else:
            self._choose("body")

    # Pictures

    @property
    def _shows_pictures(self) -> bool:
        """Unless asked: with few colours there is nothing to see, and a picture is many bytes for a slow line."""
        app = self.app
        return app.console.color_system in ("256", "truecolor") and not app.no_color and app.animation_level != "none"

    def _draw(self, reading: Reading) -> None:
        """Have the picture drawn for the room that there is now, if it is not."""
        room = self._pane.size
        if reading.bytes is not None and reading.kind.picture and not self._hex and self._drawn_for != room:
            self._drawn_for = room
            self.run_worker(self._drawn(reading, reading.bytes, room), group="picture", exclusive=True)

    async def _drawn(self, reading: Reading, source: HexDocument, room: Size) -> None:
        ground = self.background_colors[1].hex6
        try:
            picture = await run_in_daemon_thread(draw_picture, source, room.width - 1, room.height - 1, ground)
        except HushpostError as error:
            if reading is self._reading:
                self._undrawn = str(error)
                self._show_body()
            return
        if reading is self._reading:
            self._picture, self._undrawn = picture, ""
            self._show_body(asked=True)

    def on_resize(self) -> None:
        if self._picture is not None:
            self.call_after_refresh(self._show_body)

    # Filtering

    def action_filter(self) -> None:
        reading = self._reading
        if reading is None:
            return
        if reading.kind.syntax == "binary":
            self.post_message(Notice("a filter works on text only", warning=True))
        elif reading.phase == "masking":
            self.post_message(Notice("the body is still being read"))
        else:
            if self._tab != "body":
                self._choose("body")
            language = LANGUAGES.get(reading.kind.syntax)
            label, start = (f"{language}, or | command", _STARTS[language]) if language else ("| command", "| ")
            self._pane.ask(label, self._filter.query if self._filter is not None else start, self._filter_by)

    def _filter_by(self, path: str | None) -> None:
        reading = self._reading
        if path is None or reading is None:
            return
        self._end_filter()
        query = path.strip()
        syntax = reading.kind.syntax
        language = LANGUAGES.get(syntax)
        start = _STARTS[language] if language else "| "
        # Whoever wants a command need not take the beginning of a path out first.
        if query.removeprefix(start).lstrip().startswith("|"):
            query = query.removeprefix(start).lstrip()
        elif language is None:
            query = f"| {query}"
        elif query.startswith(start + start[0]):
            # A path typed or pasted whole behind the beginning that was there.
            query = query.removeprefix(start)
        if query.strip(". ") in ("", "|", "$", "//"):
            self._show_body(asked=True)
            return
        self._filter, self._filtering = Filter(reading.text, query, self._redactor, syntax), True
        self._pane.say(*self._words(reading))
        self.run_worker(self._filtered(self._filter), group="filter")

    async def _filtered(self, one: Filter) -> None:
        try:
            whole = await run_in_daemon_thread(one.run)
        except HushpostError as error:
            if one is self._filter:
                self._end_filter()
                self._show_body()
            self.post_message(Notice(f"{error}" + (f"\n{error.hint}" if error.hint else ""), warning=True))
            return
        if whole and one is self._filter:
            self._filtering = False
            self._show_body(asked=True)

    def _end_filter(self) -> None:
        one, self._filter, self._filtering = self._filter, None, False
        if one is not None:
            one.cancel()

    # Saving

    def action_save(self) -> None:
        exchange, reading = self._exchange, self._reading
        if exchange is None or reading is None:
            return
        name = suggested_name(exchange, reading.kind, self._redactor.redact)
        if self._filter is not None and not self._filtering and self._tab == "body":
            stem, _, ending = name.rpartition(".")
            self._saver.ask("save what was found, secrets masked, to", f"{stem}-found.{ending}", self._filter.result)
        else:
            self._saver.ask("save as received, secrets unmasked, to", name, exchange.response.body)
