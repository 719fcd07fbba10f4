"""What this user knows and allows: workspaces, their active environments, bindings, approvals, grants, files outside.

All of it hangs on (workspace id, real path), so that a copy or a clone elsewhere starts with nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
from msgspec.structs import replace

from core.errors import FileError
from core.models import SCHEMA, Model
from core.paths import Paths
from core.structs import Struct
from core.toml import file as tomlfile
from core.workspace.tree import Stamp, status_of
from core.workspace.workspace import Workspace, WorkspaceKey

Grant = Literal["scripts", "secrets"]
"""Running a workspace's scripts, and letting them read secrets."""

LOCAL = ""
"""Stands for the credential of values that are kept in the local store."""

LOCK_SECONDS = 10

V = TypeVar("V")


class Known(Model, frozen=True):
    """One workspace of this user."""

    name: str = ""
    last_used: datetime | None = None
    environment: str = ""
    """The active one; empty: base alone."""
    expanded: tuple[str, ...] = ()
    """Folders shown open."""
    shown: str = ""
    """Request or folder that was open last in the app."""
    panes: tuple[int, ...] = ()
    """Steps that the tree and the editor are larger than usual in the app."""
    bindings: dict[str, str] = msgspec.field(default_factory=dict)
    """Credential name of the workspace to local credential."""
    approvals: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Credential name of the workspace (empty: the local store) to what its secrets may be used for."""
    grants: dict[str, str] = msgspec.field(default_factory=dict)
    """Grant to the fingerprint of the scripts it was given for."""
    allowed_files: tuple[str, ...] = ()


class WorkspacesFile(Model, frozen=True):
    """`workspaces.toml`: real path, then id, of each known workspace."""

    schema: int = SCHEMA
    workspaces: dict[str, dict[str, Known]] = msgspec.field(default_factory=dict)


class KnownWorkspace(Struct, frozen=True):
    key: WorkspaceKey
    name: str
    last_used: datetime | None
    environment: str | None

    @property
    def path(self) -> Path:
        return self.key.path


class Registry:
    """Reads `workspaces.toml` when it changed; every change is made under a lock on what is then in the file, so that
    two processes lose nothing of each other's."""

    def __init__(self, paths: Paths, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._paths = paths
        self._clock = clock
        self._stamp: Stamp | None = None
        self._file = WorkspacesFile()

    # Workspaces

    def known(self) -> list[KnownWorkspace]:
        """The last used first."""
        found = [
            KnownWorkspace(WorkspaceKey(id, _path(path)), one.name, one.last_used, one.environment or None)
            for path, by_id in self._read().workspaces.items()
            for id, one in by_id.items()
        ]
        oldest = datetime.min.replace(tzinfo=UTC)
        return sorted(found, key=lambda one: one.last_used or oldest, reverse=True)

    def remember(self, workspace: Workspace) -> None:
        """Note that the workspace is used now."""
        now = self._clock().astimezone(UTC).replace(microsecond=0)
        self._change(workspace.key, lambda one: replace(one, name=workspace.name, last_used=now))

    def forget(self, key: WorkspaceKey) -> None:
        """The workspace and all that was allowed for it."""

        def without(file: WorkspacesFile) -> WorkspacesFile:
            return _with(file, key, None)

        self._update(without)

    def elsewhere(self, key: WorkspaceKey) -> list[KnownWorkspace]:
        """Known workspaces with the same id at another path: what this one may be asked to take over from."""
        return [one for one in self.known() if one.key.id == key.id and one.key.path != key.path]

    def take_over(self, old: WorkspaceKey, new: WorkspaceKey) -> None:
        """Let the workspace at the new path have what was allowed at the old one, which is forgotten; the user is asked
        first."""

        def moved(file: WorkspacesFile) -> WorkspacesFile:
            return _with(_with(file, new, _get(file, old)), old, None)

        self._update(moved)

    def active_environment(self, key: WorkspaceKey) -> str | None:
        """None: base alone."""
        return self._get(key).environment or None

    def set_active_environment(self, key: WorkspaceKey, name: str | None) -> None:
        self._change(key, lambda one: replace(one, environment=name or ""))

    def expanded(self, key: WorkspaceKey) -> frozenset[str]:
        """Folders shown open."""
        return frozenset(self._get(key).expanded)

    def set_expanded(self, key: WorkspaceKey, folders: Collection[str]) -> None:
        self._change(key, lambda one: replace(one, expanded=tuple(sorted(folders))))

    def shown(self, key: WorkspaceKey) -> str:
        """What was open last, by its reference; empty for nothing."""
        return self._get(key).shown

    def set_shown(self, key: WorkspaceKey, reference: str) -> None:
        """Of a workspace that was forgotten meanwhile nothing is kept."""
        self._update(
            lambda file: (
                _with(file, key, replace(_get(file, key), shown=reference))
                if key.id in file.workspaces.get(_text(key.path), {})
                else file
            )
        )

    def panes(self, key: WorkspaceKey) -> tuple[int, ...]:
        """How much larger than usual panes are shown."""
        return self._get(key).panes

    def set_panes(self, key: WorkspaceKey, steps: tuple[int, ...]) -> None:
        self._change(key, lambda one: replace(one, panes=steps))

    # Which local credential a name means

    def credential_for(self, key: WorkspaceKey, name: str) -> str | None:
        return self._get(key).bindings.get(name)

    def bindings(self, key: WorkspaceKey) -> Mapping[str, str]:
        return self._get(key).bindings

    def bind(self, key: WorkspaceKey, name: str, credential: str) -> None:
        """From now on `name` means this local credential here; approvals of another one do not hold for it."""

        def bound(one: Known) -> Known:
            approvals = one.approvals if one.bindings.get(name) == credential else _without(one.approvals, name)
            return replace(one, bindings=one.bindings | {name: credential}, approvals=approvals)

        self._change(key, bound)

    def unbind(self, key: WorkspaceKey, name: str) -> None:
        self._change(
            key,
            lambda one: replace(one, bindings=_without(one.bindings, name), approvals=_without(one.approvals, name)),
        )

    def rename_credential(self, old: str, new: str) -> None:
        """A local credential has another name; every binding follows."""

        def renamed(one: Known) -> Known:
            bindings = {name: new if local == old else local for name, local in one.bindings.items()}
            return replace(one, bindings=bindings)

        self._change_all(renamed)

    def forget_credential(self, credential: str) -> None:
        """A local credential is gone: a later one of the same name is not bound to anything."""

        def unbound(one: Known) -> Known:
            gone = [name for name, local in one.bindings.items() if local == credential]
            return replace(one, bindings=_without(one.bindings, *gone), approvals=_without(one.approvals, *gone))

        self._change_all(unbound)

    # What its secrets may be used for

    def approved(self, key: WorkspaceKey, credential: str, need: str) -> bool:
        """Whether this user approved the need for secrets of this credential name (`LOCAL`: of the local store)."""
        return need in self._get(key).approvals.get(credential, ())

    def approvals(self, key: WorkspaceKey) -> Mapping[str, Sequence[str]]:
        return self._get(key).approvals

    def approve(self, key: WorkspaceKey, credential: str, needs: Iterable[str]) -> None:
        wanted = tuple(needs)

        def approved(one: Known) -> Known:
            have = one.approvals.get(credential, ())
            both = tuple(dict.fromkeys((*have, *wanted)))
            return replace(one, approvals=one.approvals | {credential: both})

        self._change(key, approved)

    def revoke(self, key: WorkspaceKey, credential: str, needs: Iterable[str]) -> None:
        gone = set(needs)

        def revoked(one: Known) -> Known:
            left = tuple(need for need in one.approvals.get(credential, ()) if need not in gone)
            rest = _without(one.approvals, credential)
            return replace(one, approvals=rest | {credential: left} if left else rest)

        self._change(key, revoked)

    # Scripts, and files outside

    def granted(self, key: WorkspaceKey, grant: Grant, fingerprint: str) -> bool:
        """Whether the grant was given for exactly these scripts."""
        return bool(fingerprint) and self._get(key).grants.get(grant) == fingerprint

    def grant(self, key: WorkspaceKey, grant: Grant, fingerprint: str) -> None:
        self._change(key, lambda one: replace(one, grants=one.grants | {grant: fingerprint}))

    def withdraw(self, key: WorkspaceKey, grant: Grant) -> None:
        self._change(key, lambda one: replace(one, grants=_without(one.grants, grant)))

    def allowed_files(self, key: WorkspaceKey) -> frozenset[Path]:
        """Real paths outside the workspace that it may use."""
        return frozenset(_path(path) for path in self._get(key).allowed_files)

    def allow_file(self, key: WorkspaceKey, path: Path) -> None:
        text = _text(path.resolve())
        self._change(key, lambda one: replace(one, allowed_files=tuple(dict.fromkeys((*one.allowed_files, text)))))

    def disallow_file(self, key: WorkspaceKey, path: Path) -> None:
        texts = {_text(path), _text(path.resolve())}
        self._change(key, lambda one: replace(one, allowed_files=tuple(p for p in one.allowed_files if p not in texts)))

    # The file

    def _get(self, key: WorkspaceKey) -> Known:
        return _get(self._read(), key)

    def _read(self) -> WorkspacesFile:
        path = self._paths.workspaces
        stamp = Stamp.of(status_of(path)) if path.exists() else None
        if stamp is None:
            self._stamp, self._file = None, WorkspacesFile()
        elif stamp != self._stamp:
            self._file = tomlfile.load(path, WorkspacesFile, missing=WorkspacesFile())
            self._stamp = stamp if stamp.settled else None
        return self._file

    def _change(self, key: WorkspaceKey, change: Callable[[Known], Known]) -> None:
        self._update(lambda file: _with(file, key, change(_get(file, key))))

    def _change_all(self, change: Callable[[Known], Known]) -> None:
        def all_changed(file: WorkspacesFile) -> WorkspacesFile:
            return replace(
                file,
                workspaces={
                    path: {id: change(one) for id, one in by_id.items()} for path, by_id in file.workspaces.items()
                },
            )

        self._update(all_changed)

    def _update(self, change: Callable[[WorkspacesFile], WorkspacesFile]) -> None:
        from filelock import FileLock, Timeout

        path = self._paths.workspaces
        try:
            self._paths.ensure()
            with FileLock(path.with_suffix(".lock"), timeout=LOCK_SECONDS, mode=0o600):
                file = tomlfile.load(path, WorkspacesFile, missing=WorkspacesFile())
                changed = change(file)
                if changed != file:
                    tomlfile.save(path, changed, mode=0o600)
                self._stamp = None
        except Timeout:
            raise FileError(
                f"is locked by another hushpost for more than {LOCK_SECONDS} s", path=path, hint="try again"
            ) from None
        except OSError as error:
            raise FileError(f"cannot be written: {tomlfile.reason(error)}", path=path) from error


def _get(file: WorkspacesFile, key: WorkspaceKey) -> Known:
    return file.workspaces.get(_text(key.path), {}).get(key.id) or Known()


def _with(file: WorkspacesFile, key: WorkspaceKey, one: Known | None) -> WorkspacesFile:
    path = _text(key.path)
    by_id = {id: known for id, known in file.workspaces.get(path, {}).items() if id != key.id}
    if one is not None:
        by_id[key.id] = one
    workspaces = {known: ids for known, ids in file.workspaces.items() if known != path}
    if by_id:
        workspaces[path] = by_id
    return replace(file, workspaces=workspaces)


def _without(table: Mapping[str, V], *names: str) -> dict[str, V]:
    return {name: value for name, value in table.items() if name not in names}


def _text(path: Path) -> str:
    """A path as TOML can hold it: bytes that are no UTF-8 as `\\xff`, and a backslash doubled so that both differ."""
    return os.fsencode(path).replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def _path(text: str) -> Path:
    def one(match: re.Match[bytes]) -> bytes:
        return b"\\" if match[1] == b"\\" else bytes.fromhex(match[1][1:].decode())

    return Path(os.fsdecode(re.sub(rb"\\(\\|x[0-9a-f]{2})", one, text.encode())))
