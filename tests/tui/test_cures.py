"""Errors with a cure: the dialog does it and the request is sent again; refusing sends nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.consent.consent import Need
from core.models import BearerAuth, Environment, FileBody, Request, Scripts, Variable
from core.secret import Secret
from core.session import Session
from core.vault.config import MemoryCredential, MemoryLink
from core.workspace.workspace import Workspace
from tests.loopback import Loopback
from tests.tui.conftest import Running, screen_text, type_text, until
from tui.screens.dialogs import ConfirmDialog, PickDialog
from tui.screens.requests import RequestsScreen

VALUE = "tok-4711-of-the-vault"
PASSPHRASE = "correct horse battery"


@pytest.fixture
async def linked(workspace: Workspace, session: Session, server: Loopback) -> Workspace:
    """A request whose token is linked to a secret of a vault; this user has a credential and consented to nothing."""
    await session.create_store(passphrase=Secret(PASSPHRASE))
    await session.save_credential("mine", MemoryCredential(secrets=Secret(json.dumps({"api": VALUE}))))
    link = MemoryLink(credential="team-vault", name="api")
    workspace.save_environment("base", Environment(variables={"base_url": server.url, "token": Variable(link=link)}))
    workspace.save_request("health", Request(url="{{base_url}}/echo", auth=BearerAuth(token="{{token}}")))
    return workspace


async def send(pilot: Pilot[Any]) -> RequestsScreen:
    screen = pilot.app.screen
    assert isinstance(screen, RequestsScreen)
    screen.open_request("health")
    await pilot.pause()
    await pilot.press("ctrl+r")
    return screen


async def test_binding_and_allowing_the_host_send_the_request(
    running: Running, linked: Workspace, session: Session, server: Loopback
) -> None:
    async with running(linked) as pilot:
        await send(pilot)
        await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
        text = screen_text(pilot)
        assert '"team-vault"' in text
        assert "Payments API" in text
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        assert session.consent.binding("team-vault") == "mine"
        assert f"127.0.0.1:{server.port}" in screen_text(pilot)
        # What was being typed when the question came up is no answer to it.
        await pilot.press("y")
        assert isinstance(pilot.app.screen, ConfirmDialog)
        assert not server.requests
        await pilot.press("left", "enter")
        await until(pilot, lambda: server.requests)
        assert server.requests[0].header("Authorization") == f"Bearer {VALUE}"
        await until(pilot, lambda: "1 cached" in screen_text(pilot).splitlines()[0])
        assert VALUE not in screen_text(pilot)

        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(server.requests) == 2)


async def test_refusing_the_binding_sends_nothing(
    running: Running, linked: Workspace, session: Session, server: Loopback
) -> None:
    async with running(linked) as pilot:
        screen = await send(pilot)
        await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert session.consent.binding("team-vault") is None
        assert not server.requests


async def test_refusing_the_host_sends_nothing_and_remembers_nothing(
    running: Running, linked: Workspace, session: Session, server: Loopback
) -> None:
    session.open_workspace(linked.path)
    session.consent.bind("team-vault", "mine")
    async with running(linked) as pilot:
        screen = await send(pilot)
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert not server.requests
        assert not session.registry.approvals(linked.key)


async def test_a_host_that_the_variable_forbids_cannot_be_allowed(
    running: Running, linked: Workspace, session: Session, server: Loopback
) -> None:
    link = MemoryLink(credential="team-vault", name="api")
    token = Variable(link=link, allowed_hosts=("api.example.com",))
    linked.save_environment("base", Environment(variables={"base_url": server.url, "token": token}))
    session.open_workspace(linked.path)
    session.consent.bind("team-vault", "mine")
    async with running(linked) as pilot:
        screen = await send(pilot)
        await until(pilot, lambda: "127.0.0.1" in screen_text(pilot) and "token" in screen_text(pilot))
        assert pilot.app.screen is screen
        assert not server.requests


async def test_a_file_outside_the_workspace_is_sent_only_when_allowed(
    running: Running, workspace: Workspace, tmp_path: Path, server: Loopback
) -> None:
    outside = tmp_path / "outside.bin"
    outside.write_bytes(b"mine")
    workspace.save_request("health", Request(method="POST", url="{{base_url}}/echo", body=FileBody(path=str(outside))))
    async with running(workspace) as pilot:
        screen = await send(pilot)
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert not server.requests
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("left", "enter")
        await until(pilot, lambda: server.requests)
        assert server.requests[0].body == b"mine"


async def test_a_locked_store_is_unlocked_and_the_request_sent(
    running: Running, linked: Workspace, session: Session, server: Loopback
) -> None:
    session.open_workspace(linked.path)
    session.consent.bind("team-vault", "mine")
    session.lock()
    async with running(linked) as pilot:
        screen = await send(pilot)
        await until(pilot, lambda: pilot.app.screen is not screen)
        await type_text(pilot, PASSPHRASE)
        assert PASSPHRASE not in screen_text(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("left", "enter")
        await until(pilot, lambda: server.requests)
        assert server.requests[0].header("Authorization") == f"Bearer {VALUE}"


@pytest.mark.parametrize("moved", [True, False])
async def test_a_moved_workspace_keeps_what_was_allowed_when_the_person_says_so(
    running: Running, linked: Workspace, session: Session, server: Loopback, moved: bool
) -> None:
    session.open_workspace(linked.path)
    session.consent.bind("team-vault", "mine")
    session.consent.approve([Need("team-vault", server.url)])
    await session.values.set("environments/base", "local", Secret("kept with it"))
    elsewhere = Workspace.open(linked.path.rename(linked.path.with_name("moved")))
    async with running(elsewhere) as pilot:
        await send(pilot)
        await until(pilot, lambda: "Was this workspace moved?" in screen_text(pilot))
        assert not server.requests
        await pilot.press(*(("left", "enter") if moved else ("enter",)))
        if moved:
            await until(pilot, lambda: server.requests)
            assert session.values.has("environments/base", "local")
        else:
            await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
            assert not server.requests
            assert not session.values.has("environments/base", "local")


async def test_a_copy_beside_its_original_is_offered_nothing(
    running: Running, linked: Workspace, session: Session, tmp_path: Path
) -> None:
    session.open_workspace(linked.path)
    session.consent.bind("team-vault", "mine")
    shutil.copytree(linked.path, tmp_path / "copy")
    async with running(Workspace.open(tmp_path / "copy")) as pilot:
        await send(pilot)
        await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))


@pytest.mark.parametrize("agreed", [True, False])
async def test_scripts_run_once_the_person_allows_it(
    running: Running, workspace: Workspace, session: Session, server: Loopback, agreed: bool
) -> None:
    scripts = workspace.path / "scripts"
    scripts.mkdir()
    (scripts / "mark.py").write_text('request.headers["X-Script"] = "ran"\n')
    workspace.save_request(
        "health", Request(url="{{base_url}}/echo", scripts=Scripts(before_request="scripts/mark.py"))
    )
    async with running(workspace) as pilot:
        screen = await send(pilot)
        await until(pilot, lambda: "May scripts run?" in screen_text(pilot))
        assert "sandbox" in screen_text(pilot)
        await pilot.press(*(("left", "enter") if agreed else ("enter",)))
        if agreed:
            await until(pilot, lambda: server.requests)
            assert server.requests[0].header("X-Script") == "ran"
        else:
            await until(pilot, lambda: pilot.app.screen is screen)
            assert not server.requests
