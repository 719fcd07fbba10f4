"""The workspaces of this user: open, create, rename, duplicate, forget, delete; the three choices of a first run."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static

from core.consent.registry import KnownWorkspace
from core.errors import FileError, HushpostError
from core.workspace.offered_files import offered_folders
from core.workspace.workspace import WORKSPACE_FILE, Workspace
from tui import keys
from tui.app import DEMO
from tui.commands import enter_workspace
from tui.foreign import foreign
from tui.hints import hint_here
from tui.screens.base import SessionScreen
from tui.screens.dialogs import AskTextDialog, ConfirmDialog
from tui.widgets.hint_line import HintLine
from tui.widgets.pick_list import Pick, PickList

if TYPE_CHECKING:
    from core.session import Session

_WELCOME = """hushpost is an API workspace for the terminal.

Requests and environments are plain files in a folder of yours, made to be kept in git. The values of secrets stay in \
your vaults: they are fetched when a request is sent, held in memory only, and never shown unless you ask.
"""

_FIRST = (
    Pick("create", "Create a workspace", "a new folder with a first environment"),
    Pick("open", "Open a folder", "a workspace that is already on this disk"),
    Pick("demo", "Look around in the demo", "a made-up API with a vault; leaves nothing behind"),
)


_UNREADABLE = Pick("mend", "! The list of workspaces cannot be read", "enter says why, and opens it in your editor")


class WorkspacesScreen(SessionScreen[None]):
    MODE = "workspaces"
    AUTO_FOCUS = "#known"
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.WORKSPACES)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._known: dict[str, KnownWorkspace] = {}

    def compose_body(self) -> ComposeResult:
        with Vertical(id="workspaces"):
            yield Static(foreign(_WELCOME, lines=True), id="welcome")
            yield Static("Workspaces", id="title")
            yield PickList(id="known", empty="no workspaces")
            yield HintLine(id="path")

    def on_mount(self) -> None:
        self.session_resumed()

    def session_resumed(self) -> None:
        if not self.is_mounted:
            return
        current = self.session.workspace.key if self.session.workspace is not None else None
        try:
            known = sorted(self.session.registry.known(), key=lambda one: one.key != current)
        except FileError:
            self._known = {}
            self.query_one("#welcome").display = False
            self.query_one("#title").display = True
            self.query_one("#known", PickList).choices = [_UNREADABLE]
            return
        self._known = {f"{one.key.id} {one.path}": one for one in known}
        rows = self.query_one("#known", PickList)
        self.query_one("#welcome").display = not known
        self.query_one("#title").display = bool(known)
        if known:
            rows.choices = [self._pick(key, one, current == one.key) for key, one in self._known.items()]
        else:
            rows.choices = _FIRST
        self.refresh_bindings()

    def _pick(self, key: str, one: KnownWorkspace, is_open: bool) -> Pick:
        count = _requests_in(one.path)
        if count is None:
            what = "! cannot be read" if (one.path / WORKSPACE_FILE).exists() else "not there any more"
        else:
            what = f"{count} request" + ("" if count == 1 else "s")
        return Pick(
            key,
            one.name or one.path.name,
            f"{what:16} {_ago(one.last_used):>14}   {_short(one.path)}",
            "*" if is_open else " ",
        )

    @property
    def _current(self) -> KnownWorkspace | None:
        pick = self.query_one("#known", PickList).current
        return self._known.get(pick.key) if pick is not None else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("rename", "duplicate", "forget", "delete"):
            return self.is_mounted and self._current is not None
        return True

    @on(PickList.Moved)
    def _moved(self) -> None:
        one = self._current
        self.query_one("#path", HintLine).rest(str(one.path) if one is not None else "")

    @on(PickList.Picked)
    def _picked(self, event: PickList.Picked) -> None:
        match event.choice.key:
            case "create":
                self.action_create()
            case "open":
                self.action_open()
            case "demo":
                self.action_demo()
            case "mend":
                self._mend()
            case _:
                if (one := self._current) is not None:
                    enter_workspace(self, one.path)

    def _mend(self) -> None:
        async def read() -> None:
            self.session.registry.known()

        self.run(read, lambda _: self.session_resumed(), failed=lambda _: None)

    # Keys

    def action_create(self) -> None:
        self.run(self._create)

    async def _create(self) -> None:
        name = await self.ask(
            AskTextDialog(self.session, "Create a workspace", "Name", "", placeholder="Payments API", yes="Next")
        )
        if name is None:
            return
        folder = Path.home() / _file_name(name)
        path = await self.ask(
            AskTextDialog(
                self.session,
                "Create a workspace",
                "Folder",
                str(folder),
                problem=_new_folder_problem,
                words=offered_folders,
                yes="Create",
            )
        )
        if path is None:
            return

        def create() -> None:
            if self.attempt(lambda: self.session.create_workspace(_path(path), name)) is not None:
                self.call_later(self.hushpost.action_mode, "requests")

        if self.hushpost.leave_workspace_allowed(create):
            create()

    def action_open(self) -> None:
        self.run(self._open)

    async def _open(self) -> None:
        path = await self.ask(
            AskTextDialog(
                self.session,
                "Open a workspace",
                "Folder with a workspace.toml",
                f"{Path.cwd()}/",
                problem=self._problem,
                yes="Open",
                words=offered_folders,
            )
        )
        if path is not None:
            enter_workspace(self, _path(path))

    def _problem(self, text: str) -> str | None:
        """Why no workspace can be opened there."""
        path = _path(text)
        try:
            if not path.exists():
                return "there is no such folder"
            Workspace.open(path)
        except OSError:
            return "this folder cannot be read"
        except FileError as error:
            return ": ".join(filter(None, (error.message, hint_here(error, self.session.settings.keys))))
        return None

    def action_demo(self) -> None:
        """The demo has a store, settings and a folder of its own, so it is another run of the app."""

        def leave() -> None:
            self.app.exit(DEMO)

        if self.hushpost.leave_workspace_allowed(leave):
            leave()

    def action_rename(self) -> None:
        self.run(self._rename)

    async def _rename(self) -> None:
        one = self._current
        if one is None:
            return
        name = await self.ask(AskTextDialog(self.session, "Rename the workspace", "Name", one.name, yes="Rename"))
        if name is None:
            return
        workspace = self._workspace(one)
        workspace.save_file(msgspec.structs.replace(workspace.file, name=name))
        self._remember(workspace)

    def action_duplicate(self) -> None:
        self.run(self._duplicate)

    async def _duplicate(self) -> None:
        one = self._current
        if one is None:
            return
        folder = one.path.with_name(f"{one.path.name}-copy")
        path = await self.ask(
            AskTextDialog(
                self.session,
                "Duplicate the workspace",
                "Folder of the copy",
                str(folder),
                problem=_new_folder_problem,
                words=offered_folders,
                text="The copy is a workspace of its own: nothing you allowed this one holds for it.",
                yes="Duplicate",
            )
        )
        if path is not None:
            copy = self._workspace(one).duplicate(_path(path))
            self.session.registry.remember(copy)
            self.session_resumed()

    def action_forget(self) -> None:
        self.run(self._forget)

    async def _forget(self) -> None:
        one = self._current
        if one is None:
            return
        if await self.ask(
            ConfirmDialog(
                self.session,
                "Forget?",
                f'Take "{one.name}" off this list, with everything you allowed it on this machine?'
                f"\n\nIts files stay: {one.path}",
                yes="Forget",
                danger=True,
            )
        ) and (not self._is_open(one) or self.hushpost.leave_workspace_allowed(lambda: self._gone(one))):
            self._gone(one)

    def action_delete(self) -> None:
        self.run(self._delete)

    async def _delete(self) -> None:
        one = self._current
        if one is None:
            return
        count = _requests_in(one.path)
        typed = await self.ask(
            AskTextDialog(
                self.session,
                "Delete the workspace",
                f'Type its name, "{one.name}", to delete it',
                text=f"This deletes its requests ({count or 0}) and environments from the disk: {one.path}",
                problem=lambda text: None if text == one.name else "that is not its name",
                yes="Delete",
            )
        )
        if typed is not None:
            self._workspace(one).destroy()
            self._gone(one)

    def _gone(self, one: KnownWorkspace) -> None:
        self.session.registry.forget(one.key)
        if self._is_open(one):
            self.session.close_workspace()
        self.session_resumed()

    def _is_open(self, one: KnownWorkspace) -> bool:
        return self.session.workspace is not None and self.session.workspace.key == one.key

    def _workspace(self, one: KnownWorkspace) -> Workspace:
        """The open one itself where it is meant, so that its name in the header follows."""
        workspace = self.session.workspace
        return workspace if workspace is not None and self._is_open(one) else Workspace.open(one.path)

    def _remember(self, workspace: Workspace) -> None:
        self.session.registry.remember(workspace)
        self.session_resumed()


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        # There is nobody of that name.
        return Path(text)


def _requests_in(path: Path) -> int | None:
    """How many requests a workspace has, by names of files alone; None where it is not there any more."""
    try:
        return len(Workspace.open(path).requests())
    except HushpostError:
        return None


def _ago(moment: datetime | None) -> str:
    if moment is None:
        return ""
    seconds = int((datetime.now(UTC) - moment).total_seconds())
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {word}{'' if count == 1 else 's'} ago"
    return "just now"


def _short(path: Path) -> str:
    try:
        return f"~/{path.relative_to(Path.home())}"
    except ValueError:
        return str(path)


def _file_name(name: str) -> str:
    kept = "".join(one if one.isalnum() else "-" for one in name.casefold())
    return "-".join(part for part in kept.split("-") if part) or "workspace"


def _new_folder_problem(text: str) -> str | None:
    path = _path(text)
    if not path.is_absolute():
        return "write the whole path, or one that begins with ~"
    try:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            return "something is there already: choose another folder"
    except OSError:
        return "this folder cannot be read"
    return None
