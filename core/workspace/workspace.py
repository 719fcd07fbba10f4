"""A workspace: a folder with `workspace.toml`, environments and requests; what is in it, read and written safely."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import uuid
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from core.errors import FileError, FileNotAllowed
from core.models import Environment, Folder, Model, Request, WorkspaceFile
from core.structs import Struct
from core.toml import file as tomlfile
from core.workspace import arrange
from core.workspace.filenames import check_reference
from core.workspace.inheritance import inherit
from core.workspace.tree import (
    FOLDER_FILE,
    Index,
    Problem,
    Scan,
    Stamp,
    TreeNode,
    index_request,
    scan_environments,
    status_of,
)

WORKSPACE_FILE = "workspace.toml"
BASE = "base"
_EMPTY = Folder()

M = TypeVar("M", bound=Model)
Folders = Sequence[tuple[str, Folder]]
"""The folders above a request from the inside out, each with its reference."""


class WorkspaceKey(Struct, frozen=True):
    """What this user's consents hang on: the same id at another path is another workspace."""

    id: str
    path: Path
    """Real path of the folder."""


class Workspace:
    """References are paths below `requests/` without `.toml`; the empty one is `requests/` itself. Environments go by
    their file's stem."""

    def __init__(self, path: Path, state: Path | None = None) -> None:
        """Use `open` or `create`."""
        self.path = path
        self.real_path = path.resolve()
        self._inside = f"{self.real_path}{os.sep}"
        self.file = self._load(path / WORKSPACE_FILE, WorkspaceFile)
        self._index = Index(state and self._index_file(state))
        self._scan: Scan | None = None
        self._read: dict[Path, tuple[Stamp, Model]] = {}
        """Folders and environments, which every request asks for."""
        self._chains: dict[tuple[str, ...], tuple[tuple[str, Path], ...]] = {}
        """The folders above, inside out, with the path of the file of each."""
        self._environment_paths: dict[str, Path] = {}

    @classmethod
    def open(cls, path: Path, state: Path | None = None) -> Workspace:
        """The workspace in this folder; `state` is where the index of its requests is kept, if anywhere."""
        path = path.absolute()
        if path.name == WORKSPACE_FILE:
            path = path.parent
        try:
            (path / WORKSPACE_FILE).lstat()
        except (FileNotFoundError, NotADirectoryError):
            hint = f"make one with `hushpost new {path}`"
            raise FileError("is no workspace", path=path, hint=hint) from None
        except OSError as error:
            raise FileError(f"cannot be read: {tomlfile.reason(error)}", path=path) from error
        return cls(path, state)

    @classmethod
    def create(cls, path: Path, name: str = "", state: Path | None = None) -> Workspace:
        """A new workspace in a folder that may exist, but holds none yet."""
        path = path.absolute()
        if (path / WORKSPACE_FILE).exists():
            raise FileError("is a workspace already", path=path, hint=f"open it with `hushpost open {path}`")
        try:
            (path / "environments").mkdir(parents=True, exist_ok=True)
            (path / "requests").mkdir(exist_ok=True)
        except OSError as error:
            raise FileError(f"cannot be created: {tomlfile.reason(error)}", path=path) from error
        base = path / "environments" / "base.toml"
        if not base.exists():
            tomlfile.save(base, Environment(name="Base"))
        tomlfile.save(path / WORKSPACE_FILE, WorkspaceFile(id=new_id(), name=name or path.name))
        return cls(path, state)

    @staticmethod
    def find(start: Path) -> Path | None:
        """The folder of the workspace that holds `start`, looking upward."""
        start = start.absolute()
        return next((folder for folder in (start, *start.parents) if (folder / WORKSPACE_FILE).is_file()), None)

    @property
    def id(self) -> str:
        return self.file.id

    @property
    def name(self) -> str:
        """Its label."""
        return self.file.name or self.path.name

    @property
    def key(self) -> WorkspaceKey:
        return WorkspaceKey(self.id, self.real_path)

    def save_file(self, file: WorkspaceFile) -> None:
        tomlfile.save(self.check_inside(self.path / WORKSPACE_FILE), file)
        self.file = file

    def duplicate(self, to: Path, name: str = "", state: Path | None = None) -> Workspace:
        """A copy with a new id, so that nothing this user allowed here holds there; git's own files are not copied."""
        to = to.absolute()
        if to.exists() and (not to.is_dir() or any(to.iterdir())):
            raise FileError("exists already", path=to, hint="choose another folder")
        if to.resolve().is_relative_to(self.real_path):
            raise FileError("lies inside the workspace it would be a copy of", path=to, hint="choose another folder")
        try:
            shutil.copytree(self.path, to, symlinks=True, ignore=shutil.ignore_patterns(".git"), dirs_exist_ok=True)
        except (OSError, shutil.Error) as error:
            raise FileError(f"cannot be copied: {arrange.copy_reason(error)}", path=self.path) from error
        copy = msgspec.structs.replace(self.file, id=new_id(), name=name or f"{self.name} (copy)")
        tomlfile.save(to / WORKSPACE_FILE, copy)
        return Workspace(to, state)

    def destroy(self) -> None:
        """Delete the workspace's own files; what else is in the folder stays."""
        for name in ("requests", "environments", WORKSPACE_FILE):
            arrange.remove(self.path / name)
        if not any(self.path.iterdir()):
            arrange.remove(self.path)

    # What is there

    def tree(self) -> tuple[TreeNode, ...]:
        """Requests and folders in order, as they are on disk now; labels and methods are what `index` found so far."""
        return self._look().nodes

    @property
    def folder_times(self) -> Mapping[str, int]:
        """What the last look at the tree found, for `outdated`."""
        return self._scan.folder_times if self._scan is not None else {}

    def requests(self, selectors: Sequence[str] = ()) -> list[str]:
        """References in tree order: of all requests, or of those that the selectors (requests, folders) name."""
        nodes = self.tree()
        if selectors:
            return list(dict.fromkeys(ref for selector in selectors for ref in self._select(nodes, selector)))
        return [node.ref for top in nodes for node in top.walk() if node.kind != "folder"]

    def index(self, limit: int | None = None) -> bool:
        """Read at most `limit` requests that the index does not know, for the next `tree` to show; True when all are.

        A workspace of thousands takes a second, once: call it off the event loop, or in steps.
        """
        scan = self._scan if self._scan is not None and not self._scan.indexed else self._look()
        batch = scan.unknown if limit is None else scan.unknown[:limit]
        for ref in batch:
            try:
                self._index.put(ref + ".toml", index_request(self.check_inside(self.request_path(ref))))
            except FileError:
                continue
        scan.unknown = scan.unknown[len(batch) :]
        if not scan.unknown:
            scan.indexed = True
            self._index.save()
        return scan.indexed

    def problems(self) -> list[Problem]:
        """Every file and folder that cannot be used; reads what the index does not know."""
        self._look()
        self.index()
        found = list(self._look().problems)
        for name in self.environments():
            try:
                self.load_environment(name)
            except FileError as error:
                found.append(Problem(error.path, error))
        return [*found, *self._environment_scan()[1]]

    def stamp(self, ref: str) -> Stamp | None:
        """Changes when the request's file does; None without a file."""
        return _stamp(self.request_path(ref))

    def stamp_folder(self, ref: str) -> Stamp | None:
        return _stamp(self.folder_path(ref))

    def stamp_environment(self, name: str) -> Stamp | None:
        return _stamp(self.environment_path(name))

    # Requests and folders

    def request_path(self, ref: str) -> Path:
        parts = check_reference(ref, self.path)
        if not parts or parts[-1] == "folder":
            raise FileError(f'no request can be called "{ref}"', path=self.path)
        return self.path.joinpath("requests", *parts[:-1], parts[-1] + ".toml")

    def folder_path(self, ref: str) -> Path:
        """Of the folder's `folder.toml`."""
        return self.path.joinpath("requests", *check_reference(ref, self.path), FOLDER_FILE)

    def load_request(self, ref: str) -> Request:
        path = self.request_path(ref)
        for problem in self._scan.problems if self._scan and self._scan.problems and not path.exists() else ():
            if problem.path == path.with_suffix("") and isinstance(problem.error, FileError):
                raise problem.error
        return self._load(path, Request)

    def save_request(self, ref: str, request: Request) -> None:
        self._save(self.request_path(ref), request)

    def load_folder(self, ref: str) -> Folder:
        """The folder's own file, empty where it has none."""
        return self._load_kept(self.folder_path(ref), Folder, missing=Folder())

    def save_folder(self, ref: str, folder: Folder) -> None:
        self._save(self.folder_path(ref), folder)

    def folders_of(self, ref: str) -> tuple[tuple[str, Folder], ...]:
        """The folders that a request inherits from, inside out, each with its reference; the last is `requests/`."""
        parts = check_reference(ref, self.path)[:-1]
        chain = self._chains.get(parts)
        if chain is None:
            refs = ("/".join(parts[:count]) for count in range(len(parts), -1, -1))
            chain = self._chains[parts] = tuple((folder, self.folder_path(folder)) for folder in refs)
        return tuple((folder, self._load_kept(path, Folder, missing=_EMPTY)) for folder, path in chain)

    def effective(self, ref: str) -> Request:
        """The request with the headers, auth and scripts that its folders give it."""
        return inherit(self.load_request(ref), [folder for _, folder in self.folders_of(ref)])

    def create_request(self, folder: str, name: str, request: Request | None = None) -> str:
        """A new request with this label; returns its reference."""
        return arrange.create_request(self, folder, name, request or Request())

    def create_folder(self, parent: str, name: str) -> str:
        return arrange.create_folder(self, parent, name)

    def rename(self, ref: str, name: str) -> str:
        """Give a request or folder another label, and a file name after it; returns the new reference."""
        return arrange.rename(self, ref, name)

    def move(self, ref: str, folder: str, position: int | None = None) -> str:
        """Put a request or folder into `folder`, at `position` among what is there, None for last; returns the new
        reference."""
        return arrange.move(self, ref, folder, position)

    def copy(self, ref: str) -> str:
        """A second one beside it; returns its reference."""
        return arrange.copy(self, ref)

    def delete(self, ref: str) -> None:
        """Delete a request, or a folder with all in it."""
        arrange.delete(self, ref)

    # Environments

    def environments(self) -> list[str]:
        """Names; `base` first and always, the others sorted."""
        return [BASE, *(name for name in self._environment_scan()[0] if name != BASE)]

    def environment_path(self, name: str) -> Path:
        path = self._environment_paths.get(name)
        if path is None:
            if not name or len(check_reference(name, self.path)) != 1:
                raise FileError(f'no environment can be called "{name}"', path=self.path)
            path = self._environment_paths[name] = self.path / "environments" / f"{name}.toml"
        return path

    def load_environment(self, name: str) -> Environment:
        """An environment; `base` is empty where it has no file."""
        path = self.environment_path(name)
        if name != BASE and not path.exists():
            known = ", ".join(f'"{known}"' for known in self.environments())
            raise FileError(f'there is no environment "{name}"', path=self.path, hint=f"there are {known}")
        return self._load_kept(path, Environment, missing=Environment(name="Base"))

    def save_environment(self, name: str, environment: Environment) -> None:
        self._save(self.environment_path(name), environment)

    def create_environment(self, name: str, environment: Environment | None = None) -> str:
        """A new environment with this label; returns its name, the file's stem."""
        return arrange.create_environment(self, name, environment or Environment())

    def rename_environment(self, old: str, name: str) -> str:
        return arrange.rename_environment(self, old, name)

    def copy_environment(self, name: str) -> str:
        return arrange.copy_environment(self, name)

    def delete_environment(self, name: str) -> None:
        arrange.delete_environment(self, name)

    # Files that requests name

    def resolve_file(self, relative: str, allowed: Container[Path] = ()) -> Path:
        """The real path of a file that a workspace file names.

        It lies inside the workspace, and not among git's own files, or is one of `allowed`; else FileNotAllowed, whose
        `path` is what this user may allow.
        """
        if "\0" in relative:
            raise FileError("a file's path holds a control character", path=self.path)
        try:
            real = (self.path / relative).resolve()
            there, is_file = real.exists(), real.is_file()
        except (OSError, RuntimeError) as error:
            raise FileError("cannot be found", path=self.path / relative) from error
        inside = real.is_relative_to(self.real_path)
        of_git = inside and ".git" in real.relative_to(self.real_path).parts
        if (not inside or of_git) and real not in allowed:
            raise FileNotAllowed(
                "belongs to git, not to the workspace" if of_git else "lies outside the workspace",
                path=real,
                hint=f"move it into the workspace, or run: hushpost bind --allow-file {shlex.quote(str(real))}",
            )
        if not there:
            raise FileError("does not exist", path=real, hint="put the file there, or correct its path")
        if not is_file:
            raise FileError("is not a regular file", path=real)
        return real

    # Below

    def _select(self, nodes: Iterable[TreeNode], selector: str) -> list[str]:
        wanted = selector.strip("/").removesuffix(".toml")
        for node in (node for top in nodes for node in top.walk()):
            if node.ref == wanted:
                return [found.ref for found in node.walk() if found.kind != "folder"]
        raise FileError(f'there is no request or folder "{selector}"', path=self.path / "requests")

    def check_inside(self, path: Path) -> Path:
        """The path, when no link on the way to it leads out of the workspace."""
        text = str(path)
        if text.startswith(self._inside) and os.path.realpath(text) == text:
            return path
        try:
            real = path.resolve()
        except (OSError, RuntimeError) as error:
            raise FileError("cannot be found", path=path) from error
        if not real.is_relative_to(self.real_path):
            raise FileError("is behind a symbolic link that leads out of the workspace", path=path)
        return path

    def _look(self) -> Scan:
        self._scan = Scan(self.path / "requests", self.real_path, self._index)
        return self._scan

    def _load(self, path: Path, model: type[M], *, missing: M | None = None) -> M:
        return tomlfile.load(self.check_inside(path), model, missing=missing)

    def _load_kept(self, path: Path, model: type[M], *, missing: M) -> M:
        """Read again only when the file changed."""
        try:
            stamp = Stamp.of(path.stat())
        except FileNotFoundError:
            # Most folders have no file of their own; where nothing is, no link has to be followed.
            return missing
        except OSError:
            stamp = None
        known = self._read.get(path)
        if known is not None and known[0] == stamp and isinstance(known[1], model):
            return known[1]
        loaded = self._load(path, model, missing=missing)
        if stamp is not None and stamp.settled:
            self._read[path] = (stamp, loaded)
        return loaded

    def _save(self, path: Path, model: Model) -> None:
        self.check_inside(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"cannot be created: {tomlfile.reason(error)}", path=path.parent) from error
        tomlfile.save(path, model)

    def _environment_scan(self) -> tuple[list[str], list[Problem]]:
        return scan_environments(self.path / "environments", self.real_path)

    def _index_file(self, state: Path) -> Path:
        key = hashlib.sha256(os.fsencode(f"{self.id}\0{self.real_path}")).hexdigest()
        return state / "index" / f"{key[:32]}.msgpack"


def new_id() -> str:
    return uuid.uuid4().hex


def _stamp(path: Path) -> Stamp | None:
    try:
        return Stamp.of(status_of(path))
    except FileError:
        return None
