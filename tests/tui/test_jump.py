"""Jump mode: each part of a mode's screen has a letter, and pressing it goes there without tab or a mouse."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.workspace.workspace import Workspace
from tests.terminal import TerminalApp
from tests.tui.conftest import Running, screen_text, type_text, until
from tui.app import MODES
from tui.screens.jump import JumpScreen


async def jumping(pilot: Pilot[Any]) -> dict[str, str]:
    """Name of each part, and the letter over it."""
    await pilot.press("ctrl+g")
    await until(pilot, lambda: isinstance(pilot.app.screen, JumpScreen) and pilot.app.screen.is_mounted)
    await pilot.pause()
    assert isinstance(pilot.app.screen, JumpScreen)
    offered = pilot.app.screen.offered
    assert len({letter for letter, _ in offered}) == len(offered)
    text = screen_text(pilot)
    for letter, name in offered:
        assert f"[{letter}]" in text, (letter, name)
    return {name: letter for letter, name in reversed(offered)}


async def go(pilot: Pilot[Any], name: str) -> None:
    letters = await jumping(pilot)
    await pilot.press(letters[name])
    await until(pilot, lambda: not isinstance(pilot.app.screen, JumpScreen))
    await pilot.pause()


def focused(pilot: Pilot[Any]) -> str:
    widget = pilot.app.screen.focused
    assert widget is not None
    return next(node.id for node in widget.ancestors_with_self if node.id)


async def test_the_parts_of_a_request_are_reached_by_letter(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        await pilot.press("enter", "ctrl+r")
        await until(pilot, lambda: "200 OK" in screen_text(pilot))
        for part in ("method", "url", "tree", "response"):
            await go(pilot, part)
            assert focused(pilot) == part
        await go(pilot, "Headers")
        assert focused(pilot) == "headers"
        await go(pilot, "Info")
        assert focused(pilot) == "name"
        await go(pilot, "description")
        assert focused(pilot) == "description"
        before = await jumping(pilot)
        await pilot.press(before["Params"])
        await until(pilot, lambda: not isinstance(pilot.app.screen, JumpScreen))
        after = await jumping(pilot)
        for name in ("tree", "method", "url", "response", "Params", "Headers", "Body", "Timing"):
            assert after[name] == before[name], "a part has one letter, whichever tab is open"
        await pilot.press(after["Timing"])
        await until(pilot, lambda: "[Timing]" in screen_text(pilot))
        assert focused(pilot) == "response"


async def test_jumping_to_the_kinds_of_auth_chooses_none(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        await pilot.press("enter")
        await go(pilot, "Auth")
        await go(pilot, "auth")
        assert "unsaved" not in screen_text(pilot)


@pytest.mark.parametrize("size", [(80, 24), (160, 45), (60, 18)])
async def test_every_mode_has_letters_and_escape_leaves_all_as_it_was(
    running: Running, workspace: Workspace, size: tuple[int, int]
) -> None:
    async with running(workspace, size=size) as pilot:
        for mode in MODES:
            await pilot.app.action_mode(mode)  # type: ignore[attr-defined]
            await until(pilot, lambda mode=mode: pilot.app.current_mode == mode and pilot.app.screen.is_mounted)  # type: ignore[misc]
            await pilot.pause()
            before, focus = screen_text(pilot), pilot.app.screen.focused
            assert await jumping(pilot), mode
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(pilot.app.screen, JumpScreen))
            await pilot.pause()
            assert screen_text(pilot) == before
            assert pilot.app.screen.focused is focus


async def test_a_digit_goes_to_a_mode_and_the_key_itself_leaves(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        await pilot.press("enter")
        await type_text(pilot, "x")
        await jumping(pilot)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: not isinstance(pilot.app.screen, JumpScreen))
        await jumping(pilot)
        await pilot.press("4")
        await until(pilot, lambda: pilot.app.current_mode == "environments")


async def test_a_key_that_is_no_letter_is_for_the_screen_below(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        await jumping(pilot)
        await pilot.press("f6")
        await until(pilot, lambda: pilot.app.current_mode == "history" and not isinstance(pilot.app.screen, JumpScreen))


async def test_another_size_of_the_terminal_ends_it(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        await jumping(pilot)
        await pilot.resize_terminal(100, 30)
        await until(pilot, lambda: not isinstance(pilot.app.screen, JumpScreen))


def test_it_costs_a_slow_line_few_bytes(home: Path, workspace: Workspace) -> None:
    hushpost = Path(sys.executable).with_name("hushpost")
    environment = {**os.environ, "TERM": "xterm-256color", "SSH_CONNECTION": "1 2 3 4"}
    command = [str(hushpost), "open", str(workspace.path)]
    with TerminalApp(command, environment=environment, folder=home) as app:
        app.wait_for(lambda text: "Health" in text and "payments" in text)
        app.press("enter")
        app.wait_for("no answer yet")
        # Once for what the start still has to draw.
        app.press("ctrl+g")
        app.wait_for("esc stays here")
        app.press("escape")
        app.wait_for(lambda text: "esc stays here" not in text)
        before = len(app.received)
        app.press("ctrl+g")
        app.wait_for("esc stays here")
        assert len(app.received) - before < 1_000
        app.press("h")
        app.wait_for("no headers of its own")
        app.press("ctrl+c", "ctrl+c")
        app.wait_exit()
