"""The keys of a secret as the link dialog offers them: names and kinds, no value."""

from __future__ import annotations

from core.vault.selection import Inside
from tui.widgets.pick_list import Pick

_ENTIRE = {"text": "it is plain text", "bytes": "it is bytes: taken as base64", "object": "all of it, as JSON"}
_TAKEN_AS = {"object": "an object, taken as JSON", "list": "a list, taken as JSON"}


def offers(inside: Inside) -> tuple[str, ...]:
    """What the field of the key may hold, blank for the whole secret first."""
    return ("", *(name for name, kind in inside.keys if name and kind != "null"))


def picks(inside: Inside) -> list[Pick]:
    """A row for each offer, its key the offer's number; below them the keys that cannot be used."""
    kinds = dict(inside.keys)
    rows = [Pick("0", "whole secret", _ENTIRE[inside.kind])]
    for at, name in enumerate(offers(inside)[1:], 1):
        rows.append(Pick(str(at), name, _TAKEN_AS.get(kinds[name], kinds[name])))
    unusable = (name for name, kind in inside.keys if name and kind == "null")
    return rows + [Pick(f"null {name}", name, "null: cannot be used", enabled=False) for name in unusable]
