"""Vault: the only caller of providers. Cache, then the fetch in flight, then a thread of ours, under time limits.

A fetch belongs to no one: whoever asks first starts it, whoever asks meanwhile waits for the same one, and a waiter
that is cancelled leaves it running. A reset takes it off the table, so that what it brings is answered but not kept.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec

from core.errors import LoginFailed, LoginRequired, VaultError
from core.secret import Secret
from core.structs import Struct
from core.threads import run_in_daemon_thread
from core.vault import registry
from core.vault.cache import Cached, CacheEntry, CacheKey, SecretCache, Use
from core.vault.config import AnyCredential, AnyLink
from core.vault.logins import Logins, LoginState, shared_task, wait_for
from core.vault.prompting import RefusingPrompter
from core.vault.provider import TOTAL_S, AuthPrompter, FetchedSecret, Provider, RereadsLogin, SecretSummary
from core.vault.selection import Inside, look_inside, select, whole

__all__ = ["Got", "LoginInfo", "LoginState", "SecretInfo", "Vault", "run_in_daemon_thread"]

T = TypeVar("T")


class SecretInfo(Struct, frozen=True):
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


class Got(Struct, frozen=True):
    secret: Secret
    info: SecretInfo


class LoginInfo(Struct, frozen=True):
    identity: str
    expires_at: datetime | None


class _Flight(Struct, frozen=True):
    task: asyncio.Task[Cached]
    fresh: bool
    minutes: list[int | None] = msgspec.field(default_factory=list)
    """The variables' own, of everyone who waits."""


