"""SecretCache: fetched secrets in memory, each until the first of two deadlines.

The wall clock counts beside the monotonic one because the latter stands still while a laptop is suspended.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from core.structs import Struct
from core.vault.config import AnyCredential, AnyLink
from core.vault.provider import FetchedSecret

DEFAULT_MINUTES = 30
MAX_MINUTES = 720
USES_KEPT = 50


class CacheKey(Struct, frozen=True):
    """The credential itself and the link without what only selects from the fetched bytes.

    So two accounts never share a value, and two keys of one secret are fetched once.
    """

    unshown = frozenset({"credential"})

    credential: AnyCredential
    link: AnyLink


class Use(Struct, frozen=True):
    """Who asked for a secret; `variable` and `request` are names, empty where there is none."""

    variable: str
    request: str
    at: datetime


class CacheEntry(Struct, frozen=True):
    """What may be shown of one cached secret: everything but the value."""

    unshown = frozenset({"key"})

    key: CacheKey
    label: str
    """The secret, as its link names it."""
    provider: str
    credential: str
    """The credential's name."""
    version: str
    resolved_id: str
    fetched_at: datetime
    expires_at: datetime
    remaining_s: float
    uses: tuple[Use, ...]
    """The newest last, one for each pair of variable and request."""


class Cached(Struct, frozen=True):
    """A secret as fetched; `minutes` None follows the cache's setting."""

    fetched: FetchedSecret
    credential: str
    minutes: int | None
    monotonic: float
    wall: float

    @property
    def fetched_at(self) -> datetime:
        return datetime.fromtimestamp(self.wall, UTC)


class SecretCache:
    """Belongs to one event loop; nothing in it blocks or locks."""

    def __init__(
        self,
        minutes: int = DEFAULT_MINUTES,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._entries: dict[CacheKey, Cached] = {}
        self._uses: dict[CacheKey, tuple[Use, ...]] = {}
        self.monotonic = monotonic
        self.wall = wall
        self.minutes = minutes

    @property
    def minutes(self) -> int:
        """How long a value is kept where its variable says nothing; 0 is off, whatever a variable says."""
        return self._minutes

    @minutes.setter
    def minutes(self, minutes: int) -> None:
        self._minutes = min(max(minutes, 0), MAX_MINUTES)
        self._purge()

    def lifetime(self, minutes: int | None) -> float:
        """Seconds that a value is kept for a variable with these minutes."""
        if self._minutes == 0:
            return 0.0
        return 60.0 * (self._minutes if minutes is None else min(max(minutes, 0), MAX_MINUTES))

    def get(self, key: CacheKey, minutes: int | None = None) -> Cached | None:
        """The value, unless it is older than its own minutes or the asker's."""
        self._purge()
        cached = self._entries.get(key)
        if cached is None or self._age(cached) >= self.lifetime(minutes):
            return None
        return cached

    def put(self, key: CacheKey, fetched: FetchedSecret, credential: str, minutes: int | None = None) -> Cached:
        """Keep a value that was fetched just now; with a lifetime of 0 it is only described, not kept."""
        cached = self.describe_new(fetched, credential, minutes)
        if self.lifetime(minutes) > 0:
            self._entries[key] = cached
        return cached

    def describe_new(self, fetched: FetchedSecret, credential: str, minutes: int | None = None) -> Cached:
        """A value that was fetched just now and is not kept."""
        return Cached(fetched, credential, minutes, self.monotonic(), self.wall())

    def note_use(self, key: CacheKey, variable: str, request: str) -> None:
        """Remember, by name, who used a secret; it outlives the value and goes with the credential."""
        use = Use(variable, request, datetime.fromtimestamp(self.wall(), UTC))
        others = (kept for kept in self.uses(key) if (kept.variable, kept.request) != (variable, request))
        self._uses[key] = (*others, use)[-USES_KEPT:]

    def uses(self, key: CacheKey) -> tuple[Use, ...]:
        return self._uses.get(key, ())

    def drop(self, key: CacheKey) -> None:
        self._entries.pop(key, None)

    def drop_credential(self, credential: AnyCredential) -> None:
        """Drop all that was fetched with a credential, and who used it."""
        self._entries = {key: kept for key, kept in self._entries.items() if key.credential != credential}
        self._uses = {key: kept for key, kept in self._uses.items() if key.credential != credential}

    def clear(self) -> None:
        """Drop every value; who used them stays known."""
        self._entries.clear()

    def forget(self) -> None:
        """Drop every value and who used them."""
        self._entries.clear()
        self._uses.clear()

    def entries(self) -> tuple[CacheEntry, ...]:
        """The live entries for the countdown, the next to expire first."""
        self._purge()
        found = [self._describe(key, cached) for key, cached in self._entries.items()]
        return tuple(sorted(found, key=lambda entry: entry.remaining_s))

    def entry(self, key: CacheKey) -> CacheEntry | None:
        self._purge()
        cached = self._entries.get(key)
        return self._describe(key, cached) if cached is not None else None

    def _describe(self, key: CacheKey, cached: Cached) -> CacheEntry:
        remaining = max(self.lifetime(cached.minutes) - self._age(cached), 0.0)
        return CacheEntry(
            key=key,
            label=key.link.label,
            provider=key.link.provider,
            credential=cached.credential,
            version=cached.fetched.version,
            resolved_id=cached.fetched.resolved_id,
            fetched_at=cached.fetched_at,
            expires_at=datetime.fromtimestamp(self.wall() + remaining, UTC),
            remaining_s=remaining,
            uses=self.uses(key),
        )

    def _age(self, cached: Cached) -> float:
        return max(self.monotonic() - cached.monotonic, self.wall() - cached.wall)

    def _purge(self) -> None:
        for key in [key for key, kept in self._entries.items() if self._age(kept) >= self.lifetime(kept.minutes)]:
            del self._entries[key]
