"""A credential's dialogs: which provider and type, then its fields; with the first one, the store's passphrase."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from core.errors import FieldError, HushpostError
from core.models import CREDENTIAL_NAME
from core.secret import Secret
from core.vault.autofill import AWS_FILE, from_aws_file
from core.vault.config import PROVIDERS, AnyCredential
from core.vault.fields import FormField, build_credential, credential_types, form_fields, texts, type_tag
from tui import keys
from tui.foreign import foreign, visible
from tui.screens.base import SessionDialog, SessionWork
from tui.screens.dialogs import DialogButton
from tui.screens.unlock import NEW_PASSPHRASE, NOT_RECOVERABLE, new_passphrase
from tui.screens.variable_rows import SHORT_PROVIDERS
from tui.screens.work_dialog import StatusLine, WorkDialog
from tui.widgets.footer import KeyFooter
from tui.widgets.form import Form
from tui.widgets.pick_list import Pick, PickList
from tui.widgets.secret_input import SecretInput

if TYPE_CHECKING:
    from core.session import Session
    from core.vault.store import StoredCredential

NAME = FormField("", "Name", "what you call this credential; blank: as the vault calls the login")
"""Its empty name cannot be that of a field of a credential."""


AUTOFILLED = ("temporary", "long_lived")
"""The types of AWS whose fields stand in its credentials file."""


@dataclass(frozen=True)
class Offer:
    """One row of the left list: a provider, or a well-known kind of one with some fields filled in."""

    key: str
    provider: str
    label: str
    preset: Mapping[str, str]
    types: Sequence[str]


def offers(*, over_ssh: bool) -> tuple[Offer, ...]:
    found = []
    for provider, (label, _, _) in PROVIDERS.items():
        tags = [type_tag(struct) for struct in credential_types(provider)]
        if provider == "azure" and over_ssh:
            tags.sort(key=lambda tag: tag != "device_code")
        found.append(Offer(provider, provider, label.removesuffix(", HCP Vault Dedicated"), {}, tags))
        if provider == "hashicorp":
            dedicated = {"namespace": "admin"}
            found.append(Offer("dedicated", provider, "HCP Vault Dedicated", dedicated, ("approle", "token")))
    return tuple(found)


class ChooseTypeDialog(SessionDialog[tuple[Offer, str]]):
    """The provider on the left, its credential types on the right."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.bindings(keys.DIALOG),
        *keys.plain("left", "side('providers')"),
        *keys.plain("right", "side('types')"),
    ]

    def __init__(self, session: Session, provider: str = "") -> None:
        super().__init__(session)
        display = session.surroundings.has_display and not session.surroundings.over_ssh
        self._offers = {offer.key: offer for offer in offers(over_ssh=not display)}
        self._provider = provider

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as box:
            box.border_title = "Add a credential"
            with Horizontal(id="offers"):
                yield PickList([Pick(offer.key, offer.label) for offer in self._offers.values()], id="providers")
                yield PickList(id="types")
            yield Static("", id="type-help", markup=False)
        yield KeyFooter()

    def on_mount(self) -> None:
        if self._provider:
            self.query_one("#providers", PickList).select(self._provider)
        self.query_one("#types" if self._provider else "#providers").focus()

    @property
    def _offer(self) -> Offer:
        current = self.query_one("#providers", PickList).current
        return self._offers[current.key] if current is not None else next(iter(self._offers.values()))

    @on(PickList.Moved, "#providers")
    def _provider_moved(self) -> None:
        offer = self._offer
        structs = {type_tag(struct): struct for struct in credential_types(offer.provider)}
        self.query_one("#types", PickList).choices = [Pick(tag, structs[tag].label) for tag in offer.types]

    @on(PickList.Moved, "#types")
    def _type_moved(self, event: PickList.Moved) -> None:
        structs = {type_tag(struct): struct for struct in credential_types(self._offer.provider)}
        struct = structs.get(event.choice.key) if event.choice is not None else None
        said = struct.help if struct is not None and struct.help else "arrows choose a vault and how you log in to it"
        self.query_one("#type-help", Static).update(foreign(f"{said}\nenter goes on", lines=True))

    @on(PickList.Picked, "#providers")
    def _provider_picked(self) -> None:
        self.query_one("#types").focus()

    @on(PickList.Picked, "#types")
    def _type_picked(self, event: PickList.Picked) -> None:
        self.dismiss((self._offer, event.choice.key))

    def action_side(self, side: str) -> None:
        self.query_one(f"#{side}").focus()