class Vault:
    """Belongs to one event loop; only the providers' own methods run elsewhere."""

    def __init__(
        self,
        cache: SecretCache | None = None,
        prompter: AuthPrompter | None = None,
        *,
        connect: Callable[[AnyCredential, AuthPrompter], Provider] = registry.connect,
        total_s: float = TOTAL_S,
    ) -> None:
        self.cache = cache if cache is not None else SecretCache()
        self._logins = Logins(
            connect,
            prompter if prompter is not None else RefusingPrompter(),
            total_s=total_s,
            monotonic=lambda: self.cache.monotonic(),
            wall=lambda: self.cache.wall(),
        )
        self._flights: dict[CacheKey, _Flight] = {}
        self._credentials: dict[str, list[AnyCredential]] = {}
        """What each name stood for, the newest last: it may be of two providers, or edited and not yet saved."""

    @property
    def prompter(self) -> AuthPrompter:
        """Who answers the questions of logins to come."""
        return self._logins.prompter

    @prompter.setter
    def prompter(self, prompter: AuthPrompter) -> None:
        self._logins.prompter = prompter

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
        key = CacheKey(credential, whole(link))
        try:
            cached = await self._cached(key, credential_name, minutes, fresh=fresh)
            secret = select(cached.fetched.data, link)
        except VaultError as error:
            raise _named(error, credential_name, credential, variable) from error.__cause__
        if variable or request:
            self.cache.note_use(key, variable, request)
        return Got(secret, self._info(key, credential_name, link, cached))

    async def look_inside(self, credential_name: str, credential: AnyCredential, link: AnyLink) -> Inside:
        """Which keys the secret of a link has, whatever the link selects from it."""
        try:
            cached = await self._cached(CacheKey(credential, whole(link)), credential_name)
        except VaultError as error:
            raise _named(error, credential_name, credential) from error.__cause__
        return look_inside(cached.fetched.data)

    async def _cached(
        self, key: CacheKey, credential_name: str, minutes: int | None = None, *, fresh: bool = False
    ) -> Cached:
        """The secret as the vault holds it, from the cache or the vault."""
        self._remember(credential_name, key.credential)
        cached = None if fresh else await self._still_good(key, minutes)
        if cached is None:
            flight = self._fly(key, credential_name, fresh=fresh)
            flight.minutes.append(minutes)
            cached = await wait_for(flight.task)
        return cached

    async def test(self, credential_name: str, credential: AnyCredential) -> LoginInfo:
        """Log in anew, whatever login there is, and keep the new one; cached values stay."""
        self._remember(credential_name, credential)
        try:
            provider = await self._logins.log_in(credential)
        except VaultError as error:
            raise _named(error, credential_name, credential) from error.__cause__
        return LoginInfo(provider.identity, provider.expires_at)

    async def list_secrets(
        self, credential_name: str, credential: AnyCredential, prefix: str = "", limit: int = 200
    ) -> Sequence[SecretSummary]:
        """What the vault offers below `prefix`, for a picker."""
        return await self.call(credential_name, credential, lambda provider: provider.list_secrets(prefix, limit))

    async def call(self, credential_name: str, credential: AnyCredential, function: Callable[[Provider], T]) -> T:
        """What a function makes of the logged-in provider, in its thread and under the time limits."""
        self._remember(credential_name, credential)
        try:
            return await self._logins.call(credential, function)
        except VaultError as error:
            raise _named(error, credential_name, credential) from error.__cause__

    def uses(self, credential: AnyCredential, link: AnyLink) -> tuple[Use, ...]:
        """Who used a link's secret since the store was unlocked, the newest last."""
        return self.cache.uses(CacheKey(credential, whole(link)))

    def login_state(self, credential_name: str) -> LoginState:
        """Of what the name stood for last."""
        credentials = self._credentials.get(credential_name)
        return self._logins.state(credentials[-1]) if credentials else LoginState("not checked")

    def rename(self, credential_name: str, new: str) -> None:
        """The user calls a credential otherwise; its login and what it fetched stay."""
        if credential_name in self._credentials:
            self._credentials[new] = self._credentials.pop(credential_name)

    def reset(self, entry: CacheEntry | None = None) -> None:
        """Forget one cached value, or all of them. A fetch under way is answered to its waiters and not kept."""
        if entry is None:
            self.cache.clear()
            self._flights.clear()
        else:
            self.cache.drop(entry.key)
            self._flights.pop(entry.key, None)

    def logout(self, credential_name: str) -> None:
        """Forget a credential's login and its cached values; also after it was edited, renamed or deleted."""
        for credential in self._credentials.pop(credential_name, ()):
            self._forget(credential)

    def lock(self) -> None:
        """Forget every login and every cached value; who waits for one gets LoginRequired."""
        for credential in {*self._logins.known(), *(key.credential for key in self._flights)}:
            self._forget(credential)
        self.cache.forget()
        self._credentials.clear()

    def close(self) -> None:
        """As `lock`; nothing is waited for."""
        self.lock()

    async def _still_good(self, key: CacheKey, minutes: int | None) -> Cached | None:
        """The cached value; where the login's files are read anew each time, only while they are what they were."""
        cached = self.cache.get(key, minutes)
        if cached is None or not cached.fetched.fingerprint:
            return cached
        if await self._logins.call_live(key.credential, _fingerprint) == cached.fetched.fingerprint:
            return cached
        self.cache.drop(key)
        return None

    def _fly(self, key: CacheKey, credential_name: str, *, fresh: bool) -> _Flight:
        """The fetch under way, or a new one; who wants a fresh value does not join one that began before that."""
        flight = self._flights.get(key)
        if flight is None or (fresh and not flight.fresh):
            if fresh:
                self.cache.drop(key)
            flight = _Flight(shared_task(self._fetch(key, credential_name)), fresh)
            self._flights[key] = flight
        return flight

    async def _fetch(self, key: CacheKey, credential_name: str) -> Cached:
        this = asyncio.current_task()
        try:
            fetched = await self._logins.call(key.credential, lambda provider: provider.fetch(key.link))
        finally:
            flight = self._flights.get(key)
            current = flight is not None and flight.task is this
            if current:
                del self._flights[key]
        if flight is None or not current:
            return self.cache.describe_new(fetched, credential_name)
        return self.cache.put(key, fetched, credential_name, max(flight.minutes, key=self.cache.lifetime))

    def _remember(self, name: str, credential: AnyCredential) -> None:
        credentials = self._credentials.setdefault(name, [])
        if credential in credentials:
            credentials.remove(credential)
        credentials.append(credential)

    def _forget(self, credential: AnyCredential) -> None:
        self._logins.forget(credential)
        for key in [key for key in self._flights if key.credential == credential]:
            self._flights.pop(key).task.cancel()
        self.cache.drop_credential(credential)

    def _info(self, key: CacheKey, credential_name: str, link: AnyLink, cached: Cached) -> SecretInfo:
        entry = self.cache.entry(key)
        fetched: FetchedSecret = cached.fetched
        return SecretInfo(
            link=link,
            credential=credential_name,
            identity=self._logins.identity(key.credential),
            version=fetched.version,
            stages=fetched.stages,
            created=fetched.created,
            resolved_id=fetched.resolved_id,
            notes=fetched.notes,
            fetched_at=cached.fetched_at,
            expires_at=entry.expires_at if entry is not None else None,
            uses=self.cache.uses(key),
        )


def _fingerprint(provider: Provider) -> str:
    return provider.fingerprint() if isinstance(provider, RereadsLogin) else ""


def _named(error: VaultError, credential_name: str, credential: AnyCredential, variable: str = "") -> VaultError:
    """A copy for one of several askers, with the names that the provider does not know."""
    copy = error.for_variable(variable)
    copy.variable = variable or error.variable
    copy.provider, copy.credential = credential.provider, credential_name
    if isinstance(copy, (LoginRequired, LoginFailed)):
        copy.message = f'credential "{credential_name}": {error.message}'
    if copy.hint:
        copy.hint = copy.hint.replace("{credential}", shlex.quote(credential_name))
    return copy
