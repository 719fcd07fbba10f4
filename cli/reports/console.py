"""The report for people: a line for each request as it ends, its reasons below it, the sum at the end."""

from __future__ import annotations

from cli.output import Output
from core.exchange import RunFinished, RunStarted
from core.reports.row import Row, Tally, duration

WORDS = {
    "passed": ("ok", "green"),
    "failed": ("FAIL", "red"),
    "error": ("ERROR", "red"),
    "skipped": ("skip", "yellow"),
}


class Console:
    def __init__(self, output: Output) -> None:
        self._output = output

    def start(self, run: RunStarted) -> None:
        environment = run.environment or "base"
        # Not the name first, which is a stranger's: CI systems obey lines that begin with `::`.
        self._output.line("workspace ", (run.workspace, "bold"), f", environment {environment}")

    def add(self, row: Row) -> None:
        word, style = WORDS[row.outcome]
        status = "" if row.status is None else str(row.status)
        elapsed = "" if row.elapsed_ms is None else duration(row.elapsed_ms)
        tries = f" (try {row.attempts})" if row.attempts > 1 else ""
        self._output.line((f"{word:<5}", style), f" {status:>3} {elapsed:>8}  {row.method:<6} {row.title}{tries}")
        where = [row.line] if row.outcome in ("failed", "error") else []
        for reason in [*row.reasons(), *where]:
            # Each line has a mark before it: CI systems obey lines that begin with `::`, also after spaces.
            for line in reason.splitlines() or [""]:
                self._output.line(f"                   | {line}")

    def finish(self, run: RunFinished, tally: Tally) -> None:
        if run.interrupted:
            self._output.line(("interrupted", "red"), ": what is above ran")
        self._output.line((str(tally), "bold"), f" in {duration(run.duration_ms)}")


def reporter(output: Output) -> Console:
    return Console(output)
