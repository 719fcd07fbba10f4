"""Files that a command is told to write: whole or not at all, whatever stops it."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path

from core.errors import FileError

PROC = Path("/proc/self/fd")


def check_writable(path: Path) -> None:
    """Refuse a place that cannot be written before work is done whose result would be lost."""
    target = _target(path)
    if target.is_dir():
        raise FileError("this is a folder", path=path, hint="name a file")
    if not target.parent.is_dir():
        raise FileError("its folder does not exist", path=path, hint=f"make it: mkdir -p {target.parent}")
    writable = target if _is_special(target) else target.parent
    if not os.access(writable, os.W_OK):
        raise FileError("this place cannot be written", path=path, hint="choose another, or change its permissions")


def write_whole(path: Path, chunks: Iterable[bytes], *, private: bool = False) -> None:
    """Write a file beside the target and put it in the target's place; a device or pipe is written directly.

    `private`: readable by this user only, also while it is written.
    """
    target = _target(path)
    if _is_special(target):
        with target.open("wb") as stream:
            stream.writelines(chunks)
        return
    descriptor, temporary = _new_file(target)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.writelines(chunks)
            stream.flush()
            os.fsync(descriptor)
            os.fchmod(descriptor, _mode(target, private))
            temporary = temporary or _named(descriptor, target)
        temporary.replace(target)
    except BaseException:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
        raise


def _new_file(target: Path) -> tuple[int, Path | None]:
    """A file beside the target, and its name; without one where that can be: killed, we leave nothing behind."""
    if hasattr(os, "O_TMPFILE") and PROC.is_dir():
        with contextlib.suppress(OSError):  # not on every file system
            return os.open(target.parent, os.O_TMPFILE | os.O_WRONLY, 0o600), None
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    return descriptor, Path(name)


def _named(descriptor: int, target: Path) -> Path:
    """Give a whole file that has no name one beside the target."""
    name = target.parent / f".{target.name}.{secrets.token_hex(6)}.part"
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        # With a folder given, the link in /proc is followed, which is the only way to its file.
        os.link(PROC / str(descriptor), name, src_dir_fd=folder)
    finally:
        os.close(folder)
    return name


def _target(path: Path) -> Path:
    """Where a symlink leads: the link stays, its file is replaced. /dev/stdout leads to what has no name."""
    return path if _is_special(path) else path.resolve()


def _is_special(target: Path) -> bool:
    return target.exists() and not target.is_file()


def _mode(target: Path, private: bool) -> int:
    if private:
        return 0o600
    with contextlib.suppress(OSError):
        return target.stat().st_mode & 0o777
    # The umask can only be read by setting it.
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask
