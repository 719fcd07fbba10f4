"""The app's own colours, next to the themes Textual brings, and the styles that line-drawn widgets share.

The own themes use colours of the 256-colour palette, so they look nearly the same where the terminal has no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.color import ColorSystem
from rich.style import Style
from textual.color import Color
from textual.theme import Theme

if TYPE_CHECKING:
    from textual.app import App

DEFAULT = "hushpost"
SIXTEEN = "hushpost-16"
"""In the terminal's own sixteen colours, on its own background."""
MONO = "hushpost-mono"
"""Without any colour: what is said by one is said by bold, reverse, underline, or in words."""

_PLAIN_CURSORS = {
    "ansi-foreground": "ansi_default",
    "ansi-background": "ansi_default",
    "block-cursor-foreground": "ansi_default",
    "block-cursor-background": "ansi_default",
    "block-cursor-text-style": "reverse",
    "input-cursor-foreground": "ansi_default",
    "input-cursor-background": "ansi_default",
    "input-cursor-text-style": "reverse",
    "input-selection-foreground": "ansi_default",
    "input-selection-background": "ansi_default",
}
_SCROLLBARS = (
    *("scrollbar", "scrollbar-hover", "scrollbar-active", "scrollbar-corner-color"),
    *("scrollbar-background", "scrollbar-background-hover", "scrollbar-background-active"),
    *("border", "border-blurred", "screen-selection-foreground", "screen-selection-background"),
)

THEMES = (
    Theme(
        name="hushpost",
        primary="#87afd7",
        secondary="#87afaf",
        warning="#d7af5f",
        error="#d78787",
        success="#87af87",
        accent="#d7af87",
        foreground="#d0d0d0",
        background="#121212",
        surface="#1c1c1c",
        panel="#303030",
        dark=True,
    ),
    Theme(
        name="hushpost-light",
        primary="#005f87",
        secondary="#005f5f",
        warning="#875f00",
        error="#af0000",
        success="#005f00",
        accent="#875f00",
        foreground="#1c1c1c",
        background="#eeeeee",
        surface="#ffffff",
        panel="#d0d0d0",
        dark=False,
    ),
    Theme(
        name=SIXTEEN,
        primary="ansi_bright_blue",
        secondary="ansi_cyan",
        warning="ansi_yellow",
        error="ansi_bright_red",
        success="ansi_green",
        accent="ansi_magenta",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        ansi=True,
        variables=_PLAIN_CURSORS,
    ),
    Theme(
        name=MONO,
        primary="ansi_default",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        secondary="ansi_default",
        warning="ansi_default",
        error="ansi_default",
        success="ansi_default",
        accent="ansi_default",
        ansi=True,
        variables={**_PLAIN_CURSORS, **dict.fromkeys(_SCROLLBARS, "ansi_default")},
    ),
)


def fitting(wanted: str, system: ColorSystem | None, *, no_color: bool) -> str:
    """The theme for a terminal: the wanted one, else what its colours allow; without any always the plain one."""
    if no_color or system is None:
        return MONO
    return wanted or (SIXTEEN if system is ColorSystem.STANDARD else DEFAULT)


@dataclass(frozen=True)
class Paint:
    """Styles without a background unless they are a cursor's, to be laid over a widget's own."""

    muted: Style
    strong: Style
    heading: Style
    key: Style
    cursor: Style
    """The row or cell that keys act on, in the focused widget."""
    resting: Style
    """The same row while another widget has the focus."""
    plain: Style
    secret: Style
    linked: Style
    dynamic: Style
    undefined: Style
    """Underlined, so that it shows without colours."""
    good: Style
    warning: Style
    bad: Style


def names(app: App[Any]) -> Sequence[str]:
    """The themes a person may choose, the app's own first: they are made for its inks and for few colours."""
    own = [theme.name for theme in THEMES]
    return [*own, *(name for name in app.available_themes if name not in own)]


def paint(app: App[Any]) -> Paint:
    """The styles of the theme in use, made once for each theme."""
    theme = app.current_theme
    made: tuple[Theme, Paint] | None = getattr(app, "_hushpost_paint", None)
    if made is not None and made[0] is theme:
        return made[1]
    # The app's own variables may still be those of the theme before.
    fresh = _paint({**theme.to_color_system().generate(), **theme.variables}, own=theme in THEMES)
    app._hushpost_paint = (theme, fresh)  # type: ignore[attr-defined]
    return fresh


def _paint(variables: dict[str, str], *, own: bool) -> Paint:
    def color(name: str) -> Color:
        return Color.parse(variables[name])

    def ink(name: str, **more: Any) -> Style:
        # Textual derives a shade to be read from each colour; the own themes' colours are that already.
        return Style(color=color(name if own else f"text-{name}").rich_color, **more)

    ansi = color("foreground").ansi is not None
    muted = Style(dim=True) if ansi else Style(color=color("foreground").blend(color("background"), 0.42).rich_color)
    cursor = (
        Style(reverse=True)
        if ansi
        else Style(color=color("background").rich_color, bgcolor=color("primary").rich_color, bold=True)
    )
    if variables["primary"] == variables["foreground"]:
        return _mono(muted)
    resting = Style(bold=True) if ansi else Style(bgcolor=color("panel").rich_color, bold=True)
    return Paint(
        muted=muted,
        strong=Style(bold=True),
        heading=ink("primary", bold=True),
        key=ink("accent", bold=True),
        cursor=cursor,
        resting=resting,
        plain=ink("secondary"),
        secret=ink("warning"),
        linked=ink("accent", bold=not own),
        dynamic=ink("primary"),
        undefined=ink("error", underline=True),
        good=ink("success"),
        warning=ink("warning"),
        bad=ink("error"),
    )


def _mono(muted: Style) -> Paint:
    """Kinds are told by how they are written; every table names them in words too."""
    return Paint(
        muted=muted,
        strong=Style(bold=True),
        heading=Style(bold=True),
        key=Style(bold=True),
        cursor=Style(reverse=True),
        resting=Style(bold=True),
        plain=Style(),
        secret=Style(bold=True),
        linked=Style(italic=True),
        dynamic=Style(dim=True),
        undefined=Style(underline=True),
        good=Style(),
        warning=Style(bold=True),
        bad=Style(bold=True, underline=True),
    )
