from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from core.errors import StoreCorrupt, StoreError, StoreLocked, WrongPassphrase
from core.secret import Secret
from core.vault import envelope
from core.vault.config import VaultToken
from core.vault.store import CredentialStore, ValueKey
from tests.stores import OTHER, PASSPHRASE, PASSWORD, ROOT, TOKEN, MemoryKeyring, at, names, tree, unlocked

GOLDEN = ROOT / "tests" / "golden" / "store"


def test_life(path: Path) -> None:
    store = at(path)
    assert (store.exists, store.unlocked) == (False, False)
    with pytest.raises(StoreLocked) as error:
        store.unlock(passphrase=PASSPHRASE)
    assert error.value.missing
    with pytest.raises(StoreLocked) as error:
        store.credentials()
    assert error.value.missing
    store.create(passphrase=PASSPHRASE)
    assert (store.exists, store.unlocked, list(store.credentials())) == (True, True, [])
    store.lock()
    assert (store.exists, store.unlocked) == (True, False)
    with pytest.raises(StoreLocked) as error:
        store.credentials()
    assert not error.value.missing
    store.unlock(passphrase=PASSPHRASE)
    assert store.unlocked


LOCKED_CALLS: dict[str, Callable[[CredentialStore], object]] = {
    "credentials": lambda store: store.credentials(),
    "unreadable": lambda store: store.unreadable(),
    "get": lambda store: store.get("vault-prod"),
    "put": lambda store: store.put("new", TOKEN),
    "rename": lambda store: store.rename("vault-prod", "new"),
    "delete": lambda store: store.delete("vault-prod"),
    "value": lambda store: store.value(PASSWORD),
    "value_keys": lambda store: store.value_keys(),
    "put_value": lambda store: store.put_value(PASSWORD, Secret("x")),
    "delete_value": lambda store: store.delete_value(PASSWORD),
    "move_values": lambda store: store.move_values(lambda key: key),
    "copy_values": lambda store: store.copy_values(lambda key: key),
    "history_key": lambda store: store.history_key(),
    "add_slot": lambda store: store.add_slot(passphrase=PASSPHRASE),
    "remove_slot": lambda store: store.remove_slot("00000000"),
    "change_passphrase": lambda store: store.change_passphrase(PASSPHRASE),
}


@pytest.mark.parametrize("call", LOCKED_CALLS.values(), ids=LOCKED_CALLS.keys())
def test_a_locked_store_gives_and_takes_nothing(
    store: CredentialStore, call: Callable[[CredentialStore], object]
) -> None:
    store.lock()
    before = store.path.read_bytes()
    with pytest.raises(StoreLocked):
        call(store)
    assert store.path.read_bytes() == before


def test_nothing_of_the_content_is_on_disk_in_clear(store: CredentialStore) -> None:
    store.put("vault-prod", OTHER)
    for entry in store.path.parent.iterdir():
        data = entry.read_bytes()
        for clear in (b"vault", b"hvs.", b"s3cret", b"password", b"workspace-1", store.history_key()):
            assert clear not in data


def test_the_store_object_shows_nothing(store: CredentialStore) -> None:
    shown = repr(store) + str(vars(store)) + repr(store.get("vault-prod"))
    assert "hvs." not in shown
    assert "s3cret" not in shown


