"""The workspaces mode by its keys, and the first run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.session import Session
from core.workspace.workspace import Workspace
from tests.tui.conftest import Running, notices, screen_text, type_text, until
from tests.tui.test_requests import opened
from tui.app import DEMO
from tui.screens.dialogs import AskTextDialog, ConfirmDialog, PickDialog


@pytest.fixture
def second(tmp_path: Path, session: Session, workspace: Workspace) -> Workspace:
    """Another known workspace; the first one was used last."""
    made = Workspace.create(tmp_path / "other", "Other API")
    session.registry.remember(made)
    session.open_workspace(workspace.path)
    return made


async def answer(pilot: Pilot[Any], text: str) -> None:
    """Put a text into the dialog's line in place of what is there."""
    await until(pilot, lambda: isinstance(pilot.app.screen, AskTextDialog))
    await pilot.press("end", "ctrl+u")
    await type_text(pilot, text)
    await pilot.press("enter")


async def test_the_first_run_offers_three_choices(running: Running) -> None:
    async with running(None) as pilot:
        text = screen_text(pilot)
        for choice in ("Create a workspace", "Open a folder", "demo"):
            assert choice in text


async def test_creating_the_first_workspace_ends_on_its_requests(
    running: Running, session: Session, tmp_path: Path
) -> None:
    async with running(None) as pilot:
        await pilot.press("enter")
        await answer(pilot, "My API")
        await until(pilot, lambda: "Folder" in screen_text(pilot))
        await answer(pilot, str(tmp_path / "mine"))
        await until(pilot, lambda: pilot.app.current_mode == "requests")
    assert Workspace.open(tmp_path / "mine").name == "My API"
    assert session.workspace is not None
    assert session.workspace.path == tmp_path / "mine"


