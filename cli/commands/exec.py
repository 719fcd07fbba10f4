"""`exec`: another program, with variables of an environment in its environment."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.diagnostics import ExitCode
from cli.invocation import Invocation, pass_invocation
from cli.options import complete_variables, environment_option, workspace_option
from cli.sealing import unseal
from core.errors import HushpostError
from core.secret import Secret

if TYPE_CHECKING:
    from core.session import Session

NOT_FOUND = 127
NOT_EXECUTABLE = 126

STEERS = re.compile(
    r"PATH|IFS|SHELL|HOME|CDPATH|BASH.*|LD_.*|DYLD_.*|GCONV_PATH|LOCPATH|NLSPATH|PS[1-4]|PROMPT_COMMAND"
    r"|PYTHON.*|PERL.*|RUBY.*|NODE_.*|(?i:NPM_CONFIG_.*)|JAVA_.*|_JAVA_OPTIONS|JDK_.*|CLASSPATH|LUA_.*"
    r"|GO(?:FLAGS|ROOT|PATH)|GIT_.*|SSH_.*|EDITOR|VISUAL|PAGER|BROWSER|LESS.*|MAN.*PAGER"
    r"|(?i:(?:HTTPS?|ALL|FTP|NO)_PROXY)|CURL_.*|WGETRC|SSL_CERT_.*|REQUESTS_CA_BUNDLE|OPENSSL_.*|XDG_.*|HUSHPOST_.*"
    r"|TMPDIR|TERMINFO|MAKEFLAGS|CC|CXX|RUSTC.*|DOCKER_.*|KUBECONFIG"
    r"|AWS_(?:CONFIG_FILE|SHARED_CREDENTIALS_FILE|ENDPOINT_URL.*|CA_BUNDLE)"
    r"|ZDOTDIR|FPATH|SHELLOPTS|MAKEFILES|HOSTALIASES|GTK_MODULES|QT_PLUGIN_PATH|VIMINIT|EXINIT|RSYNC_RSH|TAR_OPTIONS"
    r"|DOTNET_.*|CORECLR_.*|COMPLUS_.*|PHPRC|PHP_INI_SCAN_DIR|CARGO_HOME|CARGO_(?:BUILD|TARGET)_.*|GEM_(?:HOME|PATH)|BUNDLE_.*"
    r"|(?:PIP|UV)_(?:.*INDEX.*|CONFIG_FILE|TRUSTED_HOST|CERT|PROXY)|TF_(?!VAR_).*|ANSIBLE_.*"
    r"|VAULT_(?:ADDR|CACERT|CAPATH|SKIP_VERIFY|PROXY_ADDR)|BAO_(?:ADDR|CACERT|CAPATH|SKIP_VERIFY)"
    r"|GOOGLE_APPLICATION_CREDENTIALS|CLOUDSDK_.*|PGSERVICEFILE|PGSYSCONFDIR|MYSQL_HOME|SUDO_ASKPASS|KRB5_CONFIG"
)
"""Variables that choose what a program runs or whom it trusts: a workspace, which may be a stranger's, sets none of
them unless its user names it."""


@click.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@environment_option(required=True)
@workspace_option
@click.option(
    "--only",
    "names",
    metavar="NAME",
    multiple=True,
    shell_complete=complete_variables,
    help="Only this variable; may be given several times.",
)
@click.argument("command", metavar="COMMAND [ARGUMENT]...", nargs=-1, required=True, type=click.UNPROCESSED)
@pass_invocation
def exec_command(
    invocation: Invocation, environment: str, workspace: Path | None, names: tuple[str, ...], command: tuple[str, ...]
) -> int:
    """Run a command with an environment's variables.

    hushpost exec -e production -- COMMAND: the variables of the environment and of base are in the command's
    environment; `.` and `-` in a name become `_`. The command takes the place of hushpost, with its exit code and
    signals. What it does with the values is its own affair: allowed_hosts does not bind it.
    """
    found: dict[str, str] = {}

    async def collect(session: Session) -> ExitCode:
        from cli.unlocking import Unlocking

        invocation.open_workspace(session, workspace, environment)
        found.update(await Unlocking(invocation, session)(lambda: _values(session, names)))
        return ExitCode.OK

    code = invocation.run(collect)
    if code is not ExitCode.OK:
        return code
    invocation.output.flush()
    return _replace_process(invocation, command, found)


async def _values(session: Session, only: Sequence[str]) -> dict[str, str]:
    """The values by the names that the command sees; every one is there, or an error names those that are not."""
    from core.models import Request

    scope = session.scope(Request())
    chosen = list(dict.fromkeys(only)) or sorted(entry.name for entry in scope.entries())
    names = _exported_names(chosen, named=bool(only))
    # Raises for all that are undefined or disabled, by name.
    needed = scope.needed([("exec", f"{{{{{name}}}}}") for name in chosen])
    got = await session.resolver.resolve(scope, needed)
    resolved = scope.resolve(got.values, consented=got.consented)
    values = {}
    for name in chosen:
        text = resolved.values[name].text
        value = text.reveal() if isinstance(text, Secret) else text
        if "\x00" in value:
            raise HushpostError(f'the value of "{name}" holds a NUL, which no environment variable can')
        values[names[name]] = value
    return values


def _exported_names(chosen: Sequence[str], *, named: bool) -> Mapping[str, str]:
    exported: dict[str, str] = {}
    for name in chosen:
        seen = re.sub(r"[.-]", "_", name)
        if seen in exported.values():
            other = next(first for first, known in exported.items() if known == seen)
            raise HushpostError(
                f'"{other}" and "{name}" are both {seen} for a command', hint="choose one with --only NAME"
            )
        if STEERS.fullmatch(seen) and not named:
            raise HushpostError(
                f'the variable "{name}" would change how the command itself runs',
                hint=f"if that is meant, name every variable you want: --only {name}",
            )
        exported[name] = seen
    return exported


def _replace_process(invocation: Invocation, command: Sequence[str], values: Mapping[str, str]) -> int:
    from core.paths import child_environment

    # Python ignores these, and a program inherits what is ignored.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    if invocation.core_file is not None:
        unseal(invocation.core_file)
    try:
        os.execvpe(command[0], list(command), child_environment() | dict(values))  # noqa: S606 - the user's own command
    except FileNotFoundError:
        invocation.diagnostics.error(f'there is no command "{command[0]}"')
        return NOT_FOUND
    except OSError as error:
        invocation.diagnostics.error(f'the command "{command[0]}" cannot be run: {error.strerror}')
        return NOT_EXECUTABLE
