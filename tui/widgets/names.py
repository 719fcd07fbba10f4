"""What the names in templates mean, as far as a screen may show it: for highlighting, completion and the hint line.

A screen makes `Names` from a scope; a hidden variable's value is never in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rich.style import Style

from core.dynamic import DYNAMIC
from core.environment import Scope
from core.template import Reference, references
from tui.foreign import shortened, visible
from tui.themes import Paint

Words = Callable[[str], Sequence[tuple[str, str]]]
"""Whole texts that go on from the one before the cursor, each with what a list says of it."""
Kind = Literal["plain", "secret", "linked"]


@dataclass(frozen=True)
class KnownName:
    """One variable: its kind, where its value stands, and what may be shown of it (a plain value, a link's label)."""

    name: str
    kind: Kind
    source: str
    preview: str = ""

    @property
    def hint(self) -> str:
        match self.kind:
            case "plain":
                what = self.preview or "an empty text"
            case "secret":
                what = "a secret, never shown"
            case "linked":
                what = f"a linked secret, never shown: {self.preview}"
        return f"{self.name} from {self.source}: {what}"


@dataclass(frozen=True)
class Names:
    """The names that can be used in the open request."""

    known: Mapping[str, KnownName] = field(default_factory=dict)
    files: Words = lambda typed: ()
    """Files of the workspace, which a text of some fields names."""

    @classmethod
    def of(cls, scope: Scope, files: Words = lambda typed: ()) -> Names:
        known = {}
        for info in scope.names():
            entry = scope.entry(info.name)
            link = entry.variable.link if entry is not None else None
            preview = (
                f"{link.provider} {link.label}" if link is not None else info.shown if info.kind == "plain" else ""
            )
            known[info.name] = KnownName(info.name, info.kind, str(info.source), preview)
        return cls(known, files)

    def styled(self, text: str, ink: Paint) -> list[tuple[int, int, Style]]:
        """Start, end and style of each template in a text."""
        return [(found.start, found.end, self._style(found, ink)) for found in references(text)]

    def _style(self, reference: Reference, ink: Paint) -> Style:
        match reference.kind:
            case "variable" | "vault":
                known = self.known.get(reference.name)
                if known is None:
                    return ink.undefined
                return {"plain": ink.plain, "secret": ink.secret, "linked": ink.linked}[known.kind]
            case "dynamic":
                return ink.dynamic if reference.key in DYNAMIC else ink.undefined
            case "prompt":
                return ink.dynamic
            case _:
                return ink.undefined

    def hint_at(self, text: str, position: int) -> str:
        """What stands at a position of a text, in one line; empty where no template is."""
        for found in references(text):
            if found.start <= position <= found.end:
                return self._hint(found)
        return ""

    def _hint(self, reference: Reference) -> str:
        match reference.kind:
            case "variable" | "vault":
                known = self.known.get(reference.name)
                if known is None:
                    return f'! "{visible(reference.name)}" is not defined for this request in the active environment'
                return visible(known.hint)
            case "dynamic":
                return f"{visible(reference.key)}: " + DYNAMIC.get(reference.key, "! there is no such value")
            case "prompt":
                return f'asks for "{visible(reference.name)}" when the request is sent'
            case _:
                return "! not a template: {{name}}, {{$uuid}} or {{?question}} is meant"

    def completions(self, typed: str) -> list[tuple[str, str]]:
        """Names that go on from what was typed behind the braces, each with what the list says of it."""
        wanted = typed.casefold()
        starting, holding = [], []
        entries = [(known.name, self._said(known)) for known in self.known.values()]
        entries += DYNAMIC.items()
        for name, said in sorted(entries, key=lambda entry: (entry[0].startswith("$"), entry[0].casefold())):
            folded = name.casefold()
            if folded.startswith(wanted):
                starting.append((name, said))
            elif wanted and wanted in folded:
                holding.append((name, said))
        return starting + holding

    def _said(self, known: KnownName) -> str:
        if known.kind == "plain":
            return f"{shortened(visible(known.preview), 28)}  {visible(known.source)}"
        return f"{known.kind}  {visible(known.source)}"
