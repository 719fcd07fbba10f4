"""What widgets say to the screen that holds them, where more than one widget says it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.message import Message


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
