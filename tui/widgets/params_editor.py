"""The parameters of a request: those of the address's path, the rows of the query, and the address that they make."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from core.models import Request
from core.sending.urls import as_written, parameters_in, query_in
from tui.foreign import visible
from tui.widgets.key_value_table import KeyValueTable
from tui.widgets.names import Names
from tui.widgets.table_lines import NAME_VALUE, TableRow

_MOVED_BY = "alt+q makes rows of the query in the address"


class PathTable(KeyValueTable):
    """Its values begin with a digit more often than not, which no one means as a key there."""

    def on_key(self, event: events.Key) -> None:
        if not self.is_editing and (event.character or "").isdecimal() and self.type_into_cell(event.character or ""):
            event.stop()
            event.prevent_default()


class ParamsEditor(Container):
    """A value stays known while its name is not in the address, so that typing the address anew loses none."""

    DEFAULT_CSS = """
    ParamsEditor { height: 1fr; layout: vertical; }
    ParamsEditor > .whole {
        height: 0; color: $text-muted; padding: 0 1 0 5; text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self, names: Callable[[], Names], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = Static("Path parameters", classes="part-title")
        self._query = KeyValueTable(NAME_VALUE, names=names, empty="no query parameters: n adds one", id="query")
        self._path = PathTable(NAME_VALUE, names=names, fixed=True, titles=False, adds_to=self._query, id="path")
        self._whole = Static("", classes="whole", markup=False)
        self._unused: dict[str, str] = {}
        """Values of names that the address did not have when it was shown: they stay in the file."""
        self._known: dict[str, str] = {}
        self._said: list[str] = []

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._path
        yield self._query
        yield self._whole

    def show(self, request: Request, query: list[TableRow]) -> None:
        self._query.set_rows(query)
        names = parameters_in(request.url)
        self._known = dict(request.path_params)
        self._unused = {name: value for name, value in request.path_params.items() if name not in names}
        self._show_path(names)

    def follow(self, url: str) -> None:
        """The address is another one."""
        self._known |= self._typed()
        self._show_path(parameters_in(url))

    def _show_path(self, names: tuple[str, ...]) -> None:
        self._path.set_rows(
            [TableRow((name, self._known.get(name, "")), None, locked=(0,), key=name) for name in names]
        )
        self._path.display = self._title.display = bool(names)
        self._path.styles.height = min(len(names), 4)

    def say(self, request: Request) -> None:
        """Show the whole address of the request as it is now."""
        rows = ((row.name, row.value) for row in request.query if row.enabled)
        whole = visible(as_written(request.url, request.path_params, rows))
        lines = [] if whole == visible(request.url) else [whole]
        if query_in(request.url):
            lines = [whole, _MOVED_BY]
        if lines == self._said:
            return
        if len(lines) != len(self._said):
            # Only then: a key typed into the address lays nothing out.
            self._whole.styles.height = len(lines)
        self._said = lines
        self._whole.update(Content("\n".join(lines)), layout=False)

    def _typed(self) -> dict[str, str]:
        return {row.cells[0]: row.cells[1] for row in self._path.finish() if row.cells[1]}

    def path_params(self) -> dict[str, str]:
        shown = {row.cells[0] for row in self._path.rows}
        return {name: value for name, value in self._unused.items() if name not in shown} | self._typed()

    def query_rows(self) -> tuple[TableRow, ...]:
        return self._query.finish()
