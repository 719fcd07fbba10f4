"""The palette: every action of where one is, what other modes can do by themselves, and all that has a name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import HushpostError
from tui import keys, themes
from tui.commands import enter_workspace, open_request
from tui.screens.dialogs import PickDialog
from tui.widgets.pick_list import Pick

if TYPE_CHECKING:
    from textual.dom import DOMNode

    from tui.app import HushpostApp

Do = Callable[[], Awaitable[object]]

_FUZZY_BELOW = 12
"""So few rows that hold the words that rows which only hold their letters in order are offered too."""


@dataclass(frozen=True)
class Elsewhere:
    """An action of another mode that needs nothing under its cursor: go there and do it."""

    name: str
    mode: str
    part: str = ""
    """What has the focus when it is done, where that matters."""
    sentence: str = ""
    """In place of the key table's."""


_ELSEWHERE = (
    Elsewhere("tree.new", "requests", "#tree"),
    Elsewhere("tree.folder", "requests", "#tree"),
    Elsewhere("tree.all_settings", "requests", "#tree"),
    Elsewhere("requests.cookies", "requests"),
    Elsewhere("environments.new", "environments", "#environments", "new environment"),
    Elsewhere("environments.add", "environments", "#variables"),
    Elsewhere("credentials.add", "credentials"),
    Elsewhere("credentials.reset_all", "credentials"),
    Elsewhere("credentials.minutes", "credentials"),
    Elsewhere("workspaces.create", "workspaces"),
    Elsewhere("workspaces.open", "workspaces"),
    Elsewhere("history.search", "history"),
    Elsewhere("history.clear", "history"),
    Elsewhere("runner.pick", "runner"),
    Elsewhere("settings.find", "settings"),
)


class PaletteDialog(PickDialog):
    """Returns the key of what to do; words first, then letters in their order."""

    SEARCHES = True

    def matching(self, typed: str) -> Sequence[Pick]:
        found = super().matching(typed)
        letters = "".join(typed.casefold().split())
        if len(letters) < 2 or len(found) >= _FUZZY_BELOW:
            return found
        have = {pick.key for pick in found}
        spread = ((_spread(pick.label.casefold(), letters), pick) for pick in self._picks if pick.key not in have)
        near = sorted(((span, pick) for span, pick in spread if span), key=lambda entry: entry[0])
        return [*found, *(pick for _, pick in near[:_FUZZY_BELOW])]


def _spread(label: str, letters: str) -> int:
    """Over how many characters the letters stand in their order; 0 when they do not, or far apart."""
    at = start = label.find(letters[0])
    for letter in letters[1:]:
        at = label.find(letter, at + 1) if at >= 0 else -1
    span = at - start + 1
    return span if at >= 0 and span <= 3 * len(letters) + 4 else 0


async def palette(app: HushpostApp) -> None:
    """Ask what to do, and do it."""
    screen = app.base_screen
    offered = dict(_offered(app))
    picks = [pick for pick, _ in offered.values()]
    picked = await screen.ask(PaletteDialog(screen.session, "What to do", picks, empty="no action has these words"))
    if picked is not None:
        await offered[picked][1]()


def _offered(app: HushpostApp) -> Iterator[tuple[str, tuple[Pick, Do]]]:
    """What can be done here first, then elsewhere, then by name."""
    here: set[str] = set()
    for node, key in _possible(app):
        if key.name not in here:
            here.add(key.name)
            yield key.name, (_action(app, key, key.sentence), _here(app, node, key.action))
    by_name = {key.name: key for key in keys.table()}
    for one in _ELSEWHERE:
        key = by_name[one.name]
        needs_workspace = one.mode in ("requests", "environments", "runner")
        if one.mode == app.current_mode or (needs_workspace and app.session.workspace is None):
            continue
        if one.name not in here:
            yield one.name, (_action(app, key, one.sentence or key.sentence), _there(app, one, key.action))
    yield from _by_name(app).items()
    settings = keys.keys_of("app.settings", app.session.settings.keys)
    kept = f"until you quit; {settings} keeps one" if settings else "until you quit"
    for theme in themes.names(app):
        yield f"theme:{theme}", (Pick(f"theme:{theme}", f"Theme {theme}", kept), _theme(app, theme))


def _action(app: HushpostApp, key: keys.Key, sentence: str) -> Pick:
    return Pick(key.name, sentence[:1].upper() + sentence[1:], keys.keys_of(key.name, app.session.settings.keys))


def _by_name(app: HushpostApp) -> Mapping[str, tuple[Pick, Do]]:
    """Environments, workspaces and requests; what cannot be read is not offered."""
    session = app.session
    found: dict[str, tuple[Pick, Do]] = {}

    def offer(kind: str, name: str, label: str, detail: str, do: Do) -> None:
        found[f"{kind}:{name}"] = (Pick(f"{kind}:{name}", label, detail), do)

    workspace = session.workspace
    try:
        for name in workspace.environments() if workspace is not None else ():
            offer(
                "environment",
                name,
                f"Environment {name}",
                _is(name == (session.environment or "base")),
                _use(app, name),
            )
        for known in session.registry.known():
            name = known.name or known.path.name
            is_open = workspace is not None and known.key == workspace.key
            offer(
                "workspace", f"{known.key.id} {known.path}", f"Workspace {name}", _is(is_open), _enter(app, known.path)
            )
        for reference in _requests(app):
            offer("request", reference, f"Request {reference}", "", _open(app, reference))
    except HushpostError:
        return found
    return found


def _is(so: bool) -> str:
    return "the one that is open" if so else ""


def _requests(app: HushpostApp) -> Sequence[str]:
    """As the tree has them, which costs nothing, else as the disk has."""
    shown = app.screen_of("requests")
    known: Sequence[str] = getattr(shown, "references", ())
    workspace = app.session.workspace
    return known or (workspace.requests() if workspace is not None else ())


# What the rows do


def _here(app: HushpostApp, node: DOMNode, action: str) -> Do:
    async def do() -> None:
        await app.run_action(action, node)

    return do


def _there(app: HushpostApp, one: Elsewhere, action: str) -> Do:
    async def do() -> None:
        await app.action_mode(one.mode)
        screen = app.base_screen
        if one.mode != screen.MODE:
            return
        node: DOMNode = screen
        if one.part:
            part = screen.query_one(one.part)
            screen.set_focus(part)
            if hasattr(part, f"action_{action.partition('(')[0]}"):
                node = part
        await app.run_action(action, node)

    return do


def _use(app: HushpostApp, environment: str) -> Do:
    async def do() -> None:
        app.session.set_environment(environment)
        app.base_screen.session_resumed()

    return do


def _enter(app: HushpostApp, path: Path) -> Do:
    async def do() -> None:
        enter_workspace(app.base_screen, path)

    return do


def _open(app: HushpostApp, reference: str) -> Do:
    async def do() -> None:
        await open_request(app, reference)

    return do


def _theme(app: HushpostApp, theme: str) -> Do:
    async def do() -> None:
        app.theme = theme

    return do


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
