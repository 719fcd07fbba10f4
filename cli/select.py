"""From the REQUEST and SELECTOR of a command line to references of a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import FileError

if TYPE_CHECKING:
    from core.workspace.workspace import Workspace

ALL = ""
"""The folder `requests/` itself."""


def find_request(workspace: Workspace, text: str) -> str:
    """The reference of one request."""
    wanted = _reference(workspace, text)
    found = select(workspace, [text])
    if found != [wanted]:
        raise FileError("is a folder", path=workspace.path / "requests" / wanted, hint=f"send it with `run {text}`")
    return wanted


def select(workspace: Workspace, selectors: Sequence[str]) -> list[str]:
    """The requests that the selectors name, in their order; a folder stands for all below it, no selector for all."""
    if "" in selectors:
        # What an unset variable of a shell leaves must not send everything.
        raise FileError('there is no request or folder ""', path=workspace.path / "requests")
    references = [_reference(workspace, selector) for selector in selectors]
    try:
        return workspace.requests(() if ALL in references else references)
    except FileError as error:
        error.hint = error.hint or _near(selectors, workspace.requests())
        raise


def _reference(workspace: Workspace, text: str) -> str:
    """Also of the path of a file or folder, as a shell completes it, from the workspace or from the current folder."""
    name = _name(text)
    if any(known == name or known.startswith(f"{name}/") for known in workspace.requests()):
        return name
    requests = workspace.real_path / "requests"
    try:
        path = Path(text).resolve()
    except OSError:  # the current folder was deleted
        return name
    if path in (workspace.real_path, requests) or text.removeprefix("./").rstrip("/") == "requests":
        return ALL
    return _name(str(path.relative_to(requests))) if path.is_relative_to(requests) else name or text


def _name(text: str) -> str:
    return text.removeprefix("./").removeprefix("requests/").removesuffix(".toml").strip("/")


def _near(selectors: Sequence[str], references: Sequence[str]) -> str | None:
    from difflib import get_close_matches

    for selector in map(_name, selectors):
        # A person more often gets the folder wrong than the name.
        near = get_close_matches(selector, references, n=3, cutoff=0.6) or [
            known for known in references if known.rpartition("/")[2] == selector.rpartition("/")[2]
        ]
        if near:
            return "did you mean " + " or ".join(f'"{name}"' for name in near[:3])
    return None
