"""`check`: what would go wrong in a workspace, before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.diagnostics import ExitCode
from cli.invocation import Invocation, pass_invocation
from cli.options import environment_option, workspace_option
from core.errors import StoreLocked

if TYPE_CHECKING:
    from cli.checking import Checked
    from cli.output import Output
    from core.session import Session
    from core.workspace.workspace import Workspace


@click.command("check")
@workspace_option
@environment_option()
@click.option("--all-environments", is_flag=True, help="Every environment, not only one.")
@click.option("--offline", is_flag=True, help="Ask no vault.")
@click.option("--strict", is_flag=True, help="Findings that stop no request make the exit code 1.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_invocation
def check_command(
    invocation: Invocation,
    workspace: Path | None,
    environment: str | None,
    all_environments: bool,
    offline: bool,
    strict: bool,
    as_json: bool,
) -> ExitCode:
    """Check every file, template and link; no value is shown.

    Every linked secret is fetched, and named OK or failed. Findings (plain text that looks like a secret, unused
    variables, links without allowed_hosts) stop no request and are only told.
    """
    if environment is not None and all_environments:
        raise click.UsageError("-e and --all-environments exclude each other")

    async def run(session: Session) -> ExitCode:
        from cli.checking import check

        opened = invocation.open_workspace(session, workspace, environment)
        if not offline and session.store.exists:
            await _unlock_if_possible(invocation, session)
        environments = _environments(opened) if all_environments else [session.environment]
        found = await check(session, opened, environments, offline=offline)
        if as_json:
            invocation.output.json(found.as_json())
        else:
            _print(invocation.output, found)
        return found.exit_code(strict=strict)

    return invocation.run(run)


def _environments(workspace: Workspace) -> list[str | None]:
    """Each as it would be active; base alone only where there is no other."""
    from core.environment import BASE

    names: list[str | None] = [name for name in workspace.environments() if name != BASE]
    return names or [None]


async def _unlock_if_possible(invocation: Invocation, session: Session) -> None:
    """What needs a store that stays locked is named by the check itself."""
    from cli.unlocking import unlock

    try:
        await unlock(invocation, session)
    except StoreLocked:
        return


def _print(output: Output, found: Checked) -> None:
    for problem in found.problems:
        label = ("error", "red") if problem.severity == "error" else ("finding", "yellow")
        where = f": {problem.where}" if problem.where else ""
        environment = f" [{problem.environment}]" if problem.environment else ""
        output.line(label, f"    {problem.file}{where}{environment}: {problem.message}")
        if problem.hint:
            output.line(f"           hint: {problem.hint}")
    for link in found.links:
        label = {"ok": ("OK", "green"), "failed": ("FAILED", "red"), "skipped": ("skipped", "yellow")}[link.status]
        version = f"  version {link.version}" if link.version else ""
        name = f"{link.file}: {link.variable}"
        output.line((f"{label[0]:<7}", label[1]), f"  {name}  {link.provider} {link.credential} {link.secret}{version}")
        if link.error is not None:
            output.line(f"           {link.error.message}")
            if link.error.hint:
                output.line(f"           hint: {link.error.hint}")
    counts = {
        name: f"{count} {name if count != 1 else name[:-1]}" for name, count in found.as_json()["summary"].items()
    }
    checked = ", ".join(counts[name] for name in ("files", "requests", "links"))
    output.line((checked, "bold"), f": {counts['errors']}, {counts['findings']}")
