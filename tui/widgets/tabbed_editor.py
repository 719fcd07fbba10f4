"""An editor of one file in tabs: it holds the struct as edited, and makes the part of a tab when it is first shown."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from core.models import Field, Folder, Request
from core.workspace.inheritance import FolderHeader, switches_off
from tui.messages import PartEdited
from tui.widgets.header_table import HeaderTable
from tui.widgets.inherited_headers import InheritedHeaders
from tui.widgets.key_value_table import KeyValueTable
from tui.widgets.names import Names
from tui.widgets.struct_rows import auth_tag
from tui.widgets.tab_line import TabLine
from tui.widgets.table_lines import TableRow
from tui.widgets.variable_table import Describe, Entries, VariableTable

if TYPE_CHECKING:
    from tui.widgets.auth_form import AuthForm

D = TypeVar("D", bound=Request | Folder)


@dataclass(frozen=True)
class Inherited:
    """What the folders above give, as it is shown."""

    headers: tuple[FolderHeader, ...] = ()
    auth: str = ""
    """In a few words; empty for none."""
    scripts: Mapping[str, str] = field(default_factory=dict)
    """By the name of the field: the script, and where it is from."""


class TabbedEditor(Container, Generic[D]):
    """Posts `Edited` with the whole struct at each change."""

    DEFAULT_CSS = """
    TabbedEditor { height: 1fr; layout: vertical; }
    TabbedEditor > .tab { height: 1fr; layout: vertical; display: none; }
    TabbedEditor > .tab.-shown { display: block; }
    TabbedEditor .part-title { height: 1; color: $text-muted; padding: 0 0 0 5; }
    TabbedEditor .info-label { height: 1; color: $text-muted; padding: 0 1; }
    TabbedEditor .info-name { margin: 0 1; }
    """
    TABS: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Key and label of each."""
    REFILLED: ClassVar[frozenset[str]] = frozenset()
    """Tables that are filled again after an edit: what could not be used goes back to what it was."""

    class Edited(Message):
        def __init__(self, document: Request | Folder) -> None:
            super().__init__()
            self.document = document

    def __init__(self, document: D, names: Callable[[], Names], describe: Describe, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._names = names
        self._describe = describe
        self._document: D = document
        self._inherited = Inherited()
        self._line = TabLine(self.TABS, pages=True)
        self._tabs: dict[str, Widget] = {}
        self._stale: set[str] = set()

    def compose(self) -> ComposeResult:
        yield self._line

    def on_mount(self) -> None:
        self._show_tab(self._line.chosen)

    # What an editor of one kind of file says

    def _make(self, tab: str) -> Widget:
        """A tab's part; the heavier ones are imported only now."""
        match tab:
            case "headers":
                own = HeaderTable(self._names, id="headers")
                return Container(
                    own,
                    Static("From folders", classes="part-title"),
                    InheritedHeaders(self._names, adds_to=own, id="inherited"),
                    classes="tab",
                )
            case "auth":
                from tui.widgets.auth_form import AuthForm

                return Container(AuthForm(self._names, id="auth"), classes="tab")
            case "vars":
                return Container(VariableTable(self._names, self._describe, id="vars"), classes="tab")
            case _:
                raise ValueError(tab)

    def _put(self, tab: str, part: Widget) -> None:
        """Show the struct's values in a tab."""
        document = self._document
        match tab:
            case "headers":
                part.query_one("#headers", KeyValueTable).set_rows(_header_rows(document.headers))
                self._put_inherited(part)
            case "auth":
                cast("AuthForm", part.query_one("#auth")).show(document.auth, self._inherited.auth)
            case "vars":
                part.query_one(VariableTable).show(document.variables)

    def _put_inherited(self, part: Widget) -> None:
        given = self._inherited.headers
        table = part.query_one(InheritedHeaders)
        table.display = part.query_one(".part-title").display = bool(given)
        table.show(given, self._document.headers)
        own = part.query_one("#headers", KeyValueTable)
        # Next to its rows and the one that may be added, not at the end of an empty pane.
        own.styles.max_height = max(1, len(own.rows)) + 2 if given else None

    def _read(self, tab: str, part: Widget) -> dict[str, Any]:
        """The fields that a tab holds, as edited."""
        match tab:
            case "headers":
                return {"headers": fields_of(part.query_one("#headers", KeyValueTable).finish())}
            case "auth":
                return {"auth": cast("AuthForm", part.query_one("#auth")).finish()}
            case "vars":
                return {"variables": part.query_one(VariableTable).read()}
            case _:
                return {}

    @abstractmethod
    def _counts(self) -> dict[str, str]:
        """Short marks behind the labels; an empty one for none."""

    def _shared_counts(self) -> dict[str, str]:
        document = self._document
        headers = sum(row.enabled for row in document.headers)
        tag = auth_tag(document.auth)
        return {
            "headers": str(headers) if headers else "",
            "auth": "" if tag == "inherit" else tag.replace("_", " "),
            "vars": str(len(document.variables)) if document.variables else "",
        }

    # What the owner uses

    @property
    def tab(self) -> str:
        return self._line.chosen

    def show_document(self, document: D, inherited: Inherited) -> None:
        """Show another one, no edit."""
        self._document, self._inherited = document, inherited
        self._stale = set(self._tabs)
        self._fill(self._line.chosen)
        self._count()

    def inherit(self, inherited: Inherited) -> None:
        """The folders above give something else now; what is typed stays."""
        if inherited != self._inherited:
            self.finish()
            self._inherited = inherited
            self._stale |= self._tabs.keys() & {"headers", "auth", "scripts", "options"}
            self._fill(self._line.chosen)

    def show_variables(self, variables: Entries) -> None:
        """The variables, or what is known of their values, changed elsewhere; what is typed in the others stays."""
        self._document = msgspec.structs.replace(self.finish(), variables=dict(variables))
        self._refill("vars")
        self._count()

    @property
    def edits_a_variable(self) -> bool:
        return any(table.is_editing for table in self.query(VariableTable))

    def show_tab(self, tab: str, *, enter: bool = False) -> None:
        self._show_tab(tab)
        if enter:
            self.call_after_refresh(self._enter)

    def step_tab(self, by: int) -> None:
        keys = [key for key, _ in self.TABS]
        inside = self.screen.focused is not None and self.screen.focused in self._tabs[self._line.chosen].query("*")
        at = (keys.index(self._line.chosen) + by) % len(keys)
        self.show_tab(keys[at], enter=inside)

    def names_changed(self) -> None:
        for table in self.query(KeyValueTable):
            table.refresh_lines()
        for part in self._tabs.values():
            for nested in part.children:
                if nested.id in ("auth", "body"):
                    cast(Any, nested).names_changed()

    def finish(self) -> D:
        """The struct with everything typed so far: a cell being edited, and what no message has told yet."""
        for tab, part in self._tabs.items():
            if tab not in self._stale and part.is_mounted:
                self._document = msgspec.structs.replace(self._document, **self._read(tab, part))
        return self._document

    # Tabs

    def _show_tab(self, tab: str) -> None:
        if tab not in self._tabs:
            self._tabs[tab] = part = self._make(tab)
            self._stale.add(tab)
            self.mount(part)
        for key, part in self._tabs.items():
            part.set_class(key == tab, "-shown")
        self._line.show(tab, self._marks())
        self._fill(tab)

    def _enter(self) -> None:
        part = self._tabs[self._line.chosen]
        first = next((one for one in part.query("*") if one.focusable and one.display and one.region), None)
        if first is not None:
            first.focus()

    def _fill(self, tab: str) -> None:
        """Put the struct's values into a tab, if they are not there already."""
        part = self._tabs.get(tab)
        if part is None or tab not in self._stale:
            return
        if not part.is_mounted:
            self.call_after_refresh(self._fill, tab)
            return
        self._stale.discard(tab)
        self._put(tab, part)

    def _refill(self, tab: str) -> None:
        self._stale.add(tab)
        self._fill(tab)

    def _marks(self) -> dict[str, str]:
        return {key: mark for key, mark in self._counts().items() if mark}

    def _count(self) -> None:
        self._line.show(self._line.chosen, self._marks())

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        event.stop()
        self.show_tab(event.tab, enter=event.enter)

    # By name: the text area is imported when a tab needs it.
    def on_text_area_changed(self, event: Message) -> None:
        self._typed(event)

    @on(KeyValueTable.Changed)
    @on(PartEdited)
    @on(Input.Changed)
    def _typed(self, event: Message) -> None:
        event.stop()
        before = self._document
        if self.finish() != before:
            self._count()
            self.post_message(self.Edited(self._document))
        if isinstance(event, KeyValueTable.Changed) and event.table.id is not None:
            if event.table.id in self.REFILLED and not event.table.is_editing:
                self._refill(event.table.id)
            elif event.table.id == "headers":
                self._put_inherited(self._tabs["headers"])

    # Headers from above

    @on(InheritedHeaders.Replaced)
    def _replace(self, event: InheritedHeaders.Replaced) -> None:
        event.stop()
        rows = self._without_switch(event.field.name)
        self._own_headers.take_rows([*rows, TableRow((event.field.name, event.field.value))])
        self._own_headers.edit_cell(len(rows), 1)

    @on(InheritedHeaders.Switched)
    def _switch(self, event: InheritedHeaders.Switched) -> None:
        event.stop()
        off = [] if event.on else [TableRow((event.name, ""), enabled=False)]
        self._own_headers.take_rows([*self._without_switch(event.name), *off])

    @property
    def _own_headers(self) -> KeyValueTable:
        return self.query_one("#headers", KeyValueTable)

    def _without_switch(self, name: str) -> list[TableRow]:
        """The rows of its own headers, but for those that leave this one out."""
        named = name.casefold()
        rows = self._own_headers.finish()
        return [row for row in rows if not (_switches_off(row) and row.cells[0].casefold() == named)]


def _switches_off(row: TableRow) -> bool:
    return switches_off(Field(row.cells[0], row.cells[1], row.enabled is not False))


def _header_rows(fields: tuple[Field, ...]) -> list[TableRow]:
    help_text = "off and empty: leaves out what folders give of this name"
    return [
        replace(row, help=help_text) if switches_off(one) else row
        for row, one in zip(field_rows(fields), fields, strict=True)
    ]


def field_rows(fields: tuple[Field, ...]) -> list[TableRow]:
    return [TableRow((field.name, field.value), field.enabled) for field in fields]


def fields_of(rows: tuple[TableRow, ...]) -> tuple[Field, ...]:
    return tuple(Field(row.cells[0], row.cells[1], row.enabled is not False) for row in rows if any(row.cells))
