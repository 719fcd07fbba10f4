"""`send`: one request, its response's body on stdout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import values
from cli.diagnostics import ExitCode, code_of, worst
from cli.invocation import Invocation, pass_invocation
from cli.options import complete_requests, environment_option, variables_option, workspace_option
from core.errors import HushpostError

if TYPE_CHECKING:
    from core.exchange import Exchange, Progress
    from core.models import Request
    from core.secret import Secret
    from core.session import Session

NOTEWORTHY = 1 << 20
"""Bytes of a body from which on a person likes to see that it moves."""


@click.command("send")
@click.argument("reference", metavar="REQUEST", shell_complete=complete_requests)
@workspace_option
@environment_option()
@variables_option
@click.option(
    "-o",
    "--output",
    "target",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Save the body as received in a file instead; - is stdout, as with --raw.",
)
@click.option("-i", "--include", is_flag=True, help="The status line and the headers before the body.")
@click.option("--fail", is_flag=True, help="Exit with 1 where the request did not pass: a status of 400 or more.")
@click.option("--raw", is_flag=True, help="The body as received, with what is otherwise masked.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with the result and the response.")
@pass_invocation
def send_command(
    invocation: Invocation,
    reference: str,
    workspace: Path | None,
    environment: str | None,
    pairs: tuple[str, ...],
    target: Path | None,
    include: bool,
    fail: bool,
    raw: bool,
    as_json: bool,
) -> ExitCode:
    """Send one request and print the response's body.

    REQUEST is its path below requests/, without .toml. The body is redacted: values of secrets that it echoes are
    masked, unless it is saved with -o or printed with --raw.
    """
    if as_json and (raw or include or target):
        raise click.UsageError("--json stands alone: it holds the headers and the redacted body")
    if target is not None and str(target) == "-":
        target, raw = None, True
    if target is not None:
        from core.files import check_writable

        check_writable(target)
    overrides = values.variables(pairs, invocation)

    async def send(session: Session) -> ExitCode:
        from cli import response
        from cli.select import find_request
        from cli.unlocking import Unlocking

        opened = invocation.open_workspace(session, workspace, environment)
        found = find_request(opened, reference)
        request = opened.load_request(found)
        progress = _progress(invocation) if invocation.diagnostics.is_terminal else None
        try:
            prompts = _answers(invocation, session, request, found, overrides)
            exchange = await Unlocking(invocation, session)(
                lambda: session.send(request, found, overrides=overrides, prompts=prompts, progress=progress)
            )
        except HushpostError as error:
            invocation.diagnostics.progress("")
            for note in error.notes:
                invocation.diagnostics.quote(note)
            if as_json:
                response.print_error(invocation.output, session, found, request, error)
            raise
        invocation.diagnostics.progress("")
        if as_json:
            response.print_json(invocation.output, session, exchange)
        else:
            if include:
                response.print_head(invocation.output, session, exchange)
            if target is not None:
                response.save(target, exchange)
                invocation.diagnostics.note(f'saved {exchange.response.body.size} bytes in "{target}"')
            elif raw:
                response.print_raw(invocation.output, exchange)
            else:
                response.print_body(invocation.output, session, exchange)
        invocation.output.flush()
        return _verdict(invocation, exchange, fail=fail)

    return invocation.run(send)


def _answers(
    invocation: Invocation, session: Session, request: Request, reference: str, overrides: Mapping[str, str | Secret]
) -> Mapping[str, str]:
    """What a person answers to `{{?Question}}`; without one nothing, and sending names the question."""
    if not invocation.interactive:
        return {}
    questions = session.prompts_in(request, reference, overrides=overrides)
    return {question: invocation.ask_line(question) for question in questions}


def _progress(invocation: Invocation) -> Callable[[Progress], None]:
    """A line for bodies that take their time."""

    def show(progress: Progress) -> None:
        done, verb = (progress.sent, "sent") if progress.phase == "sending" else (progress.received, "received")
        if progress.phase in ("sending", "receiving") and done > NOTEWORTHY:
            of = f" of {progress.total:,}" if progress.total and progress.phase == "receiving" else ""
            invocation.diagnostics.progress(f"{verb} {done:,}{of} bytes")

    return show


def _verdict(invocation: Invocation, exchange: Exchange, *, fail: bool) -> ExitCode:
    """What a person should know beside the body, and the exit code of it."""
    if invocation.diagnostics.is_terminal and invocation.output.is_terminal:
        response = exchange.response
        invocation.diagnostics.note(
            f"{response.status} {response.reason}, {exchange.timing.total_ms:.0f} ms, {response.body.size:,} bytes"
        )
    for note in exchange.notes:
        invocation.diagnostics.quote(note)
    if exchange.response.truncated:
        invocation.diagnostics.warn(f"the body is not whole: {exchange.response.truncated}")
    wrong = exchange.script_error
    if wrong is not None:
        invocation.diagnostics.error(wrong.message, hint=wrong.hint)
    failed = [check for check in exchange.checks if not check.passed]
    for check in failed:
        invocation.diagnostics.error(f"check failed: {check.name}{f': {check.message}' if check.message else ''}")
    bad_status = not exchange.checks and exchange.response.status >= 400
    if fail and bad_status:
        invocation.diagnostics.error(f"the response has status {exchange.response.status}")
    codes = [ExitCode.FAILED if failed or (fail and bad_status) else ExitCode.OK]
    if exchange.response.truncated:
        codes.append(ExitCode.NETWORK)
    return worst(codes if wrong is None else [*codes, code_of(wrong.kind)])
