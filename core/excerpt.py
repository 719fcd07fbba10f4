"""The beginning of a text that may hold secrets, for a message."""

from __future__ import annotations

from collections.abc import Callable

LOOKED_AT = 256 * 1024
TORN = 64 * 1024
"""No form of a secret that is searched for as a whole is longer."""


def excerpt(text: str, redact: Callable[[str], str], most: int, *, torn: bool = False) -> str:
    """At most so many characters of the redacted text. What a limit tore a piece of is not known any more: where the
    text was cut before it was redacted, here or already (`torn`), its end is left out."""
    torn = torn or len(text) > LOOKED_AT
    clean = redact(text[:LOOKED_AT])
    if torn:
        clean = f"{clean[:-TORN]}…"
    return clean if len(clean) <= most else f"{clean[: most - 1]}…"
