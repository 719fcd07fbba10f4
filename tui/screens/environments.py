"""The environments mode: the environments of the workspace, and the variables of the one the cursor is on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from core.errors import HushpostError
from core.mending import broken
from core.models import Environment, Variable, variable
from core.workspace.workspace import BASE
from tui import keys
from tui.environment_color import drawn_color
from tui.foreign import foreign, visible
from tui.screens.base import SessionScreen
from tui.screens.broken_file import told
from tui.screens.environment_files import EnvironmentFiles
from tui.screens.secret_details import SecretDetailsScreen
from tui.screens.variable_edits import EnvironmentVariables, VariableEdits, holder_of
from tui.screens.variable_rows import VARIABLE_COLUMNS, Look, explain, variable_row
from tui.widgets.countdown import Ticker
from tui.widgets.rows import Cell, Column, Row, Rows

if TYPE_CHECKING:
    from core.session import Session
    from core.workspace.workspace import Workspace

LOOK_AGAIN_S = 2.0
NO_VARIABLES = "No variables yet. Press n to add one:\nplain in the file, secret in your store, or linked to a vault."
NO_ENVIRONMENTS = f"{NO_VARIABLES}\n\nAnother environment, such as Production: left, then n."
NOTHING_OF_ITS_OWN = f"{NO_VARIABLES}\n\nWhat is not here holds as base says."


class EnvironmentsScreen(SessionScreen[None]):
    MODE = "environments"
    AUTO_FOCUS = "#variables"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.bindings(keys.ENVIRONMENTS),
        *keys.plain("left", "side('environments')"),
        *keys.plain("right", "side('variables')"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._loaded: Environment | HushpostError = Environment()
        self._stamps: object = None
        self._edits = VariableEdits(self)
        self._files = EnvironmentFiles(self, self._edits)

    def compose_body(self) -> ComposeResult:
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
    def _in_list(self) -> bool:
        return self.focused is self._environments

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
    def _file(self) -> EnvironmentVariables:
        return EnvironmentVariables(self._workspace, self._shown)

    @property
    def _entries(self) -> Mapping[str, str | Variable]:
        return self._loaded.variables if isinstance(self._loaded, Environment) else {}

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
        # The cursor's message reads the variables.
        self._environments.show(rows, key=environment)

    def _environment_row(self, name: str) -> Row:
        active = name == (self.session.environment or BASE)
        mark, state = ("*", Cell("active", "strong")) if active else ("", "")
        try:
            loaded = self._workspace.load_environment(name)
        except HushpostError:
            return Row(name, (Cell("!", "bad"), mark, Cell(name, "bad"), Cell("broken", "bad")))
        color = drawn_color(loaded.color or "")
        return Row(name, (Cell("■", color=color) if color else "", mark, name, state))

    def _look_at_variables(self, variable_name: str | None = None) -> None:
        """Read the variables again; the cursor goes to the one of that name or stays."""
        name = self._shown
        try:
            self._loaded = self._workspace.load_environment(name)
        except HushpostError as error:
            self._loaded = error
        pane = self.query_one("#variables-pane")
        if isinstance(self._loaded, HushpostError):
            pane.border_title = foreign(f"{name}: cannot be used")
            self._variables.show([], empty=self._problem(name, self._loaded))
            return
        label = self._loaded.name
        pane.border_title = foreign(f"{name}: {label}" if label and label.casefold() != name.casefold() else name)
        look = Look(self.session)
        rows = [
            variable_row(look, holder_of(self._shown), key, variable(entry))
            for key, entry in self._loaded.variables.items()
        ]
        alone = len(self._workspace.environments()) == 1
        empty = NOTHING_OF_ITS_OWN if name != BASE else NO_ENVIRONMENTS if alone else NO_VARIABLES
        self._variables.show(rows, key=variable_name, empty=empty)

    def _problem(self, name: str, error: HushpostError) -> str:
        problem = broken(self._workspace.environment_path(name), self.session.paths)
        if problem is None:
            return "\n".join(visible(line) for line in (str(error), error.hint or "") if line)
        lines = [f"{label:6} {visible(text)}" for label, text in told(problem, self._workspace.path)]
        return "\n".join(
            [*lines, "", "Press e to open it in your editor: it is not written here until it can be read."]
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
            lines = explain(self.session, holder_of(self._shown), *found)
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
        return (key, variable(self._entries[key])) if key is not None and key in self._entries else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted or not self.query("#variables"):
            return True
        in_list = self._in_list
        name = self._shown
        found = None if in_list else self._current
        match action:
            case "activate":
                return in_list
            case "new":
                return in_list or isinstance(self._loaded, Environment)
            case "copy_environment" | "color":
                return in_list and isinstance(self._loaded, Environment)
            case "rename" | "delete":
                return (name != BASE) if in_list else found is not None
            case "add":
                return not in_list and isinstance(self._loaded, Environment)
            case "edit":
                return found is not None or not isinstance(self._loaded, Environment)
            case "switch" | "secret" | "link":
                return found is not None
            case "unlink" | "details":
                return found is not None and found[1].link is not None
        return True

    def action_side(self, side: str) -> None:
        self.query_one(f"#{side}").focus()

    # Variables

    def action_add(self) -> None:
        self.run(lambda: self._edits.edit(self._file, None, None, self._entries), self._edited)

    def action_edit(self) -> None:
        if isinstance(self._loaded, HushpostError):
            self._mend(self._shown)
        elif (found := self._current) is not None:
            self.run(lambda: self._edits.edit(self._file, *found, self._entries), self._edited)

    def _mend(self, name: str) -> None:
        """Offer to mend the file of an environment."""

        async def load() -> None:
            self._workspace.load_environment(name)

        self.run(load, lambda _: self._filed(name), failed=lambda _: None)

    def action_secret(self) -> None:
        if (found := self._current) is not None:
            self.run(lambda: self._edits.edit(self._file, *found, self._entries, kind="secret"), self._edited)

    @on(Rows.Chosen, "#variables")
    def _chosen(self) -> None:
        self.action_edit()

    def _edited(self, name: str | None) -> None:
        self._look()
        self._look_at_variables(name)

    def action_link(self) -> None:
        if (found := self._current) is not None:
            name, before = found
            self.run(lambda: self._edits.link(self._file, name, before, name, before), self._edited)

    def action_unlink(self) -> None:
        if (found := self._current) is not None:
            self.run(lambda: self._edits.unlink(self._file, *found), self._edited)

    def action_switch(self) -> None:
        if (found := self._current) is not None:
            name, before = found
            new = msgspec.structs.replace(before, enabled=not before.enabled)
            self.attempt(lambda: self._edits.put(self._file, name, name, new))
            self._look()

    def action_details(self) -> None:
        if (found := self._current) is not None and found[1].link is not None:
            name, file = found[0], self._file
            screen = SecretDetailsScreen(self.session, *found, lambda linked: self._edits.put(file, name, name, linked))
            self.run(lambda: self.ask(screen), lambda _: self._look())

    def action_rename(self) -> None:
        if self._in_list:
            self.run(lambda: self._files.rename(self._shown), self._filed)
        elif (found := self._current) is not None:
            self.run(lambda: self._edits.rename(self._file, *found, self._entries), self._edited)

    def action_delete(self) -> None:
        if self._in_list:
            self.run(lambda: self._files.delete(self._shown), self._filed)
        elif (found := self._current) is not None:
            self.run(lambda: self._edits.delete(self._file, *found), self._edited)

    # Environments

    @on(Rows.Chosen, "#environments")
    def _environment_chosen(self) -> None:
        self.action_activate()

    def action_activate(self) -> None:
        name = self._shown

        async def activate() -> None:
            self.session.set_environment(name)

        self.run(activate, lambda _: self._filed(name))

    def action_new(self) -> None:
        if self._in_list:
            self.run(self._files.create, self._filed)
        else:
            self.action_add()

    def action_copy_environment(self) -> None:
        self.run(lambda: self._files.duplicate(self._shown), self._filed)

    def action_color(self) -> None:
        self.run(lambda: self._files.color(self._shown), self._filed)

    def _filed(self, name: str | None) -> None:
        self._look(name)
        self.hushpost.status_changed()
