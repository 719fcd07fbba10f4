"""Foreign text on its way to the screen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.foreign import fitted, foreign, one_cell_each, shortened, visible

HOSTILE = "[b]x[/b] \x1b[31m\u202e\u200b\x9b0m\r"


def test_markup_and_escapes_are_letters() -> None:
    plain = foreign(HOSTILE).plain
    assert plain.startswith("[b]x[/b] ")
    assert not set(plain) & set("\x1b\u202e\u200b\x9b\r")


def test_lines_stay_where_they_are_wanted() -> None:
    assert foreign("a\nb", lines=True).plain == "a\nb"
    assert "\n" not in foreign("a\nb").plain


@given(st.text())
def test_one_for_one_keeps_the_length_and_nothing_a_terminal_obeys(text: str) -> None:
    shown = one_cell_each(text)
    assert len(shown) == len(text)
    assert visible(shown.replace("\t", "")) == shown.replace("\t", "")


@given(st.text(), st.integers(0, 40))
def test_fitted_text_has_exactly_the_width(text: str, width: int) -> None:
    shown = visible(text)
    assert cell_len(fitted(shown, width)) == width
    assert cell_len(shortened(shown, width)) <= width


def test_what_is_cut_is_marked() -> None:
    assert shortened("abcdef", 4) == "abc…"
    assert shortened("abcd", 4) == "abcd"
