"""What became of a request's checks and captures, for the rows that they stand in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from core.exchange import CheckResult, Exchange
from core.models import Capture, Check, Request

_QUOTED = 200


@dataclass(frozen=True)
class Outcomes:
    """What became of the checks and captures as they were sent; texts are redacted."""

    checks: Mapping[int, tuple[Check, CheckResult]] = field(default_factory=dict)
    captures: Mapping[Capture, CheckResult] = field(default_factory=dict)


def outcomes(sent: Request, exchange: Exchange, redact: Callable[[str], str]) -> Outcomes:
    """By what was sent, so that a row edited since then has none."""
    checks = dict(enumerate(zip(sent.checks, exchange.checks, strict=False)))
    failed = iter(exchange.checks[len(sent.checks) :])
    captures = {}
    for capture in sent.captures:
        if capture.name in exchange.captured:
            # Masked as a whole, and cut afterwards: half a secret would not be found.
            value = redact(str(exchange.captured[capture.name]))[:_QUOTED]
            captures[capture] = CheckResult(capture.name, True, f"{capture.name} is {value}")
        elif (failure := next(failed, None)) is not None:
            captures[capture] = failure
    return Outcomes(checks, captures)
