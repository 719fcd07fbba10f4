"""Which value a name has: the layers of one request, and where each value came from.

    --var and data rows > captured, script-set > request > folders, inside out > active environment > base

Only plain values written in workspace files are templates themselves; everything else is taken literally.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from core import needs, template
from core.dynamic import DYNAMIC, generate
from core.errors import SecretNotFound, TemplateError
from core.models import Variable, variable
from core.secret import MASK, Secret
from core.structs import Struct
from core.template import Rendered

SourceKind = Literal["override", "captured", "script", "request", "folder", "environment", "base", "prompt", "dynamic"]

BASE = "base"

Names = Mapping[str, str | Variable]
"""Variables as a file has them; a text is the short form of a plain one."""
PLACEHOLDER = "hidden"
"""What stands for a hidden value where a request is built only to be shown."""


class Source(Struct, frozen=True):
    """Where a value came from; `label` is the file's reference (`payments/create`, `production`), if it has one."""

    kind: SourceKind
    label: str = ""

    @property
    def holder(self) -> str:
        """The file below the workspace that holds the variable, as the credential store keys values; empty for none."""
        match self.kind:
            case "environment":
                return f"environments/{self.label}"
            case "base":
                return f"environments/{BASE}"
            case "request" | "folder":
                return f"requests/{self.label}".rstrip("/")
            case _:
                return ""

    def __str__(self) -> str:
        match self.kind:
            case "override":
                return "this run"
            case "captured":
                return "a capture"
            case "script":
                return "a script"
            case "base":
                return "the base environment"
            case "environment" | "folder" | "request":
                return f'{self.kind} "{self.label}"' if self.label else f"the {self.kind}"
            case _:
                return f"a {self.kind} value"


class Value(Struct, frozen=True):
    """What a name stands for in one request, and the rules its value comes with."""

    unshown = frozenset({"rendered"})

    name: str
    rendered: Rendered
    source: Source
    literal: bool = False
    """Not a template: from the command line, a data row, a capture, a script, a prompt, the store or a vault."""
    hidden: bool = False
    """Of a secret or linked variable, or given as secret; a plain one whose text holds such a value is not."""
    allowed_hosts: tuple[str, ...] | None = None
    credential: str = ""
    refetch_on_401: bool = False
    consented: bool = False
    """Given for this run, captured, set by a script, or from the environment: no host has to be approved."""

    @property
    def text(self) -> str | Secret:
        return self.rendered.value


class Entry(Struct, frozen=True):
    """A name of the scope as it is defined, before any value is fetched."""

    unshown = frozenset({"variable", "given"})

    name: str
    variable: Variable
    source: Source
    given: str | Secret | None = None
    """The literal value, where it does not come from a workspace file."""

    @property
    def kind(self) -> Literal["plain", "secret", "linked"]:
        return "secret" if isinstance(self.given, Secret) else self.variable.kind

    @property
    def hidden(self) -> bool:
        return self.kind != "plain"

    @property
    def fetched(self) -> bool:
        """Its value has to be had from the store or a vault."""
        return self.given is None and self.variable.hidden


class NameInfo(Struct, frozen=True):
    """One name for completion and lists; `shown` is its text with names in place of hidden values, or dots."""

    name: str
    kind: Literal["plain", "secret", "linked"]
    source: Source
    shown: str
    description: str = ""


