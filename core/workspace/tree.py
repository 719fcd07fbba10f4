"""The requests of a workspace as a tree, made from names, times and sizes alone: what stands in the files comes from an
index that is kept between starts and may be lost at any time."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from core.errors import FileError, HushpostError
from core.models import Folder, Request
from core.paths import make_private
from core.structs import Struct
from core.toml import file as tomlfile
from core.workspace.filenames import name_fault

MAX_DEPTH = 40
_ABOUT = 300
"""Characters of a text that are kept to be searched."""
_MAYBE_SECRET = re.compile(r"(?<=//)[^/?#]*@|[?#].*", re.DOTALL)
FOLDER_FILE = "folder.toml"
_FOLDER = FOLDER_FILE.removesuffix(".toml")

RACE_NS = 2_000_000_000
"""A file may change again within one tick of its file system's clock, and its time would not show it."""


def folder_file(folder: str) -> str:
    """The reference of a folder's own file, which no request can have."""
    return f"{folder}/{_FOLDER}" if folder else _FOLDER


def folder_of(reference: str) -> str | None:
    """The folder whose own file this is; None for a request. The empty one is `requests/` itself."""
    parent, _, stem = reference.rpartition("/")
    return parent if stem == _FOLDER else None


class Stamp(msgspec.Struct, frozen=True, array_like=True):
    """What tells that a file changed."""

    mtime_ns: int
    size: int
    inode: int

    @property
    def settled(self) -> bool:
        """Whether a change from now on would show."""
        return time.time_ns() - self.mtime_ns > RACE_NS

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        return cls(status.st_mtime_ns, status.st_size, status.st_ino)


class TreeNode(msgspec.Struct, frozen=True):
    """A request, a folder, or something below `requests/` that cannot be used."""

    ref: str
    """Path below `requests/`, without `.toml`."""
    kind: Literal["request", "folder", "problem"]
    name: str
    """The label, where it is known, else the stem."""
    method: str = ""
    """Of a request; empty until it was indexed."""
    url: str = ""
    """As `_address` has it; empty until it was indexed."""
    about: str = ""
    """Its description and the names of its headers, to be searched."""
    children: tuple[TreeNode, ...] = ()
    error: FileError | None = None
    """Of a problem; also of a folder whose folder.toml cannot be used."""

    @property
    def stem(self) -> str:
        return self.ref.rpartition("/")[2]

    def walk(self) -> Iterator[TreeNode]:
        yield self
        for child in self.children:
            yield from child.walk()


class Problem(Struct, frozen=True):
    """A file or folder that cannot be used, while the rest of the workspace can."""

    path: Path
    error: HushpostError


class Indexed(msgspec.Struct, frozen=True, array_like=True):
    """What was in a file when it had this stamp."""

    stamp: Stamp
    ctime_ns: int
    """Changes with the file's mode too, which may be why it could not be read."""
    settled: bool
    """False: read so soon after a change that it has to be read once more."""
    name: str = ""
    method: str = ""
    order: tuple[str, ...] = ()
    error: tuple[str, str | None, str | None] | None = None
    """Message, key and hint, of a file that could not be used."""
    url: str = ""
    about: str = ""


class _Saved(msgspec.Struct, array_like=True):
    version: int
    files: dict[str, Indexed]


class Index:
    """What is known of the files below `requests/`, by path; kept in `file` if there is one."""

    VERSION = 2

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._files: dict[str, Indexed] = {}
        self._dirty = False
        if file is not None:
            try:
                saved = msgspec.msgpack.decode(file.read_bytes(), type=_Saved)
            except (OSError, ValueError, RecursionError):
                return
            if saved.version == self.VERSION:
                self._files = saved.files

    def get(self, path: str, status: os.stat_result) -> Indexed | None:
        known = self._files.get(path)
        stamp = Stamp.of(status)
        if known is None or known.stamp != stamp or known.ctime_ns != status.st_ctime_ns:
            return None
        return None if stamp.settled and not known.settled else known

    def put(self, path: str, entry: Indexed) -> Indexed:
        self._files[path] = entry
        self._dirty = True
        return entry

    def keep_only(self, paths: set[str]) -> None:
        gone = self._files.keys() - paths
        for path in gone:
            del self._files[path]
        self._dirty = self._dirty or bool(gone)

    def save(self) -> None:
        """Losing it costs time only, so a folder that cannot be written is no error."""
        if self._file is None or not self._dirty:
            return
        data = msgspec.msgpack.encode(_Saved(self.VERSION, dict(self._files)))
        try:
            make_private(self._file.parent)
            tomlfile.write_atomic(self._file, data, mode=0o600)
        except (OSError, FileError):
            return
        self._dirty = False


