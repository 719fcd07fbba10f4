"""stdout: bytes for a pipe, safe text for a terminal, and a reader that goes away ends the output only."""

from __future__ import annotations

import io
import json
import os

from cli.output import Output
from core.visible import json_text


def printed(*, terminal: bool = False, color: bool = False) -> tuple[Output, io.BytesIO]:
    stream = io.BytesIO()
    output = Output(stream, is_terminal=terminal)
    output.color = color
    return output, stream


def test_a_line_stays_one_line_whatever_it_holds() -> None:
    output, stream = printed()
    output.line("name: ", "a\nb\x1b[2J", ("c\r", "red"))
    assert stream.getvalue() == b"name: a\\x0ab\\x1b[2Jc\\x0d\n"


def test_color_is_ours_and_foreign_escapes_are_marks() -> None:
    output, stream = printed(terminal=True, color=True)
    output.line(("ok\x1b[31m", "green"), " x")
    assert stream.getvalue() == b"\x1b[32mok\\x1b[31m\x1b[0m x\n"


def test_a_foreign_text_is_as_it_is_in_a_pipe_and_escaped_on_a_terminal() -> None:
    text = "a\x1b[31m\nb\t\u202e"
    output, stream = printed()
    output.text(text)
    assert stream.getvalue().decode() == text
    output, stream = printed(terminal=True)
    output.text(text)
    assert stream.getvalue().decode() == "a\\x1b[31m\nb\t\\u202e"


def test_json_stays_json_and_holds_nothing_that_a_terminal_obeys() -> None:
    value = {"a": "é•\x9b\u202e\x7f\U000e0041\ud800"}
    text = json_text(value)
    assert json.loads(text) == value
    assert "é•" in text
    assert not any(letter in text for letter in "\x9b\u202e\x7f\U000e0041\ud800")


def test_a_reader_that_has_gone_ends_the_output_quietly() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb", buffering=0) as stream:
        output = Output(stream)
        output.line("nobody reads this")
        assert output.closed
        output.line("nor this")
        output.flush()


def test_without_a_stdout_nothing_happens() -> None:
    output = Output(None)
    output.line("x")
    output.json({})
    output.flush()
    assert output.closed
