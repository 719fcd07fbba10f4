"""Narrowing a list by typing, and what is cut where the room ends."""

from __future__ import annotations

from textual.app import App, ComposeResult

from tests.tui.conftest import screen_text
from tui.widgets.pick_list import Pick, PickList, matching

PICKS = [
    Pick("1", "payments/create"),
    Pick("2", "refunds/create one"),
    Pick("3", "create"),
    Pick("4", "x", "to create"),
]


def keys(typed: str) -> list[str]:
    return [pick.key for pick in matching(PICKS, typed)]


def test_nothing_typed_leaves_all_in_order() -> None:
    assert keys("") == ["1", "2", "3", "4"]


def test_every_word_has_to_be_there_in_any_order() -> None:
    assert keys("create pay") == ["1"]
    assert keys("one refunds") == ["2"]
    assert keys("create nowhere") == []


def test_what_begins_with_the_text_comes_first_and_details_last() -> None:
    assert keys("create") == ["3", "1", "2", "4"]


def test_case_does_not_count() -> None:
    assert keys("PAYMENTS") == ["1"]


async def test_a_label_is_cut_only_where_its_detail_needs_the_room() -> None:
    class Listed(App[None]):
        def compose(self) -> ComposeResult:
            yield PickList([Pick("1", "a label of more than three fifths", "F1")])

    async with Listed().run_test(size=(44, 5)) as pilot:
        await pilot.pause()
        assert "a label of more than three fifths  F1" in screen_text(pilot)
