"""`export` and `import`: requests for other tools, and requests that other tools wrote; so far curl alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import values
from cli.diagnostics import ExitCode
from cli.invocation import Invocation, pass_invocation
from cli.options import complete_requests, environment_option, variables_option, workspace_option
from core.errors import FormatError

if TYPE_CHECKING:
    from core.models import Request
    from core.session import Session

_OTHERS = {
    "a Postman collection": r'"_postman_id"|schema\.getpostman\.com',
    "an Insomnia export": r'"__export_format"|type:\s*\S*\.insomnia\.rest/',
    "an OpenAPI description": r'^\s*"?(?:openapi|swagger)"?\s*:',
    "a HAR file": r'"log"\s*:\s*\{[^{}]*"(?:version|creator|entries)"',
    "a Bruno request": r"^meta\s*\{",
}
"""How a file of a format begins that is known and cannot be read yet."""
_LARGEST = 8 * 1024 * 1024


@click.group("export")
def export_command() -> None:
    """Write a request for another tool.

    Names stand in place of secrets.
    """


@export_command.command("curl")
@click.argument("reference", metavar="REQUEST", shell_complete=complete_requests)
@workspace_option
@environment_option()
@variables_option
@pass_invocation
def _curl(
    invocation: Invocation, reference: str, workspace: Path | None, environment: str | None, pairs: tuple[str, ...]
) -> ExitCode:
    """Print a request as a curl command for a POSIX shell.

    REQUEST is its path below requests/, without .toml. No vault is asked: where a secret would stand, its name does.
    """
    overrides = values.variables(pairs, invocation)

    async def export(session: Session) -> ExitCode:
        from cli.select import find_request
        from core.exporters.curl import command

        opened = invocation.open_workspace(session, workspace, environment)
        found = find_request(opened, reference)
        exported = command(session, opened.load_request(found), found, overrides=overrides)
        for notice in exported.notices:
            invocation.diagnostics.warn(notice)
        invocation.output.text(session.redact(exported.text) + "\n")
        return ExitCode.OK

    return invocation.run(export)


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@workspace_option
@click.option("--dry-run", is_flag=True, help="Say what would be made, and make nothing.")
@pass_invocation
def import_command(invocation: Invocation, file: Path, workspace: Path | None, dry_run: bool) -> ExitCode:
    """Make a request from a curl command in a file.

    Other formats are refused by name.
    """
    from core.importers import curl
    from core.workspace import secret_texts

    text = _text(file)
    imported = curl.read(text)
    request = imported.request

    async def make(session: Session) -> ExitCode:
        opened = invocation.open_workspace(session, workspace)
        name = _name(request)
        made = name if dry_run else opened.create_request("", name, request)
        invocation.diagnostics.note(f'{"would make" if dry_run else "made"} the request "{made}"')
        for notice in imported.notices:
            invocation.diagnostics.warn(notice)
        places = ", ".join(dict.fromkeys(one.shown for one in secret_texts.find(request)))
        if places:
            invocation.diagnostics.warn(
                f"what looks like a secret stands in plain text in: {places}",
                hint="write {{name}} there and make it a secret variable, or paste the command in the app, which asks",
            )
        return ExitCode.OK

    return invocation.run(make)


def _text(file: Path) -> str:
    from core.importers.looks import looks_like_curl

    with file.open("rb") as opened:
        data = opened.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise FormatError("is larger than 8 MiB", source=str(file), hint="import a smaller one")
    text = data.decode("utf-8-sig", "replace")
    if looks_like_curl(text):
        return text
    what = next((what for what, sign in _OTHERS.items() if re.search(sign, text[:100_000], re.MULTILINE)), None)
    if what is None:
        raise FormatError(
            f'"{file.name}" holds no curl command', source=str(file), hint="curl commands can be imported"
        )
    raise FormatError(
        f'"{file.name}" is {what}, which cannot be imported yet',
        source=str(file),
        hint="import curl commands one by one",
    )


def _name(request: Request) -> str:
    """After the last word of its address."""
    path = re.sub(r"^[^/]*//|[?#].*", "", request.url, flags=re.DOTALL)
    words = [part for part in path.split("/") if re.search(r"\w", part) and "{{" not in part]
    return words[-1] if words else "request"
