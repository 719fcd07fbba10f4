"""The app's frame: modes, header, global keys, locking, and what a bug looks like."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import msgspec
import pytest
from textual.geometry import Region

from core.models import Variable
from core.secret import Secret
from core.session import Session
from core.vault.config import MemoryCredential, MemoryLink
from core.workspace.workspace import Workspace
from tests.tui.conftest import Running, notices, screen_text, type_text, until
from tui.app import HushpostApp
from tui.screens.base import SessionScreen
from tui.screens.dialogs import ConfirmDialog, PickDialog
from tui.screens.help import HelpScreen
from tui.widgets.header import StatusHeader


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class TestModes:
    async def test_a_known_workspace_opens_on_its_requests(
        self, running: Running, workspace: Workspace, session: Session
    ) -> None:
        session.registry.remember(workspace)
        async with running(None) as pilot:
            assert pilot.app.current_mode == "requests"
            assert "Payments API" in screen_text(pilot).splitlines()[0]

    async def test_without_one_it_starts_at_the_workspaces(self, running: Running) -> None:
        async with running(None) as pilot:
            assert pilot.app.current_mode == "workspaces"
            await pilot.press("f3")
            assert pilot.app.current_mode == "workspaces"
            assert any("workspace first" in notice for notice in notices(pilot))

    async def test_a_start_that_is_no_workspace_is_said(self, session: Session, tmp_path: Path) -> None:
        from tui.app import HushpostApp

        app = HushpostApp(session, start=tmp_path)
        async with app.run_test() as pilot:
            await pilot.pause()
            assert app.current_mode == "workspaces"
            assert any("no workspace" in notice for notice in notices(pilot))

    async def test_digits_do_the_same_where_no_text_field_has_the_focus(
        self, running: Running, workspace: Workspace
    ) -> None:
        async with running(workspace) as pilot:
            await pilot.press("2")
            await until(pilot, lambda: pilot.app.current_mode == "workspaces")
            await pilot.press("3")
            await until(pilot, lambda: pilot.app.current_mode == "requests")
            await pilot.press("enter")
            await type_text(pilot, "q2")
            assert pilot.app.current_mode == "requests"
            assert pilot.app.screen.query_one("#url").value.endswith("q2")  # type: ignore[attr-defined]

    async def test_under_a_dialog_no_global_key_acts(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            await pilot.press("n")
            await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
            for key in ("f2", "f1", "ctrl+p", "ctrl+r", "ctrl+t"):
                await pilot.press(key)
            assert pilot.app.current_mode == "requests"
            assert len(pilot.app.screen_stack) == 2


class TestHeader:
    @pytest.mark.parametrize("width", [60, 80, 118, 160])
    async def test_it_always_says_workspace_environment_and_lock(
        self, running: Running, workspace: Workspace, session: Session, width: int
    ) -> None:
        session.open_workspace(workspace.path)
        session.set_environment("production")
        async with running(workspace, size=(width, 24)) as pilot:
            line = screen_text(pilot).splitlines()[0]
            assert "Payments API" in line
            assert "production" in line
            assert line.rstrip().endswith("no store")
            assert "3 Req" in line

    async def test_the_lock_follows_the_store(self, running: Running, workspace: Workspace, session: Session) -> None:
        await session.create_store(passphrase=Secret("correct horse"))
        async with running(workspace) as pilot:
            assert "unlocked" in screen_text(pilot).splitlines()[0]
            await pilot.press("ctrl+l")
            await pilot.pause()
            assert screen_text(pilot).splitlines()[0].rstrip().endswith(" locked")
            assert not session.store.unlocked

    async def test_nothing_ticks_without_a_cached_secret(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            assert not pilot.app.screen.query_one(StatusHeader)._timer._active.is_set()

    async def test_a_countdown_repaints_its_own_cells_only(
        self, running: Running, workspace: Workspace, session: Session
    ) -> None:
        await session.create_store(passphrase=Secret("correct horse"))
        await session.save_credential("mine", MemoryCredential(secrets=Secret('{"api": "v"}')))
        session.open_workspace(workspace.path)
        session.consent.bind("team", "mine")
        await session.details("key", Variable(link=MemoryLink(credential="team", name="api")))
        async with running(workspace) as pilot:
            header = pilot.app.screen.query_one(StatusHeader)
            assert header._timer._active.is_set()
            line = screen_text(pilot).splitlines()[0]
            shown = re.search(r"1 cached \d\d:\d\d", line)
            assert shown is not None
            header._cache = "1 cached 99:99"
            header._dirty_regions.clear()
            header._tick()
            assert header._dirty_regions == {Region(shown.start(), 0, len(shown[0]), 1)}
            session.reset_cache()
            header._tick()
            await pilot.pause()
            assert "cached" not in screen_text(pilot).splitlines()[0]
            assert not header._timer._active.is_set()


async def test_the_store_locks_after_minutes_without_a_key(
    session: Session, workspace: Workspace, clock: Clock
) -> None:
    from tui.app import HushpostApp

    await session.create_store(passphrase=Secret("correct horse"))
    session.settings = msgspec.structs.replace(session.settings, lock_after_minutes=10)
    app = HushpostApp(session, start=workspace.path, clock=clock)
    async with app.run_test() as pilot:
        clock.now += 9 * 60
        await pilot.press("down")
        clock.now += 9 * 60
        app.lock_when_idle()
        assert session.store.unlocked
        clock.now += 2 * 60
        app.tell_run("run 1/2")
        app.lock_when_idle()
        assert session.store.unlocked, "a run that goes on keeps what it needs"
        app.tell_run("")
        app.lock_when_idle()
        assert not session.store.unlocked
        await pilot.pause()
        assert screen_text(pilot).splitlines()[0].rstrip().endswith(" locked")
        assert any("without a key" in notice for notice in notices(pilot))


class TestQuitting:
    async def test_ctrl_c_asks_and_a_second_one_quits(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            await pilot.press("ctrl+c")
            await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
            await pilot.press("ctrl+c")
            await until(pilot, lambda: pilot.app._exit)

    async def test_q_asks_and_esc_stays(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            await pilot.press("q")
            await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
            await pilot.press("escape")
            await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
            assert not pilot.app._exit

    async def test_textuals_ctrl_q_does_nothing(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            await pilot.press("ctrl+q")
            assert not pilot.app._exit
            assert len(pilot.app.screen_stack) == 1


class TestPalette:
    async def test_every_mode_and_every_action_of_the_screen_is_in_it(
        self, running: Running, workspace: Workspace
    ) -> None:
        async with running(workspace, size=(100, 40)) as pilot:
            await pilot.press("enter")
            await pilot.press("ctrl+p")
            await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
            dialog = pilot.app.screen
            assert isinstance(dialog, PickDialog)
            said = {pick.label for pick in dialog._picks}
            assert {"Send the request", "Save the request", "New request", "Go to the settings"} <= said
            assert "Lock the credential store, or unlock it" in said

    async def test_picking_an_action_does_it(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            await pilot.press("ctrl+p")
            await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
            await type_text(pilot, "go to the workspaces")
            await pilot.press("enter")
            await until(pilot, lambda: pilot.app.current_mode == "workspaces")

    async def test_finding_opens_a_request_by_a_part_of_its_path(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            await pilot.press("ctrl+f")
            await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
            await type_text(pilot, "show")
            await pilot.press("enter")
            await until(pilot, lambda: getattr(pilot.app.screen, "reference", "") == "payments/show")


async def test_help_lists_the_keys_of_the_focused_part_first(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        text = screen_text(pilot)
        assert "The request tree: folders and requests of the workspace" in text
        assert text.index("Request tree") < text.index("new request")
        await pilot.press("escape")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)


async def test_a_bug_ends_the_app_with_a_redacted_message(
    session: Session, workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    from tui.app import HushpostApp

    secret = "s3cr3t-v4lue-nobody-may-see"
    session.redactor.add("key", Secret(secret))
    app = HushpostApp(session, start=workspace.path)

    def fails() -> None:
        local = secret
        raise ValueError(f"cannot use {local}")

    async def run() -> None:
        async with app.run_test() as pilot:
            app.call_later(fails)
            await pilot.pause()

    with pytest.raises(ValueError, match="cannot use"):
        await run()
    told = capsys.readouterr().err
    assert "bug" in told
    assert "cannot use" in told
    assert secret not in told


async def test_work_that_fails_is_told_with_its_cure(running: Running, workspace: Workspace) -> None:
    from core.errors import HushpostError

    async with running(workspace) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, SessionScreen)

        async def work() -> None:
            raise HushpostError('"[b]x" is broken', hint="mend it")

        screen.run(work)
        await until(pilot, lambda: notices(pilot))
        assert notices(pilot) == ['"[b]x" is broken\nmend it']


async def test_a_key_draws_the_whole_screen_anew(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        app = cast("HushpostApp", pilot.app)
        app.cell_display._stale = False
        await pilot.press("alt+l")
        assert app.cell_display._stale
