"""The colour of an environment, as a terminal is told it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.color import Color, ColorParseError

from core.errors import HushpostError

if TYPE_CHECKING:
    from core.workspace.workspace import Workspace

COLORS = {
    "red": "#d75f5f",
    "yellow": "#d7af5f",
    "green": "#5faf5f",
    "cyan": "#5fafaf",
    "blue": "#5f87d7",
    "magenta": "#af5faf",
}
"""An environment's named colours as they are drawn; its name stands on them in black or white."""


def drawn_color(color: str) -> str:
    """A colour of an environment's file as a terminal is told it; empty for what is none."""
    try:
        return Color.parse(COLORS.get(color, color)).rich_color.name if color else ""
    except ColorParseError:
        return ""


def color_of(workspace: Workspace, environment: str) -> str:
    """Empty where it has none, or its file cannot be read."""
    try:
        return drawn_color(workspace.load_environment(environment).color or "")
    except HushpostError:
        return ""
