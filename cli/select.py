"""From the REQUEST and SELECTOR of a command line to references of a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.errors import FileError

if TYPE_CHECKING:
    from core.workspace.workspace import Workspace


def find_request(workspace: Workspace, text: str) -> str:
    """The reference of one request."""
    wanted = _reference(text)
    found = select(workspace, [text])
    if found != [wanted]:
        raise FileError("is a folder", path=workspace.path / "requests" / wanted, hint=f"send it with `run {text}`")
    return wanted


def select(workspace: Workspace, selectors: Sequence[str]) -> list[str]:
    """The requests that the selectors name, in their order; a folder stands for all below it, no selector for all."""
    try:
        return workspace.requests([_reference(selector) for selector in selectors])
    except FileError as error:
        error.hint = error.hint or _near(selectors, workspace.requests())
        raise


def _reference(text: str) -> str:
    """Also from the path of the file, as a shell completes it."""
    return text.removeprefix("./").removeprefix("requests/").removesuffix(".toml").strip("/")


def _near(selectors: Sequence[str], references: Sequence[str]) -> str | None:
    from difflib import get_close_matches

    for selector in map(_reference, selectors):
        # A person more often gets the folder wrong than the name.
        near = get_close_matches(selector, references, n=3, cutoff=0.6) or [
            known for known in references if known.rpartition("/")[2] == selector.rpartition("/")[2]
        ]
        if near:
            return "did you mean " + " or ".join(f'"{name}"' for name in near[:3])
    return None
