"""The tabs of a request: parameters, headers, auth, body, variables, options, info. It holds the request as edited."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from core.models import Field, NoBody, Options, Request, Variable, variable
from core.urls import parameters_in
from tui.foreign import foreign
from tui.messages import Notice, PartEdited
from tui.widgets.key_value_table import KeyValueTable
from tui.widgets.line_input import LineInput
from tui.widgets.names import Names
from tui.widgets.struct_rows import auth_tag, body_tag, option_rows, options_with
from tui.widgets.tab_line import TabLine
from tui.widgets.table_lines import TableColumn, TableRow

if TYPE_CHECKING:
    from tui.widgets.auth_form import AuthForm
    from tui.widgets.body_editor import BodyEditor
    from tui.widgets.body_text import BodyText

TABS = (
    ("params", "Params"),
    ("headers", "Headers"),
    ("auth", "Auth"),
    ("body", "Body"),
    ("vars", "Vars"),
    ("options", "Options"),
    ("info", "Info"),
)


class RequestEditor(Container):
    """Posts `Edited` with the whole request at each change. A tab's part is made when it is first shown."""

    DEFAULT_CSS = """
    RequestEditor { height: 1fr; layout: vertical; }
    RequestEditor > .tab { height: 1fr; layout: vertical; display: none; }
    RequestEditor > .tab.-shown { display: block; }
    RequestEditor .path-title { height: 1; color: $text-muted; padding: 0 0 0 5; }
    RequestEditor .info-label { height: 1; color: $text-muted; padding: 0 1; }
    RequestEditor .info-name { margin: 0 1; }
    RequestEditor #description { margin: 0 1; background: $surface; }
    """

    class Edited(Message):
        def __init__(self, request: Request) -> None:
            super().__init__()
            self.request = request

    def __init__(self, names: Callable[[], Names], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._names = names
        self._request = Request()
        self._reference = ""
        self._inherited = ""
        self._line = TabLine(TABS)
        self._tabs: dict[str, Widget] = {}
        self._stale: set[str] = set()

    def compose(self) -> ComposeResult:
        yield self._line

    def on_mount(self) -> None:
        self._show_tab(self._line.chosen)

    # What the owner uses

    @property
    def request(self) -> Request:
        return self._request

    @property
    def tab(self) -> str:
        return self._line.chosen

    def show(self, request: Request, reference: str, inherited: str) -> None:
        """Show another request, no edit; `inherited` says in a few words what auth it inherits."""
        self._request, self._reference, self._inherited = request, reference, inherited
        self._stale = set(self._tabs)
        self._fill(self._line.chosen)
        self._count()

    def take(self, request: Request) -> None:
        """The request changed elsewhere (method, address); the path parameters follow the address."""
        before = parameters_in(self._request.url)
        self._request = request
        if parameters_in(request.url) != before:
            self._stale.add("params")
            if self._line.chosen == "params":
                self._fill("params")
            self._count()

    def show_tab(self, tab: str, *, enter: bool = False) -> None:
        self._show_tab(tab)
        if enter:
            self.call_after_refresh(self._enter)

    def step_tab(self, by: int) -> None:
        keys = [key for key, _ in TABS]
        inside = self.screen.focused is not None and self.screen.focused in self._tabs[self._line.chosen].query("*")
        at = (keys.index(self._line.chosen) + by) % len(keys)
        self.show_tab(keys[at], enter=inside)

    def names_changed(self) -> None:
        for table in self.query(KeyValueTable):
            table.refresh_lines()
        for part in self._tabs.values():
            for nested in part.children:
                if nested.id in ("auth", "body"):
                    cast("AuthForm | BodyEditor", nested).names_changed()

    def _body_editor(self) -> BodyEditor:
        return cast("BodyEditor", self._tabs["body"].query_one("#body"))

    # Tabs

    def _show_tab(self, tab: str) -> None:
        if tab not in self._tabs:
            self._tabs[tab] = part = self._make(tab)
            self._stale.add(tab)
            self.mount(part)
        for key, part in self._tabs.items():
            part.set_class(key == tab, "-shown")
        self._line.show(tab, self._counts())
        self._fill(tab)

    def _make(self, tab: str) -> Widget:
        """A tab's part; the heavier ones are imported only now."""
        name_value = (TableColumn("Name"), TableColumn("Value", 2))
        match tab:
            case "params":
                empty = "no query parameters: n adds one"
                query = KeyValueTable(name_value, names=self._names, empty=empty, id="query")
                return Container(
                    Static("Path parameters", classes="path-title"),
                    KeyValueTable(name_value, names=self._names, fixed=True, titles=False, adds_to=query, id="path"),
                    query,
                    classes="tab",
                )
            case "headers":
                empty = "no headers of its own: n adds one"
                return Container(KeyValueTable(name_value, names=self._names, empty=empty, id="headers"), classes="tab")
            case "auth":
                from tui.widgets.auth_form import AuthForm

                return Container(AuthForm(self._names, id="auth"), classes="tab")
            case "body":
                from tui.widgets.body_editor import BodyEditor

                return Container(BodyEditor(self._names, id="body"), classes="tab")
            case "vars":
                empty = "no variables of its own: n adds one"
                return Container(KeyValueTable(name_value, names=self._names, empty=empty, id="vars"), classes="tab")
            case "options":
                columns = (TableColumn("", width=26), TableColumn(""))
                return Container(
                    KeyValueTable(columns, names=self._names, fixed=True, titles=False, boxes=False, id="options"),
                    classes="tab",
                )
            case _:
                from tui.widgets.body_text import BodyText

                return Container(
                    Static("Name", classes="info-label"),
                    LineInput(id="name", classes="info-name"),
                    Static("Description", classes="info-label"),
                    BodyText(self._names, id="description"),
                    Static("", id="file", classes="info-label", markup=False),
                    classes="tab",
                )

    def _enter(self) -> None:
        part = self._tabs[self._line.chosen]
        first = next((one for one in part.query("*") if one.focusable and one.display and one.region), None)
        if first is not None:
            first.focus()

    def _fill(self, tab: str) -> None:
        """Put the request's values into a tab, if they are not there already."""
        part = self._tabs.get(tab)
        if part is None or tab not in self._stale:
            return
        if not part.is_mounted:
            self.call_after_refresh(self._fill, tab)
            return
        self._stale.discard(tab)
        request = self._request
        match tab:
            case "params":
                part.query_one("#query", KeyValueTable).set_rows(_rows(request.query))
                names = parameters_in(request.url)
                path = part.query_one("#path", KeyValueTable)
                path.set_rows(
                    [TableRow((name, request.path_params.get(name, "")), enabled=None, locked=(0,)) for name in names]
                )
                path.display = part.query_one(".path-title").display = bool(names)
                path.styles.height = min(len(names), 4)
            case "headers":
                part.query_one(KeyValueTable).set_rows(_rows(request.headers))
            case "auth":
                cast("AuthForm", part.query_one("#auth")).show(request.auth, self._inherited)
            case "body":
                self._body_editor().show(request.body)
            case "vars":
                rows = [_variable_row(name, variable(entry)) for name, entry in request.variables.items()]
                part.query_one(KeyValueTable).set_rows(rows)
            case "options":
                part.query_one(KeyValueTable).set_rows(option_rows(request.options))
            case "info":
                name = part.query_one("#name", LineInput)
                with name.prevent(Input.Changed):
                    name.value = request.name
                cast("BodyText", part.query_one("#description")).show(request.description)
                part.query_one("#file", Static).update(foreign(f"requests/{self._reference}.toml"))

    def _counts(self) -> dict[str, str]:
        request = self._request
        params = sum(row.enabled for row in request.query) + len(parameters_in(request.url))
        headers = sum(row.enabled for row in request.headers)
        counts = {
            "params": str(params) if params else "",
            "headers": str(headers) if headers else "",
            "auth": "" if auth_tag(request.auth) == "inherit" else auth_tag(request.auth).replace("_", " "),
            "body": "" if isinstance(request.body, NoBody) else body_tag(request.body),
            "vars": str(len(request.variables)) if request.variables else "",
            "options": "*" if request.options != Options() else "",
        }
        return {key: mark for key, mark in counts.items() if mark}

    def _count(self) -> None:
        self._line.show(self._line.chosen, self._counts())

    # Edits

    def finish(self) -> Request:
        """The request with everything typed so far: a cell being edited, and what no message has told yet."""
        for tab, part in self._tabs.items():
            if tab not in self._stale and part.is_mounted:
                self._request = msgspec.structs.replace(self._request, **self._read(tab, part))
        return self._request

    def _read(self, tab: str, part: Widget) -> dict[str, Any]:
        match tab:
            case "params":
                path = part.query_one("#path", KeyValueTable).finish()
                return {
                    "query": _fields(part.query_one("#query", KeyValueTable).finish()),
                    "path_params": {row.cells[0]: row.cells[1] for row in path if row.cells[1]},
                }
            case "headers":
                return {"headers": _fields(part.query_one(KeyValueTable).finish())}
            case "auth":
                return {"auth": cast("AuthForm", part.query_one("#auth")).finish()}
            case "body":
                return {"body": self._body_editor().finish()}
            case "vars":
                return {"variables": self._variables(part.query_one(KeyValueTable))}
            case "options":
                return {"options": self._options(part.query_one(KeyValueTable))}
            case _:
                description = cast("BodyText", part.query_one("#description")).value
                return {"name": part.query_one("#name", LineInput).value, "description": description}

    def _variables(self, table: KeyValueTable) -> dict[str, str | Variable]:
        before = {name: variable(entry) for name, entry in self._request.variables.items()}
        made: dict[str, str | Variable] = {}
        for row in table.finish():
            name, value = row.cells
            old = before.get(row.key)
            if not name:
                continue
            if old is None or (row.enabled and old == Variable(value=old.value or "")):
                made[name] = value if row.enabled else Variable(value=value, enabled=False)
            else:
                plain = {} if old.hidden else {"value": value}
                made[name] = msgspec.structs.replace(old, enabled=row.enabled is not False, **plain)
        problem = _bad_name(made)
        if problem:
            self.post_message(Notice(problem, warning=True))
            return self._request.variables
        return made

    def _options(self, table: KeyValueTable) -> Options:
        try:
            return options_with(self._request.options, table.finish())
        except ValueError as problem:
            self.post_message(Notice(str(problem), warning=True))
            return self._request.options

    def _refill(self, tab: str) -> None:
        self._stale.add(tab)
        self._fill(tab)

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
        before = self._request
        if self.finish() != before:
            self._count()
            self.post_message(self.Edited(self._request))
        if isinstance(event, KeyValueTable.Changed) and event.table.id in ("options", "vars"):
            # What could not be used goes back to what it was, and a renamed row is known by its new name.
            self._refill(event.table.id)


def _rows(fields: tuple[Field, ...]) -> list[TableRow]:
    return [TableRow((field.name, field.value), field.enabled) for field in fields]


def _fields(rows: tuple[TableRow, ...]) -> tuple[Field, ...]:
    return tuple(Field(row.cells[0], row.cells[1], row.enabled is not False) for row in rows if any(row.cells))


def _variable_row(name: str, entry: Variable) -> TableRow:
    if entry.hidden:
        value = f"linked: {entry.link.label}" if entry.link is not None else "secret of the local store"
        return TableRow((name, value), entry.enabled, locked=(1,), help="f4 manages secrets and links", key=name)
    return TableRow((name, entry.value or ""), entry.enabled, key=name)


def _bad_name(names: dict[str, str | Variable]) -> str:
    """What is wrong with the names of variables, empty when nothing is."""
    import re

    from core.models import VARIABLE_NAME

    for name in names:
        if not re.fullmatch(VARIABLE_NAME, name):
            return f'a variable cannot be called "{name}": letters, digits, _ . - and no digit first'
    return ""
