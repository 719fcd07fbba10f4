"""What the beginning of a path may go on to: files of a workspace, and folders where one may be."""

from __future__ import annotations

import os
from pathlib import Path

_OWN = frozenset(["requests", "environments", "workspace.toml"])
"""What a workspace is made of, which no request names."""
_MOST = 500


def offered_files(workspace: Path, typed: str) -> list[tuple[str, str]]:
    """Paths relative to the workspace, a folder's with a slash at its end, and what each one is; sorted, folders first.

    Hidden ones are there only when a dot is typed, and those that no line of text could show never.
    """
    parent, slash, beginning = typed.rpartition("/")
    try:
        root = workspace.resolve()
        folder = (root / parent).resolve()
        if not folder.is_relative_to(root) or ".git" in folder.relative_to(root).parts:
            return []
        with os.scandir(folder) as entries:
            found = [
                (not entry.is_dir(), entry.name)
                for entry in entries
                if entry.name.casefold().startswith(beginning.casefold())
                and entry.name.isprintable()
                and (beginning.startswith(".") or not entry.name.startswith("."))
                and entry.name != ".git"
                and (slash or entry.name not in _OWN)
            ]
    except (OSError, RuntimeError, ValueError):
        return []
    found.sort(key=lambda one: (one[0], one[1].casefold(), one[1]))
    above = f"{parent}{slash}"
    return [(f"{above}{name}" if file else f"{above}{name}/", "" if file else "folder") for file, name in found[:_MOST]]


def offered_folders(typed: str) -> list[tuple[str, str]]:
    """Folders of this machine, for a path from the root or from the home folder, and which of them is a workspace."""
    parent, slash, beginning = typed.rpartition("/")
    if not slash:
        return []
    try:
        folder = Path(parent or "/").expanduser()
        if not folder.is_absolute():
            return []
        with os.scandir(folder) as entries:
            found = [
                (entry.name, os.path.lexists(Path(entry.path, "workspace.toml")))
                for entry in entries
                if entry.name.casefold().startswith(beginning.casefold())
                and entry.name.isprintable()
                and (beginning.startswith(".") or not entry.name.startswith("."))
                and entry.is_dir()
            ]
    except (OSError, RuntimeError, ValueError):
        return []
    found.sort(key=lambda one: (one[0].casefold(), one[0]))
    return [(f"{parent}/{name}/", "workspace" if is_one else "") for name, is_one in found[:_MOST]]
