"""Options that several commands share, with the completion of what they name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from core.consent.registry import Registry
    from core.paths import Surroundings

F = TypeVar("F", bound=Callable[..., Any])


def _workspace(ctx: click.Context) -> Any:
    """The workspace that the command line so far names, None where there is none; never a question, never an error."""
    from core.errors import HushpostError
    from core.workspace.workspace import Workspace

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


def complete_workspaces(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Known ones, and folders."""
    registry = _registry(ctx)
    known = [str(one.path) for one in registry.known()] if registry and incomplete else []
    return [*_items(known, incomplete), CompletionItem(incomplete, type="dir")]


def complete_credentials(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Those that a workspace is bound to; with a key file, which asks nobody, all of the store."""
    registry = _registry(ctx)
    names = {name for one in registry.known() for name in registry.bindings(one.key).values()} if registry else set()
    surroundings = _surroundings(ctx)
    if surroundings is not None and surroundings.unlock.key_file is not None:
        from core.errors import HushpostError
        from core.vault.store import CredentialStore

        with suppress(HushpostError, OSError):
            store = CredentialStore(surroundings.paths.store)
            store.unlock(key_file=surroundings.unlock.key_file)
            names |= {stored.name for stored in store.credentials()}
    return _items(sorted(names), incomplete)


def complete_linked(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The credential names that a workspace's links use."""
    from core.consent.survey import links
    from core.errors import HushpostError

    workspace = _workspace(ctx)
    names: set[str] = set()
    with suppress(HushpostError, OSError):
        names.update(link.credential for _, _, _, link in links(workspace) if workspace)
    return _items(sorted(names), incomplete)


def complete_variables(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The variables of the environment and of base."""
    return _items(_variables(ctx), incomplete)


def complete_pairs(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The same, each up to the value that is to follow."""
    return [] if "=" in incomplete else _items([f"{name}=" for name in _variables(ctx)], incomplete)


def complete_reporters(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from cli.reports import NAMES

    return _items(list(NAMES), incomplete)


def _variables(ctx: click.Context) -> list[str]:
    from core.errors import HushpostError

    workspace = _workspace(ctx)
    names: set[str] = set()
    for environment in ("base", ctx.params.get("environment")):
        with suppress(HushpostError, OSError):
            names.update(workspace.load_environment(environment).variables if workspace and environment else ())
    return sorted(names)


def _surroundings(ctx: click.Context) -> Surroundings | None:
    from cli.invocation import Invocation

    invocation = ctx.find_object(Invocation)
    return invocation.surroundings if invocation else None


def _registry(ctx: click.Context) -> Registry | None:
    """What this user allowed; None where that cannot be read."""
    from core.consent.registry import Registry
    from core.errors import HushpostError

    surroundings = _surroundings(ctx)
    if surroundings is None:
        return None
    registry = Registry(surroundings.paths)
    try:
        registry.known()
    except (HushpostError, OSError):
        return None
    return registry


def workspace_option(command: F) -> F:
    return click.option(
        "-w",
        "--workspace",
        metavar="PATH",
        type=click.Path(path_type=Path, file_okay=False),
        shell_complete=complete_workspaces,
        help="The workspace's folder; without it the one that holds the current folder.",
    )(command)


def environment_option(*, required: bool = False, without: str = "only base") -> Callable[[F], F]:
    """`without`: what is meant where the option is not given."""
    return click.option(
        "-e",
        "--environment",
        metavar="ENV",
        required=required,
        shell_complete=complete_environments,
        help="The environment, named by its file" + ("." if required else f"; without it {without}."),
    )


def variables_option(command: F) -> F:
    return click.option(
        "-v",
        "--var",
        "pairs",
        metavar="NAME=VALUE",
        multiple=True,
        shell_complete=complete_pairs,
        help="A variable for this command; NAME=@FILE or NAME=- (stdin) keeps a secret off the command line.",
    )(command)
