"""Asks for a file, and writes a report of what ran into it: a page, JUnit XML or JSON, by the file's ending."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from msgspec.structs import replace

from core.errors import FileError
from core.exchange import CheckResult, Outcome, RunFinished
from core.files import check_writable, write_whole
from core.reports import make
from core.reports.row import Row, Tally, error_info
from core.reports.sink import FileSink
from core.threads import run_in_daemon_thread
from tui.screens.dialogs import AskTextDialog, ConfirmDialog

if TYPE_CHECKING:
    from core.redactor import Redactor
    from tui.run_log import Line, RunLog
    from tui.screens.base import SessionWork

FORMATS = {".html": "html", ".htm": "html", ".xml": "junit", ".json": "json"}
_CHUNK = 1 << 16


async def report(screen: SessionWork[Any], log: RunLog, ended: RunFinished, proposed: str) -> str | None:
    """The path it was written to, as typed; None where the person turned back."""
    session = screen.session
    label = "File: .html is a page, .xml JUnit for CI systems, .json for programs"
    dialog = AskTextDialog(session, "Write a report", label, proposed, problem=problem_of, yes="Write")
    text = await screen.ask(dialog)
    if text is None:
        return None
    path = Path(text).expanduser()  # noqa: ASYNC240 - looks at nothing
    if path.exists():
        question = f"{path}\n\nis there already."
        if not await screen.ask(ConfirmDialog(session, "Overwrite it?", question, yes="Overwrite", danger=True)):
            return None
    await run_in_daemon_thread(write_report, path, log, session.redactor, ended)
    left_out = f"; {log.unlisted:,} that passed have no line in it" if log.unlisted else ""
    screen.tell(f'the report was written to "{path.absolute()}"{left_out}')
    return text


def problem_of(text: str) -> str | None:
    """What is wrong with a path for a report, in a sentence."""
    path = Path(text).expanduser()
    if path.suffix.lower() not in FORMATS:
        return f"the name wants one of the endings {', '.join(FORMATS)}, which says what is written"
    try:
        check_writable(path)
    except FileError as error:
        return f"{error.message}" + (f": {error.hint}" if error.hint else "")
    return None


def write_report(path: Path, log: RunLog, redactor: Redactor, ended: RunFinished) -> None:
    """Whole or not at all; takes its time, so not on the event loop. Raises FileError."""
    lines = tuple(log.lines)
    counts: Counter[Outcome] = Counter(line.outcome for line in lines)
    try:
        with tempfile.TemporaryFile() as file:
            reporter = make(FORMATS[path.suffix.lower()], FileSink(file))
            if log.started is not None:
                reporter.start(log.started)
            for line in lines:
                reporter.add(_row(line, log, redactor))
            reporter.finish(ended, Tally(counts))
            write_whole(path, _chunks(file))
    except OSError as error:
        reason = (error.strerror or "the disk failed").lower()
        raise FileError(f"the report cannot be written: {reason}", path=path) from error


def _row(line: Line, log: RunLog, redactor: Redactor) -> Row:
    """With what was learnt to be a secret since masked too."""
    redact = redactor.redact
    exchange = log.exchange(line)
    return replace(
        line,
        url=redact(line.url),
        checks=tuple(CheckResult(redact(one.name), one.passed, redact(one.message)) for one in line.checks),
        error=error_info(line.error, redact) if line.error is not None else None,
        unmasked=(exchange, redactor) if exchange is not None else None,
    )


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(_CHUNK):
        yield chunk
