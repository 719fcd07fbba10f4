"""What the folders above an open request or folder give it, as its editor shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.errors import FileError
from core.models import Folder, InheritAuth
from core.workspace.inheritance import folder_headers
from core.workspace.tree import folder_file, folder_of
from tui.foreign import visible
from tui.open_requests import called
from tui.widgets.struct_rows import AUTH_TYPES, auth_tag
from tui.widgets.tabbed_editor import Inherited

if TYPE_CHECKING:
    from core.workspace.workspace import Workspace

Folders = Sequence[tuple[str, Folder]]


def inherited(workspace: Workspace | None, reference: str) -> Inherited:
    """Nothing where a folder's file cannot be read: whoever needs it is told."""
    try:
        folders = _above(workspace, reference) if workspace is not None else ()
    except FileError:
        return Inherited()
    return Inherited(folder_headers(folders), _auth(folders), _scripts(folders))


def _above(workspace: Workspace, reference: str) -> Folders:
    """The folders from the inside out; a folder is not above itself."""
    folders = workspace.folders_of(reference)
    return folders if folder_of(reference) is None else folders[1:]


def _auth(folders: Folders) -> str:
    for reference, folder in folders:
        if not isinstance(folder.auth, InheritAuth):
            label = dict(AUTH_TYPES)[auth_tag(folder.auth)]
            return visible(f"{label}, from {called(folder_file(reference))}")
    return ""


def _scripts(folders: Folders) -> dict[str, str]:
    found: dict[str, str] = {}
    for reference, folder in folders:
        for field in ("before_request", "after_response"):
            script = getattr(folder.scripts, field)
            if script:
                found.setdefault(field, visible(f"{script}, from {called(folder_file(reference))}"))
    return found
