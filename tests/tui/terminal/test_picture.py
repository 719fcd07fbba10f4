from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len, get_character_cell_size
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tests.cell_model import Cell, CellModel, Look
from tui.terminal.picture import Picture

WIDTH, HEIGHT = 24, 4
TEXTS = st.text(st.sampled_from("ab  ─│é字語한▁•e\u0301"), max_size=8).map(lambda text: text.lstrip("\u0301"))
LOOSE_TEXTS = st.text(st.sampled_from("ab 字é👩☀"), max_size=12)
ATTRIBUTES = "bold dim italic underline blink blink2 reverse conceal strike underline2 frame encircle overline"
COLOURS = (
    "red on blue",
    "bold italic underline red",
    "on blue",
    "reverse on red",
    "#102030",
    "#102030 on #304050",
    "bright_red on bright_blue",
    "color(99) on color(100)",
    "default on default",
)
STYLES = st.sampled_from(
    [Style.parse(text) for text in ("none", "bold dim", *ATTRIBUTES.split(), *COLOURS)]
    + [Style(link="https://one.example/", color="red"), Style(link="https://two.example/a;b?c=d")]
)
SEGMENTS = st.tuples(TEXTS, st.one_of(st.none(), STYLES)).map(lambda parts: Segment(*parts))
SYSTEMS = st.sampled_from([ColorSystem.STANDARD, ColorSystem.EIGHT_BIT, ColorSystem.TRUECOLOR])


@st.composite
def paints(draw: st.DrawFn) -> tuple[int, int, Strip]:
    y = draw(st.integers(0, HEIGHT - 1))
    x = draw(st.integers(0, WIDTH - 1))
    strip = Strip(draw(st.lists(SEGMENTS, max_size=5)))
    return y, x, strip.crop(0, min(strip.cell_length, WIDTH - x))


def whole(y: int, x: int, strip: Strip, system: ColorSystem) -> str:
    """What Textual writes for a strip."""
    names = {ColorSystem.STANDARD: "standard", ColorSystem.EIGHT_BIT: "256", ColorSystem.TRUECOLOR: "truecolor"}
    for _, style, _ in strip:
        if style is not None:
            style._ansi = None
    console = Console(color_system=names[system], force_terminal=True)  # type: ignore[arg-type]
    return f"\x1b[{y + 1};{x + 1}H" + Strip(list(strip)).render(console)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(paints(), min_size=1, max_size=5), min_size=1, max_size=5), SYSTEMS)
def test_the_terminal_ends_up_as_if_everything_had_been_written(
    frames: list[list[tuple[int, int, Strip]]], system: ColorSystem
) -> None:
    ours, theirs, picture = CellModel(WIDTH, HEIGHT), CellModel(WIDTH, HEIGHT), Picture()
    blank = [(y, 0, Strip.blank(WIDTH)) for y in range(HEIGHT)]
    picture.forget(WIDTH, HEIGHT)
    for frame in [blank, *frames]:
        ours.feed(picture.paint(frame, system))
        for y, x, strip in frame:
            # Textual's pieces never cut a double-width character that stands on the screen in two.
            theirs.feed(whole(y, x, strip, system))
        mend(theirs)
        mend(ours)
        assert ours.seen == theirs.seen
        assert ours.look == Look()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, WIDTH - 1), st.lists(LOOSE_TEXTS, max_size=4)), min_size=1, max_size=5))
def test_emoji_among_other_characters_end_up_as_if_they_had_been_written(frames: list[tuple[int, list[str]]]) -> None:
    ours, theirs, picture = CellModel(WIDTH, 1), CellModel(WIDTH, 1), Picture()
    picture.forget(WIDTH, 1)
    for x, texts in [(0, [" " * WIDTH]), *frames]:
        strip = Strip([Segment(text) for text in texts])
        strip = strip.crop(0, min(strip.cell_length, WIDTH - x))
        ours.feed(picture.paint([(0, x, strip)], ColorSystem.TRUECOLOR))
        theirs.feed(whole(0, x, strip, ColorSystem.TRUECOLOR))
        mend(theirs)
        mend(ours)
        assert ours.seen == theirs.seen


def mend(model: CellModel) -> None:
    """Halves of double-width characters that a piece cut: what terminals make of them differs and is of no interest."""
    for row in model.cells:
        for x, cell in enumerate(row):
            wide = get_character_cell_size(cell.text[0]) == 2 if cell.text else False
            alone = wide and (x + 1 == model.width or row[x + 1].text != "")
            orphan = cell.text == "" and not (
                x and row[x - 1].text and get_character_cell_size(row[x - 1].text[0]) == 2
            )
            if alone or orphan:
                row[x] = Cell("half")


def painted(*texts: str, width: int = WIDTH) -> tuple[Picture, CellModel]:
    picture, model = Picture(), CellModel(width, len(texts))
    picture.forget(width, len(texts))
    model.feed(picture.paint([(y, 0, line(text, width)) for y, text in enumerate(texts)], ColorSystem.TRUECOLOR))
    return picture, model


