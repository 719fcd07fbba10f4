"""The palette: what can be done here, what can be done elsewhere, and everything that has a name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.session import Session
from core.workspace.workspace import Workspace
from tests.effort import effort
from tests.tui.conftest import Running, screen_text, until
from tests.vault_app import shown, type_in
from tui.palette import PaletteDialog, _offered
from tui.screens.dialogs import AskTextDialog
from tui.widgets.pick_list import Pick, PickList


async def asked(pilot: Pilot[Any], text: str) -> PaletteDialog:
    await pilot.press("ctrl+p")
    dialog = await shown(pilot, PaletteDialog)
    await type_in(pilot, text)
    return dialog


def offered(dialog: PaletteDialog) -> Sequence[Pick]:
    return dialog.query_one(PickList).choices


async def test_an_action_of_another_mode_goes_there_and_does_it(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        dialog = await asked(pilot, "new environment")
        assert (offered(dialog)[0].label, offered(dialog)[0].detail) == ("New environment", "n")
        await pilot.press("enter")
        await shown(pilot, AskTextDialog)
        assert "New environment" in screen_text(pilot)
        assert pilot.app.current_mode == "environments"
        await pilot.press("escape")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        await asked(pilot, "new request")
        await pilot.press("enter")
        await shown(pilot, AskTextDialog)
        assert "New request" in screen_text(pilot)
        assert pilot.app.current_mode == "requests"


@pytest.mark.parametrize(
    ("typed", "seen"),
    [
        ("cookie jar", "Cookies of "),
        ("all requests inherit", "What all requests inherit"),
        ("find a setting", "Find a setting or an action"),
    ],
)
async def test_what_needs_nothing_chosen_is_offered_in_another_mode(
    running: Running, workspace: Workspace, typed: str, seen: str
) -> None:
    async with running(workspace) as pilot:
        await pilot.press("f6")
        await until(pilot, lambda: pilot.app.current_mode == "history")
        await asked(pilot, typed)
        await pilot.press("enter")
        await until(pilot, lambda: seen in screen_text(pilot))


async def test_environments_workspaces_and_requests_go_by_name(
    running: Running, workspace: Workspace, session: Session, tmp_path: Path
) -> None:
    other = Workspace.create(tmp_path / "other", "Other API")
    session.registry.remember(other)
    async with running(workspace) as pilot:
        await asked(pilot, "environment prod")
        await pilot.press("enter")
        await until(pilot, lambda: session.environment == "production")
        await asked(pilot, "request create")
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen.reference == "payments/create")  # type: ignore[attr-defined]
        await asked(pilot, "workspace other")
        await pilot.press("enter")
        await until(pilot, lambda: session.workspace is not None and session.workspace.name == "Other API")


async def test_letters_in_their_order_are_enough(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        dialog = await asked(pilot, "nwcr")
        assert offered(dialog)[0].label == "New credential"
        await pilot.press("ctrl+u")
        await type_in(pilot, "swenv")
        assert "Switch the environment" in [pick.label for pick in offered(dialog)]
        assert not [pick for pick in offered(dialog) if pick.label.startswith("Theme")]


async def test_without_a_workspace_nothing_is_offered_that_needs_one(running: Running) -> None:
    async with running(None) as pilot:
        dialog = await asked(pilot, "new")
        labels = [pick.label for pick in offered(dialog)]
        assert "New request" not in labels
        assert "New workspace" in [pick.label for pick in dialog._picks]


async def test_five_thousand_requests_narrow_as_one_types(running: Running, workspace: Workspace) -> None:
    folder = workspace.path / "requests" / "many"
    folder.mkdir()
    for number in range(5_000):
        (folder / f"r{number}.toml").write_text(f'name = "Request {number}"\nmethod = "GET"\nurl = "https://x"\n')
    async with running(workspace) as pilot:
        assert len(dict(_offered(pilot.app))) > 5_000  # type: ignore[arg-type]
        assert effort(lambda: dict(_offered(pilot.app))) < 25  # type: ignore[arg-type]
        dialog = await asked(pilot, "")
        typed = ("r", "re", "many/r49", "mny4999", "nothing such")
        assert effort(lambda: [dialog.matching(text) for text in typed]) / len(typed) < 5
        assert dialog.matching("many/r4999")[0].label == "Request many/r4999"
        await pilot.press("escape")
