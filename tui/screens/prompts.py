"""What a login asks or shows while it goes on: a one-time code, a device code, an address to open in a browser."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import parse_qs, urlsplit

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Static

from tui import keys
from tui.foreign import foreign
from tui.screens.base import SessionDialog
from tui.screens.dialogs import DialogButton
from tui.terminal.clipboard import copy
from tui.widgets.countdown import Countdown, Ticker
from tui.widgets.footer import KeyFooter
from tui.widgets.line_input import LineInput

if TYPE_CHECKING:
    from core.session import Session


class CodeDialog(SessionDialog[str]):
    """A short one-time code, such as of an MFA device."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.DIALOG)

    def __init__(self, session: Session, title: str, message: str) -> None:
        super().__init__(session)
        self._title = title
        self._message = message

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = foreign(self._title)
            yield Static(foreign(self._message, lines=True), classes="dialog-text")
            yield LineInput(id="code", max_length=64)
            with Horizontal(classes="dialog-buttons"):
                yield DialogButton("Continue", id="yes")
                yield DialogButton("Cancel", id="no")
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one("#code", LineInput).focus()

    @on(Input.Submitted)
    def _take(self) -> None:
        code = self.query_one("#code", LineInput).value.strip()
        if code:
            self.dismiss(code)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "yes":
            self._take()
        else:
            self.dismiss(None)


class PromptDialog(SessionDialog[None]):
    """Stays until the login is done (`finish`) or the person cancels; `pasted` is an answer on the way."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.DIALOG)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.finished = False
        self.pasted: str | None = None

    def finish(self) -> None:
        self.finished = True
        if self.is_active:
            self.dismiss(None)

    def on_screen_resume(self) -> None:
        # The login ended while another dialog stood above this one.
        if self.finished:
            self.dismiss(None)

    def copy(self, text: str, what: str) -> None:
        self.run(
            lambda: copy(self.app, self.session, text),
            lambda happened: self.tell(f"the {what} was {happened}"),
            group="copy",
        )


class DeviceCodeDialog(PromptDialog):
    def __init__(self, session: Session, url: str, code: str, expires_at: datetime) -> None:
        super().__init__(session)
        self._url = url
        self._code = code
        self._expires_at = expires_at

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = "Log in with a device code"
            yield Static("Open this address in a browser on any machine:", classes="dialog-label", markup=False)
            yield Static(foreign(self._url), classes="prompt-address")
            yield Static("and type this code there:", classes="dialog-label", markup=False)
            yield Static(foreign(self._code, "bold"), classes="prompt-code")
            with Horizontal(classes="prompt-wait"):
                yield Static("Waiting for the answer; the code ends in", classes="prompt-waiting", markup=False)
                yield Countdown(Ticker(self), self._expires_at, idle="over", left_aligned=True)
            with Horizontal(classes="dialog-buttons"):
                yield DialogButton("Copy code", id="code")
                yield DialogButton("Copy address", id="address")
                yield DialogButton("Cancel", id="no")
        yield KeyFooter()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "code":
            self.copy(self._code, "code")
        elif event.button.id == "address":
            self.copy(self._url, "address")
        else:
            self.dismiss(None)


class BrowserDialog(PromptDialog):
    def __init__(self, session: Session, url: str, redirect_uri: str, *, opened: bool) -> None:
        super().__init__(session)
        self._url = url
        self._redirect_uri = redirect_uri
        self._opened = opened
        # A posted answer has no address to paste back.
        self._posted = parse_qs(urlsplit(url).query).get("response_mode") == ["form_post"]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as box:
            box.border_title = "Log in with a browser"
            say = "Your browser was opened. If it shows nothing, open this address:"
            yield Static(
                say if self._opened else "Open this address in a browser:", classes="dialog-label", markup=False
            )
            yield Static(foreign(self._url), classes="prompt-address")
            if not self._posted:
                help = Content("When the browser is on another machine, it ends on a page it cannot show, at ")
                help += foreign(self._redirect_uri) + Content(". Paste that page's address here:")
                yield Static(help, classes="dialog-label prompt-paste")
                yield LineInput(id="pasted")
            yield Static("", id="problem", classes="dialog-problem", markup=False)
            with Horizontal(classes="dialog-buttons"):
                yield DialogButton("Copy address", id="address")
                yield DialogButton("Cancel", id="no")
        yield KeyFooter()

    def on_mount(self) -> None:
        (self.query_one("#address") if self._posted else self.query_one("#pasted")).focus()

    @on(Input.Submitted)
    def _paste(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        query = parse_qs(urlsplit(text).query)
        if "state" in query and ("code" in query or "error" in query):
            self.pasted = text
            self.query_one("#problem", Static).update("taken; the login goes on")
        else:
            self.query_one("#problem", Static).update("! that is not the address of the last page: it has no code")

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "address":
            self.copy(self._url, "address")
        else:
            self.dismiss(None)
