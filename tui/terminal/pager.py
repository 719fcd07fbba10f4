"""Showing a document in the person's own pager while the app stands aside; it gets masked text on its stdin."""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from textual.app import App

from core.errors import HushpostError
from core.paths import child_environment
from core.reading.rows import Document
from core.redactor import Redactor
from tui.terminal.outside import aside
from tui.widgets.text_view import shown

_ROWS = 500
_USUAL = ("less", "more")


def show_in_pager(app: App[Any], command: str, document: Document, redactor: Redactor) -> None:
    """Wait until the person leaves the pager. Without a command the machine's usual one is taken."""
    arguments = _command(command)
    try:
        with aside(app, "a pager"):
            _feed(arguments, document, redactor)
    except OSError as error:
        raise HushpostError(
            f'the pager "{arguments[0]}" cannot be started', hint="see `pager` in the settings"
        ) from error


def _command(command: str) -> list[str]:
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise HushpostError(f'the pager "{command}" is no command', hint="see `pager` in the settings") from error
    if arguments:
        return arguments
    usual = next((name for name in _USUAL if shutil.which(name)), None)
    if usual is None:
        raise HushpostError("no pager is known", hint="set PAGER, or `pager` in the settings")
    return [usual]


def _feed(arguments: list[str], document: Document, redactor: Redactor) -> None:
    # ctrl+c in the pager is the pager's: a handler, unlike being ignored, is not inherited.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        pager = subprocess.Popen(  # noqa: S603 - the person's own command
            arguments, stdin=subprocess.PIPE, env=child_environment()
        )
        # Whoever leaves it early wants no more: neither what is written nor what closing would still write.
        with suppress(BrokenPipeError), pager:
            if pager.stdin is not None:
                for piece in lines(document, redactor):
                    pager.stdin.write(piece)
    finally:
        signal.signal(signal.SIGINT, before)


def lines(document: Document, redactor: Redactor) -> Iterator[bytes]:
    """The document with marks for whatever a terminal would obey; lines that are cut on the screen are whole."""
    for start in range(0, document.rows, _ROWS):
        piece = []
        for row in range(start, min(start + _ROWS, document.rows)):
            piece.append(shown(redactor.redact_bytes(document.row(row))))
            if not document.goes_on(row):
                piece.append("\n")
        yield "".join(piece).encode("utf-8", "replace")
