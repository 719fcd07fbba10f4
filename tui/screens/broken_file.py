"""A file that cannot be read: where and why, opening it in the person's own editor, and reading it again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from core.mending import Broken, broken
from tui import keys
from tui.foreign import foreign, visible
from tui.screens.base import SessionDialog
from tui.screens.dialogs import DialogButton
from tui.screens.work_dialog import StatusLine
from tui.terminal.outside import open_outside
from tui.widgets.footer import KeyFooter

if TYPE_CHECKING:
    from core.session import Session


def told(problem: Broken, root: Path = Path("/")) -> list[tuple[str, str]]:
    """What is known of it, as pairs of label and text; its path is shown from `root` on."""
    file = problem.path.relative_to(root) if root != Path("/") else problem.path
    rows = [("File", str(file)), ("Line", str(problem.line or "")), ("Key", problem.key)]
    return [(label, text) for label, text in (*rows, ("Error", problem.message), ("", problem.hint)) if text]


class BrokenFileDialog(SessionDialog[bool]):
    """True as soon as the file can be read again; it is not written before."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.BROKEN), *keys.bindings(keys.DIALOG)]

    def __init__(self, session: Session, problem: Broken) -> None:
        super().__init__(session)
        self._problem = problem

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as box:
            box.border_title = foreign(f"{self._problem.path.name} cannot be read")
            yield Static(self._text(), id="broken", classes="dialog-text")
            yield StatusLine()
            with Horizontal(classes="dialog-buttons"):
                yield DialogButton("Open in editor", id="edit")
                yield DialogButton("Read again", id="again")
                yield DialogButton("Close", id="no")
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one("#edit").focus()

    def _text(self) -> Content:
        lines = [
            Content.assemble(Content.styled(f"{label:6} ", "$text-muted"), foreign(self.session.redact(text)))
            for label, text in told(self._problem)
        ]
        rest = "Nothing is lost: the file is not written here until it can be read again."
        return Content("\n").join([*lines, Content(""), Content(rest)])

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        match event.button.id:
            case "edit":
                self.action_edit()
            case "again":
                self.action_again()
            case _:
                self.action_cancel()

    def action_edit(self) -> None:
        def edit() -> bool:
            open_outside(self.app, self.session, self._problem.path)
            return True

        if self.attempt(edit):
            self.action_again()

    def action_again(self) -> None:
        """Look at the file as it is now."""
        problem = broken(self._problem.path, self.session.paths)
        if problem is None:
            self.tell(f'"{visible(self._problem.path.name)}" can be read again')
            self.dismiss(True)
            return
        same, self._problem = problem == self._problem, problem
        self.query_one("#broken", Static).update(self._text())
        self.query_one(StatusLine).problem("it still cannot be read" if same else "something else is wrong with it now")
