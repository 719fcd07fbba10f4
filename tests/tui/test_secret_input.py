"""The field for secrets: what is typed or pasted leaves it only as a Secret."""

from __future__ import annotations

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.message import Message
from textual.widgets import Input

from core.secret import Secret
from tests.tui.conftest import screen_text
from tests.vault_app import type_in
from tui.widgets.secret_input import SecretInput

SECRET = "tr0ub4dor&3"


class SecretApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Message] = []

    def compose(self) -> ComposeResult:
        yield SecretInput(id="secret")

    @property
    def field(self) -> SecretInput:
        return self.query_one(SecretInput)

    def on_input_changed(self, message: Input.Changed) -> None:
        self.seen.append(message)

    def on_input_submitted(self, message: Input.Submitted) -> None:
        self.seen.append(message)

    def on_input_blurred(self, message: Input.Blurred) -> None:
        self.seen.append(message)


async def test_what_is_typed_is_dots_on_screen_and_a_secret_inside() -> None:
    app = SecretApp()
    async with app.run_test() as pilot:
        app.field.focus()
        await type_in(pilot, SECRET.replace("&", "x"))
        assert app.field.secret == Secret("tr0ub4dorx3")
        assert "tr0" not in screen_text(pilot)
        assert "•" * 11 in screen_text(pilot)


async def test_no_message_and_no_repr_holds_it() -> None:
    app = SecretApp()
    async with app.run_test() as pilot:
        app.field.focus()
        await type_in(pilot, "abcdef")
        await pilot.press("enter", "tab")
        app.screen.set_focus(None)
        await pilot.pause()
        kinds = {type(message) for message in app.seen}
        assert kinds == {SecretInput.Changed, SecretInput.Submitted, SecretInput.Blurred}
        for message in app.seen:
            assert "abcdef" not in repr(message)
            assert "abcdef" not in str(vars(message))
        assert "abcdef" not in repr(app.field)


@pytest.mark.parametrize("key", ["ctrl+c", "ctrl+x"])
async def test_it_cannot_be_copied_out(key: str) -> None:
    app = SecretApp()
    async with app.run_test() as pilot:
        app.field.focus()
        await type_in(pilot, "abcdef")
        app.field.action_select_all()
        await pilot.press(key)
        await pilot.pause()
        assert app.clipboard == ""


@pytest.mark.parametrize(
    ("pasted", "held"),
    [
        ("one line", "one line"),
        ("one line\r\n", "one line"),
        ("-----BEGIN KEY-----\r\nMIIB\r\n-----END KEY-----\r\n", "-----BEGIN KEY-----\nMIIB\n-----END KEY-----\n"),
        ('{\n  "private_key": "x"\n}', '{\n  "private_key": "x"\n}'),
        ("", ""),
    ],
)
async def test_a_pasted_key_keeps_its_lines(pasted: str, held: str) -> None:
    app = SecretApp()
    async with app.run_test() as pilot:
        app.field.focus()
        await pilot.pause()
        app.field.post_message(events.Paste(pasted))
        await pilot.pause()
        assert app.field.secret == Secret(held)
        assert "PRIVATE" not in screen_text(pilot).upper() or not held


async def test_backspace_in_the_blank_field_is_told() -> None:
    told: list[Message] = []

    class Told(SecretApp):
        def on_secret_input_erased(self, message: SecretInput.Erased) -> None:
            told.append(message)

    app = Told()
    async with app.run_test() as pilot:
        app.field.focus()
        await pilot.press("a", "backspace")
        assert not told
        await pilot.press("backspace")
        await pilot.pause()
        assert len(told) == 1
