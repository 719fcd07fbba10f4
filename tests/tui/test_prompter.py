"""How a login in its own thread asks the person at the app, and what it gets back."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from core.errors import LoginRequired
from core.paths import Surroundings
from core.session import Session, open_session
from core.threads import start_daemon_thread
from core.vault.provider import AuthPrompter
from tests.tui.conftest import screen_text, until
from tests.vault_app import back, bytes_of, in_mode, said, shown, type_in
from tui.prompter import DialogPrompter
from tui.screens.dialogs import ConfirmDialog
from tui.screens.prompts import BrowserDialog, CodeDialog, DeviceCodeDialog

T = TypeVar("T")
LOGIN = (
    "https://vault.example.com/ui/authorize?client_id=x&state=abc&redirect_uri=http%3A%2F%2F127.0.0.1%3A8250%2Fcallback"
)
REDIRECT = "http://127.0.0.1:8250/callback"


@pytest.fixture
def prompter() -> AuthPrompter:
    return DialogPrompter()


@pytest.fixture
async def session(surroundings: Surroundings, prompter: DialogPrompter) -> Any:
    opened = open_session(surroundings, headless=False, prompter=prompter)
    yield opened
    await opened.close()


def in_thread(function: Callable[[], T]) -> Future[T]:
    """What a provider does: ask from a thread that is not the app's."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001 - handed to the test
            future.set_exception(error)

    start_daemon_thread(work, name="login")
    return future


async def outcome(pilot: Pilot[Any], future: Future[T]) -> T:
    await until(pilot, future.done)
    return future.result()


async def test_a_code_is_typed_and_comes_back_to_the_thread(session: Session, prompter: AuthPrompter) -> None:
    async with in_mode(session, "credentials") as pilot:
        asked = in_thread(lambda: prompter.ask_code("MFA", "The code of your device [arn]"))
        await shown(pilot, CodeDialog)
        assert "The code of your device [arn]" in said(pilot)
        await pilot.press("enter")
        assert not asked.done()
        await type_in(pilot, " 123456 ")
        await pilot.press("enter")
        assert await outcome(pilot, asked) == "123456"
        await back(pilot)


async def test_escape_refuses_the_login(session: Session, prompter: AuthPrompter) -> None:
    async with in_mode(session, "credentials") as pilot:
        asked = in_thread(lambda: prompter.ask_code("MFA", "code"))
        await shown(pilot, CodeDialog)
        await pilot.press("escape")
        with pytest.raises(LoginRequired, match="no code was given"):
            await outcome(pilot, asked)


async def test_a_device_code_stands_with_its_countdown_until_the_login_is_done(
    session: Session, prompter: AuthPrompter
) -> None:
    async with in_mode(session, "credentials") as pilot:
        ends = datetime.now(UTC) + timedelta(minutes=15, seconds=1)
        showing = in_thread(lambda: prompter.show_device_code("https://microsoft.com/devicelogin", "AB12-CD34", ends))
        await shown(pilot, DeviceCodeDialog)
        handle = await outcome(pilot, showing)
        text = said(pilot)
        assert "https://microsoft.com/devicelogin" in text
        assert "AB12-CD34" in text
        assert "15:00" in text
        assert not handle.cancelled
        await outcome(pilot, in_thread(handle.dismiss))
        await back(pilot)
        assert not handle.cancelled
        await outcome(pilot, in_thread(handle.dismiss))


async def test_the_code_and_the_address_are_copied(session: Session, prompter: AuthPrompter) -> None:
    async with in_mode(session, "credentials") as pilot:
        sent: list[str] = []
        assert pilot.app._driver is not None
        pilot.app._driver.write = sent.append  # type: ignore[assignment]
        in_thread(lambda: prompter.show_device_code("https://x", "AB12", datetime.now(UTC) + timedelta(minutes=1)))
        dialog = await shown(pilot, DeviceCodeDialog)
        dialog.query_one("#code").focus()
        await pilot.press("enter")
        await until(pilot, lambda: "QUIxMg==" in "".join(sent))
        dialog.query_one("#address").focus()
        await pilot.press("enter")
        await until(pilot, lambda: "aHR0cHM6Ly94" in "".join(sent))


async def test_cancelling_is_seen_by_the_login(session: Session, prompter: AuthPrompter) -> None:
    async with in_mode(session, "credentials") as pilot:
        showing = in_thread(lambda: prompter.show_device_code("https://x", "AB12", datetime.now(UTC)))
        await shown(pilot, DeviceCodeDialog)
        handle = await outcome(pilot, showing)
        await pilot.press("escape")
        await back(pilot)
        assert handle.cancelled
        await outcome(pilot, in_thread(handle.dismiss))


