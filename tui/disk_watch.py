"""Notices that another program changed the files that the requests mode shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.workspace.tree import Stamp, outdated
from core.workspace.workspace import BASE, Workspace
from tui.open_requests import OpenRequests

LOOK_AGAIN_S = 2.0


class DiskWatch:
    """Asked every few seconds: it looks at as many files as there are folders, and reads none."""

    def __init__(self) -> None:
        self._folders: Mapping[str, int] = {}
        self._around: Sequence[Stamp | None] = ()
        self.overtaken = ""
        """What is open with unsaved edits that began with another file than is there now."""

    def tree_shown(self, workspace: Workspace) -> None:
        """The tree shows what its last look at the disk found."""
        self._folders = workspace.folder_times

    def tree_changed(self) -> bool:
        return outdated(self._folders)

    def open_shown(self, opened: OpenRequests, reference: str, environment: str | None) -> None:
        """What is open is shown with the variables and settings that it takes from other files."""
        self._around = _around(opened.workspace, reference, environment)

    def open_changed(self, opened: OpenRequests, reference: str, environment: str | None) -> bool:
        """Whether the open file, or one that it takes something from, is not what is shown."""
        overtaken = reference if reference and opened.changed_on_disk(reference) else ""
        changed = overtaken != self.overtaken or _around(opened.workspace, reference, environment) != self._around
        self.overtaken = overtaken
        return changed


def _around(workspace: Workspace | None, reference: str, environment: str | None) -> list[Stamp | None]:
    if workspace is None:
        return []
    parts = reference.split("/")[:-1]
    folders = ["/".join(parts[:end]) for end in range(len(parts) + 1)]
    return [
        *(workspace.stamp_folder(folder) for folder in folders),
        *(workspace.stamp_environment(name) for name in {BASE: None, environment or BASE: None}),
    ]