class CredentialDialog(WorkDialog[str]):
    """The fields of one credential; dismissed with its name once it is stored."""

    def __init__(
        self,
        session: Session,
        provider: str,
        type_name: str,
        *,
        stored: StoredCredential | None = None,
        preset: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(session)
        self._provider = provider
        self._type = next(struct for struct in credential_types(provider) if type_tag(struct) == type_name)
        self._stored_as = stored.name if stored is not None else None
        self._makes_store = not session.store.exists
        self._unnamed = False
        self._values: dict[str, str | Secret] = {"": self._first_name()}
        self._values |= texts(stored.credential) if stored is not None else dict(preset or {})

    def _first_name(self) -> str:
        """What stands in the field at first: an Azure login is best called by its account."""
        return self._stored_as or ("" if self._provider == "azure" else self._free_name())

    def _taken(self) -> set[str]:
        return {one.name for one in self.session.credentials()} if self.session.store.exists else set()

    def _free_name(self) -> str:
        taken = self._taken()
        if self._provider not in taken:
            return self._provider
        return next(name for number in range(2, len(taken) + 3) if (name := f"{self._provider}-{number}") not in taken)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide vault") as box:
            verb = "Edit" if self._stored_as is not None else "Add"
            box.border_title = f"{verb}: {SHORT_PROVIDERS[self._provider]}, {self._type.label}"
            fields = (NAME, *form_fields(self._type))
            if self._makes_store:
                text = f"Your first credential also makes the encrypted store. {NOT_RECOVERABLE}"
                yield Static(text, classes="dialog-text", id="first", markup=False)
                fields += NEW_PASSPHRASE
            yield Form(fields, self._values)
            yield StatusLine()
            with Horizontal(classes="dialog-buttons"):
                if type_tag(self._type) in AUTOFILLED and self._provider == "aws":
                    yield DialogButton("Autofill", id="autofill")
                yield DialogButton("Save and test", id="test")
                yield DialogButton("Save", id="save")
                yield DialogButton("Close", id="no")
        yield KeyFooter()

    def on_resize(self, event: events.Resize) -> None:
        for form in self.query(Form):
            form.fit(event.size.height - 13)

    def on_mount(self) -> None:
        self.query_one(Form).focus_first()

    @on(Form.Submitted)
    def _submitted(self) -> None:
        self._save(test=True)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "no":
            self.dismiss(self._stored_as)
        elif event.button.id == "autofill":
            self._autofill()
        else:
            self._save(test=event.button.id == "test")

    def action_cancel(self) -> None:
        if self.working:
            super().action_cancel()
        else:
            self.dismiss(self._stored_as)

    def _autofill(self) -> None:
        try:
            profile, found = from_aws_file()
        except HushpostError as error:
            self.show_problem(error)
            return
        form = self.query_one(Form)
        form.fill(found, source=f'from the profile "{profile}"')
        form.focus_first()
        self.status.say(f'filled in from the profile "{profile}" of {AWS_FILE}')

    def _save(self, *, test: bool) -> None:
        form = self.query_one(Form)
        values = form.texts
        try:
            passphrase = new_passphrase(values) if self._makes_store else None
            for field in NEW_PASSPHRASE:
                values.pop(field.name, None)
            name = self._checked_name(values)
            credential = build_credential(self._provider, type_tag(self._type), values)
        except FieldError as error:
            form.show_problems(error.fields)
            if not error.fields:
                self.show_problem(error)
            return
        form.show_problems({})

        async def store() -> None:
            if passphrase is not None and not self.session.store.exists:
                await self.session.create_store(passphrase=passphrase)
            await self.session.save_credential(name, credential, previous=self._stored_as)

        self.work("saving", store, lambda _: self._saved(name, credential, test=test))

    def _checked_name(self, values: dict[str, str | Secret]) -> str:
        typed = str(values.pop(NAME.name)).strip()
        self._unnamed = not typed
        name = typed or self._stored_as or self._free_name()
        if not re.fullmatch(CREDENTIAL_NAME, name):
            raise FieldError(
                "the name cannot be used",
                fields={NAME.name: "1 to 64 letters, digits, spaces and . _ @ -, the first a letter or a digit"},
            )
        if name != self._stored_as and name in self._taken():
            raise FieldError("the name is taken", fields={NAME.name: "there is a credential with this name"})
        return name

    def _saved(self, name: str, credential: AnyCredential, *, test: bool) -> None:
        self._stored_as = name
        if self._makes_store:
            self._makes_store = False
            self._forget_passphrase()
        if not test:
            self.tell(f'credential "{name}" saved')
            self.dismiss(name)
            return
        self.work(
            "logging in",
            lambda: self._log_in(name),
            self._logged_in,
            failed=self._refused,
            cures=False,
            long=True,
        )

    def _forget_passphrase(self) -> None:
        """The store is there: its part of the form has done its work."""
        self.query_one("#first").display = False
        form = self.query_one(Form)
        for field in NEW_PASSPHRASE:
            row = form.row(field.name)
            row.display = False
            if isinstance(row.control, SecretInput):
                row.control.clear()

    async def _log_in(self, name: str) -> tuple[str, str]:
        """The credential's name and the login's; one that nobody named is called by its login from now on."""
        identity = (await self.session.test_credential(name)).identity
        if not self._unnamed or not re.fullmatch(CREDENTIAL_NAME, identity) or identity in self._taken():
            return name, identity
        await self.session.rename_credential(name, identity)
        return identity, identity

    def _logged_in(self, logged_in: tuple[str, str]) -> None:
        name, identity = logged_in
        self.tell(f'credential "{name}" saved, logged in as {visible(identity)}' if identity else f'"{name}" logged in')
        self.dismiss(name)

    def _refused(self, error: HushpostError) -> None:
        # Its hint says what to do elsewhere; here it is done in the fields above.
        reason = visible(self.session.redact(str(error)), lines=True)
        self.status.problem(f"saved, but the login failed: {reason}")
        form = self.query_one(Form)
        secret = next((field for field in form_fields(self._type) if field.secret), None)
        form.row(secret.name if secret is not None else NAME.name).control.focus()


async def add_credential(screen: SessionWork[Any], provider: str = "") -> str | None:
    """Ask for provider, type and fields; the name of the credential that was stored."""
    while True:
        picked = await screen.ask(ChooseTypeDialog(screen.session, provider))
        if picked is None:
            return None
        offer, type_name = picked
        dialog = CredentialDialog(screen.session, offer.provider, type_name, preset=offer.preset)
        name = await screen.ask(dialog)
        if name is not None:
            return name
        provider = offer.key