def test_names_identity_and_fingerprint(store: CredentialStore) -> None:
    first = store.get("vault-prod")
    store.put("second", TOKEN)
    assert names(store) == ["vault-prod", "second"]
    assert store.get("second").fingerprint != first.fingerprint

    store.put("vault-prod", OTHER)
    edited = store.get("vault-prod")
    assert edited.id == first.id
    assert edited.fingerprint != first.fingerprint
    assert unlocked(store.path).get("vault-prod") == edited

    store.rename("vault-prod", "vault-eu")
    assert names(store) == ["vault-eu", "second"]
    assert store.get("vault-eu").id == first.id
    store.put("vault-us", TOKEN, previous="vault-eu")
    assert names(store) == ["vault-us", "second"]
    assert (store.get("vault-us").id, store.get("vault-us").credential) == (first.id, TOKEN)

    store.delete("vault-us")
    assert names(store) == ["second"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda store: store.get("nope"), 'there is no credential "nope"'),
        (lambda store: store.delete("nope"), 'there is no credential "nope"'),
        (lambda store: store.rename("nope", "x"), 'there is no credential "nope"'),
        (lambda store: store.put("x", TOKEN, previous="nope"), 'there is no credential "nope"'),
        (lambda store: store.rename("vault-prod", "second"), 'there is a credential "second" already'),
        (lambda store: store.put("", TOKEN), "cannot be the name"),
        (lambda store: store.put("-x", TOKEN), "cannot be the name"),
        (lambda store: store.put("x" * 65, TOKEN), "cannot be the name"),
        (lambda store: store.put("x\n", TOKEN), "cannot be the name"),
        (lambda store: store.put("x", VaultToken("https://v", Secret("\udcff"))), "no valid text"),
        (lambda store: store.put_value(PASSWORD, Secret("\udcff")), "no valid text"),
        (lambda store: store.add_slot(passphrase=Secret("x")), "has a passphrase already"),
        (lambda store: store.change_passphrase(Secret("")), "the passphrase is empty"),
        (lambda store: store.remove_slot("12345678"), 'no slot "12345678"'),
    ],
)
def test_what_cannot_be_done_changes_nothing(
    store: CredentialStore, call: Callable[[CredentialStore], object], message: str
) -> None:
    store.put("second", OTHER)
    before = store.path.read_bytes()
    with pytest.raises(StoreError, match=message):
        call(store)
    assert store.path.read_bytes() == before
    assert names(store) == ["vault-prod", "second"]
    assert store.value(PASSWORD) == Secret("s3cret")


def test_values_of_secret_variables(store: CredentialStore) -> None:
    same_id_elsewhere = ValueKey("workspace-1", "/elsewhere", "environments/production", "password")
    assert store.value(PASSWORD) == Secret("s3cret")
    assert store.value(same_id_elsewhere) is None
    store.put_value(same_id_elsewhere, Secret("other"))
    assert unlocked(store.path).value(PASSWORD) == Secret("s3cret")
    assert store.value_keys() == {PASSWORD, same_id_elsewhere}
    store.delete_value(PASSWORD)
    store.delete_value(PASSWORD)
    assert store.value_keys() == {same_id_elsewhere}


def test_the_history_key_is_random_and_stays(store: CredentialStore, tmp_path: Path) -> None:
    key = store.history_key()
    assert len(key) == 32
    store.change_passphrase(Secret("new"))
    assert unlocked(store.path, Secret("new")).history_key() == key
    other = at(tmp_path / "other.hush")
    other.create(passphrase=PASSPHRASE)
    assert other.history_key() != key


def test_a_change_that_changes_nothing_writes_nothing(store: CredentialStore) -> None:
    before = tree(store.path.parent)
    store.delete_value(ValueKey("", "", "", "absent"))
    store.put_value(PASSWORD, Secret("s3cret"))
    store.move_values(lambda key: key)
    assert tree(store.path.parent) == before


def test_a_wrong_passphrase_never_writes(store: CredentialStore) -> None:
    before = tree(store.path.parent)
    other = at(store.path)
    for wrong in ("", "correct horsf", "correct horse "):
        with pytest.raises(WrongPassphrase):
            other.unlock(passphrase=Secret(wrong))
        assert not other.unlocked
        with pytest.raises(StoreLocked):
            other.put("x", TOKEN)
    assert tree(store.path.parent) == before


def test_a_wrong_passphrase_leaves_an_open_store_open(store: CredentialStore) -> None:
    with pytest.raises(WrongPassphrase):
        store.unlock(passphrase=Secret("wrong"))
    assert names(store) == ["vault-prod"]


def test_creating_never_overwrites(store: CredentialStore) -> None:
    before = tree(store.path.parent)
    with pytest.raises(StoreError, match="already"):
        at(store.path).create(passphrase=Secret("another"))
    assert tree(store.path.parent) == before
    # With the store gone, its previous generation would be lost by the first save of a new one.
    store.path.unlink()
    with pytest.raises(StoreError, match="previous generation is left"):
        at(store.path).create(passphrase=Secret("another"))
    with pytest.raises(StoreLocked, match="is gone") as error:
        store.credentials()
    assert "restore" in (error.value.hint or "")
    assert not store.unlocked
    store.restore(store.path.with_name("credentials.hush.bak"), passphrase=PASSPHRASE)
    assert names(store) == ["vault-prod"]


def test_another_process_saved_meanwhile(store: CredentialStore) -> None:
    other = unlocked(store.path)
    other.put("second", OTHER)
    assert names(store) == ["vault-prod", "second"]
    store.put("third", OTHER)
    other.delete("vault-prod")
    other.put_value(PASSWORD, Secret("newer"))
    assert names(store) == ["second", "third"]
    assert store.value(PASSWORD) == Secret("newer")


