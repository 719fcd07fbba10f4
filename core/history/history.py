"""History: every exchange kept, searchable, sealed on the disk while the credential store is unlocked.

    add ──▶ masked and encoded ──▶ memory ──(store unlocked)──▶ sealed on the disk, listed in an index in memory

One thread of its own does all of it, so that sending never waits. What fails is a note, never an error of a request.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from core.errors import HushpostError
from core.exchange import Exchange
from core.history.serial import SerialThread
from core.redactor import Redactor
from core.sending.receiving import IN_MEMORY
from core.settings import Settings
from core.structs import Struct
from core.workspace.workspace import WorkspaceKey

if TYPE_CHECKING:
    from core.history.record import Kept, Summary
    from core.history.sealed_disk import SealedRows
    from core.vault.store import CredentialStore

T = TypeVar("T")

MOST = 10_000
"""Exchanges that are kept, and so the size of the index; the oldest go first."""
MOST_IN_MEMORY = 32 * 1024 * 1024
"""Bytes kept while there is no unlocked store to seal them with."""
MOST_WAITING = 64 * 1024 * 1024
"""Bytes of answers in memory that wait for a disk that does not answer."""
_CLOSING = 2.0
"""Seconds that quitting waits for the last exchanges to be written."""
_DAY = 86_400
_BREATH = 25
"""Rows read between two moments in which the event loop gets the interpreter's lock."""


class Entry(Struct, frozen=True):
    """One row of the list."""

    unshown = frozenset({"text"})

    id: str
    summary: Summary
    saved: bool
    """On the disk; else it goes with this process."""
    text: str
    """What a search looks at."""


class _Index(msgspec.Struct):
    """What the disk holds, as far as the key opens it."""

    key: bytes
    entries: dict[str, Entry] = msgspec.field(default_factory=dict)
    closed: set[str] = msgspec.field(default_factory=set)
    """Rows that the key does not open; they stay until a limit takes them."""


