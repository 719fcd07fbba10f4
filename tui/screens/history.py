"""The history mode: every exchange that was kept, searched as one types, read again, compared, or made a request."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from core.history.history import Entry
from tui import keys
from tui.screens.base import SessionScreen
from tui.screens.dialogs import ConfirmDialog
from tui.widgets.hint_line import HintLine
from tui.widgets.line_input import LineInput
from tui.widgets.response_pages import duration
from tui.widgets.response_view import ResponseView
from tui.widgets.rows import Cell, Column, Row, Rows

if TYPE_CHECKING:
    from core.exchange import Exchange
    from core.history.record import Kept
    from core.reading.rows import Document
    from core.session import Session
    from core.workspace.workspace import WorkspaceKey

SHOWN = 1000
"""Rows of the list at most; a search narrows what does not fit."""
MARK = "*"

_COLUMNS = (
    Column(" Time", width=12),
    Column("Method", width=7),
    Column("Code", width=4),
    Column("URL"),
    Column("Env", width=10, from_width=76),
    Column("Took".rjust(7), width=7),
)


class HistoryScreen(SessionScreen[None]):
    """The exchanges of the open workspace, or of all; the answer of one stands below them."""

    MODE = "history"
    AUTO_FOCUS = "#exchanges"
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.HISTORY)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._all = False
        """Show the exchanges of all workspaces."""
        self._marked = ""
        """The first of two to compare."""
        self._entries: dict[str, Entry] = {}
        self._count = 0
        self._looking = False
        self._follow: str | None = ""
        """The newest one when the screen was gone to, if the cursor was on it."""

    def compose_body(self) -> ComposeResult:
        with Vertical(id="history"):
            with Horizontal(id="history-search"):
                yield Static("search", markup=False)
                yield LineInput(placeholder="words of URL, method, code, environment, request, time", id="query")
            yield Rows(_COLUMNS, id="exchanges")
            yield ResponseView(copy=self.copy, page=self.page, id="exchange")
        yield HintLine(id="hint")

    def on_mount(self) -> None:
        self._rows = self.query_one("#exchanges", Rows)
        self._query = self.query_one("#query", LineInput)
        self._response = self.query_one(ResponseView)
        self._hint = self.query_one(HintLine)
        self.list_entries()

    def session_resumed(self) -> None:
        if self.is_mounted:
            on_newest = self._rows.key == next(iter(self._entries), None) and not self.has_class("-open")
            self._follow = self._rows.key if on_newest else ""
            self.list_entries()
            self.look()

    def mode_entered(self) -> None:
        self.look()

    def look(self) -> None:
        """Ask the history for what other programs did, and for what was locked before."""
        if self.session.history.ready and not self._looking:
            self._looking = True
            self.run(self._looked, lambda _: self._looked_up(), group="look", long=True)

    async def _looked(self) -> None:
        try:
            await self.session.history.look()
        finally:
            self._looking = False

    def _looked_up(self) -> None:
        """Who came with the cursor on the newest one finds it on the newest one."""
        follow, self._follow = self._follow == self._rows.key, ""
        self.list_entries()
        if follow and self._entries:
            self._rows.go_to(next(iter(self._entries)))

    # The list

    @property
    def _of(self) -> WorkspaceKey | None:
        """The workspace whose exchanges are listed; None for all."""
        return None if self._all or self.session.workspace is None else self.session.key

    def list_entries(self) -> None:
        """Show what the history has now."""
        if not self.is_mounted or not self.query("#exchanges"):
            return
        entries = self.session.history.list(self._query.value, self._of)
        self._count = len(entries)
        self._entries = {entry.id: entry for entry in entries[:SHOWN]}
        today = datetime.now().astimezone()
        self._rows.show([self._row(entry, today) for entry in self._entries.values()], empty=self._empty())
        self._say()

    def _row(self, entry: Entry, today: datetime) -> Row:
        kept = entry.summary
        at = kept.started_at.astimezone()
        ink = "good" if 0 < kept.status < 300 else "warning" if 0 < kept.status < 400 else "bad"
        marked = entry.id == self._marked
        mark, ink_of_mark = (MARK, "strong") if marked else (" ", "")
        return Row(
            entry.id,
            (
                Cell(f"{mark}{at:%H:%M:%S}" if at.date() == today.date() else f"{mark}{at:%m-%d %H:%M}", ink_of_mark),
                kept.method,
                Cell(str(kept.status or "none"), ink),
                # What was learnt to be a secret since it was kept is masked here.
                self.session.redact(kept.url).partition("://")[2],
                self.session.redact(kept.environment),
                duration(kept.elapsed_ms).rjust(7),
            ),
        )

    def _empty(self) -> str:
        session = self.session
        if self._query.value.strip():
            return "Nothing in the history has these words."
        if not session.settings.history:
            return "The history is off in the settings (f8): nothing is kept."
        if session.store.exists and not session.store.unlocked:
            return (
                "The credential store is locked. Press enter to unlock it:\n"
                "earlier exchanges are sealed with a key that is kept in it."
            )
        if self._of is not None and session.workspace is not None and not session.workspace.file.history:
            return "This workspace keeps no history: its workspace.toml says so."
        return "Nothing yet: what you send from now on is listed here.\nf3 goes to the requests, ctrl+r there sends."

    def _say(self) -> None:
        self._hint.rest(self._words())

    def _words(self) -> str:
        """What the line below the list says: how many, and of the row under the cursor what has no column."""
        session = self.session
        count = f"{self._count:,}" if self._count <= SHOWN else f"the newest {SHOWN:,} of {self._count:,}"
        where = "of this workspace" if self._of is not None else "of all workspaces"
        words = [f"{count} {where}"]
        entry = self._current
        if entry is not None:
            kept = entry.summary
            words.append(f"{kept.started_at.astimezone():%Y-%m-%d %H:%M:%S}")
            words.append(session.redact(kept.reference or "a request without a file"))
            if not kept.url.startswith("https://"):
                words.append("plain http")
            if self._of is None and kept.workspace[0]:
                words.append(session.redact(str(kept.workspace_key.path)))
        if self._marked:
            words.insert(0, "press c on another one to compare, esc to forget the mark")
        elif self._locked:
            words.insert(1, "locked: only what this program sent since")
        elif not session.store.exists and self._entries:
            words.insert(1, "not on the disk: there is no credential store")
        return "  ·  ".join(words)

    @property
    def _current(self) -> Entry | None:
        key = self._rows.key
        return self._entries.get(key) if key is not None else None

    @on(Rows.Highlighted, "#exchanges")
    def _moved(self) -> None:
        self._say()
        self.refresh_bindings()

    @on(Input.Changed, "#query")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.list_entries()

    @on(Input.Submitted, "#query")
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self._rows.focus()

    def on_key(self, event: events.Key) -> None:
        if event.key == "down" and self._query.has_focus:
            self._rows.focus()
            event.stop()
        elif event.key == "enter" and self._rows.has_focus and self._rows.key is None:
            store = self.session.store
            if store.exists and not store.unlocked:
                from tui.cures import unlock

                self.run(lambda: unlock(self), lambda _: self.look())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted or not self.query("#exchanges"):
            return True
        match action:
            case "reopen":
                return self._current is not None and not self._query.has_focus
            case "compare" | "delete":
                return self._current is not None and self._rows.has_focus
            case "clear":
                return self._rows.has_focus
            case "all":
                return self.session.workspace is not None and self._rows.has_focus
        return True

    # What the keys do

    def action_search(self) -> None:
        self._query.focus()

    def action_all(self) -> None:
        self._all = not self._all
        self.list_entries()

    def action_back(self) -> None:
        """One step at a time: out of the answer, the mark off, the answer closed, the search ended."""
        if self._query.has_focus or not self._rows.has_focus:
            if self._query.has_focus:
                self._query.value = ""
            self._rows.focus()
        elif self._marked:
            self._mark("")
        elif self.has_class("-open"):
            self.set_class(False, "-open")
            self._response.clear()
        elif self._query.value:
            self._query.value = ""

    @on(Rows.Chosen, "#exchanges")
    def _chosen(self) -> None:
        entry = self._current
        if entry is not None:
            self.run(lambda: self.session.history.get(entry.id), self._show, group="show")

    def _show(self, kept: Kept) -> None:
        self.set_class(True, "-open")
        self._response.show(kept.exchange, self.session.redactor)
        self._response.query_one("TextView").focus()

    def action_reopen(self) -> None:
        entry = self._current
        if entry is not None:
            self.run(lambda: self._reopen(entry))

    async def _reopen(self, entry: Entry) -> None:
        """The request's own file where it is there, else a new request that would send the same again."""
        workspace = self.session.workspace
        if workspace is None:
            self.tell("open or create a workspace first", warning=True)
            return
        kept = await self.session.history.get(entry.id)
        summary = kept.summary
        theirs = summary.workspace_key == self.session.key and summary.reference
        from tui.screens.history_requests import open_as_new, open_file

        if theirs and workspace.stamp(summary.reference) is not None:
            await open_file(self, summary.reference)
        else:
            await open_as_new(self, kept.exchange)

    def action_compare(self) -> None:
        entry = self._current
        if entry is None:
            return
        if not self._marked or self._marked not in self._entries:
            self._mark(entry.id)
        elif self._marked == entry.id:
            self._mark("")
        else:
            first, self._marked = self._marked, ""
            self.run(lambda: self._compare(first, entry.id))

    def _mark(self, entry_id: str) -> None:
        self._marked = entry_id
        self.list_entries()

    async def _compare(self, first: str, second: str) -> None:
        kept = [await self.session.history.get(entry_id) for entry_id in (first, second)]
        before, after = sorted((one.exchange for one in kept), key=_started)
        from tui.screens.compare import CompareDialog

        await self.ask(CompareDialog(self.session, before, after, copy=self.copy, page=self.page))
        self.list_entries()

    def action_delete(self) -> None:
        entry = self._current
        if entry is not None:
            self.run(lambda: self.session.history.delete(entry.id), lambda _: self.list_entries())

    @property
    def _locked(self) -> bool:
        return self.session.store.exists and not self.session.store.unlocked

    def action_clear(self) -> None:
        self.run(self._clear)

    async def _clear(self) -> None:
        of = self._of
        count = len(self.session.history.list("", of))
        stay = "; earlier ones are locked, and stay" if of is not None and self._locked else ""
        if of is not None and not count:
            self.tell(f"the list is empty{stay}")
            return
        what = "of this workspace" if of is not None else "of all workspaces, also those that are locked"
        question = f"Delete the {count:,} exchanges {what} from the history{stay}?\n\nThis cannot be undone."
        if of is None and not count:
            question = "Delete the whole history, also what is locked?\n\nThis cannot be undone."
        if await self.ask(ConfirmDialog(self.session, "Clear the history?", question, yes="Delete", danger=True)):
            await self.session.history.clear(of)
            self._marked = ""
            self.list_entries()

    # What the widgets are given

    async def copy(self, text: str) -> str:
        from tui.terminal.clipboard import copy

        return await copy(self.app, self.session, text)

    def page(self, document: Document) -> None:
        from tui.terminal.pager import show_in_pager

        command = self.session.settings.pager or self.session.surroundings.pager or ""
        show_in_pager(self.app, command, document, self.session.redactor)


def _started(exchange: Exchange) -> datetime:
    return exchange.started_at
