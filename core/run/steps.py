"""What a run sends and what of it waits for what: every file read, every template checked, before the first request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from core import needs
from core.captured import Captured
from core.environment import Scope
from core.errors import HushpostError, TemplateError
from core.exchange import Exchange
from core.models import Request, Scripts
from core.secret import Secret
from core.sending.cookies import Cookies
from core.sending.prepare import texts
from core.structs import Struct
from core.workspace.workspace import Workspace

Values = Mapping[str, str | Secret]

BREATH_S = 0.02
"""How long files are checked before whoever shares the loop gets a turn."""


class RunSession(Protocol):
    """What a run needs of a session."""

    @property
    def workspace(self) -> Workspace | None: ...

    @property
    def environment(self) -> str | None: ...

    @property
    def cookies(self) -> Cookies: ...

    def effective(self, request: Request, reference: str = "") -> Request: ...

    def scope(
        self,
        request: Request,
        reference: str = "",
        *,
        overrides: Values | None = None,
        captured: Values | None = None,
    ) -> Scope: ...

    async def send(
        self,
        request: Request,
        reference: str = "",
        *,
        overrides: Values | None = None,
        captured: Captured | None = None,
        cookies: Cookies | None = None,
        prompts: Values | None = None,
    ) -> Exchange: ...

    def redact(self, text: str) -> str: ...


class RunOptions(Struct, frozen=True):
    rows: Sequence[Mapping[str, str]] = ()
    """Data rows; iteration N uses row N, from the start again when there are more iterations."""
    iterations: int | None = None
    """None: one for each row, one without rows."""
    parallel: int = 1
    bail: bool = False
    """Start nothing more after the first request that did not pass."""
    delay: float = 0.0
    """Seconds between the starts of two requests."""
    retries: int = 0
    """How often a request that failed, or met an error that may pass, is sent again."""
    overrides: Values = msgspec.field(default_factory=dict)
    """Go before the rows."""
    prompts: Values = msgspec.field(default_factory=dict)
    """Answers to the questions that requests ask."""


class Step(Struct, frozen=True):
    """One request of each iteration."""

    reference: str
    request: Request
    after: frozenset[int]
    """Steps that have to end first: they capture what this one uses, or use what it captures."""
    wants: Mapping[str, str]
    """The captured names that it uses, each with the last request before it that captures them."""


async def steps_of(session: RunSession, references: Sequence[str], options: RunOptions) -> list[Step]:
    """Read every file and check every template, with the variables that earlier requests will have captured."""
    workspace = session.workspace
    if workspace is None:
        raise HushpostError("no workspace is open", hint="open one, or make one with `hushpost new PATH`")
    order = _Order()
    errors: list[HushpostError] = []
    captured: dict[str, str | Secret] = {}
    scripted = False
    resumed = time.monotonic()
    for reference in references:
        if time.monotonic() - resumed > BREATH_S:
            await asyncio.sleep(0)
            resumed = time.monotonic()
        try:
            request = workspace.load_request(reference)
            whole = session.effective(request, reference)
        except HushpostError as error:
            errors.append(error)
            continue
        scripted = scripted or whole.scripts != Scripts()
        names: set[str] = set()
        unknown = False
        for place, values in _row_kinds(options):
            try:
                names |= _captures_used(session, request, whole, reference, values, captured, options.prompts)
            except TemplateError as error:
                # A script before it may set what is not there yet.
                unknown = True
                if not scripted:
                    error.where = ", ".join(filter(None, (error.where, place)))
                    errors.append(error)
                    break
        order.add(reference, request, names, scripted=whole.scripts != Scripts(), unknown=unknown)
        captured.update({capture.name: Secret("") if capture.secret else "" for capture in whole.captures})
    if errors:
        raise _together(errors)
    return order.steps


async def with_needed(
    session: RunSession, references: Sequence[str], options: RunOptions, chosen: Collection[str]
) -> list[str]:
    """The chosen requests of a run and, in its order, those that capture or set by script what they use."""
    wanted = set(chosen)
    steps = await steps_of(session, references, options)
    for step in reversed(steps):
        if step.reference in wanted:
            wanted |= set(step.wants.values())
            before = (steps[number] for number in step.after)
            wanted |= {one.reference for one in before if _scripted(session, one)}
    return [step.reference for step in steps if step.reference in wanted]


def _scripted(session: RunSession, step: Step) -> bool:
    return session.effective(step.request, step.reference).scripts != Scripts()


def _row_kinds(options: RunOptions) -> Iterator[tuple[str, Values]]:
    """One row of each set of names that rows have, the first: their values make no difference to what is defined. Each
    with how an error calls it, where not all are alike."""
    kinds: dict[frozenset[str], tuple[int, Values]] = {}
    for number, row in enumerate(options.rows, 1):
        kinds.setdefault(frozenset(row), (number, row))
    for number, values in kinds.values() or [(0, {})]:
        yield f"row {number} of the data" if len(kinds) > 1 else "", {**values, **options.overrides}


def _captures_used(
    session: RunSession,
    request: Request,
    whole: Request,
    reference: str,
    overrides: Values,
    captured: Values,
    prompts: Values,
) -> set[str]:
    scope = session.scope(request, reference, overrides=overrides, captured=captured)
    found = needs.look(scope, texts(whole, reference))
    for question in found.prompts:
        if question not in prompts:
            raise TemplateError(
                f'"{question}" would have to be asked',
                names=(f"?{question}",),
                where=reference,
                hint="use a variable in place of the question, and -v NAME=VALUE",
            )
    entries = (scope.entry(name) for name in found.names)
    return {entry.name for entry in entries if entry is not None and entry.source.kind == "captured"}


class _Order:
    """Which requests so far capture and use which names."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._capturing: dict[str, list[int]] = {}
        self._using: dict[str, list[int]] = {}
        self._scripted: list[int] = []

    def add(self, reference: str, request: Request, used: set[str], *, scripted: bool, unknown: bool) -> None:
        """`unknown`: it uses names that only a script before it can set."""
        own = {capture.name for capture in request.captures}
        after = {number for name in used | own for number in self._capturing.get(name, ())}
        after |= {number for name in own for number in self._using.get(name, ())}
        after |= set(self._scripted if unknown else ())
        wants = {name: self.steps[self._capturing[name][-1]].reference for name in sorted(used)}
        number = len(self.steps)
        self.steps.append(Step(reference, request, frozenset(after), wants))
        if scripted:
            self._scripted.append(number)
        for name in own:
            self._capturing.setdefault(name, []).append(number)
        for name in used:
            self._using.setdefault(name, []).append(number)


def _together(errors: Sequence[HushpostError]) -> HushpostError:
    if len(errors) == 1:
        return errors[0]
    message = "; ".join(str(error) for error in errors)
    hints = "; ".join(dict.fromkeys(error.hint for error in errors if error.hint))
    if all(isinstance(error, TemplateError) for error in errors):
        names = [name for error in errors if isinstance(error, TemplateError) for name in error.names]
        return TemplateError(message, names=tuple(dict.fromkeys(names)), hint=hints or None)
    return HushpostError(message, hint=hints or None)