def line(text: str, width: int = WIDTH, style: Style | None = None) -> Strip:
    return Strip([Segment(text, style), Segment(" " * (width - cell_len(text)), style)])


def test_what_is_shown_already_is_not_written() -> None:
    picture, _ = painted("the same")
    assert picture.paint([(0, 0, line("the same"))], ColorSystem.TRUECOLOR) == ""


def test_one_changed_cell_costs_a_move_and_the_cell() -> None:
    picture, _ = painted("count 1 of 9")
    assert picture.paint([(0, 0, line("count 2 of 9"))], ColorSystem.TRUECOLOR) == "\x1b[1;7H2"


def test_a_short_gap_is_written_again_and_a_long_one_jumped_over() -> None:
    picture, _ = painted("a-b-----------c")
    assert picture.paint([(0, 0, line("A-B-----------C"))], ColorSystem.TRUECOLOR) == "\x1b[1HA-B\x1b[11CC"


def test_only_the_attributes_that_differ_are_written() -> None:
    picture, _ = painted("")
    strip = Strip([Segment("a", Style.parse("bold red on blue")), Segment("b", Style.parse("red on blue"))])
    assert picture.paint([(0, 0, strip)], ColorSystem.TRUECOLOR) == "\x1b[1H\x1b[1;31;44ma\x1b[22mb\x1b[m"


def test_colours_of_text_are_not_written_for_spaces() -> None:
    picture, _ = painted("a  b")
    styled = Strip([Segment("a"), Segment("  ", Style.parse("bold red")), Segment("b")])
    assert picture.paint([(0, 0, styled)], ColorSystem.TRUECOLOR) == ""


def test_after_forgetting_everything_is_written() -> None:
    picture, model = painted("abc")
    picture.forget(WIDTH, 1)
    model.feed("\x1b[1HXXXXXXXXXXXXXXXXXXXXXXXX")
    model.feed(picture.paint([(0, 0, line("abc"))], ColorSystem.TRUECOLOR))
    assert "".join(cell.text for cell in model.cells[0]).rstrip() == "abc"


def test_what_a_terminal_would_obey_is_never_written() -> None:
    picture, _ = painted("")
    text = picture.paint([(0, 0, line("a\x1b[2Jb\x07\x9b31mc\u202ed\r\n"))], ColorSystem.TRUECOLOR)
    assert text == "\x1b[1Ha[2Jb31mcd"


def test_an_address_cannot_end_its_own_sequence() -> None:
    picture, _ = painted("")
    strip = Strip([Segment("a", Style(link="https://x/\x1b\\\x1b[2J"))])
    assert picture.paint([(0, 0, strip)], ColorSystem.TRUECOLOR) == "\x1b[1Ha"


def test_a_link_is_written_with_its_cells_and_closed() -> None:
    picture, model = painted("see here, please")
    link = Style(link="https://example.com/")
    strip = Strip([Segment("see "), Segment("here", link), Segment(", please"), Segment(" " * 8)])
    text = picture.paint([(0, 0, strip)], ColorSystem.TRUECOLOR)
    assert text == f"\x1b[1;5H\x1b]8;id={link._link_id};https://example.com/\x1b\\here\x1b]8;;\x1b\\\x1b[m"
    model.feed(text)
    assert [bool(cell.look.link) for cell in model.cells[0]][:10] == [False] * 4 + [True] * 4 + [False] * 2


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("text", ["👩‍👩‍👧", "⚠️", "🇩🇪", "✅", "नमस्ते"])
def test_a_terminal_that_sees_other_widths_still_gets_the_cells_behind_right(text: str, size: int) -> None:
    def size_of(character: str) -> int:
        doubtful = ord(character) > 0x2000 or 0x0900 <= ord(character) < 0x0A00
        return size if doubtful and character not in "│\ufe0f\u200d" else 0 if character in "\ufe0f\u200d" else 1

    model, picture = CellModel(WIDTH, 1, size_of), Picture()
    picture.forget(WIDTH, 1)
    places = cell_len(text)
    for before, after in (("ab", "right"), ("xy", "right"), ("xy", "other")):
        strip = Strip([Segment(f"{before} {text} │{after}")])
        model.feed(picture.paint([(0, 0, strip.adjust_cell_length(WIDTH))], ColorSystem.TRUECOLOR))
        row = "".join(cell.text or "" for cell in model.cells[0][3 + places :])
        assert row.strip().startswith(f"│{after}")
        assert "".join(cell.text for cell in model.cells[0][:3]) == f"{before} "
    model.feed(picture.paint([(0, 0, line("gone"))], ColorSystem.TRUECOLOR))
    assert "".join(cell.text for cell in model.cells[0]).rstrip() == "gone"


def test_a_strip_longer_than_the_row_is_cut() -> None:
    picture, model = painted("", width=6)
    model.feed(picture.paint([(0, 3, Strip([Segment("ab字字")]))], ColorSystem.TRUECOLOR))
    assert [cell.text for cell in model.cells[0]] == [" ", " ", " ", "a", "b", " "]
