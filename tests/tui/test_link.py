"""Linking a variable: the secret is picked or typed, the name is bound by this user, a failed fetch is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.models import Variable, variable
from core.secret import Secret
from core.session import Session
from core.vault.config import AnyLink, HashicorpLink, MemoryLink, VaultToken
from tests.loopback import Loopback
from tests.tui.conftest import notices, screen_text, until
from tests.vault_app import (
    STRIPE,
    back,
    bytes_of,
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
from tui.screens.dialogs import ConfirmDialog, PickDialog
from tui.screens.link import LIST_LIMIT, LinkDialog
from tui.widgets.form import Form
from tui.widgets.line_input import LineInput
from tui.widgets.pick_list import PickList


@pytest.fixture
def file(session: Session, tmp_path: Path) -> Path:
    """The file of an environment with one plain variable."""
    return workspace_at(session, tmp_path / "ws", {"stripe_key": Variable(value="plain", description="Stripe")})


def link_in(session: Session, name: str = "stripe_key") -> AnyLink | None:
    assert session.workspace is not None
    return variable(session.workspace.load_environment("production").variables[name]).link


async def linking(pilot: Pilot[Any]) -> LinkDialog:
    """From the table to the dialog, with the only credential there is."""
    await pilot.press("l")
    await shown(pilot, PickDialog)
    await pilot.press("enter")
    dialog = await shown(pilot, LinkDialog)
    await until(pilot, lambda: "listing" not in listing(dialog))
    return dialog


def listing(dialog: LinkDialog) -> str:
    return str(dialog.query_one("#link-listing").render())


def listed(dialog: LinkDialog) -> list[str]:
    return [pick.label for pick in dialog.query_one("#secrets", PickList).choices]


async def test_a_secret_is_found_by_typing_picked_and_fetched_once(session: Session, file: Path) -> None:
    await with_store(session)
    async with in_mode(session, "environments") as pilot:
        dialog = await linking(pilot)
        assert listed(dialog) == ["db/main", "payments/paypal", "payments/stripe"]
        await type_in(pilot, "stri")
        await until(pilot, lambda: listed(dialog) == ["payments/stripe"])
        await pilot.press("enter")
        await pilot.pause()
        assert dialog.query_one(Form).texts["name"] == "payments/stripe"
        await pilot.press("enter")
        await back(pilot)
        assert link_in(session) == MemoryLink(credential="vault-prod", name="payments/stripe")
        assert session.consent.binding("vault-prod") == "vault-prod"
        assert len(session.cached()) == 1
        (row,) = rows(pilot, "#variables")
        assert row.startswith("stripe_key | linked | •••••• payments/stripe | In memory | vault-prod | ")
        assert STRIPE not in screen_text(pilot)
    assert STRIPE.encode() not in everything_under(file.parent)
    assert 'description = "Stripe"' in bytes_of(file).decode()


async def test_folders_of_a_real_vault_are_walked_and_the_fields_filled_in(
    session: Session,
    file: Path,
    bao: OpenBao,  # noqa: F811
) -> None:
    mount = bao.mount(2)
    bao.put(mount, "payments/stripe", {"api_key": STRIPE})
    await with_store(session, {"vault": bao.token_credential()})
    async with in_mode(session, "environments", size=(160, 45)) as pilot:
        dialog = await linking(pilot)
        await type_in(pilot, mount)
        await until(pilot, lambda: listed(dialog) == [f"{mount}/"])
        await pilot.press("enter")
        await until(pilot, lambda: listed(dialog) == [f"{mount}/payments/"])
        await pilot.press("enter")
        await until(pilot, lambda: listed(dialog) == [f"{mount}/payments/stripe"])
        await pilot.press("enter")
        await pilot.pause()
        assert dialog.query_one(Form).row("key").control.has_focus
        await type_in(pilot, "api_key")
        await pilot.press("enter")
        await back(pilot)
        assert link_in(session) == HashicorpLink("vault", "api_key", mount=mount, path="payments/stripe")
        assert "version 1" in " ".join(notices(pilot))
        assert await session.reveal("stripe_key", Variable(link=link_in(session))) == Secret(STRIPE)
        assert STRIPE not in screen_text(pilot)


async def test_where_listing_is_denied_the_reason_is_said_and_the_fields_are_typed(
    session: Session,
    file: Path,
    bao: OpenBao,  # noqa: F811
) -> None:
    mount = bao.mount(2)
    bao.put(mount, "only/this", {"k": STRIPE})
    token = bao.token([bao.policy({f"{mount}/data/only/this": ["read"]})])
    await with_store(session, {"vault": bao.token_credential(token)})
    async with in_mode(session, "environments") as pilot:
        dialog = await linking(pilot)
        await type_in(pilot, f"{mount}/")
        await until(pilot, lambda: "cannot list" in listing(dialog))
        form = dialog.query_one(Form)
        form.row("mount").control.focus()
        await pilot.press("end", "ctrl+u")
        await type_in(pilot, mount)
        await pilot.press("down")
        await type_in(pilot, "only/this")
        await pilot.press("enter")
        await back(pilot)
        assert link_in(session) == HashicorpLink("vault", mount=mount, path="only/this")


async def test_a_link_that_cannot_be_fetched_is_saved_after_saying_so(session: Session, file: Path) -> None:
    await with_store(session)
    async with in_mode(session, "environments") as pilot:
        dialog = await linking(pilot)
        dialog.query_one(Form).row("name").control.focus()
        await type_in(pilot, "no/such/secret")
        await pilot.press("enter")
        await until(pilot, lambda: "the link is saved, but its secret could not be fetched" in dialog.status.text)
        assert "no/such/secret" in dialog.status.text
        assert link_in(session) == MemoryLink(credential="vault-prod", name="no/such/secret")
        await pilot.press("escape")
        await back(pilot)
        assert rows(pilot, "#variables")[0].startswith("stripe_key | linked | •••••• no/such/secret")


async def test_a_relink_begins_with_what_is_there_and_drops_what_belongs_to_the_old_secret(
    session: Session, tmp_path: Path
) -> None:
    link = MemoryLink(credential="team-vault", name="db/main", key="password", trim=True)
    workspace_at(session, tmp_path / "ws", {"stripe_key": Variable(link=link, allowed_hosts=("api.stripe.com",))})
    await with_store(session)
    session.consent.bind("team-vault", "vault-prod")
    async with in_mode(session, "environments") as pilot:
        dialog = await linking(pilot)
        texts = dialog.query_one(Form).texts
        assert (texts["name"], texts["key"], texts["trim"], texts[""]) == ("db/main", "password", "true", "team-vault")
        await type_in(pilot, "stripe")
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("enter")
        await back(pilot)
        assert link_in(session) == MemoryLink(credential="team-vault", name="payments/stripe", trim=True)
        assert session.workspace is not None
        changed = variable(session.workspace.load_environment("production").variables["stripe_key"])
        assert changed.allowed_hosts == ("api.stripe.com",)


async def test_a_name_that_means_another_credential_is_bound_anew_only_after_a_question(
    session: Session, tmp_path: Path
) -> None:
    link = MemoryLink(credential="vault", name="a")
    workspace_at(session, tmp_path / "ws", {"stripe_key": Variable(link=link)})
    await with_store(session, {"one": memory({"a": "1"}), "two": memory({"a": "2"})})
    session.consent.bind("vault", "one")
    async with in_mode(session, "environments") as pilot:
        await pilot.press("l")
        await shown(pilot, PickDialog)
        await pilot.press("down", "enter")
        dialog = await shown(pilot, LinkDialog)
        dialog.query_one(Form).row("name").control.focus()
        await pilot.press("enter")
        await shown(pilot, ConfirmDialog)
        assert 'In this workspace "vault" means your credential "one"' in said(pilot)
        await pilot.press("enter")
        await shown(pilot, LinkDialog)
        assert session.consent.binding("vault") == "one"
        await until(pilot, lambda: not dialog.working)
        await pilot.press("enter")
        await shown(pilot, ConfirmDialog)
        await pilot.press("left", "enter")
        await back(pilot)
        assert session.consent.binding("vault") == "two"


async def test_escape_stops_a_list_that_hangs_then_closes_and_nothing_is_written(
    session: Session, file: Path, server: Loopback
) -> None:
    await with_store(session, {"slow": VaultToken(f"{server.url}/hold", Secret("s.token"))})
    before = bytes_of(file)
    async with in_mode(session, "environments") as pilot:
        await pilot.press("l")
        await shown(pilot, PickDialog)
        await pilot.press("enter")
        dialog = await shown(pilot, LinkDialog)
        await until(pilot, lambda: server.requests)
        assert "listing" in listing(dialog)
        await type_in(pilot, "still typing")
        assert dialog.query_one("#find", LineInput).value == "still typing"
        await pilot.press("escape")
        await pilot.pause()
        assert "listing stopped" in listing(dialog)
        await pilot.press("escape")
        await back(pilot)
    assert bytes_of(file) == before
    server.release()


async def test_a_long_list_asks_the_vault_for_what_is_typed(session: Session, file: Path) -> None:
    await with_store(session, {"vault": memory({f"name-{number:04}": "x" for number in range(LIST_LIMIT + 50)})})
    async with in_mode(session, "environments") as pilot:
        dialog = await linking(pilot)
        assert len(listed(dialog)) == LIST_LIMIT
        await type_in(pilot, "name-024")
        await until(pilot, lambda: listed(dialog) == [f"name-{number:04}" for number in range(240, 250)])


async def test_without_a_credential_the_dialog_to_add_one_comes_first(session: Session, file: Path) -> None:
    async with in_mode(session, "environments") as pilot:
        await pilot.press("l")
        await until(pilot, lambda: "Add a credential" in said(pilot))
        await pilot.press("escape")
        await back(pilot)
        assert link_in(session) is None


async def test_names_of_a_hostile_vault_are_shown_as_marks(session: Session, file: Path) -> None:
    await with_store(session, {"vault": memory({"[red]a\x1b[31mb": "x"})})
    async with in_mode(session, "environments") as pilot:
        dialog = await linking(pilot)
        await until(pilot, lambda: listed(dialog))
        assert "[red]a" in screen_text(pilot)
        assert "\x1b" not in screen_text(pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert "\x1b" not in screen_text(pilot)
        assert dialog.query_one(Form).texts["name"] == "[red]a\x1b[31mb"


async def test_the_keys_of_the_picked_secret_are_offered_and_the_cursor_stays_in_the_field(
    session: Session,
    file: Path,
    bao: OpenBao,  # noqa: F811
) -> None:
    mount = bao.mount(2)
    bao.put(mount, "stripe", {"api_key": STRIPE, "limits": {"day": 5}, "note": None})
    await with_store(session, {"vault": bao.token_credential()})
    async with in_mode(session, "environments") as pilot:
        dialog = await linking(pilot)
        await type_in(pilot, f"{mount}/")
        await until(pilot, lambda: listed(dialog) == [f"{mount}/stripe"])
        await pilot.press("enter")
        await until(pilot, lambda: "2 keys" in listing(dialog))
        assert dialog.query_one(Form).row("key").control.has_focus
        assert listed(dialog) == ["whole secret", "api_key", "limits", "note"]
        assert "an object, taken as JSON" in said(pilot)
        assert "null: cannot be used" in said(pilot)
        assert STRIPE not in screen_text(pilot)
        await pilot.press("down", "down")
        assert dialog.query_one(Form).texts["key"] == "limits"
        await pilot.press("up")
        await pilot.press("enter")
        await back(pilot)
        assert link_in(session) == HashicorpLink("vault", "api_key", mount=mount, path="stripe")
        assert STRIPE not in screen_text(pilot)


async def test_a_secret_without_keys_is_taken_whole_and_another_one_can_be_picked(session: Session, file: Path) -> None:
    await with_store(session)
    async with in_mode(session, "environments") as pilot:
        dialog = await linking(pilot)
        await type_in(pilot, "stripe")
        await pilot.press("enter")
        await until(pilot, lambda: "no keys" in listing(dialog))
        assert listed(dialog) == ["whole secret"]
        # Down leaves the field, since there is nothing more to offer.
        await pilot.press("down")
        assert not dialog.query_one(Form).row("key").control.has_focus
        # Back at the list of secrets, another one is picked.
        dialog.query_one("#find").focus()
        await until(pilot, lambda: len(listed(dialog)) == 1 and listed(dialog) != ["whole secret"])
        dialog.query_one("#find", LineInput).value = "db"
        await until(pilot, lambda: listed(dialog) == ["db/main"])
        await pilot.press("enter")
        await until(pilot, lambda: listed(dialog) == ["whole secret", "user", "password"])


async def test_keys_that_cannot_be_looked_at_are_typed(session: Session, file: Path) -> None:
    await with_store(session)
    async with in_mode(session, "environments") as pilot:
        dialog = await linking(pilot)
        form = dialog.query_one(Form)
        form.row("name").control.focus()
        await type_in(pilot, "no/such")
        await pilot.press("down")
        await until(pilot, lambda: "cannot be offered" in listing(dialog))
        assert 'there is no secret "no/such"' in dialog.status.text
        assert "correct the name in the link" in dialog.status.text
        await type_in(pilot, "password")
        assert form.texts["key"] == "password"
