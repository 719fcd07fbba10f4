"""Sends many requests in order, or several at a time, and says what came of each, without keeping what it has said.

    every file read, every template checked ─► RunStarted ─► RequestStarted, RequestFinished … ─► RunFinished

Each iteration has captured variables of its own, and each of several cookies of its own. A request waits for those
before it whose captures it uses, and is skipped by name when one of them did not pass. Cancelling ends what is under
way; RunFinished(interrupted) is last.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

import msgspec
from msgspec.structs import replace

from core import needs
from core.captured import Captured
from core.environment import BASE, Scope
from core.errors import HushpostError, TemplateError
from core.exchange import (
    ErrorInfo,
    Exchange,
    Outcome,
    RequestFinished,
    RequestStarted,
    Result,
    RunEvent,
    RunFinished,
    RunStarted,
    outcome_of,
)
from core.models import Request, Scripts
from core.secret import Secret
from core.sending.cookies import Cookies
from core.sending.prepare import texts
from core.structs import Struct
from core.workspace.workspace import Workspace

Values = Mapping[str, str | Secret]

PASSING = frozenset({"connect", "timeout", "tls", "proxy", "protocol", "provider-unavailable"})
"""Kinds of errors that may be gone at the next try."""
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


ONCE = RunOptions()


class _Step(Struct, frozen=True):
    """One request of each iteration."""

    reference: str
    request: Request
    after: frozenset[int]
    """Steps that have to end first: they capture what this one uses, or use what it captures."""
    wants: Mapping[str, str]
    """The captured names that it uses, each with the last request before it that captures them."""


class _Iteration:
    """The requests with one row of data, and what they captured."""

    def __init__(self, number: int, overrides: Values, cookies: Cookies, steps: int) -> None:
        self.number = number
        self.overrides = overrides
        self.captured = Captured()
        self.cookies = cookies
        self.pending = deque(range(steps))
        self.ended: set[int] = set()


async def run(
    session: RunSession,
    references: Sequence[str],
    options: RunOptions = ONCE,
) -> AsyncIterator[RunEvent]:
    """The events of the run. Raises before the first request when a file or a template is wrong: one error for all."""
    steps = await _steps(session, references, options)
    count = options.iterations or len(options.rows) or 1
    started = time.monotonic()
    yield RunStarted(
        workspace=session.workspace.name if session.workspace is not None else "",
        environment=session.environment or BASE,
        started_at=datetime.now(UTC),
        total=count * len(steps),
    )
    schedule = _Schedule(steps, _iterations(options, count, session.cookies, len(steps)), options.parallel)
    active: dict[asyncio.Task[Result], tuple[_Iteration, int]] = {}
    ended: asyncio.Queue[asyncio.Task[Result]] = asyncio.Queue()
    stopped = False
    last_start = 0.0
    try:
        while True:
            while not stopped and len(active) < options.parallel and (chosen := schedule.next()) is not None:
                if options.delay and last_start:
                    await asyncio.sleep(last_start + options.delay - time.monotonic())
                last_start = time.monotonic()
                iteration, number = chosen
                yield RequestStarted(steps[number].reference, iteration.number)
                sending = _send(session, steps[number], iteration, options)
                if options.parallel > 1:
                    task = asyncio.ensure_future(sending)
                    # Not `asyncio.wait`, which for each that ends calls back on all the others.
                    task.add_done_callback(ended.put_nowait)
                    active[task] = chosen
                    continue
                result = await sending
                schedule.end(*chosen)
                stopped = options.bail and result.outcome in ("failed", "error")
                yield RequestFinished(result)
                # Not kept while the next one is under way.
                del result, sending
            if not active:
                break
            task = await ended.get()
            schedule.end(*active.pop(task))
            stopped = stopped or (options.bail and task.result().outcome in ("failed", "error"))
            yield RequestFinished(task.result())
            del task
    except asyncio.CancelledError:
        for task in active:
            task.cancel()
        for left in await asyncio.gather(*active, return_exceptions=True):
            if isinstance(left, Result):
                yield RequestFinished(left)
        yield RunFinished((time.monotonic() - started) * 1000, interrupted=True)
        raise
    finally:
        for task in active:
            task.cancel()
    yield RunFinished((time.monotonic() - started) * 1000)


class _Schedule:
    """Which request is next: in order, and with several at a time the first that need not wait, over as many iterations
    as it takes to find one."""

    def __init__(self, steps: Sequence[_Step], iterations: Iterator[_Iteration], parallel: int) -> None:
        self._steps = steps
        self._iterations = iterations
        self._open: deque[_Iteration] = deque()
        self._parallel = parallel

    def next(self) -> tuple[_Iteration, int] | None:
        for iteration in self._open:
            for number in iteration.pending:
                if self._steps[number].after <= iteration.ended:
                    iteration.pending.remove(number)
                    return iteration, number
        # With one at a time an iteration begins when the one before it has ended.
        fresh = next(self._iterations, None) if len(self._open) < self._parallel else None
        if fresh is None:
            return None
        self._open.append(fresh)
        return self.next()

    def end(self, iteration: _Iteration, number: int) -> None:
        iteration.ended.add(number)
        if len(iteration.ended) == len(self._steps):
            self._open.remove(iteration)


def _iterations(options: RunOptions, count: int, cookies: Cookies, steps: int) -> Iterator[_Iteration]:
    # Whoever runs requests once goes on with the cookies they got.
    jar = cookies if count == 1 else cookies.copy()
    for number in range(count if steps else 0):
        row = options.rows[number % len(options.rows)] if options.rows else {}
        yield _Iteration(number + 1, {**row, **options.overrides}, jar if count == 1 else jar.copy(), steps)


async def _send(session: RunSession, step: _Step, iteration: _Iteration, options: RunOptions) -> Result:
    result = await _tried(session, step, iteration, options)
    if result.outcome != "passed":
        # Neither what a failure says under the name, nor what an earlier request captured, is what those after it mean.
        for capture in step.request.captures:
            iteration.captured.pop(capture.name, None)
    return result


async def _tried(session: RunSession, step: _Step, iteration: _Iteration, options: RunOptions) -> Result:
    missing = next((name for name in step.wants if name not in iteration.captured), None)
    if missing is not None:
        message = f'"{missing}" is captured by "{step.wants[missing]}", which did not pass'
        error = ErrorInfo("template-error", message, f'see why "{step.wants[missing]}" did not pass')
        return _result(session, step, iteration, "skipped", error=error)
    for attempt in range(1, options.retries + 2):
        result = await _attempt(session, step, iteration, options, attempt)
        again = result.outcome == "failed" or (result.error is not None and result.error.kind in PASSING)
        if not again or attempt > options.retries:
            break
        await asyncio.sleep(options.delay)
    return result


async def _attempt(
    session: RunSession, step: _Step, iteration: _Iteration, options: RunOptions, attempt: int
) -> Result:
    try:
        exchange = await session.send(
            step.request,
            step.reference,
            overrides=iteration.overrides,
            captured=iteration.captured,
            cookies=iteration.cookies,
            prompts=options.prompts,
        )
    except HushpostError as error:
        hint = session.redact(error.hint) if error.hint else None
        info = ErrorInfo(error.kind, session.redact(str(error)), hint)
        return _result(session, step, iteration, "error", error=info, attempts=attempt, notes=error.notes)
    outcome, wrong = outcome_of(exchange)
    if wrong is not None:
        wrong = replace(wrong, message=session.redact(wrong.message))
    return _result(session, step, iteration, outcome, exchange, wrong, attempts=attempt)


def _result(
    session: RunSession,
    step: _Step,
    iteration: _Iteration,
    outcome: Outcome,
    exchange: Exchange | None = None,
    error: ErrorInfo | None = None,
    *,
    attempts: int = 0,
    notes: tuple[str, ...] = (),
) -> Result:
    url = exchange.shown.url if exchange is not None else session.redact(step.request.url)
    return Result(
        reference=step.reference,
        iteration=iteration.number,
        outcome=outcome,
        method=step.request.method.upper(),
        url=url,
        exchange=exchange,
        error=error,
        attempts=attempts,
        notes=notes if exchange is None else exchange.notes,
    )


async def _steps(session: RunSession, references: Sequence[str], options: RunOptions) -> list[_Step]:
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
    steps = await _steps(session, references, options)
    for step in reversed(steps):
        if step.reference in wanted:
            wanted |= set(step.wants.values())
            before = (steps[number] for number in step.after)
            wanted |= {one.reference for one in before if _scripted(session, one)}
    return [step.reference for step in steps if step.reference in wanted]


def _scripted(session: RunSession, step: _Step) -> bool:
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
        self.steps: list[_Step] = []
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
        self.steps.append(_Step(reference, request, frozenset(after), wants))
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
