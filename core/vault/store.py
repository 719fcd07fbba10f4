"""The CredentialStore: one encrypted file with this user's credentials and secret values, for all hushposts at once.

    absent ──create──▶ open ──lock──▶ locked ──unlock──▶ open

Every change takes the file lock, reads the newest generation, changes that and replaces the file; so two processes lose
nothing, and what cannot be opened is never written over. Reading takes no lock and works in a read-only home.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from core.errors import StoreError, StoreLocked, WrongPassphrase
from core.secret import Secret
from core.structs import Struct
from core.vault import envelope as sealing
from core.vault.config import AnyCredential
from core.vault.contents import Contents, StoredCredential, UnreadableCredential, ValueKey
from core.vault.envelope import Cost, Envelope, Kind, Slot
from core.vault.keyslots import delete_keyring_key, keyring_key, make_key_file, make_keyring_key, read_key_file
from core.vault.storefile import Stamp, StoreFile

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

__all__ = ["CredentialStore", "KeySlot", "StoredCredential", "UnreadableCredential", "ValueKey"]

T = TypeVar("T")


class KeySlot(Struct, frozen=True):
    """One way to unlock the store."""

    id: str
    kind: Kind


class _Opened(Struct, frozen=True):
    """One generation of the file, decrypted; never changed, only replaced."""

    unshown = frozenset({"file_key", "contents"})

    file_key: bytes
    contents: Contents
    stamp: Stamp


class CredentialStore:
    """Methods block (a passphrase takes its time on purpose) and may be called from any thread."""

    def __init__(
        self, path: Path, *, cost: Cost | None = None, lock_timeout: float = 10.0, keyring_timeout: float = 60.0
    ) -> None:
        self.path = path
        self._file = StoreFile(path, lock_timeout)
        self._cost = cost or Cost()
        self._keyring_timeout = keyring_timeout
        self._opened: _Opened | None = None
        self._swap = threading.Lock()
        """Held for moments; what a thread that only reads or locks may wait for."""
        self._writing = threading.RLock()

    @property
    def exists(self) -> bool:
        return self._file.exists

    @property
    def unlocked(self) -> bool:
        return self._opened is not None

    def create(self, *, passphrase: Secret | None = None, key_file: Path | None = None, keyring: bool = False) -> None:
        """Make an empty store and leave it unlocked. A key file is made where there is none."""
        if passphrase is None and key_file is None:
            raise StoreError(
                "a store needs a passphrase or a key file: a keyring alone can be lost",
                hint="give a passphrase as well",
            )
        contents, file_key = Contents.new(), sealing.new_file_key()
        with self._writing, self._file.locked(), _undone_on_error() as undo:
            self._file.refuse_existing()
            slots = []
            if passphrase is not None:
                slots.append(self._passphrase_slot(passphrase, file_key))
            if key_file is not None:
                slots.append(self._key_file_slot(key_file, file_key, undo))
            if keyring:
                slots.append(self._keyring_slot(file_key, undo))
            stamp = self._file.replace(sealing.seal(file_key, tuple(slots), contents.encode()))
            self._publish(_Opened(file_key, contents, stamp))

    def unlock(self, *, passphrase: Secret | None = None, key_file: Path | None = None, keyring: bool = False) -> None:
        """Open the store by exactly one of its slots."""
        envelope, stamp = self._read()
        file_key = self._file_key(envelope, passphrase, key_file, keyring)
        body = sealing.open_body(envelope, file_key)
        if body is None:
            raise sealing.altered(envelope.source)
        self._publish(_Opened(file_key, Contents.decode(body, envelope.source), stamp))

    def lock(self) -> None:
        """Drop the key and everything decrypted; a save under way in another thread still ends well."""
        self._publish(None)

    def credentials(self) -> Sequence[StoredCredential]:
        """In the order they were added."""
        return self._contents().credentials()

    def unreadable(self) -> Sequence[UnreadableCredential]:
        """Credentials this version cannot read; every save keeps them as they are."""
        return self._contents().unreadable()

    def get(self, name: str) -> StoredCredential:
        return self._contents().get(name)

    def put(self, name: str, credential: AnyCredential, *, previous: str | None = None) -> None:
        """Add a credential or edit the one of that name; with `previous`, edit and rename that one at once."""
        self._change(lambda contents: contents.put(name, credential, previous))

    def rename(self, name: str, new: str) -> None:
        self._change(lambda contents: contents.rename(name, new))

    def delete(self, name: str) -> None:
        self._change(lambda contents: contents.delete(name))

    def value(self, key: ValueKey) -> Secret | None:
        return self._contents().values.get(key)

    def value_keys(self) -> frozenset[ValueKey]:
        return frozenset(self._contents().values)

    def put_value(self, key: ValueKey, value: Secret) -> None:
        self._change(lambda contents: contents.values.update({key: value}))

    def delete_value(self, key: ValueKey) -> None:
        """Deleting a value that is not there is no error."""
        self._change(lambda contents: contents.values.pop(key, None))

    def move_values(self, place: Callable[[ValueKey], ValueKey | None]) -> int:
        """Move each value to the key that `place` returns for its key, None leaving it; returns how many moved.

        Follows the rename of an environment, folder, request or variable, and a workspace moved and taken over.
        """
        return self._change(lambda contents: contents.move_values(place, keep=False))

    def copy_values(self, place: Callable[[ValueKey], ValueKey | None]) -> int:
        """The same, leaving the originals: for duplicates."""
        return self._change(lambda contents: contents.move_values(place, keep=True))

    def history_key(self) -> bytes:
        return self._contents().history_key

    def slots(self) -> Sequence[KeySlot]:
        """Also of a locked store: the header is not secret."""
        return [KeySlot(slot.id, slot.kind) for slot in self._read()[0].header.slots]

    @property
    def has_keyring_slot(self) -> bool:
        return any(slot.kind == "keyring" for slot in self.slots())

    def add_slot(
        self, *, passphrase: Secret | None = None, key_file: Path | None = None, keyring: bool = False
    ) -> KeySlot:
        """Let one more thing open the store. A key file is made where there is none."""
        with self._writing, self._file.locked(), _undone_on_error() as undo:
            opened, envelope, contents = self._newest()
            slots = envelope.header.slots
            if passphrase is not None:
                if any(slot.kind == "passphrase" for slot in slots):
                    raise StoreError("the store has a passphrase already", hint="run `hushpost store passphrase`")
                added = self._passphrase_slot(passphrase, opened.file_key)
            elif key_file is not None:
                added = self._key_file_slot(key_file, opened.file_key, undo)
            elif keyring:
                if self._by_keyring(slots) is not None:
                    raise StoreError("this system's keyring opens the store already")
                added = self._keyring_slot(opened.file_key, undo)
            else:
                raise ValueError("nothing to add")
            if any(slot.public == added.public for slot in slots):
                raise StoreError(f'the key file "{key_file}" opens the store already')
            self._save(opened, opened.file_key, (*slots, added), contents)
        return KeySlot(added.id, added.kind)

    def remove_slot(self, slot_id: str) -> None:
        """Take one way in away, with a new file key; the generation that the slot still opened is deleted."""
        with self._writing, self._file.locked():
            opened, envelope, contents = self._newest()
            removed = [slot for slot in envelope.header.slots if slot.id == slot_id]
            left = tuple(slot for slot in envelope.header.slots if slot.id != slot_id)
            if not removed:
                raise StoreError(f'the store has no slot "{slot_id}"', hint="see `hushpost store slot list`")
            if all(slot.kind == "keyring" for slot in left):
                raise StoreError(
                    f'the slot "{slot_id}" is the last that does not depend on a keyring, and cannot be removed',
                    hint="add another passphrase or key file first",
                )
            self._save_with_new_key(opened, left, contents)
        if removed[0].kind == "keyring":
            # The slot is gone from the file, so what the keyring still has opens nothing.
            with suppress(StoreError):
                delete_keyring_key(slot_id, self._keyring_timeout)

    def change_passphrase(self, passphrase: Secret) -> None:
        """Set the passphrase, with a new file key; the generation that the old one still opened is deleted."""
        with self._writing, self._file.locked():
            opened, envelope, contents = self._newest()
            others = tuple(slot for slot in envelope.header.slots if slot.kind != "passphrase")
            # The file key is wrapped anew for every slot below.
            self._save_with_new_key(opened, (self._passphrase_slot(passphrase, opened.file_key), *others), contents)

    def backup(self, path: Path) -> None:
        """Copy the sealed file, which today's slots open; works on a locked store, and overwrites nothing."""
        self._read()
        self._file.copy_to(path)

    def restore(
        self, path: Path, *, passphrase: Secret | None = None, key_file: Path | None = None, keyring: bool = False
    ) -> None:
        """Put a backup in the store's place once it has been opened; the store before stays as the .bak file."""
        if not path.exists():
            raise StoreError(f'there is no file "{path}"')
        data, _ = StoreFile(path, 0).read()
        envelope = sealing.parse(data, str(path))
        file_key = self._file_key(envelope, passphrase, key_file, keyring)
        body = sealing.open_body(envelope, file_key)
        if body is None:
            raise sealing.altered(envelope.source)
        contents = Contents.decode(body, envelope.source)
        with self._writing, self._file.locked():
            self._publish(_Opened(file_key, contents, self._file.replace(data)))

    def _contents(self) -> Contents:
        """What the file holds now, read again when another process has saved."""
        opened = self._require()
        if self._stamp() == opened.stamp:
            return opened.contents
        with self._writing:
            return self._newest()[0].contents

    def _newest(self) -> tuple[_Opened, Envelope, Contents]:
        """The generation on disk opened with our key, and a working copy of it. Call with `_writing` held."""
        opened = self._require()
        envelope, stamp = self._read()
        body = sealing.open_body(envelope, opened.file_key)
        if body is None:
            self._publish(None, instead_of=opened)
            raise StoreLocked(
                "the credential store was locked: its key is another one since it was unlocked",
                hint="unlock it again; another hushpost changed the passphrase or removed a slot",
            )
        newest = _Opened(opened.file_key, Contents.decode(body, envelope.source), stamp)
        self._publish(newest, instead_of=opened)
        return newest, envelope, Contents.decode(body, envelope.source)

    def _change(self, change: Callable[[Contents], T]) -> T:
        with self._writing, self._file.locked():
            opened, envelope, contents = self._newest()
            before = contents.encode()
            result = change(contents)
            if contents.encode() != before:
                self._save(opened, opened.file_key, envelope.header.slots, contents)
            return result

    def _save(self, opened: _Opened, file_key: bytes, slots: tuple[Slot, ...], contents: Contents) -> None:
        data = sealing.seal(file_key, slots, contents.encode())
        stamp = self._file.replace(data, keep_previous=file_key == opened.file_key)
        self._publish(_Opened(file_key, contents, stamp), instead_of=opened)

    def _save_with_new_key(self, opened: _Opened, slots: tuple[Slot, ...], contents: Contents) -> None:
        file_key = sealing.new_file_key()
        self._save(opened, file_key, tuple(sealing.wrap_again(slot, file_key) for slot in slots), contents)

    def _publish(self, opened: _Opened | None, *, instead_of: _Opened | None = None) -> None:
        """Make a generation current; with `instead_of`, only when nobody locked or unlocked the store meanwhile."""
        with self._swap:
            if instead_of is None or self._opened is instead_of:
                self._opened = opened

    def _require(self) -> _Opened:
        opened = self._opened
        if opened is None:
            if not self.exists:
                raise self._file.missing()
            raise StoreLocked("the credential store is locked", hint="unlock it with its passphrase or key file")
        return opened

    def _stamp(self) -> Stamp:
        try:
            return self._file.stamp()
        except StoreLocked:
            self.lock()
            raise

    def _read(self) -> tuple[Envelope, Stamp]:
        data, stamp = self._file.read()
        return sealing.parse(data, str(self.path)), stamp

    def _file_key(self, envelope: Envelope, passphrase: Secret | None, key_file: Path | None, keyring: bool) -> bytes:
        if (passphrase is not None) + (key_file is not None) + keyring != 1:
            raise StoreError("one of a passphrase, a key file and the keyring unlocks the store", hint="give just one")
        slots = envelope.header.slots
        if passphrase is not None:
            return self._by_passphrase(envelope, passphrase)
        if key_file is not None:
            key = sealing.random_key(read_key_file(key_file), "key_file")
            for slot in slots:
                if slot.kind == "key_file" and sealing.opens(slot, key):
                    return sealing.unwrap(envelope, slot, key)
            raise WrongPassphrase(
                f'the key file "{key_file}" does not open "{envelope.source}"',
                hint="use its passphrase or another file",
            )
        found = self._by_keyring(slots)
        if found is None:
            raise WrongPassphrase(
                f'the system keyring has no key for "{envelope.source}"',
                hint="unlock it with its passphrase or key file",
            )
        return sealing.unwrap(envelope, *found)

    def _by_passphrase(self, envelope: Envelope, passphrase: Secret) -> bytes:
        for slot in envelope.header.slots:
            if slot.kdf is not None:
                key = sealing.passphrase_key(passphrase, slot.kdf)
                if sealing.opens(slot, key):
                    return sealing.unwrap(envelope, slot, key)
                raise WrongPassphrase(f'the passphrase does not open "{envelope.source}"', hint="try again")
        raise WrongPassphrase(f'"{envelope.source}" has no passphrase', hint="unlock it with its key file")

    def _by_keyring(self, slots: tuple[Slot, ...]) -> tuple[Slot, X25519PrivateKey] | None:
        for slot in slots:
            if slot.kind == "keyring":
                secret = keyring_key(slot.id, self._keyring_timeout)
                if secret is not None:
                    key = sealing.random_key(secret, "keyring")
                    if sealing.opens(slot, key):
                        return slot, key
        return None

    def _passphrase_slot(self, passphrase: Secret, file_key: bytes) -> Slot:
        if not passphrase.reveal():
            raise StoreError("the passphrase is empty", hint="choose one that you can remember: it cannot be recovered")
        kdf = sealing.new_kdf(self._cost)
        key = sealing.passphrase_key(passphrase, kdf)
        return sealing.make_slot(sealing.new_slot_id(), "passphrase", key, file_key, kdf)

    def _key_file_slot(self, path: Path, file_key: bytes, undo: list[Callable[[], object]]) -> Slot:
        if path.exists():
            secret = read_key_file(path)
        else:
            secret = make_key_file(path)
            undo.append(path.unlink)
        return sealing.make_slot(sealing.new_slot_id(), "key_file", sealing.random_key(secret, "key_file"), file_key)

    def _keyring_slot(self, file_key: bytes, undo: list[Callable[[], object]]) -> Slot:
        slot_id = sealing.new_slot_id()
        secret = make_keyring_key(slot_id, self._keyring_timeout)
        undo.append(lambda: delete_keyring_key(slot_id, self._keyring_timeout))
        return sealing.make_slot(slot_id, "keyring", sealing.random_key(secret, "keyring"), file_key)


@contextmanager
def _undone_on_error() -> Iterator[list[Callable[[], object]]]:
    """What was made beside the store goes again when the store could not be written."""
    undo: list[Callable[[], object]] = []
    try:
        yield undo
    except BaseException:
        for step in undo:
            with suppress(OSError, StoreError):
                step()
        raise
