"""Opens the credential store when a command first needs it: unattended where that is set up, else by asking."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from core.errors import HushpostError, StoreLocked, WrongPassphrase

if TYPE_CHECKING:
    from cli.invocation import Invocation
    from core.exchange import Exchange
    from core.session import Session

T = TypeVar("T")

HINT = "set HUSHPOST_PASSPHRASE or HUSHPOST_KEY_FILE, or run this in a terminal"
NOT_RECOVERABLE = "it cannot be recovered: without it, what is in the store is lost"
TRIES = 3


async def unlock(invocation: Invocation, session: Session) -> None:
    """Raises StoreLocked where nothing and nobody opens it."""
    if session.store.unlocked or await session.unlock_unattended():
        return
    if not session.store.exists:
        raise StoreLocked("there is no credential store yet", missing=True, hint="run `hushpost store init`")
    by_passphrase = any(slot.kind == "passphrase" for slot in session.store.slots())
    if not invocation.interactive or not by_passphrase:
        raise StoreLocked("the credential store is locked", hint=HINT if by_passphrase else "set HUSHPOST_KEY_FILE")
    for left in reversed(range(TRIES)):
        try:
            await session.unlock(passphrase=invocation.ask_secret("passphrase of the credential store"))
        except WrongPassphrase as error:
            if not left:
                raise
            invocation.diagnostics.error(error)
        else:
            return


async def unlock_or_make(invocation: Invocation, session: Session) -> None:
    """The same where something is to be kept: a person without a store is asked for the passphrase of a new one."""
    if session.store.exists or not invocation.interactive:
        await unlock(invocation, session)
        return
    invocation.diagnostics.note("there is no credential store yet: choose the passphrase of a new one")
    invocation.diagnostics.note(NOT_RECOVERABLE)
    await session.create_store(passphrase=invocation.ask_secret("new passphrase", twice=True))
    invocation.diagnostics.note(f'made the store "{session.store.path}"')


class Unlocking:
    """Does things with a session and, where one of them finds the store locked, opens it and does that one again."""

    def __init__(self, invocation: Invocation, session: Session) -> None:
        self._invocation = invocation
        self._session = session
        self._asking = asyncio.Lock()
        self._refused: HushpostError | None = None
        """Whoever did not open the store once is not asked again."""

    async def __call__(self, action: Callable[[], Awaitable[T]]) -> T:
        try:
            return await action()
        except StoreLocked as error:
            if error.missing:
                raise
            await self._unlock()
            return await action()

    async def _unlock(self) -> None:
        async with self._asking:
            if self._refused is not None:
                raise self._refused
            try:
                await unlock(self._invocation, self._session)
            except HushpostError as error:
                self._refused = error
                raise


class UnlockingSession:
    """A session as a run needs it, whose requests open the store when the first of them needs it."""

    def __init__(self, invocation: Invocation, session: Session) -> None:
        self.workspace = session.workspace
        self.environment = session.environment
        self.effective = session.effective
        self.scope = session.scope
        self.redact = session.redact
        self.cookies = session.cookies
        self._send = session.send
        self._unlocking = Unlocking(invocation, session)

    async def send(self, *arguments: Any, **options: Any) -> Exchange:
        return await self._unlocking(lambda: self._send(*arguments, **options))
