"""The values of secret variables: kept in the credential store by what they are of, they follow when that moves."""

from __future__ import annotations

from collections.abc import Callable

from core.errors import StoreLocked
from core.secret import Secret
from core.threads import run_in_daemon_thread
from core.vault.contents import ValueKey
from core.vault.store import CredentialStore
from core.workspace.workspace import WorkspaceKey


class StoredValues:
    """Of one workspace at one path. `holder` is the file that names a variable, as `Source.holder`."""

    def __init__(self, store: CredentialStore, workspace: WorkspaceKey) -> None:
        self._store = store
        self._workspace = workspace

    def get(self, holder: str, name: str) -> Secret | None:
        """None where there is no value, or no store. Raises StoreLocked."""
        return self._store.value(self._key(holder, name)) if self._store.exists else None

    def has(self, holder: str, name: str) -> bool | None:
        """Whether a value is stored; None while that cannot be told, because the store is locked."""
        try:
            return self.get(holder, name) is not None
        except StoreLocked:
            return None

    async def set(self, holder: str, name: str, value: Secret) -> None:
        await run_in_daemon_thread(self._store.put_value, self._key(holder, name), value)

    async def delete(self, holder: str, name: str) -> None:
        await run_in_daemon_thread(self._store.delete_value, self._key(holder, name))

    async def move(self, place: Callable[[str, str], tuple[str, str] | None], *, copy: bool = False) -> None:
        """Let values follow a rename, or a copy.

        `place` gets the holder and name of each value and gives the new ones, None where it stays.
        """
        if not self._store.exists:
            return

        def placed(value: ValueKey) -> ValueKey | None:
            moved = place(value.scope, value.name) if self._is_ours(value) else None
            return self._key(*moved) if moved is not None else None

        await run_in_daemon_thread(self._store.copy_values if copy else self._store.move_values, placed)

    async def take_over(self, old: WorkspaceKey) -> None:
        """Have the values of the workspace as it was known at another path."""
        if not self._store.exists:
            return
        there = StoredValues(self._store, old)

        def placed(value: ValueKey) -> ValueKey | None:
            return self._key(value.scope, value.name) if there._is_ours(value) else None

        await run_in_daemon_thread(self._store.move_values, placed)

    def at_hand(self) -> None:
        """Raises StoreLocked where values may be stored and cannot be reached."""
        if self._store.exists:
            self._store.value_keys()

    def any_below(self, holder: str) -> bool:
        """Whether the open store has values of this holder, or of one below it."""
        if not (self._store.exists and self._store.unlocked):
            return False
        return any(
            self._is_ours(value) and (value.scope == holder or value.scope.startswith(f"{holder}/"))
            for value in self._store.value_keys()
        )

    def _key(self, holder: str, name: str) -> ValueKey:
        return ValueKey(self._workspace.id, str(self._workspace.path), holder, name)

    def _is_ours(self, value: ValueKey) -> bool:
        return (value.workspace_id, value.real_path) == (self._workspace.id, str(self._workspace.path))