async def test_a_folder_with_something_in_it_is_not_taken(running: Running, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    async with running(None) as pilot:
        await pilot.press("enter")
        await answer(pilot, "My API")
        await until(pilot, lambda: "Folder" in screen_text(pilot))
        await answer(pilot, str(tmp_path))
        await until(pilot, lambda: "something is there already" in screen_text(pilot))
        assert isinstance(pilot.app.screen, AskTextDialog)


async def test_the_demo_is_another_run_of_the_app(running: Running) -> None:
    async with running(None) as pilot:
        await pilot.press("end", "enter")
        await until(pilot, lambda: pilot.app._exit)
        assert pilot.app.return_value == DEMO


async def test_known_workspaces_are_listed_with_path_count_and_last_use(
    running: Running, workspace: Workspace, second: Workspace
) -> None:
    async with running(workspace, size=(120, 24)) as pilot:
        await pilot.press("f2")
        await until(pilot, lambda: pilot.app.current_mode == "workspaces")
        await pilot.pause()
        lines = screen_text(pilot).splitlines()
        first, other = (next(line for line in lines[1:] if name in line) for name in ("Payments API", "Other API"))
        assert "3 requests" in first
        assert "0 requests" in other
        assert "just now" in first
        assert str(second.path)[:30] in other
        assert lines.index(first) < lines.index(other)


async def test_entering_another_workspace_shows_its_requests(
    running: Running, workspace: Workspace, second: Workspace, session: Session
) -> None:
    second.create_request("", "Elsewhere")
    async with running(workspace) as pilot:
        await pilot.press("f2", "down", "enter")
        await until(pilot, lambda: pilot.app.current_mode == "requests")
        await until(pilot, lambda: "Elsewhere" in screen_text(pilot))
        assert session.workspace is not None
        assert session.workspace.id == second.id


async def test_unsaved_edits_are_asked_about_before_another_workspace_is_entered(
    running: Running, workspace: Workspace, second: Workspace, session: Session
) -> None:
    async with running(workspace) as pilot:
        await pilot.press("enter")
        await type_text(pilot, "?kept=1")
        await pilot.press("f2", "down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
        assert session.workspace is not None
        assert session.workspace.id == workspace.id
        await pilot.press("enter")
        await until(pilot, lambda: session.workspace is not None and session.workspace.id == second.id)
    assert workspace.load_request("health").url.endswith("?kept=1")


async def test_renaming(running: Running, workspace: Workspace, session: Session) -> None:
    async with running(workspace) as pilot:
        await pilot.press("f2", "r")
        await answer(pilot, "New name")
        await until(pilot, lambda: Workspace.open(workspace.path).name == "New name")
        await until(pilot, lambda: "New name" in screen_text(pilot).splitlines()[0])


async def test_duplicating_makes_a_workspace_of_its_own(running: Running, workspace: Workspace, tmp_path: Path) -> None:
    async with running(workspace) as pilot:
        await pilot.press("f2", "c")
        await answer(pilot, str(tmp_path / "copy"))
        await until(pilot, lambda: (tmp_path / "copy" / "workspace.toml").exists())
    copy = Workspace.open(tmp_path / "copy")
    assert copy.id != workspace.id
    assert copy.requests() == workspace.requests()


async def test_forgetting_leaves_the_files(running: Running, workspace: Workspace, session: Session) -> None:
    async with running(workspace) as pilot:
        await pilot.press("f2", "x")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("left", "enter")
        await until(pilot, lambda: not session.registry.known())
        await until(pilot, lambda: "Create a workspace" in screen_text(pilot))
    assert Workspace.open(workspace.path).requests()
    assert session.workspace is None


async def test_deleting_wants_the_name_typed(running: Running, workspace: Workspace, session: Session) -> None:
    async with running(workspace) as pilot:
        await pilot.press("f2", "d")
        await answer(pilot, "payments api")
        assert isinstance(pilot.app.screen, AskTextDialog)
        assert (workspace.path / "workspace.toml").exists()
        await answer(pilot, "Payments API")
        await until(pilot, lambda: not (workspace.path / "workspace.toml").exists())
        assert not session.registry.known()


async def test_a_workspace_whose_folder_is_gone_is_said_and_can_be_forgotten(
    running: Running, workspace: Workspace, second: Workspace, session: Session
) -> None:
    second.destroy()
    async with running(workspace, size=(120, 24)) as pilot:
        await pilot.press("f2")
        await until(pilot, lambda: "not there any more" in screen_text(pilot))
        await pilot.press("down", "enter")
        await until(pilot, lambda: any("no workspace" in notice for notice in notices(pilot)))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("left", "enter")
        await until(pilot, lambda: len(session.registry.known()) == 1)


async def test_a_folder_to_open_is_offered_as_one_types(
    running: Running, workspace: Workspace, second: Workspace, session: Session
) -> None:
    async with running(workspace, size=(120, 30)) as pilot:
        await pilot.press("f2", "o")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskTextDialog))
        await pilot.press("end", "ctrl+u")
        await type_text(pilot, f"{second.path.parent}/oth")
        await until(pilot, lambda: "other/  workspace" in screen_text(pilot))
        # One key takes it and says what is in it, another one opens it.
        await pilot.press("down", "enter", "enter")
        await until(pilot, lambda: session.workspace is not None and session.workspace.path == second.path)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("{folder}/nowhere", "there is no such folder"),
        ("~nobody-here/x", "there is no such folder"),
        ("{folder}", "is no workspace: make one with n in the workspaces (F2)"),
    ],
)
async def test_what_cannot_be_opened_is_said_with_what_can_be_done(
    running: Running, workspace: Workspace, tmp_path: Path, typed: str, said: str
) -> None:
    async with running(workspace) as pilot:
        await pilot.press("f2", "o")
        await answer(pilot, typed.format(folder=tmp_path))
        await until(pilot, lambda: said in screen_text(pilot))


async def test_a_home_folder_of_nobody_is_no_place_for_a_workspace(running: Running) -> None:
    async with running(None) as pilot:
        await pilot.press("enter")
        await answer(pilot, "My API")
        await until(pilot, lambda: "Folder" in screen_text(pilot))
        await answer(pilot, "~nobody-here/mine")
        await until(pilot, lambda: "write the whole path" in screen_text(pilot))


@pytest.mark.parametrize("answers", [("enter",), ("down", "enter"), ("escape",)], ids=["save", "throw away", "stay"])
async def test_unsaved_edits_are_asked_about_before_their_workspace_is_forgotten(
    running: Running, workspace: Workspace, session: Session, answers: tuple[str, ...]
) -> None:
    async with running(workspace) as pilot:
        await opened(pilot, "payments/show")
        await type_text(pilot, "/mine")
        await pilot.press("f2", "x")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog) and "Not saved" in screen_text(pilot))
        assert session.registry.known()
        await pilot.press(*answers)
        stays = answers == ("escape",)
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1 and bool(session.registry.known()) == stays)
    assert workspace.load_request("payments/show").url.endswith("/mine") == (answers == ("enter",))
