"""What a request says of its answer: checks that pass or fail, and captures that set variables for the requests after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.exchange import CheckResult, Exchange
from core.models import Request
from core.secret import Redactor, Secret


def run_checks(request: Request, exchange: Exchange, *, redact: Callable[[str], str]) -> tuple[CheckResult, ...]:
    raise NotImplementedError


def run_captures(
    request: Request, exchange: Exchange, *, redact: Callable[[str], str]
) -> tuple[Mapping[str, str | Secret], tuple[CheckResult, ...]]:
    """The captured values, and a failed check for each capture that found nothing."""
    raise NotImplementedError


def examine(request: Request, exchange: Exchange, redactor: Redactor) -> Exchange:
    """The exchange with its checks and captures; secret captures are in the redactor before any message is made."""
    raise NotImplementedError
