"""`{{name}}` in a text: where the names stand, and the text with their values put in. Pure.

    {{name}}   {{vault:name}}   {{$uuid}}   {{?Prompt text}}      \\{{ is a literal {{

A rendered text keeps two forms side by side: the real one, and the shown one with names instead of hidden values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, Protocol, cast

from core.dynamic import DYNAMIC
from core.errors import FormatError, TemplateError
from core.secret import Secret
from core.structs import Struct

ReferenceKind = Literal["variable", "vault", "dynamic", "prompt", "invalid"]


MAX_LENGTH = 64 * 1024 * 1024
"""Characters a text may grow to: names that stand in each other twice double it each time."""

# An odd run of backslashes before the braces escapes them, an even one does not, so that the JSON text "C:\\{{name}}"
# keeps both of its backslashes.
_TOKEN = re.compile(r"(?P<escape>(?<!\\)(?:\\\\)*\\\{\{)|\{\{(?P<inner>[^{}\r\n]*)\}\}|\{\{(?!\{)")
_HOLE = 16
_LITERAL = re.compile(r"(?<!\\)(\\*)\{\{")
_INNER = re.compile(
    r"(?P<variable>[A-Za-z_][A-Za-z0-9_.-]*)|vault:(?P<vault>[A-Za-z_][A-Za-z0-9_.-]*)"
    r"|\$(?P<dynamic>[A-Za-z]+)|\?\s*(?P<prompt>\S.*)"
)


class Reference(Struct, frozen=True):
    """One `{{…}}` of a text, from its first brace to past its last.

    `key` is what looks its value up: the variable's name, `$uuid`, or `?Prompt text`. An invalid one is braces that
    hold no reference, or that never close.
    """

    name: str
    start: int
    end: int
    kind: ReferenceKind

    @property
    def key(self) -> str:
        return f"?{self.name}" if self.kind == "prompt" else f"${self.name}" if self.kind == "dynamic" else self.name


class _Hole(Struct, frozen=True):
    """A hidden piece of a rendered text: what is shown in its place, whose values it holds, and the value."""

    shown: str
    names: frozenset[str]
    secret: Secret


class Rendered:
    """A text that may hold hidden values: `reveal()` is what is sent, `shown` has `{{name}}` in their place.

    It is built, joined and encoded piece by piece, so the shown form holds no hidden value however short it is.
    """

    __slots__ = ("_pieces", "_weight")

    def __init__(self, text: str = "") -> None:
        self._pieces: tuple[str | _Hole, ...] = (text,) if text else ()
        self._weight = len(text)

    @classmethod
    def _of(cls, pieces: Iterable[str | _Hole]) -> Rendered:
        pieces = list(pieces)
        if _Hole not in map(type, pieces):
            return cls("".join(cast(list[str], pieces)))
        merged: list[str | _Hole] = []
        for piece in pieces:
            if isinstance(piece, str) and merged and isinstance(last := merged[-1], str):
                merged[-1] = last + piece
            elif piece != "":
                merged.append(piece)
        made = cls()
        made._pieces = tuple(merged)
        made._weight = sum(len(p) if isinstance(p, str) else _HOLE + len(p.secret.reveal()) for p in merged)
        return made

    @classmethod
    def hidden(cls, name: str, secret: Secret) -> Rendered:
        """The value of a hidden variable, whole."""
        return cls._of([_Hole("{{" + name + "}}", frozenset([name]), secret)])

    @classmethod
    def placeholder(cls, shown: str, text: str) -> Rendered:
        """A text that is only stood in for, where a request is built to be shown and not sent."""
        return cls._of([_Hole(shown, frozenset(), Secret(text))])

    @classmethod
    def join(cls, separator: str, parts: Iterable[Rendered | str]) -> Rendered:
        pieces: list[str | _Hole] = []
        for index, part in enumerate(parts):
            if index and separator:
                pieces.append(separator)
            pieces.extend((part,) if isinstance(part, str) else part._pieces)
        return cls._of(pieces)

    def reveal(self) -> str:
        return "".join(piece if isinstance(piece, str) else piece.secret.reveal() for piece in self._pieces)

    @property
    def shown(self) -> str:
        return "".join(piece if isinstance(piece, str) else piece.shown for piece in self._pieces)

    @property
    def secrets(self) -> frozenset[str]:
        """Names of the hidden variables whose values it holds."""
        return frozenset(name for piece in self._pieces if isinstance(piece, _Hole) for name in piece.names)

    @property
    def is_hidden(self) -> bool:
        return any(isinstance(piece, _Hole) for piece in self._pieces)

    @property
    def value(self) -> str | Secret:
        """The text, as a Secret when any part of it is hidden."""
        return Secret(self.reveal()) if self.is_hidden else self.reveal()

    def map(self, encode: Callable[[str], str], hidden: Callable[[str], str] | None = None) -> Rendered:
        """Encoded, with the names kept as they are; only for encodings that treat each character by itself
        (percent-encoding, JSON or XML escapes), because each piece is encoded alone, in order. `hidden` encodes the
        hidden pieces, where they are encoded otherwise than the text between them."""
        if not self._pieces:
            return self
        if len(self._pieces) == 1 and isinstance(only := self._pieces[0], str):
            return Rendered(encode(only))
        inside = hidden or encode
        return Rendered._of(
            encode(piece)
            if isinstance(piece, str)
            else _Hole(piece.shown, piece.names, Secret(inside(piece.secret.reveal())))
            for piece in self._pieces
        )

    def whole(self, encode: Callable[[str], str], shown: str | None = None) -> Rendered:
        """Encoded as one text, for encodings that mix characters (base64, a hash); with a hidden piece the result is
        hidden as a whole and shown as `shown`, or as the text before encoding."""
        result = encode(self.reveal())
        if not self.is_hidden:
            return Rendered(result)
        return Rendered._of([_Hole(self.shown if shown is None else shown, self.secrets, Secret(result))])

    def __add__(self, other: Rendered | str) -> Rendered:
        return Rendered.join("", (self, other))

    def __radd__(self, other: str) -> Rendered:
        return Rendered.join("", (other, self))

    @property
    def weight(self) -> int:
        """How much memory it stands for, in characters."""
        return self._weight

    def __bool__(self) -> bool:
        """Whether anything is sent for it."""
        return any(isinstance(piece, str) or piece.secret.reveal() for piece in self._pieces)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rendered):
            return NotImplemented
        return self._pieces == other._pieces

    def __hash__(self) -> int:
        return hash(self._pieces)

    def __str__(self) -> str:
        return self.shown

    def __repr__(self) -> str:
        return f"Rendered({self.shown!r})"


class Renderable(Protocol):
    """What a name stands for (`core.environment.Value`)."""

    @property
    def rendered(self) -> Rendered: ...

    @property
    def hidden(self) -> bool:
        """Of a secret or linked variable, which `{{vault:name}}` asks for."""
        ...


def references(text: str) -> tuple[Reference, ...]:
    """Every `{{…}}` of the text in order, escaped ones left out; for rendering, highlighting and completion."""
    if "{{" not in text:
        return ()
    return tuple(_reference(token) for token in _TOKEN.finditer(text) if token["escape"] is None)


def render(text: str, values: Mapping[str, Renderable | str | Secret], *, where: str = "") -> Rendered:
    """The text with its names replaced; `values` is keyed by `Reference.key`.

    A TemplateError lists every name that has no value, with `where` (`url`, `header "Accept"`) as the place.
    """
    if "{{" not in text:
        return Rendered(text)
    pieces: list[Rendered | str] = []
    missing: list[str] = []
    done = 0
    weight = len(text)
    for token in _TOKEN.finditer(text):
        if weight > MAX_LENGTH:
            raise _too_long(where)
        pieces.append(text[done : token.start()])
        done = token.end()
        if token["escape"] is not None:
            pieces.append(token["escape"][:-3] + "{{")
            continue
        reference = _reference(token)
        if reference.kind == "invalid":
            raise invalid(reference, where)
        value = values.get(reference.key)
        if value is None:
            if reference.key not in missing:
                missing.append(reference.key)
            continue
        if isinstance(value, Secret):
            part = Rendered.hidden(reference.name, value)
        elif reference.kind == "vault" and (isinstance(value, str) or not value.hidden):
            raise not_in_vault(reference.name, where)
        else:
            part = Rendered(value) if isinstance(value, str) else value.rendered
        pieces.append(part)
        weight += part.weight
    if weight > MAX_LENGTH:
        raise _too_long(where)
    if missing:
        raise undefined(missing, where, values)
    pieces.append(text[done:])
    return Rendered.join("", pieces)


def escape(text: str) -> str:
    """The template that renders to exactly this text; a FormatError where an odd run of backslashes stands before `{{`,
    which no template can say."""

    def one(match: re.Match[str]) -> str:
        if len(match[1]) % 2:
            raise FormatError("a backslash before {{ cannot be written in a template", source="template")
        return f"{match[1]}\\{{{{"

    return _LITERAL.sub(one, text)


def invalid(reference: Reference, where: str) -> TemplateError:
    """The braces' content is not quoted: it may be anything, a pasted secret too."""
    return TemplateError(
        f"the braces at character {reference.start + 1} hold no name",
        names=(),
        where=where,
        hint="write {{name}}, {{vault:name}}, {{$uuid}} or {{?Question}}, or \\{{ for the braces themselves",
    )


