"""What the requests screen does with files after a question: new, rename, duplicate, move, delete, save."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from core.models import METHODS, Request
from core.tree import TreeNode
from tui.screens.dialogs import AskTextDialog, ConfirmDialog, PickDialog
from tui.widgets.pick_list import Pick
from tui.widgets.request_tree import TreeRow
from tui.widgets.url_bar import UrlBar

if TYPE_CHECKING:
    from core.workspace import Workspace
    from tui.screens.requests import RequestsScreen

_ROOT = "requests"
"""What the folder of the whole tree is called in a list."""
_OTHER = "\n"


async def change(screen: RequestsScreen, what: str, row: TreeRow | None) -> None:
    """Do what a key of the tree asks for at a row."""
    workspace = screen.session.workspace
    if workspace is None:
        return
    if what in ("new", "new_folder"):
        await _new(screen, workspace, _folder_of(row), folder=what == "new_folder")
    elif row is not None:
        await {"rename": _rename, "duplicate": _duplicate, "move": _move, "delete": _delete}[what](
            screen, workspace, row
        )


def _folder_of(row: TreeRow | None) -> str:
    """Where something new goes: into the folder under the cursor, or beside the request under it."""
    if row is None:
        return ""
    return row.reference if row.folder else row.reference.rpartition("/")[0]


async def _new(screen: RequestsScreen, workspace: Workspace, parent: str, *, folder: bool) -> None:
    what = "folder" if folder else "request"
    name = await screen.ask(AskTextDialog(screen.session, f"New {what}", f'Name, in "{parent or _ROOT}"', yes="Create"))
    if name is None:
        return
    if folder:
        reference = workspace.create_folder(parent, name)
        screen.show_tree(select=reference)
        return
    reference = workspace.create_request(parent, name, Request(name=name))
    screen.show_tree(select=reference)
    screen.open_request(reference)
    screen.focus_address()


async def _rename(screen: RequestsScreen, workspace: Workspace, row: TreeRow) -> None:
    what = "folder" if row.folder else "request"
    name = await screen.ask(AskTextDialog(screen.session, f"Rename {what}", "Name", row.label, yes="Rename"))
    if name is None or name == row.label:
        return
    if not await _saved_first(screen, row):
        return
    reference = workspace.rename(row.reference, name)
    screen.moved(row.reference, reference)
    screen.show_tree(select=reference)


async def _duplicate(screen: RequestsScreen, workspace: Workspace, row: TreeRow) -> None:
    if not await _saved_first(screen, row):
        return
    reference = workspace.copy(row.reference)
    screen.show_tree(select=reference)


async def _move(screen: RequestsScreen, workspace: Workspace, row: TreeRow) -> None:
    parent = row.reference.rpartition("/")[0]
    picks = [
        Pick(reference, reference or _ROOT, "it is here" if reference == parent else "")
        for reference in ("", *_folders(workspace.tree()))
        if not (row.folder and (reference == row.reference or reference.startswith(f"{row.reference}/")))
    ]
    folder = await screen.ask(PickDialog(screen.session, f'Move "{row.label}" to', picks, current=parent))
    if folder is None or folder == parent:
        return
    if not await _saved_first(screen, row):
        return
    reference = workspace.move(row.reference, folder)
    screen.moved(row.reference, reference)
    screen.show_tree(select=reference)


def _folders(nodes: tuple[TreeNode, ...]) -> Iterator[str]:
    for node in nodes:
        if node.kind == "folder":
            yield node.ref
            yield from _folders(node.children)


async def shift(screen: RequestsScreen, row: TreeRow, by: int) -> None:
    """Move a request or folder up or down among its neighbours."""
    workspace = screen.session.workspace
    if workspace is None:
        return
    parent = row.reference.rpartition("/")[0]
    neighbours = [node.ref for node in _children(workspace.tree(), parent)]
    to = neighbours.index(row.reference) + by if row.reference in neighbours else -1
    if 0 <= to < len(neighbours):
        workspace.move(row.reference, parent, to)
        screen.show_tree(select=row.reference)


def _children(nodes: tuple[TreeNode, ...], parent: str) -> tuple[TreeNode, ...]:
    if not parent:
        return nodes
    for node in nodes:
        if node.ref == parent:
            return node.children
        if parent.startswith(f"{node.ref}/"):
            return _children(node.children, parent)
    return ()


async def _delete(screen: RequestsScreen, workspace: Workspace, row: TreeRow) -> None:
    what = f'the folder "{row.label}" with everything in it' if row.folder else f'the request "{row.label}"'
    unsaved = [one for one in screen.edited if one == row.reference or one.startswith(f"{row.reference}/")]
    more = "\n\nUnsaved edits in it are lost too." if unsaved else ""
    if await screen.ask(
        ConfirmDialog(screen.session, "Delete?", f"Delete {what} from the disk?{more}", yes="Delete", danger=True)
    ):
        workspace.delete(row.reference)
        screen.deleted(row.reference)
        screen.show_tree()


async def _saved_first(screen: RequestsScreen, row: TreeRow) -> bool:
    """Save unsaved edits before a file changes its place; False where the person would rather not."""
    unsaved = [one for one in screen.edited if one == row.reference or one.startswith(f"{row.reference}/")]
    if not unsaved:
        return True
    agreed = await screen.ask(
        ConfirmDialog(
            screen.session, "Save first?", f'"{row.label}" has unsaved edits. They are saved first.', yes="Save"
        )
    )
    if agreed:
        for reference in unsaved:
            screen.write(reference)
    return bool(agreed)


async def save(screen: RequestsScreen, reference: str) -> bool:
    """Save one request; asks when its file was changed by something else since it was opened."""
    if screen.opened.changed_on_disk(reference):
        picked = await screen.ask(
            PickDialog(
                screen.session,
                "Changed on disk",
                [
                    Pick("write", "Save mine", "what was written meanwhile is lost"),
                    Pick("drop", "Take the file's", "my unsaved edits are lost"),
                ],
                text=f'The file of "{reference}" was changed by another program since it was opened here.',
            )
        )
        if picked == "drop":
            screen.drop_edits(reference)
        if picked != "write":
            return picked == "drop"
    screen.write(reference)
    screen.tell(f'saved "{reference}"')
    return True


async def revert(screen: RequestsScreen, reference: str) -> None:
    if await screen.ask(
        ConfirmDialog(
            screen.session, "Revert?", f'Throw away the unsaved edits of "{reference}"?', yes="Revert", danger=True
        )
    ):
        screen.drop_edits(reference)


async def ask_unsaved(screen: RequestsScreen, then: Callable[[], object]) -> None:
    """Before the workspace or the app is left: save, throw away, or stay."""
    unsaved = list(screen.edited)
    names = ", ".join(f'"{one}"' for one in unsaved[:5]) + (f" and {len(unsaved) - 5} more" if len(unsaved) > 5 else "")
    picked = await screen.ask(
        PickDialog(
            screen.session,
            "Unsaved edits",
            [
                Pick("save", "Save all"),
                Pick("drop", "Throw them away"),
                Pick("stay", "Stay here"),
            ],
            text=f"Not saved: {names}.",
        )
    )
    if picked not in ("save", "drop"):
        return
    for reference in unsaved:
        if picked == "drop":
            screen.drop_edits(reference)
        elif not await save(screen, reference):
            return
    then()


async def choose_method(screen: RequestsScreen, bar: UrlBar) -> None:
    picks = [Pick(method, method) for method in METHODS]
    picks.append(Pick(_OTHER, "Another…", "any token that HTTP allows"))
    picked = await screen.ask(PickDialog(screen.session, "Method", picks, current=bar.method.method))
    if picked == _OTHER:
        picked = await screen.ask(
            AskTextDialog(screen.session, "Method", "Any token", bar.method.method, problem=_method_problem)
        )
    if picked is not None:
        bar.choose(picked.strip())


def _method_problem(text: str) -> str | None:
    import msgspec

    try:
        msgspec.convert({"method": text}, Request)
    except msgspec.ValidationError:
        return "a method has letters, digits and !#$%&'*+.^_`|~- only, 64 at most"
    return None
