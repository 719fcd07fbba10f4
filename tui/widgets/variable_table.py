"""The variables of a request or folder as rows: plain values are edited in place, hidden ones only switched."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import msgspec

from core.models import VARIABLE_NAME, Variable, variable
from tui.messages import Notice
from tui.widgets.key_value_table import KeyValueTable
from tui.widgets.names import Names
from tui.widgets.tabbed_editor import NAME_VALUE
from tui.widgets.table_lines import TableRow

Entries = Mapping[str, str | Variable]


class VariableTable(KeyValueTable):
    """Rows are known by the name that they had when they were shown."""

    def __init__(self, names: Callable[[], Names], *, id: str | None = None) -> None:
        super().__init__(NAME_VALUE, names=names, empty="no variables of its own: n adds one", id=id)

    def show(self, variables: Entries) -> None:
        self.set_rows([_row(name, variable(entry)) for name, entry in variables.items()])

    def read(self, shown: Entries) -> dict[str, str | Variable]:
        """What `show` was given, as edited; unchanged where a name cannot be used, which is told."""
        before = {name: variable(entry) for name, entry in shown.items()}
        made: dict[str, str | Variable] = {}
        for row in self.finish():
            name, value = row.cells
            old = before.get(row.key)
            if not name:
                continue
            if old is None or (row.enabled and old == Variable(value=old.value or "")):
                made[name] = value if row.enabled else Variable(value=value, enabled=False)
            else:
                plain = {} if old.hidden else {"value": value}
                made[name] = msgspec.structs.replace(old, enabled=row.enabled is not False, **plain)
        bad = next((name for name in made if not re.fullmatch(VARIABLE_NAME, name)), None)
        if bad is None:
            return made
        problem = f'a variable cannot be called "{bad}": letters, digits, _ . - and no digit first'
        self.post_message(Notice(problem, warning=True))
        return dict(shown)


def _row(name: str, entry: Variable) -> TableRow:
    if entry.hidden:
        value = f"linked: {entry.link.label}" if entry.link is not None else "secret of the local store"
        return TableRow((name, value), entry.enabled, locked=(1,), help="f4 manages secrets and links", key=name)
    return TableRow((name, entry.value or ""), entry.enabled, key=name)
