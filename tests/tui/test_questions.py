"""The plain questions: y and n, the harmless answer first, short lists without a field, notices out of the way."""

from __future__ import annotations

from core.workspace.workspace import Workspace
from tests.tui.conftest import Running, notices, screen_text, until
from tests.vault_app import back, shown, type_in
from tui.screens.dialogs import ConfirmDialog, PickDialog
from tui.widgets.pick_list import PickList


async def test_a_question_answers_to_y_and_n_and_enter_changes_nothing(running: Running, workspace: Workspace) -> None:
    path = workspace.request_path("health")
    async with running(workspace) as pilot:
        for answer in ("n", "enter", "escape"):
            await pilot.press("d")
            await shown(pilot, ConfirmDialog)
            assert "▸Cancel◂" in screen_text(pilot)
            await pilot.press(answer)
            await back(pilot)
            assert path.exists()
        await pilot.press("d")
        await shown(pilot, ConfirmDialog)
        await pilot.press("y")
        await back(pilot)
        await until(pilot, lambda: not path.exists())


async def test_a_short_list_has_no_field_until_one_types(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        await pilot.press("ctrl+t")
        dialog = await shown(pilot, PickDialog)
        assert "type to narrow" not in screen_text(pilot)
        await type_in(pilot, "stag")
        await pilot.pause()
        assert [pick.key for pick in dialog.query_one(PickList).choices] == ["staging"]
        assert "│ stag " in screen_text(pilot)
        await pilot.press("enter")
        await back(pilot)
        assert "staging" in screen_text(pilot).splitlines()[0]


async def test_home_and_end_are_of_the_list_until_one_types(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        await pilot.press("ctrl+t")
        rows = (await shown(pilot, PickDialog)).query_one(PickList)
        names = [pick.label for pick in rows.choices]
        assert names == ["production", "staging", "base alone"]
        for key, name in (("home", "production"), ("end", "base alone")):
            await pilot.press(key)
            assert rows.current is not None
            assert rows.current.label == name
        await type_in(pilot, "ging")
        await pilot.press("home")
        await type_in(pilot, "sta")
        await pilot.press("enter")
        await back(pilot)
        assert "staging" in screen_text(pilot).splitlines()[0]


async def test_an_environment_is_listed_with_its_colour(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        await pilot.press("ctrl+t")
        rows = (await shown(pilot, PickDialog)).query_one(PickList)
        for at, color in enumerate(("#d75f5f", "#d7af5f", "")):
            styles = [segment.style for segment in rows.render_line(at) if "■" in segment.text]
            drawn = [style.color.name for style in styles if style is not None and style.color is not None]
            assert drawn == ([color] if color else [])


async def test_a_notice_that_was_read_is_gone_at_the_next_key(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        app = pilot.app
        app.notify("just now", markup=False, timeout=60)
        app.notify("a while ago", markup=False, timeout=60)
        app.notify("an error", severity="error", markup=False, timeout=60)
        await until(pilot, lambda: len(notices(pilot)) == 3)
        for notice in app._notifications:
            if notice.message != "just now":
                notice.raised_at -= 5
        await pilot.press("down")
        assert sorted(notices(pilot)) == ["an error", "just now"]
