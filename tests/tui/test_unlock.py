"""The store's door: made with a passphrase typed twice, opened with the right one, and left as it was otherwise."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from msgspec.structs import replace

from core.paths import Unlock
from core.secret import Secret
from core.session import Session
from tests.patience import PATIENCE_S
from tests.tui.conftest import screen_text, until
from tests.vault_app import PASSPHRASE, back, cheap_store, in_mode, said, shown, type_in, with_store
from tui.screens.unlock import UnlockScreen
from tui.widgets.secret_input import SecretInput


async def test_a_store_is_made_when_the_two_passphrases_are_the_same(session: Session) -> None:
    cheap_store(session)
    async with in_mode(session, "credentials") as pilot:
        pilot.app.push_screen(UnlockScreen(session))
        await shown(pilot, UnlockScreen)
        assert "cannot be recovered" in said(pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert "is needed" in screen_text(pilot)
        await type_in(pilot, "one")
        await pilot.press("tab")
        await type_in(pilot, "other")
        await pilot.press("enter")
        await pilot.pause()
        assert "is not the same as the first" in screen_text(pilot)
        assert not session.store.exists
        await pilot.press("ctrl+u")
        await type_in(pilot, "one")
        await pilot.press("enter")
        await back(pilot)
        assert session.store.unlocked
    session.lock()
    await session.unlock(passphrase=Secret("one"))


async def test_a_wrong_passphrase_says_so_and_asks_again(session: Session) -> None:
    await with_store(session)
    session.lock()
    before = session.paths.store.read_bytes()
    async with in_mode(session, "credentials") as pilot:
        pilot.app.push_screen(UnlockScreen(session))
        dialog = await shown(pilot, UnlockScreen)
        await type_in(pilot, "wrong")
        await pilot.press("enter")
        await until(pilot, lambda: "does not open" in dialog.status.text)
        assert dialog.query_one(SecretInput).value == ""
        assert "wrong" not in screen_text(pilot)
        assert session.paths.store.read_bytes() == before
        await type_in(pilot, PASSPHRASE)
        await pilot.press("enter")
        await back(pilot)
        assert session.store.unlocked
        assert PASSPHRASE not in screen_text(pilot)


async def test_a_damaged_store_is_named_and_left_alone(session: Session) -> None:
    await with_store(session)
    session.lock()
    damaged = session.paths.store.read_bytes()[:-7]
    session.paths.store.write_bytes(damaged)
    async with in_mode(session, "credentials") as pilot:
        pilot.app.push_screen(UnlockScreen(session))
        dialog = await shown(pilot, UnlockScreen)
        await type_in(pilot, PASSPHRASE)
        await pilot.press("enter")
        await until(pilot, lambda: str(session.paths.store) in dialog.status.text.replace("\n", ""))
        assert not session.store.unlocked
    assert session.paths.store.read_bytes() == damaged


class HangingKeyring(KeyringBackend):
    """A keyring of the system that waits for somebody to confirm."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.held: dict[tuple[str, str], str] = {}
        self.confirmed = threading.Event()

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        self.confirmed.wait(PATIENCE_S)
        return self.held.get((service, username))

    def delete_password(self, service: str, username: str) -> None:
        del self.held[service, username]


@pytest.fixture
def hanging_keyring() -> Iterator[HangingKeyring]:
    before = keyring.get_keyring()
    hanging = HangingKeyring()
    hanging.confirmed.set()
    keyring.set_keyring(hanging)
    yield hanging
    hanging.confirmed.set()
    keyring.set_keyring(before)


async def test_a_keyring_that_hangs_keeps_nobody_from_typing(session: Session, hanging_keyring: HangingKeyring) -> None:
    cheap_store(session)
    await session.create_store(passphrase=Secret(PASSPHRASE), keyring=True)
    session.lock()
    hanging_keyring.confirmed.clear()
    async with in_mode(session, "credentials") as pilot:
        pilot.app.push_screen(UnlockScreen(session))
        dialog = await shown(pilot, UnlockScreen)
        await until(pilot, lambda: dialog.working)
        assert "trying the key file and the keyring" in said(pilot)
        await type_in(pilot, PASSPHRASE)
        await pilot.press("enter")
        await back(pilot)
        assert session.store.unlocked


async def test_escape_gives_the_keyboard_back_while_the_keyring_is_waited_for(
    session: Session, hanging_keyring: HangingKeyring
) -> None:
    cheap_store(session)
    await session.create_store(passphrase=Secret(PASSPHRASE), keyring=True)
    session.lock()
    hanging_keyring.confirmed.clear()
    async with in_mode(session, "credentials") as pilot:
        pilot.app.push_screen(UnlockScreen(session))
        dialog = await shown(pilot, UnlockScreen)
        await until(pilot, lambda: dialog.working)
        await pilot.press("escape")
        assert not dialog.working
        assert dialog.status.text == "stopped"
        await pilot.press("escape")
        await back(pilot)


async def test_a_locked_store_is_opened_from_the_table_with_enter(session: Session) -> None:
    await with_store(session)
    session.lock()
    async with in_mode(session, "credentials") as pilot:
        assert "locked" in screen_text(pilot)
        assert "vault-prod" not in screen_text(pilot)
        await pilot.press("enter")
        await shown(pilot, UnlockScreen)
        await type_in(pilot, PASSPHRASE)
        await pilot.press("enter")
        await back(pilot)
        await until(pilot, lambda: "vault-prod" in screen_text(pilot))
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "vault-prod" not in screen_text(pilot))
        assert not session.store.unlocked


async def test_the_key_file_of_the_surroundings_opens_it_unasked(session: Session, tmp_path: Path) -> None:
    cheap_store(session)
    key_file = tmp_path / "key"
    await session.create_store(key_file=key_file)
    session.lock()
    session.surroundings = replace(session.surroundings, unlock=Unlock(key_file=key_file))
    async with in_mode(session, "credentials") as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: session.store.unlocked)
        await back(pilot)
