"""The table of keys and what settings make of it."""

from __future__ import annotations

import msgspec
import pytest

from core.session import Session
from core.workspace.workspace import Workspace
from tests.tui.conftest import Running, notices, screen_text, until
from tui import keys, remapping

AVOIDED = {f"ctrl+{letter}" for letter in "hijmab"} | {"ctrl+left_square_bracket", "ctrl+q", "ctrl+z"}


def test_names_are_unique_and_places_known() -> None:
    names = [key.name for key in keys.table()]
    assert len(names) == len(set(names))
    assert {key.place for key in keys.table()} <= set(keys.PLACES)


def test_defaults_are_keys_a_terminal_sends_and_leaves_to_the_app() -> None:
    for key in keys.table():
        for one in keys.key_names(key.keys):
            assert remapping.is_key(one), (key.name, one)
            assert one not in AVOIDED, (key.name, one)


def test_no_two_actions_of_a_place_share_a_key() -> None:
    usable, problems = remapping.keymap({key.name: key.keys for key in keys.table()})
    shared = [problem for problem in problems if "is the key of both" in problem]
    # Dialogs have either of two ways to be closed, and never both at once.
    assert [problem for problem in shared if '"dialog.' not in problem] == []
    assert usable


def test_designed_keys() -> None:
    designed = {
        "app.help": "f1",
        "app.workspaces": "f2",
        "app.requests": "f3",
        "app.environments": "f4",
        "app.credentials": "f5",
        "app.runner": "f7",
        "app.settings": "f8",
        "app.environment": "ctrl+t",
        "app.find": "ctrl+f",
        "app.palette": "ctrl+p",
        "app.lock": "ctrl+l",
        "app.quit": "ctrl+c",
        "requests.send": "ctrl+r",
    }
    table = {key.name: key for key in keys.table()}
    assert {name: table[name].keys for name in designed} == designed
    assert set(keys.key_names(table["requests.save"].keys)) == {"f9", "ctrl+s"}


@pytest.mark.parametrize("name", ["ctrl+r", "f12", "?", "alt+up", "shift+tab", "question_mark", "K", "+", "space"])
def test_key_names(name: str) -> None:
    assert remapping.is_key(name)


@pytest.mark.parametrize("name", ["", "ctrl+", "meta+x", "f25", "strg+x", "nokey", "ctrl+nokey", "\x1b"])
def test_what_is_no_key(name: str) -> None:
    assert not remapping.is_key(name)


def test_what_cannot_be_used_is_named_and_its_default_stays() -> None:
    usable, problems = remapping.keymap({"requests.sned": "f9", "requests.send": "strg+r", "tree.new": "a"})
    assert usable == {"tree.new": "a"}
    assert any("requests.sned" in problem for problem in problems)
    assert any("strg+r" in problem for problem in problems)


def test_a_key_of_two_actions_that_can_meet_is_reported() -> None:
    _, problems = remapping.keymap({"tree.new": "f"})
    assert problems == ['"f" is the key of both "tree.new" and "tree.folder"']
    _, problems = remapping.keymap({"app.help": "alt+u"})
    assert problems == ['"alt+u" is the key of both "app.help" and "requests.address"']


def test_actions_that_never_meet_may_share_a_key() -> None:
    assert remapping.keymap({"tree.new": "a", "workspaces.create": "a"})[1] == []


def test_a_hostile_name_in_the_settings_is_shown_as_marks() -> None:
    _, problems = remapping.keymap({"\x1b[31m": "f9"})
    assert "\x1b" not in problems[0]


async def test_a_remapped_key_works_and_the_default_does_not(
    running: Running, workspace: Workspace, session: Session
) -> None:
    session.settings = msgspec.structs.replace(
        session.settings, keys={"app.workspaces": "f12,alt+v", "app.help": "none"}
    )
    async with running(workspace) as pilot:
        await pilot.press("f2")
        assert pilot.app.current_mode == "requests"
        await pilot.press("f1")
        assert len(pilot.app.screen_stack) == 1
        assert "Help" not in screen_text(pilot).splitlines()[-1]
        await pilot.press("f12")
        await until(pilot, lambda: pilot.app.current_mode == "workspaces")
        assert notices(pilot) == []


async def test_problems_of_the_settings_are_told_at_the_start(
    running: Running, workspace: Workspace, session: Session
) -> None:
    session.settings = msgspec.structs.replace(session.settings, keys={"tree.new": "strg+n"})
    async with running(workspace) as pilot:
        assert any("strg+n" in notice for notice in notices(pilot))
