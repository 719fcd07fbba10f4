"""`doctor`: what a bug report needs."""

from __future__ import annotations

import platform
import shutil
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.diagnostics import ExitCode
from cli.invocation import Invocation, pass_invocation
from core.errors import HushpostError
from core.versions import version

if TYPE_CHECKING:
    from core.paths import Paths
    from core.session import Session

LIBRARIES = (
    "textual",
    "httpx",
    "msgspec",
    "tomlkit",
    "cryptography",
    "keyring",
    "diskcache",
    "click",
    "boto3",
    "google-cloud-secret-manager",
    "hvac",
    "azure-identity",
    "azure-keyvault-secrets",
)

Rows = Iterator[tuple[str, str]]


@click.command("doctor")
@pass_invocation
def doctor_command(invocation: Invocation) -> ExitCode:
    """Print what a bug report needs; no secret is in it."""

    output, diagnostics, paths = invocation.output, invocation.diagnostics, invocation.surroundings.paths
    # Before a session is opened: a broken settings file ends that.
    for name, value in (*_versions(), *_terminal(invocation), *_places(paths)):
        output.line(f"{name:<12} {value}")
    for path in paths.exposed():
        diagnostics.warn(f'others on this machine can read "{path}"', hint=f"run: chmod go= {path}")

    async def show(session: Session) -> ExitCode:
        code = ExitCode.OK
        for part in (_store(session), _workspace(session)):
            try:
                for name, value in part:
                    output.line(f"{name:<12} {value}")
            except HushpostError as error:
                diagnostics.error(error)
                code = invocation.code_of(error)
        return code

    return invocation.run(show)


def _versions() -> Rows:
    yield "hushpost", version()
    yield "python", f"{platform.python_version()} ({sys.executable})"
    yield "system", platform.platform()
    yield "libraries", ", ".join(f"{name} {version(name)}" for name in LIBRARIES)


def _terminal(invocation: Invocation) -> Rows:
    surroundings = invocation.surroundings
    size = shutil.get_terminal_size()
    yield "terminal", f"{surroundings.term or 'TERM is not set'}, {size.columns}x{size.lines}"
    streams = {
        "stdin": invocation.stdin is not None and invocation.stdin.isatty(),
        "stdout": invocation.output.is_terminal,
        "stderr": invocation.diagnostics.is_terminal,
    }
    yield "streams", ", ".join(f"{name} is {'a' if tty else 'no'} terminal" for name, tty in streams.items())
    yield "encoding", sys.getfilesystemencoding()
    facts = {
        "over SSH": surroundings.over_ssh,
        "a display": surroundings.has_display,
        "NO_COLOR": surroundings.no_color,
        "a proxy": bool(surroundings.proxies),
    }
    yield "session", ", ".join(f"{name}: {'yes' if found else 'no'}" for name, found in facts.items())


def _places(paths: Paths) -> Rows:
    for name, path in (("config", paths.config), ("data", paths.data), ("state", paths.state)):
        yield name, f"{path} ({_mode(path)})"
    yield "settings", f"{paths.settings} ({_mode(paths.settings)})"


def _mode(path: Path) -> str:
    try:
        return f"{stat.S_IMODE(path.stat().st_mode):04o}"
    except FileNotFoundError:
        return "not there yet"
    except OSError as error:
        return (error.strerror or "unreadable").lower()


def _store(session: Session) -> Rows:
    from cli.commands.store import describe

    yield "keyring", _keyring()
    yield from describe(session)


def _keyring() -> str:
    """The backend's class; loading it asks for nothing."""
    import keyring
    import keyring.core

    backend = keyring.get_keyring()
    kept = "" if keyring.core.recommended(backend) else ", which keeps nothing"
    return f"{type(backend).__module__}.{type(backend).__qualname__}{kept}"


def _counted(things: Sequence[object], noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def _workspace(session: Session) -> Rows:
    from core.workspace.workspace import Workspace

    path = Workspace.find(Path.cwd())
    if path is None:
        yield "workspace", "this folder is in none"
        return
    workspace = session.open_workspace(path)
    yield (
        "workspace",
        f"{path}: {_counted(workspace.requests(), 'request')}, {_counted(workspace.environments(), 'environment')}",
    )
    for problem in workspace.problems():
        yield "problem", str(problem.error)
