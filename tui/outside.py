"""Editing a text in the person's own editor while the app stands aside: templates as written, no value in the file."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App, SuspendNotSupported

from core.errors import HushpostError

if TYPE_CHECKING:
    from core.session import Session


def edited_outside(app: App[Any], session: Session, text: str, suffix: str) -> str:
    """The text as the editor left it."""
    command = session.settings.editor or session.surroundings.editor
    if not command:
        raise HushpostError("no editor is known", hint="set EDITOR, or `editor` in the settings")
    with tempfile.TemporaryDirectory(prefix="hushpost-") as folder:
        file = Path(folder) / f"body{suffix}"
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8", newline="")
        try:
            with app.suspend():
                done = subprocess.run([*shlex.split(command), str(file)], check=False)  # noqa: S603 - the person's own command
        except SuspendNotSupported as error:
            raise HushpostError("this terminal cannot be given to an editor") from error
        except (OSError, ValueError) as error:
            raise HushpostError(
                f'the editor "{command}" cannot be started', hint="see `editor` in the settings"
            ) from error
        if done.returncode != 0:
            raise HushpostError(f'the editor "{command}" ended with code {done.returncode}; nothing was taken from it')
        try:
            return file.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise HushpostError("what the editor left cannot be read as UTF-8 text") from error
