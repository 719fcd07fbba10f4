"""The environments mode by its keys: what ends up in the files, in the store and on the screen."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.models import Variable, variable
from core.secret import MASK, Secret
from core.session import Session
from core.vault.config import MemoryLink
from tests.tui.conftest import notices, screen_text, until
from tests.vault_app import (
    PASSPHRASE,
    SIZES,
    back,
    bytes_of,
    cheap_store,
    everything_under,
    in_mode,
    rows,
    said,
    shown,
    type_in,
    with_store,
    workspace_at,
    write,
)
from tui.screens.broken_file import BrokenFileDialog
from tui.screens.dialogs import AskTextDialog, ConfirmDialog, PickDialog
from tui.screens.unlock import UnlockScreen
from tui.screens.variable_form import VariableDialog
from tui.widgets.form import Form
from tui.widgets.one_of import OneOf
from tui.widgets.pick_list import PickList
from tui.widgets.rows import Rows

COMMENTED = b"""# reviewed by the payments team
schema = 1
name = "Production"
color = "red"   # stop and think

[variables]
base_url = "https://api.example.com"   # with TLS
payment_id = "42"

[variables.password]
secret = true
description = "of the nightly job"

[variables.stripe_key]
link = { provider = "memory", credential = "vault-prod", name = "payments/stripe" }
"""
BROKEN = b"schema = 1\n[variables]\nx = { value = 3 }\n"
SECRET = "nightly-pa55-7c"


@pytest.fixture
def file(session: Session, tmp_path: Path) -> Path:
    """An environment as a person wrote it, beside one that cannot be read."""
    path = workspace_at(session, tmp_path / "ws", {})
    path.write_bytes(COMMENTED)
    (path.parent / "broken.toml").write_bytes(BROKEN)
    return path


def at(pilot: Pilot[Any], name: str) -> None:
    pilot.app.screen.query_one("#variables", Rows).go_to(name)


async def on_environment(pilot: Pilot[Any], name: str) -> None:
    table = pilot.app.screen.query_one("#environments", Rows)
    table.focus()
    table.go_to(name)
    await pilot.pause()


def row(pilot: Pilot[Any], name: str) -> str:
    return next((one for one in rows(pilot, "#variables") if one.split(" | ")[0].split(" ")[0] == name), "")


def stored(session: Session, name: str, holder: str = "environments/production") -> Secret | None:
    return session.values.get(holder, name)


async def put(pilot: Pilot[Any], name: str, text: str) -> None:
    pilot.app.screen.query_one(Form).row(name).control.focus()
    await pilot.press("end", "ctrl+u")
    await type_in(pilot, text)


def choose(pilot: Pilot[Any], name: str, value: str) -> None:
    control = pilot.app.screen.query_one(Form).row(name).control
    assert isinstance(control, OneOf)
    control.value = value


async def test_lists_environments_and_variables_with_kind_and_masked_value(session: Session, file: Path) -> None:
    await with_store(session)
    async with in_mode(session, "environments", size=(140, 30)) as pilot:
        assert [one.split(" | ")[2] for one in rows(pilot, "#environments")] == ["base", "broken", "production"]
        assert rows(pilot, "#environments")[2].split(" | ") == ["■", "*", "production", "active"]
        assert row(pilot, "base_url").startswith("base_url | plain | https://api.example.com")
        assert row(pilot, "password").startswith("password | secret | no value here")
        assert row(pilot, "stripe_key").startswith(
            f"stripe_key | linked | {MASK} payments/stripe | In memory | vault-prod | unbound"
        )
        at(pilot, "stripe_key")
        await pilot.pause()
        assert "which is not bound on this machine" in said(pilot)


async def test_a_broken_file_is_a_named_problem_and_is_never_written(session: Session, file: Path) -> None:
    broken = file.parent / "broken.toml"
    async with in_mode(session, "environments") as pilot:
        await on_environment(pilot, "broken")
        assert "broken.toml" in said(pilot)
        assert "variables.x" in said(pilot)
        assert "Press e to open it in your editor" in said(pilot)
        await pilot.press("right")
        await pilot.press("a", "s", "l", "u", "o", "r", "x")
        await back(pilot)
        await pilot.press("left")
        await pilot.press("c", "C", "space")
        await shown(pilot, BrokenFileDialog)
        await pilot.press("escape")
        await back(pilot)
    assert bytes_of(broken) == BROKEN
    assert bytes_of(file) == COMMENTED


async def test_an_edit_changes_its_variable_and_nothing_else_in_the_file(session: Session, file: Path) -> None:
    async with in_mode(session, "environments") as pilot:
        at(pilot, "payment_id")
        await pilot.press("enter")
        await shown(pilot, VariableDialog)
        await put(pilot, "value", "43")
        await pilot.press("enter")
        await back(pilot)
        assert row(pilot, "payment_id").startswith("payment_id | plain | 43")
    assert bytes_of(file) == COMMENTED.replace(b'"42"', b'"43"')


async def test_an_edit_without_a_change_leaves_the_file_byte_for_byte(session: Session, file: Path) -> None:
    async with in_mode(session, "environments") as pilot:
        for name in ("base_url", "password", "stripe_key"):
            at(pilot, name)
            await pilot.press("e")
            await shown(pilot, VariableDialog)
            await pilot.press("enter")
            if name == "password":
                # Not even the store is asked for, since nothing goes into it.
                assert not session.store.exists
            await back(pilot)
    assert bytes_of(file) == COMMENTED


async def test_enter_on_a_new_name_goes_on_to_its_value(session: Session, file: Path) -> None:
    async with in_mode(session, "environments") as pilot:
        await pilot.press("a")
        await shown(pilot, VariableDialog)
        await pilot.press(*"pin", "enter", *"4711", "enter")
        await back(pilot)
        await until(pilot, lambda: pilot.app.screen.query_one("#variables", Rows).key == "pin")
        assert session.workspace is not None
        assert variable(session.workspace.load_environment("production").variables["pin"]) == Variable(value="4711")


async def test_a_variable_is_added_with_all_its_rules(session: Session, file: Path) -> None:
    cheap_store(session)
    async with in_mode(session, "environments") as pilot:
        await pilot.press("a")
        await shown(pilot, VariableDialog)
        await type_in(pilot, "token")
        choose(pilot, "kind", "secret")
        await put(pilot, "secret", SECRET)
        await put(pilot, "allowed_hosts", "api.example.com, *.example.org")
        await put(pilot, "description", "for the API")
        await pilot.press("enter")
        await shown(pilot, UnlockScreen)
        await type_in(pilot, PASSPHRASE)
        await pilot.press("tab")
        await type_in(pilot, PASSPHRASE)
        await pilot.press("enter")
        await back(pilot)
        await until(pilot, lambda: row(pilot, "token"))
        assert stored(session, "token") == Secret(SECRET)
        assert SECRET not in screen_text(pilot)
        assert session.workspace is not None
        made = session.workspace.load_environment("production").variables["token"]
        assert made == Variable(
            secret=True, allowed_hosts=("api.example.com", "*.example.org"), description="for the API"
        )
    assert bytes_of(file).startswith(COMMENTED.rstrip()[:200])
    assert SECRET.encode() not in everything_under(session.paths.data.parent)
    assert SECRET.encode() not in everything_under(file.parent.parent)


async def test_what_cannot_be_saved_is_said_below_its_field(session: Session, file: Path) -> None:
    async with in_mode(session, "environments", size=(100, 30)) as pilot:
        at(pilot, "stripe_key")
        await pilot.press("e")
        dialog = await shown(pilot, VariableDialog)
        for name, text, problem in (
            ("name", "9lives", "letters, digits and _ . - only"),
            ("name", "password", "there is a variable with this name"),
            ("allowed_hosts", "http://[", "is not a host"),
            ("cache_minutes", "721", "from 0 to 720"),
        ):
            await put(pilot, name, text)
            await pilot.press("enter")
            await pilot.pause()
            assert pilot.app.screen is dialog
            assert problem in said(pilot)
    assert bytes_of(file) == COMMENTED


async def test_a_plain_value_made_secret_leaves_the_file_for_the_store(session: Session, file: Path) -> None:
    await with_store(session)
    async with in_mode(session, "environments") as pilot:
        at(pilot, "payment_id")
        await pilot.press("s")
        await shown(pilot, VariableDialog)
        assert "the value leaves the file for the store" in said(pilot)
        await pilot.press("enter")
        await back(pilot)
        await until(pilot, lambda: stored(session, "payment_id"))
        assert stored(session, "payment_id") == Secret("42")
        assert row(pilot, "payment_id").startswith(f"payment_id | secret | {MASK}")
    assert b"42" not in bytes_of(file)


async def test_a_secret_given_up_asks_before_its_value_is_deleted(session: Session, file: Path) -> None:
    await with_store(session)
    await session.values.set("environments/production", "password", Secret(SECRET))
    async with in_mode(session, "environments") as pilot:
        for answer, left in (("enter", Secret(SECRET)), ("left", None)):
            at(pilot, "password")
            await pilot.press("e")
            await shown(pilot, VariableDialog)
            choose(pilot, "kind", "plain")
            await put(pilot, "value", "now readable")
            await pilot.press("enter")
            await shown(pilot, ConfirmDialog)
            await pilot.press(*(["enter"] if answer == "enter" else ["left", "enter"]))
            await back(pilot)
            assert stored(session, "password") == left
            assert (b"now readable" in bytes_of(file)) is (left is None)


async def test_a_secret_set_while_the_store_is_locked_unlocks_it_first(session: Session, file: Path) -> None:
    await with_store(session)
    session.lock()
    async with in_mode(session, "environments") as pilot:
        assert row(pilot, "password").startswith(f"password | secret | {MASK}")
        at(pilot, "password")
        await pilot.press("s")
        await shown(pilot, VariableDialog)
        await type_in(pilot, SECRET)
        await pilot.press("enter")
        await shown(pilot, UnlockScreen)
        await pilot.press("escape")
        await back(pilot)
        assert "nothing was saved" in notices(pilot)
        await pilot.press("s")
        await shown(pilot, VariableDialog)
        await type_in(pilot, SECRET)
        await pilot.press("enter")
        await shown(pilot, UnlockScreen)
        await type_in(pilot, PASSPHRASE)
        await pilot.press("enter")
        await back(pilot)
        await until(pilot, lambda: stored(session, "password") == Secret(SECRET))


async def test_unlink_leaves_a_secret_without_a_value_and_never_an_empty_text(session: Session, file: Path) -> None:
    async with in_mode(session, "environments") as pilot:
        at(pilot, "stripe_key")
        await pilot.press("u")
        await shown(pilot, ConfirmDialog)
        await pilot.press("left", "enter")
        await back(pilot)
        assert session.workspace is not None
        assert session.workspace.load_environment("production").variables["stripe_key"] == Variable(secret=True)


async def test_off_and_on(session: Session, file: Path) -> None:
    async with in_mode(session, "environments") as pilot:
        at(pilot, "base_url")
        await pilot.press("o")
        await pilot.pause()
        assert row(pilot, "base_url").startswith("base_url (off) | plain")
        await pilot.press("o")
        await pilot.pause()
        assert row(pilot, "base_url").startswith("base_url | plain")


async def test_a_rename_keeps_the_place_and_takes_the_stored_value_along(session: Session, file: Path) -> None:
    await with_store(session)
    await session.values.set("environments/production", "password", Secret(SECRET))
    async with in_mode(session, "environments") as pilot:
        at(pilot, "password")
        await pilot.press("r")
        await shown(pilot, AskTextDialog)
        await pilot.press("ctrl+u")
        await type_in(pilot, "base_url")
        await pilot.press("enter")
        await pilot.pause()
        assert "there is a variable with this name" in said(pilot)
        await pilot.press("ctrl+u")
        await type_in(pilot, "job_password")
        await pilot.press("enter")
        await back(pilot)
        await until(pilot, lambda: row(pilot, "job_password"))
        assert stored(session, "job_password") == Secret(SECRET)
        assert stored(session, "password") is None
        names = [one.split(" | ")[0] for one in rows(pilot, "#variables")]
        assert names == ["base_url", "payment_id", "job_password", "stripe_key"]


async def test_delete_takes_the_stored_value_too(session: Session, file: Path) -> None:
    await with_store(session)
    await session.values.set("environments/production", "password", Secret(SECRET))
    async with in_mode(session, "environments") as pilot:
        at(pilot, "password")
        await pilot.press("delete")
        await shown(pilot, ConfirmDialog)
        assert "with the value in your store" in said(pilot)
        await pilot.press("left", "enter")
        await back(pilot)
        await until(pilot, lambda: not row(pilot, "password"))
        await until(pilot, lambda: stored(session, "password") is None)


async def test_the_countdown_of_a_fetched_secret_runs_in_its_row(session: Session, file: Path) -> None:
    await with_store(session)
    session.consent.bind("vault-prod", "vault-prod")
    link = Variable(link=MemoryLink(credential="vault-prod", name="payments/stripe"))
    await session.details("stripe_key", link)
    async with in_mode(session, "environments") as pilot:
        assert re.fullmatch(r"30:00|29:[345]\d", row(pilot, "stripe_key").split(" | ")[5])
        session.reset_cache()
        pilot.app.screen.query_one("#environments", Rows).focus()
        await pilot.press("up", "down")
        await until(pilot, lambda: row(pilot, "stripe_key").split(" | ")[5] == "")


# Environments


async def test_environments_are_made_and_one_is_made_the_active_one(session: Session, file: Path) -> None:
    async with in_mode(session, "environments") as pilot:
        await on_environment(pilot, "base")
        await pilot.press("n")
        await shown(pilot, AskTextDialog)
        await type_in(pilot, "Staging EU")
        await pilot.press("enter")
        await back(pilot)
        assert (file.parent / "staging-eu.toml").exists()
        await pilot.press("space")
        await pilot.pause()
        assert session.environment == "staging-eu"
        assert "staging-eu" in screen_text(pilot).splitlines()[0]


async def test_a_renamed_environment_keeps_its_values_and_stays_active(session: Session, file: Path) -> None:
    await with_store(session)
    await session.values.set("environments/production", "password", Secret(SECRET))
    async with in_mode(session, "environments") as pilot:
        await on_environment(pilot, "production")
        await pilot.press("r")
        await shown(pilot, AskTextDialog)
        await pilot.press("ctrl+u")
        await type_in(pilot, "Live")
        await pilot.press("enter")
        await back(pilot)
        await until(pilot, lambda: session.environment == "live")
        assert stored(session, "password", "environments/live") == Secret(SECRET)
        assert stored(session, "password") is None
    assert bytes_of(file.parent / "live.toml") == COMMENTED.replace(b'"Production"', b'"Live"')


async def test_a_duplicate_has_the_values_too(session: Session, file: Path) -> None:
    await with_store(session)
    await session.values.set("environments/production", "password", Secret(SECRET))
    async with in_mode(session, "environments") as pilot:
        await on_environment(pilot, "production")
        await pilot.press("c")
        await until(pilot, lambda: (file.parent / "production-copy.toml").exists())
        await until(pilot, lambda: stored(session, "password", "environments/production-copy") == Secret(SECRET))
        assert stored(session, "password") == Secret(SECRET)


async def test_a_deleted_environment_takes_its_values_along(session: Session, file: Path) -> None:
    await with_store(session)
    await session.values.set("environments/production", "password", Secret(SECRET))
    async with in_mode(session, "environments") as pilot:
        await on_environment(pilot, "production")
        await pilot.press("x")
        await shown(pilot, ConfirmDialog)
        assert "its values in your store" in said(pilot)
        await pilot.press("left", "enter")
        await back(pilot)
        await until(pilot, lambda: stored(session, "password") is None)
        assert session.environment is None
    assert not (file.parent / "production.toml").exists()


async def test_an_empty_environment_says_what_holds_there(session: Session, file: Path) -> None:
    write(file, b'schema = 1\nname = "Production"\n')
    async with in_mode(session, "environments") as pilot:
        await on_environment(pilot, "production")
        await until(pilot, lambda: "What is not here holds as base says" in said(pilot))
        assert "Another environment, such as Production" not in said(pilot)


async def test_a_colour_is_chosen_or_given_by_its_number(session: Session, file: Path) -> None:
    async with in_mode(session, "environments") as pilot:
        await on_environment(pilot, "production")
        await pilot.press("C")
        dialog = await shown(pilot, PickDialog)
        dialog.query_one(PickList).select("\n")
        await pilot.press("enter")
        await shown(pilot, AskTextDialog)
        await pilot.press("ctrl+u")
        await type_in(pilot, "#12")
        await pilot.press("enter")
        await pilot.pause()
        assert "six hexadecimal digits" in said(pilot)
        await pilot.press("ctrl+u")
        await type_in(pilot, "#00aaff")
        await pilot.press("enter")
        await back(pilot)
        await until(pilot, lambda: b"#00aaff" in bytes_of(file))
        await pilot.press("C")
        colors = (await shown(pilot, PickDialog)).query_one(PickList)
        assert colors.current is not None
        assert (colors.current.key, colors.current.color) == ("\n", "#00aaff")
        assert [pick.color for pick in colors.choices if pick.key == "red"] == ["#d75f5f"]
    assert b'color = "#00aaff"   # stop and think' in bytes_of(file)


@pytest.mark.parametrize("color", ["no-such-colour", "\\u001b[31m"])
async def test_a_colour_that_is_none_is_left_out(session: Session, file: Path, color: str) -> None:
    write(file, COMMENTED.replace(b'"red"', f'"{color}"'.encode()))
    async with in_mode(session, "environments") as pilot:
        assert rows(pilot, "#environments")[2].split(" | ")[2] == "production"
        assert "\x1b" not in screen_text(pilot)


async def test_what_another_program_changes_is_shown(session: Session, file: Path) -> None:
    async with in_mode(session, "environments") as pilot:
        write(file, COMMENTED.replace(b'"42"', b'"1234567"'))
        screen = pilot.app.screen
        await until(pilot, lambda: "1234567" in row(pilot, "payment_id"))
        assert screen is pilot.app.screen


async def test_foreign_text_is_shown_letter_by_letter(session: Session, file: Path) -> None:
    write(
        file,
        b'schema = 1\n[variables]\na = { value = "[bold]\\u001b[2J{{x}}\\nnext", description = "[/]\\u202e" }\n',
    )
    async with in_mode(session, "environments", size=(140, 30)) as pilot:
        assert "[bold]" in screen_text(pilot)
        for mark in ("\x1b", "\u202e"):
            assert mark not in screen_text(pilot)
        await pilot.press("e")
        await shown(pilot, VariableDialog)
        assert "\x1b" not in screen_text(pilot)
        before = bytes_of(file)
        await pilot.press("enter")
        await back(pilot)
        assert session.workspace is not None
        kept = variable(session.workspace.load_environment("production").variables["a"])
        assert kept.value == "[bold]\x1b[2J{{x}}\nnext"
        assert bytes_of(file) == before


async def test_it_draws_at_any_size(session: Session, file: Path) -> None:
    async with in_mode(session, "environments") as pilot:
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            await pilot.press("down", "left", "up", "right")
            assert len(rows(pilot, "#environments")) == 3
