"""Sends many requests in order and says what came of each, without keeping what it has said."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from core.exchange import RunEvent
from core.secret import Secret


@dataclass(frozen=True)
class RunOptions:
    rows: Sequence[Mapping[str, str]] = ()
    """Data rows; iteration N uses row N, from the start again when there are more iterations."""
    iterations: int | None = None
    """None: one for each row, one without rows."""
    parallel: int = 1
    bail: bool = False
    """Stop after the first request that did not pass."""
    delay: float = 0.0
    """Seconds between two requests."""
    retries: int = 0
    """How often a request that failed, or met a network error, is sent again."""
    overrides: Mapping[str, str | Secret] = field(default_factory=dict)


def run(session: object, references: Sequence[str], options: RunOptions = RunOptions()) -> AsyncIterator[RunEvent]:
    raise NotImplementedError
