"""Stores for tests: cheap to unlock, with what another process or another version may do to their file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors

from core.secret import Secret
from core.vault import envelope
from core.vault.config import VaultToken
from core.vault.envelope import Cost
from core.vault.store import CredentialStore, ValueKey

ROOT = Path(__file__).parents[1]
CHEAP = Cost(memory_kib=8 * 1024, passes=1, lanes=1)
PASSPHRASE = Secret("correct horse")
TOKEN = VaultToken(server_address="https://vault.test:8200", token=Secret("hvs.token-value"))
OTHER = VaultToken(server_address="https://other.test:8200", token=Secret("hvs.other-value"))
PASSWORD = ValueKey("workspace-1", "/work/payments", "environments/production", "password")


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring as keyring's backends are, kept in memory."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.entries.pop((service, username), None) is None:
            raise keyring.errors.PasswordDeleteError("not found")


def at(path: Path, **options: float) -> CredentialStore:
    return CredentialStore(path, cost=CHEAP, **options)


def unlocked(path: Path, passphrase: Secret = PASSPHRASE) -> CredentialStore:
    store = at(path)
    store.unlock(passphrase=passphrase)
    return store


def names(store: CredentialStore) -> list[str]:
    return [stored.name for stored in store.credentials()]


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {entry.name: (entry.read_bytes(), entry.stat().st_mtime_ns) for entry in folder.iterdir()}


def edit_body(path: Path, change: Callable[[bytes], bytes], passphrase: Secret = PASSPHRASE) -> None:
    """What another version of hushpost may have written."""
    taken = envelope.parse(path.read_bytes(), "store")
    slot = taken.header.slots[0]
    assert slot.kdf is not None
    file_key = envelope.unwrap(taken, slot, envelope.passphrase_key(passphrase, slot.kdf))
    body = envelope.open_body(taken, file_key)
    assert body is not None
    path.write_bytes(envelope.seal(file_key, taken.header.slots, change(body)))


def run_child(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


CHILD = """
import os, signal, sys
from pathlib import Path
from core.errors import WrongPassphrase
from core.secret import Secret
from core.vault.config import VaultToken
from core.vault.envelope import Cost
from core.vault.store import CredentialStore, ValueKey
store = CredentialStore(Path(sys.argv[1]), cost=Cost(memory_kib=8192, passes=1, lanes=1))
token = VaultToken("https://vault.test", Secret("hvs.x"))
"""
