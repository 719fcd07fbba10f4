"""The parts of a multipart body as rows: `@path` is a file, `@@` begins a value with an at sign."""

from __future__ import annotations

from collections.abc import Callable

from core.models import Part
from tui.widgets.key_value_table import KeyValueTable
from tui.widgets.names import Names, Words
from tui.widgets.table_lines import TableColumn, TableRow

_FILE_MARK = "@"
_HELPS = (
    "",
    "a text, or @ and a file of this workspace, relative to its folder; @@ begins a text with an @",
    "empty: none for a text, for a file by its ending",
    "empty: none for a text, for a file its own name",
)


class PartTable(KeyValueTable):
    AS_TEXT = ("type", "filename")

    def __init__(self, names: Callable[[], Names]) -> None:
        columns = (
            TableColumn("Name", 2),
            TableColumn("Value, or @file", 3),
            TableColumn("Content-Type", 2),
            TableColumn("File name", 2),
        )
        super().__init__(
            columns, names=names, blank=TableRow(("",) * 4, helps=_HELPS), empty="no parts yet: n adds one"
        )

    @property
    def called(self) -> str:
        return "Parts"

    def _words(self, row: TableRow, column: int) -> Words | None:
        return self._files if column == 1 else None

    def _files(self, typed: str) -> list[tuple[str, str]]:
        if not typed.startswith(_FILE_MARK) or typed.startswith(_FILE_MARK * 2):
            return []
        return [(_FILE_MARK + path, said) for path, said in self.names().files(typed.removeprefix(_FILE_MARK))]


def part_row(part: Part) -> TableRow:
    if part.file is not None:
        value = _FILE_MARK + part.file
    else:
        value = part.value or ""
        if value.startswith(_FILE_MARK):
            value = _FILE_MARK + value
    return TableRow((part.name, value, part.content_type or "", part.filename or ""), part.enabled, helps=_HELPS)


def part_of(row: TableRow, before: tuple[Part, ...] = ()) -> Part:
    """`before` are parts as they were: a row that was not edited stays the very one that it was made of."""
    same = next((part for part in before if part_row(part) == row), None)
    if same is not None:
        return same
    name, value, content_type, filename = row.cells
    enabled = row.enabled is not False
    if value.startswith(_FILE_MARK) and not value.startswith(_FILE_MARK * 2):
        return Part(name, None, value[1:], filename or None, content_type or None, enabled)
    return Part(name, value.removeprefix(_FILE_MARK), None, filename or None, content_type or None, enabled)
