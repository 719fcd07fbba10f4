"""What a run says of itself, in the formats that people and CI systems read; everything in them is redacted."""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from cli.output import Output
from cli.reports.row import Row, Tally
from core.exchange import RunFinished, RunStarted

NAMES = ("console", "json", "junit", "tap", "github", "html")


class Reporter(Protocol):
    """Told of a run as it happens; keeps nothing in memory that grows with it."""

    def start(self, run: RunStarted) -> None: ...

    def add(self, row: Row) -> None: ...

    def finish(self, run: RunFinished, tally: Tally) -> None: ...


class _Module(Protocol):
    def reporter(self, output: Output) -> Reporter: ...


def make(name: str, output: Output) -> Reporter:
    """The reporter of this name, one of NAMES, writing to `output`."""
    module = cast(_Module, importlib.import_module(f"cli.reports.{name}"))
    return module.reporter(output)
