"""Opens the credential store without a person: as the surroundings say, or by the system's keyring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import HushpostError, StoreError, WrongPassphrase

if TYPE_CHECKING:
    from core.session import Session


async def unlock(session: Session) -> bool:
    """Whether the store is open afterwards. Raises WrongPassphrase when what the surroundings say does not open it."""
    store = session.store
    if store.unlocked or not store.exists:
        return store.unlocked
    given = session.surroundings.unlock
    if given.passphrase is not None and given.key_file is not None:
        raise StoreError(
            "HUSHPOST_PASSPHRASE and HUSHPOST_KEY_FILE are both set, and one of them unlocks the store",
            hint="unset HUSHPOST_PASSPHRASE or HUSHPOST_KEY_FILE",
        )
    if given.passphrase is not None or given.key_file is not None:
        try:
            await session.unlock(passphrase=given.passphrase, key_file=given.key_file)
        except WrongPassphrase as error:
            error.hint = f"correct {'HUSHPOST_PASSPHRASE' if given.passphrase is not None else 'HUSHPOST_KEY_FILE'}"
            raise
    elif store.has_keyring_slot:
        try:
            await session.unlock(keyring=True)
        except HushpostError:
            return False
    return store.unlocked
