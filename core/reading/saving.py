"""Writing a body as it was received into a file of the person's choice."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from core.errors import HushpostError
from core.exchange import ReceivedBody

_PIECE = 1024 * 1024


class Exists(HushpostError):
    """There is a file already."""


def save_body(body: ReceivedBody, path: Path, *, overwrite: bool = False) -> None:
    """The bytes as received, readable by this user only; the file is whole or not there. Raises HushpostError."""
    try:
        path = path.expanduser()
        if path.is_dir():
            raise HushpostError(f'"{path}" is a folder', hint="name a file in it")
        if path.exists() and not overwrite:
            raise Exists(f'"{path}" is there already', hint="enter once more to overwrite it")
        _write(body, path)
    except OSError as error:
        reason = (error.strerror or "the disk failed").lower()
        raise HushpostError(f'"{path}" cannot be written: {reason}') from error
    except (ValueError, RuntimeError) as error:
        # A body that was closed meanwhile, a NUL in the path, a home that nobody knows.
        reason = "the body is no longer there" if "closed" in str(error) else "that is no path"
        raise HushpostError(f'"{path}" cannot be written: {reason}') from error


def _write(body: ReceivedBody, path: Path) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            for start in range(0, body.size, _PIECE):
                file.write(body.read(start, _PIECE))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
