"""The person's own programs while the app stands aside; their editor on a text, templates as written, or on a file."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App, SuspendNotSupported

from core.errors import HushpostError
from core.paths import child_environment

if TYPE_CHECKING:
    from core.session import Session


@contextmanager
def aside(app: App[Any], program: str) -> Iterator[None]:
    """Give the terminal to a program, such as "an editor", and take it back, whatever comes of that program."""
    failure: Exception | None = None
    try:
        with app.suspend():
            # An error that left `suspend` would leave the app without the terminal.
            try:
                yield
            except Exception as error:  # noqa: BLE001 - raised again below
                failure = error
    except SuspendNotSupported as error:
        raise HushpostError(f"this terminal cannot be given to {program}") from error
    if failure is not None:
        raise failure


def edited_outside(app: App[Any], session: Session, text: str, suffix: str) -> str:
    """The text as the editor left it."""
    with tempfile.TemporaryDirectory(prefix="hushpost-") as folder:
        file = Path(folder) / f"body{suffix}"
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8", newline="")
        ended = open_outside(app, session, file)
        if ended != 0:
            raise HushpostError(f"the editor ended with code {ended}; nothing was taken from it")
        try:
            return file.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise HushpostError("what the editor left cannot be read as UTF-8 text") from error


def open_outside(app: App[Any], session: Session, file: Path) -> int:
    """Wait until the person leaves the editor; the code that it ended with."""
    command = session.settings.editor or session.surroundings.editor
    if not command:
        raise HushpostError("no editor is known", hint="set EDITOR, or `editor` in the settings")
    try:
        with aside(app, "an editor"):
            arguments = [*shlex.split(command), str(file)]
            return subprocess.run(arguments, check=False, env=child_environment()).returncode  # noqa: S603 - the person's own command
    except (OSError, ValueError) as error:
        raise HushpostError(f'the editor "{command}" cannot be started', hint="see `editor` in the settings") from error
