"""Rows on diskcache, each sealed on its own: nothing readable reaches the disk, and nothing on it is ever unpickled.

A row is `nonce · ChaCha20-Poly1305(value)`, its random id the associated data, so a row put in another's place does not
open. diskcache sees ids and sealed bytes only; it writes when each row was stored in clear.
"""

from __future__ import annotations

import os
import re
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from diskcache import Cache, Disk, Timeout
from diskcache.core import DBNAME, MODE_RAW, UNKNOWN

from core.paths import make_private

_PURPOSE = b"hushpost-history/1"
_NONCE_SIZE = 12
_ID = re.compile("[0-9a-f]{32}")
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
PATIENCE = 5.0
"""Seconds that a write waits for another process."""


class Damaged(Exception):
    """The database is none of ours, or not whole."""


class Unavailable(Exception):
    """The disk cannot be used now; str() says why, in a few words."""


def new_id() -> str:
    return secrets.token_hex(16)


class SealedDisk(Disk):  # type: ignore[misc]
    """What diskcache calls to turn keys and values into columns; see `sealing_with`.

    Values lie in the database itself, never in files beside it, so no file name in a row is ever followed.
    """

    def seal(self, row_id: str, value: bytes) -> bytes:
        raise NotImplementedError

    def open(self, row_id: str, sealed: bytes) -> bytes | None:
        """The value; None when it was sealed with another key or for another row, or is no value of ours."""
        raise NotImplementedError

    def put(self, key: object) -> tuple[str, bool]:
        if not is_id(key):
            raise TypeError("a row goes by an id of new_id()")
        return str(key), True

    def get(self, key: object, raw: bool) -> str | None:
        """None for a key that is not one of ours, pickled ones among them."""
        return str(key) if raw and is_id(key) else None

    def store(self, value: object, read: bool, key: object = UNKNOWN) -> tuple[int, int, None, memoryview]:
        if not isinstance(value, bytes) or read:
            raise TypeError("only bytes are kept")
        return 0, MODE_RAW, None, memoryview(self.seal(self.put(key)[0], value))

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> bytes:
        """Still sealed, since diskcache does not say which row it is; empty for a row that is not one of ours."""
        ours = mode == MODE_RAW and filename is None and isinstance(value, bytes) and not read
        return value if ours and isinstance(value, bytes) else b""

    def filename(self, key: object = UNKNOWN, value: object = UNKNOWN) -> tuple[str, str]:
        raise TypeError("no row has a file")

    def remove(self, file_path: str) -> None:
        """No row of ours has a file: a planted name must not delete one."""


def is_id(key: object) -> bool:
    return isinstance(key, str) and _ID.fullmatch(key) is not None


def sealing_with(key: bytes | None) -> type[SealedDisk]:
    """A Disk whose key is in its closure: diskcache writes the settings of a Disk into the database.

    Without a key rows can be counted and deleted, nothing else.
    """
    cipher = None
    if key is not None:
        cipher = ChaCha20Poly1305(HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(key))

    class Sealing(SealedDisk):
        def seal(self, row_id: str, value: bytes) -> bytes:
            if cipher is None:
                raise TypeError("nothing can be sealed without a key")
            nonce = secrets.token_bytes(_NONCE_SIZE)
            return nonce + cipher.encrypt(nonce, value, row_id.encode())

        def open(self, row_id: str, sealed: bytes) -> bytes | None:
            if cipher is None or len(sealed) < _NONCE_SIZE:
                return None
            try:
                return cipher.decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], row_id.encode())
            except InvalidTag:
                return None

    return Sealing


class SealedRows:
    """The rows of one folder, for one thread. Methods raise Damaged and Unavailable."""

    def __init__(self, folder: Path, key: bytes | None, *, size_limit: int) -> None:
        """`size_limit` in bytes: past it the rows stored first go."""
        self._database = folder / DBNAME
        with _translated(opening=True):
            _prepare(folder)
            self._cache: Any = Cache(
                str(folder),
                timeout=PATIENCE,
                disk=sealing_with(key),
                size_limit=size_limit,
                eviction_policy="least-recently-stored",
                # It would delete a fixed number of rows at a time, however large: `_shrink` deletes what is too much.
                cull_limit=0,
                statistics=0,
                tag_index=0,
                sqlite_cache_size=500,
                # A database that another process cuts short would end this one by a signal.
                sqlite_mmap_size=0,
                # What was deleted is written over.
                sqlite_secure_delete=1,
            )
            self._disk: SealedDisk = self._cache.disk

    @property
    def gone(self) -> bool:
        """Somebody deleted or moved the database."""
        return not self._database.exists()

    def limit(self, size: int) -> None:
        """Take another size limit, and hold to it."""
        with _translated():
            if size != self._cache.size_limit:
                self._cache.reset("size_limit", size)
            self._cache.expire()
            self._shrink()

    def _shrink(self) -> None:
        """Delete the oldest rows until the rest fits; the newest one stays."""
        if self._cache.volume() <= self._cache.size_limit:
            return
        oldest_first = [key for key in self._cache if key is not None]
        for key in oldest_first[:-1]:
            self._cache.delete(key)
            if self._cache.volume() <= self._cache.size_limit:
                break

    def __len__(self) -> int:
        """All rows, also those that no id of ours leads to."""
        with _translated():
            return len(self._cache)

    def ids(self) -> Iterator[str]:
        """In the order they were stored."""
        with _translated():
            yield from (key for key in self._cache if key is not None)

    def get(self, row_id: str) -> bytes | None:
        """The value; None for a row that is gone. Raises KeyError for one that does not open."""
        with _translated():
            sealed = self._cache.get(row_id)
        if sealed is None:
            return None
        value = self._disk.open(row_id, sealed)
        if value is None:
            raise KeyError(row_id)
        return value

    def put(self, row_id: str, value: bytes, *, seconds: float) -> None:
        """Keep a row for so long."""
        with _translated():
            self._cache.set(row_id, value, expire=seconds)
            self._shrink()

    def delete(self, row_id: str) -> None:
        with _translated():
            self._cache.delete(row_id)

    def clear(self) -> None:
        with _translated():
            self._cache.clear()

    def close(self) -> None:
        self._cache.close()


def _prepare(folder: Path) -> None:
    """Folder and database for this user alone; SQLite gives the files that it adds the mode of the database."""
    if os.path.expandvars(folder) != str(folder):
        raise Unavailable('its path holds a "$"')
    make_private(folder)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
    database = folder / DBNAME
    os.close(os.open(database, os.O_RDWR | os.O_CREAT, 0o600))
    for path in (database, folder / f"{DBNAME}-wal", folder / f"{DBNAME}-shm"):
        if path.exists() and path.stat().st_mode & 0o077:
            path.chmod(0o600)


@contextmanager
def _translated(*, opening: bool = False) -> Iterator[None]:
    try:
        yield
    except Timeout as error:
        raise Unavailable("it cannot be written, or another program keeps it locked") from error
    except sqlite3.DatabaseError as error:
        first: BaseException = error
        # A full disk ends the transaction by itself, and ending it once more is the error that comes here.
        while isinstance(first.__context__, sqlite3.DatabaseError):
            first = first.__context__
        code = getattr(first, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        # Of a database just opened, a general error says that a table or a column is not there.
        if code in _DAMAGED or (opening and code == sqlite3.SQLITE_ERROR):
            raise Damaged(str(first)) from error
        raise Unavailable(str(first)) from error
    except OSError as error:
        raise Unavailable((error.strerror or "the disk failed").lower()) from error
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        # Settings that somebody else wrote into the database.
        if opening:
            raise Damaged(type(error).__name__) from error
        raise
