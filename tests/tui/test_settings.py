"""The settings mode: every setting with its help and its own way to change it, and the key of every action."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from core.session import Session
from core.settings import Settings, load_settings
from tests.tui.conftest import screen_text, until
from tests.vault_app import SIZES, back, in_mode, said, shown, type_in
from tui import keys
from tui.screens.dialogs import AskTextDialog, PickDialog
from tui.screens.settings import GROUPS, KeyDialog, documented, parsed
from tui.screens.settings import shown as value_shown
from tui.widgets.pick_list import PickList
from tui.widgets.rows import Rows

NOT_SHOWN = {"schema", "keys"}
"""The file's version, and the keys, which have rows of their own."""


def table(pilot: Pilot[Any]) -> Rows:
    return pilot.app.screen_stack[0].query_one("#settings", Rows)


def value(pilot: Pilot[Any], name: str) -> str:
    return table(pilot).text(name).split(" | ")[1]


def test_every_setting_has_a_row_and_a_help() -> None:
    rows = [name for names in GROUPS.values() for name in names]
    assert sorted(rows) == sorted(set(Settings.__struct_fields__) - NOT_SHOWN)
    assert set(documented(Settings)) >= set(rows)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("cache_minutes", " 5 ", 5), ("timeout", "2.5", 2.5), ("editor", "vim -n", "vim -n"), ("history_days", "30", 30)],
)
def test_texts_become_typed_values(name: str, text: str, value: object) -> None:
    assert parsed(name, text) == value


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("cache_minutes", "721", "a whole number of 720 at most is needed"),
        ("cache_minutes", "-1", "a whole number of 0 or more is needed"),
        ("cache_minutes", "soon", "a whole number is needed"),
        ("cache_minutes", "", "a whole number is needed"),
        ("timeout", "0", "a number above 0"),
        ("timeout", "x", "a number is needed"),
    ],
)
def test_what_is_no_value_is_said_in_plain_words(name: str, text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parsed(name, text)


@pytest.mark.parametrize(("value", "text"), [(True, "yes"), (False, "no"), (30.0, "30"), (2.5, "2.5"), (7, "7")])
def test_values_are_shown_as_a_person_writes_them(value: object, text: str) -> None:
    assert value_shown("timeout", value) == text


async def test_a_switch_is_changed_at_once_and_saved(session: Session) -> None:
    async with in_mode(session, "settings") as pilot:
        table(pilot).go_to("mouse")
        await pilot.press("enter")
        await pilot.pause()
        assert value(pilot, "mouse") == "no"
        assert load_settings(session.paths).mouse is False
        await pilot.press("d")
        await pilot.pause()
        assert load_settings(session.paths).mouse is True


async def test_a_number_is_asked_for_within_its_bounds_and_counts_at_once(session: Session) -> None:
    async with in_mode(session, "settings") as pilot:
        table(pilot).go_to("cache_minutes")
        await pilot.press("e")
        await shown(pilot, AskTextDialog)
        await pilot.press("ctrl+u")
        await type_in(pilot, "1000")
        await pilot.press("enter")
        await pilot.pause()
        assert "a whole number of 720 at most is needed" in said(pilot)
        await pilot.press("ctrl+u")
        await type_in(pilot, "0")
        await pilot.press("enter")
        await back(pilot)
        assert value(pilot, "cache_minutes") == "0"
        assert session.vault.cache.minutes == 0


async def test_one_of_a_few_is_picked(session: Session) -> None:
    async with in_mode(session, "settings") as pilot:
        table(pilot).go_to("clipboard")
        await pilot.press("enter")
        dialog = await shown(pilot, PickDialog)
        assert [pick.key for pick in dialog.query_one(PickList).choices] == ["auto", "native", "osc52", "file"]
        await pilot.press("down", "down", "enter")
        await back(pilot)
        assert load_settings(session.paths).clipboard == "osc52"


async def test_a_theme_is_taken_at_once(session: Session) -> None:
    async with in_mode(session, "settings") as pilot:
        table(pilot).go_to("theme")
        await pilot.press("enter")
        dialog = await shown(pilot, PickDialog)
        dialog.query_one(PickList).select("hushpost-light")
        await pilot.press("enter")
        await back(pilot)
        assert pilot.app.theme == "hushpost-light"
        assert load_settings(session.paths).theme == "hushpost-light"


async def test_every_action_of_the_table_has_a_row_with_its_key(session: Session) -> None:
    async with in_mode(session, "settings") as pilot:
        rows = {row.key for row in table(pilot).rows}
        assert {f"key:{key.name}" for key in keys.table()} <= rows
        assert value(pilot, "key:app.palette") == "^p"


async def test_a_key_is_changed_by_pressing_it_and_works_at_once(session: Session) -> None:
    async with in_mode(session, "settings") as pilot:
        table(pilot).go_to("key:settings.default")
        await pilot.press("e")
        await shown(pilot, KeyDialog)
        await pilot.press("ctrl+y")
        await back(pilot)
        assert load_settings(session.paths).keys == {"settings.default": "ctrl+y"}
        assert value(pilot, "key:settings.default") == "^y"
        assert "^y Default" in screen_text(pilot)
        await pilot.press("ctrl+y")
        await until(pilot, lambda: load_settings(session.paths).keys == {})
        assert "d Default" in screen_text(pilot)


async def test_a_key_that_is_taken_is_said_and_another_can_be_pressed(session: Session) -> None:
    async with in_mode(session, "settings") as pilot:
        table(pilot).go_to("key:settings.default")
        await pilot.press("e")
        await shown(pilot, KeyDialog)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: '^p is the key of "every action by name" (everywhere)' in said(pilot))
        assert "press another one, or take it away there first" in said(pilot)
        assert session.settings.keys == {}
        await pilot.press("f1")
        await pilot.pause()
        assert isinstance(pilot.app.screen, KeyDialog)
        await pilot.press("escape")
        await back(pilot)
        assert session.settings.keys == {}


