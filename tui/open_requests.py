"""The requests and folders of a workspace that were opened: each as on disk, as edited, and its last answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec.structs import replace

from core.errors import FileError
from core.exchange import Exchange
from core.models import Folder, Request, Variable
from core.workspace.tree import Stamp, folder_of
from core.workspace.workspace import Workspace

T = TypeVar("T")

MOST_ANSWERS = 200
MOST_ANSWERED = 64 * 1024 * 1024
"""Bytes of bodies; older answers are in the history."""

RequestOrFolder = Request | Folder
Change = Callable[[dict[str, str | Variable]], object]
"""Of the variables of a file, in place."""


def in_tree(reference: str) -> str:
    """The row of the tree that stands for it; none does for the folder of all requests."""
    folder = folder_of(reference)
    return reference if folder is None else folder


def called(reference: str) -> str:
    """What a request or folder is called in a sentence."""
    folder = folder_of(reference)
    return f'"{reference}"' if folder is None else f'folder "{folder or "requests"}"'


class OpenRequests:
    """Edits stay here until they are saved or thrown away, so looking at another request loses none.

    Everything goes by reference, the path below `requests/` without `.toml`; a folder's is `folder_file`.
    """

    def __init__(self, workspace: Workspace | None) -> None:
        self.workspace = workspace
        self._disk: dict[str, tuple[RequestOrFolder, Stamp | None]] = {}
        self._edits: dict[str, RequestOrFolder] = {}
        self.answers: dict[str, Exchange] = {}
        self.sent: dict[str, Request] = {}
        """What each answer is the answer of."""

    @property
    def edited(self) -> tuple[str, ...]:
        """References with unsaved edits."""
        return tuple(self._edits)

    def get(self, reference: str) -> Request | None:
        """The request as edited, None for one that is not open."""
        document = self.document(reference)
        return document if isinstance(document, Request) else None

    def folder(self, reference: str) -> Folder | None:
        """The folder as edited, by the reference of its file; None for one that is not open."""
        document = self.document(reference)
        return document if isinstance(document, Folder) else None

    def document(self, reference: str) -> RequestOrFolder | None:
        disk = self._disk.get(reference)
        return self._edits.get(reference) or (disk[0] if disk is not None else None)

    def saved_variables(self, reference: str) -> Mapping[str, str | Variable]:
        """As on disk, as far as that is known."""
        disk = self._disk.get(reference)
        return disk[0].variables if disk is not None else {}

    def load(self, reference: str) -> None:
        """Read the file, unless there are unsaved edits. Raises FileError."""
        if self.workspace is not None and reference not in self._edits:
            self._disk[reference] = self._on_disk(self.workspace, reference)

    def edit(self, reference: str, document: RequestOrFolder) -> None:
        disk = self._disk.get(reference)
        if disk is not None and document == disk[0]:
            self._edits.pop(reference, None)
        else:
            self._edits[reference] = document

    def drop_edits(self, reference: str) -> None:
        self._edits.pop(reference, None)

    def save(self, reference: str) -> None:
        """Write the edits, whatever is in the file by now."""
        document = self._edits.get(reference)
        if self.workspace is None or document is None:
            return
        folder = folder_of(reference)
        if isinstance(document, Folder) and folder is not None:
            document = self._in_order(self.workspace, folder, document)
        self._write(self.workspace, reference, document)
        self._disk[reference] = (document, self._stamp(self.workspace, reference))
        del self._edits[reference]

    def change_variables(self, reference: str, change: Change) -> None:
        """Change the variables in the file at once, and in the edits, whose other parts stay unsaved."""
        if self.workspace is None:
            return
        conflict = self.changed_on_disk(reference)
        before = self._disk.get(reference)
        on_disk, _ = self._on_disk(self.workspace, reference)
        written = _with_variables(on_disk, change)
        self._write(self.workspace, reference, written)
        edits = self._edits.get(reference)
        if edits is not None:
            self._edits[reference] = _with_variables(edits, change)
        if edits is not None and conflict and before is not None:
            # Still another file than the one the edits began with: saving them asks.
            return
        self._disk[reference] = (written, self._stamp(self.workspace, reference))
        if edits is not None:
            self.edit(reference, self._edits[reference])

    def answered(self, reference: str, exchange: Exchange) -> None:
        """Keep the last answer of a request; the oldest of others go when they are too many."""
        self.answers.pop(reference, None)
        self.answers[reference] = exchange
        size = sum(one.response.body.size for one in self.answers.values())
        while len(self.answers) > MOST_ANSWERS or (size > MOST_ANSWERED and len(self.answers) > 1):
            oldest = next(iter(self.answers))
            size -= self.answers.pop(oldest).response.body.size

    def changed_on_disk(self, reference: str) -> bool:
        """Another program wrote or deleted the file since it was read or saved here."""
        disk, workspace = self._disk.get(reference), self.workspace
        if workspace is None or disk is None or self._stamp(workspace, reference) == disk[1]:
            return False
        folder = folder_of(reference)
        if folder is None or not isinstance(disk[0], Folder) or self.is_gone(reference):
            return True
        try:
            return workspace.load_folder(folder) != self._in_order(workspace, folder, disk[0])
        except FileError:
            return True

    def is_gone(self, reference: str) -> bool:
        """A folder without a file of its own is there all the same."""
        if self.workspace is None:
            return False
        folder = folder_of(reference)
        if folder is not None:
            return bool(folder) and not self.workspace.folder_path(folder).parent.is_dir()
        return self.workspace.stamp(reference) is None

    def at_or_below(self, reference: str) -> list[str]:
        """What is open of a request, or of a folder."""
        known = dict.fromkeys([*self._disk, *self._edits, *self.answers])
        return [one for one in known if one == reference or one.startswith(f"{reference}/")]

    def forget(self, reference: str) -> None:
        for kept in (self._disk, self._edits, self.answers, self.sent):
            kept.pop(reference, None)

    def follow_label(self, reference: str) -> None:
        """The request or folder has another name in its file: unsaved edits go on from there, whatever else they
        change."""
        disk, edit = self._disk.get(reference), self._edits.get(reference)
        if self.workspace is None or disk is None or edit is None:
            return
        now, stamp = self._on_disk(self.workspace, reference)
        if now.name != disk[0].name and replace(now, name=disk[0].name) == disk[0]:
            self._disk[reference] = (now, stamp)
            self.edit(reference, replace(edit, name=now.name))

    def set_aside(self, reference: str) -> dict[str, RequestOrFolder]:
        """Forget what is open of a request or folder that is gone; returns its unsaved edits, by what follows the
        reference."""
        below = self.at_or_below(reference)
        edits = {one[len(reference) :]: self._edits[one] for one in below if one in self._edits}
        for one in below:
            self.forget(one)
        return edits

    def bring_back(self, reference: str, edits: Mapping[str, RequestOrFolder]) -> None:
        """It is there again, perhaps elsewhere, and its unsaved edits with it."""
        for rest, document in edits.items():
            self.load(reference + rest)
            self.edit(reference + rest, document)

    def move(self, old: str, new: str) -> None:
        """A request or folder has another reference now: what is kept of it goes along."""

        def follow(kept: dict[str, T]) -> None:
            for reference in [one for one in kept if one == old or one.startswith(f"{old}/")]:
                kept[new + reference[len(old) :]] = kept.pop(reference)

        follow(self._disk)
        follow(self._edits)
        follow(self.answers)
        follow(self.sent)

    # Files

    def _on_disk(self, workspace: Workspace, reference: str) -> tuple[RequestOrFolder, Stamp | None]:
        stamp = self._stamp(workspace, reference)
        folder = folder_of(reference)
        return (workspace.load_request(reference) if folder is None else workspace.load_folder(folder)), stamp

    def _stamp(self, workspace: Workspace, reference: str) -> Stamp | None:
        folder = folder_of(reference)
        return workspace.stamp(reference) if folder is None else workspace.stamp_folder(folder)

    def _in_order(self, workspace: Workspace, folder: str, document: Folder) -> Folder:
        """With the order that stands in the file: it is the tree's, which may have changed it since."""
        try:
            return replace(document, order=workspace.load_folder(folder).order)
        except FileError:
            return document

    def _write(self, workspace: Workspace, reference: str, document: RequestOrFolder) -> None:
        folder = folder_of(reference)
        if isinstance(document, Request):
            workspace.save_request(reference, document)
        elif folder is not None:
            workspace.save_folder(folder, document)


def _with_variables(
    document: RequestOrFolder, change: Callable[[dict[str, str | Variable]], object]
) -> RequestOrFolder:
    variables = dict(document.variables)
    change(variables)
    return replace(document, variables=variables)
