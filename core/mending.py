"""What is wrong with a TOML file of a workspace or of the user, and on which line, for the person who mends it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from core.consent.registry import WorkspacesFile
from core.errors import FileError
from core.models import Environment, Folder, Request, WorkspaceFile
from core.paths import Paths
from core.settings import Settings
from core.toml import file as tomlfile
from core.workspace.tree import FOLDER_FILE
from core.workspace.workspace import WORKSPACE_FILE, Workspace

_AT_LINE = re.compile(r" ?\(at line (\d+), column \d+\)")
_TRIES = 150
"""How many beginnings of a file are read at most to find the line of a key."""


@dataclass(frozen=True)
class Broken:
    """A file that cannot be read as what it should be; nothing of its values is quoted."""

    path: Path
    message: str
    line: int | None = None
    key: str = ""
    hint: str = ""


def broken(path: Path, paths: Paths) -> Broken | None:
    """None for a file that is as it should be, that is not there, or that is none of ours."""
    model = _model(path, paths)
    if model is None or not path.exists():
        return None
    try:
        tomlfile.load(path, model)
    except FileError as error:
        at = _AT_LINE.search(error.message)
        line = int(at[1]) if at else _line(path, error.key) if error.key else None
        return Broken(path, _AT_LINE.sub("", error.message), line, error.key or "", error.hint or "")
    return None


def _model(path: Path, paths: Paths) -> type[msgspec.Struct] | None:
    if path.name == WORKSPACE_FILE:
        return WorkspaceFile
    for own, model in ((paths.settings, Settings), (paths.workspaces, WorkspacesFile)):
        if path == own:
            return model
    root = Workspace.find(path.parent)
    if root is None or path.suffix != ".toml":
        return None
    match path.absolute().relative_to(root.absolute()).parts:
        case ("environments", _):
            return Environment
        case ("requests", *_, name):
            return Folder if name == FOLDER_FILE else Request
    return None


def _line(path: Path, key: str) -> int | None:
    """Where a key stands, or the nearest one above it that is there; None where that is not soon found."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    while key:
        tries = iter(range(_TRIES))
        last = re.split(r"[.\[]", key)[-1].rstrip("]")
        for at, line in enumerate(lines):
            if (last in line or key.endswith("]")) and _holds_first(lines, at, key, tries):
                return at + 1
        key = re.sub(r"(\.[^.\[]*|\[\d+\]|^[^.\[]*)$", "", key)
    return None


def _holds_first(lines: list[str], at: int, key: str, tries: Iterator[int]) -> bool:
    """Whether the file up to this line's end has the key; a statement may go on over several lines."""
    for end in range(at + 1, len(lines) + 1):
        text = "\n".join(lines[:end])
        for close in ("", "\n]", "\n}"):
            if next(tries, None) is None:
                return False
            try:
                table = tomllib.loads(text + close)
            except (tomllib.TOMLDecodeError, RecursionError):
                continue
            return _has(table, key)
    return False


def _has(value: Any, key: str) -> bool:
    """Whether `variables.password.value` or `headers[1].name` is in a table; names may have dots themselves."""
    if not key:
        return True
    if isinstance(value, list):
        match = re.match(r"\[(\d+)\]\.?", key)
        return match is not None and int(match[1]) < len(value) and _has(value[int(match[1])], key[match.end() :])
    if not isinstance(value, dict):
        return False
    return any(
        _has(below, key[len(name) :].removeprefix("."))
        for name, below in value.items()
        if key == name or key.startswith((f"{name}.", f"{name}["))
    )
