"""The two scripts of a request or folder as rows: chosen from the files below `scripts/`, opened, or made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from core.models import Scripts
from tui import keys
from tui.widgets.key_value_table import KeyValueTable
from tui.widgets.table_lines import TableColumn, TableRow

_ROWS = (
    ("before_request", "Script before sending", "changes the request; enter chooses one, o opens or makes it"),
    (
        "after_response",
        "Script after the answer",
        "checks it or sets variables; enter chooses one, o opens or makes it",
    ),
)


class ScriptTable(KeyValueTable):
    """Posts `Changed` when another script was chosen, and `Asked` for what only a screen can do."""

    DEFAULT_CSS = "ScriptTable { height: 2; }"
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.SCRIPTS)

    class Asked(Message):
        """The person wants another script for the row, or with `open` to see or make the one that it names."""

        def __init__(self, table: ScriptTable, row: TableRow, *, open: bool) -> None:
            super().__init__()
            self.table = table
            self.row = row
            self.open = open

        @property
        def script(self) -> str:
            return self.row.cells[1]

        @property
        def before(self) -> bool:
            return self.row.key == "before_request"

    def __init__(self, *, id: str | None = None) -> None:
        columns = (TableColumn("", width=26), TableColumn(""))
        super().__init__(columns, fixed=True, titles=False, boxes=0, id=id)

    def show(self, scripts: Scripts, inherited: Mapping[str, str]) -> None:
        """Show another request's or folder's; this is no edit. `inherited` is what it has from folders otherwise."""
        self.set_rows(
            [
                TableRow(
                    (label, getattr(scripts, key) or ""),
                    enabled=None,
                    locked=(0,),
                    help=help_text,
                    key=key,
                    ghost=inherited.get(key, ""),
                )
                for key, label, help_text in _ROWS
            ]
        )

    @property
    def scripts(self) -> Scripts:
        return Scripts(**{row.key: row.cells[1] or None for row in self.rows})

    def choose(self, key: str, script: str) -> None:
        """Take a script, by its path below `scripts/`, for one of the rows; empty for none."""
        at = next(at for at, row in enumerate(self.rows) if row.key == key)
        self._take(at, 1, script)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "whole" and super().check_action(action, parameters)

    def _edit(self, row: int, column: int) -> None:
        self.post_message(self.Asked(self, self.rows[row], open=False))

    def action_open(self) -> None:
        row = self._lines.row_at_cursor
        if row is not None:
            self.post_message(self.Asked(self, row, open=True))
