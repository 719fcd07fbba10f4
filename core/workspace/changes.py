"""Changes of the request tree that can be taken back, step by step; stored values of secrets follow what they are of.

A change is undone only where nothing else has happened to what it touched, and never over something that is there.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import FileError, HushpostError
from core.models import Request
from core.threads import run_in_daemon_thread
from core.toml import file as tomlfile
from core.workspace import arrange, steps
from core.workspace.steps import Change, Step, What
from core.workspace.trash import LIMIT, WEEK_S, Trash, files_below

if TYPE_CHECKING:
    from core.session import Session
    from core.vault.contents import ValueKey
    from core.workspace.workspace import Workspace

MOST = 100
"""Steps that can be taken back."""
_MENTIONS_SECRET = re.compile(rb"secret\s*=\s*true")

_DELETED = "deleted/"
"""Where the store keeps values of what can be brought back: no file has this place."""


class Changes:
    """The front end's way to change the tree of the session's workspace, and to take changes back, the last first."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._trash = Trash(session.paths.state / "trash")
        self._run = f"{_DELETED}{self._trash.name}"
        self._workspace: Workspace | None = None
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._count = 0
        self._one_by_one = asyncio.Lock()

    async def close(self) -> None:
        """Delete for good what could have been brought back."""
        await self._forget([*self._done, *self._undone])
        self._done, self._undone = [], []
        self._trash.close()

    # Changes

    async def create_request(self, folder: str, name: str, request: Request) -> Change:
        return await self._change("create", name, [folder], lambda of: of.create_request(folder, name, request))

    async def create_folder(self, parent: str, name: str) -> Change:
        return await self._change("create", name, [parent], lambda of: of.create_folder(parent, name))

    async def copy(self, ref: str, label: str) -> Change:
        return await self._change("copy", label, [steps.parent(ref)], lambda of: of.copy(ref), source=ref)

    async def rename(self, ref: str, label: str, name: str) -> Change:
        return await self._change(
            "rename", label, [steps.parent(ref)], lambda of: of.rename(ref, name), ref, other=name
        )

    async def move(self, ref: str, label: str, folder: str, position: int | None = None) -> Change:
        what: What = "order" if folder == steps.parent(ref) else "move"
        return await self._change(
            what, label, [steps.parent(ref), folder], lambda of: of.move(ref, folder, position), ref
        )

    async def delete(self, ref: str, label: str) -> Change:
        async with self._one_by_one:
            workspace = await self._open()
            is_folder = arrange.is_folder_at(workspace, ref)
            step = Step(self._next(), "delete", label, ref, None, is_folder, {})
            before = steps.listings(workspace, [steps.parent(ref)])
            await self._travel(workspace, step, back=False)
            with suppress(FileError):
                # An order that lists what is gone does no harm.
                arrange.unlist(workspace, ref)
            step.listings = steps.paired(workspace, before)
            return await self._record(step)

    async def undo(self) -> Change | None:
        """Take the last change back, and say what that was; None where there is none."""
        return await self._again(self._done, self._undone, back=True)

    async def redo(self) -> Change | None:
        """Do again what was undone last."""
        return await self._again(self._undone, self._done, back=False)

    async def _change(
        self,
        what: What,
        label: str,
        parents: Sequence[str],
        work: Callable[[Workspace], str],
        ref: str | None = None,
        *,
        other: str = "",
        source: str | None = None,
    ) -> Change:
        """`ref` is what changes, `source` what something new is a copy of."""
        async with self._one_by_one:
            workspace = await self._open()
            origin = ref if source is None else source
            if origin is not None:
                self._values_at_hand(_path(workspace, origin))
            listings = steps.listings(workspace, parents)
            before = steps.label_of(workspace, ref) if what == "rename" and ref is not None else None
            new = work(workspace)
            is_folder = arrange.is_folder_at(workspace, new)
            step = Step(self._next(), what, label, ref, new, is_folder, steps.paired(workspace, listings), other=other)
            if before is not None:
                step.labels = (before, steps.label_of(workspace, new))
            if ref is None:
                step.made = steps.fingerprint(_path(workspace, new))
            if origin is not None:
                try:
                    await self._values_follow(_holder(origin), _holder(new), copy=ref is None)
                except HushpostError:
                    await self._travel(workspace, step, back=True, values=False)
                    raise
            return await self._record(step)

    async def _record(self, step: Step) -> Change:
        await self._forget(self._undone)
        self._undone = []
        self._done.append(step)
        first, size = max(0, len(self._done) - MOST), 0
        for place in reversed(range(first, len(self._done))):
            kept = self._done[place].kept
            size += kept.size if kept is not None else 0
            if size > LIMIT and self._done[place] is not step:
                first = place + 1
                break
        await self._forget(self._done[:first])
        self._done = self._done[first:]
        return Change(step.sentence(back=False), step.old, step.new, step.number)

    async def _again(self, source: list[Step], target: list[Step], *, back: bool) -> Change | None:
        async with self._one_by_one:
            workspace = await self._open()
            if not source:
                return None
            step = source[-1]
            try:
                await self._travel(workspace, step, back=back)
            except steps.Stale as error:
                source.pop()
                raise FileError(error.message, path=error.path, hint=error.hint) from error
            target.append(source.pop())
            old, new = (step.new, step.old) if back else (step.old, step.new)
            return Change(step.sentence(back=back), old, new, step.number)

    async def _open(self) -> Workspace:
        workspace = self._session.workspace
        if workspace is None:
            raise HushpostError("no workspace is open", hint="open or create one")
        if workspace is not self._workspace:
            await self._forget([*self._done, *self._undone])
            self._done, self._undone, self._workspace = [], [], workspace
        return workspace

    def _next(self) -> int:
        self._count += 1
        return self._count

    # From one side of a step to the other

    async def _travel(self, workspace: Workspace, step: Step, *, back: bool, values: bool = True) -> None:
        """Everything is checked before the first thing moves; what fails later takes the first move back."""
        here, there = (step.new, step.old) if back else (step.old, step.new)
        labels = step.labels[::-1] if back and step.labels is not None else step.labels
        source = steps.source(workspace, here, step, labels) if here is not None else None
        target = steps.target(workspace, there, here, step) if there is not None else None
        at = source or (step.kept.path if step.kept is not None else None)
        if at is not None:
            self._values_at_hand(at)
        move = self._mover(step, source, target)
        await move(False)
        try:
            if labels is not None and there is not None:
                steps.relabel(workspace, there, step.is_folder, *labels)
            if values:
                await self._values_follow(self._holder_of(step, here), self._holder_of(step, there))
        except HushpostError:
            await move(True)
            raise
        in_order = [steps.relist(workspace, folder, listing, back=back) for folder, listing in step.listings.items()]
        if step.what == "order" and not all(in_order):
            raise steps.Stale("the order was changed by another program since", path=workspace.path / "requests")

    def _mover(self, step: Step, source: Path | None, target: Path | None) -> Callable[[bool], Awaitable[None]]:
        async def move(again: bool) -> None:
            old, new = (target, source) if again else (source, target)
            if old is None and new is not None and step.kept is not None:
                await run_in_daemon_thread(self._trash.back, step.kept, new)
                step.kept = None
            elif new is None and old is not None:
                step.kept = await run_in_daemon_thread(self._trash.put, old)
            elif old is not None and new is not None and old != new:
                arrange.move_file(old, new)

        return move

    # Stored values of secrets

    def _holder_of(self, step: Step, ref: str | None) -> str:
        return _holder(ref) if ref is not None else f"{self._run}/{step.number}"

    def _values_at_hand(self, path: Path) -> None:
        """Raises StoreLocked where values would have to follow and cannot."""
        if not self._session.store.unlocked and _mentions_secret(path):
            self._session.values.at_hand()

    async def _values_follow(self, old: str, new: str, *, copy: bool = False) -> None:
        if old == new or not self._session.values.any_below(old):
            return

        def place(holder: str, name: str) -> tuple[str, str] | None:
            below = holder == old or holder.startswith(f"{old}/")
            return (new + holder[len(old) :], name) if below else None

        await self._session.values.move(place, copy=copy)

    async def _forget(self, steps: Sequence[Step]) -> None:
        """What these steps kept cannot be brought back any more, nor what runs left that had no end."""
        store = self._session.store
        places = set()
        for step in steps:
            if step.kept is not None:
                self._trash.drop(step.kept)
                places.add(f"{self._run}/{step.number}")
        for value in store.value_keys() if places and store.exists and store.unlocked else ():
            if value.scope.startswith(_DELETED) and ("/".join(value.scope.split("/")[:3]) in places or _is_old(value)):
                await run_in_daemon_thread(store.delete_value, value)


def _is_old(value: ValueKey) -> bool:
    """Whether the run that set a deleted thing's value aside began so long ago that it has ended."""
    began = value.scope.split("/")[1].partition("-")[0]
    return time.time_ns() - int(began, 16) > WEEK_S * 1_000_000_000


def _mentions_secret(path: Path) -> bool:
    """Whether a request, or any below a folder, has secret variables; too often yes is no harm."""
    for name, _ in files_below(path):
        file = path / name if name else path
        with suppress(FileError):
            if file.suffix == ".toml" and _MENTIONS_SECRET.search(tomlfile.read_bytes(file) or b""):
                return True
    return False


def _path(workspace: Workspace, ref: str) -> Path:
    return arrange.path_of(workspace, ref, arrange.is_folder_at(workspace, ref))


def _holder(ref: str) -> str:
    return f"requests/{ref}"
