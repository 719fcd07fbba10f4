"""The store's file on disk: whole reads, and replacements that a kill at any point leaves either undone or done."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import StoreCorrupt, StoreError, StoreLocked
from core.paths import make_private
from core.vault.envelope import FILE_LIMIT

Stamp = tuple[int, ...]
"""Differs between two generations of the file."""


class StoreFile:
    """`path`, with its lock file and the previous generation beside it, all for this user only."""

    def __init__(self, path: Path, lock_timeout: float) -> None:
        self._path = path
        self._lock_timeout = lock_timeout

    @property
    def exists(self) -> bool:
        return os.path.lexists(self._path)

    @property
    def _target(self) -> Path:
        # A store kept elsewhere and linked to stays where it is.
        return Path(os.path.realpath(self._path))

    @property
    def _previous(self) -> Path:
        return _beside(self._target, ".bak")

    def missing(self) -> StoreLocked:
        if self._previous.exists():
            return StoreLocked(
                f'the credential store "{self._path}" is gone, and its previous generation is left',
                missing=True,
                hint=f'run `hushpost store restore "{self._previous}"`',
            )
        return StoreLocked("there is no credential store yet", missing=True, hint="make one with `hushpost store init`")

    def refuse_existing(self) -> None:
        """Raise where creating a store would end up writing over one."""
        if self.exists:
            raise StoreError(f'there is a credential store already: "{self._path}"', hint="unlock it instead")
        if self._previous.exists():
            raise StoreError(
                f'the credential store is gone, and its previous generation is left: "{self._previous}"',
                hint="restore it with `hushpost store restore FILE`, or move it away to start anew",
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one who writes."""
        # Only who writes pays for it: it takes longer to import than to read the store.
        import filelock

        target = self._target
        with self._failing("saved"):
            make_private(target.parent)
            lock = filelock.FileLock(_beside(target, ".lock"), timeout=self._lock_timeout, mode=0o600)
            try:
                lock.acquire(poll_interval=0.01)
            except filelock.Timeout:
                raise StoreError("another hushpost is saving the credential store", hint="try again") from None
        try:
            yield
        finally:
            lock.release()

    def stamp(self) -> Stamp:
        with self._failing("read"):
            return _stamp(self._path.stat())

    def read(self) -> tuple[bytes, Stamp]:
        with self._failing("read"):
            # Not blocking: a FIFO in the file's place would be waited for.
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode) or status.st_size > FILE_LIMIT:
                    raise StoreCorrupt(f'"{self._path}" is no credential store', hint="look at what is there")
                return file.read(FILE_LIMIT + 1), _stamp(status)

    def replace(self, data: bytes, *, keep_previous: bool = True) -> Stamp:
        """Write the next generation. The one before is kept beside it, or deleted. Call with the lock held."""
        if len(data) > FILE_LIMIT:
            raise StoreError(f"the credential store would be larger than {FILE_LIMIT // 1024 // 1024} MiB")
        target, previous = self._target, self._previous
        new, old = _beside(target, ".new"), _beside(target, ".old")
        with self._failing("saved"):
            # Left by a kill; the lock says that nobody is writing them.
            new.unlink(missing_ok=True)
            old.unlink(missing_ok=True)
            try:
                stamp = _write_new(new, data)
                if not keep_previous:
                    previous.unlink(missing_ok=True)
                elif target.exists():
                    _link_or_copy(target, old)
                    old.replace(previous)
                    # Two names of one file: then the replacement did nothing.
                    old.unlink(missing_ok=True)
                new.replace(target)
            except BaseException:
                new.unlink(missing_ok=True)
                raise
            _sync_folder(target.parent)
        return stamp

    def copy_to(self, path: Path) -> None:
        data, _ = self.read()
        try:
            _write_new(path, data)
            _sync_folder(path.parent)
        except FileExistsError as error:
            raise StoreError(f'"{path}" exists already', hint="choose another file") from error
        except OSError as error:
            raise StoreError(f'the backup "{path}" cannot be written: {_why(error)}') from error

    @contextmanager
    def _failing(self, what: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise self.missing() from error
        except OSError as error:
            raise StoreError(f'the credential store "{self._path}" cannot be {what}: {_why(error)}') from error


def _why(error: OSError) -> str:
    text = error.strerror or type(error).__name__
    return text[:1].lower() + text[1:]


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _write_new(path: Path, data: bytes) -> Stamp:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
            return _stamp(os.fstat(descriptor))
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:
        # A file system without hard links.
        _write_new(target, source.read_bytes())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems cannot sync a folder.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
