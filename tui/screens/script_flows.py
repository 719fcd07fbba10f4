"""Choosing the script of a request or folder among the files below `scripts/`, opening one, and making a new one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import FileError
from core.scripts import files as script_files
from tui.screens.dialogs import AskTextDialog, PickDialog
from tui.terminal.outside import open_outside
from tui.widgets.pick_list import Pick
from tui.widgets.script_table import ScriptTable

if TYPE_CHECKING:
    from tui.screens.base import SessionWork

_NONE = "\n"
_NEW = "\n\n"
"""Keys of rows that are no script: no file can be called so."""


async def choose(screen: SessionWork[Any], asked: ScriptTable.Asked) -> None:
    workspace = screen.session.workspace
    if workspace is None:
        return
    found = [name for name in script_files.read(workspace.path).contents if name.endswith(".py")]
    picks = [Pick(name, name) for name in found]
    picks.append(Pick(_NEW, "New script…", "makes a small one and opens it"))
    picks.append(Pick(_NONE, "None"))
    when = "before sending" if asked.before else "after the answer"
    picked = await screen.ask(
        PickDialog(screen.session, f"Script {when}", picks, current=asked.script.removeprefix("scripts/") or _NONE)
    )
    if picked == _NEW:
        await _make(screen, asked, workspace.path)
    elif picked is not None:
        asked.table.choose(asked.row.key, "" if picked == _NONE else picked)


async def open_script(screen: SessionWork[Any], asked: ScriptTable.Asked) -> None:
    """Open the row's script in the person's editor; one that is not there is made first, after a question."""
    workspace = screen.session.workspace
    if workspace is None:
        return
    name = asked.script.removeprefix("scripts/")
    files = script_files.read(workspace.path)
    if not name or name not in files.contents:
        await _make(screen, asked, workspace.path, name)
    else:
        _edit(screen, files.folder / name)


async def _make(screen: SessionWork[Any], asked: ScriptTable.Asked, workspace: Path, name: str = "") -> None:
    def problem(text: str) -> str | None:
        try:
            script_files.new_path(workspace, text)
        except FileError as error:
            return str(error.message)
        return None

    name = await screen.ask(  # type: ignore[assignment]
        AskTextDialog(
            screen.session,
            "New script",
            f"Its file, below {script_files.FOLDER}/",
            name or ("before.py" if asked.before else "after.py"),
            problem=problem,
            yes="Create",
        )
    )
    if name is None:
        return
    path = script_files.create(workspace, name, script_files.BEFORE if asked.before else script_files.AFTER)
    asked.table.choose(asked.row.key, name)
    screen.tell(f'made "{script_files.FOLDER}/{name}"; it runs once you allow it')
    _edit(screen, path)


def _edit(screen: SessionWork[Any], path: Path) -> None:
    """A changed script has to be allowed anew, which sending asks."""
    open_outside(screen.app, screen.session, path)
