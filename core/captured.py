"""What requests captured for those that follow, and which secrets had a part in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.environment import Scope
from core.exchange import SecretUse
from core.secret import Secret


class Captured(dict[str, str | Secret]):
    """Values by name. An answer may repeat a secret that its request took along, or a piece of it, in a form of the
    server's own: what is captured of it goes only where the user lets that secret go."""

    def __init__(self) -> None:
        super().__init__()
        self._behind: dict[str, frozenset[SecretUse]] = {}

    def take(self, values: Mapping[str, str | Secret], behind: Iterable[SecretUse]) -> None:
        """Values of one answer; `behind` are the secrets of its request that need this user's approval."""
        secrets = frozenset(behind)
        self.update(values)
        self._behind.update(dict.fromkeys(values, secrets))

    def behind(self, scope: Scope, names: Iterable[str]) -> frozenset[SecretUse]:
        """The secrets that had a part in those of the names that the scope has from here."""
        from_here = (name for name in names if (entry := scope.entry(name)) and entry.source.kind == "captured")
        return frozenset[SecretUse]().union(*(self._behind.get(name, frozenset()) for name in from_here))

    def drop_secrets(self) -> None:
        for name in [name for name, value in self.items() if isinstance(value, Secret)]:
            del self[name]

    def clear(self) -> None:
        super().clear()
        self._behind.clear()
