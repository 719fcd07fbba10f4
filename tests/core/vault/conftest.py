"""A credential store, open or still to be made, and a keyring that keeps what it is given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest

from core.secret import Secret
from core.vault.store import CredentialStore
from tests.stores import PASSPHRASE, PASSWORD, TOKEN, MemoryKeyring, at


@pytest.fixture
def system_keyring() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "credentials.hush"


@pytest.fixture
def store(path: Path) -> CredentialStore:
    """An open store with one credential and one value."""
    store = at(path)
    store.create(passphrase=PASSPHRASE)
    store.put("vault-prod", TOKEN)
    store.put_value(PASSWORD, Secret("s3cret"))
    return store
