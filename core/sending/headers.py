"""The headers of a request in the order in which they are sent, with what may be shown of each.

Names and values that HTTP cannot carry are refused, by the variable that brought them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from core.errors import RequestError
from core.models import Field
from core.secret import MASK
from core.structs import Struct
from core.template import Rendered

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LINE_BREAK = re.compile(r"[\r\n\0]")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_NONE: frozenset[str] = frozenset()

Blame = Callable[[str], str]
"""The value of a hidden variable, to see which one brought what cannot be sent."""


class Line(Struct, frozen=True):
    """One header; `key` is its name in lower case."""

    unshown = frozenset({"value"})

    name: str
    value: str
    shown: tuple[str, str]
    names: frozenset[str] = _NONE
    """The secrets in it."""

    @property
    def key(self) -> str:
        return self.name.lower()


def plain(name: str, value: str) -> Line:
    return Line(name, value, (name, value))


def rendered(name: Rendered, value: Rendered) -> Line:
    return Line(
        name.reveal(),
        value.reveal().strip(" \t"),
        (name.shown, value.shown.strip(" \t")),
        name.secrets | value.secrets,
    )


def written(fields: Iterable[Field], render: Callable[[str, str], Rendered]) -> Iterator[Line]:
    """The enabled rows of a request."""
    for row in fields:
        if not row.enabled:
            continue
        if "{{" in row.name or "{{" in row.value:
            yield rendered(render(row.name, "header"), render(row.value, f'header "{row.name}"'))
        else:
            yield plain(row.name, row.value.strip(" \t"))


def check(lines: Iterable[Line], blame: Blame) -> None:
    """Raise a RequestError that names the header, and the variable where one is to blame, and quotes no value."""
    for line in lines:
        if not _TOKEN.fullmatch(line.name):
            raise RequestError(f'"{line.shown[0]}" is not a valid header name', kind="request")
        if _CONTROL.search(line.value) is None:
            continue
        what = "a line break" if _LINE_BREAK.search(line.value) else "a control character"
        for variable in sorted(line.names):
            if _CONTROL.search(blame(variable)):
                raise RequestError(
                    f'the value of "{variable}" holds {what}, which header "{line.shown[0]}" cannot carry',
                    kind="request",
                    hint="set trim = true on its link, or store the value without it",
                )
        raise RequestError(f'header "{line.shown[0]}" holds {what}', kind="request", hint="take it out of the value")


def assemble(
    given: Iterable[Line],
    auth: Iterable[Line],
    defaults: Iterable[Line],
    content_type: Rendered,
    length: int | None,
    *,
    hide_length: bool,
) -> list[Line]:
    """Defaults that no row replaces, what the body says, the rows, and in place of rows of their name those of auth.

    `length` is None for a body of no length. The length of a body with a secret would tell the secret's.
    """
    auth = list(auth)
    # The length is ours to say, and what the body's type is has been decided with the body.
    taken = {"content-length", "content-type"} | {line.key for line in auth}
    kept = [line for line in given if line.key not in taken]
    own = {line.key for line in kept} | {line.key for line in auth}
    lines = [line for line in defaults if line.key not in own]
    if content_type:
        lines.append(rendered(Rendered("Content-Type"), content_type))
    if length is not None:
        lines.append(Line("Content-Length", str(length), ("Content-Length", MASK if hide_length else str(length))))
    return lines + kept + auth