@pytest.mark.parametrize("call", ["credentials", "put", "put_value", "add_slot", "change_passphrase"])
def test_another_process_changed_the_passphrase_meanwhile(store: CredentialStore, call: str) -> None:
    other = unlocked(store.path)
    other.change_passphrase(Secret("new"))
    before = tree(store.path.parent)
    with pytest.raises(StoreLocked, match="its key is another one"):
        LOCKED_CALLS[call](store)
    assert not store.unlocked
    assert tree(store.path.parent) == before
    store.unlock(passphrase=Secret("new"))
    assert names(store) == ["vault-prod"]


def test_another_process_added_a_slot_meanwhile(store: CredentialStore, tmp_path: Path) -> None:
    unlocked(store.path).add_slot(key_file=tmp_path / "key")
    store.put("second", OTHER)
    assert [slot.kind for slot in store.slots()] == ["passphrase", "key_file"]
    again = at(store.path)
    again.unlock(key_file=tmp_path / "key")
    assert names(again) == ["vault-prod", "second"]


def test_a_new_passphrase(store: CredentialStore, tmp_path: Path, system_keyring: MemoryKeyring) -> None:
    """Neither key file nor keyring are asked for, and nothing is left that the old passphrase opens."""
    store.add_slot(key_file=tmp_path / "key")
    store.add_slot(keyring=True)
    old = store.path.read_bytes()
    (tmp_path / "key").rename(tmp_path / "on-another-machine")
    entries, system_keyring.entries = system_keyring.entries, {}
    store.change_passphrase(Secret("new"))
    assert names(store) == ["vault-prod"]
    assert sorted(entry.name for entry in store.path.parent.iterdir()) == ["credentials.hush", "credentials.hush.lock"]
    system_keyring.entries = entries
    for way in ({"passphrase": Secret("new")}, {"key_file": tmp_path / "on-another-machine"}, {"keyring": True}):
        again = at(store.path)
        again.unlock(**way)
        assert again.get("vault-prod").credential == TOKEN
    with pytest.raises(WrongPassphrase):
        at(store.path).unlock(passphrase=PASSPHRASE)

    # Not even what the old passphrase opened of the old file opens the new one.
    taken = envelope.parse(old, "old")
    slot = taken.header.slots[0]
    assert slot.kdf is not None
    old_key = envelope.unwrap(taken, slot, envelope.passphrase_key(PASSPHRASE, slot.kdf))
    assert envelope.open_body(envelope.parse(store.path.read_bytes(), "new"), old_key) is None


def test_a_removed_slot_opens_nothing(store: CredentialStore, tmp_path: Path, system_keyring: MemoryKeyring) -> None:
    slot = store.add_slot(key_file=tmp_path / "key")
    keyring_slot = store.add_slot(keyring=True)
    store.put("second", OTHER)
    store.remove_slot(slot.id)
    assert sorted(entry.name for entry in store.path.parent.iterdir()) == ["credentials.hush", "credentials.hush.lock"]
    with pytest.raises(WrongPassphrase, match="does not open"):
        at(store.path).unlock(key_file=tmp_path / "key")
    at(store.path).unlock(keyring=True)
    store.remove_slot(keyring_slot.id)
    assert not system_keyring.entries
    with pytest.raises(WrongPassphrase, match="no key for"):
        at(store.path).unlock(keyring=True)
    assert names(unlocked(store.path)) == ["vault-prod", "second"]
    with pytest.raises(StoreError, match="cannot be removed"):
        store.remove_slot(store.slots()[0].id)


