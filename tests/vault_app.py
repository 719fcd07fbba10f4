"""What tests of the vault's screens share: a store with a credential, the app in one mode, dialogs, rows, typing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from textual import events
from textual.pilot import Pilot
from textual.screen import Screen

from core.models import Environment, Variable
from core.secret import Secret
from core.session import Session
from core.vault.config import AnyCredential, MemoryCredential
from core.vault.envelope import Cost
from core.vault.store import CredentialStore
from tests.tui.conftest import screen_text, until
from tui.app import HushpostApp
from tui.prompter import DialogPrompter
from tui.widgets.rows import Rows

PASSPHRASE = "correct horse"
STRIPE = "sk-live-51H8yQ2"
SECRETS = {"payments/stripe": STRIPE, "payments/paypal": "pp-7c1f", "db/main": '{"user": "u", "password": "hunter-22"}'}

SIZES = ((160, 45), (80, 24), (40, 10), (12, 4))
"""Terminals from large to absurd."""

ScreenT = TypeVar("ScreenT", bound=Screen[Any])


def memory(secrets: Mapping[str, str] = SECRETS) -> MemoryCredential:
    return MemoryCredential(secrets=Secret(msgspec.json.encode(secrets).decode()))


def cheap_store(session: Session) -> None:
    """Unlocking costs as little as it may: these tests are not about the price of a guess."""
    session.store = CredentialStore(session.paths.store, cost=Cost(memory_kib=8 * 1024, passes=1, lanes=1))


async def with_store(session: Session, credentials: Mapping[str, AnyCredential] | None = None) -> None:
    """An unlocked store with these credentials, by default one to a vault in memory."""
    cheap_store(session)
    await session.create_store(passphrase=Secret(PASSPHRASE))
    for name, credential in ({"vault-prod": memory()} if credentials is None else credentials).items():
        await session.save_credential(name, credential)


def workspace_at(session: Session, path: Path, variables: Mapping[str, str | Variable]) -> Path:
    """A workspace whose active environment, production, has these variables; returns that environment's file."""
    workspace = session.create_workspace(path, "Payments API")
    workspace.create_environment("Production", Environment(color="red", variables=dict(variables)))
    session.set_environment("production")
    return workspace.path / "environments" / "production.toml"


@asynccontextmanager
async def in_mode(session: Session, mode: str, *, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[Any]]:
    """The app in one of its modes under a pilot, with the dialogs of logins attached."""
    app = HushpostApp(session)
    if isinstance(session.vault.prompter, DialogPrompter):
        session.vault.prompter.attach(app)
    async with app.run_test(size=size) as pilot:
        await app.action_mode(mode)
        await until(pilot, lambda: app.current_mode == mode and app.screen.is_mounted)
        await pilot.pause()
        yield pilot


async def shown(pilot: Pilot[Any], screen: type[ScreenT]) -> ScreenT:
    """The dialog of this class, as soon as it stands on top and can be used."""
    await until(pilot, lambda: isinstance(pilot.app.screen, screen) and pilot.app.screen.is_mounted)
    await pilot.pause()
    top = pilot.app.screen
    assert isinstance(top, screen)
    return top


async def back(pilot: Pilot[Any]) -> None:
    """No dialog is left."""
    await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
    await pilot.pause()


def said(pilot: Pilot[Any]) -> str:
    """All that is on the screen, as if its lines had not been broken."""
    return re.sub(r"[\s│]+", " ", screen_text(pilot))


def rows(pilot: Pilot[Any], selector: str) -> list[str]:
    """The rows of a table of the mode's screen, as a person reads them."""
    table = pilot.app.screen_stack[0].query_one(selector, Rows)
    return [table.text(row.key) for row in table.rows]


async def type_in(pilot: Pilot[Any], text: str) -> None:
    """A text into the focused field, as a terminal hands over what is pasted: one event, not one for each key."""
    await pilot.pause()
    focused = pilot.app.screen.focused
    assert focused is not None
    focused.post_message(events.Paste(text))
    await pilot.pause()


def everything_under(folder: Path) -> bytes:
    """All bytes of all files below a folder, to search for what must not be there."""
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def bytes_of(path: Path) -> bytes:
    return path.read_bytes()


def write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
