"""Rows of a label and a value, as a form: what is typed goes into the value under the cursor."""

from __future__ import annotations

from collections.abc import Callable

from textual import events

from tui.widgets.key_value_table import KeyValueTable
from tui.widgets.names import Names, Words
from tui.widgets.table_lines import TableColumn, TableRow


class FormTable(KeyValueTable):
    """No letter is a key here, for whoever sees a field types into it; a row of choices leaves them their meaning."""

    def __init__(self, label_width: int, *, names: Callable[[], Names] = Names, id: str | None = None) -> None:
        columns = (TableColumn("", width=label_width), TableColumn(""))
        super().__init__(columns, names=names, fixed=True, titles=False, boxes=0, id=id)

    @property
    def without(self) -> frozenset[str]:
        return super().without | {"undo"}

    def on_key(self, event: events.Key) -> None:
        # Terminals send alt and a letter with the letter as its text.
        typed = event.character if event.is_printable and not event.key.startswith("alt+") else None
        if typed and typed != " " and not self.is_editing and self.type_into_cell(typed):
            event.stop()
            event.prevent_default()

    def _words(self, row: TableRow, column: int) -> Words | None:
        return self.names().files if row.file else None
