"""What the requests screen does with files after a question: new, rename, duplicate, move, delete, save."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING

from core.errors import HushpostError, StoreLocked
from core.models import METHODS, Request
from core.workspace.tree import TreeNode
from tui.keys import keys_of
from tui.open_requests import called
from tui.screens.dialogs import AskTextDialog, ConfirmDialog, PickDialog
from tui.widgets.pick_list import Pick
from tui.widgets.request_tree import TreeRow
from tui.widgets.url_bar import UrlBar

if TYPE_CHECKING:
    from core.workspace.steps import Change
    from core.workspace.workspace import Workspace
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
        await _new(screen, _folder_of(row), folder=what == "new_folder")
    elif what in ("undo", "redo"):
        await _again(screen, back=what == "undo")
    elif row is not None:
        await {"rename": _rename, "duplicate": _duplicate, "move": _move, "delete": _delete}[what](
            screen, workspace, row
        )


def _folder_of(row: TreeRow | None) -> str:
    """Where something new goes: into the folder under the cursor, or beside the request under it."""
    if row is None:
        return ""
    return row.reference if row.folder else row.reference.rpartition("/")[0]


async def _again(screen: RequestsScreen, *, back: bool) -> None:
    changes = screen.session.changes
    change = await _done(screen, changes.undo if back else changes.redo)
    if change is None:
        screen.tell("nothing to undo" if back else "nothing to redo")
    else:
        screen.tell(change.sentence)


async def _done(screen: RequestsScreen, work: Callable[[], Awaitable[Change | None]]) -> Change | None:
    """Change the tree, and all that shows it. Values of secrets go along, so the store may have to be opened first."""
    try:
        change = await work()
    except StoreLocked:
        from tui.cures import unlock

        if not await unlock(screen):
            message = "nothing was changed: values of secrets have to go along, and the store is locked"
            raise HushpostError(message, hint="unlock it and try again") from None
        change = await work()
    if change is not None:
        screen.follow(change)
    return change


async def _new(screen: RequestsScreen, parent: str, *, folder: bool) -> None:
    what = "folder" if folder else "request"
    where = f'Below the folder "{parent}"' if parent else ""
    name = await screen.ask(AskTextDialog(screen.session, f"New {what}", "Name", text=where, yes="Create"))
    if name is None:
        return
    changes = screen.session.changes
    if folder:
        await _done(screen, lambda: changes.create_folder(parent, name))
        return
    change = await _done(screen, lambda: changes.create_request(parent, name, Request(name=name)))
    if change is not None:
        screen.open_request(change.new or "")
        screen.focus_address()


async def _rename(screen: RequestsScreen, _: Workspace, row: TreeRow) -> None:
    what = "folder" if row.folder else "request"
    name = await screen.ask(AskTextDialog(screen.session, f"Rename {what}", "Name", row.label, yes="Rename"))
    if name is None or name == row.label:
        return
    await _done(screen, lambda: screen.session.changes.rename(row.reference, row.label, name))


async def _duplicate(screen: RequestsScreen, _: Workspace, row: TreeRow) -> None:
    if not await _saved_first(screen, row):
        return
    await _done(screen, lambda: screen.session.changes.copy(row.reference, row.label))


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
    await _done(screen, lambda: screen.session.changes.move(row.reference, row.label, folder))


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
        await _done(screen, lambda: screen.session.changes.move(row.reference, row.label, parent, to))


def _children(nodes: tuple[TreeNode, ...], parent: str) -> tuple[TreeNode, ...]:
    if not parent:
        return nodes
    for node in nodes:
        if node.ref == parent:
            return node.children
        if parent.startswith(f"{node.ref}/"):
            return _children(node.children, parent)
    return ()


async def _delete(screen: RequestsScreen, _: Workspace, row: TreeRow) -> None:
    what = f'the folder "{row.label}" with everything in it' if row.folder else f'the request "{row.label}"'
    undo = keys_of("tree.undo", screen.session.settings.keys)
    back = f"\n\nUntil hushpost ends, {undo} in the tree brings it back." if undo else ""
    question = f"Delete {what} from the disk?{back}"
    if await screen.ask(ConfirmDialog(screen.session, "Delete?", question, yes="Delete", danger=True)):
        await _done(screen, lambda: screen.session.changes.delete(row.reference, row.label))


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
    changed = screen.opened.changed_on_disk(reference)
    if changed and screen.opened.is_gone(reference):
        question = f"The file of {called(reference)} is no longer there. Write it anew, with what is here?"
        if not await screen.ask(ConfirmDialog(screen.session, "Gone from the disk", question, yes="Write")):
            return False
    elif changed:
        edited = screen.opened.get(reference)
        picks = [
            Pick("write", "Save mine", "what was written meanwhile is lost"),
            Pick("drop", "Take the file's", "my unsaved edits are lost"),
        ]
        if edited is not None:
            picks.append(Pick("both", "Keep both", "mine becomes a request of its own"))
        text = f"The file of {called(reference)} was changed by another program since it was opened here."
        picked = await screen.ask(PickDialog(screen.session, "Changed on disk", picks, text=text))
        if picked == "both" and edited is not None:
            await _beside(screen, reference, edited)
        elif picked == "drop":
            screen.drop_edits(reference)
        if picked != "write":
            return picked in ("drop", "both")
    screen.write(reference)
    screen.tell(f"saved {called(reference)}")
    return True


async def _beside(screen: RequestsScreen, reference: str, edited: Request) -> None:
    """Make a new request of unsaved edits, and let the old one be as its file is."""
    folder = reference.rpartition("/")[0]
    name = f"{edited.name} (mine)"
    change = await _done(screen, lambda: screen.session.changes.create_request(folder, name, edited))
    if change is not None:
        screen.drop_edits(reference)
        screen.open_request(change.new or "")


async def revert(screen: RequestsScreen, reference: str) -> None:
    if await screen.ask(
        ConfirmDialog(
            screen.session,
            "Revert?",
            f"Throw away the unsaved edits of {called(reference)}?",
            yes="Revert",
            danger=True,
        )
    ):
        screen.drop_edits(reference)


async def ask_unsaved(screen: RequestsScreen, then: Callable[[], object]) -> None:
    """Before the workspace or the app is left: save, throw away, or stay."""
    unsaved = list(screen.edited)
    names = ", ".join(called(one) for one in unsaved[:5]) + (
        f" and {len(unsaved) - 5} more" if len(unsaved) > 5 else ""
    )
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
