"""Logins: one live connection for each credential, made once however many wait for it, and its state for a person.

All blocking calls of providers are made here, in threads of ours and within the limits; a person's time does not count.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Literal, TypeVar

from core.errors import LoginFailed, LoginRequired, ProviderUnavailable
from core.structs import Struct
from core.threads import run_in_daemon_thread, start_daemon_thread
from core.vault.config import PROVIDERS, AnyCredential
from core.vault.prompting import TimedPrompter, WorkingTime
from core.vault.provider import AuthPrompter, Provider

T = TypeVar("T")

ASKING_POLL_S = 0.2
"""How often a waiter looks whether a person has answered; until then no limit runs."""
AGAIN = "log in again: `hushpost credential login {credential}`"


class LoginState(Struct, frozen=True):
    """Of one credential; `message` and `hint` are of the error, where a login ended or was refused."""

    state: Literal["connected", "expired", "needs login", "not checked"]
    identity: str = ""
    expires_at: datetime | None = None
    message: str = ""
    hint: str | None = None


class Login(Struct, frozen=True):
    provider: Provider
    working: WorkingTime
    """Of the prompter that the provider holds: what it asks later pauses the limits too."""


class _Connecting(Struct, frozen=True):
    task: asyncio.Task[Login]
    working: WorkingTime


class Logins:
    """Belongs to one event loop."""

    def __init__(
        self,
        connect: Callable[[AnyCredential, AuthPrompter], Provider],
        prompter: AuthPrompter,
        *,
        total_s: float,
        monotonic: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self.prompter = prompter
        self._connect = connect
        self._total_s = total_s
        self._monotonic = monotonic
        self._wall = wall
        self._live: dict[AnyCredential, Login] = {}
        self._connecting: dict[AnyCredential, _Connecting] = {}
        self._ended: dict[AnyCredential, LoginState] = {}

    def known(self) -> set[AnyCredential]:
        return {*self._live, *self._connecting, *self._ended}

    def identity(self, credential: AnyCredential) -> str:
        """As whom the credential is logged in; empty when it is not."""
        login = self._live.get(credential)
        return login.provider.identity if login is not None else ""

    def state(self, credential: AnyCredential) -> LoginState:
        login = self._live.get(credential)
        if login is None:
            return self._ended.get(credential, LoginState("not checked"))
        provider = login.provider
        state: Literal["connected", "expired"] = "expired" if self._has_ended(provider) else "connected"
        return LoginState(state, provider.identity, provider.expires_at)

    async def log_in(self, credential: AnyCredential) -> Provider:
        """Log in anew, whatever login there is, or join a login that is being made; the new one replaces the old."""
        return (await wait_for(self._start_connecting(credential).task)).provider

    async def call(self, credential: AnyCredential, function: Callable[[Provider], T]) -> T:
        """Call a provider that is logged in, within the limit for both together.

        A login that turns out to have ended is made anew once, if it was not made just now.
        """
        login, spent, made_now = await self._logged_in(credential)
        start = login.working.seconds()
        try:
            return await self._in_thread(credential, login.working, spent, function, login.provider)
        except LoginRequired as error:
            if self._live.get(credential) is login:
                self._end(credential, "expired", error)
            if made_now:
                raise
        except LoginFailed as error:
            self._end(credential, "needs login", error)
            raise
        spent += login.working.seconds() - start
        login, more, _ = await self._logged_in(credential)
        return await self._in_thread(credential, login.working, spent + more, function, login.provider)

    async def call_live(self, credential: AnyCredential, function: Callable[[Provider], T]) -> T | None:
        """Call the provider if it is connected; it is not logged in for this."""
        login = self._live.get(credential)
        if login is None:
            return None
        return await self._in_thread(credential, login.working, 0.0, function, login.provider)

    def forget(self, credential: AnyCredential) -> None:
        """Close the login and cancel one that is being made."""
        self._close(self._live.pop(credential, None))
        self._ended.pop(credential, None)
        connecting = self._connecting.pop(credential, None)
        if connecting is not None:
            connecting.working.abandoned = True
            connecting.task.cancel()

    async def _logged_in(self, credential: AnyCredential) -> tuple[Login, float, bool]:
        """The login, the seconds it took now, and whether it was made for this call."""
        login = self._live.get(credential)
        if login is not None and not self._has_ended(login.provider):
            return login, 0.0, False
        if login is not None:
            when = f"{login.provider.expires_at:%Y-%m-%d %H:%M} UTC"
            self._end(credential, "expired", LoginRequired(f"the login ended at {when}", hint=AGAIN))
        connecting = self._start_connecting(credential)
        start = connecting.working.seconds()
        ended = self._ended.get(credential)
        try:
            login = await wait_for(connecting.task)
        except LoginFailed as error:
            if ended is None or ended.state != "expired":
                raise
            # What logged in once and is refused now has ended: that is what a person needs to know.
            self._ended[credential] = ended
            raise LoginRequired(ended.message, hint=ended.hint) from error
        return login, connecting.working.seconds() - start, True

    def _start_connecting(self, credential: AnyCredential) -> _Connecting:
        connecting = self._connecting.get(credential)
        if connecting is None:
            working = WorkingTime(self._monotonic)
            connecting = _Connecting(shared_task(self._log_in(credential, working)), working)
            self._connecting[credential] = connecting
        return connecting

    async def _log_in(self, credential: AnyCredential, working: WorkingTime) -> Login:
        this = asyncio.current_task()
        prompter = TimedPrompter(self.prompter, working)
        provider: Provider | None = None
        try:
            provider = await self._in_thread(credential, working, 0.0, self._connect, credential, prompter)
        except (LoginRequired, LoginFailed) as error:
            before = self._ended.get(credential)
            # Trying an ended login again and hearing that it has ended changes nothing.
            if not (isinstance(error, LoginRequired) and before is not None and before.state == "expired"):
                self._end(credential, "needs login", error)
            raise
        finally:
            working.abandoned = provider is None
            connecting = self._connecting.get(credential)
            if connecting is not None and connecting.task is this:
                del self._connecting[credential]
        self._close(self._live.get(credential))
        login = self._live[credential] = Login(provider, working)
        self._ended.pop(credential, None)
        return login

    def _has_ended(self, provider: Provider) -> bool:
        expires_at = provider.expires_at
        return expires_at is not None and expires_at.timestamp() <= self._wall()

    def _end(
        self, credential: AnyCredential, state: Literal["expired", "needs login"], error: LoginRequired | LoginFailed
    ) -> None:
        login = self._live.pop(credential, None)
        identity = login.provider.identity if login is not None else ""
        expires_at = login.provider.expires_at if login is not None else None
        self._ended[credential] = LoginState(state, identity, expires_at, error.message, error.hint)
        self._close(login)

    def _close(self, login: Login | None) -> None:
        if login is not None:
            start_daemon_thread(login.provider.close, name="close")

    async def _in_thread(
        self, credential: AnyCredential, working: WorkingTime, spent_s: float, function: Callable[..., T], *args: Any
    ) -> T:
        """Call `function` in a thread; past the limit the thread is abandoned and what it brings is discarded."""
        limit = self._total_s - spent_s + working.seconds()
        future = run_in_daemon_thread(function, *args)
        try:
            while not future.done():
                left = limit - working.seconds()
                if working.asking:
                    left = max(left, ASKING_POLL_S)
                if left <= 0:
                    raise ProviderUnavailable(
                        f'"{address(credential)}" did not answer within {self._total_s:g} seconds',
                        hint="check the address and the network, then try again",
                    )
                await asyncio.wait({future}, timeout=left)
            return future.result()
        finally:
            future.cancel()


def shared_task(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task that several may wait for, and that may end when nobody does."""
    task = asyncio.get_running_loop().create_task(work)
    task.add_done_callback(lambda done: None if done.cancelled() else done.exception())
    return task


async def wait_for(task: asyncio.Task[T]) -> T:
    """Wait for a shared task: the waiter's cancel is its own, the task's is a log-out."""
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        waiter = asyncio.current_task()
        if task.cancelled() and not (waiter is not None and waiter.cancelling()):
            raise LoginRequired(
                "it was logged out while the vault was being asked",
                hint="unlock the store or log in, then try again",
            ) from None
        raise


def address(credential: AnyCredential) -> str:
    """Where the credential logs in, as a person knows it."""
    for name in ("server_address", "endpoint", "oidc_provider_url"):
        value = getattr(credential, name, "")
        if value:
            return str(value)
    return PROVIDERS[credential.provider][0]
