"""Options that several commands share, with the completion of what they name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])


def _workspace(ctx: click.Context) -> Any:
    """The workspace that the command line so far names, None where there is none; never a question, never an error."""
    from core.errors import HushpostError
    from core.workspace import Workspace

    path = ctx.params.get("workspace") or Workspace.find(Path.cwd())
    try:
        return Workspace.open(Path(path)) if path else None
    except (HushpostError, OSError):
        return None


def _items(names: list[str], incomplete: str) -> list[CompletionItem]:
    # A name with a line end or a tab would break the shell's side of the protocol.
    return [CompletionItem(name) for name in names if name.startswith(incomplete) and name.isprintable()]


def complete_requests(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    workspace = _workspace(ctx)
    return _items(list(workspace.requests()) if workspace else [], incomplete)


def complete_selectors(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Requests, and the folders that hold them."""
    workspace = _workspace(ctx)
    references = list(workspace.requests()) if workspace else []
    folders = {reference[: i + 1] for reference in references for i, letter in enumerate(reference) if letter == "/"}
    return _items(sorted(folders) + references, incomplete)


def complete_environments(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    workspace = _workspace(ctx)
    return _items([name for name in workspace.environments() if name != "base"] if workspace else [], incomplete)


def workspace_option(command: F) -> F:
    return click.option(
        "-w",
        "--workspace",
        metavar="PATH",
        type=click.Path(path_type=Path, file_okay=False),
        help="The workspace's folder; without it the one that holds the current folder.",
    )(command)


def environment_option(*, required: bool = False) -> Callable[[F], F]:
    return click.option(
        "-e",
        "--environment",
        metavar="ENV",
        required=required,
        shell_complete=complete_environments,
        help="The environment, named by its file" + ("." if required else "; without it only base."),
    )


def variables_option(command: F) -> F:
    return click.option(
        "-v",
        "--var",
        "pairs",
        metavar="NAME=VALUE",
        multiple=True,
        help="A variable for this command; NAME=@FILE or NAME=- (stdin) keeps a secret off the command line.",
    )(command)
