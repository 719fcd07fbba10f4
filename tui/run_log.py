"""What a run said so far, in bounded memory: a line for each request, and exchanges as long as there is room.

Bodies go first, then whole exchanges; those of requests that passed before the others, and older before newer.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass

from msgspec.structs import asdict, replace

from core.exchange import Exchange, Outcome, ReceivedBody, Result, RunStarted
from core.reports.row import Row, row
from core.secret import Secret
from core.sending.receiving import IN_MEMORY

MOST_LINES = 20_000
"""Lines of requests that passed; those beyond it are counted only."""
MOST_EXCHANGES = 2_000
MOST_BYTES = 32 * 1024 * 1024
"""Of bodies, those sent and those in memory."""
MOST_FILES = 24
"""Bodies so large that each is a file of its own."""
NOT_KEPT = "the body is no longer kept here"


class Line(Row, frozen=True, kw_only=True):
    """One request of the run, as its reports tell it."""

    reference: str
    """As the workspace has it."""

    @property
    def key(self) -> tuple[int, str]:
        return self.iteration, self.reference

    @property
    def passed(self) -> bool:
        return self.outcome == "passed"

    @property
    def why(self) -> str:
        """Why it did not pass, in one sentence; empty where it did."""
        failed = [check for check in self.checks if not check.passed]
        reasons = list(self.reasons())
        more = f" (and {len(failed) - 1} more)" if self.error is None and len(failed) > 1 else ""
        return reasons[0] + more if reasons else ""

    @property
    def cure(self) -> str:
        return (self.error.hint or "") if self.error is not None else ""


def line_of(result: Result, redact: Callable[[str], str], iteration: int) -> Line:
    fields = asdict(row(result, redact)) | {"iteration": iteration}
    return Line(**fields, reference=result.reference)


class RunLog:
    """In the order in which the requests ended; a request that is run again takes the place it had."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._redact = redact
        self.lines: list[Line] = []
        self.counts: Counter[Outcome] = Counter()
        self.started: RunStarted | None = None
        """Of the first run; what runs again belongs to it."""
        self.unlisted = 0
        """How many passed that have no line."""
        self._at: dict[tuple[int, str], int] = {}
        self._kept = _Kept()

    def add(self, result: Result, iteration: int) -> None:
        line = line_of(result, self._redact, iteration)
        self.counts[line.outcome] += 1
        at = self._at.get(line.key)
        if at is not None:
            self.counts[self.lines[at].outcome] -= 1
            self.lines[at] = line
        elif line.passed and len(self.lines) >= MOST_LINES:
            self.unlisted += 1
            return
        else:
            self._at[line.key] = len(self.lines)
            self.lines.append(line)
        self._kept.put(line.key, result.exchange, passed=line.passed)

    def exchange(self, line: Line) -> Exchange | None:
        """What was sent and came; None where nothing was, or it is not kept any more."""
        return self._kept.get(line.key)

    def has_body(self, line: Line) -> bool:
        return self._kept.has_body(line.key)

    def not_passed(self) -> Sequence[Line]:
        return [line for line in self.lines if not line.passed]

    def iterations(self) -> dict[int, list[str]]:
        """By iteration what did not pass in it."""
        found: dict[int, list[str]] = {}
        for line in self.not_passed():
            found.setdefault(line.iteration, []).append(line.reference)
        return found


class _Kept:
    """Exchanges by key, and which of them to give up next."""

    def __init__(self) -> None:
        self._exchanges: dict[tuple[int, str], Exchange] = {}
        self._bodies: dict[tuple[int, str], _Weight] = {}
        """Of each that has its body still."""
        self._bytes = 0
        self._files = 0
        self._queues = [_Queue(), _Queue()]
        """Those that passed, and the others."""

    def put(self, key: tuple[int, str], exchange: Exchange | None, *, passed: bool) -> None:
        self._drop(key)
        if exchange is None:
            return
        if any(isinstance(value, Secret) for value in exchange.captured.values()):
            # Locking the store is to drop them.
            exchange = replace(exchange, captured={name: str(value) for name, value in exchange.captured.items()})
        size = exchange.response.body.size
        in_a_file = size > IN_MEMORY
        self._exchanges[key] = exchange
        self._bodies[key] = _Weight(len(exchange.shown.body) + (0 if in_a_file else size), int(in_a_file))
        self._count(self._bodies[key], 1)
        queue = self._queues[0 if passed else 1]
        queue.bodies.append(key)
        queue.whole.append(key)
        while self._bytes > MOST_BYTES or self._files > MOST_FILES:
            self._strip(self._next(lambda queue: queue.bodies, self._bodies))
        while len(self._exchanges) > MOST_EXCHANGES:
            self._drop(self._next(lambda queue: queue.whole, self._exchanges))

    def get(self, key: tuple[int, str]) -> Exchange | None:
        return self._exchanges.get(key)

    def has_body(self, key: tuple[int, str]) -> bool:
        return key in self._bodies

    def _next(
        self, of: Callable[[_Queue], deque[tuple[int, str]]], there: Container[tuple[int, str]]
    ) -> tuple[int, str]:
        for queue in self._queues:
            keys = of(queue)
            while keys:
                key = keys.popleft()
                if key in there:
                    return key
        raise LookupError

    def _strip(self, key: tuple[int, str]) -> None:
        """Keep of an exchange what is small."""
        self._count(self._bodies.pop(key), -1)
        exchange = self._exchanges[key]
        size = exchange.response.body.size
        response = replace(exchange.response, body=ReceivedBody.of(b""), truncated=f"{NOT_KEPT}, {size:,} bytes")
        shown = exchange.shown
        if len(shown.body) > 4096:
            shown = replace(shown, body=f"{NOT_KEPT}, {len(shown.body):,} characters")
        self._exchanges[key] = replace(exchange, response=response, shown=shown)

    def _drop(self, key: tuple[int, str]) -> None:
        if key in self._bodies:
            self._count(self._bodies.pop(key), -1)
        self._exchanges.pop(key, None)

    def _count(self, weight: _Weight, sign: int) -> None:
        self._bytes += sign * weight.memory
        self._files += sign * weight.files


@dataclass(frozen=True)
class _Weight:
    memory: int
    files: int


class _Queue:
    def __init__(self) -> None:
        self.bodies: deque[tuple[int, str]] = deque()
        self.whole: deque[tuple[int, str]] = deque()


def tally(counts: Counter[Outcome]) -> Iterator[tuple[str, str]]:
    """`10 passed`, `1 failed` … each with its ink; only outcomes there were, but always what passed."""
    inks: dict[Outcome, str] = {"passed": "good", "failed": "bad", "error": "bad", "skipped": "warning"}
    for word, ink in inks.items():
        count = counts[word]
        if count or word == "passed":
            yield f"{count:,} {'errors' if word == 'error' and count != 1 else word}", ink
