"""The headers that folders give to a request or folder: seen, replaced by a row of its own, or switched off by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.message import Message

from core.models import Field
from core.workspace.inheritance import FolderHeader, standing
from tui.widgets.key_value_table import KeyValueTable
from tui.widgets.names import Names
from tui.widgets.table_lines import TableColumn, TableRow

_COLUMNS = (TableColumn("Name"), TableColumn("Value", 2), TableColumn("From", width=14))
_HELP = {
    "sent": "enter writes another value here, space leaves it out here",
    "replaced": "not sent: a row above of the same name is",
    "off": "left out here; space lets it be sent again",
}


class InheritedHeaders(KeyValueTable):
    """Nothing in it is edited: what keys ask for is posted, and becomes a row of the table above."""

    DEFAULT_CSS = "InheritedHeaders { max-height: 45%; }"

    class Replaced(Message):
        """Another value is wanted in place of the folder's."""

        def __init__(self, field: Field) -> None:
            super().__init__()
            self.field = field

    class Switched(Message):
        """The header is to be left out, or with `on` to be sent again."""

        def __init__(self, name: str, on: bool) -> None:
            super().__init__()
            self.name = name
            self.on = on

    def __init__(self, names: Callable[[], Names], *, adds_to: KeyValueTable, id: str | None = None) -> None:
        super().__init__(_COLUMNS, names=names, fixed=True, titles=False, adds_to=adds_to, id=id)
        self._given: Sequence[FolderHeader] = ()

    def show(self, given: Sequence[FolderHeader], own: Sequence[Field]) -> None:
        self._given = given
        self.set_rows([_row(one, standing(one.field.name, own)) for one in given])
        self.styles.height = len(given)

    def action_switch(self) -> None:
        row = self._lines.row_at_cursor
        if row is not None and row.enabled is not None:
            self.post_message(self.Switched(row.cells[0], not row.enabled))

    def _edit(self, row: int, column: int) -> None:
        self.post_message(self.Replaced(self._given[row].field))


def _row(given: FolderHeader, how: str) -> TableRow:
    return TableRow(
        (given.field.name, given.field.value, given.folder or "requests"),
        enabled={"sent": True, "off": False}.get(how),
        locked=(0, 1, 2),
        help=_HELP[how],
    )