def not_in_vault(name: str, where: str) -> TemplateError:
    return TemplateError(
        f'variable "{name}" is plain, and vault: asks for a secret or linked one',
        names=(name,),
        where=where,
        hint=f'make "{name}" a secret or link it, or write {{{{{name}}}}}',
    )


def _too_long(where: str) -> TemplateError:
    return TemplateError(f"the text would grow beyond {MAX_LENGTH >> 20} million characters", names=(), where=where)


def undefined(names: Sequence[str], where: str, known: Iterable[str]) -> TemplateError:
    listed = ", ".join(f'"{name}"' for name in names)
    many = len(names) > 1
    return TemplateError(
        f"variable{'s' if many else ''} {listed} {'are' if many else 'is'} not defined",
        names=names,
        where=where,
        hint=suggestion(names, known),
    )


def suggestion(names: Iterable[str], known: Iterable[str]) -> str | None:
    """What a misspelt name may have meant."""
    from difflib import get_close_matches

    candidates = [*known, *DYNAMIC]
    near = [
        f'"{match[0]}" for "{name}"'
        for name in names
        if (match := get_close_matches(name, candidates, n=1, cutoff=0.7))
    ]
    return f"did you mean {' and '.join(near)}" if near else None


def _reference(token: re.Match[str]) -> Reference:
    inner = _INNER.fullmatch((token["inner"] or "").strip())
    if inner is None or inner.lastgroup is None:
        return Reference("", token.start(), token.end(), "invalid")
    kind: ReferenceKind = inner.lastgroup  # type: ignore[assignment]  # the groups are named after the kinds
    return Reference(inner[inner.lastgroup], token.start(), token.end(), kind)