class Scan:
    """One look at the folder `requests/`: the tree, what cannot be used, and the requests the index does not know."""

    def __init__(self, root: Path, inside: Path, index: Index) -> None:
        """`inside` is the real path of the workspace, beyond which no link is followed."""
        self._root = root
        self._inside = inside
        self._index = index
        self._seen: set[str] = set()
        self.nodes: tuple[TreeNode, ...] = ()
        self.problems: list[Problem] = []
        self.unknown: list[str] = []
        self.indexed = False
        """All of `unknown` was read since."""
        self.folder_times: dict[str, int] = {str(root): 0}
        """When in each folder a file last came, went or was replaced; 0 for a folder that is not there."""
        try:
            if root.is_symlink():
                raise FileError("is a symbolic link, which is not followed", path=root)
            if root.exists():
                self.nodes, _ = self._folder("", str(root), 0)
        except FileError as error:
            self.problems.append(Problem(root, error))
        else:
            index.keep_only(self._seen)

    def _folder(self, ref: str, path: str, depth: int) -> tuple[tuple[TreeNode, ...], Indexed | None]:
        if depth > MAX_DEPTH:
            raise FileError(f"is more than {MAX_DEPTH} folders deep", path=Path(path))
        own: Indexed | None = None
        found: list[tuple[str, TreeNode]] = []
        try:
            self.folder_times[path] = Path(path).stat().st_mtime_ns
            with os.scandir(path) as entries:
                for entry in entries:
                    name = entry.name
                    if name[0] == ".":
                        continue
                    if name == FOLDER_FILE and _is_file(entry):
                        own = self._folder_file(ref, entry)
                        continue
                    node = self._entry(f"{ref}/{name}" if ref else name, entry, depth)
                    if node is not None:
                        found.append((node.stem, node))
        except OSError as error:
            raise _unreadable(Path(path), error) from error
        self._check_twins(found)
        places = {stem: place for place, stem in enumerate(own.order if own else ())}
        last = len(places)
        found.sort(key=lambda item: (places.get(item[0], last), item[0].casefold(), item[0]))
        return tuple(node for _, node in found), own

    def _entry(self, ref: str, entry: os.DirEntry[str], depth: int) -> TreeNode | None:
        is_toml = ref.endswith(".toml")
        if is_toml:
            ref = ref[:-5]
        stem = ref.rpartition("/")[2]
        try:
            if entry.is_symlink():
                if not is_toml and not entry.is_dir():
                    return None
                self._check_link(entry)
            elif entry.is_dir():
                if is_toml:
                    ref += ".toml"
                    stem += ".toml"
                self._check_name(stem, entry)
                children, own = self._folder(ref, entry.path, depth + 1)
                error = _error(own, Path(entry.path, FOLDER_FILE)) if own else None
                name = own.name if own and own.name else stem
                return TreeNode(ref, "folder", name, children=children, error=error)
            elif not is_toml:
                return None
            self._check_name(stem, entry)
            return self._request(ref, stem, entry)
        except (FileError, OSError) as error:
            fault = error if isinstance(error, FileError) else _unreadable(Path(entry.path), error)
            self.problems.append(Problem(Path(entry.path), fault))
            return TreeNode(ref, "problem", stem, error=fault)

    def _check_twins(self, found: list[tuple[str, TreeNode]]) -> None:
        folders = {stem for stem, node in found if node.kind == "folder"}
        for stem, node in found:
            if node.kind == "request" and stem in folders:
                path = Path(self._root, node.ref + ".toml")
                error = FileError("has the name of the folder beside it", path=path, hint="rename one of them")
                self.problems.append(Problem(path, error))

    def _check_name(self, stem: str, entry: os.DirEntry[str]) -> None:
        if fault := name_fault(stem):
            raise FileError(f"its name {fault}", path=Path(entry.path), hint="rename it")

    def _check_link(self, entry: os.DirEntry[str]) -> None:
        if entry.is_dir():
            raise FileError("is a symbolic link to a folder, which is not followed", path=Path(entry.path))
        if not _real(Path(entry.path)).is_relative_to(self._inside):
            raise FileError("is a symbolic link that leads out of the workspace", path=Path(entry.path))

    def _request(self, ref: str, stem: str, entry: os.DirEntry[str]) -> TreeNode:
        try:
            status = entry.stat()
        except OSError as error:
            raise _unreadable(Path(entry.path), error) from error
        key = ref + ".toml"
        self._seen.add(key)
        known = self._index.get(key, status)
        if known is None:
            self.unknown.append(ref)
            return TreeNode(ref, "request", stem)
        if fault := _error(known, Path(entry.path)):
            self.problems.append(Problem(Path(entry.path), fault))
            return TreeNode(ref, "problem", stem, error=fault)
        return TreeNode(ref, "request", known.name or stem, known.method, known.url, known.about)

    def _folder_file(self, ref: str, entry: os.DirEntry[str]) -> Indexed:
        path = Path(entry.path)
        key = f"{ref}/{FOLDER_FILE}" if ref else FOLDER_FILE
        self._seen.add(key)
        try:
            if entry.is_symlink():
                self._check_link(entry)
            known = self._index.get(key, status_of(path)) or self._index.put(key, index_folder(path))
        except FileError as error:
            known = Indexed(Stamp(0, 0, 0), 0, False, error=(error.message, error.key, error.hint))
        if fault := _error(known, path):
            self.problems.append(Problem(path, fault))
        return known


