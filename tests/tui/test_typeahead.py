"""Keys that are there before what they are meant for, over a slow line or from a paste, act as if typed slowly."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from core.models import Request
from core.secret import Secret
from core.session import Session
from core.workspace.workspace import Workspace
from tests.loopback import Loopback
from tests.terminal import KEYS, TerminalApp
from tests.tui.conftest import Running, until
from tests.vault_app import PASSPHRASE, cheap_store
from tui.screens.environments import EnvironmentsScreen
from tui.screens.requests import RequestsScreen

NEW_REQUEST = ("n", *"fresh card", "enter", *"{{base_url}}/echo", "f9")
ADD_VARIABLE = ("f4", "a", *"delay_xms", "enter", *"25 secs", "enter")
RENAME = ("home", "r", "ctrl+u", *"Checked daily", "enter")
FIND = ("ctrl+f", *"show", "enter", "alt+u")
PALETTE = ("ctrl+p", *"theme hushpost-light", "enter")
CREDENTIAL = (
    *("f5", "a", "down", "enter", "enter"),  # the second provider and its first type of credential
    *(*"https://dev.example", "tab", *"deaf-token"),
)


async def burst(pilot: Pilot[Any], *keys: str) -> None:
    """Hand all keys to the app at once, as a driver does that reads them from one buffer."""
    driver = pilot.app._driver
    assert driver is not None
    for key in keys:
        character = key if len(key) == 1 else None
        event = events.Key(_character_to_key(key) if character and not key.isalnum() else key, character)
        event.set_sender(pilot.app)
        driver.send_message(event)
    await pilot.pause()


def requests_screen(pilot: Pilot[Any]) -> RequestsScreen:
    screen = pilot.app.base_screen  # type: ignore[attr-defined]
    assert isinstance(screen, RequestsScreen)
    return screen


def references(workspace: Workspace) -> set[str]:
    return set(workspace.requests())


async def test_the_name_of_a_new_request_and_then_its_address(running: Running, workspace: Workspace) -> None:
    before = references(workspace)
    async with running(workspace) as pilot:
        await burst(pilot, *NEW_REQUEST)
        await until(pilot, lambda: "fresh-card" in references(workspace))
        await until(pilot, lambda: workspace.load_request("fresh-card").url)
        assert len(pilot.app.screen_stack) == 1
    assert references(workspace) == before | {"fresh-card"}
    assert workspace.load_request("fresh-card") == Request(name="fresh card", url="{{base_url}}/echo")


async def test_a_variable_after_a_change_of_mode(running: Running, workspace: Workspace) -> None:
    before = workspace.load_environment("base").variables
    async with running(workspace) as pilot:
        await burst(pilot, *ADD_VARIABLE)
        await until(pilot, lambda: "delay_xms" in workspace.load_environment("base").variables)
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        assert isinstance(pilot.app.screen, EnvironmentsScreen)
    assert workspace.load_environment("base").variables == {**before, "delay_xms": "25 secs"}


async def test_a_rename(running: Running, workspace: Workspace) -> None:
    workspace.create_request("", "Aaa", Request(name="Aaa"))
    async with running(workspace) as pilot:
        await burst(pilot, *RENAME)
        await until(pilot, lambda: any("checked" in one for one in references(workspace)))
    assert len(references(workspace)) == 4


async def test_a_question_that_is_refused_and_then_the_next_thing(running: Running, workspace: Workspace) -> None:
    """Deleting asks with the harmless answer in front, so `d` and enter at once delete nothing."""
    before = references(workspace)
    async with running(workspace) as pilot:
        await burst(pilot, "end", "d", "enter", "n", *"dd", "enter")
        await until(pilot, lambda: "dd" in {one.rpartition("/")[2] for one in references(workspace)})
    assert len(references(workspace)) == len(before) + 1


async def test_search_and_palette(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        await burst(pilot, *FIND, *PALETTE)
        await until(pilot, lambda: pilot.app.theme == "hushpost-light")
        assert requests_screen(pilot).reference == "payments/show"
        assert len(pilot.app.screen_stack) == 1


async def test_the_passphrase_of_a_locked_store(running: Running, session: Session, workspace: Workspace) -> None:
    cheap_store(session)
    await session.create_store(passphrase=Secret(PASSPHRASE))
    session.lock()
    async with running(workspace) as pilot:
        await burst(pilot, "ctrl+l", *PASSPHRASE, "enter", "n", *"after", "enter")
        await until(pilot, lambda: session.store.unlocked)
        await until(pilot, lambda: "after" in references(workspace))


async def test_the_fields_of_a_credential(running: Running, session: Session, workspace: Workspace) -> None:
    from tui.screens.credential_form import CredentialDialog
    from tui.widgets.form import Form

    async with running(workspace) as pilot:
        await burst(pilot, *CREDENTIAL)
        await until(pilot, lambda: isinstance(pilot.app.screen, CredentialDialog))
        form = pilot.app.screen.query_one(Form)
        await until(pilot, lambda: form.texts["token"] == Secret("deaf-token"))
        assert form.texts["server_address"] == "https://dev.example"


async def test_the_cells_of_a_table(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        await burst(pilot, *FIND, "tab", "down", "n", *"x-dnd", "tab", *"dnx", "enter", "f9")
        await until(pilot, lambda: workspace.load_request("payments/show").query)
    (field,) = workspace.load_request("payments/show").query
    assert (field.name, field.value) == ("x-dnd", "dnx")


async def test_a_paste_waits_like_a_key(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        driver = pilot.app._driver
        assert driver is not None
        for event in (events.Key("n", "n"), events.Paste("pasted"), events.Key("enter", None)):
            event.set_sender(pilot.app)
            driver.send_message(event)
        await until(pilot, lambda: "pasted" in references(workspace))


async def test_keys_go_on_beside_a_request_that_takes_long(
    running: Running, workspace: Workspace, server: Loopback
) -> None:
    """What is typed while the answer is awaited is not kept back until it comes."""
    workspace.create_request("", "Aslow", Request(name="Aslow", url="{{base_url}}/hold"))
    async with running(workspace) as pilot:
        await burst(pilot, "ctrl+f", *"aslow", "enter", "alt+u", "ctrl+r", "end", *"?x=1")
        await until(pilot, lambda: requests_screen(pilot).bar.url.value.endswith("?x=1"))
        assert requests_screen(pilot).is_sending
        server.release()


async def test_patience_is_counted_in_steps_which_take_longer_on_a_slow_machine(
    running: Running, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Less time than the mode and the dialog take to come up."""
    monkeypatch.setattr("tui.typeahead.PATIENCE_S", 0.02)
    async with running(workspace) as pilot:
        await burst(pilot, *ADD_VARIABLE)
        await until(pilot, lambda: "delay_xms" in workspace.load_environment("base").variables)
    assert workspace.load_environment("base").variables["delay_xms"] == "25 secs"


def written(*keys: str) -> str:
    """What a terminal sends for these keys."""
    return "".join(
        KEYS.get(key) or (chr(ord(key[5:]) & 0x1F) if key.startswith("ctrl+") else key.replace("alt+", "\x1b"))
        for key in keys
    )


def test_one_write_of_everything_in_a_real_terminal(home: Path, workspace: Workspace, server: Loopback) -> None:
    hushpost = Path(sys.executable).with_name("hushpost")
    environment = {**os.environ, "TERM": "xterm-256color", "SSH_CONNECTION": "1 2 3 4"}
    before = references(workspace)
    with TerminalApp([str(hushpost), "open", str(workspace.path)], environment=environment, folder=home) as app:
        app.wait_for("Health")
        app.write(written(*NEW_REQUEST, "ctrl+r", *ADD_VARIABLE, "f3", *FIND, *PALETTE, "f2", "f3", "ctrl+c", "ctrl+c"))
        assert app.wait_exit() == 0, app.text
    assert references(workspace) == before | {"fresh-card"}
    assert workspace.load_request("fresh-card") == Request(name="fresh card", url="{{base_url}}/echo")
    assert workspace.load_environment("base").variables["delay_xms"] == "25 secs"
