"""All of stderr, and the one place that maps failures to exit codes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import TextIO

from cli.output import disarmed
from core.errors import HushpostError
from core.visible import visible


class ExitCode(IntEnum):
    OK = 0
    FAILED = 1
    """A request or a check failed."""
    USAGE = 2
    """The command line, a file, or a template."""
    SECRET = 3
    """A secret, a credential, the store, a binding; a host not allowed, a redirect refused."""
    NETWORK = 4
    BUG = 70
    """Not an expected failure: EX_SOFTWARE of sysexits."""
    INTERRUPTED = 130


WORST_FIRST = (ExitCode.INTERRUPTED, ExitCode.SECRET, ExitCode.USAGE, ExitCode.NETWORK, ExitCode.FAILED)

BY_KIND = {
    "hushpost-error": ExitCode.USAGE,
    "file-error": ExitCode.USAGE,
    "file-not-allowed": ExitCode.USAGE,
    "template-error": ExitCode.USAGE,
    "format-error": ExitCode.USAGE,
    "field-error": ExitCode.USAGE,
    "script-error": ExitCode.FAILED,
    "scripts-not-allowed": ExitCode.SECRET,
    "refused": ExitCode.USAGE,
    "exists": ExitCode.USAGE,
    "stale": ExitCode.USAGE,
    "server-missing": ExitCode.USAGE,
    "url": ExitCode.USAGE,
    "request": ExitCode.USAGE,
    "disk": ExitCode.USAGE,
    "connect": ExitCode.NETWORK,
    "timeout": ExitCode.NETWORK,
    "tls": ExitCode.NETWORK,
    "proxy": ExitCode.NETWORK,
    "protocol": ExitCode.NETWORK,
    "cancelled": ExitCode.INTERRUPTED,
    "host-not-allowed": ExitCode.SECRET,
    "redirect-refused": ExitCode.SECRET,
    "store-error": ExitCode.SECRET,
    "store-locked": ExitCode.SECRET,
    "wrong-passphrase": ExitCode.SECRET,
    "store-corrupt": ExitCode.SECRET,
    "vault-error": ExitCode.SECRET,
    "secret-not-found": ExitCode.SECRET,
    "access-denied": ExitCode.SECRET,
    "login-required": ExitCode.SECRET,
    "login-failed": ExitCode.SECRET,
    "not-bound": ExitCode.SECRET,
    "provider-unavailable": ExitCode.SECRET,
}
"""Every `HushpostError.kind`, which is also what reports call a failure."""


def code_of(kind: str) -> ExitCode:
    return BY_KIND.get(kind, ExitCode.FAILED)


def worst(codes: Iterable[int]) -> ExitCode:
    """Of several exit codes the one that the command ends with."""
    seen = set(codes)
    return next((code for code in WORST_FIRST if code in seen), ExitCode.OK)


class Diagnostics:
    """What a command says beside its result. Every text passes `redact`, and none moves the cursor."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._progress = ""
        self.is_terminal = stream is not None and stream.isatty()
        self.color = False
        """Set by who knows NO_COLOR; never true where stderr is no terminal."""
        self.redact: Callable[[str], str] = str

    def error(self, error: BaseException | str, *, hint: str | None = None) -> None:
        """`error: …`, and below it `hint: …` where there is a next step."""
        if isinstance(error, HushpostError):
            hint = hint or error.hint
        elif isinstance(error, OSError):
            error = f'"{error.filename}": {_cause(error)}' if error.filename is not None else _cause(error)
        self._say("error", "31", str(error))
        if hint:
            self._say("hint", "36", hint)

    def warn(self, text: str, *, hint: str | None = None) -> None:
        self._say("warning", "33", text)
        if hint:
            self._say("hint", "36", hint)

    def note(self, text: str) -> None:
        """What a person may like to know; several lines are kept."""
        self._write(self._clean(text) + "\n")

    def quote(self, text: str) -> None:
        """The same of a text that is not ours from its second line on."""
        self._write(_marked(self._clean(text)) + "\n")

    def traceback(self, text: str) -> None:
        """A bug's traceback: redacted like all else."""
        self._write(self._clean(text))

    def progress(self, text: str) -> None:
        """One line that is overwritten by the next; only on a terminal. An empty text takes it away."""
        if not self.is_terminal or text == self._progress:
            return
        self._write("\r\x1b[K" + self._clean(text), keep=True)
        self._progress = text

    def ask(self, text: str) -> None:
        """A question without a line end; the answer follows it."""
        self._write(self._clean(text))

    def _say(self, word: str, color: str, text: str) -> None:
        label = f"\x1b[1;{color}m{word}:\x1b[0m" if self.color else f"{word}:"
        self._write(f"{label} {_marked(self._clean(text))}\n")

    def _clean(self, text: str) -> str:
        return disarmed(visible(self.redact(text), lines=True))

    def _write(self, text: str, *, keep: bool = False) -> None:
        if self._stream is None:
            return
        if self._progress and not keep:
            text = "\r\x1b[K" + text
            self._progress = ""
        # A closed or full stderr leaves nobody to tell.
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()


def _marked(text: str) -> str:
    """With a mark before each line but the first: CI systems obey lines that begin with `::`, also after spaces."""
    first, *more = text.splitlines() or [""]
    return "\n".join([first, *(f"  | {line}" for line in more)])


def _cause(error: OSError) -> str:
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]
