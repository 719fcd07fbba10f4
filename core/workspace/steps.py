"""One change of the request tree, and what it takes to go from one side of it to the other with nothing overwritten."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from core.errors import FileError
from core.structs import Struct
from core.toml import file as tomlfile
from core.workspace import arrange
from core.workspace.trash import Kept, files_below

if TYPE_CHECKING:
    from core.workspace.workspace import Workspace

Fingerprint = Sequence[tuple[str, bytes]]
What = Literal["create", "copy", "rename", "move", "order", "delete"]

_DONE = {
    "create": 'made "{label}"',
    "copy": 'duplicated "{label}"',
    "rename": 'renamed "{label}" to "{other}"',
    "move": 'moved "{label}" to "{folder}"',
    "order": 'moved "{label}"',
    "delete": 'deleted "{label}"',
}
_UNDONE = {
    "create": 'took back the new "{label}"',
    "copy": 'took back the copy "{label}"',
    "rename": 'renamed "{other}" back to "{label}"',
    "move": 'moved "{label}" back to "{folder}"',
    "order": 'moved "{label}" back to its place',
    "delete": 'brought "{label}" back to "{folder}"',
}


class Change(Struct, frozen=True):
    """What happened to the tree; a reference is None on the side on which there is nothing."""

    sentence: str
    old: str | None
    new: str | None
    step: int
    """The same when the change is undone and done again."""


class Listing(Struct, frozen=True):
    """A `folder.toml` before and after, of a folder in which something changed its place."""

    files: tuple[bytes | None, bytes | None]
    orders: tuple[Sequence[str], Sequence[str]]


class Label(Struct, frozen=True):
    """A label as it stands in the file that holds it; None for a file that cannot be read."""

    data: bytes | None
    name: str | None


class Step(msgspec.Struct):
    number: int
    what: What
    label: str
    old: str | None
    new: str | None
    is_folder: bool
    listings: Mapping[str, Listing]
    labels: tuple[Label, Label] | None = None
    """Of a rename, before and after."""
    other: str = ""
    """How it is called after."""
    kept: Kept | None = None
    made: Fingerprint | None = None
    """The files as they were made, to see whether anything was done with them since."""

    def sentence(self, *, back: bool) -> str:
        to = self.old if back else self.new
        folder = (to or "").rpartition("/")[0] or "requests"
        return (_UNDONE if back else _DONE)[self.what].format(label=self.label, other=self.other, folder=folder)


class Stale(FileError):
    """The change cannot be taken back, now or later."""


def source(workspace: Workspace, ref: str, step: Step, labels: tuple[Label, Label] | None) -> Path:
    path = arrange.path_of(workspace, ref, step.is_folder)
    if not path.exists() and not path.is_symlink():
        raise Stale("is not there any more, so this change cannot be undone", path=path)
    if step.made is not None and fingerprint(path) != step.made:
        raise Stale("was changed since it was made", path=path, hint="d deletes it, which can be undone too")
    if labels is not None and label_of(workspace, ref).name != labels[0].name:
        raise Stale("was renamed by another program since", path=path, hint="r renames it")
    return path


def target(workspace: Workspace, ref: str, here: str | None, step: Step) -> Path:
    path = arrange.path_of(workspace, ref, step.is_folder)
    if not path.parent.is_dir():
        raise FileError("is not there any more", path=path.parent, hint="make the folder again, then undo")
    stem = ref.rpartition("/")[2]
    taken = arrange.taken(workspace, parent(ref))
    if here is not None and parent(here) == parent(ref):
        own = here.rpartition("/")[2]
        taken -= {own, f"{own}.toml"}
    if stem in taken:
        raise FileError("is taken by another request or folder", path=path, hint="rename that one, then undo")
    return path


def relist(workspace: Workspace, folder: str, listing: Listing, *, back: bool) -> bool:
    """Give a folder the order it had; False where its order is not the one that the change left."""
    path = workspace.folder_path(folder)
    is_now, shall_be = listing.orders[::-1] if back else listing.orders
    try:
        if not path.parent.is_dir():
            return False
        if _swap(path, *(listing.files[::-1] if back else listing.files)):
            return True
        own = workspace.load_folder(folder)
        if tuple(own.order) != tuple(is_now):
            return False
        workspace.save_folder(folder, msgspec.structs.replace(own, order=tuple(shall_be)))
    except FileError:
        return False
    return True


def _swap(path: Path, is_now: bytes | None, shall_be: bytes | None) -> bool:
    """Write a file's other content, if it still has this one."""
    if tomlfile.read_bytes(path) != is_now:
        return False
    if shall_be is None:
        arrange.remove(path)
    elif shall_be != is_now:
        tomlfile.write_atomic(path, shall_be)
    return True


def listings(workspace: Workspace, folders: Sequence[str]) -> dict[str, Listing]:
    return {folder: _listing(workspace, folder) for folder in folders}


def _listing(workspace: Workspace, folder: str) -> Listing:
    try:
        order = workspace.load_folder(folder).order
        data = tomlfile.read_bytes(workspace.folder_path(folder))
    except FileError:
        order, data = (), None
    return Listing((data, data), (order, order))


def paired(workspace: Workspace, before: Mapping[str, Listing]) -> Mapping[str, Listing]:
    """With what the files are now; only those that changed."""
    pairs = {}
    for folder, old in before.items():
        new = _listing(workspace, folder)
        if new.files[1] != old.files[0]:
            pairs[folder] = msgspec.structs.replace(
                old, files=(old.files[0], new.files[1]), orders=(old.orders[0], new.orders[1])
            )
    return pairs


def label_of(workspace: Workspace, ref: str) -> Label:
    is_folder = arrange.is_folder_at(workspace, ref)
    try:
        name = (workspace.load_folder(ref) if is_folder else workspace.load_request(ref)).name
        return Label(tomlfile.read_bytes(_label_file(workspace, ref, is_folder)), name)
    except FileError:
        return Label(None, None)


def relabel(workspace: Workspace, ref: str, is_folder: bool, is_now: Label, shall_be: Label) -> None:
    """The file as it was, to the letter, unless it was edited in between: then its label alone."""
    name = shall_be.name
    if name is not None and not _swap(_label_file(workspace, ref, is_folder), is_now.data, shall_be.data):
        arrange.relabel(workspace, ref, lambda _: name, is_folder)


def _label_file(workspace: Workspace, ref: str, is_folder: bool) -> Path:
    return workspace.folder_path(ref) if is_folder else workspace.request_path(ref)


def fingerprint(path: Path) -> Fingerprint:
    """What stands in the files at or below a path; a link for where it leads."""
    found = []
    try:
        for name, status in files_below(path):
            file = path / name if name else path
            data = os.fsencode(file.readlink()) if stat.S_ISLNK(status.st_mode) else file.read_bytes()
            found.append((name, hashlib.blake2b(data, digest_size=16).digest()))
    except OSError as error:
        raise FileError(f"cannot be read: {tomlfile.reason(error)}", path=path) from error
    return sorted(found)


def parent(ref: str) -> str:
    return ref.rpartition("/")[0]
