"""What one command runs with: its streams, its surroundings, and a Session opened, interrupted and closed for it."""

from __future__ import annotations

import contextlib
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, TextIO

import click

from cli.diagnostics import Diagnostics, ExitCode, code_of
from cli.output import Output
from core.errors import FileError, HushpostError

if TYPE_CHECKING:
    from core.paths import Surroundings
    from core.secret import Secret
    from core.session import Session
    from core.vault.environ import EnvironmentCredentials
    from core.workspace.workspace import Workspace


ENDING = (signal.SIGTERM, signal.SIGHUP)
"""What ends a command from outside, as Ctrl-C does."""


class Invocation:
    """Made once a process (a test makes its own) and handed to commands as click's object."""

    def __init__(
        self, output: Output, diagnostics: Diagnostics, stdin: TextIO | None, *, core_file: int | None = None
    ) -> None:
        self.output = output
        self.diagnostics = diagnostics
        self.stdin = stdin
        self.core_file = core_file
        """The limit that `seal` took away; None where this process was not sealed."""

    @cached_property
    def surroundings(self) -> Surroundings:
        from core.paths import read_surroundings

        surroundings = read_surroundings()
        self.output.color = self.output.is_terminal and not surroundings.no_color
        self.diagnostics.color = self.diagnostics.is_terminal and not surroundings.no_color
        return surroundings

    @cached_property
    def environment(self) -> EnvironmentCredentials:
        """Credentials and values that the process was given; reading them also hides them from our children."""
        from core.vault.environ import EnvironmentCredentials

        return EnvironmentCredentials.read()

    @property
    def interactive(self) -> bool:
        """A person can be asked: both the questions and the answers have a terminal."""
        return self.diagnostics.is_terminal and self.stdin is not None and self.stdin.isatty()

    def run(
        self, action: Callable[[Session], Awaitable[ExitCode]], *, surroundings: Surroundings | None = None
    ) -> ExitCode:
        """Open a headless session, do the action on its loop, close it; Ctrl-C and SIGTERM cancel the action."""
        import asyncio

        return asyncio.run(self._with_session(action, surroundings or self.surroundings))

    async def _with_session(
        self, action: Callable[[Session], Awaitable[ExitCode]], surroundings: Surroundings
    ) -> ExitCode:
        import asyncio

        from cli.prompter import TerminalPrompter
        from core.session import open_session

        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        _quiet_loggers()
        prompter = TerminalPrompter(self.diagnostics, surroundings) if self.interactive else None
        session = open_session(surroundings, headless=True, prompter=prompter, environment=self.environment)
        self.diagnostics.redact = session.redact
        # What was imported stays to the end.
        gc.freeze()
        gc.enable()

        # asyncio's own, which cancels the task, and raises the second time.
        by_ctrl_c = signal.getsignal(signal.SIGINT)

        def end(number: int, frame: FrameType | None) -> None:
            session.sender.interrupt()
            if number == signal.SIGINT and callable(by_ctrl_c):
                by_ctrl_c(number, frame)
            elif task is not None:
                # Also where the loop sleeps, which a signal alone does not end.
                loop.call_soon_threadsafe(task.cancel)

        with _on_signals(end):
            try:
                return await action(session)
            except asyncio.CancelledError:
                self.diagnostics.error("interrupted")
                return ExitCode.INTERRUPTED
            finally:
                await session.close()

    def code_of(self, error: HushpostError) -> ExitCode:
        return code_of(error.kind)

    def open_workspace(self, session: Session, path: Path | None, environment: str | None = None) -> Workspace:
        """The workspace at `path`, or the one that holds the current folder, with this environment active."""
        from core.environment import BASE
        from core.workspace.workspace import Workspace

        where = Workspace.find(Path.cwd()) if path is None else path
        if where is None:
            raise FileError(
                "no workspace holds this folder",
                path=Path.cwd(),
                hint="go into one, name it with `-w PATH`, or make one with `hushpost new PATH`",
            )
        workspace = session.open_workspace(where)
        if environment not in (None, BASE):
            workspace.load_environment(environment)
        # Not `set_environment`: what one command says is not what the app starts with next.
        session.environment = None if environment == BASE else environment
        return workspace

    def ask_secret(self, question: str, *, twice: bool = False) -> Secret:
        """An answer typed without echo; only where a person can be asked."""
        import getpass

        from core.secret import Secret

        if not self.interactive:
            raise click.UsageError(f"nobody can be asked for the {question} here: stdin and stderr are no terminal")
        with interruptible():
            answer = getpass.getpass(f"{question}: ", stream=sys.stderr)
            if not answer:
                raise click.UsageError(f"the {question} is empty")
            if twice and getpass.getpass("once more: ", stream=sys.stderr) != answer:
                raise click.UsageError("the two answers differ")
        return Secret(answer)

    def ask_line(self, question: str) -> str:
        """An answer typed in sight."""
        if not self.interactive or self.stdin is None:
            raise click.UsageError(f"nobody can be asked here: {question}")
        self.diagnostics.ask(f"{question}: ")
        try:
            with interruptible():
                line = self.stdin.readline()
        except UnicodeDecodeError:
            raise click.UsageError("the answer is no valid text") from None
        if not line:
            raise click.Abort()
        return line.rstrip("\n")

    def confirm(self, question: str) -> bool:
        return self.ask_line(f"{question} [y/N]").strip().lower() in ("y", "yes")


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C and its kin end a blocking question at once: asyncio would only cancel a task that waits."""
    with _on_signals(signal.default_int_handler):
        yield


@contextlib.contextmanager
def _on_signals(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Call this for Ctrl-C and its kin, but for those that whoever started us had ignored, as nohup does."""
    previous = {}
    try:
        for number in (signal.SIGINT, *ENDING):
            if signal.getsignal(number) == signal.SIG_IGN:
                continue
            with contextlib.suppress(ValueError):  # not the main thread
                previous[number] = signal.signal(number, handler)
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)


def end_on_signals() -> None:
    """Let what ends the process from outside unwind it as Ctrl-C does: terminal and temporary files are restored."""
    for number in ENDING:
        with contextlib.suppress(ValueError):  # not the main thread
            signal.signal(number, signal.default_int_handler)


def _quiet_loggers() -> None:
    """Without any handler Python prints warnings of libraries on stderr, past the redactor."""
    import logging

    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())


pass_invocation = click.make_pass_decorator(Invocation)
