"""The app's own colours, next to the themes Textual brings."""

from __future__ import annotations

from textual.theme import Theme

DEFAULT = "hushpost"

HUSHPOST = Theme(
    name="hushpost",
    primary="#7aa2c8",
    secondary="#8fb39a",
    warning="#d9a860",
    error="#d97a7a",
    success="#86b97f",
    accent="#c9a26d",
    foreground="#d3d7de",
    background="#14171c",
    surface="#1a1e25",
    panel="#232933",
    dark=True,
)
LIGHT = Theme(
    name="hushpost-light",
    primary="#2f5f8a",
    secondary="#3d6b4a",
    warning="#8a5a00",
    error="#a12626",
    success="#2f6b27",
    accent="#7a5a1e",
    foreground="#1c2128",
    background="#f6f7f9",
    surface="#ffffff",
    panel="#e4e8ee",
    dark=False,
)
THEMES = (HUSHPOST, LIGHT)
