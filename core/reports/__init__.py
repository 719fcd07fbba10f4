"""Reports of a run as files: JSON, JUnit XML and an HTML page; everything in them is redacted."""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from core.exchange import RunFinished, RunStarted
from core.reports.row import Row, Tally
from core.reports.sink import Sink

NAMES = ("html", "junit", "json")


class Reporter(Protocol):
    """Told of a run as it happens; keeps nothing in memory that grows with it."""

    def start(self, run: RunStarted) -> None: ...

    def add(self, row: Row) -> None: ...

    def finish(self, run: RunFinished, tally: Tally) -> None: ...


class _Module(Protocol):
    def reporter(self, output: Sink) -> Reporter: ...


def make(name: str, output: Sink) -> Reporter:
    """The reporter of this name, one of NAMES, writing to `output`."""
    module = cast(_Module, importlib.import_module(f"core.reports.{name}"))
    return module.reporter(output)
