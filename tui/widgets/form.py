"""A form made from field metadata: a row a field, secrets masked and never filled in, problems below their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from core.secret import Secret
from core.vault.fields import FormField
from tui import keys
from tui.foreign import foreign, visible
from tui.widgets.line_input import LineInput
from tui.widgets.one_of import OneOf, Toggle
from tui.widgets.secret_input import SecretInput

LABEL_WIDTH = 24


class FormRow(Vertical):
    """Label and control of one field, and below them what is wrong with it."""

    def __init__(self, field: FormField, value: str | Secret, control: Widget | None = None) -> None:
        super().__init__(classes="form-row")
        self.field = field
        self._kept = value if isinstance(value, Secret) and value else None
        """The stored secret, kept while the field stays blank."""
        self.control = control if control is not None else self._control("" if isinstance(value, Secret) else value)
        self._problem = Static(classes="form-problem", markup=False)
        self._problem.display = False

    def _control(self, value: str) -> Widget:
        field = self.field
        if field.secret:
            return SecretInput(placeholder="stored; blank keeps it" if self._kept else "", name=field.name)
        if field.kind == "boolean":
            return Toggle((value or field.default) == "true")
        if field.kind == "choice":
            return OneOf([(choice, choice or "none") for choice in field.choices], value or field.default)
        return LineInput(value, placeholder=field.default, name=field.name)

    def compose(self) -> ComposeResult:
        label = Content(self.field.label)
        if self.field.required:
            label += Content.styled(" *", "$text-warning")
        with Horizontal(classes="form-line"):
            yield Label(label, classes="form-label")
            yield self.control
        yield self._problem

    @property
    def text(self) -> str | Secret:
        match self.control:
            case SecretInput() as entered:
                return self._kept if entered.is_blank and self._kept is not None else entered.secret
            case OneOf() as one_of:
                return ("true" if one_of.value == "on" else "false") if isinstance(one_of, Toggle) else one_of.value
            case Input() as line:
                return line.value
        raise TypeError(self.control)

    @property
    def help(self) -> str:
        parts = [self.field.help] if self.field.help else []
        if self.field.secret and self._kept is not None:
            parts.append("stored: blank keeps it" + ("" if self.field.required else ", backspace removes it"))
        elif self.field.multiline:
            parts.append("paste it whole")
        if self.field.required:
            parts.append("needed")
        elif self.field.default and self.field.kind in ("text", "number"):
            parts.append(f"blank: {self.field.default}")
        return " · ".join(parts)

    def keep(self, secret: Secret, why: str) -> None:
        """Take a secret that nobody types, as if it had been stored; `why` stands in the blank field."""
        if isinstance(self.control, SecretInput):
            self._kept = secret
            self.control.clear()
            self.control.placeholder = why

    def remove_kept(self) -> bool:
        """Drop the stored secret of a field that may be absent; False where there is nothing to drop."""
        if self._kept is None or self.field.required or not isinstance(self.control, SecretInput):
            return False
        self._kept = None
        self.control.placeholder = "will be removed"
        return True

    def show_problem(self, problem: str) -> None:
        self._problem.update(foreign(problem))
        self._problem.display = bool(problem)


class Form(Vertical):
    """Rows of controls with the help of the focused one below; enter in any of them submits."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.plain("up", "step(-1)"),
        *keys.plain("down", "step(1)"),
    ]

    class Submitted(Message):
        def __init__(self, form: Form) -> None:
            super().__init__()
            self.form = form

        @property
        def control(self) -> Form:
            return self.form

    class Edited(Message):
        """A value changed; `name` is the field's."""

        def __init__(self, form: Form, name: str) -> None:
            super().__init__()
            self.form = form
            self.name = name

        @property
        def control(self) -> Form:
            return self.form

    def __init__(
        self,
        fields: Sequence[FormField],
        values: Mapping[str, str | Secret] | None = None,
        *,
        controls: Mapping[str, Widget] | None = None,
        id: str | None = None,
    ) -> None:
        """`controls` stand in for the usual control of the fields of that name."""
        super().__init__(id=id)
        given, own = values or {}, controls or {}
        self._rows = [FormRow(field, given.get(field.name, ""), own.get(field.name)) for field in fields]

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="form-rows", can_focus=False):
            yield from self._rows
        yield Static(classes="form-help", markup=False)

    @property
    def texts(self) -> dict[str, str | Secret]:
        """What stands in the form, for `build_credential` and `build_link`, with stored secrets left alone."""
        return {row.field.name: row.text for row in self._rows}

    def row(self, name: str) -> FormRow:
        return next(row for row in self._rows if row.field.name == name)

    def fill(self, values: Mapping[str, object], *, source: str = "") -> None:
        """Put these values into the fields that have their names; secrets stay unseen, with `source` in their place."""
        for row in self._rows:
            if row.field.name in values:
                value = values[row.field.name]
                if isinstance(value, Secret):
                    row.keep(value, source)
                elif isinstance(row.control, OneOf):
                    row.control.value = str(value)
                elif isinstance(row.control, Input):
                    row.control.value = "" if value is None else str(value)

    def fit(self, lines: int) -> None:
        """Take at most so many lines for the rows, and scroll the others."""
        self.query_one(".form-rows").styles.max_height = max(3, lines)

    def say(self, text: str) -> None:
        """Say something in place of the focused field's help."""
        self.query_one(".form-help", Static).update(foreign(text))

    def say_blank(self, name: str, text: str) -> None:
        """What stands in a field of text while it is blank."""
        control = self.row(name).control
        if isinstance(control, Input):
            control.placeholder = visible(text)

    def focus_first(self) -> None:
        """Focus the first field that is still to be filled in, else the first."""
        blank = [row for row in self._rows if row.field.required and not row.text]
        (blank or self._rows)[0].control.focus()

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Say below each row what is wrong with it, and put the focus on the first."""
        for row in self._rows:
            row.show_problem(problems.get(row.field.name, ""))
        for row in self._rows:
            if row.field.name in problems:
                row.control.focus()
                break

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        for row in self._rows:
            if row.control is event.widget:
                self.say(row.help)

    def action_step(self, by: int) -> None:
        rows = [row for row in self._rows if row.display]
        at = next((index for index, row in enumerate(rows) if row.control.has_focus), None)
        if at is not None and 0 <= at + by < len(rows):
            rows[at + by].control.focus()

    @on(Input.Submitted)
    @on(OneOf.Submitted)
    def _submitted(self, event: Message) -> None:
        event.stop()
        self.post_message(self.Submitted(self))

    @on(SecretInput.Erased)
    def _erased(self, event: SecretInput.Erased) -> None:
        event.stop()
        for row in self._rows:
            if row.control is event.input and row.remove_kept():
                self.say(row.help)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._edited(event.input)

    @on(OneOf.Changed)
    def _chosen(self, event: OneOf.Changed) -> None:
        event.stop()
        self._edited(event.one_of)

    def _edited(self, control: Widget) -> None:
        for row in self._rows:
            if row.control is control:
                row.show_problem("")
                self.post_message(self.Edited(self, row.field.name))