def test_exactly_one_way_in(store: CredentialStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unlocks the store"):
        at(store.path).unlock()
    with pytest.raises(StoreError, match="unlocks the store"):
        at(store.path).unlock(passphrase=PASSPHRASE, key_file=tmp_path / "key")


def test_backup_and_restore(store: CredentialStore, tmp_path: Path) -> None:
    backup = tmp_path / "backup.hush"
    store.lock()
    store.backup(backup)
    assert backup.read_bytes() == store.path.read_bytes()
    with pytest.raises(StoreError, match="exists already"):
        store.backup(backup)

    store.unlock(passphrase=PASSPHRASE)
    store.change_passphrase(Secret("new"))
    store.delete("vault-prod")
    newest = store.path.read_bytes()
    for wrong in (Secret("new"), Secret("wrong")):
        with pytest.raises(WrongPassphrase):
            store.restore(backup, passphrase=wrong)
    assert store.path.read_bytes() == newest

    store.restore(backup, passphrase=PASSPHRASE)
    assert names(store) == ["vault-prod"]
    assert store.path.with_name("credentials.hush.bak").read_bytes() == newest
    assert names(unlocked(store.path)) == ["vault-prod"]
    # The one before can be had back the same way.
    store.restore(store.path.with_name("credentials.hush.bak"), passphrase=Secret("new"))
    assert names(store) == []


def test_restoring_where_there_is_no_store_and_over_a_damaged_one(store: CredentialStore, tmp_path: Path) -> None:
    backup = tmp_path / "backup.hush"
    store.backup(backup)
    new = at(tmp_path / "new" / "credentials.hush")
    new.restore(backup, passphrase=PASSPHRASE)
    assert names(new) == ["vault-prod"]

    store.path.write_bytes(b"damaged")
    store.restore(backup, passphrase=PASSPHRASE)
    assert names(store) == ["vault-prod"]
    assert store.path.with_name("credentials.hush.bak").read_bytes() == b"damaged"


def test_what_is_no_backup_is_not_restored(store: CredentialStore, tmp_path: Path) -> None:
    before = tree(store.path.parent)
    (tmp_path / "damaged").write_bytes(store.path.read_bytes()[:-1])
    with pytest.raises(StoreCorrupt):
        store.restore(tmp_path / "damaged", passphrase=PASSPHRASE)
    with pytest.raises(StoreError, match="there is no file"):
        store.restore(tmp_path / "absent", passphrase=PASSPHRASE)
    with pytest.raises(StoreCorrupt):
        at(tmp_path / "damaged").backup(tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    assert tree(store.path.parent) == before


def test_threads_use_one_store(store: CredentialStore) -> None:
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for number in range(8):
                store.put(f"{name}-{number}", TOKEN)
                assert f"{name}-{number}" in names(store)
                assert store.value(PASSWORD) == Secret("s3cret")
        except BaseException as error:  # noqa: BLE001 - a thread's failure is the test's
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(names(unlocked(store.path))) == 1 + 24


def test_a_new_passphrase_does_not_lock_out_this_store_s_own_readers(store: CredentialStore) -> None:
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                assert names(store) == ["vault-prod"]
        except BaseException as error:  # noqa: BLE001 - a thread's failure is the test's
            failures.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(10):
        store.change_passphrase(Secret(str(number)))
    done.set()
    thread.join()
    assert not failures


def test_locking_during_a_save_stays_locked(store: CredentialStore) -> None:
    """The save ends well, and does not bring the key back."""
    moved = replace(PASSWORD, scope="environments/moved")

    def lock_meanwhile(key: ValueKey) -> ValueKey:
        store.lock()
        return moved

    assert store.move_values(lock_meanwhile) == 1
    assert not store.unlocked
    assert unlocked(store.path).value_keys() == {moved}


def test_golden_stores_open_for_ever(tmp_path: Path) -> None:
    """Stores as each format's first release wrote them; a new format adds files and never changes these."""
    stores = sorted(GOLDEN.glob("v*.hush"))
    assert [golden.name for golden in stores] == [f"v{number + 1}.hush" for number in range(envelope.VERSION)]
    for golden in stores:
        wanted = json.loads(golden.with_suffix(".json").read_text())
        file = tmp_path / golden.name
        shutil.copy(golden, file)
        for way in ({"passphrase": Secret(wanted["passphrase"])}, {"key_file": golden.with_suffix(".key")}):
            store = CredentialStore(file)
            store.unlock(**way)
            assert not store.unreadable()
            found = {
                one.name: [
                    one.id,
                    one.provider,
                    json.loads(msgspec.json.encode(one.credential, enc_hook=Secret.reveal)),
                ]
                for one in store.credentials()
            }
            assert found == wanted["credentials"]
            values = [
                [key.workspace_id, key.real_path, key.scope, key.name, value.reveal()]
                for key in store.value_keys()
                if (value := store.value(key)) is not None
            ]
            assert sorted(values) == sorted(wanted["values"])
            assert store.history_key().hex() == wanted["history_key"]
        assert file.read_bytes() == golden.read_bytes()
        store.put("added", TOKEN)
        assert [*wanted["credentials"], "added"] == names(store)