class Scope:
    """The layers of one request: which variable a name means, before anything is fetched."""

    def __init__(
        self,
        given: Sequence[tuple[Source, Mapping[str, str | Secret]]],
        written: Sequence[tuple[Source, Names]],
    ) -> None:
        """Literal layers, then those of workspace files, in each the first wins; use `Scope.of`."""
        self._entries: dict[str, Entry] = {}
        self._written: dict[str, Entry] = {}
        """What workspace files alone would say."""
        self._disabled: dict[str, Source] = {}
        for source, variables in written:
            for name, short in variables.items():
                long = variable(short)
                if long.enabled:
                    self._written.setdefault(name, Entry(name, long, source))
                else:
                    self._disabled.setdefault(name, source)
        for source, values in given:
            for name, value in values.items():
                self._entries.setdefault(name, self._given_entry(name, source, value))
        self._entries = self._written | self._entries

    def _given_entry(self, name: str, source: Source, value: str | Secret) -> Entry:
        """What stands in for a hidden variable is hidden too, and a real secret keeps to the variable's hosts; a plain
        text, such as a test gives, may go anywhere."""
        hidden = self.shadowed(name)
        if isinstance(value, Secret):
            hosts = hidden.variable.allowed_hosts if hidden else None
            return Entry(name, Variable(secret=True, allowed_hosts=hosts), source, value)
        if hidden:
            return Entry(name, Variable(secret=True), source, Secret(value))
        return Entry(name, Variable(value=value), source, value)

    @classmethod
    def of(
        cls,
        *,
        overrides: Mapping[str, str | Secret] | None = None,
        captured: Mapping[str, str | Secret] | None = None,
        scripted: Mapping[str, str | Secret] | None = None,
        request: Names | None = None,
        reference: str = "",
        folders: Iterable[tuple[str, Names]] = (),
        environment: tuple[str, Names] | None = None,
        base: Names | None = None,
    ) -> Scope:
        """`folders` are (reference, variables) from the inside out; `environment` is the active one, by name."""
        given = [
            (Source("override"), overrides or {}),
            (Source("script"), scripted or {}),
            (Source("captured"), captured or {}),
        ]
        written = [(Source("request", reference), request or {})]
        written.extend((Source("folder", label), variables) for label, variables in folders)
        if environment is not None:
            written.append((Source("environment", environment[0]), environment[1]))
        written.append((Source("base", BASE), base or {}))
        return cls(given, written)

    def entry(self, name: str) -> Entry | None:
        return self._entries.get(name)

    def entries(self) -> Iterable[Entry]:
        return self._entries.values()

    def lookup(self, name: str) -> tuple[Variable, Source] | None:
        """The variable a name means and where it is defined; None for an undefined or disabled one."""
        entry = self._entries.get(name)
        return (entry.variable, entry.source) if entry else None

    def disabled(self, name: str) -> Source | None:
        """Where an otherwise undefined name is defined but switched off."""
        return None if name in self._entries else self._disabled.get(name)

    def names(self) -> list[NameInfo]:
        """Every name with kind, source and what may be shown of it, sorted."""
        preview = self.preview()
        found = []
        for name, entry in sorted(self._entries.items(), key=lambda item: item[0].casefold()):
            shown = MASK
            if not entry.hidden:
                try:
                    shown = preview.values[name].rendered.shown
                except TemplateError:
                    shown = entry.variable.value or ""
            found.append(NameInfo(name, entry.kind, entry.source, shown, entry.variable.description))
        return found

    def needed(self, texts: Iterable[tuple[str, str]]) -> tuple[str, ...]:
        """Names of the variables whose values these (where, text) pairs need from the store or a vault, also by way of
        plain ones, in order of first use; `resolve` wants a Secret for each.

        One TemplateError names everything that stands in the way: undefined, disabled and circular names, and captured
        or script-set ones that would stand in for a secret.
        """
        return needs.look(self, texts).fetched

    def prompts(self, texts: Iterable[tuple[str, str]]) -> tuple[str, ...]:
        """The questions that these texts ask, also by way of plain variables, in order of first use."""
        return needs.look(self, texts).prompts

    def used(self, texts: Iterable[tuple[str, str]]) -> tuple[str, ...]:
        """Every variable these texts use, plain ones too, in order of first use; raises like `needed`."""
        return needs.look(self, texts).names

    def resolve(
        self,
        values: Mapping[str, Secret],
        *,
        prompts: Mapping[str, str | Secret] | None = None,
        consented: Container[str] = (),
        now: datetime | None = None,
    ) -> ResolvedScope:
        """The scope with the values of its hidden names; names in `consented` need no approval of hosts."""
        return ResolvedScope(self, values, prompts or {}, consented, now or datetime.now(UTC))

    def preview(self, prompts: Mapping[str, str | Secret] | None = None) -> ResolvedScope:
        """The scope with a placeholder for every value that would have to be fetched or asked for; for showing only."""
        hidden = {name: Secret(PLACEHOLDER) for name, entry in self._entries.items() if entry.fetched}
        return ResolvedScope(self, hidden, prompts or {}, (), datetime.now(UTC), placeholders=True)

    def shadowed(self, name: str) -> Entry | None:
        """The secret or linked variable that a captured or script-set value of this name would stand in for, which is
        refused."""
        written = self._written.get(name)
        return written if written is not None and written.hidden else None


