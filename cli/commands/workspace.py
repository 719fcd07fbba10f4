"""`open`, `new`, and the app without a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.diagnostics import ExitCode
from cli.invocation import Invocation, end_on_signals, pass_invocation
from cli.options import complete_workspaces

if TYPE_CHECKING:
    from core.paths import Surroundings
    from core.session import Session


@click.command("open")
@click.argument("path", type=click.Path(path_type=Path, file_okay=False), shell_complete=complete_workspaces)
@pass_invocation
def open_command(invocation: Invocation, path: Path) -> ExitCode:
    """Open the app on a workspace."""
    from core.workspace.workspace import Workspace

    Workspace.open(path)  # a place that holds none is told here, not in the app
    return start_app(invocation, path)


@click.command("new")
@click.argument("path", type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", metavar="NAME", help="The workspace's name; without it the folder's.")
@pass_invocation
def new_command(invocation: Invocation, path: Path, name: str | None) -> ExitCode:
    """Make a workspace."""

    chosen = name or path.resolve().name

    async def make(session: Session) -> ExitCode:
        workspace = session.create_workspace(path, chosen)
        invocation.output.line(str(workspace.path))
        invocation.diagnostics.note(f'made the workspace "{workspace.name}"; open it with: hushpost open {path}')
        return ExitCode.OK

    return invocation.run(make)


def has_terminal(invocation: Invocation) -> bool:
    # The app draws on stderr, so a shell that sends that elsewhere would leave it unseen.
    return invocation.output.is_terminal and invocation.interactive


def start_app(
    invocation: Invocation, path: Path | None, *, send: str = "", surroundings: Surroundings | None = None
) -> ExitCode:
    """The app on this workspace, or on the last one; `send` is a request to open and send at once."""
    if not has_terminal(invocation):
        raise click.UsageError("the app needs a terminal; `hushpost send` and `hushpost run` work without one")
    from tui.terminal import interpreter

    interpreter.begin()
    from core.vault.environ import EnvironmentCredentials
    from tui.run import run_app

    # The app uses none of them, and no program that it starts shall inherit one.
    EnvironmentCredentials.read()

    def opened(session: Session) -> None:
        invocation.diagnostics.redact = session.redact

    end_on_signals()
    code = run_app(surroundings or invocation.surroundings, start=path, send=send, opened=opened)
    return ExitCode(code) if code in (ExitCode.OK, ExitCode.INTERRUPTED) else ExitCode.BUG
