"""The command `hushpost`: a click group whose subcommands are imported when used, and the process around it."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import click

from cli.diagnostics import Diagnostics, ExitCode
from cli.invocation import Invocation
from cli.output import Output
from cli.sealing import seal
from core.errors import HushpostError

COMMANDS = {
    "open": ("workspace", "Open the app on a workspace."),
    "demo": ("demo", "Try hushpost on a workspace, an API and a vault of its own."),
    "new": ("workspace", "Make a workspace."),
    "send": ("send", "Send one request and print the response's body."),
    "run": ("run", "Send many requests and report what passed."),
    "check": ("check", "Check every file, template and link; no value is shown."),
    "exec": ("exec", "Run a command with an environment's variables."),
    "credential": ("credential", "How you log in to your vaults."),
    "bind": ("bind", "Allow a workspace to use your credentials."),
    "store": ("store", "The encrypted store of your credentials and secrets."),
    "import": ("transfer", "Make a request from a curl command in a file."),
    "export": ("transfer", "Write a request for another tool."),
    "doctor": ("doctor", "Print what a bug report needs; no secret is in it."),
    "completion": ("completion", "Print the shell's completion script."),
}
"""Subcommand to its module below `cli.commands` and its line in `--help`, in the order of `--help`."""

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Subcommands(click.Group):
    """Lists its subcommands from the table, so that `--help` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"cli.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        # Shells show it beside the name; click would cut the first sentence of the help.
        command.short_help = COMMANDS[cmd_name][1]
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help) for name, (_, help) in COMMANDS.items()])


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from core.versions import version

        ctx.ensure_object(Invocation).output.line(f"hushpost {version()}")
        ctx.exit()


@click.group(cls=Subcommands, invoke_without_command=True, context_settings=CONTEXT)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="The version."
)
@click.pass_context
def hushpost(ctx: click.Context) -> ExitCode:
    """An API workspace for the terminal whose secrets stay in your own vaults.

    Without a command: the app, on the last workspace or on the list of workspaces.
    """
    if ctx.invoked_subcommand is None:
        from cli.commands.workspace import start_app

        return start_app(ctx.ensure_object(Invocation), None)
    return ExitCode.OK


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; where none is given, that of the process, which ends with it."""
    core_file = _prepare_process() if arguments is None else None
    invocation = Invocation(_output(), Diagnostics(sys.stderr), sys.stdin, core_file=core_file)
    try:
        code = _run(invocation, arguments)
        invocation.output.flush()
    except OSError as error:
        # Writing the result failed: the disk behind stdout is full.
        invocation.diagnostics.error(error)
        code = ExitCode.USAGE
    if arguments is None:
        _leave(int(code))
    return int(code)


def _run(invocation: Invocation, arguments: Sequence[str] | None) -> int:
    diagnostics = invocation.diagnostics
    try:
        # With click's standalone mode off, `ctx.exit(code)` and the command's own return value both arrive here.
        code = hushpost.main(arguments, prog_name="hushpost", standalone_mode=False, obj=invocation)
        return int(code) if isinstance(code, int) else ExitCode.OK
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "hushpost"
        diagnostics.error(_sentence(error.format_message()), hint=f"run `{command} --help`")
        return ExitCode.USAGE
    except click.ClickException as error:
        diagnostics.error(_sentence(error.format_message()))
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        diagnostics.error("interrupted")
        return ExitCode.INTERRUPTED
    except HushpostError as error:
        diagnostics.error(error)
        return invocation.code_of(error)
    except OSError as error:
        diagnostics.error(error)
        return ExitCode.USAGE
    except SystemExit as error:
        # click's own way out when the reader of `--help` has gone.
        return error.code if isinstance(error.code, int) else ExitCode.FAILED
    except Exception:  # noqa: BLE001 - the last resort: a traceback may quote values, so it passes the redactor
        diagnostics.error("this is a bug in hushpost", hint="report it with the lines below; look them over first")
        import traceback

        diagnostics.traceback(traceback.format_exc())
        return ExitCode.BUG


def _sentence(text: str) -> str:
    """click's wording in the form of our own messages."""
    return text[:1].lower() + text[1:].removesuffix(".")


def _output() -> Output:
    if sys.stdout is None:
        return Output(None)
    terminal = sys.stdout.isatty()
    encoding = (sys.stdout.encoding or "utf-8") if terminal else "utf-8"
    return Output(sys.stdout.buffer, is_terminal=terminal, encoding=encoding)


def _prepare_process() -> int:
    """What `seal` returns."""
    # Next to nothing becomes garbage while a command is imported; what opens a session collects again.
    gc.disable()
    if not sys.warnoptions:
        # The SDKs warn their own developers, on our stderr.
        warnings.simplefilter("ignore")
    # Started with a standard stream closed, the next file opened would take its number and receive what is printed.
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    return seal()


def _leave(code: int) -> NoReturn:
    """End the process without taking the interpreter apart, which lasts longer than a small request."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        # The reader may have gone, or the stream was closed from the start.
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)
