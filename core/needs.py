"""What rendering some texts will need, found without rendering them, and everything that stands in the way, at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from core.dynamic import DYNAMIC
from core.errors import TemplateError
from core.structs import Struct
from core.template import Reference, invalid, not_in_vault, references, suggestion

if TYPE_CHECKING:
    from core.environment import Entry, Scope, Source

MAX_DEPTH = 100
"""Plain variables may stand in each other this deep."""


class Needs(Struct, frozen=True):
    """Names in order of first use."""

    names: tuple[str, ...] = ()
    """Every variable, plain ones too."""
    fetched: tuple[str, ...] = ()
    """Those whose values come from the store or a vault."""
    prompts: tuple[str, ...] = ()


class _Walk:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.names: dict[str, None] = {}
        self.prompts: dict[str, None] = {}
        self.obstacles: dict[TemplateError, None] = {}
        self.path: list[str] = []
        """The plain variables being looked into."""

    def text(self, text: str, where: str) -> None:
        for reference in references(text):
            if reference.kind == "invalid":
                self.obstacle(invalid(reference, self.place(where)))
            elif reference.kind == "prompt":
                self.prompts[reference.name] = None
            elif reference.kind == "dynamic":
                if reference.key not in DYNAMIC:
                    self.obstacle(undefined(reference.key, self.place(where), DYNAMIC))
            else:
                self.name(reference, where)

    def name(self, reference: Reference, where: str) -> None:
        name = reference.name
        entry = self.scope.entry(name)
        if entry is None:
            off = self.scope.disabled(name)
            error = disabled(name, self.place(where), off) if off else undefined(name, self.place(where), self.known())
            self.obstacle(error)
            return
        if reference.kind == "vault" and not entry.hidden:
            self.obstacle(not_in_vault(name, self.place(where)))
        if name in self.path:
            self.obstacle(cycle([*self.path[self.path.index(name) :], name], where))
            return
        if name in self.names:
            return
        self.names[name] = None
        if entry.source.kind in ("captured", "script") and (written := self.scope.shadowed(name)):
            self.obstacle(shadows(written, entry.source, self.place(where)))
        if entry.given is None and entry.variable.value is not None:
            if len(self.path) >= MAX_DEPTH:
                self.obstacle(too_deep(name, where))
                return
            self.path.append(name)
            self.text(entry.variable.value, where)
            self.path.pop()

    def place(self, where: str) -> str:
        if not self.path:
            return where
        inner = f'variable "{self.path[-1]}"'
        return f"{where}, {inner}" if where else inner

    def known(self) -> Iterable[str]:
        return (entry.name for entry in self.scope.entries())

    def obstacle(self, error: TemplateError) -> None:
        if not any(str(error) == str(known) for known in self.obstacles):
            self.obstacles[error] = None


def look(scope: Scope, texts: Iterable[tuple[str, str]]) -> Needs:
    """What these (where, text) pairs need; one TemplateError names all that is undefined, disabled, circular or not
    allowed."""
    walk = _Walk(scope)
    for where, text in texts:
        if "{{" in text:
            walk.text(text, where)
    if walk.obstacles:
        raise together(list(walk.obstacles))
    fetched = tuple(name for name in walk.names if (entry := scope.entry(name)) and entry.fetched)
    return Needs(tuple(walk.names), fetched, tuple(walk.prompts))


def together(errors: Sequence[TemplateError]) -> TemplateError:
    """Several obstacles as one error that lists each with its place."""
    if len(errors) == 1:
        return errors[0]
    names = dict.fromkeys(name for error in errors for name in error.names)
    hints = dict.fromkeys(error.hint for error in errors if error.hint)
    message = "; ".join(f"{error.message} ({error.where})" if error.where else error.message for error in errors)
    return TemplateError(message, names=tuple(names), hint="; ".join(hints) or None)


def undefined(name: str, where: str, known: Iterable[str]) -> TemplateError:
    hint = suggestion([name], known) or f'define "{name}" in an environment, or for this run with -v {name}=VALUE'
    if name in ("", *DYNAMIC) or name.startswith("$"):
        hint = (
            suggestion([name], DYNAMIC)
            or f"there are {', '.join(list(DYNAMIC)[:4])} and others, listed when you type {{{{$"
        )
    return TemplateError(f'variable "{name}" is not defined', names=(name,), where=where, hint=hint)


def disabled(name: str, where: str, source: Source) -> TemplateError:
    return TemplateError(
        f'variable "{name}" is disabled in {source}', names=(name,), where=where, hint=f'enable "{name}" there'
    )


def cycle(path: Sequence[str], where: str) -> TemplateError:
    circle = " -> ".join(f'"{name}"' for name in path)
    return TemplateError(
        f"variables refer to each other in a circle: {circle}",
        names=tuple(dict.fromkeys(path)),
        where=where,
        hint=f'take one of the references out of "{path[0]}"',
    )


def too_deep(name: str, where: str) -> TemplateError:
    return TemplateError(
        f'variables stand in each other more than {MAX_DEPTH} deep, down to "{name}"', names=(name,), where=where
    )


def shadows(written: Entry, source: Source, where: str) -> TemplateError:
    return TemplateError(
        f'{source} sets "{written.name}", which is a {written.kind} variable of {written.source}',
        names=(written.name,),
        where=where,
        hint="give the captured value another name",
    )
