"""A run with one result of each kind, with texts that try to break every format, for the tests of reports."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from cli.output import Output
from cli.reports import make
from core.exchange import (
    CheckResult,
    ErrorInfo,
    Exchange,
    ReceivedBody,
    Response,
    Result,
    RunFinished,
    RunStarted,
    Shown,
    Timing,
)
from core.reports.row import Tally, row

STARTED = datetime(2026, 1, 31, 23, 59, 58, 123456, tzinfo=UTC)
NASTY = "a<b>&\"'\n::error::x %0A # ]]> \\ ,: \x1b[31m\x00 \u202eevil\ufffe"


def exchange(status: int = 200, checks: tuple[CheckResult, ...] = (), body: bytes = b"{}") -> Exchange:
    return Exchange(
        id="1",
        reference="payments/create",
        environment="local",
        started_at=STARTED,
        method="POST",
        shown=Shown("https://api.example.com/payments?key={{api_key}}", (), ""),
        secrets_used=("b_key", "api_key"),
        timing=Timing(total_ms=35.04),
        response=Response(status, "OK", "HTTP/1.1", (("Content-Type", "application/json"),), ReceivedBody.of(body)),
        checks=checks,
    )


def results(nasty: str = NASTY) -> list[Result]:
    url = "https://api.example.com/payments?key={{api_key}}"
    failed = (CheckResult("status equals 201", False, f"found 500: {nasty}"), CheckResult("body exists", True))
    return [
        Result("health", 1, "passed", "GET", url, exchange()),
        Result("payments/create", 2, "failed", "POST", url, exchange(500, failed)),
        Result("payments/refund", 1, "failed", "POST", url, exchange(404)),
        Result(
            f"odd/{nasty}",
            1,
            "error",
            "GET",
            url,
            error=ErrorInfo("secret-not-found", f'variable "x": {nasty}', "look there"),
        ),
        Result("payments/last", 1, "skipped", "GET", url, error=ErrorInfo("skipped", f'"{nasty}" failed')),
    ]


def report(name: str, nasty: str = NASTY, *, interrupted: bool = False, some: list[Result] | None = None) -> str:
    """What a reporter makes of the run."""
    stream = io.BytesIO()
    output = Output(stream)
    reporter = make(name, output)
    tally = Tally()
    chosen = results(nasty) if some is None else some
    reporter.start(RunStarted("Payments <API>", "local", STARTED, len(chosen)))
    for result in chosen:
        tally.count(result.outcome)
        reporter.add(row(result, str, file=f"requests/{result.reference}.toml"))
    reporter.finish(RunFinished(1234.56, interrupted=interrupted), tally)
    return stream.getvalue().decode()
