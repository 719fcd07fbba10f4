"""Finding a request by typing: the list, what is marked in it, and what enter opens."""

from __future__ import annotations

from typing import Any

from rich.style import Style
from textual.pilot import Pilot

from core.models import Request
from core.workspace.workspace import Workspace
from tests.tui.conftest import Running, screen_text, type_text, until
from tui.screens.find import FindDialog
from tui.widgets.pick_list import PickList


async def finding(pilot: Pilot[Any], key: str, text: str = "") -> PickList:
    await pilot.press(key)
    await until(pilot, lambda: isinstance(pilot.app.screen, FindDialog))
    rows = pilot.app.screen.query_one("#picks", PickList)
    await until(pilot, lambda: any(choice.detail for choice in rows.choices))
    await type_text(pilot, text)
    return rows


def underlined(rows: PickList) -> str:
    def marked(style: Style | None) -> bool:
        return style is not None and bool(style.underline)

    return "".join(segment.text for segment in rows.render_line(0) if marked(segment.style))


async def test_it_shows_method_path_and_address_and_narrows_by_all_of_them(
    running: Running, workspace: Workspace
) -> None:
    async with running(workspace, size=(120, 30)) as pilot:
        rows = await finding(pilot, "ctrl+f")
        assert "POST payments/create  {{base_url}}/echo/:id" in screen_text(pilot)
        await type_text(pilot, "post echo")
        assert [choice.key for choice in rows.choices] == ["payments/create"]
        assert underlined(rows) == "POSTecho"
        await pilot.press("enter")
        await until(pilot, lambda: getattr(pilot.app.screen, "reference", "") == "payments/create")


async def test_the_slash_in_the_tree_asks_too_and_nothing_found_is_said(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        rows = await finding(pilot, "slash", "pulse")
        assert rows.choices == []
        assert "no request has these words" in screen_text(pilot)
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, FindDialog)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, FindDialog))


async def test_a_text_field_does_not_keep_the_key_to_itself(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        screen = pilot.app.screen_stack[0]
        screen.open_request("health")  # type: ignore[attr-defined]
        screen.focus_address()  # type: ignore[attr-defined]
        await pilot.pause()
        await finding(pilot, "ctrl+f", "show")
        await pilot.press("enter")
        await until(pilot, lambda: getattr(pilot.app.screen, "reference", "") == "payments/show")


async def test_from_another_mode_the_request_is_opened_in_its_own(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        await pilot.press("f4")
        await until(pilot, lambda: pilot.app.current_mode == "environments")
        await finding(pilot, "ctrl+f", "health")
        await pilot.press("enter")
        await until(pilot, lambda: getattr(pilot.app.screen, "reference", "") == "health")
        assert pilot.app.current_mode == "requests"


async def test_requests_not_indexed_yet_get_their_addresses_while_one_looks(
    running: Running, workspace: Workspace
) -> None:
    for number in range(40):
        workspace.create_request("", f"r{number}", Request(url=f"https://late.test/{number}"))
    async with running(workspace) as pilot:
        rows = await finding(pilot, "ctrl+f")
        await type_text(pilot, "late.test/39")
        await until(pilot, lambda: [choice.key for choice in rows.choices] == ["r39"])
