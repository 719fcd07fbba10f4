"""stderr, and the exit code of every kind of failure."""

from __future__ import annotations

import io
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from itertools import permutations
from typing import get_args

import pytest

import core
from cli.diagnostics import BY_KIND, Diagnostics, ExitCode, code_of, worst
from core import errors
from core.errors import HushpostError, RequestErrorKind, StoreLocked


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def kinds() -> Iterator[str]:
    """Of every module of core; those of the providers would bring their SDKs, and have no errors of their own."""
    for module in pkgutil.walk_packages(core.__path__, "core."):
        if not module.name.startswith("core.vault.providers") and not module.name.endswith("__main__"):
            import_module(module.name)

    def walk(found: type[HushpostError]) -> Iterator[type[HushpostError]]:
        yield found
        for child in found.__subclasses__():
            yield from walk(child)

    for found in walk(HushpostError):
        if not issubclass(found, errors.RequestError) and found.__module__.startswith("core."):
            yield HushpostError.kind.fget(found.__new__(found))  # type: ignore[attr-defined]
    yield from get_args(RequestErrorKind)


def test_every_kind_of_error_has_its_exit_code() -> None:
    assert set(kinds()) <= set(BY_KIND)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("file-error", 2),
        ("template-error", 2),
        ("url", 2),
        ("connect", 4),
        ("tls", 4),
        ("timeout", 4),
        ("host-not-allowed", 3),
        ("redirect-refused", 3),
        ("not-bound", 3),
        ("secret-not-found", 3),
        ("store-locked", 3),
        ("provider-unavailable", 3),
        ("cancelled", 130),
    ],
)
def test_exit_codes(kind: str, code: int) -> None:
    assert code_of(kind) == code


def test_of_several_codes_the_first_of_the_order_wins() -> None:
    order = [130, 3, 2, 4, 1]
    for left, right in permutations(order, 2):
        assert worst([left, 0, right]) == min(left, right, key=order.index)
    assert worst([]) == worst([0]) == ExitCode.OK


def test_an_error_and_its_hint() -> None:
    stream = io.StringIO()
    Diagnostics(stream).error(StoreLocked('the store "x" is locked', hint="unlock it"))
    assert stream.getvalue() == 'error: the store "x" is locked\nhint: unlock it\n'


def test_an_error_of_the_system_names_its_file() -> None:
    stream = io.StringIO()
    try:
        open("/nowhere/at/all")  # noqa: PTH123, SIM115
    except OSError as error:
        Diagnostics(stream).error(error)
    assert stream.getvalue() == 'error: "/nowhere/at/all": no such file or directory\n'


def test_every_text_is_redacted_and_moves_no_cursor() -> None:
    stream = Terminal()
    diagnostics = Diagnostics(stream)
    diagnostics.redact = lambda text: text.replace("hunter2", "•••")
    diagnostics.error("bad \x1b[2J hunter2", hint="not hunter2")
    diagnostics.warn("hunter2")
    diagnostics.note("hunter2 \u202e")
    diagnostics.progress("hunter2")
    diagnostics.traceback("Error: hunter2\x1b]0;x\x07")
    assert "hunter2" not in stream.getvalue()
    assert "\x1b[2J" not in stream.getvalue()
    assert "\x1b]" not in stream.getvalue()


def test_a_message_of_several_lines_cannot_begin_a_line() -> None:
    stream = io.StringIO()
    Diagnostics(stream).error("first\n::error::forged")
    assert stream.getvalue() == "error: first\n  | ::error::forged\n"


def test_progress_is_for_terminals_and_gives_way_to_every_line() -> None:
    stream = io.StringIO()
    Diagnostics(stream).progress("half")
    assert stream.getvalue() == ""
    stream = Terminal()
    diagnostics = Diagnostics(stream)
    diagnostics.progress("half")
    diagnostics.note("a line")
    assert stream.getvalue() == "\r\x1b[Khalf\r\x1b[Ka line\n"


def test_without_a_stderr_nothing_happens() -> None:
    Diagnostics(None).error("nobody hears this")
