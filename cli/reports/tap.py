"""TAP version 14: a test point for each request, with its reasons as a YAML block."""

from __future__ import annotations

import json

from cli.output import Output
from core.exchange import RunFinished, RunStarted
from core.reports.row import Row, Tally


class Tap:
    def __init__(self, output: Output) -> None:
        self._output = output
        self._count = 0

    def start(self, run: RunStarted) -> None:
        self._output.line("TAP version 14")
        self._output.line(f"# {run.workspace}, environment {run.environment or 'base'}")

    def add(self, row: Row) -> None:
        self._count += 1
        result = "ok" if row.outcome in ("passed", "skipped") else "not ok"
        directive = " # SKIP " + _escaped(" ".join(row.reasons())) if row.outcome == "skipped" else ""
        self._output.line(f"{result} {self._count} - {_escaped(row.title)}{directive}")
        if row.outcome not in ("passed", "skipped"):
            self._output.line("  ---")
            for name, value in self._diagnosis(row).items():
                # A JSON text is a YAML flow scalar, whatever it holds.
                self._output.line(f"  {name}: {json.dumps(value, ensure_ascii=False)}")
            self._output.line("  ...")

    def finish(self, run: RunFinished, tally: Tally) -> None:
        if run.interrupted:
            self._output.line("Bail out! interrupted")
            return
        # The plan may stand at the end, when a run that was cut short is known to be.
        self._output.line(f"1..{self._count}")
        self._output.line(f"# {tally}")

    def _diagnosis(self, row: Row) -> dict[str, object]:
        found: dict[str, object] = {"message": "\n".join(row.reasons()), "severity": row.outcome, "request": row.line}
        if row.error is not None:
            found["kind"] = row.error.kind
        if row.elapsed_ms is not None:
            found["duration_ms"] = row.elapsed_ms
        return found


def _escaped(text: str) -> str:
    """A `#` would begin a directive, and a line end a new test point."""
    return " ".join(text.replace("\\", "\\\\").replace("#", "\\#").split())


def reporter(output: Output) -> Tap:
    return Tap(output)
