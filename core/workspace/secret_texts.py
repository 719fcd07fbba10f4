"""Finds what looks like a secret in the texts of a request, and puts variables in its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from core import template
from core.models import Request, Variable, variable
from core.secret import Secret
from core.workspace import lint

Place = tuple[Any, ...]

_IN_QUERY = re.compile(r"[?&]([^=&#]*)=([^&#]+)")
_LOGIN = re.compile(r"[A-Za-z0-9+.-]+://[^/?#:]*:([^/?#]+)@")
_IN_JSON = re.compile(r'"([^"\\]*)"\s*:\s*"((?:\\.|[^"\\])*)"')
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9-]* (?=\S+$)")


@dataclass(frozen=True)
class SecretText:
    """A piece of one text of a request; `shown` is what its place is called, `name` a variable that could hold it."""

    where: Place
    start: int
    end: int
    name: str
    shown: str
    value: Secret = field(repr=False)


def find(request: Request) -> Sequence[SecretText]:
    """In the order of the texts, its own variables left out; pieces of one text follow each other."""
    data = msgspec.to_builtins(msgspec.structs.replace(request, variables={}))
    found = []
    for where, name, text in lint.texts(data):
        row = data[where[0]][where[1]] if len(where) == 3 and where[0] in ("headers", "query") else None
        shown = f'{where[0].removesuffix("s")} "{row["name"]}"' if row is not None else ".".join(map(str, where))
        done = 0
        for start, end, called in sorted(_pieces(where, name, text)):
            piece = text[start:end]
            if start < done or not lint.is_literal(piece):
                continue
            done = end
            found.append(SecretText(where, start, end, _variable(called), shown, Secret(_real(where, piece))))
    return found


def replaced(request: Request, found: Sequence[SecretText]) -> tuple[Request, Mapping[str, Secret]]:
    """The request with secret variables of its own in these places, and the value of each; equal values share one."""
    data = msgspec.to_builtins(request)
    names: dict[str, str] = {}
    values: dict[str, Secret] = {}
    for one in reversed(found):
        value = one.value.reveal()
        if value not in names:
            names[value] = _free(one.name, {*values, *request.variables})
            values[names[value]] = one.value
        holder = data
        for key in one.where[:-1]:
            holder = holder[key]
        text = holder[one.where[-1]]
        holder[one.where[-1]] = f"{text[: one.start]}{{{{{names[value]}}}}}{text[one.end :]}"
    changed = msgspec.convert(data, Request)
    variables = {name: variable(entry) for name, entry in request.variables.items()}
    variables |= {name: Variable(secret=True) for name in reversed(values)}
    return msgspec.structs.replace(changed, variables=variables), values


def _pieces(where: Place, name: str, text: str) -> Iterator[tuple[int, int, str]]:
    """Where in the text a secret seems to stand, and what to call it."""
    if where[-1] == "url":
        for match in _IN_QUERY.finditer(text):
            if lint.looks_secret(match[1]):
                yield (*match.span(2), match[1])
    elif where[-1] == "proxy":
        if (login := _LOGIN.match(text)) is not None:
            yield (*login.span(1), "proxy_password")
    elif where[0] == "body" and where[-1] == "text":
        for match in _IN_JSON.finditer(text):
            if lint.looks_secret(match[1]):
                yield (*match.span(2), match[1])
    elif lint.in_secret_place(where, name) or (where[0] == "headers" and name.lower() == "cookie"):
        scheme = _SCHEME.match(text) if name.lower() == "authorization" else None
        yield scheme.end() if scheme else 0, len(text), name
        return
    for kind, start, end in lint.tokens(text):
        yield start, end, kind.partition(" ")[2] or "token"


def _real(where: Place, text: str) -> str:
    """What the piece of a file's text stands for."""
    real = template.render(text, {}).reveal()
    if where[0] == "body" and where[-1] == "text":
        with suppress(ValueError):
            return str(json.loads(f'"{real}"', strict=False))
    return real


def _variable(name: str) -> str:
    made = re.sub(r"\W+", "_", name.lower(), flags=re.ASCII).strip("_")
    return made if made[:1].isalpha() else f"secret_{made}".rstrip("_")


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
