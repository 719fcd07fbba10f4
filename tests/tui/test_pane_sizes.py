"""Panes made larger and smaller by keys, at any size of the terminal, and kept."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from core.session import Session
from core.workspace.workspace import Workspace
from tests.loopback import Loopback
from tests.tui.conftest import Running, screen_text, until
from tests.tui.test_requests import opened, screen_of
from tui.screens.pane_sizes import MOST, PaneSizes
from tui.widgets.text_view import TextView


@pytest.mark.parametrize("room", [60, 80, 100, 200])
def test_the_work_keeps_its_room_whatever_the_tree_takes(room: int) -> None:
    for steps in range(-MOST, MOST + 1):
        width = PaneSizes(tree=steps).tree_width(22, room)
        assert 12 <= width <= max(12, room - 36)


@pytest.mark.parametrize("kept", [(), (1,), (99, -99), (1, 2, 3)])
def test_what_was_kept_is_taken_as_far_as_it_goes(kept: tuple[int, ...]) -> None:
    sizes = PaneSizes.of(kept)
    assert -MOST <= sizes.tree <= MOST
    assert -MOST <= sizes.split <= MOST


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (110, 30), (160, 45)])
async def test_the_focused_pane_gets_bigger_and_smaller_and_is_so_the_next_time(
    running: Running, workspace: Workspace, session: Session, server: Loopback, size: tuple[int, int]
) -> None:
    async with running(workspace, size=size) as pilot:
        screen = await opened(pilot, "health")
        tree = screen.query_one("#tree")
        tree.focus()
        usual = tree.size.width
        await pilot.press("alt+comma")
        await until(pilot, lambda: tree.size.width == usual - 4)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "health" in screen.opened.answers)
        along = "width" if size[0] >= 130 else "height"

        def editor() -> int:
            return int(getattr(screen.editor.size, along))

        await pilot.pause()
        before = editor()
        screen.response.query_one(TextView).focus()
        await pilot.press("alt+full_stop", "alt+full_stop")
        await until(pilot, lambda: editor() < before)
        screen.bar.url.focus()
        await pilot.press("alt+full_stop", "alt+full_stop", "alt+full_stop")
        await until(pilot, lambda: editor() > before)
        assert session.registry.panes(workspace.key) == (-1, 1)
        # The most of everything, both ways: all panes are still there, and nothing has gone wrong.
        for key in ("alt+full_stop", "alt+comma"):
            for _ in range(2 * MOST):
                await pilot.press(key)
            await pilot.pause()
            assert min(screen.editor.size) >= 1
            assert min(screen.response.size) >= 1
        # While hidden or zoomed too.
        await pilot.press("alt+t", "ctrl+o", "alt+full_stop", "ctrl+o", "alt+t")
        await pilot.pause()
        assert all(pane.display for pane in (tree, screen.editor, screen.response))


async def test_sizes_are_there_again_after_a_start_and_follow_the_terminal(
    running: Running, workspace: Workspace, session: Session
) -> None:
    session.registry.set_panes(workspace.key, (2, 0))
    async with running(workspace) as pilot:
        tree = screen_of(pilot).query_one("#tree")
        assert tree.size.width == 30
        await pilot.resize_terminal(60, 18)
        await until(pilot, lambda: tree.size.width == 24)
        await pilot.resize_terminal(160, 45)
        await until(pilot, lambda: tree.size.width == 44)


async def shown(pilot: Pilot[Any], text: str) -> None:
    await until(pilot, lambda: text in screen_text(pilot))


@pytest.mark.parametrize("size", [(80, 24), (60, 18)])
async def test_the_tabs_can_be_read_beside_the_tree(
    running: Running, workspace: Workspace, size: tuple[int, int]
) -> None:
    async with running(workspace, size=size) as pilot:
        screen = await opened(pilot, "payments/create")
        for tab, label in screen.editor.TABS:
            screen.editor.show_tab(tab)
            await shown(pilot, f"[{label}")
