"""Choosing, making and opening the scripts of a request."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from core.models import Request, Scripts
from core.workspace.workspace import Workspace
from tests.loopback import Loopback
from tests.tui.conftest import Running, notices, screen_text, type_text, until
from tests.tui.test_requests import opened, screen_of
from tui.screens.dialogs import AskTextDialog, ConfirmDialog, PickDialog
from tui.widgets.script_table import ScriptTable
from tui.widgets.table_lines import TableLines


async def scripts_of(pilot: Pilot[Any]) -> ScriptTable:
    screen = screen_of(pilot)
    screen.editor.show_tab("options")
    await pilot.pause()
    table = screen.query_one(ScriptTable)
    table.query_one(TableLines).focus()
    await pilot.pause()
    return table


async def dialog(pilot: Pilot[Any], kind: type) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, kind))


async def test_a_script_is_chosen_among_the_files_and_saved(running: Running, workspace: Workspace) -> None:
    folder = workspace.path / "scripts" / "common"
    folder.mkdir(parents=True)
    (folder / "sign.py").write_text("pass\n")
    (folder / "data.json").write_text("{}")
    async with running(workspace) as pilot:
        await opened(pilot, "health")
        await scripts_of(pilot)
        await pilot.press("enter")
        await dialog(pilot, PickDialog)
        assert "data.json" not in screen_text(pilot)
        await type_text(pilot, "sign")
        await pilot.press("enter")
        await until(pilot, lambda: "common/sign.py" in screen_text(pilot))
        await pilot.press("f9")
        await until(pilot, lambda: 'saved "health"' in notices(pilot))
    assert workspace.load_request("health").scripts == Scripts(before_request="common/sign.py")


async def test_a_script_is_taken_away_again(running: Running, workspace: Workspace) -> None:
    workspace.save_request("health", Request(scripts=Scripts("a.py", "b.py")))
    async with running(workspace) as pilot:
        screen = await opened(pilot, "health")
        await scripts_of(pilot)
        await pilot.press("down", "enter")
        await dialog(pilot, PickDialog)
        await type_text(pilot, "none")
        await pilot.press("enter")
        await until(pilot, lambda: screen.request == Request(scripts=Scripts("a.py")))


@pytest.mark.parametrize(("keys", "row"), [((), "before_request"), (("down",), "after_response")])
async def test_a_new_script_is_made_and_runs_as_it_is(
    running: Running, workspace: Workspace, server: Loopback, keys: tuple[str, ...], row: str
) -> None:
    async with running(workspace) as pilot:
        screen = await opened(pilot, "health")
        await scripts_of(pilot)
        await pilot.press(*keys, "o")
        await dialog(pilot, AskTextDialog)
        await pilot.press("enter")
        # No editor is known here; the script is there all the same.
        await until(pilot, lambda: any("no editor is known" in notice for notice in notices(pilot)))
        name = getattr(screen.request and screen.request.scripts, row)
        assert (workspace.path / "scripts" / name).is_file()
        await pilot.press("ctrl+r")
        await dialog(pilot, ConfirmDialog)
        assert not server.requests
        await pilot.press("left", "enter")
        await until(pilot, lambda: screen.reference in screen.opened.answers)
        answer = screen.opened.answers["health"]
        assert answer.script_error is None
        if row == "before_request":
            assert server.requests[0].header("X-Request-Id")
        else:
            assert [check.passed for check in answer.checks] == [True]


@pytest.mark.parametrize("name", ["../out.py", "a.txt", "there.py", ".hidden.py", "linked/in.py"])
async def test_a_bad_name_is_refused_with_a_sentence_and_stays_to_be_mended(
    running: Running, workspace: Workspace, name: str
) -> None:
    folder = workspace.path / "scripts"
    folder.mkdir()
    (folder / "there.py").write_text("pass\n")
    async with running(workspace) as pilot:
        await opened(pilot, "health")
        await scripts_of(pilot)
        if name.startswith("linked"):
            (folder / "linked").symlink_to(workspace.path)
            await pilot.press("o")
            await until(pilot, lambda: any("no regular file" in notice for notice in notices(pilot)))
            return
        await pilot.press("o")
        await dialog(pilot, AskTextDialog)
        await pilot.press("ctrl+u")
        await type_text(pilot, name)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(pilot.app.screen, AskTextDialog)
        assert "!" in str(pilot.app.screen.query_one("#problem").render())
    assert sorted(path.name for path in folder.iterdir()) == ["there.py"]
