"""The credential store's door: unlock it, or make it where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static

from core.errors import FieldError, HushpostError, WrongPassphrase
from core.secret import Secret
from core.vault.fields import FormField
from tui.screens.dialogs import DialogButton
from tui.screens.work_dialog import StatusLine, WorkDialog
from tui.widgets.footer import KeyFooter
from tui.widgets.form import Form
from tui.widgets.secret_input import SecretInput

if TYPE_CHECKING:
    from core.session import Session

NOT_RECOVERABLE = "The passphrase cannot be recovered: without it, what is in the store is lost."


NEW_PASSPHRASE = (
    FormField("passphrase", "Store passphrase", "encrypts the store on this machine", secret=True, required=True),
    FormField("again", "Passphrase again", "the same once more", secret=True, required=True),
)
"""What a form asks to make a store."""


def new_passphrase(texts: dict[str, str | Secret]) -> Secret:
    """Take the two fields out of a form's texts; FieldError where they are blank or differ."""
    first, again = Secret(""), Secret("")
    for name in ("passphrase", "again"):
        text = texts.pop(name, "")
        value = text if isinstance(text, Secret) else Secret(text)
        first, again = (value, again) if name == "passphrase" else (first, value)
    if first == Secret(""):
        raise FieldError("a passphrase is needed", fields={"passphrase": "is needed"})
    if again == Secret(""):
        raise FieldError("the passphrase is needed twice", fields={"again": "type it once more"})
    if first != again:
        raise FieldError("the two passphrases differ", fields={"again": "is not the same as the first"})
    return first


class UnlockScreen(WorkDialog[bool]):
    """True when the store is open."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._exists = session.store.exists

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog vault") as box:
            if self._exists:
                box.border_title = "Unlock the credential store"
                yield Static("Passphrase", classes="dialog-label")
                yield SecretInput(id="passphrase")
            else:
                box.border_title = "Make the credential store"
                text = "Credentials and secret values are kept encrypted on this machine, never in a workspace. "
                yield Static(text + NOT_RECOVERABLE, classes="dialog-text", markup=False)
                yield Form(NEW_PASSPHRASE)
            yield StatusLine()
            with Horizontal(classes="dialog-buttons"):
                yield DialogButton("Unlock" if self._exists else "Make", id="yes")
                yield DialogButton("Cancel", id="no")
        yield KeyFooter()

    def on_resize(self, event: events.Resize) -> None:
        for form in self.query(Form):
            form.fit(event.size.height - 12)

    def on_mount(self) -> None:
        if self._exists:
            self.query_one(SecretInput).focus()
            self.work(
                "trying the key file and the keyring",
                self.session.unlock_unattended,
                self._tried,
                cures=False,
                long=True,
            )
        else:
            self.query_one(Form).focus_first()

    def _tried(self, opened: bool) -> None:
        if opened:
            self.dismiss(True)

    @on(Input.Submitted)
    @on(Form.Submitted)
    def _take(self) -> None:
        if self._exists:
            self._unlock()
        else:
            self._make()

    def _unlock(self) -> None:
        field = self.query_one("#passphrase", SecretInput)
        if field.is_blank:
            self.status.problem("a passphrase is needed")
            return
        if self.working and self._worker is not None:
            self._worker.cancel()
            self._rest()
        passphrase = field.secret
        self.work(
            "unlocking",
            lambda: self.session.unlock(passphrase=passphrase),
            lambda _: self.close_with(True),
            failed=self._refused,
            cures=False,
        )

    def _refused(self, error: HushpostError) -> None:
        if isinstance(error, WrongPassphrase):
            field = self.query_one("#passphrase", SecretInput)
            field.clear()
            field.focus()
            self.status.problem("that passphrase does not open the store; try again")
        else:
            self.show_problem(error)

    def _make(self) -> None:
        form = self.query_one(Form)
        try:
            passphrase = new_passphrase(form.texts)
        except FieldError as error:
            form.show_problems(error.fields)
            return
        self.work(
            "making the store",
            lambda: self.session.create_store(passphrase=passphrase),
            lambda _: self.close_with(True),
            cures=False,
        )

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "yes":
            self._take()
        else:
            self.action_cancel()
