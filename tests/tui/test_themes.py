"""Styles of every theme: readable, and kinds told apart."""

from __future__ import annotations

import pytest
from rich.color import Color, ColorSystem
from textual.app import App
from textual.color import Color as Rgb
from textual.theme import Theme

from tui import themes

APP = App[None]()
for theme in themes.THEMES:
    APP.register_theme(theme)


def contrast(one: Rgb, other: Rgb) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: Rgb) -> float:
    def channel(value: float) -> float:
        return value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (channel(value) for value in color.normalized)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("name", sorted(APP.available_themes))
def test_every_theme_has_styles_that_tell_the_kinds_apart(name: str) -> None:
    APP.theme = name
    ink = themes.paint(APP)
    assert len({ink.plain, ink.secret, ink.linked, ink.undefined}) == 4
    assert len({ink.cursor, ink.resting, ink.plain}) == 3
    assert ink.undefined.underline


OWN = [theme for theme in themes.THEMES if not theme.ansi]


@pytest.mark.parametrize("name", [theme.name for theme in OWN])
def test_own_themes_are_readable(name: str) -> None:
    APP.theme = name
    ink = themes.paint(APP)
    for field in ("muted", "plain", "secret", "linked", "dynamic", "undefined", "good", "warning", "bad", "key"):
        color = getattr(ink, field).color
        assert color is not None
        for ground in ("background", "surface"):
            shown = Rgb.from_rich_color(color)
            assert contrast(shown, Rgb.parse(getattr(APP.current_theme, ground))) >= 3, (field, ground)


@pytest.mark.parametrize("theme", OWN, ids=lambda theme: theme.name)
def test_own_themes_look_the_same_with_256_colours(theme: Theme) -> None:
    for name in ("primary", "secondary", "warning", "error", "success", "accent", "foreground", "background", "panel"):
        color = Color.parse(getattr(theme, name))
        seen = color.downgrade(ColorSystem.EIGHT_BIT).get_truecolor()
        assert color.triplet is not None
        assert all(abs(one - other) <= 10 for one, other in zip(color.triplet, seen, strict=True)), name


@pytest.mark.parametrize(
    ("wanted", "system", "no_color", "expected"),
    [
        ("", ColorSystem.EIGHT_BIT, False, "hushpost"),
        ("", ColorSystem.TRUECOLOR, False, "hushpost"),
        ("", ColorSystem.STANDARD, False, "hushpost-16"),
        ("nord", ColorSystem.STANDARD, False, "nord"),
        ("nord", None, False, "hushpost-mono"),
        ("nord", ColorSystem.TRUECOLOR, True, "hushpost-mono"),
    ],
)
def test_the_theme_fits_the_terminal(wanted: str, system: ColorSystem | None, no_color: bool, expected: str) -> None:
    assert themes.fitting(wanted, system, no_color=no_color) == expected


def test_the_styles_are_made_once_for_a_theme() -> None:
    APP.theme = "hushpost"
    assert themes.paint(APP) is themes.paint(APP)