@pytest.mark.parametrize(
    ("words", "found"),
    [("proxy", "proxy"), ("whole screen anew", "key:app.repaint"), ("alt+k", "key:requests.cookies")],
)
async def test_a_setting_or_an_action_is_found_by_a_word(session: Session, words: str, found: str) -> None:
    async with in_mode(session, "settings") as pilot:
        await pilot.press("/")
        await shown(pilot, PickDialog)
        await type_in(pilot, words)
        await pilot.press("enter")
        await back(pilot)
        await until(pilot, lambda: table(pilot).key == found)


async def test_a_key_is_taken_away(session: Session) -> None:
    async with in_mode(session, "settings") as pilot:
        table(pilot).go_to("key:settings.default")
        await pilot.pause()
        await pilot.press("x")
        await pilot.pause()
        assert load_settings(session.paths).keys == {"settings.default": "none"}
        table(pilot).go_to("mouse")
        await pilot.pause()
        assert "No key" not in screen_text(pilot)


async def test_settings_that_cannot_be_saved_are_an_error_and_stay_as_they_were(session: Session) -> None:
    session.paths.config.parent.mkdir(parents=True, exist_ok=True)
    session.paths.config.write_text("a file where the folder should be")
    async with in_mode(session, "settings") as pilot:
        table(pilot).go_to("mouse")
        await pilot.press("enter")
        await pilot.pause()
        assert session.settings.mouse is True
        assert value(pilot, "mouse") == "yes"


async def test_it_draws_at_any_size(session: Session) -> None:
    async with in_mode(session, "settings") as pilot:
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            await pilot.press("end", "pageup", "home")
            assert table(pilot).key == "cache_minutes"


async def test_keys_that_clash_are_told_above_and_marked(session: Session) -> None:
    session.settings = msgspec.structs.replace(session.settings, keys={"tree.new": "f", "tree.nwe": "x"})
    async with in_mode(session, "settings") as pilot:
        assert '! "f" is the key of both "tree.new" and "tree.folder"' in said(pilot)
        assert '! there is no action "tree.nwe" to give keys to' in said(pilot)
        assert value(pilot, "key:tree.new") == "! f"
        assert value(pilot, "key:tree.folder") == "! f"
        pilot.app.screen.query_one(Rows).go_to("key:tree.new")
        await pilot.press("d")
        await until(pilot, lambda: value(pilot, "key:tree.folder") == "f")
