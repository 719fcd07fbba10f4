"""What a person does to a whole environment: make, rename, duplicate, delete, colour; stored values go with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from core.errors import HushpostError
from core.models import Environment, variable
from tui.environment_color import COLORS, drawn_color
from tui.screens.base import SessionWork
from tui.screens.dialogs import AskTextDialog, ConfirmDialog, PickDialog
from tui.screens.variable_edits import VariableEdits, holder_of
from tui.widgets.pick_list import Pick

if TYPE_CHECKING:
    from core.workspace.workspace import Workspace

_OTHER = "\n"
"""The key of the row that asks for a colour by its number."""


class EnvironmentFiles:
    """Each returns the name of the environment to show, None where nothing was done."""

    def __init__(self, screen: SessionWork[Any], edits: VariableEdits) -> None:
        self._screen = screen
        self._session = screen.session
        self._edits = edits

    @property
    def _workspace(self) -> Workspace:
        workspace = self._session.workspace
        if workspace is None:
            raise HushpostError("no workspace is open", hint="open or create one")
        return workspace

    async def create(self) -> str | None:
        label = await self._screen.ask(
            AskTextDialog(self._session, "New environment", "Name", placeholder="Production", yes="Create")
        )
        return self._workspace.create_environment(label) if label is not None else None

    async def rename(self, old: str) -> str | None:
        label = self._workspace.load_environment(old).name or old
        new = await self._screen.ask(AskTextDialog(self._session, f'Rename "{old}"', "New name", label, yes="Rename"))
        if new is None or not await self._values_open(old):
            return None
        name = self._workspace.rename_environment(old, new)
        await self._follow(old, name)
        if self._session.environment == old:
            self._session.set_environment(name)
        return name

    async def duplicate(self, old: str) -> str | None:
        if not await self._values_open(old):
            return None
        name = self._workspace.copy_environment(old)
        await self._follow(old, name, copy=True)
        return name

    async def delete(self, name: str) -> str | None:
        secrets = self._secrets(self._loaded(name))
        too = " and its values in your store" if secrets else ""
        question = f'Delete the environment "{name}", its file{too}?'
        if not await self._screen.ask(ConfirmDialog(self._session, "Delete", question, yes="Delete", danger=True)):
            return None
        if not await self._values_open(name):
            return None
        if self._session.environment == name:
            self._session.set_environment(None)
        self._workspace.delete_environment(name)
        for key in secrets if self._session.store.exists else ():
            await self._session.values.delete(holder_of(name), key)
        return name

    async def color(self, name: str) -> str | None:
        before = self._workspace.load_environment(name).color or ""
        picks = [Pick(color, color.capitalize(), mark="■", color=drawn_color(color)) for color in COLORS]
        own = "" if before in COLORS else drawn_color(before)
        picks += [Pick(_OTHER, "Other…", "#rrggbb", mark="■" if own else " ", color=own), Pick("", "None", mark=" ")]
        current = before if before in COLORS or not before else _OTHER
        picked = await self._screen.ask(PickDialog(self._session, "Colour", picks, current=current))
        if picked == _OTHER:
            picked = await self._screen.ask(
                AskTextDialog(self._session, "Colour", "As #rrggbb", before or "#", problem=_color_problem)
            )
        if picked is None:
            return None
        changed = msgspec.structs.replace(self._workspace.load_environment(name), color=picked or None)
        self._workspace.save_environment(name, changed)
        return name

    # Stored values

    def _loaded(self, name: str) -> Environment:
        """A file that cannot be read has no secrets that we know of."""
        try:
            return self._workspace.load_environment(name)
        except HushpostError:
            return Environment()

    def _secrets(self, environment: Environment) -> list[str]:
        return [key for key, entry in environment.variables.items() if variable(entry).secret]

    async def _values_open(self, name: str) -> bool:
        """Whether the values of this environment's secrets can follow it."""
        return not self._secrets(self._loaded(name)) or await self._edits.store_open()

    async def _follow(self, old: str, new: str, *, copy: bool = False) -> None:
        holders = {holder_of(old): holder_of(new)}
        if old != new and self._session.store.unlocked:
            await self._session.values.move(
                lambda holder, name: (holders[holder], name) if holder in holders else None, copy=copy
            )


def _color_problem(text: str) -> str | None:
    return None if re.fullmatch("#[0-9A-Fa-f]{6}", text) else "# and six hexadecimal digits are needed"
