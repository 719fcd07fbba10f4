"""What keys of every mode do: a request found by name, another environment, another workspace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.environment_color import color_of
from tui.screens.dialogs import PickDialog
from tui.widgets.pick_list import Pick

if TYPE_CHECKING:
    from tui.app import HushpostApp
    from tui.screens.base import SessionScreen

_NONE = "\n"
"""The key of the row that means base alone: no environment can be called this."""


async def find_request(screen: SessionScreen[Any]) -> None:
    """A request by a part of its name, path, method or address; the requests mode opens it."""
    session, app = screen.session, screen.hushpost
    if session.workspace is None:
        screen.tell("open or create a workspace first", warning=True)
        return
    from tui.screens.find import FindDialog

    picked = await screen.ask(FindDialog(session, session.workspace))
    if picked is None:
        return
    await open_request(app, picked)


async def open_request(app: HushpostApp, reference: str) -> None:
    await app.action_mode("requests")
    from tui.screens.requests import RequestsScreen

    if isinstance(app.base_screen, RequestsScreen):
        app.base_screen.open_request(reference)


def enter_workspace(screen: SessionScreen[Any], path: Path) -> None:
    """Open a workspace and go to its requests, after unsaved edits of the one before were dealt with."""

    async def open_it() -> None:
        screen.session.open_workspace(path)

    def enter() -> None:
        screen.run(
            open_it,
            lambda _: screen.call_later(screen.hushpost.action_mode, "requests"),
            failed=screen.show_unmended,
        )

    if screen.hushpost.leave_workspace_allowed(enter):
        enter()


async def choose_environment(screen: SessionScreen[Any]) -> None:
    """Make another environment the active one."""
    session = screen.session
    if session.workspace is None:
        screen.tell("open or create a workspace first", warning=True)
        return
    picks = []
    for name in session.workspace.environments():
        if name != "base":
            active, color = name == session.environment, color_of(session.workspace, name)
            mark = f"{'*' if active else ' '}{'■' if color else ' '}"
            picks.append(Pick(name, name, "active" if active else "", mark=mark, color=color))
    none_active = session.environment is None
    picks.append(Pick(_NONE, "base alone", "active" if none_active else "", mark="* " if none_active else "  "))
    picked = await screen.ask(PickDialog(session, "Environment", picks, current=session.environment or _NONE))
    if picked is None:
        return
    session.set_environment(None if picked == _NONE else picked)
    screen.session_resumed()
