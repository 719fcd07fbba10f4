"""A run and its reports: where each goes, progress on a terminal, and what is told when the run is interrupted."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from cli.diagnostics import ExitCode, code_of, worst
from cli.output import Output
from cli.reports import NAMES, make
from core.exchange import RequestFinished, RequestStarted, Result, RunFinished, RunStarted
from core.files import check_writable, write_whole
from core.reports import Reporter
from core.reports.row import Row, Tally, row, with_answer
from core.structs import Struct

if TYPE_CHECKING:
    from cli.diagnostics import Diagnostics
    from cli.invocation import Invocation
    from core.run.steps import RunOptions
    from core.session import Session

CHUNK = 1 << 16
REDRAW_S = 0.1
BAR_WIDTH = 24
NAMED = 3
"""Requests that were under way, of an interrupted run."""


class Target(Struct, frozen=True):
    """A reporter and its file; None is stdout."""

    name: str
    path: Path | None


def parse_reporters(texts: Iterable[str]) -> list[Target]:
    """NAME[=FILE] of each `--reporter`; checked before anything is sent."""
    targets: list[Target] = []
    for text in texts:
        name, equals, file = text.partition("=")
        if name not in NAMES:
            raise click.UsageError(f'there is no reporter "{name}"; use one of {", ".join(NAMES)}')
        if equals and not file:
            raise click.UsageError(f'the reporter "{name}" has no file after =')
        targets.append(Target(name, Path(file).expanduser() if file and file != "-" else None))
    files = [target.path.resolve() for target in targets if target.path]
    if len(files) != len(set(files)):
        raise click.UsageError("two reporters have the same file")
    if sum(target.path is None for target in targets) > 1:
        raise click.UsageError("only one reporter can write to stdout: give the others a file, NAME=FILE")
    for path in files:
        check_writable(path)
    return targets or [Target("console", None)]


async def report_run(
    invocation: Invocation,
    session: Session,
    references: Sequence[str],
    options: RunOptions,
    targets: Sequence[Target],
    *,
    answers: bool = False,
) -> ExitCode:
    """Run and report, with `answers` also what came where a request did not pass; a run that was interrupted reports
    what ran and ends with 130."""
    from cli.unlocking import UnlockingSession
    from core.run.runner import run

    session.sender.alone = options.parallel == 1
    reports = Reports(invocation.output, targets)
    progress = ProgressBar(invocation.diagnostics)
    tally = Tally()
    codes: set[int] = set()
    under_way: dict[tuple[str, int], None] = {}
    started = time.monotonic()
    ended: RunFinished | None = None
    events = run(UnlockingSession(invocation, session), references, options)
    try:
        async for event in events:
            match event:
                case RunStarted():
                    tally.expected = event.total
                    reports.start(event)
                    progress.start(event.total)
                case RequestStarted():
                    under_way[event.reference, event.iteration] = None
                    progress.draw(tally, event.reference)
                case RequestFinished(result=result):
                    under_way.pop((result.reference, result.iteration), None)
                    tally.count(result.outcome)
                    codes.add(_code(result))
                    progress.clear()
                    told = row(result, session.redact, file=_file(session, result), redactor=session.redactor)
                    reports.add(with_answer(told) if answers else told)
                    progress.draw(tally, "")
                case RunFinished():
                    ended = event
    except asyncio.CancelledError:
        ended = ended or RunFinished((time.monotonic() - started) * 1000, interrupted=True)
    finally:
        progress.clear()
    if ended is None:
        ended = RunFinished((time.monotonic() - started) * 1000)
    unwritten = reports.finish(ended, tally)
    if ended.interrupted:
        names = list(dict.fromkeys(f'"{reference}"' for reference, _ in under_way))
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        invocation.diagnostics.error(f"interrupted during {', '.join(names[:NAMED])}{more}" if names else "interrupted")
        codes.add(ExitCode.INTERRUPTED)
    if unwritten is not None:
        invocation.diagnostics.error(unwritten)
        codes.add(ExitCode.USAGE)
    return worst(codes)


def _code(result: Result) -> ExitCode:
    if result.error is not None and result.outcome == "error":
        return code_of(result.error.kind)
    return ExitCode.FAILED if result.outcome in ("failed", "error") else ExitCode.OK


def _file(session: Session, result: Result) -> str:
    """The request's file as seen from the current folder, for annotations; empty where it is elsewhere."""
    if session.workspace is None or not result.reference:
        return ""
    try:
        folder = _from_here(session.workspace.path)
        if not folder.startswith("."):
            return f"{folder}/{result.reference}.toml"
        # It may still be below: the current folder can be one of requests.
        path = os.path.relpath(session.workspace.path / "requests" / f"{result.reference}.toml")
    except FileNotFoundError:
        # The current folder was deleted.
        return ""
    return "" if path.startswith("..") else path


