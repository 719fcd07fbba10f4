"""Values on the command line: `NAME=VALUE`, and the ways to keep one off it, `NAME=@FILE` and `NAME=-`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from core.errors import FileError
from core.secret import Secret

if TYPE_CHECKING:
    from cli.invocation import Invocation

LARGEST = 8 * 1024 * 1024
"""Bytes of a value from a file or stdin; either may have no end."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def split_pair(text: str, option: str) -> tuple[str, str]:
    """NAME and VALUE; an error does not repeat the value, which may be a secret."""
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"{option} wants NAME=VALUE, NAME=@FILE or NAME=-")
    return name, value


def variables(pairs: Iterable[str], invocation: Invocation) -> Mapping[str, str | Secret]:
    """What `-v` gave; what came from a file or stdin is a secret, `@@` begins a value with an @."""
    found: dict[str, str | Secret] = {}
    stdin_of = None
    for pair in pairs:
        name, value = split_pair(pair, "-v")
        if not _NAME.fullmatch(name):
            raise click.UsageError(f'"{name}" is no variable name')
        if value == "-":
            if stdin_of is not None:
                raise click.UsageError(f'"{stdin_of}" has taken stdin: "{name}" needs another source')
            stdin_of = name
        secret = indirect(value, name, invocation)
        found[name] = secret if secret is not None else value[1:] if value.startswith("@@") else value
    return found


def indirect(value: str, name: str, invocation: Invocation) -> Secret | None:
    """The content that `@FILE` or `-` stands for, without one line end; None for a literal value."""
    if value == "-":
        if invocation.interactive:
            return invocation.ask_secret(f'value of "{name}"')
        if invocation.stdin is None:
            raise click.UsageError(f'stdin is closed: "{name}" needs another source')
        return _text(invocation.stdin.buffer, f'stdin for "{name}"')
    if value.startswith("@") and not value.startswith("@@"):
        path = Path(value[1:]).expanduser()
        try:
            with path.open("rb") as file:
                return _text(file, f'"{path}"')
        except OSError as error:
            raise FileError(
                f'the value of "{name}" cannot be read: {(error.strerror or "unreadable").lower()}', path=path
            ) from error
    return None


def _text(file: IO[bytes], source: str) -> Secret:
    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise click.UsageError(f"{source} holds more than {LARGEST >> 20} MiB, which no value may")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise click.UsageError(f"{source} is no UTF-8 text") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise click.UsageError(f"{source} is empty")
    return Secret(text)
