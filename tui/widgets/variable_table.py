"""The variables of a request or folder as rows: plain values are edited in place, hidden ones by a screen's flows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import msgspec
from textual.binding import BindingType
from textual.message import Message

from core.models import VARIABLE_NAME, Variable, variable
from tui import keys
from tui.messages import Notice
from tui.widgets.key_value_table import KeyValueTable
from tui.widgets.names import Names
from tui.widgets.row_text import Line
from tui.widgets.table_lines import NAME_VALUE, TableRow

Entries = Mapping[str, str | Variable]
Describe = Callable[[str, Variable], tuple[str, str]]
"""What a row shows of a hidden value, and what the hint line says of the variable."""


class VariableTable(KeyValueTable):
    """A row's key is the name that the variable had when it was last shown or read."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.VARIABLES)

    class Asked(Message):
        """A key asks for `what` at a variable: edit, secret, link, unlink, details, rename, delete."""

        def __init__(self, what: str, name: str) -> None:
            super().__init__()
            self.what = what
            self.name = name

    def __init__(self, names: Callable[[], Names], describe: Describe, *, id: str | None = None) -> None:
        super().__init__(NAME_VALUE, names=names, empty="no variables of its own: n adds one", id=id)
        self._describe = describe
        self._shown: Entries = {}

    def line_problems(self, lines: Sequence[Line], kept: Sequence[TableRow]) -> Iterator[tuple[Line, str]]:
        hidden = {row.cells[0] for row in kept}
        seen: set[str] = set()
        for line in lines:
            name = line.cells[0]
            if not re.fullmatch(VARIABLE_NAME, name):
                yield line, _bad_name(name)
            elif name in hidden:
                yield line, f'"{name}" is a secret or linked variable here, which is kept as it is'
            elif name in seen:
                yield line, f'"{name}" stands in a line above already'
            seen.add(name)

    def show(self, variables: Entries) -> None:
        self._shown = dict(variables)
        self.set_rows([self._row(name, variable(entry)) for name, entry in variables.items()])

    def read(self) -> dict[str, str | Variable]:
        """What was shown, as edited; unchanged where a name cannot be used, which is told."""
        made: dict[str, str | Variable] = {}
        rows = [self._of_row(row) for row in self.finish()]
        for name, entry in rows:
            if name:
                made[name] = entry
        bad = next((name for name in made if not re.fullmatch(VARIABLE_NAME, name)), None)
        if bad is not None:
            self.post_message(Notice(_bad_name(bad), warning=True))
            if not self.is_editing:
                self.show(self._shown)
            return dict(self._shown)
        self._shown = made
        self._lines.rows = [replace(row, key=row.cells[0]) for row in self._lines.rows]
        return made

    def _of_row(self, row: TableRow) -> tuple[str, str | Variable]:
        name, value = row.cells
        before, enabled = self._shown.get(row.key), row.enabled is not False
        if before is None:
            return name, _short(Variable(value=value, enabled=enabled))
        old = variable(before)
        plain = {} if old.hidden else {"value": value}
        new = msgspec.structs.replace(old, enabled=enabled, **plain)
        return name, before if new == old else _short(new)

    def _row(self, name: str, entry: Variable) -> TableRow:
        shown, said = self._describe(name, entry)
        if entry.hidden:
            return TableRow((name, shown), entry.enabled, locked=(0, 1), help=said, key=name)
        rules = entry != Variable(value=entry.value or "", enabled=entry.enabled)
        return TableRow((name, entry.value or ""), entry.enabled, help=said if rules else "", key=name)

    # Keys

    @property
    def _current(self) -> Variable | None:
        row = self._lines.row_at_cursor
        return self._known(row) if row is not None else None

    def _known(self, row: TableRow) -> Variable | None:
        return variable(self._shown[row.key]) if row.key in self._shown else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action != "ask":
            return super().check_action(action, parameters)
        if self.is_editing or self._current is None:
            return False
        return self._current.link is not None or parameters[0] not in ("unlink", "details")

    def action_ask(self, what: str) -> None:
        row = self._lines.row_at_cursor
        if row is not None:
            self.post_message(self.Asked(what, row.key))

    def action_delete(self) -> None:
        """A value in the store goes with its variable, after a question."""
        if self._current is not None and self._current.secret:
            self.action_ask("delete")
        else:
            super().action_delete()

    def _refusal(self, row: int, column: int, text: str) -> str:
        if column or not text:
            return ""
        if not re.fullmatch(VARIABLE_NAME, text):
            return _bad_name(text)
        taken = any(one.cells[0] == text for at, one in enumerate(self._lines.rows) if at != row)
        return f'there is a variable "{text}" here already' if taken else ""

    def _edit(self, row: int, column: int) -> None:
        entry = self._known(self._lines.rows[row])
        if entry is not None and entry.hidden:
            self.action_ask("edit")
        else:
            super()._edit(row, column)


def _short(entry: Variable) -> str | Variable:
    """As it stands in a file: a plain value with no rules is a text."""
    return entry.value if entry.value is not None and entry == Variable(value=entry.value) else entry


def _bad_name(name: str) -> str:
    return f'a variable cannot be called "{name}": letters, digits, _ . - and no digit first'
