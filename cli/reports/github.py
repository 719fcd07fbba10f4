"""Annotations of GitHub Actions: workflow commands in the log, each at the file of its request."""

from __future__ import annotations

from cli.output import Output
from core.exchange import RunFinished, RunStarted
from core.reports.row import Row, Tally, duration

LEVELS = {"failed": "error", "error": "error", "skipped": "notice"}


class Github:
    def __init__(self, output: Output) -> None:
        self._output = output
        self._run: RunStarted | None = None

    def start(self, run: RunStarted) -> None:
        self._run = run

    def add(self, row: Row) -> None:
        if row.outcome == "passed":
            return
        message = "\n".join([*row.reasons(), row.line])
        properties = f"title={_property(f'{row.title}: {row.outcome}')}"
        if row.file:
            properties = f"file={_property(row.file)},{properties}"
        self._output.line(f"::{LEVELS[row.outcome]} {properties}::{_data(message)}")

    def finish(self, run: RunFinished, tally: Tally) -> None:
        what = f"{tally} in {duration(run.duration_ms)}{', interrupted' if run.interrupted else ''}"
        level = "notice" if tally.all_passed and not run.interrupted else "error"
        title = _property(f"hushpost: {self._run.workspace if self._run else ''}")
        self._output.line(f"::{level} title={title}::{_data(what)}")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def reporter(output: Output) -> Github:
    return Github(output)
