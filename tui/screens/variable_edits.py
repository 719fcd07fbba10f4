"""What a person does to one variable of a file: the file and the stored value change together."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from core.errors import HushpostError
from core.models import VARIABLE_NAME, Variable
from tui.cures import unlock
from tui.screens.base import SessionWork
from tui.screens.dialogs import AskTextDialog, ConfirmDialog
from tui.screens.link import link_variable
from tui.screens.variable_form import Kind, VariableDialog, VariableEdit

if TYPE_CHECKING:
    from core.workspace.workspace import Workspace

Entries = Mapping[str, str | Variable]


class VariableFile(Protocol):
    """An environment, request or folder, as far as its variables go."""

    @property
    def holder(self) -> str:
        """The file as the credential store keys values."""

    @property
    def title(self) -> str:
        """What dialogs call it."""

    def change(self, change: Callable[[dict[str, str | Variable]], object]) -> None:
        """Change the variables as they are in the file now, and save it."""


class EnvironmentVariables:
    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace = workspace
        self.title = name

    @property
    def holder(self) -> str:
        return holder_of(self.title)

    def change(self, change: Callable[[dict[str, str | Variable]], object]) -> None:
        loaded = self._workspace.load_environment(self.title)
        variables = dict(loaded.variables)
        change(variables)
        self._workspace.save_environment(self.title, msgspec.structs.replace(loaded, variables=variables))


def holder_of(environment: str) -> str:
    return f"environments/{environment}"


def name_problem(text: str, taken: Collection[str]) -> str | None:
    """Why a variable cannot be called this."""
    if not re.fullmatch(VARIABLE_NAME, text):
        return "letters, digits and _ . - only, the first a letter or _"
    return "there is a variable with this name" if text in taken else None


class VariableEdits:
    """Each edit reads the file again, changes one place and saves, so that nothing else in it is touched."""

    def __init__(self, screen: SessionWork[Any]) -> None:
        self._screen = screen
        self._session = screen.session

    # Files

    def put(self, file: VariableFile, old: str | None, name: str, new: Variable) -> None:
        """Write one variable: at its old place under its new name, else at the end."""
        entry: str | Variable = new.value if new.value is not None and new == Variable(value=new.value) else new

        def change(variables: dict[str, str | Variable]) -> None:
            if old is None or old not in variables:
                variables[name] = entry
                return
            entries = [(name, entry) if key == old else (key, held) for key, held in variables.items()]
            variables.clear()
            variables.update(entries)

        file.change(change)

    # The store

    async def store_open(self, *, make: bool = False) -> bool:
        """Whether stored values can be changed now; where there is no store there are none, and `make` makes one."""
        store = self._session.store
        return store.unlocked or (not store.exists and not make) or await unlock(self._screen)

    def _stored(self, file: VariableFile, name: str | None, before: Variable | None) -> str | None:
        """The name, if the open store has a value for it."""
        is_secret = name is not None and before is not None and before.secret
        return name if is_secret and self._session.values.has(file.holder, name or "") else None

    async def _drop_value(self, file: VariableFile, name: str) -> None:
        if self._session.store.exists:
            await self._session.values.delete(file.holder, name)

    async def _may_drop(self, name: str) -> bool:
        question = f'"{name}" is no longer a secret of your store: the value kept there is deleted.'
        dialog = ConfirmDialog(self._session, "Delete the stored value?", question, yes="Delete", danger=True)
        return await self._screen.ask(dialog) is True

    async def save(self, file: VariableFile, old: str | None, before: Variable | None, edit: VariableEdit) -> None:
        """Write an edit down. Whatever fails on the way, no file names a secret whose value was lost by it."""
        holder, stays = file.holder, edit.variable.secret
        leaves = before is not None and before.secret and (not stays or old != edit.name)
        if (edit.secret is not None or leaves) and not await self.store_open(make=edit.secret is not None):
            self._screen.tell("nothing was saved", warning=True)
            return
        left = self._stored(file, old, before) if leaves else None
        if left is not None and not stays and not await self._may_drop(left):
            return
        if left is not None and stays:
            places = {(holder, left): (holder, edit.name)}
            await self._session.values.move(lambda place, name: places.get((place, name)), copy=True)
        if edit.secret is not None:
            await self._session.values.set(holder, edit.name, edit.secret)
        self.put(file, old, edit.name, edit.variable)
        if left is not None:
            await self._drop_value(file, left)
        if stays and before is not None and before.value:
            self._screen.tell("the value is out of the file; what was committed before stays in git", warning=True)

    # What is asked

    async def edit(
        self, file: VariableFile, old: str | None, before: Variable | None, taken: Entries, kind: Kind | None = None
    ) -> str | None:
        """Ask for all of a variable, new where `old` is None; returns its name."""
        is_secret = old is not None and before is not None and before.secret
        stored = self._session.values.has(file.holder, old or "") if is_secret else False
        edit: VariableEdit | None = None
        while True:
            edit = await self._screen.ask(
                VariableDialog(
                    self._session, file.title, old or "", before, taken, kind=kind, has_value=stored, typed=edit
                )
            )
            if edit is None:
                return None
            if edit.wants_link:
                await self.link(file, old, before, edit.name, edit.variable)
                return edit.name
            try:
                await self.save(file, old, before, edit)
            except HushpostError as error:
                # What was typed, a secret perhaps, is not to be typed again because a disk is full.
                self._screen.show_error(error)
            else:
                return edit.name

    async def link(
        self, file: VariableFile, old: str | None, before: Variable | None, name: str, new: Variable
    ) -> None:
        if before is not None and before.secret and not await self.store_open():
            return
        dropped = self._stored(file, old, before)
        if dropped is not None and not await self._may_drop(dropped):
            return
        linked = await link_variable(self._screen, name, new, lambda linked: self.put(file, old, name, linked))
        if linked is not None and dropped is not None:
            await self._drop_value(file, dropped)

    async def unlink(self, file: VariableFile, name: str, before: Variable) -> None:
        question = f'Forget which secret "{name}" is linked to? It becomes a secret without a value.'
        if await self._screen.ask(ConfirmDialog(self._session, "Unlink", question, yes="Unlink", danger=True)):
            # A plain variable would be an empty text, and that would be sent.
            self.put(file, name, name, msgspec.structs.replace(before, link=None, secret=True))
            self._screen.tell(f'"{name}" is unlinked; s sets a value, l links it to another secret')

    async def rename(self, file: VariableFile, old: str, before: Variable, taken: Entries) -> str | None:
        """Ask for a new name; the stored value follows it."""
        others = set(taken) - {old}
        new = await self._screen.ask(
            AskTextDialog(
                self._session,
                f'Rename "{old}"',
                "New name; templates that use the old one are not changed",
                old,
                problem=lambda text: name_problem(text, others),
                yes="Rename",
            )
        )
        if new is not None and new != old:
            await self.save(file, old, before, VariableEdit(new, before))
        return new

    async def delete(self, file: VariableFile, name: str, before: Variable) -> None:
        too = " with the value in your store" if before.secret else ""
        question = f'Delete "{name}" from "{file.title}"{too}?'
        if not await self._screen.ask(ConfirmDialog(self._session, "Delete", question, yes="Delete", danger=True)):
            return
        if before.secret and not await self.store_open():
            return
        file.change(lambda variables: variables.pop(name, None))
        if before.secret:
            await self._drop_value(file, name)