class ResolvedScope:
    """A scope with its values: what `prepare` renders templates with. Generated values (`$uuid`) are made once, so that
    what is shown and what is sent agree."""

    def __init__(
        self,
        scope: Scope,
        secrets: Mapping[str, Secret],
        prompts: Mapping[str, str | Secret],
        consented: Container[str],
        now: datetime,
        *,
        placeholders: bool = False,
    ) -> None:
        self.scope = scope
        self.prompts = prompts
        self.values: Mapping[str, Value] = _Values(scope, secrets, prompts, consented, now, placeholders)
        """By `Reference.key`: names, `$uuid` and its like, `?Question`."""

    def render(self, text: str, *, where: str = "") -> Rendered:
        return template.render(text, self.values, where=where)


class _Values(Mapping[str, Value]):
    """Each value made on first use and kept."""

    def __init__(
        self,
        scope: Scope,
        secrets: Mapping[str, Secret],
        prompts: Mapping[str, str | Secret],
        consented: Container[str],
        now: datetime,
        placeholders: bool,
    ) -> None:
        self._scope = scope
        self._secrets = secrets
        self._prompts = prompts
        self._consented = consented
        self._now = now
        self._placeholders = placeholders
        self._made: dict[str, Value] = {}
        self._open: list[str] = []

    def __getitem__(self, key: str) -> Value:
        value = self._made.get(key)
        if value is None:
            value = self._made[key] = self._make(key)
        return value

    def __contains__(self, key: object) -> bool:
        return any(key == known for known in self)

    def __iter__(self) -> Iterator[str]:
        yield from (entry.name for entry in self._scope.entries())
        yield from DYNAMIC
        yield from (f"?{question}" for question in self._prompts)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _make(self, key: str) -> Value:
        if key in DYNAMIC:
            return Value(key, Rendered(generate(key, self._now)), Source("dynamic"), literal=True)
        if key.startswith("?"):
            return self._prompted(key)
        entry = self._scope.entry(key)
        if entry is None:
            raise KeyError(key)
        if entry.source.kind in ("captured", "script") and (written := self._scope.shadowed(key)):
            raise needs.shadows(written, entry.source, "")
        if entry.given is None and entry.variable.value is not None:
            return Value(key, self._rendered(key, entry), entry.source)
        given = self._secrets.get(key) if entry.given is None else entry.given
        if given is None:
            raise TemplateError(f'the value of "{key}" was not fetched', names=(key,))
        if isinstance(given, Secret) and not given.reveal() and self._placeholders:
            given = Secret(PLACEHOLDER)
        if isinstance(given, Secret) and not given.reveal():
            hint = f'set a value for "{key}"'
            if entry.source.kind == "override":
                hint += f"; -v, a row of data, or HUSHPOST_VAR_{key} gives an empty one"
            raise SecretNotFound(f'the secret value of "{key}" is empty', hint=hint)
        variable = entry.variable
        return Value(
            key,
            Rendered.hidden(key, given) if isinstance(given, Secret) else Rendered(given),
            entry.source,
            literal=True,
            hidden=isinstance(given, Secret),
            allowed_hosts=variable.allowed_hosts,
            credential=variable.link.credential if variable.link else "",
            refetch_on_401=variable.refetch_on_401,
            consented=entry.given is not None or key in self._consented,
        )

    def _prompted(self, key: str) -> Value:
        answer = self._prompts.get(key[1:])
        source = Source("prompt")
        if answer is None:
            if not self._placeholders:
                raise TemplateError(
                    f'the question "{key[1:]}" has no answer',
                    names=(key,),
                    hint="a run without a person cannot ask: use a variable and -v NAME=VALUE",
                )
            return Value(key, Rendered.placeholder("{{" + key + "}}", PLACEHOLDER), source, literal=True)
        rendered = Rendered.hidden(key, answer) if isinstance(answer, Secret) else Rendered(answer)
        return Value(key, rendered, source, literal=True, hidden=isinstance(answer, Secret), consented=True)

    def _rendered(self, key: str, entry: Entry) -> Rendered:
        if key in self._open:
            raise needs.cycle([*self._open[self._open.index(key) :], key], "")
        if len(self._open) >= needs.MAX_DEPTH:
            raise needs.too_deep(key, "")
        self._open.append(key)
        try:
            return template.render(entry.variable.value or "", self, where=f'variable "{key}"')
        finally:
            self._open.pop()
