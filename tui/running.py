"""One run of the app: its parts one after the other, what it said so far, and an end that waits for all it began."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from time import monotonic
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from core.captured import Captured
from core.errors import HushpostError
from core.exchange import RequestFinished, RequestStarted, RunFinished, RunStarted
from core.run.runner import run
from core.run.steps import RunOptions, Values
from core.sending.cookies import Cookies
from core.structs import Struct
from tui.run_log import RunLog

if TYPE_CHECKING:
    from core.exchange import Exchange, RunEvent
    from core.models import Request
    from core.session import Session


class Part(Struct, frozen=True):
    """Requests that run in each of these iterations."""

    references: Sequence[str]
    iterations: Sequence[int]
    """Their numbers, from 1, in the run that is repeated."""

    @property
    def total(self) -> int:
        return len(self.references) * len(self.iterations)


class Plan(Struct, frozen=True):
    """What a run sends and how; a run of what did not pass has parts of it."""

    references: Sequence[str]
    options: RunOptions

    @property
    def whole(self) -> Part:
        count = self.options.iterations or len(self.options.rows) or 1
        return Part(self.references, range(1, count + 1))

    def asked(self, prompts: Mapping[str, str]) -> Plan:
        """With these answers to the questions of its requests."""
        return replace(self, options=replace(self.options, prompts={**self.options.prompts, **prompts}))

    def options_of(self, part: Part) -> RunOptions:
        rows = self.options.rows
        if isinstance(part.iterations, range):
            return self.options
        chosen = [rows[(number - 1) % len(rows)] for number in part.iterations] if rows else ()
        return replace(self.options, rows=chosen, iterations=len(part.iterations))


class Running:
    """Told of by `log` and its own fields; whoever shows it looks when it likes."""

    def __init__(
        self,
        session: Session,
        plan: Plan,
        parts: Sequence[Part],
        log: RunLog,
        *,
        begun: Callable[[Running], object],
        left: Callable[[], object],
    ) -> None:
        """`begun` is called before the first request, when every file and template was found right.

        `left` is called when the workspace or the environment is another: what would follow belongs to neither.
        """
        self.plan = plan
        self.parts = parts
        self.log = log
        self.again = parts != [plan.whole]
        self.total = sum(part.total for part in parts)
        self.done = 0
        self.now = ""
        """The request that was begun last."""
        self.ended = False
        self.interrupted = False
        self.failures: dict[str, HushpostError] = {}
        """By request the last error, for its cure."""
        self._begun = begun
        self._started = False
        self._began = monotonic()
        self._took = 0.0
        self._session = _Watched(session, self.failures, left)

    @property
    def seconds(self) -> float:
        return self._took if self.ended else monotonic() - self._began

    def _start(self, event: RunStarted) -> None:
        if not self._started:
            self._started = True
            self.log.started = self.log.started or event
            self._begun(self)

    async def go(self) -> None:
        """Raises before a part's first request when a file or template is wrong."""
        try:
            for part in self.parts:
                if await self._part(part):
                    break
        except asyncio.CancelledError:
            self.interrupted = True
            raise
        finally:
            self._took = monotonic() - self._began
            self.ended = True
            # Asked anew when something runs again.
            self.plan = self.plan.asked(dict.fromkeys(self.plan.options.prompts, ""))

    async def _part(self, part: Part) -> bool:
        """Whether nothing more may follow."""
        bailed = False
        made = run(self._session, part.references, self.plan.options_of(part))
        async with aclosing(cast("AsyncGenerator[RunEvent, None]", made)) as events:
            async for event in events:
                match event:
                    case RunStarted():
                        self._start(event)
                    case RequestStarted():
                        self.now = event.reference
                    case RequestFinished(result=result):
                        self.done += 1
                        bailed = bailed or (self.plan.options.bail and result.outcome in ("failed", "error"))
                        self.log.add(result, part.iterations[result.iteration - 1])
                    case RunFinished(interrupted=True):
                        self.interrupted = True
        return bailed


class _Watched:
    """The session as a run needs it, which keeps the errors as they are, with what their cures need."""

    def __init__(self, session: Session, failures: dict[str, HushpostError], left: Callable[[], object]) -> None:
        self.workspace = session.workspace
        self.environment = session.environment
        self.effective = session.effective
        self.scope = session.scope
        self.redact = session.redact
        self.cookies = session.cookies
        self._session = session
        self._failures = failures
        self._left = left

    async def send(
        self,
        request: Request,
        reference: str = "",
        *,
        overrides: Values | None = None,
        captured: Captured | None = None,
        cookies: Cookies | None = None,
        prompts: Values | None = None,
    ) -> Exchange:
        session = self._session
        if session.workspace is not self.workspace or session.environment != self.environment:
            left, self._left = self._left, lambda: None
            left()
            await asyncio.get_running_loop().create_future()  # until it is cancelled
        try:
            return await session.send(
                request, reference, overrides=overrides, captured=captured, cookies=cookies, prompts=prompts
            )
        except HushpostError as error:
            # A copy: the frames of the original hold values, which locking the store is to drop.
            self._failures[reference] = error.along_with(())
            raise


def by_iterations(
    plan: Plan, needed: Mapping[tuple[str, ...], Sequence[str]], wanted: Mapping[int, Sequence[str]]
) -> list[Part]:
    """The parts of a run of what did not pass: iterations in which the same requests did not, together."""
    together: dict[tuple[str, ...], list[int]] = {}
    for iteration in sorted(wanted):
        together.setdefault(tuple(sorted(wanted[iteration])), []).append(iteration)
    return [Part(needed[chosen], iterations) for chosen, iterations in together.items()]
