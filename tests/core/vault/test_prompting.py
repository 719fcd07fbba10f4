"""The clock that stands still while a person is asked, and the prompter that refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from core.errors import LoginRequired
from core.vault.prompting import RefusingPrompter, TimedPrompter, WorkingTime
from core.vault.provider import AuthPrompter, Dismiss


@dataclass
class Shown:
    cancelled: bool = False
    pasted: str | None = None
    dismissed: int = 0

    def dismiss(self) -> None:
        self.dismissed += 1


class Person:
    """Takes ten seconds of the clock for a code."""

    def __init__(self, clock: list[float]) -> None:
        self.clock = clock
        self.shown = Shown()

    def ask_code(self, title: str, message: str) -> str:
        self.clock[0] += 10
        return "123456"

    def show_device_code(self, url: str, code: str, expires_at: datetime) -> Dismiss:
        return self.shown

    def open_url(self, url: str, redirect_uri: str) -> Dismiss:
        if not url:
            raise LoginRequired("cancelled", hint="try again")
        return self.shown


def test_time_passes_but_not_while_a_code_is_asked_for() -> None:
    clock = [0.0]
    working = WorkingTime(lambda: clock[0])
    prompter: AuthPrompter = TimedPrompter(Person(clock), working)
    clock[0] += 1
    assert prompter.ask_code("t", "m") == "123456"
    clock[0] += 2
    assert working.seconds() == 3
    assert not working.asking


def test_time_stands_still_until_what_is_shown_is_dismissed() -> None:
    clock = [0.0]
    working = WorkingTime(lambda: clock[0])
    person = Person(clock)
    prompter = TimedPrompter(person, working)
    shown = prompter.show_device_code("u", "c", datetime.now(UTC))
    other = prompter.open_url("u", "r")
    clock[0] += 100
    assert working.asking
    assert working.seconds() == 0
    shown.dismiss()
    shown.dismiss()
    clock[0] += 100
    assert working.seconds() == 0, "the other one is still shown"
    other.dismiss()
    clock[0] += 5
    assert working.seconds() == 5
    assert person.shown.dismissed == 3


def test_a_refusal_lets_time_go_on() -> None:
    clock = [0.0]
    working = WorkingTime(lambda: clock[0])
    prompter = TimedPrompter(Person(clock), working)
    with pytest.raises(LoginRequired):
        prompter.open_url("", "r")
    clock[0] += 1
    assert (working.asking, working.seconds()) == (False, 1)


def test_an_abandoned_login_is_cancelled_and_asks_no_more() -> None:
    clock = [0.0]
    working = WorkingTime(lambda: clock[0])
    person = Person(clock)
    prompter = TimedPrompter(person, working)
    shown = prompter.open_url("u", "r")
    assert not shown.cancelled
    person.shown.pasted = "http://127.0.0.1/callback?code=1"
    assert shown.pasted == person.shown.pasted
    working.abandoned = True
    assert shown.cancelled
    for ask in (
        lambda: prompter.ask_code("t", "m"),
        lambda: prompter.open_url("u", "r"),
        lambda: prompter.show_device_code("u", "c", datetime.now(UTC)),
    ):
        with pytest.raises(LoginRequired):
            ask()


def test_a_person_who_cancels() -> None:
    clock = [0.0]
    person = Person(clock)
    shown = TimedPrompter(person, WorkingTime(lambda: clock[0])).open_url("u", "r")
    person.shown.cancelled = True
    assert shown.cancelled


@pytest.mark.parametrize(
    "ask",
    [
        lambda prompter: prompter.ask_code("t", "m"),
        lambda prompter: prompter.show_device_code("u", "c", datetime.now(UTC)),
        lambda prompter: prompter.open_url("u", "r"),
    ],
    ids=["code", "device", "browser"],
)
def test_headless_runs_refuse_with_the_way_to_log_in(ask: Callable[[AuthPrompter], object]) -> None:
    with pytest.raises(LoginRequired) as caught:
        ask(RefusingPrompter())
    assert "hushpost credential login" in str(caught.value.hint)
