"""Unsaved edits of requests and folders, kept for the next start by an app that was ended before it could ask."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from core.models import Folder, Request
from core.paths import Paths
from core.redactor import Redactor
from core.toml.file import write_atomic
from core.workspace.tree import folder_of
from core.workspace.workspace import WorkspaceKey


def keep(paths: Paths, key: WorkspaceKey, edits: Mapping[str, Request | Folder], redactor: Redactor) -> None:
    """Write edits down, readable by this user only; by reference, which is `tree.folder_file` for a folder. One that
    holds the value of a known secret is not."""
    encoded = {reference: msgspec.json.encode(edit) for reference, edit in edits.items()}
    clean = {reference: edits[reference] for reference, text in encoded.items() if not redactor.names_in(text)}
    if not clean:
        return
    file = _file(paths, key)
    paths.ensure()
    file.parent.mkdir(mode=0o700, exist_ok=True)
    # Another app on the same workspace may have been ended together with this one.
    write_atomic(file, msgspec.json.encode({**_read(file), **clean}), mode=0o600)


def take_back(paths: Paths, key: WorkspaceKey) -> dict[str, Request | Folder]:
    """The edits that were kept for a workspace, which are not kept any longer."""
    file = _file(paths, key)
    edits = _read(file)
    with suppress(OSError):
        file.unlink(missing_ok=True)
    return edits


def _file(paths: Paths, key: WorkspaceKey) -> Path:
    name = hashlib.sha256(f"{key.id}\n{key.path}".encode()).hexdigest()[:32]
    return paths.state / "unsaved" / f"{name}.json"


def _read(file: Path) -> dict[str, Request | Folder]:
    try:
        kept = msgspec.json.decode(file.read_bytes(), type=dict[str, msgspec.Raw])
        return {reference: _decoded(reference, text) for reference, text in kept.items()}
    except (OSError, ValueError):
        return {}


def _decoded(reference: str, text: msgspec.Raw) -> Request | Folder:
    if folder_of(reference) is None:
        return msgspec.json.decode(text, type=Request)
    return msgspec.json.decode(text, type=Folder)
