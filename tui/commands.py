"""The palette and its two shorter sisters: every action by name, a request by name, an environment by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui import keys
from tui.screens.dialogs import PickDialog
from tui.widgets.pick_list import Pick

if TYPE_CHECKING:
    from textual.dom import DOMNode

    from tui.app import HushpostApp
    from tui.screens.base import SessionScreen

_BASE = "\n"
"""The key of the row that means base alone: no environment can be called this."""


async def palette(app: HushpostApp) -> None:
    """Every action that can be done here and now, then the themes; the keys stand beside them."""
    screen = app.base_screen
    picks: list[Pick] = []
    holders: dict[str, tuple[DOMNode, str]] = {}
    for node, key in _possible(app):
        if key.name in holders:
            continue
        holders[key.name] = (node, key.action)
        picks.append(Pick(key.name, _capital(key.sentence), keys.keys_of(key.name, app.session.settings.keys)))
    for theme in app.available_themes:
        picks.append(Pick(f"theme:{theme}", f"Theme {theme}", "colours of this session; f8 keeps one"))
    picked = await screen.ask(PickDialog(screen.session, "What to do", picks, empty="no action has these words"))
    if picked is None:
        return
    if picked.startswith("theme:"):
        app.theme = picked.removeprefix("theme:")
        return
    node, action = holders[picked]
    await app.run_action(action, node)


def _possible(app: HushpostApp) -> list[tuple[DOMNode, keys.Key]]:
    """The rows of the key table that a part of the screen offers now: of the focused part first, then of the others."""
    by_name = {key.name: key for key in keys.table()}
    screen = app.screen
    nodes: list[DOMNode] = list(screen.focused.ancestors_with_self) if screen.focused else [screen, app]
    nodes += [widget for widget in screen.walk_children() if widget.display and widget not in nodes]
    found = []
    for node in nodes:
        for bound in node._bindings.key_to_bindings.values():
            for binding in bound:
                key = by_name.get(binding.id or "")
                if key is not None and key.palette and app._check_action_state(binding.action, node):
                    found.append((node, key))
    return found


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


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
    await app.action_mode("requests")
    from tui.screens.requests import RequestsScreen

    if isinstance(app.base_screen, RequestsScreen):
        app.base_screen.open_request(picked)


async def choose_environment(screen: SessionScreen[Any]) -> None:
    """Make another environment the active one."""
    session = screen.session
    if session.workspace is None:
        screen.tell("open or create a workspace first", warning=True)
        return
    names = [name for name in session.workspace.environments() if name != "base"]
    picks = [
        Pick(
            name,
            name,
            "active" if name == session.environment else "",
            mark="*" if name == session.environment else " ",
        )
        for name in names
    ]
    none_active = session.environment is None
    picks.append(Pick(_BASE, "base alone", "active" if none_active else "", mark="*" if none_active else " "))
    picked = await screen.ask(PickDialog(session, "Environment", picks, current=session.environment or _BASE))
    if picked is None:
        return
    session.set_environment(None if picked == _BASE else picked)
    screen.session_resumed()
