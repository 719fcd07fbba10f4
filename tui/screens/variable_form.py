"""The dialog of one variable: name, kind, value and rules; a secret's value goes to the store, never to the file."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from core.errors import FieldError, HushpostError
from core.hosts import parse_host
from core.models import VARIABLE_NAME, Request, Variable
from core.secret import Secret
from core.vault.fields import FormField
from tui import keys
from tui.foreign import foreign
from tui.screens.base import SessionDialog
from tui.screens.dialogs import DialogButton
from tui.screens.variable_rows import linked_to
from tui.widgets.footer import KeyFooter
from tui.widgets.form import Form
from tui.widgets.names import Names
from tui.widgets.template_input import Hint, TemplateInput

if TYPE_CHECKING:
    from core.session import Session

Kind = Literal["plain", "secret", "linked"]

KINDS = ("plain", "secret", "linked")
FIELDS = (
    FormField("name", "Name", "as in {{name}}: letters, digits, _ . -", required=True),
    FormField("kind", "Kind", "plain: in the file; secret: in your store; linked: in a vault", "choice", choices=KINDS),
    FormField("value", "Value", "stands readable in the file; may hold {{templates}}"),
    FormField(
        "secret",
        "Secret value",
        "kept in the encrypted store of this machine, never in the file",
        secret=True,
    ),
    FormField(
        "allowed_hosts",
        "Allowed hosts",
        "such as api.example.com *.example.org; blank: any that you approve when asked",
    ),
    FormField(
        "cache_minutes",
        "Keep for minutes",
        "how long a fetched value is kept, 0 to 720; blank: as set in Credentials",
        "number",
    ),
    FormField(
        "refetch_on_401",
        "Fetch anew on a 401",
        "then send once more, when the value has changed",
        "boolean",
        default="false",
    ),
    FormField("description", "Description"),
    FormField("enabled", "Enabled", "off: as if it were not there", "boolean", default="true"),
)
OF_KIND: dict[str, frozenset[str]] = {
    "plain": frozenset({"value"}),
    "secret": frozenset({"secret", "allowed_hosts"}),
    "linked": frozenset({"allowed_hosts", "cache_minutes", "refetch_on_401"}),
}
"""Fields that belong to a kind; those in none belong to all."""


@dataclass(frozen=True)
class VariableEdit:
    """What the person wants; with `wants_link` the link is still to be chosen, and `variable` has its old value."""

    name: str
    variable: Variable
    secret: Secret | None = None
    """The new value for the store."""
    wants_link: bool = False


class VariableDialog(SessionDialog[VariableEdit]):
    """Dismissed with what the person wants; whoever asked writes it down."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.DIALOG)

    def __init__(
        self,
        session: Session,
        place: str,
        name: str,
        variable: Variable | None,
        taken: Collection[str],
        *,
        kind: Kind | None = None,
        has_value: bool | None = None,
        typed: VariableEdit | None = None,
    ) -> None:
        """`typed` is what could not be saved, to be tried again."""
        super().__init__(session)
        self._place = place
        self._variable_name = name
        self._variable = variable
        self._taken = frozenset(taken) - {name}
        self._typed = typed
        shown = typed.variable if typed is not None else variable
        self._kind: Kind = kind or (shown.kind if shown is not None else "plain")
        self._has_value = has_value

    def compose(self) -> ComposeResult:
        typed = self._typed
        variable = typed.variable if typed is not None else self._variable or Variable(value="")
        values: dict[str, str | Secret] = {
            "name": typed.name if typed is not None else self._variable_name,
            "kind": self._kind,
            "allowed_hosts": " ".join(variable.allowed_hosts or ()),
            "cache_minutes": "" if variable.cache_minutes is None else str(variable.cache_minutes),
            "refetch_on_401": "true" if variable.refetch_on_401 else "false",
            "description": variable.description,
            "enabled": "true" if variable.enabled else "false",
        }
        if typed is not None and typed.secret is not None:
            values["secret"] = typed.secret
        value = TemplateInput(variable.value or "", names=self._names)
        with Vertical(classes="dialog wide vault") as box:
            verb = f'Edit "{self._variable_name}"' if self._variable is not None else "Add a variable"
            box.border_title = foreign(f"{verb}: {self._place}")
            yield Static(foreign(self._linked_to()), id="linked-to")
            yield Form(FIELDS, values, controls={"value": value})
            with Horizontal(classes="dialog-buttons"):
                yield DialogButton("Save", id="yes")
                yield DialogButton("Cancel", id="no")
        yield KeyFooter()

    def _linked_to(self) -> str:
        link = self._variable.link if self._variable is not None else None
        if link is None:
            return "Save goes on to choosing the secret in its vault."
        return f'Linked to {linked_to(link)} with the credential "{link.credential}".'

    def _names(self) -> Names:
        try:
            return Names.of(self.session.scope(Request()))
        except HushpostError:
            return Names()

    def on_resize(self, event: events.Resize) -> None:
        self.query_one(Form).fit(event.size.height - 9)

    def on_mount(self) -> None:
        form = self.query_one(Form)
        self._show_fields()
        if self._variable is None:
            form.focus_first()
        else:
            wanted = {"plain": "value", "secret": "secret"}.get(self._kind, "kind")
            form.row(wanted).control.focus()

    @on(Form.Edited)
    def _edited(self, event: Form.Edited) -> None:
        if event.name == "kind":
            self._show_fields()

    @on(Hint)
    def _hint(self, event: Hint) -> None:
        event.stop()
        if event.text:
            self.query_one(Form).say(event.text)

    def _show_fields(self) -> None:
        form = self.query_one(Form)
        kind = str(form.texts["kind"])
        of_others = frozenset().union(*OF_KIND.values()) - OF_KIND[kind]
        for field in FIELDS:
            form.row(field.name).display = field.name not in of_others
        self.query_one("#linked-to").display = kind == "linked"
        if kind == "secret":
            form.say_blank("secret", self._blank_secret())

    def _blank_secret(self) -> str:
        """What a blank secret field means."""
        if self._typed is not None and self._typed.secret is not None:
            return "blank: as it was typed"
        if self._variable is not None and self._variable.value:
            return "blank: the value leaves the file for the store"
        if self._has_value:
            return "stored; blank keeps it"
        return "blank: it is set later" if self._has_value is False else "blank keeps what is stored"

    @on(Form.Submitted)
    def _submitted(self) -> None:
        """Enter on the name of a new variable goes on to its value while that is empty, which is rarely meant."""
        form = self.query_one(Form)
        wanted = {"plain": "value", "secret": "secret"}.get(str(form.texts["kind"]))
        on_name = self._variable is None and form.row("name").control.has_focus
        if on_name and wanted is not None and form.texts[wanted] in ("", Secret("")):
            form.row(wanted).control.focus()
        else:
            self._take()

    def _take(self) -> None:
        form = self.query_one(Form)
        try:
            edit = self._edit(form.texts)
        except FieldError as error:
            form.show_problems(error.fields)
            return
        form.show_problems({})
        self.dismiss(edit)

    def _edit(self, texts: dict[str, str | Secret]) -> VariableEdit:
        problems: dict[str, str] = {}
        name = str(texts["name"]).strip()
        if not re.fullmatch(VARIABLE_NAME, name):
            problems["name"] = "letters, digits and _ . - only, the first a letter or _"
        elif name in self._taken:
            problems["name"] = "there is a variable with this name"
        kind = str(texts["kind"])
        shared = self._rules(texts, kind, problems)
        if problems:
            raise FieldError("the variable cannot be saved as it is", fields=problems)
        before = self._variable or Variable(value="")
        typed = texts["secret"]
        secret: Secret | None = typed if isinstance(typed, Secret) and typed != Secret("") else None
        match kind:
            case "secret":
                if secret is None and before.value:
                    secret = Secret(before.value)
                return VariableEdit(
                    name, msgspec.structs.replace(before, value=None, secret=True, link=None, **shared), secret
                )
            case "linked" if before.link is not None:
                return VariableEdit(name, msgspec.structs.replace(before, **shared))
            case "linked":
                return VariableEdit(name, msgspec.structs.replace(before, **shared), wants_link=True)
            case _:
                value = str(texts["value"])
                return VariableEdit(
                    name, msgspec.structs.replace(before, value=value, secret=False, link=None, **shared)
                )

    def _rules(self, texts: dict[str, str | Secret], kind: str, problems: dict[str, str]) -> dict[str, object]:
        """The fields beside the value; those that do not belong to the kind stay as they were."""
        rules: dict[str, object] = {
            "description": str(texts["description"]).strip(),
            "enabled": texts["enabled"] == "true",
        }
        if "allowed_hosts" in OF_KIND[kind]:
            allowed = (
                tuple(re.split(r"[\s,]+", str(texts["allowed_hosts"]).strip(", \t"))) if texts["allowed_hosts"] else ()
            )
            for host in allowed:
                try:
                    parse_host(host)
                except HushpostError as error:
                    problems["allowed_hosts"] = str(error)
            before = self._variable.allowed_hosts if self._variable is not None else None
            # An empty list in the file allows no host at all, which is not the same as none given.
            rules["allowed_hosts"] = allowed or (before if before == () else None)
        if "cache_minutes" in OF_KIND[kind]:
            minutes = str(texts["cache_minutes"]).strip()
            if minutes and not (minutes.isdecimal() and int(minutes) <= 720):
                problems["cache_minutes"] = "a whole number from 0 to 720 is needed"
            else:
                rules["cache_minutes"] = int(minutes) if minutes else None
            rules["refetch_on_401"] = texts["refetch_on_401"] == "true"
        return rules

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "yes":
            self._take()
        else:
            self.dismiss(None)
