"""A login at the terminal: codes, device codes, and a redirect that is pasted back."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from cli.diagnostics import Diagnostics
from cli.prompter import TerminalPrompter
from core.errors import LoginRequired
from core.paths import Surroundings, read_surroundings
from tests.patience import wait_until


class Person:
    """Types at one end of a pipe and reads what is shown."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._stdin, self._typing = os.pipe()
        self.shown = io.StringIO()
        self.prompter = TerminalPrompter(Diagnostics(self.shown), surroundings, stdin=self._stdin)

    def type(self, text: str) -> None:
        os.write(self._typing, text.encode())

    def leave(self) -> None:
        os.close(self._typing)
        self._typing = -1

    def close(self) -> None:
        if self._typing >= 0:
            os.close(self._typing)
        os.close(self._stdin)


@pytest.fixture
def person(home: Path) -> Iterator[Person]:
    person = Person(replace(read_surroundings({"HOME": str(home)}), over_ssh=True, has_display=True))
    yield person
    person.close()


def test_a_code_is_one_line(person: Person) -> None:
    person.type("123456\nfor the next question\n")
    assert person.prompter.ask_code("MFA", "code of the device phone") == "123456"
    assert "MFA: code of the device phone" in person.shown.getvalue()
    assert person.prompter.ask_code("MFA", "again") == "for the next question"


def test_no_code_is_a_refusal(person: Person) -> None:
    person.leave()
    with pytest.raises(LoginRequired):
        person.prompter.ask_code("MFA", "code")


def test_a_device_code_is_shown_with_its_address(person: Person) -> None:
    shown = person.prompter.show_device_code(
        "https://login.example.com/device", "ABCD-EFGH", datetime.now(UTC) + timedelta(minutes=15)
    )
    assert "https://login.example.com/device" in person.shown.getvalue()
    assert "ABCD-EFGH" in person.shown.getvalue()
    assert "15 min" in person.shown.getvalue()
    assert not shown.cancelled
    shown.dismiss()


def test_over_ssh_the_address_is_shown_and_a_pasted_redirect_is_taken(person: Person) -> None:
    waiting = person.prompter.open_url("https://login.example.com/authorize?x=1", "http://127.0.0.1:8250/callback")
    assert "\nhttps://login.example.com/authorize?x=1\n" in person.shown.getvalue()
    assert waiting.pasted is None
    person.type("http://127.0.0.1:8250/callback?code=c&state=s\n")
    wait_until(lambda: waiting.pasted is not None)
    assert waiting.pasted == "http://127.0.0.1:8250/callback?code=c&state=s"
    waiting.dismiss()


def test_a_login_that_ended_leaves_stdin_to_the_next_question(person: Person) -> None:
    waiting = person.prompter.open_url("https://login.example.com/", "http://127.0.0.1:8250/callback")
    waiting.dismiss()
    waiting.dismiss()
    wait_until(lambda: not [thread for thread in threading.enumerate() if thread.name == "hushpost-paste"])
    person.type("654321\n")
    assert person.prompter.ask_code("MFA", "code") == "654321"
    assert waiting.pasted is None


def test_what_a_vault_says_moves_no_cursor(person: Person) -> None:
    person.prompter.show_device_code("https://x/\x1b[2J", "A\u202eB", datetime.now(UTC))
    assert "\x1b" not in person.shown.getvalue()
    assert "\u202e" not in person.shown.getvalue()