def outdated(folder_times: Mapping[str, int]) -> bool:
    """Whether files came, went or were replaced since a scan found these."""
    for path, then in folder_times.items():
        try:
            now = Path(path).stat().st_mtime_ns
        except OSError:
            now = 0
        if now != then:
            return True
    return False


def scan_environments(folder: Path, inside: Path) -> tuple[list[str], list[Problem]]:
    """Names of the environments in a folder, sorted, and what cannot be one."""
    names: list[str] = []
    problems: list[Problem] = []
    try:
        if not _real(folder).is_relative_to(inside):
            raise FileError("is a symbolic link that leads out of the workspace", path=folder)
        paths = sorted(folder.iterdir(), key=lambda path: (path.stem.casefold(), path.stem)) if folder.exists() else []
    except FileError as error:
        return names, [Problem(folder, error)]
    except OSError as error:
        return names, [Problem(folder, _unreadable(folder, error))]
    for path in paths:
        if path.suffix != ".toml" or path.name.startswith("."):
            continue
        if fault := name_fault(path.stem):
            problems.append(Problem(path, FileError(f"its name {fault}", path=path, hint="rename it")))
        else:
            names.append(path.stem)
    return names, problems


def _is_file(entry: os.DirEntry[str]) -> bool:
    """False also for a link that leads in a circle."""
    try:
        return entry.is_file()
    except OSError:
        return False


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise FileError("is a symbolic link that leads in a circle", path=path) from error


def _unreadable(path: Path, error: OSError) -> FileError:
    return FileError(f"cannot be read: {tomlfile.reason(error)}", path=path)


def status_of(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error


def index_request(path: Path) -> Indexed:
    """Read one request for the index; a file that cannot be used is indexed as such."""
    status = status_of(path)
    try:
        request = tomlfile.load(path, Request)
    except FileError as error:
        return _indexed(status, error=error)
    about = " ".join((request.description, *(header.name for header in request.headers)))
    url = _address(request.url)
    return _indexed(status, name=request.name, method=request.method, url=url, about=about[:_ABOUT])


def index_folder(path: Path) -> Indexed:
    status = status_of(path)
    try:
        folder = tomlfile.load(path, Folder)
    except FileError as error:
        return _indexed(status, error=error)
    return _indexed(status, name=folder.name, order=folder.order)


def _indexed(
    status: os.stat_result,
    *,
    name: str = "",
    method: str = "",
    order: tuple[str, ...] = (),
    error: FileError | None = None,
    url: str = "",
    about: str = "",
) -> Indexed:
    stamp = Stamp.of(status)
    parts = (error.message, error.key, error.hint) if error else None
    return Indexed(stamp, status.st_ctime_ns, stamp.settled, name, method, order, parts, url, about)


def _address(url: str) -> str:
    """Host and path without what may be a secret that somebody wrote there: user information and query."""
    return _MAYBE_SECRET.sub("", url.strip())[:_ABOUT]


def _error(entry: Indexed, path: Path) -> FileError | None:
    if entry.error is None:
        return None
    message, key, hint = entry.error
    return FileError(message, path=path, key=key, hint=hint)
