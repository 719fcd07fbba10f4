"""`run`: many requests in order, reported as they end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import values
from cli.diagnostics import ExitCode
from cli.invocation import Invocation, pass_invocation
from cli.options import complete_reporters, complete_selectors, environment_option, variables_option, workspace_option
from cli.reports import NAMES
from core.errors import FileError

if TYPE_CHECKING:
    from core.session import Session


@click.command("run")
@click.argument("selectors", metavar="[SELECTOR]...", nargs=-1, shell_complete=complete_selectors)
@workspace_option
@environment_option()
@variables_option
@click.option(
    "--data",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Rows of variables, one for each iteration: CSV, JSON, or JSON lines.",
)
@click.option("--iterations", metavar="N", type=click.IntRange(min=1), help="How often; without it once for each row.")
@click.option("--parallel", metavar="N", type=click.IntRange(1, 256), default=1, help="So many requests at a time.")
@click.option("--delay", metavar="MS", type=click.FloatRange(min=0), default=0.0, help="Wait between two requests.")
@click.option(
    "--retries", metavar="N", type=click.IntRange(0, 100), default=0, help="Send a failed request so many times again."
)
@click.option("--bail", is_flag=True, help="Stop at the first request that does not pass.")
@click.option("--answers", is_flag=True, help="Report what came where a request did not pass: its beginning, masked.")
@click.option(
    "--reporter",
    "reporters",
    metavar="NAME[=FILE]",
    multiple=True,
    shell_complete=complete_reporters,
    help=f"{', '.join(NAMES)}; several with a file each, one without. Without it: console.",
)
@pass_invocation
def run_command(
    invocation: Invocation,
    selectors: tuple[str, ...],
    workspace: Path | None,
    environment: str | None,
    pairs: tuple[str, ...],
    data: Path | None,
    iterations: int | None,
    parallel: int,
    delay: float,
    retries: int,
    bail: bool,
    answers: bool,
    reporters: tuple[str, ...],
) -> ExitCode:
    """Send many requests and report what passed.

    SELECTOR is a request or a folder below requests/; without one all requests are sent, in the order of the tree. A
    request without checks passes when its status is below 400.
    """
    from cli.reporting import parse_reporters
    from core.run.steps import RunOptions

    targets = parse_reporters(reporters)
    options = RunOptions(
        rows=_rows(data),
        iterations=iterations,
        parallel=parallel,
        bail=bail,
        delay=delay / 1000,
        retries=retries,
        overrides=values.variables(pairs, invocation),
    )

    async def run(session: Session) -> ExitCode:
        from cli.reporting import report_run
        from cli.select import select

        opened = invocation.open_workspace(session, workspace, environment)
        references = select(opened, selectors)
        if not references:
            # A run of nothing would be a green one.
            raise FileError("holds no requests", path=opened.path / "requests")
        return await report_run(invocation, session, references, options, targets, answers=answers)

    return invocation.run(run)


def _rows(data: Path | None) -> Sequence[Mapping[str, str]]:
    if data is None:
        return ()
    from core.run.datafile import read_rows

    return read_rows(data)
