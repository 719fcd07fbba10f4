"""The environments mode: the environments of the workspace, and the variables of the one the cursor is on."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from core.errors import FileError, HushpostError
from core.models import VARIABLE_NAME, Environment, Variable, variable
from core.workspace import BASE
from tui import keys
from tui.cures import unlock
from tui.foreign import foreign, visible
from tui.screens.base import SessionScreen
from tui.screens.dialogs import AskTextDialog, ConfirmDialog, PickDialog
from tui.screens.link import link_variable
from tui.screens.secret_details import SecretDetailsScreen
from tui.screens.variable_form import Kind, VariableDialog, VariableEdit
from tui.screens.variable_rows import VARIABLE_COLUMNS, explain, variable_row
from tui.widgets.countdown import Ticker
from tui.widgets.header import COLORS
from tui.widgets.pick_list import Pick
from tui.widgets.rows import Cell, Column, Row, Rows

if TYPE_CHECKING:
    from core.workspace import Workspace

LOOK_AGAIN_S = 2.0
_OTHER = "\n"
NO_VARIABLES = "No variables yet. Press a to add one:\nplain in the file, secret in your store, or linked to a vault."


class EnvironmentsScreen(SessionScreen[None]):
    """An edit reads the file again, changes one place and saves, so that nothing else in it is touched."""

    MODE = "environments"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.bindings(keys.ENVIRONMENTS),
        *keys.plain("left", "side('environments')"),
        *keys.plain("right", "side('variables')"),
    ]

    def compose_body(self) -> ComposeResult:
        self._loaded: Environment | HushpostError = Environment()
        self._stamps: object = None
        columns = (Column("", width=1), Column("", width=1), Column("Environment"), Column("", width=6, from_width=28))
        with Horizontal(id="environments-sides"):
            with Vertical(classes="pane", id="environments-pane") as pane:
                pane.border_title = "Environments"
                yield Rows(columns, titles=False, id="environments")
            with Vertical(classes="pane", id="variables-pane"):
                yield Rows(VARIABLE_COLUMNS, ticker=Ticker(self), id="variables")
                yield Static("", id="variable-more", markup=False)

    def on_mount(self) -> None:
        self.set_interval(LOOK_AGAIN_S, self._look_at_disk)
        self._look(self.session.environment or BASE)
        self._variables.focus()

    def session_resumed(self) -> None:
        if self.is_mounted:
            self._look()

    # What is shown

    @property
    def _environments(self) -> Rows:
        return self.query_one("#environments", Rows)

    @property
    def _variables(self) -> Rows:
        return self.query_one("#variables", Rows)

    @property
    def _workspace(self) -> Workspace:
        workspace = self.session.workspace
        if workspace is None:
            raise HushpostError("no workspace is open", hint="open or create one")
        return workspace

    @property
    def _shown(self) -> str:
        """The environment whose variables are shown."""
        return self._environments.key or BASE

    @property
    def _holder(self) -> str:
        return f"environments/{self._shown}"

    def _stamp(self) -> object:
        workspace = self.session.workspace
        return workspace and [(name, workspace.stamp_environment(name)) for name in workspace.environments()]

    def _look_at_disk(self) -> None:
        """Show what another program changed."""
        if self.is_active and self._stamp() != self._stamps:
            self._look()

    def _look(self, environment: str | None = None) -> None:
        """Read the environments again; the cursor goes to `environment` or stays."""
        if self.session.workspace is None:
            self._environments.show([])
            self._variables.show([], empty="No workspace is open.")
            return
        self._stamps = self._stamp()
        rows = [self._environment_row(name) for name in self._workspace.environments()]
        self._environments.show(rows, key=environment)
        self._look_at_variables()

    def _environment_row(self, name: str) -> Row:
        active = name == (self.session.environment or BASE)
        mark, state = ("*", Cell("active", "strong")) if active else ("", "")
        try:
            loaded = self._workspace.load_environment(name)
        except HushpostError:
            return Row(name, (Cell("!", "bad"), mark, Cell(name, "bad"), Cell("broken", "bad")))
        color = COLORS.get(loaded.color or "", loaded.color or "")
        return Row(name, (Cell("■", color=color) if color else "", mark, name, state))

    def _look_at_variables(self) -> None:
        name = self._shown
        try:
            self._loaded = self._workspace.load_environment(name)
        except HushpostError as error:
            self._loaded = error
        pane = self.query_one("#variables-pane")
        if isinstance(self._loaded, HushpostError):
            pane.border_title = foreign(f"{name}: cannot be used")
            self._variables.show([], empty=self._problem(self._loaded))
            return
        label = self._loaded.name
        pane.border_title = foreign(f"{name}: {label}" if label and label.casefold() != name.casefold() else name)
        rows = [
            variable_row(self.session, self._holder, key, variable(entry))
            for key, entry in self._loaded.variables.items()
        ]
        self._variables.show(rows, empty=NO_VARIABLES)

    def _problem(self, error: HushpostError) -> str:
        if isinstance(error, FileError):
            where = f", at {error.key}" if error.key else ""
            lines = [f"{error.path.name}{where}: {error.message}"]
        else:
            lines = [str(error)]
        lines += [error.hint] if error.hint else []
        return "\n".join(
            [
                *(visible(line) for line in lines),
                "",
                "Mend the file in an editor: it is not written here until it can be read.",
            ]
        )

    @on(Rows.Highlighted, "#environments")
    def _environment_moved(self) -> None:
        if self.session.workspace is not None:
            self._look_at_variables()

    @on(Rows.Highlighted, "#variables")
    def _variable_moved(self) -> None:
        lines: list[str] = []
        found = self._current
        if found is not None:
            lines = explain(self.session, self._holder, *found)
        text = "\n".join(visible(line.replace("\n", "⏎")) for line in lines)
        self.query_one("#variable-more", Static).update(foreign(text, lines=True))
        self.refresh_bindings()

    @on(Rows.Over)
    def _over(self) -> None:
        self._look_at_variables()
        self.hushpost.status_changed()

    @property
    def _current(self) -> tuple[str, Variable] | None:
        """Name and variable under the cursor."""
        key = self._variables.key
        if key is None or isinstance(self._loaded, HushpostError) or key not in self._loaded.variables:
            return None
        return key, variable(self._loaded.variables[key])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted or not self.query("#variables"):
            return True
        in_list = self._environments.has_focus
        name = self._shown
        found = None if in_list else self._current
        match action:
            case "new_environment" | "activate":
                return in_list
            case "copy_environment" | "color":
                return in_list and isinstance(self._loaded, Environment)
            case "rename" | "delete":
                return (name != BASE) if in_list else found is not None
            case "add":
                return not in_list and isinstance(self._loaded, Environment)
            case "edit" | "switch" | "secret" | "link":
                return found is not None
            case "unlink" | "details":
                return found is not None and found[1].link is not None
        return True

    def action_side(self, side: str) -> None:
        self.query_one(f"#{side}").focus()

    # Variables

    def _save(self, environment: str, change: Callable[[dict[str, str | Variable]], None]) -> None:
        """Change the variables in the file as it is now."""
        loaded = self._workspace.load_environment(environment)
        variables = dict(loaded.variables)
        change(variables)
        self._workspace.save_environment(environment, msgspec.structs.replace(loaded, variables=variables))
        self._look()

    def _put(self, environment: str, old: str | None, name: str, new: Variable) -> None:
        """Write one variable, at its old place under its new name, or at the end."""

        def change(variables: dict[str, str | Variable]) -> None:
            entry: str | Variable = new.value if new.value is not None and new == Variable(value=new.value) else new
            if old is None or old not in variables:
                variables[name] = entry
                return
            entries = [(name, entry) if key == old else (key, held) for key, held in variables.items()]
            variables.clear()
            variables.update(entries)

        self._save(environment, change)

    def action_add(self) -> None:
        self.run(lambda: self._edit(None, None))

    def action_edit(self) -> None:
        found = self._current
        if found is not None:
            self.run(lambda: self._edit(*found))

    def action_secret(self) -> None:
        found = self._current
        if found is not None:
            self.run(lambda: self._edit(*found, kind="secret"))

    @on(Rows.Chosen, "#variables")
    def _chosen(self) -> None:
        self.action_edit()

    async def _edit(self, old: str | None, before: Variable | None, kind: Kind | None = None) -> None:
        environment = self._shown
        taken = self._loaded.variables if isinstance(self._loaded, Environment) else {}
        stored = self.session.has_secret(self._holder, old) if old is not None and before and before.secret else False
        dialog = VariableDialog(self.session, environment, old or "", before, taken, kind=kind, has_value=stored)
        edit = await self.ask(dialog)
        if edit is None:
            return
        if edit.wants_link:
            await self._link(environment, old, before, edit.name, edit.variable)
        else:
            await self._store(environment, old, before, edit)
        self._variables.go_to(edit.name)

    async def _store(self, environment: str, old: str | None, before: Variable | None, edit: VariableEdit) -> None:
        """The store first: a file never says that there is a secret which was lost on the way."""
        holder = f"environments/{environment}"
        dropped = old if before is not None and before.secret and not edit.variable.secret else None
        moved = old if before is not None and before.secret and edit.variable.secret and old != edit.name else None
        if (dropped and not await self._may_drop(dropped)) or (
            (edit.secret or dropped or moved) and not await self._store_open(make=edit.secret is not None)
        ):
            self.tell("nothing was saved", warning=True)
            return
        if moved is not None:
            places = {(holder, moved): (holder, edit.name)}
            await self.session.move_secrets(lambda place, name: places.get((place, name)))
        if edit.secret is not None:
            await self.session.set_secret(holder, edit.name, edit.secret)
        self._put(environment, old, edit.name, edit.variable)
        if dropped is not None and self.session.store.exists:
            await self.session.delete_secret(holder, dropped)
        self._look()

    async def _store_open(self, *, make: bool) -> bool:
        """Whether stored values can be changed now; where there is no store there are none, and `make` makes one."""
        store = self.session.store
        return store.unlocked or (not store.exists and not make) or await unlock(self)

    async def _may_drop(self, name: str) -> bool:
        question = f'"{name}" is no longer a secret of your store: the value kept there is deleted.'
        dialog = ConfirmDialog(self.session, "Delete the stored value?", question, yes="Delete", danger=True)
        return await self.ask(dialog) is True

    def action_link(self) -> None:
        found = self._current
        if found is not None:
            name, before = found
            self.run(lambda: self._link(self._shown, name, before, name, before))

    async def _link(self, environment: str, old: str | None, before: Variable | None, name: str, new: Variable) -> None:
        dropped = old if before is not None and before.secret else None
        if dropped is not None and not (await self._may_drop(dropped) and await self._store_open(make=False)):
            return

        def save(linked: Variable) -> None:
            self._put(environment, old, name, linked)

        linked = await link_variable(self, name, new, save)
        if linked is not None and dropped is not None and self.session.store.exists:
            await self.session.delete_secret(f"environments/{environment}", dropped)
        self._look()

    def action_unlink(self) -> None:
        found = self._current
        if found is not None:
            self.run(lambda: self._unlink(*found))

    async def _unlink(self, name: str, before: Variable) -> None:
        question = f'Forget which secret "{name}" is linked to? It becomes a secret without a value.'
        if await self.ask(ConfirmDialog(self.session, "Unlink", question, yes="Unlink", danger=True)):
            # A plain variable would be an empty text, and that would be sent.
            self._put(self._shown, name, name, msgspec.structs.replace(before, link=None, secret=True))
            self.tell(f'"{name}" is unlinked; s sets a value, l links it to another secret')

    def action_switch(self) -> None:
        found = self._current
        if found is not None:
            name, before = found
            new = msgspec.structs.replace(before, enabled=not before.enabled)
            self.attempt(lambda: self._put(self._shown, name, name, new))

    def action_details(self) -> None:
        found = self._current
        if found is not None and found[1].link is not None:
            name, environment = found[0], self._shown
            screen = SecretDetailsScreen(
                self.session, name, found[1], lambda linked: self._put(environment, name, name, linked)
            )
            self.run(lambda: self.ask(screen), lambda _: self._look())

    # What both sides have

    def action_rename(self) -> None:
        if self._environments.has_focus:
            self.run(lambda: self._rename_environment(self._shown))
        elif (found := self._current) is not None:
            self.run(lambda: self._rename(*found))

    def action_delete(self) -> None:
        if self._environments.has_focus:
            self.run(lambda: self._delete_environment(self._shown))
        elif (found := self._current) is not None:
            self.run(lambda: self._delete(*found))

    async def _rename(self, old: str, before: Variable) -> None:
        taken = set(self._loaded.variables) - {old} if isinstance(self._loaded, Environment) else set()
        environment = self._shown
        new = await self.ask(
            AskTextDialog(
                self.session,
                f'Rename "{old}"',
                "Templates that use the old name are not changed",
                old,
                problem=lambda text: name_problem(text, taken),
                yes="Rename",
            )
        )
        if new is not None and new != old:
            await self._store(environment, old, before, VariableEdit(new, before))
            self._variables.go_to(new)

    async def _delete(self, name: str, before: Variable) -> None:
        environment = self._shown
        too = " with the value in your store" if before.secret else ""
        question = f'Delete "{name}" from "{environment}"{too}?'
        if not await self.ask(ConfirmDialog(self.session, "Delete", question, yes="Delete", danger=True)):
            return
        if before.secret and not await self._store_open(make=False):
            return

        def drop(variables: dict[str, str | Variable]) -> None:
            variables.pop(name, None)

        self._save(environment, drop)
        if before.secret and self.session.store.exists:
            await self.session.delete_secret(f"environments/{environment}", name)

    # Environments

    @on(Rows.Chosen, "#environments")
    def _environment_chosen(self) -> None:
        self.action_activate()

    def action_activate(self) -> None:
        name = self._shown
        self.attempt(lambda: self.session.set_environment(name))
        self._look()
        self.hushpost.status_changed()

    def action_new_environment(self) -> None:
        self.run(self._new_environment)

    async def _new_environment(self) -> None:
        label = await self.ask(AskTextDialog(self.session, "New environment", "Name, such as Production"))
        if label is not None:
            self._look(self._workspace.create_environment(label))

    async def _rename_environment(self, old: str) -> None:
        label = self._loaded.name if isinstance(self._loaded, Environment) and self._loaded.name else old
        new = await self.ask(AskTextDialog(self.session, f'Rename "{old}"', "New name", label, yes="Rename"))
        if new is None or not await self._values_open():
            return
        name = self._workspace.rename_environment(old, new)
        await self._follow(old, name)
        if self.session.environment == old:
            self.session.set_environment(name)
        self._look(name)

    def action_copy_environment(self) -> None:
        self.run(lambda: self._copy_environment(self._shown))

    async def _copy_environment(self, old: str) -> None:
        if await self._values_open():
            name = self._workspace.copy_environment(old)
            await self._follow(old, name, copy=True)
            self._look(name)

    async def _delete_environment(self, name: str) -> None:
        question = f'Delete the environment "{name}", its file and its values in your store?'
        if not await self.ask(ConfirmDialog(self.session, "Delete", question, yes="Delete", danger=True)):
            return
        if not await self._values_open():
            return
        secrets = [key for key, entry in self._entries() if entry.secret]
        if self.session.environment == name:
            self.session.set_environment(None)
        self._workspace.delete_environment(name)
        for key in secrets if self.session.store.exists else ():
            await self.session.delete_secret(f"environments/{name}", key)
        self._look()

    def _entries(self) -> list[tuple[str, Variable]]:
        loaded = self._loaded
        return (
            [(key, variable(entry)) for key, entry in loaded.variables.items()]
            if isinstance(loaded, Environment)
            else []
        )

    async def _values_open(self) -> bool:
        """Whether the values of this environment's secrets can follow it."""
        return not any(entry.secret for _, entry in self._entries()) or await self._store_open(make=False)

    async def _follow(self, old: str, new: str, *, copy: bool = False) -> None:
        holders = {f"environments/{old}": f"environments/{new}"}
        if old != new and self.session.store.unlocked:
            await self.session.move_secrets(
                lambda holder, name: (holders[holder], name) if holder in holders else None, copy=copy
            )

    def action_color(self) -> None:
        self.run(lambda: self._color(self._shown))

    async def _color(self, name: str) -> None:
        loaded = self._workspace.load_environment(name)
        picks = [Pick(color, color.capitalize()) for color in COLORS]
        picks += [Pick(_OTHER, "Other…", "#rrggbb"), Pick("", "None")]
        picked = await self.ask(PickDialog(self.session, "Colour", picks, current=loaded.color or ""))
        if picked == _OTHER:
            picked = await self.ask(
                AskTextDialog(self.session, "Colour", "As #rrggbb", loaded.color or "#", problem=_color_problem)
            )
        if picked is not None:
            changed = msgspec.structs.replace(self._workspace.load_environment(name), color=picked or None)
            self._workspace.save_environment(name, changed)
            self._look()
            self.hushpost.status_changed()


def name_problem(text: str, taken: Collection[str]) -> str | None:
    """Why a variable cannot be called this."""
    if not re.fullmatch(VARIABLE_NAME, text):
        return "letters, digits and _ . - only, the first a letter or _"
    return "there is a variable with this name" if text in taken else None


def _color_problem(text: str) -> str | None:
    return None if re.fullmatch("#[0-9A-Fa-f]{6}", text) else "# and six hexadecimal digits are needed"
