"""`bind`: this user's consent that a workspace uses a credential, and where its secrets may go."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.diagnostics import ExitCode
from cli.invocation import Invocation, pass_invocation
from cli.options import complete_credentials, complete_linked, environment_option, workspace_option
from core.errors import FileError, HushpostError, NotBound

if TYPE_CHECKING:
    from core.consent.consent import Need
    from core.session import Session
    from core.workspace.workspace import Workspace

NOT_ALLOWED = "may not run"


@click.command("bind")
@click.argument("name", required=False, shell_complete=complete_linked)
@click.argument("credential", required=False, shell_complete=complete_credentials)
@click.option(
    "--allow-host",
    "hosts",
    metavar="HOST",
    multiple=True,
    help="A host that may receive its secrets, without NAME those of your store: [scheme://]host[:port], or what an"
    " error names; may be given several times.",
)
@click.option(
    "--allow-file",
    "files",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file outside the workspace that its requests may send or use; may be given several times.",
)
@click.option("--allow-scripts", is_flag=True, help="Let the workspace's scripts run, as they are now.")
@click.option("--allow-script-secrets", is_flag=True, help="Let them run, and read secrets too.")
@click.option("--remove", metavar="NAME", help="Take back what NAME may do, its credential and its hosts; or a file.")
@workspace_option
@environment_option(without="all of them")
@click.option("-y", "--yes", is_flag=True, help="Approve the list without asking.")
@pass_invocation
def bind_command(
    invocation: Invocation,
    name: str | None,
    credential: str | None,
    hosts: tuple[str, ...],
    files: tuple[Path, ...],
    allow_scripts: bool,
    allow_script_secrets: bool,
    remove: str | None,
    workspace: Path | None,
    environment: str | None,
    yes: bool,
) -> ExitCode:
    """Allow a workspace to use your credentials.

    With NAME and CREDENTIAL: where this workspace says NAME, your credential is meant. With --allow-host and a NAME
    that is bound, or none: the host is approved. With --allow-file: a file outside the workspace may be used. Alone:
    print what the workspace's requests would do with your credentials, in every environment or the one of -e, and
    approve it when you say so.

    A script is a program that runs as you, with everything you may do: read it before you allow it. What you allow ends
    when a file below scripts/ changes.
    """
    if name is not None and credential is None and not hosts:
        raise click.UsageError("bind takes NAME and CREDENTIAL, or neither")
    if name is not None and (allow_scripts or allow_script_secrets):
        raise click.UsageError("scripts are allowed without NAME and CREDENTIAL")
    if hosts and (allow_scripts or allow_script_secrets):
        raise click.UsageError("hosts and scripts are allowed one after the other")
    if files and (name is not None or hosts or allow_scripts or allow_script_secrets):
        raise click.UsageError("files are allowed by themselves")
    if remove is not None and (name is not None or hosts or files or allow_scripts or allow_script_secrets):
        raise click.UsageError("--remove goes alone")

    async def bind(session: Session) -> ExitCode:
        opened = invocation.open_workspace(session, workspace, environment)
        if remove is not None:
            return _remove(invocation, session, remove)
        if name is not None and credential is not None:
            await _bind_one(invocation, session, name, credential, hosts)
            return ExitCode.OK
        if hosts:
            _allow_hosts(invocation, session, name or "", hosts)
            return ExitCode.OK
        if files:
            _allow_files(invocation, session, files)
            return ExitCode.OK
        if allow_scripts or allow_script_secrets:
            _allow_scripts(invocation, session, secrets=allow_script_secrets)
            return ExitCode.OK
        invocation.output.line(f"workspace {opened.name} at {opened.real_path}")
        environments = [session.environment] if environment is not None else [*opened.environments()]
        return await _bind_all(invocation, session, environments, yes=yes)

    return invocation.run(bind)


def _remove(invocation: Invocation, session: Session, name: str) -> ExitCode:
    file = Path(name).resolve()
    if file in session.registry.allowed_files(session.key):
        session.registry.disallow_file(session.key, file)
        invocation.diagnostics.note(f'"{file}" may be used no more')
        return ExitCode.OK
    if session.registry.bindings(session.key).get(name) is None:
        raise NotBound(f'the name "{name}" is bound to no credential of yours', credential=name)
    session.consent.unbind(name)
    invocation.diagnostics.note(f'"{name}" is bound no more, and its secrets may go nowhere')
    return ExitCode.OK


async def _bind_one(
    invocation: Invocation, session: Session, name: str, credential: str, hosts: tuple[str, ...]
) -> None:
    from cli.unlocking import unlock

    needs = _needs_of(name, hosts)
    await unlock(invocation, session)
    session.credential(credential)  # raises for a name that is nobody's
    session.consent.bind(name, credential)
    session.consent.approve(needs)
    where = f" for {', '.join(need.what for need in needs)}" if needs else ""
    invocation.diagnostics.note(f'in this workspace "{name}" is your credential "{credential}"{where}')
    if left := session.unbound():
        invocation.diagnostics.note(f"still not bound: {', '.join(left)}")


def _needs_of(credential: str, hosts: Sequence[str]) -> list[Need]:
    """Of hosts as a person writes them, or with the terms of the route before them as an error names them."""
    from core.hosts import parse_host
    from core.session import Need

    found = []
    for text in hosts:
        terms, _, host = text.strip().rpartition(" ")
        found.append(Need(credential, f"{terms} {parse_host(host)}".lstrip()))
    return found


def _allow_hosts(invocation: Invocation, session: Session, name: str, hosts: Sequence[str]) -> None:
    needs = _needs_of(name, hosts)
    if name and session.consent.binding(name) is None:
        raise NotBound(
            f'the name "{name}" is bound to no credential of yours',
            credential=name,
            hint=f"run: hushpost bind {shlex.quote(name)} YOUR_CREDENTIAL",
        )
    session.consent.approve(needs)
    invocation.diagnostics.note(f"{_whose(name)} may go to {', '.join(need.what for need in needs)}")


def _allow_files(invocation: Invocation, session: Session, files: Sequence[Path]) -> None:
    for file in files:
        if not file.is_file():
            raise FileError("is not a file", path=file)
    for file in files:
        session.allow_file(file.resolve())
        invocation.diagnostics.note(f'requests of this workspace may use "{file.resolve()}"')


def _allow_scripts(invocation: Invocation, session: Session, *, secrets: bool) -> None:
    files = session.grant("scripts", *(("secrets",) if secrets else ()))
    for file in files:
        invocation.output.line(f"scripts/{file}")
    invocation.output.flush()
    may = "run, and read secrets" if secrets else "run"
    invocation.diagnostics.note(f"scripts of this workspace may {may}, until one of these files changes")


async def _bind_all(
    invocation: Invocation, session: Session, environments: Sequence[str | None], *, yes: bool
) -> ExitCode:
    """The list: what is bound, what is not, and where secrets would go; approved when the user says so."""
    output = invocation.output
    unbound = list(session.unbound())
    for name, credential in sorted(session.registry.bindings(session.key).items()):
        output.line(f'"{name}" is your credential "{credential}"')
    for name in unbound:
        output.line(f'"{name}" is not bound: hushpost bind {shlex.quote(name)} YOUR_CREDENTIAL')
    for credential, approved in sorted(session.registry.approvals(session.key).items()):
        for what in approved:
            output.line(f"{_whose(credential)} may go to {what}: approved")
    for path in sorted(session.registry.allowed_files(session.key)):
        output.line(f'"{path}" may be used: allowed')
    scripts = _scripts(session)
    if scripts:
        output.line(scripts)
    missing = _missing(session, environments)
    for need in missing:
        output.line(f"{_whose(need.credential)} may go to {need.what}: to approve")
    output.flush()
    if missing and (yes or (invocation.interactive and invocation.confirm("approve what is to approve?"))):
        session.consent.approve(missing)
        invocation.diagnostics.note(f"approved {len(missing)}")
        missing = []
    if missing:
        invocation.diagnostics.error("not everything is approved", hint="approve the list: hushpost bind --yes")
    if unbound:
        invocation.diagnostics.error("not every name is bound", hint="bind each: hushpost bind NAME YOUR_CREDENTIAL")
    if scripts.endswith(NOT_ALLOWED):
        invocation.diagnostics.error("scripts may not run", hint="read them, then: hushpost bind --allow-scripts")
        return ExitCode.SECRET
    return ExitCode.SECRET if missing or unbound else ExitCode.OK


def _scripts(session: Session) -> str:
    """What the workspace's scripts may do; empty where no request and no folder has one."""
    opened = session.workspace
    if opened is None or not any(_is_scripted(opened, reference) for reference in opened.requests()):
        return ""
    grants = session.script_grants()
    if "scripts" not in grants:
        return f"scripts: {NOT_ALLOWED}"
    return f"scripts: may run{', and read secrets' if 'secrets' in grants else ''}"


def _is_scripted(workspace: Workspace, reference: str) -> bool:
    try:
        scripts = workspace.effective(reference).scripts
    except HushpostError:
        return False  # `check` tells
    return bool(scripts.before_request or scripts.after_response)


def _missing(session: Session, environments: Sequence[str | None]) -> list[Need]:
    """What the requests would need approved in any of these environments."""
    found: dict[Need, None] = {}
    for name in environments:
        session.environment = None if name == "base" else name
        found |= dict.fromkeys(session.needed_approvals())
    return list(found)


def _whose(credential: str) -> str:
    return f'secrets of "{credential}"' if credential else "values of your store"
