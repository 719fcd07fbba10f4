"""Forms made from field metadata: every credential and link can be filled in, and secrets stay dots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input

from core.errors import FieldError
from core.secret import Secret
from core.vault.config import (
    PROVIDERS,
    AwsFile,
    AzureServicePrincipal,
    HashicorpLink,
    VaultAppRole,
    VaultToken,
)
from core.vault.fields import (
    FormField,
    build_credential,
    build_link,
    credential_types,
    form_fields,
    link_type,
    texts,
    type_tag,
)
from tests.tui.conftest import screen_text
from tests.vault_app import type_in
from tui.widgets.form import Form
from tui.widgets.one_of import OneOf, Toggle
from tui.widgets.secret_input import SecretInput

EVERY_CREDENTIAL = [struct for provider in PROVIDERS for struct in credential_types(provider)]
SECRET = "s.wQ8-never-on-screen"


class FormApp(App[None]):
    CSS_PATH = None

    def __init__(self, fields: Sequence[FormField], values: Mapping[str, str | Secret] | None = None) -> None:
        super().__init__()
        self._fields = fields
        self._values = values
        self.submitted = 0

    def compose(self) -> ComposeResult:
        self.form = Form(self._fields, self._values)
        yield self.form

    async def put(self, fields: Sequence[FormField], values: Mapping[str, str | Secret]) -> None:
        """Another form in place of this one."""
        await self.form.remove()
        self.form = Form(fields, values)
        await self.mount(self.form)

    def on_form_submitted(self) -> None:
        self.submitted += 1


async def fill(pilot: Pilot[Any], form: Form, name: str, text: str) -> None:
    form.row(name).control.focus()
    await pilot.pause()
    await type_in(pilot, text)


def filled(field: FormField) -> str | Secret:
    if field.secret:
        return Secret(SECRET)
    if field.choices:
        return field.choices[-1]
    if "http" in field.help or "address" in field.label.lower() or field.label == "Endpoint":
        return "https://vault.azure.net/secrets/name"
    return {"boolean": "true", "number": "7"}.get(field.kind, f"value of {field.name}")


async def test_every_credential_can_be_shown_and_taken_back_unchanged() -> None:
    app = FormApp(())
    async with app.run_test(size=(80, 30)) as pilot:
        for struct in EVERY_CREDENTIAL:
            fields = form_fields(struct)
            given = {field.name: filled(field) for field in fields if field.name not in struct.one_of[1:]}
            built = build_credential(struct.provider, type_tag(struct), given)
            await app.put(fields, texts(built))
            await pilot.pause()
            assert build_credential(struct.provider, type_tag(struct), app.form.texts) == built
            assert SECRET not in screen_text(pilot)
            assert all(field.label in screen_text(pilot) for field in fields), struct


async def test_every_link_can_be_shown_and_taken_back_unchanged() -> None:
    app = FormApp(())
    async with app.run_test(size=(80, 30)):
        for provider in PROVIDERS:
            fields = form_fields(link_type(provider))
            link = build_link(provider, "prod", {field.name: filled(field) for field in fields})
            await app.put(fields, texts(link))
            assert build_link(provider, "prod", app.form.texts) == link


async def test_a_form_filled_in_by_keys_makes_the_credential() -> None:
    app = FormApp(form_fields(VaultAppRole))
    async with app.run_test() as pilot:
        app.form.focus_first()
        await type_in(pilot, "https://v:8200")
        await pilot.press("tab")
        await type_in(pilot, "role")
        await pilot.press("down")
        await type_in(pilot, SECRET)
        assert SECRET not in screen_text(pilot)
        await pilot.press("enter")
        assert app.submitted == 1
        made = build_credential("hashicorp", "approle", app.form.texts)
        assert made == VaultAppRole(server_address="https://v:8200", role_id="role", secret_id=Secret(SECRET))


async def test_defaults_stand_as_hints_and_blank_means_them() -> None:
    app = FormApp(form_fields(AwsFile))
    async with app.run_test() as pilot:
        await pilot.pause()
        section = app.form.row("section").control
        assert isinstance(section, Input)
        assert (section.value, section.placeholder) == ("", "default")
        assert build_credential("aws", "file", app.form.texts) == AwsFile()


async def test_arrows_and_space_choose_and_switch() -> None:
    app = FormApp((*form_fields(HashicorpLink), *form_fields(AwsFile)))
    async with app.run_test() as pilot:
        version = app.form.row("kv_version").control
        assert isinstance(version, OneOf)
        version.focus()
        assert version.value == "2"
        await pilot.press("left")
        assert version.value == "1"
        cached = app.form.row("cache_file").control
        assert isinstance(cached, Toggle)
        cached.focus()
        assert cached.on
        await pilot.press("space")
        assert not cached.on
        await pilot.press("enter")
        assert app.submitted == 1


async def test_problems_stand_below_their_rows_until_the_row_is_edited() -> None:
    app = FormApp(form_fields(VaultToken))
    async with app.run_test() as pilot:
        with pytest.raises(FieldError) as error:
            build_credential("hashicorp", "token", app.form.texts)
        app.form.show_problems(error.value.fields)
        await pilot.pause()
        assert screen_text(pilot).count("is needed") == 2
        assert app.form.row("server_address").control.has_focus
        await type_in(pilot, "h")
        await pilot.pause()
        assert screen_text(pilot).count("is needed") == 1


async def test_the_help_of_the_focused_field_is_shown() -> None:
    app = FormApp(form_fields(VaultAppRole))
    async with app.run_test() as pilot:
        app.form.row("auth_mount").control.focus()
        await pilot.pause()
        assert "where AppRole is enabled · blank: approle" in screen_text(pilot)


async def test_a_stored_secret_is_never_filled_in_and_kept_while_blank() -> None:
    stored = VaultToken(server_address="https://v", token=Secret(SECRET))
    app = FormApp(form_fields(VaultToken), texts(stored))
    async with app.run_test() as pilot:
        await pilot.pause()
        control = app.form.row("token").control
        assert isinstance(control, SecretInput)
        assert control.value == ""
        assert SECRET not in screen_text(pilot)
        assert build_credential("hashicorp", "token", app.form.texts) == stored
        await fill(pilot, app.form, "token", "new")
        assert build_credential("hashicorp", "token", app.form.texts).token == Secret("new")  # type: ignore[union-attr]
        await pilot.press("backspace", "backspace", "backspace")
        assert build_credential("hashicorp", "token", app.form.texts) == stored


async def test_backspace_in_the_blank_field_removes_a_stored_secret_that_may_be_absent() -> None:
    stored = AzureServicePrincipal(tenant_id="t", client_id="c", client_secret=Secret(SECRET))
    app = FormApp(form_fields(AzureServicePrincipal), texts(stored))
    async with app.run_test() as pilot:
        app.form.row("client_secret").control.focus()
        await pilot.press("backspace")
        await pilot.pause()
        assert "will be removed" in screen_text(pilot)
        await fill(pilot, app.form, "certificate_path", "/c.pem")
        made = build_credential("azure", "service_principal", app.form.texts)
        assert made == AzureServicePrincipal(tenant_id="t", client_id="c", certificate_path="/c.pem")


async def test_foreign_text_in_a_form_is_shown_letter_by_letter() -> None:
    values = {"mount": "[red]x[/]", "path": "a\x1b[31mb", "version": "", "kv_version": "2"}
    app = FormApp(form_fields(HashicorpLink), values)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "[red]x[/]" in screen_text(pilot)
        assert "\x1b" not in screen_text(pilot)
        assert app.form.texts["path"] == "a\x1b[31mb"
