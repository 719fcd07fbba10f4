"""The variables of an open request or folder: the same flows as an environment's, beside edits that are not saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.models import Variable, variable
from core.workspace.tree import folder_of
from tui.foreign import visible
from tui.open_requests import OpenRequests, called
from tui.screens.variable_edits import VariableEdits
from tui.screens.variable_rows import explain, shown_value

if TYPE_CHECKING:
    from core.session import Session
    from tui.screens.open_request import RequestScreen


def holder_of(reference: str) -> str:
    """The file as the credential store keys values."""
    folder = folder_of(reference)
    return f"requests/{reference if folder is None else folder}".rstrip("/")


class DocumentVariables:
    """What changes here is in the file at once, since values in the store change with it; other edits stay unsaved."""

    def __init__(self, opened: OpenRequests, reference: str) -> None:
        self._opened = opened
        self._reference = reference
        self.holder = holder_of(reference)
        self.title = self.holder

    def change(self, change: Callable[[dict[str, str | Variable]], object]) -> None:
        self._opened.change_variables(self._reference, change)


def described(session: Session, reference: str, name: str, entry: Variable) -> tuple[str, str]:
    """What a row shows of a hidden value, and what is said of the variable."""
    holder = holder_of(reference)
    lines = explain(session, holder, name, entry)
    return shown_value(session, holder, name, entry), " · ".join(visible(line.replace("\n", " ")) for line in lines)


async def change(screen: RequestScreen, what: str, name: str) -> None:
    """Do what a key asks for at a variable of what is open."""
    reference, opened = screen.reference, screen.opened
    document = opened.document(reference)
    if document is None or name not in document.variables:
        return
    before = variable(document.variables[name])
    file, edits, taken = DocumentVariables(opened, reference), VariableEdits(screen), document.variables
    match what:
        case "edit":
            await edits.edit(file, name, before, taken)
        case "secret":
            await edits.edit(file, name, before, taken, kind="secret")
        case "link":
            await edits.link(file, name, before, name, before)
        case "unlink":
            await edits.unlink(file, name, before)
        case "rename":
            await edits.rename(file, name, before, taken)
        case "delete":
            await edits.delete(file, name, before)
        case "details":
            from tui.screens.secret_details import SecretDetailsScreen

            await screen.ask(
                SecretDetailsScreen(screen.session, name, before, lambda linked: edits.put(file, name, name, linked))
            )
    if opened.document(reference) != document:
        screen.tell(f"the variables of {called(reference)} are saved")
    screen.variables_changed()
