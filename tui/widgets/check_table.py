"""The checks and the captures of a request: two tables, and beside each row what the last answer said of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from textual.app import ComposeResult
from textual.containers import Container

from core.checks.examine import capture_fault_in, fault_in
from core.exchange import CheckResult
from core.models import VARIABLE_NAME, Capture, Check, Request
from tui.messages import Notice
from tui.widgets import check_rows
from tui.widgets.key_value_table import KeyValueTable
from tui.widgets.names import Names
from tui.widgets.outcomes import Outcomes
from tui.widgets.table_lines import TableColumn, TableRow

M = TypeVar("M", Check, Capture)


class _ModelTable(KeyValueTable, Generic[M]):
    """Rows of structs. A row that was not edited stays the very struct it was made of; `key` is its number."""

    AS_TEXT = None

    def __init__(
        self, columns: Sequence[TableColumn], names: Callable[[], Names], *, blank: TableRow, empty: str, id: str
    ) -> None:
        super().__init__(columns, names=names, blank=blank, empty=empty, boxes=5, id=id)
        self._given: tuple[M, ...] = ()
        self._outcomes = Outcomes()

    def show(self, given: tuple[M, ...]) -> None:
        self._given = given
        self.set_rows([self._judged(self._row(one, str(at))) for at, one in enumerate(given)])
        self._share_room()

    def show_outcomes(self, outcomes: Outcomes) -> None:
        self._outcomes = outcomes
        self._lines.rows = [self._judged(row) for row in self._lines.rows]
        self._lines.shown()

    def read(self) -> tuple[M, ...]:
        """What the rows mean with everything typed so far."""
        return tuple(self._struct(row) for row in self.finish() if self._is_one(row))

    def _struct(self, row: TableRow) -> M:
        if row.key:
            given = self._given[int(row.key)]
            if self._row(given).cells == row.cells:
                return given
        return self._made(row)

    def _put(self, row: int, column: int, text: str) -> None:
        before = self._lines.rows[row]
        if before.cells[column] != text:
            self._lines.rows[row] = self._judged(self._after(before, column, text))

    def _take(self, row: int, column: int, text: str) -> None:
        super()._take(row, column, text)
        self._lines.go(row, column)
        self._tell_fault(row)

    def _commit(self) -> None:
        row = self._editing[0] if self._editing is not None else -1
        super()._commit()
        if 0 <= row < len(self._lines.rows):
            self._tell_fault(row)

    def _tell_fault(self, row: int) -> None:
        entry = self._lines.rows[row]
        if entry.mark == "!" and all(entry.cells[column] for column in self._needed(entry)):
            self.post_message(Notice(self._fault(self._struct(entry)), warning=True))

    def _needed(self, row: TableRow) -> Sequence[int]:
        """Columns without which a row is not finished, so that nothing is wrong with it yet."""
        return [column for column in range(len(row.cells)) if column not in row.locked]

    def _judged(self, row: TableRow) -> TableRow:
        struct = self._struct(row)
        fault = self._fault(struct)
        if fault:
            return replace(row, mark="!", help=f"! {fault}")
        result = self._result(struct)
        if result is None:
            return replace(row, mark="", help="")
        return replace(row, mark="ok" if result.passed else "FAIL", help=result.message if result.message else "")

    def _changed(self) -> None:
        super()._changed()
        self._share_room()

    def _share_room(self) -> None:
        self.styles.height = f"{min(len(self._lines.rows), 12) + 2}fr"

    # Of one kind

    def _is_one(self, row: TableRow) -> bool:
        """Whether the row is so far that it stands for a struct."""
        return True

    def _row(self, one: M, key: str = "") -> TableRow:
        raise NotImplementedError

    def _made(self, row: TableRow) -> M:
        raise NotImplementedError

    def _after(self, row: TableRow, column: int, text: str) -> TableRow:
        raise NotImplementedError

    def _fault(self, one: M) -> str:
        raise NotImplementedError

    def _result(self, one: M) -> CheckResult | None:
        raise NotImplementedError


class CheckTable(_ModelTable[Check]):
    """A new row says that the status equals 200; space goes through what else it may say."""

    def __init__(self, names: Callable[[], Names], *, id: str) -> None:
        columns = (
            TableColumn("Check", width=10),
            TableColumn("Path", 3),
            TableColumn("", width=10),
            TableColumn("Value", 2),
        )
        blank = check_rows.check_row(Check("status", "equals", value=200))
        super().__init__(columns, names, blank=blank, empty="no checks: n adds one", id=id)

    def action_add(self) -> None:
        self.add(Check("status", "equals", value=200))

    def add(self, check: Check) -> None:
        rows = self._lines.rows
        at = min(len(rows), self._lines.row + 1) if rows else 0
        rows.insert(at, self._judged(check_rows.check_row(check)))
        self._lines.shown()
        self._lines.go(at, 0)
        self._changed()

    def drop_empty(self, row: int) -> None:
        """A row as new ones are is a check already."""

    def _row(self, one: Check, key: str = "") -> TableRow:
        return check_rows.check_row(one, key)

    def _made(self, row: TableRow) -> Check:
        return check_rows.check_of(row)

    def _after(self, row: TableRow, column: int, text: str) -> TableRow:
        return check_rows.check_changed(row, column, text)

    def _fault(self, one: Check) -> str:
        return fault_in(one)

    def _needed(self, row: TableRow) -> Sequence[int]:
        return (check_rows.VALUE,) if row.cells[check_rows.SUBJECT] == "json" else super()._needed(row)

    def _result(self, one: Check) -> CheckResult | None:
        return next((result for check, result in self._outcomes.checks.values() if check == one), None)

    def _syntax(self, row: TableRow, column: int) -> str:
        _, _, op, _ = row.cells
        return "json" if column == check_rows.VALUE and op in ("schema", "equals", "not_equals") else ""


class CaptureTable(_ModelTable[Capture]):
    def __init__(self, names: Callable[[], Names], *, id: str) -> None:
        columns = (
            TableColumn("Capture", 2),
            TableColumn("From", width=10),
            TableColumn("Path", 2),
            TableColumn("Secret", width=6),
        )
        blank = check_rows.capture_row(Capture("", "json"))
        super().__init__(columns, names, blank=blank, empty="no captures: n adds one", id=id)

    def add(self, capture: Capture) -> None:
        self._lines.rows.append(self._judged(check_rows.capture_row(capture)))
        self._lines.shown()
        self._lines.go(len(self._lines.rows) - 1, 0)
        self._changed()

    def _refusal(self, row: int, column: int, text: str) -> str:
        if column != check_rows.NAME or re.fullmatch(VARIABLE_NAME, text):
            return ""
        if not text and self._lines.rows[row].cells == self.blank.cells:
            return ""
        return f'a variable cannot be called "{text}": letters, digits, _ . - and no digit first'

    def _is_one(self, row: TableRow) -> bool:
        return bool(row.cells[check_rows.NAME])

    def _row(self, one: Capture, key: str = "") -> TableRow:
        return check_rows.capture_row(one, key)

    def _made(self, row: TableRow) -> Capture:
        return check_rows.capture_of(row)

    def _after(self, row: TableRow, column: int, text: str) -> TableRow:
        return check_rows.capture_changed(row, column, text)

    def _fault(self, one: Capture) -> str:
        return capture_fault_in(one) if one.name else "the variable needs a name"

    def _needed(self, row: TableRow) -> Sequence[int]:
        return (check_rows.NAME, check_rows.WHERE) if row.cells[check_rows.FROM] != "json" else (check_rows.NAME,)

    def _result(self, one: Capture) -> CheckResult | None:
        return self._outcomes.captures.get(one)


class ChecksEditor(Container):
    """Both, one below the other."""

    DEFAULT_CSS = "ChecksEditor { height: 1fr; layout: vertical; }"

    def __init__(self, names: Callable[[], Names], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.checks = CheckTable(names, id="checks")
        self.captures = CaptureTable(names, id="captures")

    def compose(self) -> ComposeResult:
        yield self.checks
        yield self.captures

    def show(self, request: Request) -> None:
        self.checks.show(request.checks)
        self.captures.show(request.captures)

    def show_outcomes(self, outcomes: Outcomes) -> None:
        self.checks.show_outcomes(outcomes)
        self.captures.show_outcomes(outcomes)
