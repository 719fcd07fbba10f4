"""What a model looks like as TOML data, and what is wrong with data that does not fit a model, in a user's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from functools import cache
from math import isnan
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

_AT = re.compile(r" - at `(?P<key>key` in `)?\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+)\]|(?P<any>\[\.\.\.\])")
_NOT_ONE = "is not one of the values it may have"
_WORDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "a table",
    "array": "an array",
    "datetime": "a date and time",
    "date": "a date",
    "time": "a time",
    "null": "nothing",
}


def plain(value: Any) -> Any:
    """A model as the tables, arrays and scalars that stand in its file; what equals its default is left out.

    (msgspec's own `omit_defaults` compares by identity, so a default that was read from a file would be written.)
    """
    if isinstance(value, msgspec.Struct):
        config = value.__struct_config__
        table: dict[str, Any] = {}
        if config.tag is not None:
            table[str(config.tag_field)] = config.tag
        for name, key, is_default in _fields(type(value)):
            item = getattr(value, name)
            if not is_default(item):
                table[key] = plain(item)
        return table
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, str | bool | int | float | datetime | date | time):
        return value
    raise TypeError(f"TOML has no {type(value).__name__}")


@cache
def _fields(model: type[msgspec.Struct]) -> tuple[tuple[str, str, Callable[[Any], bool]], ...]:
    found = []
    for field in msgspec.structs.fields(model):
        if field.default is not msgspec.NODEFAULT:
            default = field.default
        elif field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        else:
            default = msgspec.NODEFAULT

        def is_default(value: Any, default: Any = default) -> bool:
            return type(value) is type(default) and bool(value == default)

        found.append((field.name, field.encode_name, is_default))
    return tuple(found)


def same(a: Any, b: Any) -> bool:
    """Whether two pieces of TOML data would be written the same way: 1, 1.0 and true differ, nan equals nan."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(item, b[key]) for key, item in a.items())
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return a.hex() == b.hex() if not isnan(a) else isnan(b)
    return bool(a == b)


def shape_error(
    error: msgspec.ValidationError, data: dict[str, Any], model: type[msgspec.Struct]
) -> tuple[str, str | None]:
    """The sentence for a user and the key path; no value is quoted, since it might be a secret."""
    text = str(error)
    at = _AT.search(text)
    path: list[str | int] = []
    for step in _STEP.finditer(at["path"]) if at else ():
        if step["name"] is not None:
            path.append(step["name"])
        elif step["index"] is not None:
            path.append(int(step["index"]))
        else:
            path.append(_culprit(text, data, model, path))
    if at and at["key"]:
        path.append(_culprit(text, data, model, path))
        return "is not a name: names are letters, digits and _ . - and begin with a letter or _", _dotted(path)
    sentence = text[: at.start()] if at else text
    if match := re.match(r"Object (contains unknown|missing required) field `(.*)`$", sentence, re.DOTALL):
        path.append(match[2])
        return "is missing" if match[1] == "missing required" else "is not a key that belongs here", _dotted(path)
    said = _sentence(sentence)
    if said == _NOT_ONE and (allowed := _values(model, path)):
        said += f": {', '.join(allowed)}"
    return said, _dotted(path) or None


def _culprit(text: str, data: dict[str, Any], model: type[msgspec.Struct], path: list[str | int]) -> str:
    """msgspec does not say which key of a mapping it means: the one that fails alike when it is alone."""
    mapping: Any = data
    for step in path:
        mapping = mapping[step]
    for key in mapping:
        try:
            msgspec.convert(_only(data, path, key), model)
        except msgspec.ValidationError as error:
            if str(error) == text:
                return str(key)
    return "?"


def _values(kind: Any, path: Sequence[str | int]) -> tuple[str, ...]:
    """The values that may stand at the path, where they are few: those of a literal, or the tags of a union."""
    kinds = _kinds(kind)
    if not path:
        return tuple(str(value) for one in kinds if get_origin(one) is Literal for value in get_args(one))
    step, *rest = path
    found: list[str] = []
    for one in kinds:
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            names = {field.encode_name: field.name for field in msgspec.structs.fields(one)}
            if not rest and step == one.__struct_config__.tag_field:
                found.append(str(one.__struct_config__.tag))
            elif step in names:
                found += _values(get_type_hints(one)[names[str(step)]], rest)
        elif inner := get_args(one):
            # An array's items, or a mapping's values.
            found += _values(inner[0] if isinstance(step, int) else inner[-1], rest)
    return tuple(dict.fromkeys(found))


def _kinds(kind: Any) -> tuple[Any, ...]:
    """The members of a union; another type alone."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in (Union, UnionType):
        return tuple(inner for one in get_args(kind) for inner in _kinds(one))
    return (kind,)


def _only(data: Any, path: list[str | int], key: str) -> Any:
    """The data with nothing but the way to `key` in the mapping at `path`."""
    if not path:
        return {key: data[key]}
    step = path[0]
    below = _only(data[step], path[1:], key)
    if isinstance(step, str):
        return {step: below}
    return [*data[:step], below, *data[step + 1 :]]


def _dotted(path: list[str | int]) -> str:
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def _sentence(text: str) -> str:
    if match := re.match(r"Expected `([a-z |]+)`, got `(\w+)`$", text):
        wanted = [_WORDS.get(word.strip(), word.strip()) for word in match[1].split("|")]
        return (
            f"must be {' or '.join(word for word in wanted if word != 'nothing')}, not {_WORDS.get(match[2], match[2])}"
        )
    if match := re.match(r"Expected `\w+` (>=|<=|>|<) (\S+)$", text):
        words = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}
        return f"must be {words[match[1]]} {match[2].removesuffix('.0')}"
    if text.startswith("Expected `str` matching regex"):
        return "is not written as it must be"
    if text.startswith(("Invalid value", "Invalid enum value")):
        return _NOT_ONE
    if match := re.match(r"Expected `\w+` of length (>=|<=) (\d+)", text):
        return f"must be {'at least' if match[1] == '>=' else 'at most'} {match[2]} long"
    return text[:1].lower() + text[1:].replace("`", '"')
