"""The requests of a workspace that were opened: each as on disk, as edited, and its last answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from msgspec.structs import replace

from core.exchange import Exchange
from core.models import Request
from core.tree import Stamp
from core.workspace import Workspace

T = TypeVar("T")


class OpenRequests:
    """Edits stay here until they are saved or thrown away, so looking at another request loses none.

    Everything goes by reference, the path below `requests/`.
    """

    def __init__(self, workspace: Workspace | None) -> None:
        self.workspace = workspace
        self._disk: dict[str, tuple[Request, Stamp | None]] = {}
        self._edits: dict[str, Request] = {}
        self.answers: dict[str, Exchange] = {}
        self.sent: dict[str, Request] = {}
        """What each answer is the answer of."""

    @property
    def edited(self) -> tuple[str, ...]:
        """References with unsaved edits."""
        return tuple(self._edits)

    def get(self, reference: str) -> Request | None:
        """The request as edited, None for one that is not open."""
        disk = self._disk.get(reference)
        return self._edits.get(reference) or (disk[0] if disk is not None else None)

    def load(self, reference: str) -> None:
        """Read the file, unless there are unsaved edits. Raises FileError."""
        if self.workspace is not None and reference not in self._edits:
            stamp = self.workspace.stamp(reference)
            self._disk[reference] = (self.workspace.load_request(reference), stamp)

    def edit(self, reference: str, request: Request) -> None:
        disk = self._disk.get(reference)
        if disk is not None and request == disk[0]:
            self._edits.pop(reference, None)
        else:
            self._edits[reference] = request

    def drop_edits(self, reference: str) -> None:
        self._edits.pop(reference, None)

    def save(self, reference: str) -> None:
        """Write the edits, whatever is in the file by now."""
        request = self._edits.get(reference)
        if self.workspace is None or request is None:
            return
        self.workspace.save_request(reference, request)
        self._disk[reference] = (request, self.workspace.stamp(reference))
        del self._edits[reference]

    def changed_on_disk(self, reference: str) -> bool:
        """Another program wrote or deleted the file since it was read or saved here."""
        disk = self._disk.get(reference)
        return self.workspace is not None and disk is not None and self.workspace.stamp(reference) != disk[1]

    def is_gone(self, reference: str) -> bool:
        return self.workspace is not None and self.workspace.stamp(reference) is None

    def at_or_below(self, reference: str) -> list[str]:
        """What is open of a request, or of a folder."""
        known = dict.fromkeys([*self._disk, *self._edits, *self.answers])
        return [one for one in known if one == reference or one.startswith(f"{reference}/")]

    def forget(self, reference: str) -> None:
        for kept in (self._disk, self._edits, self.answers, self.sent):
            kept.pop(reference, None)

    def follow_label(self, reference: str) -> None:
        """The request was given another name in its file: unsaved edits go on from there, whatever else they change."""
        disk, edit = self._disk.get(reference), self._edits.get(reference)
        if self.workspace is None or disk is None or edit is None:
            return
        stamp = self.workspace.stamp(reference)
        now = self.workspace.load_request(reference)
        if now.name != disk[0].name and replace(now, name=disk[0].name) == disk[0]:
            self._disk[reference] = (now, stamp)
            self.edit(reference, replace(edit, name=now.name))

    def set_aside(self, reference: str) -> dict[str, Request]:
        """Forget what is open of a request or folder that is gone; returns its unsaved edits, by what follows the
        reference."""
        below = self.at_or_below(reference)
        edits = {one[len(reference) :]: self._edits[one] for one in below if one in self._edits}
        for one in below:
            self.forget(one)
        return edits

    def bring_back(self, reference: str, edits: Mapping[str, Request]) -> None:
        """It is there again, perhaps elsewhere, and its unsaved edits with it."""
        for rest, request in edits.items():
            self.load(reference + rest)
            self.edit(reference + rest, request)

    def move(self, old: str, new: str) -> None:
        """A request or folder has another reference now: what is kept of it goes along."""

        def follow(kept: dict[str, T]) -> None:
            for reference in [one for one in kept if one == old or one.startswith(f"{old}/")]:
                kept[new + reference[len(old) :]] = kept.pop(reference)

        follow(self._disk)
        follow(self._edits)
        follow(self.answers)
        follow(self.sent)