@lru_cache(maxsize=1)
def _from_here(workspace: Path) -> str:
    return os.path.relpath(workspace / "requests")


class _Report(Struct, frozen=True):
    """One reporter; `file` is an unlinked one whose content goes to `path` at the end, None for stdout."""

    reporter: Reporter
    output: Output
    file: IO[bytes] | None
    path: Path | None

    def tell(self, do: Callable[[Reporter], None]) -> None:
        do(self.reporter)
        if self.file is None:
            # Who watches the log of a CI job sees each request as it ends, and what ran where the job is killed.
            self.output.flush()

    def finish(self, run: RunFinished, tally: Tally) -> None:
        self.reporter.finish(run, tally)
        self.output.flush()
        if self.file is not None and self.path is not None:
            with self.file:
                write_whole(self.path, _chunks(self.file))


class Reports:
    """All reporters of a run. One that cannot be written takes no other along: its error is told at the end."""

    def __init__(self, output: Output, targets: Sequence[Target]) -> None:
        self._reports: list[_Report] = []
        self._error: OSError | None = None
        for target in targets:
            # Closed by finish.
            file = None if target.path is None else tempfile.TemporaryFile()  # noqa: SIM115
            kept = output if file is None else Output(file)
            self._reports.append(_Report(make(target.name, kept), kept, file, target.path))

    def start(self, run: RunStarted) -> None:
        self._each(lambda report: report.tell(lambda reporter: reporter.start(run)))

    def add(self, row: Row) -> None:
        self._each(lambda report: report.tell(lambda reporter: reporter.add(row)))

    def finish(self, run: RunFinished, tally: Tally) -> OSError | None:
        """Why one of them could not be written, None where all were."""
        self._each(lambda report: report.finish(run, tally))
        return self._error

    def _each(self, do: Callable[[_Report], None]) -> None:
        for report in list(self._reports):
            try:
                do(report)
            except OSError as error:
                self._reports.remove(report)
                if self._error is None:
                    self._error = error
                    error.filename = "stdout" if report.path is None else str(report.path)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(CHUNK):
        yield chunk


class ProgressBar:
    """On a terminal a bar that the next line overwrites; elsewhere nothing, the report's lines are the progress."""

    def __init__(self, diagnostics: Diagnostics) -> None:
        self._diagnostics = diagnostics
        self._total = 0
        self._drawn = 0.0

    def start(self, total: int) -> None:
        self._total = total

    def draw(self, tally: Tally, running: str) -> None:
        now = time.monotonic()
        if not self._diagnostics.is_terminal or self._total < 2 or (now - self._drawn < REDRAW_S and not running):
            return
        self._drawn = now
        done = tally.counts.total()
        filled = BAR_WIDTH * min(done, self._total) // self._total
        wrong = tally.counts["failed"] + tally.counts["error"]
        bar = "#" * filled + "-" * (BAR_WIDTH - filled)
        text = f"[{bar}] {done}/{self._total}{f', {wrong} not passed' if wrong else ''} {running}"
        width = 80
        with suppress(OSError):
            width = os.get_terminal_size(2).columns
        self._diagnostics.progress(text[: max(width - 1, 10)])

    def clear(self) -> None:
        self._diagnostics.progress("")
