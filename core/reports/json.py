"""The report for programs: one JSON object, whose fields are a contract."""

from __future__ import annotations

from core.exchange import RunFinished, RunStarted
from core.reports.row import Row, Tally
from core.reports.sink import Sink
from core.reports.spool import Spool
from core.visible import json_text


class Json:
    def __init__(self, output: Sink) -> None:
        self._output = output
        self._rows = Spool()
        self._run: RunStarted | None = None

    def start(self, run: RunStarted) -> None:
        self._run = run

    def add(self, row: Row) -> None:
        self._rows.write(("    " if not self._rows.pieces else ",\n    ") + json_text(row.as_json(), indent=None))

    def finish(self, run: RunFinished, tally: Tally) -> None:
        head = {
            "workspace": self._run.workspace if self._run else "",
            "environment": self._run.environment if self._run else "",
            "started_at": self._run.started_at.isoformat() if self._run else None,
            "duration_ms": round(run.duration_ms, 1),
            "summary": tally.as_json(),
        }
        if run.interrupted:
            head["interrupted"] = True
        self._output.text(json_text(head).removesuffix("\n}") + ',\n  "results": [')
        if self._rows.pieces:
            self._output.text("\n")
        self._rows.copy_to(self._output)
        self._output.text("\n  ]\n}\n" if self._rows.pieces else "]\n}\n")


def reporter(output: Sink) -> Json:
    return Json(output)
