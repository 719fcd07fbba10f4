"""The files below a workspace's `scripts/` now: what a grant is for, exactly what then runs, and new ones."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from core.errors import FileError
from core.structs import Struct
from core.toml import file as tomlfile
from core.workspace.filenames import name_fault

FOLDER = "scripts"
LARGEST = 8 * 1024 * 1024
MOST = 1000
IGNORED = "__pycache__"

BEFORE = """# Runs before the request is sent. It finds `request` (method, url, headers, body), `variables` and `vault`.
request.headers["X-Request-Id"] = variables.render("{{$uuid}}")
"""
AFTER = """# Runs after the answer came. It finds `response` (status, headers, text, json()), `variables` and `check`.
check("the answer is no error", response.status < 400, f"it is {response.status}")
"""
"""What a new script starts as."""


class ScriptFiles(Struct, frozen=True):
    """By path below `scripts/`. A copy of these bytes runs, so nothing can change between the look and the run."""

    folder: Path
    contents: Mapping[str, bytes]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over names and contents; empty without a file."""
        if not self.contents:
            return ""
        digest = hashlib.sha256()
        for name, content in sorted(self.contents.items()):
            for part in (os.fsencode(name), content):
                digest.update(len(part).to_bytes(8, "big") + part)
        return digest.hexdigest()

    def find(self, path: str) -> str:
        """The name of the script that a request or folder calls so, with or without `scripts/` before it."""
        name = path.removeprefix(f"{FOLDER}/")
        if name not in self.contents:
            known = ", ".join(f'"{known}"' for known in sorted(self.contents) if known.endswith(".py"))
            hint = f"there are {known}" if known else f"put it into the workspace's {FOLDER} folder"
            raise FileError("is no script of this workspace", path=self.folder / name, hint=hint)
        return name

    def write(self, target: Path) -> None:
        """Put a copy into an empty folder."""
        for name, content in self.contents.items():
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def read(workspace: Path) -> ScriptFiles:
    """All files of the workspace's `scripts/`; FileError where one is not what it seems, or there is too much."""
    folder = workspace / FOLDER
    contents: dict[str, bytes] = {}
    size = 0
    try:
        for path in _walk(folder):
            size += path.stat().st_size
            if len(contents) >= MOST or size > LARGEST:
                raise FileError(f"holds more than {MOST} files or {LARGEST >> 20} MiB", path=folder)
            contents[path.relative_to(folder).as_posix()] = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FileError(f"cannot be read: {reason}", path=Path(error.filename or folder)) from error
    return ScriptFiles(folder, contents)


def new_path(workspace: Path, name: str) -> Path:
    """Where a new script of this name goes; FileError says why it cannot."""
    folder = workspace / FOLDER
    path = folder / name
    for part in name.split("/"):
        if fault := name_fault(part):
            raise FileError(f'"{part}" {fault}', path=folder)
    if not name.endswith(".py"):
        raise FileError("has to end in .py, as Python files do", path=path)
    if os.path.lexists(path):
        raise FileError("exists already", path=path)
    for parent in (folder, *(folder / above for above in reversed(Path(name).parents))):
        if parent.is_symlink():
            raise FileError("is a symbolic link, and scripts have to be files of the workspace", path=parent)
    return path


def create(workspace: Path, name: str, content: str) -> Path:
    path = new_path(workspace, name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot be made: {(error.strerror or str(error)).lower()}", path=path.parent) from error
    tomlfile.write_atomic(path, content.encode())
    return path


def _walk(folder: Path) -> Iterator[Path]:
    if folder.is_symlink():
        raise FileError("is a symbolic link, and scripts have to be files of the workspace", path=folder)
    if not folder.is_dir():
        return
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            if entry.name != IGNORED:
                yield from _walk(path)
        elif entry.is_file(follow_symlinks=False):
            yield path
        else:
            raise FileError("is no regular file, and scripts have to be files of the workspace", path=path)
