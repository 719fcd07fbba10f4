"""What a run says of itself, in the formats that people and CI systems read; everything in them is redacted."""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from cli.output import Output
from core import reports
from core.reports import Reporter

NAMES = ("console", "json", "junit", "tap", "github", "html")


class _Module(Protocol):
    def reporter(self, output: Output) -> Reporter: ...


def make(name: str, output: Output) -> Reporter:
    """The reporter of this name, one of NAMES, writing to `output`."""
    if name in reports.NAMES:
        return reports.make(name, output)
    module = cast(_Module, importlib.import_module(f"cli.reports.{name}"))
    return module.reporter(output)
