"""Editing all rows of a table as text: what is asked, and the rows that the answer makes of those that were there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tui.messages import TextAsked
from tui.widgets.row_text import Line, LineError, lines_of, text_of
from tui.widgets.table_lines import TableRow

if TYPE_CHECKING:
    from tui.widgets.key_value_table import KeyValueTable

_NOTE = 'A row a line, "Name: value"; # before it switches it off. Quotes as in JSON keep line ends and blanks.'


def asked(table: KeyValueTable) -> TextAsked:
    """The question for a table's rows; rows with a locked cell, such as secrets, are not in the text and stay."""
    rows = table.finish()
    more = table.AS_TEXT or ()
    shown = [row for row in rows if not row.locked]
    kept = [row for row in rows if row.locked]
    note = _NOTE
    if more:
        note += f" After it, if need be: {'; '.join(f'{title}=…' for title in more)}."
    if kept:
        note += f" Not in the text, and kept: {', '.join(row.cells[0] for row in kept)}."

    def problem(text: str) -> str:
        try:
            lines = lines_of(text, more)
        except LineError as error:
            return str(error)
        return next(
            (f"line {line.number}: {said}" for line, said in table.line_problems(lines, kept) if said),
            "",
        )

    def taken(text: str) -> None:
        table.take_rows(merged(rows, lines_of(text, more), table.blank))

    return TextAsked(
        f"{table.called} as text",
        text_of([(row.cells, row.enabled is not False) for row in shown], more),
        taken,
        names=table.names,
        note=note,
        problem=problem,
    )


def pasted(table: KeyValueTable, text: str) -> list[TableRow]:
    """The rows of a text of several lines, or of one line where there is no cell yet that it could be meant for."""
    try:
        lines = lines_of("\n".join(text.splitlines()), table.AS_TEXT or ())
    except LineError:
        return []
    if len(lines) < 2 - (not table.rows) or any(said for _, said in table.line_problems(lines, table.rows)):
        return []
    return [replace(table.blank, cells=line.cells, enabled=line.enabled) for line in lines]


def merged(before: Sequence[TableRow], lines: Sequence[Line], blank: TableRow) -> list[TableRow]:
    """Each line as the row that had its name, so that what the text does not hold of it is kept; else as a new one."""
    free = [row for row in before if not row.locked]
    matched: list[TableRow | None] = []
    for line in lines:
        same = next((row for row in free if row.cells[0] == line.cells[0]), None)
        matched.append(same)
        if same is not None:
            free.remove(same)
    if len(free) == 1 and matched.count(None) == 1:
        matched[matched.index(None)] = free[0]
    made = [
        replace(row if row is not None else blank, cells=line.cells, enabled=line.enabled)
        for row, line in zip(matched, lines, strict=True)
    ]
    # Rows that were not in the text stay behind as many others as before.
    for at, row in enumerate(before):
        if row.locked:
            made.insert(min(at, len(made)), row)
    return made
