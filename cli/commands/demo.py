"""`demo`: the app or a run on a workspace, an API and a vault that are gone afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.diagnostics import ExitCode
from cli.invocation import Invocation, end_on_signals, pass_invocation

if TYPE_CHECKING:
    from core.session import Session


@click.command("demo")
@click.option("--headless", is_flag=True, help="Send the demo's requests and print the report, without the app.")
@pass_invocation
def demo_command(invocation: Invocation, headless: bool) -> ExitCode:
    """Try hushpost on a workspace, an API and a vault of its own.

    Nothing of yours is touched, and nothing is left behind.
    """
    from cli.commands.workspace import has_terminal, start_app
    from core.demo.demo import ENVIRONMENTS, FIRST_REQUEST, Demo

    end_on_signals()  # also one that is ended from outside stops its server and deletes its folder
    with Demo(invocation.surroundings) as demo:
        if not headless and has_terminal(invocation):
            return start_app(invocation, demo.workspace, send=FIRST_REQUEST, surroundings=demo.surroundings)

        async def run(session: Session) -> ExitCode:
            from cli.reporting import parse_reporters, report_run
            from core.run.steps import RunOptions

            opened = invocation.open_workspace(session, demo.workspace, next(iter(ENVIRONMENTS)))
            invocation.diagnostics.note(f"an API at {demo.api_url}, its secrets in {demo.vault_name}")
            return await report_run(
                invocation, session, list(opened.requests()), RunOptions(), parse_reporters(["console"])
            )

        return invocation.run(run, surroundings=demo.surroundings)
