"""Changes of the request tree taken back by a key: what is on the disk, in the tree and in the editor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.pilot import Pilot

from core.models import Request
from core.session import Session
from core.workspace.workspace import Workspace
from tests.tui.conftest import Running, notices, screen_text, type_text, until
from tui.screens.dialogs import AskTextDialog, ConfirmDialog, PickDialog
from tui.screens.requests import RequestsScreen
from tui.widgets.request_tree import RequestTree


def screen_of(pilot: Pilot[Any]) -> RequestsScreen:
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, RequestsScreen)
    return screen


def files(workspace: Workspace) -> Mapping[str, bytes]:
    root = workspace.path / "requests"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


async def at(pilot: Pilot[Any], reference: str, *keys: str) -> RequestTree:
    """Press keys at a row of the tree."""
    tree = screen_of(pilot).query_one(RequestTree)
    tree.focus()
    tree.select(reference)
    await pilot.press(*keys)
    return tree


async def dialog(pilot: Pilot[Any], kind: type, *keys: str, text: str = "") -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, kind))
    if text:
        await pilot.press("ctrl+u")
        await type_text(pilot, text)
    await pilot.press(*keys)
    await until(pilot, lambda: not isinstance(pilot.app.screen, kind))


async def told(pilot: Pilot[Any], sentence: str) -> None:
    await until(pilot, lambda: any(sentence in notice for notice in notices(pilot)))


async def test_every_change_of_the_tree_is_taken_back_by_u_and_done_again(
    running: Running, workspace: Workspace
) -> None:
    async with running(workspace) as pilot:
        states = [files(workspace)]

        async def changed() -> None:
            await until(pilot, lambda: files(workspace) != states[-1])
            await pilot.pause()
            states.append(files(workspace))

        await at(pilot, "payments", "f")
        await dialog(pilot, AskTextDialog, "enter", text="Old ones")
        await changed()
        await at(pilot, "health", "r")
        await dialog(pilot, AskTextDialog, "enter", text="Pulse")
        await changed()
        await at(pilot, "payments/show", "m")
        await dialog(pilot, PickDialog, "enter", text="old")
        await changed()
        await at(pilot, "payments/create", "c")
        await changed()
        await at(pilot, "pulse", "K")
        await changed()
        await at(pilot, "payments", "d")
        await dialog(pilot, ConfirmDialog, "left", "enter")
        await changed()

        for state in states[-2::-1]:
            before = files(workspace)
            await at(pilot, "pulse", "u")
            await until(pilot, lambda before=before: files(workspace) != before)  # type: ignore[misc]
            await pilot.pause()
            assert files(workspace) == state
        await told(pilot, 'brought "payments" back to "requests"')
        await told(pilot, 'moved "Show" back to "payments"')
        await told(pilot, 'renamed "Pulse" back to "Health"')
        await pilot.press("u")
        await told(pilot, "nothing to undo")
        for state in states[1:]:
            await pilot.press("U")
            await until(pilot, lambda state=state: files(workspace) == state)  # type: ignore[misc]
        await pilot.press("U")
        await told(pilot, "nothing to redo")


async def test_unsaved_edits_of_a_deleted_request_are_back_with_it(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        screen = screen_of(pilot)
        await at(pilot, "payments/show", "enter")
        await until(pilot, lambda: screen.reference == "payments/show")
        await type_text(pilot, "/edited")
        await at(pilot, "payments", "d")
        await until(pilot, lambda: "brings it back" in screen_text(pilot))
        await dialog(pilot, ConfirmDialog, "left", "enter")
        await until(pilot, lambda: screen.reference == "")
        assert not screen.edited
        await pilot.press("u")
        await until(pilot, lambda: "payments/show" in screen.edited)
        screen.open_request("payments/show")
        assert screen.request is not None
        assert screen.request.url == "{{base_url}}/echo/edited"


async def test_unsaved_edits_follow_a_rename_a_move_and_their_undo(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        screen = screen_of(pilot)
        await at(pilot, "payments/show", "enter")
        await until(pilot, lambda: screen.reference == "payments/show")
        await type_text(pilot, "/edited")
        await at(pilot, "payments", "r")
        await dialog(pilot, AskTextDialog, "enter", text="Paying")
        await until(pilot, lambda: screen.reference == "paying/show")
        await at(pilot, "paying/show", "r")
        await dialog(pilot, AskTextDialog, "enter", text="Look")
        await until(pilot, lambda: screen.reference == "paying/look")
        assert screen.request == Request(name="Look", url="{{base_url}}/echo/edited")
        await at(pilot, "paying/look", "u")
        await until(pilot, lambda: screen.reference == "paying/show")
        assert screen.request == Request(name="Show", url="{{base_url}}/echo/edited")
        await pilot.press("u")
        await until(pilot, lambda: screen.edited == ("payments/show",))
        await pilot.press("f9")
        await until(pilot, lambda: not screen.edited)
        assert workspace.load_request("payments/show") == Request(name="Show", url="{{base_url}}/echo/edited")


async def test_an_undo_that_is_refused_says_why_and_changes_nothing(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        await at(pilot, "health", "m")
        await dialog(pilot, PickDialog, "enter", text="pay")
        await until(pilot, lambda: workspace.request_path("payments/health").exists())
        workspace.request_path("health").write_text('url = "https://mine.test"\n')
        before = files(workspace)
        await pilot.press("u")
        await told(pilot, "is taken by another request or folder")
        assert files(workspace) == before


async def test_after_a_deletion_the_cursor_stays_near_and_undo_brings_it_back(
    running: Running, workspace: Workspace
) -> None:
    async with running(workspace) as pilot:
        tree = await at(pilot, "payments/create", "d")
        await dialog(pilot, ConfirmDialog, "left", "enter")
        await until(pilot, lambda: tree.current is not None and tree.current.reference == "payments/show")
        await pilot.press("u")
        await until(pilot, lambda: tree.current is not None and tree.current.reference == "payments/create")


async def test_a_renamed_folder_stays_open(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        tree = await at(pilot, "payments/show")
        await at(pilot, "payments", "r")
        await dialog(pilot, AskTextDialog, "enter", text="Paying")
        await until(pilot, lambda: "paying" in tree.expanded)
        assert tree.current is not None
        assert tree.current.reference == "paying"


async def test_twenty_levels_and_long_and_odd_names_are_moved_and_brought_back(
    running: Running, workspace: Workspace, session: Session
) -> None:
    folder = ""
    for level in range(20):
        folder = workspace.create_folder(folder, f"Level {level} ünïcode [x] " + "long " * 10)
    deep = workspace.create_request(folder, "¿Qué? <b>[bold]</b> " + "n" * 150, Request(url="https://deep.test"))
    top = deep.split("/")[0]
    before = files(workspace)
    async with running(workspace) as pilot:
        await at(pilot, deep, "enter")
        await until(pilot, lambda: screen_of(pilot).reference == deep)
        await at(pilot, top, "m")
        await dialog(pilot, PickDialog, "enter", text="payments")
        await until(pilot, lambda: screen_of(pilot).reference == f"payments/{deep}")
        await at(pilot, "payments", "d")
        await dialog(pilot, ConfirmDialog, "left", "enter")
        await until(pilot, lambda: not (workspace.path / "requests/payments").exists())
        await pilot.press("u")
        await until(pilot, lambda: (workspace.path / "requests/payments").exists())
        await pilot.press("u")
        await until(pilot, lambda: files(workspace) == before)
