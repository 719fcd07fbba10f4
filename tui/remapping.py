"""What the settings make of the table of keys: which of their entries can be used, and what is wrong with others."""

from __future__ import annotations

from collections.abc import Mapping

from tui.foreign import visible
from tui.keys import NOWHERE, key_names, table

_SPECIAL = frozenset(
    [
        "escape",
        "enter",
        "tab",
        "space",
        "backspace",
        "delete",
        "insert",
        "home",
        "end",
        "pageup",
        "pagedown",
        "up",
        "down",
        "left",
        "right",
        "comma",
    ]
)


def is_key(name: str) -> bool:
    """Whether a terminal can send what this names: `ctrl+r`, `f6`, `alt+up`, `?`."""
    *modifiers, key = name.split("+") if name != "+" else [name]
    if any(modifier not in ("ctrl", "alt", "shift", "super") for modifier in modifiers):
        return False
    if len(key) == 1:
        return key.isprintable()
    if key in _SPECIAL or (key.startswith("f") and key[1:].isdigit() and 1 <= int(key[1:]) <= 24):
        return True
    return _is_character_name(key)


def _is_character_name(key: str) -> bool:
    """The long names Textual gives to signs, such as `question_mark`."""
    from textual.keys import key_to_character

    character = key_to_character(key)
    return character is not None and len(key) > 1


def keymap(remapped: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """What Textual needs to rebind, and a sentence for each entry of the settings that cannot be used."""
    usable, problems = _usable(remapped)
    for one, name, other in clashes(remapped):
        problems.append(f'"{visible(one)}" is the key of both "{name}" and "{other}"')
    return usable, problems


def clashes(remapped: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Key and both actions, where two of one place, or one of them everywhere, share it because of the settings."""
    usable, _ = _usable(remapped)
    known = {key.name: key for key in table()}
    holders: dict[str, list[str]] = {}
    for name, key in known.items():
        for one in key_names(usable.get(name, key.keys)):
            holders.setdefault(one, []).append(name)
    found = []
    for one, names in holders.items():
        if one == NOWHERE:
            continue
        for position, name in enumerate(names):
            for other in names[position + 1 :]:
                changed = name in usable or other in usable
                places = {known[name].place, known[other].place}
                if changed and (len(places) == 1 or "app" in places):
                    found.append((one, name, other))
    return found


def _usable(remapped: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    known = {key.name for key in table()}
    usable: dict[str, str] = {}
    problems: list[str] = []
    for name, keys in remapped.items():
        shown = visible(name)
        if name not in known:
            problems.append(f'there is no action "{shown}" to give keys to')
            continue
        if keys.strip() in ("", "none"):
            usable[name] = NOWHERE
            continue
        bad = [key for key in key_names(keys) if not is_key(key)]
        if bad:
            problems.append(f'"{shown}": there is no key "{visible(bad[0])}"')
            continue
        usable[name] = ",".join(key_names(keys))
    return usable, problems