class History:
    """`list` and `add` may be called on the event loop; the rest gives futures."""

    def __init__(
        self,
        folder: Path,
        redactor: Redactor,
        store: Callable[[], CredentialStore],
        settings: Callable[[], Settings],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """The store is asked for its key before each use; none is used that a locked store would not give."""
        self.folder = folder
        self.changed: Callable[[], object] | None = None
        """Called from history's thread after the list or the notes changed."""
        self._redactor = redactor
        self._store = store
        self._settings = settings
        self._now = now
        self._thread = SerialThread("history")
        self._lock = threading.Lock()
        """Guards the four below."""
        self._waiting = 0
        self._memory: dict[str, tuple[Entry, bytes]] = {}
        self._index: _Index | None = None
        self._notes: list[str] = []
        self._told: set[str] = set()
        self._rows: SealedRows | None = None
        """Of the thread alone."""

    # What the session calls

    def add(self, exchange: Exchange, workspace: WorkspaceKey) -> None:
        """Keep an exchange, as soon as the thread comes to it; not when the settings say that none is kept."""
        if not self._settings().history:
            return
        # A larger body lies in a file, and no more of it is kept.
        size = min(exchange.response.body.size, IN_MEMORY) + 1024
        with self._lock:
            refused = self._waiting > 0 and self._waiting + size > MOST_WAITING
            self._waiting += 0 if refused else size
        if refused:
            self._note("the history cannot keep up: some exchanges are not kept")
        else:
            self._thread.submit(lambda: self._keep(exchange, workspace, size))

    def settle(self) -> None:
        """The store was unlocked: the disk gets what waits in memory."""
        if self._memory or self._thread.running:
            self._thread.submit(self._catch_up)

    def lock(self) -> None:
        """The store was locked: forget the key and the index. What is in memory only stays."""
        with self._lock:
            self._index = None
        if self._thread.running:
            self._thread.submit(self._let_go)

    async def close(self) -> None:
        """Write what is waiting, for a moment at most. To be called before the store is locked."""
        if not self._thread.running:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._thread.call(self._end), _CLOSING)
        self._thread.end()

    # What a front end calls

    def list(self, query: str = "", workspace: WorkspaceKey | None = None) -> Sequence[Entry]:
        """Newest first: those with every word of the query, of one workspace or of all."""
        words = query.casefold().split()
        where = (workspace.id, str(workspace.path)) if workspace is not None else None
        with self._lock:
            entries = [
                *(self._index.entries.values() if self._index else ()),
                *(one for one, _ in self._memory.values()),
            ]
        found = [
            entry
            for entry in entries
            if (where is None or entry.summary.workspace == where) and all(word in entry.text for word in words)
        ]
        return sorted(found, key=lambda entry: entry.summary.started_at, reverse=True)

    @property
    def ready(self) -> bool:
        """Whether there is anything to look for: entries, or a folder with some."""
        return bool(self._memory) or self._thread.running or self.folder.exists()

    def take_notes(self) -> Sequence[str]:
        """What went wrong since it was asked last, each thing once."""
        with self._lock:
            notes, self._notes = self._notes, []
        return notes

    def look(self) -> asyncio.Future[None]:
        """Done when everything added so far is in the list, and what other processes added or deleted too."""
        return self._thread.call(self._catch_up)

    def get(self, entry_id: str) -> asyncio.Future[Kept]:
        """Raises HushpostError for one that is gone."""
        return self._thread.call(lambda: self._get(entry_id))

    def delete(self, entry_id: str) -> asyncio.Future[None]:
        return self._thread.call(lambda: self._delete([entry_id]))

    def clear(self, workspace: WorkspaceKey | None = None) -> asyncio.Future[None]:
        """Delete a workspace's exchanges, or all: those too that the key does not open, also while there is none."""
        return self._thread.call(lambda: self._clear(workspace))

    # In the thread

    def _keep(self, exchange: Exchange, workspace: WorkspaceKey, size: int) -> None:
        from core.history import record
        from core.history.sealed_disk import new_id

        try:
            summary, data = record.encode(exchange, workspace, self._redactor)
        except ValueError:  # the body was closed meanwhile
            return
        finally:
            with self._lock:
                self._waiting -= size
        entry = Entry(new_id(), summary, False, summary.search_text())
        with self._lock:
            self._memory[entry.id] = (entry, data)
        self._catch_up(wholly=False)

    def _catch_up(self, *, wholly: bool = True) -> None:
        """Bring disk, index and memory together; not `wholly`: as far as one more exchange asks for it."""
        from core.history.sealed_disk import Damaged, Unavailable

        try:
            rows = self._reach()
            if rows is not None and (index := self._index) is not None:
                self._hand_over(rows, index)
                if wholly:
                    rows.limit(self._size_limit)
                if wholly or len(rows) != len(index.entries) + len(index.closed) or len(rows) > MOST:
                    self._read(rows, index)
                    self._hold_limits(rows, index)
        except (Damaged, Unavailable) as error:
            self._failed(error)
        self._hold_memory_limit()
        self._changed()

    def _reach(self) -> SealedRows | None:
        """The disk's rows, opened with the key of now, and their index; None while there is no key."""
        from core.history.sealed_disk import SealedRows

        key = self._key()
        index = self._index
        rows = self._rows
        if rows is not None and (index is None or index.key != key or rows.gone):
            self._let_go()
        if key is None or not (self._memory or self.folder.exists()):
            return None
        rows = self._rows
        if rows is None:
            rows = self._rows = SealedRows(self.folder, key, size_limit=self._size_limit)
            index = _Index(key)
            self._read(rows, index)
            self._hold_limits(rows, index)
            if index.closed:
                self._note(
                    f"{len(index.closed)} kept exchanges were sealed with the key of another store, and are left out"
                )
            with self._lock:
                # The store may have been locked meanwhile; whoever locks it comes here after it.
                if self._key() != key:
                    return None
                self._index = index
        return rows

    def _read(self, rows: SealedRows, index: _Index) -> None:
        """Take up rows that the index does not have, and drop what the disk does not have any more."""
        from core.history import record

        there = list(rows.ids())
        for number, row_id in enumerate(there):
            if row_id in index.entries or row_id in index.closed:
                continue
            try:
                data = rows.get(row_id)
                if data is None:
                    continue
                summary = record.summary_of(data)
            except (KeyError, ValueError):
                index.closed.add(row_id)
                continue
            entry = Entry(row_id, summary, True, summary.search_text())
            with self._lock:
                index.entries[row_id] = entry
            if number % _BREATH == 0:
                time.sleep(0.001)
        for gone in index.entries.keys() - set(there):
            with self._lock:
                index.entries.pop(gone, None)
        index.closed &= set(there)

    def _hand_over(self, rows: SealedRows, index: _Index) -> None:
        """Put what waits in memory on the disk."""
        for entry, data in list(self._memory.values()):
            rows.put(entry.id, data, seconds=self._settings().history_days * _DAY)
            with self._lock:
                index.entries[entry.id] = Entry(entry.id, entry.summary, True, entry.text)
                self._memory.pop(entry.id, None)

    def _hold_limits(self, rows: SealedRows, index: _Index) -> None:
        oldest_first = sorted(index.entries.values(), key=lambda entry: entry.summary.started_at)
        earliest = self._now() - timedelta(days=self._settings().history_days)
        over = {entry.id for entry in oldest_first[: max(0, len(oldest_first) - MOST)]}
        over |= {entry.id for entry in oldest_first if entry.summary.started_at < earliest}
        self._drop(rows, index, over)

    def _hold_memory_limit(self) -> None:
        with self._lock:
            size = sum(len(data) for _, data in self._memory.values())
            for entry_id in list(self._memory):
                if size <= MOST_IN_MEMORY and len(self._memory) <= MOST:
                    break
                size -= len(self._memory.pop(entry_id)[1])

    @property
    def _size_limit(self) -> int:
        return self._settings().history_megabytes * 1_000_000

    def _get(self, entry_id: str) -> Kept:
        from core.history import record
        from core.history.sealed_disk import Damaged, Unavailable

        with self._lock:
            held = self._memory.get(entry_id)
        if held is not None:
            return record.decode(entry_id, held[1])
        try:
            rows = self._reach()
            data = rows.get(entry_id) if rows is not None else None
        except (Damaged, Unavailable) as error:
            self._failed(error)
            data = None
        except KeyError:
            data = None
        if data is None:
            raise HushpostError(
                "this exchange is not in the history any more", hint="another hushpost may have deleted it"
            )
        return record.decode(entry_id, data)

    def _delete(self, entry_ids: Iterable[str]) -> None:
        from core.history.sealed_disk import Damaged, Unavailable

        wanted = set(entry_ids)
        with self._lock:
            for entry_id in wanted & self._memory.keys():
                del self._memory[entry_id]
        try:
            rows = self._reach()
            if rows is not None and (index := self._index) is not None:
                self._drop(rows, index, wanted)
        except (Damaged, Unavailable) as error:
            self._refuse(error)
        finally:
            self._changed()

    def _drop(self, rows: SealedRows, index: _Index, entry_ids: Iterable[str]) -> None:
        for entry_id in entry_ids:
            rows.delete(entry_id)
            with self._lock:
                index.entries.pop(entry_id, None)

    def _clear(self, workspace: WorkspaceKey | None) -> None:
        if workspace is not None:
            self._delete([entry.id for entry in self.list(workspace=workspace)])
            return
        from core.history.sealed_disk import Damaged, SealedRows, Unavailable

        with self._lock:
            self._memory.clear()
        try:
            if self.folder.exists():
                rows = self._reach() or SealedRows(self.folder, None, size_limit=self._size_limit)
                try:
                    rows.clear()
                finally:
                    if rows is not self._rows:
                        rows.close()
            with self._lock:
                if self._index is not None:
                    self._index = _Index(self._index.key)
        except (Damaged, Unavailable) as error:
            self._refuse(error)
        finally:
            self._changed()

    def _key(self) -> bytes | None:
        try:
            return self._store().history_key()
        except HushpostError:
            return None

    def _end(self) -> None:
        self._catch_up(wholly=False)
        self._let_go()

    def _let_go(self) -> None:
        """Close the database, and with it forget the key."""
        rows, self._rows = self._rows, None
        with self._lock:
            self._index = None
        if rows is not None:
            rows.close()

    # Trouble

    def _failed(self, error: Exception) -> None:
        """A disk that fails costs the history, never the exchange."""
        from core.history.sealed_disk import Damaged

        if not isinstance(error, Damaged):
            self._note(f'the history in "{self.folder}" cannot be used: {error}')
            return
        self._let_go()
        aside = self.folder.with_name(f"{self.folder.name}.damaged-{self._now():%Y%m%d%H%M%S}")
        try:
            self.folder.rename(aside)
        except OSError as failure:
            self._note(f"the history is damaged and cannot be moved aside: {(failure.strerror or 'it failed').lower()}")
        else:
            self._note(f'the history is damaged; it was moved to "{aside}", and a new one begins')

    def _refuse(self, error: Exception) -> None:
        from core.history.sealed_disk import Damaged

        self._failed(error)
        reason = "it is damaged" if isinstance(error, Damaged) else str(error)
        raise HushpostError(f"the history cannot be changed: {reason}") from error

    def _note(self, text: str) -> None:
        with self._lock:
            if text in self._told:
                return
            self._told.add(text)
            self._notes.append(text)

    def _changed(self) -> None:
        if self.changed is not None:
            self.changed()
