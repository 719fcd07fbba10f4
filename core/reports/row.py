"""One result of a run as every report tells it, redacted once and here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from core.exchange import CheckResult, ErrorInfo, Exchange, Outcome, Result
from core.structs import Struct

if TYPE_CHECKING:
    from core.redactor import Redactor
    from core.reports.sides import Sides


LONGEST_NOTE = 4000


class Row(Struct, frozen=True):
    unshown = frozenset({"unmasked"})

    request: str
    iteration: int
    outcome: Outcome
    method: str
    url: str
    status: int | None
    elapsed_ms: float | None
    size: int | None
    secrets_used: tuple[str, ...]
    checks: tuple[CheckResult, ...]
    error: ErrorInfo | None
    file: str = ""
    """The request's file, relative to the current folder; empty where it is not below it."""
    attempts: int = 1
    notes: tuple[str, ...] = ()
    """What happened on the way, such as what a script wrote."""
    answer: str = ""
    """The beginning of what came, masked, where that is asked for."""
    unmasked: tuple[Exchange, Redactor] | None = None
    """For `sides` alone."""

    def sides(self) -> Sides | None:
        """What was sent and what came, masked; None where nothing came."""
        if self.unmasked is None:
            return None
        from core.reports.sides import sides

        return sides(*self.unmasked)

    @property
    def title(self) -> str:
        return self.request if self.iteration <= 1 else f"{self.request} #{self.iteration}"

    @property
    def line(self) -> str:
        """What was sent and what came, in one line."""
        parts = [self.method, self.url]
        if self.status is not None:
            parts.append(f"-> {self.status}")
        return " ".join(part for part in parts if part)

    def reasons(self, *, checks: bool = True) -> Iterator[str]:
        """Why it did not pass, nothing for a row that did; without `checks` what they do not say."""
        if self.error is not None:
            yield self.error.message
            if self.error.hint:
                yield f"hint: {self.error.hint}"
        failed = [check for check in self.checks if not check.passed]
        for check in failed if checks else ():
            yield f"{check.name}: {check.message}" if check.message else check.name
        if self.outcome == "failed" and not failed and self.error is None:
            yield f"the response has status {self.status}"
        if self.outcome in ("failed", "error"):
            # How a script failed is the last that it wrote.
            yield from (note if len(note) <= LONGEST_NOTE else f"…{note[-LONGEST_NOTE:]}" for note in self.notes)
        if self.answer and checks:
            yield self.answer

    def as_json(self) -> dict[str, Any]:
        """The shape that scripts rely on."""
        return {
            "request": self.request,
            "iteration": self.iteration,
            "outcome": self.outcome,
            "method": self.method,
            "url": self.url,
            "status": self.status,
            "elapsed_ms": self.elapsed_ms,
            "size": self.size,
            "secrets_used": list(self.secrets_used),
            "checks": [{"name": check.name, "passed": check.passed, "message": check.message} for check in self.checks],
            "error": None
            if self.error is None
            else {"kind": self.error.kind, "message": self.error.message, "hint": self.error.hint},
        }


def row(result: Result, redact: Callable[[str], str], *, file: str = "", redactor: Redactor | None = None) -> Row:
    """With a redactor the row has sides."""
    exchange = result.exchange
    return Row(
        request=redact(result.reference),
        iteration=result.iteration,
        outcome=result.outcome,
        method=redact(result.method),
        url=redact(result.url),
        status=exchange.response.status if exchange else None,
        elapsed_ms=round(exchange.timing.total_ms, 1) if exchange else None,
        size=exchange.response.body.size if exchange else None,
        secrets_used=tuple(sorted(exchange.secrets_used)) if exchange else (),
        checks=tuple(
            CheckResult(redact(check.name), check.passed, redact(check.message))
            for check in (exchange.checks if exchange else ())
        ),
        error=error_info(result.error, redact) if result.error else None,
        file=redact(file),
        attempts=result.attempts,
        notes=tuple(map(redact, result.notes)),
        unmasked=(exchange, redactor) if exchange and redactor else None,
    )


def with_answer(row: Row) -> Row:
    """The row that also says what came, where the request did not pass."""
    sides = row.sides() if row.outcome in ("failed", "error") else None
    if sides is None:
        return row
    text = sides.response
    return replace(row, answer=text if len(text) <= LONGEST_NOTE else f"{text[:LONGEST_NOTE]}…")


def error_info(error: ErrorInfo, redact: Callable[[str], str]) -> ErrorInfo:
    return ErrorInfo(error.kind, redact(error.message), redact(error.hint) if error.hint else None)


class Tally(msgspec.Struct):
    """How many results had which outcome, and of how many that there were to be."""

    counts: Counter[Outcome] = msgspec.field(default_factory=Counter)
    expected: int = 0

    def count(self, outcome: Outcome) -> None:
        self.counts[outcome] += 1

    @property
    def all_passed(self) -> bool:
        return self.counts.total() == self.counts["passed"]

    @property
    def unrun(self) -> int:
        """What a run that stopped early did not come to."""
        return max(self.expected - self.counts.total(), 0)

    def as_json(self) -> dict[str, int]:
        return {
            "requests": self.counts.total(),
            "passed": self.counts["passed"],
            "failed": self.counts["failed"],
            "errors": self.counts["error"],
            "skipped": self.counts["skipped"],
        }

    def __str__(self) -> str:
        numbers = self.as_json()
        total, errors = numbers["requests"], numbers["errors"]
        return (
            f"{total} request{'' if total == 1 else 's'}: {numbers['passed']} passed, {numbers['failed']} failed,"
            f" {errors} error{'' if errors == 1 else 's'}, {numbers['skipped']} skipped"
            f"{f', {self.unrun} not run' if self.unrun else ''}"
        )


def seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.3f}"


def duration(milliseconds: float) -> str:
    """For people: `35 ms`, `1.2 s`, `3 min 20 s`."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 120_000:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds // 60_000:.0f} min {milliseconds % 60_000 / 1000:.0f} s"