async def test_an_address_is_shown_where_there_is_no_browser_and_the_redirect_pasted_back(
    session: Session, prompter: AuthPrompter
) -> None:
    async with in_mode(session, "credentials") as pilot:
        showing = in_thread(lambda: prompter.open_url(LOGIN, REDIRECT))
        await shown(pilot, BrowserDialog)
        handle = await outcome(pilot, showing)
        assert LOGIN in screen_text(pilot).replace("\n", "").replace("│", "").replace(" ", "")
        await type_in(pilot, "https://vault.example.com/ui/somewhere")
        await pilot.press("enter")
        await pilot.pause()
        assert "that is not the address of the last page" in said(pilot)
        assert handle.pasted is None
        await pilot.press("ctrl+u")
        await type_in(pilot, f"{REDIRECT}?code=XYZ&state=abc")
        await pilot.press("enter")
        await until(pilot, lambda: handle.pasted)
        assert handle.pasted == f"{REDIRECT}?code=XYZ&state=abc"
        assert not handle.cancelled
        await outcome(pilot, in_thread(handle.dismiss))
        await back(pilot)


async def test_the_desktop_opens_its_browser_and_what_it_prints_stays_off_the_screen(
    session: Session,
    prompter: AuthPrompter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name in ("xdg-open", "open"):
        opener = tmp_path / name
        opener.write_text(f'#!/bin/sh\necho noise; echo noise >&2; printf "%s" "$1" > {tmp_path}/opened\n')
        opener.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    session.surroundings = replace(session.surroundings, has_display=True)
    async with in_mode(session, "credentials") as pilot:
        in_thread(lambda: prompter.open_url(LOGIN, REDIRECT))
        await shown(pilot, BrowserDialog)
        assert "Your browser was opened" in said(pilot)
        await until(pilot, lambda: (tmp_path / "opened").exists() and bytes_of(tmp_path / "opened") == LOGIN.encode())
    assert "noise" not in "".join(capfd.readouterr())


async def test_over_ssh_no_browser_is_opened(session: Session, prompter: AuthPrompter) -> None:
    session.surroundings = replace(session.surroundings, has_display=True, over_ssh=True)
    async with in_mode(session, "credentials") as pilot:
        in_thread(lambda: prompter.open_url(LOGIN, REDIRECT))
        await shown(pilot, BrowserDialog)
        assert "Open this address in a browser" in said(pilot)


async def test_an_answer_that_is_posted_is_not_asked_for(session: Session, prompter: AuthPrompter) -> None:
    async with in_mode(session, "credentials") as pilot:
        in_thread(lambda: prompter.open_url("https://login.example.com/authorize?response_mode=form_post", REDIRECT))
        dialog = await shown(pilot, BrowserDialog)
        assert not dialog.query("#pasted")


async def test_a_login_that_ends_below_another_dialog_takes_its_own_away_later(
    session: Session, prompter: AuthPrompter
) -> None:
    async with in_mode(session, "credentials") as pilot:
        showing = in_thread(lambda: prompter.open_url(LOGIN, REDIRECT))
        await shown(pilot, BrowserDialog)
        handle = await outcome(pilot, showing)
        pilot.app.push_screen(ConfirmDialog(session, "Something", "else?"))
        await shown(pilot, ConfirmDialog)
        await outcome(pilot, in_thread(handle.dismiss))
        assert isinstance(pilot.app.screen, ConfirmDialog)
        await pilot.press("escape")
        await back(pilot)
        assert not handle.cancelled


async def test_nobody_is_asked_where_no_app_runs(prompter: AuthPrompter) -> None:
    with pytest.raises(LoginRequired, match="the app is not running"):
        prompter.ask_code("MFA", "code")
    with pytest.raises(LoginRequired):
        prompter.show_device_code("https://x", "AB12", datetime.now(UTC))
    with pytest.raises(LoginRequired):
        prompter.open_url(LOGIN, REDIRECT)


async def test_two_logins_ask_one_after_the_other(session: Session, prompter: AuthPrompter) -> None:
    async with in_mode(session, "credentials") as pilot:
        first = in_thread(lambda: prompter.ask_code("First", "one"))
        await shown(pilot, CodeDialog)
        second = in_thread(lambda: prompter.ask_code("Second", "two"))
        await until(pilot, lambda: "Second" in said(pilot))
        await type_in(pilot, "22")
        await pilot.press("enter")
        assert await outcome(pilot, second) == "22"
        await until(pilot, lambda: "First" in said(pilot))
        await type_in(pilot, "11")
        await pilot.press("enter")
        assert await outcome(pilot, first) == "11"


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "hushpost-login" and not thread.daemon]
