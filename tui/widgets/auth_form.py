"""How a request or folder logs in: the type in one line, its fields as rows."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Static

from core.models import Auth, InheritAuth, NoAuth
from tui.messages import PartEdited
from tui.widgets.form_table import FormTable
from tui.widgets.key_value_table import KeyValueTable
from tui.widgets.names import Names
from tui.widgets.struct_rows import AUTH_TYPES, auth_rows, auth_tag, auth_with, new_auth
from tui.widgets.tab_line import TabLine
from tui.widgets.table_lines import TableLines

_NOTHING_ABOVE = "No folder above says anything: nothing is added."


class AuthForm(Container):
    """Posts `PartEdited` at each change; `finish` says what the auth is then."""

    DEFAULT_CSS = """
    AuthForm { height: 1fr; layout: vertical; }
    AuthForm > Static { height: auto; padding: 0 1; color: $text-muted; }
    """

    def __init__(self, names: Callable[[], Names], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._auth: Auth = InheritAuth()
        self._inherited = ""
        self._kept: dict[str, Auth] = {}
        """What the other types held, so that going through them loses nothing."""
        self._types = TabLine(AUTH_TYPES)
        self._note = Static("", markup=False)
        self._table = FormTable(18, names=names, id="auth-rows")

    def compose(self) -> ComposeResult:
        yield self._types
        yield self._note
        yield self._table

    def on_mount(self) -> None:
        self._fill()

    def show(self, auth: Auth, inherited: str = "") -> None:
        """Show another request's auth, no edit; `inherited` says what `inherit` means here."""
        self._kept = {}
        self._auth, self._inherited = auth, inherited
        if self.is_mounted:
            self._fill()

    def finish(self) -> Auth:
        """The auth with everything typed so far."""
        self._table.finish()
        self._auth = auth_with(self._auth, self._table.rows)
        return self._auth

    def names_changed(self) -> None:
        self._table.refresh_lines()

    def _fill(self) -> None:
        self._types.show(auth_tag(self._auth), {})
        match self._auth:
            case InheritAuth():
                note = f"As the folders above say: {self._inherited}." if self._inherited else _NOTHING_ABOVE
            case NoAuth():
                note = "Nothing is added to the request."
            case _:
                note = ""
        self._note.update(note)
        self._note.display = bool(note)
        self._table.display = not note
        self._table.set_rows(auth_rows(self._auth))

    @on(TabLine.Chosen)
    def _type_chosen(self, event: TabLine.Chosen) -> None:
        event.stop()
        tag = auth_tag(self._auth)
        if event.tab != tag:
            self._kept[tag] = self._auth
            self._auth = self._kept.get(event.tab) or new_auth(event.tab)
            self._fill()
            self.post_message(PartEdited())
        if event.enter and self._table.display:
            self._table.query_one(TableLines).focus()

    @on(KeyValueTable.Changed)
    def _rows_changed(self, event: KeyValueTable.Changed) -> None:
        event.stop()
        rows = auth_rows(self.finish())
        if [row.key for row in rows] != [row.key for row in self._table.rows]:
            self._table.set_rows(rows)
        self.post_message(PartEdited())
