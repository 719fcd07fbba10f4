from __future__ import annotations

import threading
from pathlib import Path

import pytest

from core.errors import StoreError, WrongPassphrase
from core.vault.store import CredentialStore
from tests.patience import PATIENCE_S
from tests.stores import PASSPHRASE, TOKEN, MemoryKeyring, at, names, unlocked


def test_a_store_needs_something_that_cannot_be_lost_with_a_keyring(path: Path, system_keyring: MemoryKeyring) -> None:
    for with_keyring in (False, True):
        with pytest.raises(StoreError, match="passphrase or a key file"):
            at(path).create(keyring=with_keyring)
    assert not path.exists()
    assert not system_keyring.entries


def test_only_a_keyring_cannot_be_left(store: CredentialStore, system_keyring: MemoryKeyring) -> None:
    store.add_slot(keyring=True)
    assert store.has_keyring_slot
    with pytest.raises(StoreError, match="last that does not depend on a keyring"):
        store.remove_slot(store.slots()[0].id)
    with pytest.raises(StoreError, match="already"):
        store.add_slot(keyring=True)
    assert len(system_keyring.entries) == 1


def test_a_key_file(path: Path, tmp_path: Path) -> None:
    key = tmp_path / "ci.key"
    store = at(path)
    store.create(key_file=key)
    assert len(bytes.fromhex(key.read_text())) == 32
    store.put("vault-prod", TOKEN)
    again = at(path)
    again.unlock(key_file=key)
    assert names(again) == ["vault-prod"]
    with pytest.raises(WrongPassphrase, match="has no passphrase"):
        again.unlock(passphrase=PASSPHRASE)
    with pytest.raises(StoreError, match="opens the store already"):
        again.add_slot(key_file=key)
    # One file may open several stores.
    other = at(tmp_path / "other.hush")
    other.create(key_file=key)
    assert not other.has_keyring_slot


@pytest.mark.parametrize(
    "content", [b"", b"ab", b"x" * 64, b"a" * 63, b"a" * 65, b"A" * 64, b"a" * 64 + b"\n\n", b"\xff" * 64]
)
def test_what_is_no_key_file(store: CredentialStore, tmp_path: Path, content: bytes) -> None:
    key = tmp_path / "some.file"
    key.write_bytes(content)
    with pytest.raises(StoreError, match="is no key file"):
        at(store.path).unlock(key_file=key)
    with pytest.raises(StoreError, match="is no key file"):
        store.add_slot(key_file=key)
    assert key.read_bytes() == content
    with pytest.raises(StoreError, match="cannot be read"):
        at(store.path).unlock(key_file=tmp_path / "absent")


def test_another_key_file(store: CredentialStore, tmp_path: Path) -> None:
    store.add_slot(key_file=tmp_path / "key")
    (tmp_path / "other").write_text("ab" * 32)
    with pytest.raises(WrongPassphrase, match="does not open"):
        at(store.path).unlock(key_file=tmp_path / "other")


def test_a_lost_keyring_does_not_lose_the_store(path: Path, system_keyring: MemoryKeyring) -> None:
    store = at(path)
    store.create(passphrase=PASSPHRASE, keyring=True)
    store.put("vault-prod", TOKEN)
    again = at(path)
    again.unlock(keyring=True)
    assert names(again) == ["vault-prod"]
    system_keyring.entries.clear()
    with pytest.raises(WrongPassphrase, match="no key for") as error:
        at(path).unlock(keyring=True)
    assert "passphrase" in (error.value.hint or "")
    again = unlocked(path)
    assert names(again) == ["vault-prod"]
    again.add_slot(keyring=True)
    at(path).unlock(keyring=True)


def test_a_keyring_that_keeps_nothing(path: Path) -> None:
    """The null backend is what the tests' environment chooses."""
    with pytest.raises(StoreError, match="no keyring that keeps secrets") as error:
        at(path).create(passphrase=PASSPHRASE, keyring=True)
    assert "passphrase" in (error.value.hint or "")
    assert not path.exists()


def test_a_keyring_that_fails(
    store: CredentialStore, system_keyring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add_slot(keyring=True)

    def fails(*_: str) -> None:
        raise RuntimeError("no bus at hvs.secret-address")

    monkeypatch.setattr(system_keyring, "get_password", fails)
    monkeypatch.setattr(system_keyring, "delete_password", fails)
    with pytest.raises(StoreError, match=r"cannot be used \(RuntimeError\)") as error:
        at(store.path).unlock(keyring=True)
    assert "hvs." not in str(error.value)
    store.remove_slot(store.slots()[1].id)
    assert not store.has_keyring_slot


def test_a_keyring_that_never_answers(
    store: CredentialStore, system_keyring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add_slot(keyring=True)
    answer = threading.Event()
    monkeypatch.setattr(system_keyring, "get_password", lambda *_: answer.wait(PATIENCE_S) and None)
    try:
        with pytest.raises(StoreError, match="did not answer"):
            at(store.path, keyring_timeout=0.05).unlock(keyring=True)
    finally:
        answer.set()


def test_what_was_made_beside_a_store_that_could_not_be_made_goes_again(
    path: Path, tmp_path: Path, system_keyring: MemoryKeyring
) -> None:
    path.parent.mkdir()
    path.with_name("credentials.hush.new").mkdir()
    (path.with_name("credentials.hush.new") / "in the way").touch()
    with pytest.raises(StoreError, match="cannot be saved"):
        at(path).create(passphrase=PASSPHRASE, key_file=tmp_path / "key", keyring=True)
    assert not (tmp_path / "key").exists()
    assert not system_keyring.entries
    assert not path.exists()
