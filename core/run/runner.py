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
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from core.captured import Captured
from core.environment import BASE
from core.errors import HushpostError
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
from core.run.steps import RunOptions, RunSession, Step, Values, steps_of
from core.sending.cookies import Cookies

PASSING = frozenset({"connect", "timeout", "tls", "proxy", "protocol", "provider-unavailable"})
"""Kinds of errors that may be gone at the next try."""


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
    options: RunOptions,
) -> AsyncIterator[RunEvent]:
    """The events of the run. Raises before the first request when a file or a template is wrong: one error for all."""
    steps = await steps_of(session, references, options)
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

    def __init__(self, steps: Sequence[Step], iterations: Iterator[_Iteration], parallel: int) -> None:
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


async def _send(session: RunSession, step: Step, iteration: _Iteration, options: RunOptions) -> Result:
    result = await _tried(session, step, iteration, options)
    if result.outcome != "passed":
        # Neither what a failure says under the name, nor what an earlier request captured, is what those after it mean.
        for capture in step.request.captures:
            iteration.captured.pop(capture.name, None)
    return result


async def _tried(session: RunSession, step: Step, iteration: _Iteration, options: RunOptions) -> Result:
    given = {*iteration.captured, *iteration.overrides}
    missing = next((name for name in step.wants if name not in given), None)
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


async def _attempt(session: RunSession, step: Step, iteration: _Iteration, options: RunOptions, attempt: int) -> Result:
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
    step: Step,
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
