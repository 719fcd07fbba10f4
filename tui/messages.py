"""What widgets say to the screen that holds them, where more than one widget says it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from textual.message import Message

if TYPE_CHECKING:
    from core.reading.filtering import Filter
    from tui.widgets.names import Names

Wanted = Literal["check", "capture"]
Problem = Callable[[str], str]
"""What is wrong with a text, empty when nothing is."""


class PartEdited(Message):
    """Something was typed or chosen in a part of an editor; what, its owner reads from it."""


class Notice(Message):
    """Something to tell the person in passing; the text is shown as it is, never as markup."""

    def __init__(self, text: str, *, warning: bool = False) -> None:
        super().__init__()
        self.text = text
        self.warning = warning


class ChoiceAsked(Message):
    """The person wants to choose from a list; `chosen` is called with the choice, and not without one."""

    def __init__(self, title: str, choices: Sequence[str], current: str, chosen: Callable[[str], object]) -> None:
        super().__init__()
        self.title = title
        self.choices = tuple(choices)
        self.current = current
        self.chosen = chosen


class TextAsked(Message):
    """The person wants to write a text of several lines; `taken` is called with it when `problem` finds nothing."""

    def __init__(
        self,
        title: str,
        text: str,
        taken: Callable[[str], object],
        *,
        names: Callable[[], Names],
        note: str = "",
        syntax: str = "",
        problem: Problem = lambda text: "",
    ) -> None:
        super().__init__()
        self.title = title
        self.text = text
        self.taken = taken
        self.names = names
        self.note = note
        self.syntax = syntax
        self.problem = problem


class AnswerWanted(Message):
    """A check or capture of what an answer shows is to be made; `shown` is the filter whose result is on the screen."""

    def __init__(self, what: Wanted, status: int, shown: Filter | None) -> None:
        super().__init__()
        self.what = what
        self.status = status
        self.shown = shown
