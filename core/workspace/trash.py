"""Keeps what was taken away for as long as it can be brought back: in a private folder of this run, emptied at its
end, and a week later where a run had no end."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from core.errors import FileError
from core.paths import make_private
from core.structs import Struct
from core.toml import file as tomlfile
from core.workspace import arrange

LIMIT = 256 * 1024 * 1024
"""Bytes that are kept; beyond it the oldest goes, and nothing larger is copied here from another file system."""
WEEK_S = 7 * 24 * 3600


class Kept(Struct, frozen=True):
    """A file or folder in the trash."""

    path: Path
    size: int


class Trash:
    """Blocking; what is moved within one file system costs one rename."""

    def __init__(self, folder: Path) -> None:
        self._shared = folder
        self._name = f"{time.time_ns():x}-{os.urandom(4).hex()}"
        self._own = folder / self._name
        self._count = 0

    @property
    def name(self) -> str:
        """Of this run: when it began, in hexadecimal nanoseconds, and something random."""
        return self._name

    def put(self, path: Path) -> Kept:
        """Take a file or folder away. Raises FileError, and then it is where it was."""
        slot = self._slot()
        kept = Kept(slot / path.name, size_of(path))
        try:
            _move(path, kept.path)
        except FileError:
            with suppress(OSError):
                slot.rmdir()
            raise
        with suppress(OSError):
            os.utime(self._own)
        return kept

    def _slot(self) -> Path:
        self._count += 1
        try:
            if not self._own.exists():
                self._sweep()
                make_private(self._own)
                self._shared.chmod(0o700)
        except OSError as error:
            # A home that cannot be written is no reason to delete nothing.
            self._own = self._elsewhere(error)
        slot = self._own / str(self._count)
        try:
            slot.mkdir(mode=0o700)
        except OSError as error:
            raise FileError(f"cannot be kept for undo: {tomlfile.reason(error)}", path=slot) from error
        return slot

    def _elsewhere(self, error: OSError) -> Path:
        try:
            return Path(tempfile.mkdtemp(prefix="hushpost-trash-"))
        except OSError:
            raise FileError(f"cannot be made: {tomlfile.reason(error)}", path=self._own) from error

    def back(self, kept: Kept, path: Path) -> None:
        """Bring it back to a place that is free. Raises FileError, and then it is still kept."""
        if not os.path.lexists(kept.path):
            raise FileError("is not kept any more", path=kept.path)
        if os.path.lexists(path):
            raise FileError("exists already", path=path)
        _move(kept.path, path)
        with suppress(OSError):
            kept.path.parent.rmdir()

    def drop(self, kept: Kept) -> None:
        shutil.rmtree(kept.path.parent, ignore_errors=True)

    def close(self) -> None:
        shutil.rmtree(self._own, ignore_errors=True)

    def _sweep(self) -> None:
        """Delete what runs left that were ended without asking."""
        with suppress(OSError):
            for left in self._shared.iterdir():
                if time.time() - left.lstat().st_mtime > WEEK_S:
                    shutil.rmtree(left, ignore_errors=True)


def files_below(path: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every file at or below a path, with its place relative to it; links are files and not followed."""
    if path.is_symlink() or not path.is_dir():
        yield "", path.lstat()
        return
    for folder, folders, names in os.walk(path):
        for name in (*names, *(one for one in folders if Path(folder, one).is_symlink())):
            file = Path(folder, name)
            yield str(file.relative_to(path)), file.lstat()


def size_of(path: Path) -> int:
    try:
        return sum(status.st_size for _, status in files_below(path))
    except OSError as error:
        raise FileError(f"cannot be read: {tomlfile.reason(error)}", path=path) from error


def _move(old: Path, new: Path) -> None:
    try:
        old.rename(new)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise FileError(f"cannot be moved: {tomlfile.reason(error)}", path=old) from error
        _move_across(old, new)


def _move_across(old: Path, new: Path) -> None:
    """To another file system: the copy is whole before anything of the original goes."""
    if size_of(old) > LIMIT:
        mib = LIMIT // 1024 // 1024
        raise FileError(f"has more than {mib} MiB, too much to be kept for undo", path=old, hint="delete it by hand")
    away = old.with_name(f".{old.name}.{os.urandom(6).hex()}.tmp")
    try:
        old.rename(away)
    except OSError as error:
        raise FileError(f"cannot be moved: {tomlfile.reason(error)}", path=old) from error
    try:
        _copy(away, new)
        arrange.remove(away)
    except (OSError, FileError) as error:
        reason = error.message if isinstance(error, FileError) else f"cannot be copied: {arrange.copy_reason(error)}"
        with suppress(OSError):
            # What was removed before it failed is in the copy.
            _copy(new, away)
        away.rename(old)
        with suppress(FileError):
            arrange.remove(new)
        raise FileError(reason, path=old) from error


def _copy(old: Path, new: Path) -> None:
    """Copy what is not there yet, links as links."""

    def missing(source: str, target: str) -> object:
        return None if os.path.lexists(target) else shutil.copy2(source, target, follow_symlinks=False)

    if old.is_dir() and not old.is_symlink():
        shutil.copytree(old, new, symlinks=True, dirs_exist_ok=True, copy_function=missing)
    else:
        missing(str(old), str(new))
