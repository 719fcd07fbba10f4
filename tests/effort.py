"""What work costs, in a measure that is the same on a fast machine and on a slow or busy one."""

from __future__ import annotations

import time
from collections.abc import Callable

ROUNDS = 3
"""The cheapest of some counts: what else runs makes each dearer, never cheaper."""


def effort(work: Callable[[], object]) -> float:
    """CPU time of this thread, in multiples of what a known amount of Python costs here and now: 100,000 calls."""
    pairs = [(_cpu_s(work), _cpu_s(_known)) for _ in range(ROUNDS)]
    return min(spent for spent, _ in pairs) / min(unit for _, unit in pairs)


def _cpu_s(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


def _known() -> int:
    return sum(len(str(number)) for number in range(100_000))
