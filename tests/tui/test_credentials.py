"""The credentials mode by its keys: what is stored, what vaults answer, what is in memory, and what is never shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from core.models import Variable
from core.secret import Secret
from core.session import Session
from core.settings import load_settings
from core.vault.config import AwsLongLived, HashicorpLink, MemoryLink, VaultAppRole, VaultToken
from tests.loopback import Loopback
from tests.tui.conftest import notices, screen_text, until
from tests.vault_app import (
    PASSPHRASE,
    SECRETS,
    SIZES,
    STRIPE,
    back,
    cheap_store,
    everything_under,
    in_mode,
    memory,
    rows,
    said,
    shown,
    type_in,
    with_store,
    workspace_at,
)
from tests.vaults.openbao import OpenBao, bao  # noqa: F401 - a fixture
from tui.screens.credential_form import ChooseTypeDialog, CredentialDialog
from tui.screens.credentials import CredentialsScreen
from tui.screens.dialogs import AskTextDialog, ConfirmDialog
from tui.widgets.form import Form
from tui.widgets.pick_list import PickList
from tui.widgets.rows import Rows
from tui.widgets.secret_input import SecretInput


async def put(pilot: Pilot[Any], name: str, text: str) -> None:
    """A text into a field of the form on top."""
    pilot.app.screen.query_one(Form).row(name).control.focus()
    await pilot.press("end", "ctrl+u")
    await type_in(pilot, text)


async def chosen(pilot: Pilot[Any], provider: str, type_name: str) -> CredentialDialog:
    """Go through the dialog of providers and types."""
    dialog = await shown(pilot, ChooseTypeDialog)
    dialog.query_one("#providers", PickList).select(provider)
    dialog.query_one("#providers").focus()
    await pilot.pause()
    await pilot.press("enter")
    await pilot.pause()
    dialog.query_one("#types", PickList).select(type_name)
    await pilot.press("enter")
    return await shown(pilot, CredentialDialog)


def states(pilot: Pilot[Any]) -> list[str]:
    return [row.split(" | ")[4] for row in rows(pilot, "#credentials")]


async def test_the_first_credential_makes_the_store_in_the_same_dialog(session: Session) -> None:
    cheap_store(session)
    async with in_mode(session, "credentials") as pilot:
        assert "Press n to add the first one" in said(pilot)
        await pilot.press("a")
        dialog = await chosen(pilot, "memory", "memory")
        assert "cannot be recovered" in said(pilot)
        await put(pilot, "secrets", '{"a": "very-secret-value"}')
        await put(pilot, "passphrase", PASSPHRASE)
        await pilot.press("enter")
        await until(pilot, lambda: "type it once more" in said(pilot))
        assert not session.store.exists
        await put(pilot, "again", PASSPHRASE)
        await pilot.press("enter")
        await back(pilot)
        assert session.store.unlocked
        assert [one.name for one in session.credentials()] == ["memory"]
        assert states(pilot) == ["connected"]
        assert "very-secret-value" not in screen_text(pilot)
        assert not dialog.working
    assert b"very-secret-value" not in everything_under(session.paths.data.parent)


async def test_a_credential_of_a_real_vault_shows_its_identity_and_how_long_it_lasts(
    session: Session,
    bao: OpenBao,  # noqa: F811
) -> None:
    await with_store(session, {})
    token = bao.token(["root"], ttl="1h")
    async with in_mode(session, "credentials", size=(140, 30)) as pilot:
        await pilot.press("a")
        await chosen(pilot, "hashicorp", "token")
        await put(pilot, "", "vault-dev")
        await put(pilot, "server_address", bao.address)
        await put(pilot, "token", token)
        await pilot.press("enter")
        await back(pilot)
        assert states(pilot) == ["connected"]
        name, provider, kind, identity, _, left = rows(pilot, "#credentials")[0].split(" | ")
        assert (name, provider, kind) == ("vault-dev", "HashiCorp", "Token")
        assert "root" in identity
        assert left.startswith("59:") or left == "1:00:00"
        assert token not in screen_text(pilot)
        assert f"logged in as {identity}" in said(pilot)


async def test_a_refused_login_is_said_and_the_credential_is_kept(session: Session, bao: OpenBao) -> None:  # noqa: F811
    await with_store(session, {})
    role_id, _ = bao.approle()
    async with in_mode(session, "credentials") as pilot:
        await pilot.press("a")
        dialog = await chosen(pilot, "hashicorp", "approle")
        await put(pilot, "server_address", bao.address)
        await put(pilot, "role_id", role_id)
        await put(pilot, "secret_id", "not-the-secret-id")
        await pilot.press("enter")
        await until(pilot, lambda: "saved, but the login failed" in dialog.status.text)
        assert "not-the-secret-id" not in screen_text(pilot)
        assert [one.name for one in session.credentials()] == ["hashicorp"]
        await pilot.press("escape")
        await back(pilot)
        assert states(pilot) == ["needs login"]


async def test_what_is_wrong_with_a_field_is_said_below_it_and_nothing_is_saved(session: Session) -> None:
    await with_store(session)
    async with in_mode(session, "credentials") as pilot:
        await pilot.press("a")
        await chosen(pilot, "hashicorp", "token")
        await put(pilot, "", "vault-prod")
        await pilot.press("enter")
        await pilot.pause()
        assert "there is a credential with this name" in said(pilot)
        await put(pilot, "", "-no-")
        await put(pilot, "server_address", "vault.example.com")
        await put(pilot, "token", "t")
        await pilot.press("enter")
        await pilot.pause()
        assert "1 to 64 letters" in said(pilot)
        await put(pilot, "", "fine")
        await pilot.press("enter")
        await pilot.pause()
        assert "such as https://vault.example.com:8200" in said(pilot)
        assert len(session.credentials()) == 1


async def test_an_edit_keeps_a_secret_left_blank_and_drops_what_was_fetched(session: Session) -> None:
    await with_store(session, {"vault": VaultAppRole("https://v:1", "role", Secret("kept-secret-id"))})
    async with in_mode(session, "credentials") as pilot:
        await pilot.press("e")
        dialog = await shown(pilot, CredentialDialog)
        secret = dialog.query_one(Form).row("secret_id").control
        assert isinstance(secret, SecretInput)
        assert secret.value == ""
        assert "stored; blank keeps it" in said(pilot)
        await put(pilot, "", "renamed")
        await put(pilot, "role_id", "other-role")
        dialog.query_one("#save").focus()
        await pilot.press("enter")
        await back(pilot)
        assert "kept-secret-id" not in screen_text(pilot)
        (stored,) = session.credentials()
        assert stored.name == "renamed"
        assert stored.credential == VaultAppRole("https://v:1", "other-role", Secret("kept-secret-id"))


async def test_the_preset_of_hcp_vault_dedicated_fills_in_its_namespace(session: Session) -> None:
    await with_store(session, {})
    async with in_mode(session, "credentials") as pilot:
        await pilot.press("a")
        dialog = await chosen(pilot, "dedicated", "approle")
        assert dialog.query_one(Form).texts["namespace"] == "admin"
        await pilot.press("escape")
        await shown(pilot, ChooseTypeDialog)
        await pilot.press("escape")
        await back(pilot)


async def test_escape_ends_a_login_that_hangs_and_the_keys_work_meanwhile(session: Session, server: Loopback) -> None:
    await with_store(session, {"slow": VaultToken(f"{server.url}/hold", Secret("s.token")), "vault-prod": memory()})
    async with in_mode(session, "credentials") as pilot:
        await pilot.press("t")
        await until(pilot, lambda: states(pilot)[0] == "logging in")
        await until(pilot, lambda: server.requests)
        await pilot.press("down", "t")
        await until(pilot, lambda: states(pilot)[1] == "connected")
        assert states(pilot)[0] == "logging in"
        await pilot.press("escape")
        await until(pilot, lambda: states(pilot)[0] == "not checked")
        assert "stopped logging in" in notices(pilot)
    server.release()


async def test_log_out_forgets_the_login_and_what_it_fetched(session: Session) -> None:
    await with_store(session)
    variable = Variable(link=MemoryLink(credential="vault-prod", name="payments/stripe"))
    workspace_at(session, session.paths.data / "ws", {"stripe_key": variable})
    session.consent.bind("vault-prod", "vault-prod")
    await session.details("stripe_key", variable)
    async with in_mode(session, "credentials") as pilot:
        assert len(rows(pilot, "#cache")) == 1
        await pilot.press("o")
        await until(pilot, lambda: not rows(pilot, "#cache"))
        assert states(pilot) == ["not checked"]
        assert not session.cached()


async def test_delete_asks_first_and_the_answer_that_changes_nothing_has_the_focus(session: Session) -> None:
    await with_store(session)
    async with in_mode(session, "credentials") as pilot:
        await pilot.press("x")
        await shown(pilot, ConfirmDialog)
        await pilot.press("enter")
        await back(pilot)
        assert len(session.credentials()) == 1
        await pilot.press("x")
        await shown(pilot, ConfirmDialog)
        await pilot.press("left", "enter")
        await back(pilot)
        await until(pilot, lambda: not session.credentials())
        assert rows(pilot, "#credentials") == []


async def test_cached_secrets_are_listed_without_values_and_reset_one_by_one_or_all(session: Session) -> None:
    await with_store(session)
    links = {name: Variable(link=MemoryLink(credential="vault-prod", name=name)) for name in SECRETS}
    workspace_at(session, session.paths.data / "ws", {})
    session.consent.bind("vault-prod", "vault-prod")
    for name, variable in links.items():
        await session.details(name.replace("/", "_"), variable)
    async with in_mode(session, "credentials") as pilot:
        listed = rows(pilot, "#cache")
        assert sorted(row.split(" | ")[0] for row in listed) == sorted(SECRETS)
        assert all(re.fullmatch("29:5.|30:00", row.split(" | ")[4]) for row in listed)
        assert not [value for value in SECRETS.values() if value in screen_text(pilot)]
        await pilot.press("tab", "r")
        await until(pilot, lambda: len(rows(pilot, "#cache")) == 2)
        assert len(session.cached()) == 2
        await pilot.press("R")
        await until(pilot, lambda: not rows(pilot, "#cache"))
        assert not session.cached()


async def test_how_long_secrets_are_kept_is_set_here_and_bounded(session: Session) -> None:
    await with_store(session)
    async with in_mode(session, "credentials") as pilot:
        await pilot.press("m")
        await shown(pilot, AskTextDialog)
        await pilot.press("ctrl+u")
        await type_in(pilot, "721")
        await pilot.press("enter")
        await pilot.pause()
        assert "a whole number from 0 to 720 is needed" in said(pilot)
        await pilot.press("ctrl+u")
        await type_in(pilot, "5")
        await pilot.press("enter")
        await back(pilot)
        assert session.vault.cache.minutes == 5
        assert load_settings(session.paths).cache_minutes == 5
        assert "kept 5 min" in said(pilot)


async def test_an_expired_login_is_shown_as_such_by_itself(session: Session, bao: OpenBao) -> None:  # noqa: F811
    await with_store(session, {"vault": bao.token_credential(bao.token(["root"], ttl="2s"))})
    async with in_mode(session, "credentials") as pilot:
        await pilot.press("t")
        await until(pilot, lambda: states(pilot) == ["connected"])
        await until(pilot, lambda: states(pilot) == ["expired"])


async def test_names_that_are_markup_or_escapes_are_shown_letter_by_letter(session: Session, bao: OpenBao) -> None:  # noqa: F811
    token = bao.token(["root"], ttl="1h", display_name="[bold red]x")
    await with_store(session, {"vault": bao.token_credential(token)})
    workspace_at(session, session.paths.data / "ws", {})
    session.consent.bind("v", "vault")
    link = Variable(link=HashicorpLink(credential="v", mount="secret", path="[blink]a"))
    bao.put("secret", "[blink]a", {"k": STRIPE})
    await session.details("x", link)
    async with in_mode(session, "credentials", size=(140, 30)) as pilot:
        await until(pilot, lambda: "[blink]a" in screen_text(pilot))
        assert "\x1b" not in screen_text(pilot)
        assert STRIPE not in screen_text(pilot)


async def test_it_draws_at_any_size(session: Session) -> None:
    await with_store(session)
    async with in_mode(session, "credentials") as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, CredentialsScreen)
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            await pilot.press("down", "tab", "up", "tab")
            assert screen.query_one("#credentials", Rows).key == "vault-prod"


async def test_the_fields_of_aws_are_filled_from_its_credentials_file_without_showing_them(
    session: Session, home: Path
) -> None:
    await with_store(session, {})
    write_aws_file(home)
    async with in_mode(session, "credentials") as pilot:
        await pilot.press("a")
        dialog = await chosen(pilot, "aws", "long_lived")
        dialog.query_one("#autofill").focus()
        await pilot.press("enter")
        await pilot.pause()
        assert "AKIAMAIN" in said(pilot)
        assert "filled in from the profile" in said(pilot)
        assert "very-secret-key" not in screen_text(pilot)
        await put(pilot, "region", "eu-west-1")
        dialog.query_one("#save").focus()
        await pilot.press("enter")
        await back(pilot)
        assert session.credential("aws") == AwsLongLived("AKIAMAIN", Secret("very-secret-key"), "eu-west-1")


def write_aws_file(home: Path) -> None:
    (home / ".aws").mkdir()
    (home / ".aws" / "credentials").write_text(
        "[main]\naws_access_key_id = AKIAMAIN\naws_secret_access_key = very-secret-key\n"
    )


async def test_a_credential_that_nobody_named_is_called_by_its_login(session: Session) -> None:
    await with_store(session, {})
    async with in_mode(session, "credentials") as pilot:
        await pilot.press("a")
        dialog = await chosen(pilot, "azure", "browser")
        assert dialog.query_one(Form).texts[""] == ""
        await pilot.press("escape")
        await chosen(pilot, "memory", "memory")
        await put(pilot, "", " ")
        await put(pilot, "secrets", '{"a": "b"}')
        await pilot.press("enter")
        await back(pilot)
        assert [one.name for one in session.credentials()] == ["in memory"]
        assert states(pilot) == ["connected"]
