"""What opens the store without a person: a key file, and an entry in the system's keyring."""

from __future__ import annotations

import os
import re
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import StoreError
from core.vault.envelope import KEY_SIZE

_SERVICE = "hushpost"
_HEX = rb"[0-9a-f]{%d}" % (2 * KEY_SIZE)
_KEYRING_HINT = "unlock the store with its passphrase, or start a keyring service such as GNOME Keyring or KWallet"


def make_key_file(path: Path) -> bytes:
    """Write a new key file, which only this user can read; an existing file is never overwritten."""
    key = secrets.token_bytes(KEY_SIZE)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.hex().encode() + b"\n")
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise StoreError(f'the key file "{path}" cannot be made: {error.strerror}') from error
    return key


def read_key_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(2 * KEY_SIZE + 2)
    except OSError as error:
        raise StoreError(f'the key file "{path}" cannot be read: {error.strerror}') from error
    if not re.fullmatch(_HEX + b"\n?", text):
        raise StoreError(f'"{path}" is no key file of hushpost', hint="give the file that `--key-file` made")
    return bytes.fromhex(text.decode())


def keyring_key(slot_id: str, seconds: float) -> bytes | None:
    """The key this user's keyring keeps for a slot; None when it has none."""

    def get() -> str | None:
        import keyring

        return keyring.get_password(_SERVICE, _user(slot_id))

    text = _within(seconds, get)
    return bytes.fromhex(text) if text and re.fullmatch(_HEX, text.encode()) else None


def make_keyring_key(slot_id: str, seconds: float) -> bytes:
    """Put a new key into the keyring, and see that it is there: some backends take everything and keep nothing."""
    key = secrets.token_bytes(KEY_SIZE)

    def put() -> str | None:
        import keyring

        if not keyring.core.recommended(keyring.get_keyring()):
            return None
        keyring.set_password(_SERVICE, _user(slot_id), key.hex())
        return keyring.get_password(_SERVICE, _user(slot_id))

    if _within(seconds, put) != key.hex():
        raise StoreError("this system has no keyring that keeps secrets", hint=_KEYRING_HINT)
    return key


def delete_keyring_key(slot_id: str, seconds: float) -> None:
    def delete() -> None:
        import keyring

        keyring.delete_password(_SERVICE, _user(slot_id))

    _within(seconds, delete)


def _user(slot_id: str) -> str:
    return f"credential store {slot_id}"


def _within(seconds: float, action: Callable[[], Any]) -> Any:
    """Ask in a thread that is left behind when no answer comes: a backend may wait for a dialog for ever."""
    outcome: list[tuple[Any, Exception | None]] = []

    def ask() -> None:
        try:
            outcome.append((action(), None))
        except Exception as error:  # noqa: BLE001 - backends raise errors of their own libraries
            outcome.append((None, error))

    thread = threading.Thread(target=ask, name="keyring", daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise StoreError(f"the system keyring did not answer within {seconds:g} seconds", hint=_KEYRING_HINT)
    answer, error = outcome[0]
    if error is not None:
        raise StoreError(f"the system keyring cannot be used ({type(error).__name__})", hint=_KEYRING_HINT) from error
    return answer
