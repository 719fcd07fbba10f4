"""Vault: the only caller of providers. Cache, then the fetch in flight, then a thread of ours, under time limits.

A fetch belongs to no one: whoever asks first starts it, whoever asks meanwhile waits for the same one, and a waiter that
is cancelled leaves it running. A reset or a log-out takes it off the table, so that what it brings is no longer kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, TypeVar

from core.errors import LoginFailed, LoginRequired, ProviderUnavailable, VaultError
from core.secret import Secret
from core.vault import registry
from core.vault.cache import Cached, CacheEntry, CacheKey, SecretCache, Use
from core.vault.config import AnyCredential, AnyLink
from core.vault.prompting import RefusingPrompter, TimedPrompter, WorkingTime
from core.vault.provider import (
    TOTAL_S,
    AuthPrompter,
    FetchedSecret,
    Provider,
    RereadsLogin,
    SecretSummary,
)
from core.vault.selection import select, whole
from core.vault.threads import run_in_daemon_thread, start_daemon_thread

T = TypeVar("T")


@dataclass(frozen=True)
class SecretInfo:
    """Everything about a linked secret but its value."""

    link: AnyLink
    credential: str
    identity: str
    version: str
    stages: tuple[str, ...]
    created: datetime | None
    resolved_id: str
    notes: tuple[str, ...]
    fetched_at: datetime
    expires_at: datetime | None
    """When the cache drops it; None: it is not kept."""
    uses: tuple[Use, ...] = ()


@dataclass(frozen=True)
class Got:
    secret: Secret
    info: SecretInfo


@dataclass(frozen=True)
class LoginInfo:
    identity: str
    expires_at: datetime | None


@dataclass(frozen=True)
class LoginState:
    """Of one credential; `message` says why it needs a login, where a login was refused."""

    state: Literal["connected", "expired", "needs login", "not checked"]
    identity: str = ""
    expires_at: datetime | None = None
    message: str = ""


@dataclass
class _Connecting:
    task: asyncio.Task[Provider]
    working: WorkingTime


@dataclass
class _Flight:
    """A fetch that is under way; `minutes` of everyone who waits for it."""

    task: asyncio.Task[Cached]
    fresh: bool
    minutes: list[int | None] = field(default_factory=list)


class Vault:
    """Belongs to one event loop; everything but the providers' own methods runs on it."""

    def __init__(
        self,
        cache: SecretCache | None = None,
        prompter: AuthPrompter | None = None,
        *,
        connect: Callable[[AnyCredential, AuthPrompter], Provider] = registry.connect,
        total_s: float = TOTAL_S,
    ) -> None:
        self.cache = cache if cache is not None else SecretCache()
        self.prompter: AuthPrompter = prompter if prompter is not None else RefusingPrompter()
        self._connect = connect
        self._total_s = total_s
        self._providers: dict[AnyCredential, Provider] = {}
        self._connecting: dict[AnyCredential, _Connecting] = {}
        self._flights: dict[CacheKey, _Flight] = {}
        self._credentials: dict[str, AnyCredential] = {}
        self._ended: dict[AnyCredential, LoginState] = {}

    # What callers ask for.

    async def get(
        self,
        credential_name: str,
        credential: AnyCredential,
        link: AnyLink,
        *,
        minutes: int | None = None,
        fresh: bool = False,
        variable: str = "",
        request: str = "",
    ) -> Got:
        """The value of a link, from the cache or the vault.

        `minutes` are the variable's own; `fresh` goes to the vault whatever is cached; `variable` and `request` are
        noted as users and named in errors.
        """
        raise NotImplementedError

    def peek(self, credential: AnyCredential, link: AnyLink) -> CacheEntry | None:
        """What is cached for a link, without its value and without asking the vault."""
        return self.cache.entry(CacheKey(credential, whole(link)))

    async def test(self, credential_name: str, credential: AnyCredential) -> LoginInfo:
        """Log in anew, whatever login there is, and keep the new one."""
        raise NotImplementedError

    async def list_secrets(
        self, credential_name: str, credential: AnyCredential, prefix: str = "", limit: int = 200
    ) -> Sequence[SecretSummary]:
        raise NotImplementedError

    def login_state(self, credential_name: str) -> LoginState:
        raise NotImplementedError

    def logins(self) -> dict[str, LoginState]:
        """The state of every credential that was used or tested, by name."""
        return {name: self.login_state(name) for name in self._credentials}

    def reset(self, what: CacheEntry | CacheKey | None = None) -> None:
        """Forget one cached value, or all of them. A fetch under way is answered to its waiters and not kept."""
        raise NotImplementedError

    def logout(self, credential_name: str) -> None:
        """Forget a credential's login and its cached values: also for one that was edited, renamed or deleted."""
        raise NotImplementedError

    def lock(self) -> None:
        """Forget every login and every cached value; who waits for one gets LoginRequired."""
        raise NotImplementedError

    def close(self) -> None:
        """Lock for good."""
        raise NotImplementedError
