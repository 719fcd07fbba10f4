"""The settings of a folder in tabs: what the requests below it inherit, and its label."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Input, Static

from core.models import Folder, Scripts
from tui.foreign import foreign
from tui.widgets.line_input import LineInput
from tui.widgets.names import Names
from tui.widgets.script_table import ScriptTable
from tui.widgets.tabbed_editor import Inherited, TabbedEditor
from tui.widgets.variable_table import Describe


class FolderEditor(TabbedEditor[Folder]):
    """Posts `Edited` with the whole folder at each change."""

    DEFAULT_CSS = "FolderEditor > #folder-title { height: 1; padding: 0 1; background: $surface; }"
    TABS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("headers", "Headers"),
        ("auth", "Auth"),
        ("vars", "Vars"),
        ("scripts", "Scripts"),
        ("info", "Info"),
    )

    def __init__(self, names: Callable[[], Names], describe: Describe, *, id: str | None = None) -> None:
        super().__init__(Folder(), names, describe, id=id)
        self._path = ""
        self._title = Static("", id="folder-title", markup=False)

    def compose(self) -> ComposeResult:
        yield self._title
        yield from super().compose()

    @property
    def folder(self) -> Folder:
        return self._document

    def show(self, folder: Folder, path: str, inherited: Inherited) -> None:
        """Show another folder, no edit; `path` is the one of its file."""
        self._path = path
        name = path.removesuffix("/folder.toml")
        whose = "all requests" if name == "requests" else f'the requests in "{name.removeprefix("requests/")}"'
        self._title.update(foreign(f"What {whose} inherit"))
        self.show_document(folder, inherited)

    def _make(self, tab: str) -> Widget:
        match tab:
            case "scripts":
                return Container(ScriptTable(id="scripts"), classes="tab")
            case "info":
                return Container(
                    Static("Name", classes="info-label"),
                    LineInput(id="folder-name", classes="info-name"),
                    Static("", id="folder-file", classes="info-label", markup=False),
                    classes="tab",
                )
            case _:
                return super()._make(tab)

    def _put(self, tab: str, part: Widget) -> None:
        match tab:
            case "scripts":
                part.query_one(ScriptTable).show(self._document.scripts, self._inherited.scripts)
            case "info":
                name = part.query_one("#folder-name", LineInput)
                with name.prevent(Input.Changed):
                    name.value = self._document.name
                part.query_one("#folder-file", Static).update(foreign(self._path))
            case _:
                super()._put(tab, part)

    def _read(self, tab: str, part: Widget) -> dict[str, Any]:
        match tab:
            case "scripts":
                return {"scripts": part.query_one(ScriptTable).scripts}
            case "info":
                return {"name": part.query_one("#folder-name", LineInput).value}
            case _:
                return super()._read(tab, part)

    def _counts(self) -> dict[str, str]:
        scripts = self._document.scripts
        return {
            **self._shared_counts(),
            "scripts": str(sum((scripts.before_request is not None, scripts.after_response is not None)) or "")
            if scripts != Scripts()
            else "",
        }
