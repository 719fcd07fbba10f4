"""Exchanges to keep, and a history over a store, as a session wires them."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from core.exchange import Exchange, ReceivedBody, Response, Shown, Timing
from core.history.history import History
from core.history.sealed_disk import SealedRows
from core.redactor import Redactor
from core.settings import Settings
from core.vault.store import CredentialStore
from core.workspace.workspace import WorkspaceKey

PAYMENTS = WorkspaceKey("payments-0123", Path("/work/payments"))
OTHER = WorkspaceKey("other-01234", Path("/work/other"))
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def made(
    url: str = "https://api.example.com/payments",
    *,
    body: bytes = b'{"id": 7}',
    media: str = "application/json",
    number: int = 0,
    headers: tuple[tuple[str, str], ...] = (),
    **more: Any,
) -> Exchange:
    """The `number`th exchange of a sitting, a minute after the one before."""
    response = Response(
        more.pop("status", 200), "OK", "HTTP/1.1", (("Content-Type", media), *headers), ReceivedBody.of(body)
    )
    return Exchange(
        id=f"exchange-{number}",
        reference=more.pop("reference", "payments/create"),
        environment=more.pop("environment", "production"),
        started_at=more.pop("started_at", START + timedelta(minutes=number)),
        method=more.pop("method", "GET"),
        shown=more.pop("shown", Shown(url, (("Accept", "application/json"),), "")),
        secrets_used=more.pop("secrets_used", ()),
        timing=Timing(total_ms=12.5, first_byte_ms=10.0),
        response=response,
        **more,
    )


class Shelf:
    """A history that may be closed and opened again; what it is told of store, settings and time can be changed."""

    def __init__(self, folder: Path, store: CredentialStore) -> None:
        self.folder = folder
        self.store = store
        self.settings = Settings()
        self.now = START + timedelta(days=1)
        self.redactor = Redactor()
        self.history = self.open()

    def open(self) -> History:
        return History(self.folder, self.redactor, lambda: self.store, lambda: self.settings, now=lambda: self.now)

    async def again(self) -> History:
        """The history that the next process sees."""
        await self.history.close()
        self.history = self.open()
        await self.history.look()
        return self.history

    async def keep(self, *exchanges: Exchange, workspace: WorkspaceKey = PAYMENTS) -> None:
        for exchange in exchanges:
            self.history.add(exchange, workspace)
        await self.history.look()

    def urls(self, query: str = "", workspace: WorkspaceKey | None = None) -> list[str]:
        return [entry.summary.url for entry in self.history.list(query, workspace)]

    async def plain(self) -> bytes:
        """Everything on the disk, opened with the key: what sealing hides from a search of the files."""
        await self.history.close()
        rows = SealedRows(self.folder, self.store.history_key(), size_limit=10**9)
        try:
            return b"\n".join(rows.get(row_id) or b"" for row_id in rows.ids())
        finally:
            rows.close()


def in_database(folder: Path, statement: str, *parameters: object) -> list[Any]:
    """What somebody with write access to the files may do."""
    connection = sqlite3.connect(folder / "cache.db")
    try:
        with connection:
            return connection.execute(statement, parameters).fetchall()
    finally:
        connection.close()
