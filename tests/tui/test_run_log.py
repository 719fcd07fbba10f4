"""What is kept of a run, and what is given up first."""

from __future__ import annotations

from typing import Literal

import pytest
from msgspec.structs import replace

from core.exchange import CheckResult, ErrorInfo, Exchange, ReceivedBody, Result
from core.secret import MASK, Secret
from tests.kept import made
from tui import run_log
from tui.run_log import Line, RunLog


def result(
    reference: str, outcome: Literal["passed", "failed", "error", "skipped"] = "passed", *, body: bytes = b"x" * 1000
) -> Result:
    exchange: Exchange | None = None
    if outcome in ("passed", "failed"):
        exchange = made("https://api.example.com/")
        exchange = replace(exchange, response=replace(exchange.response, body=ReceivedBody.of(body)))
    return Result(reference, 1, outcome, "GET", "https://api.example.com/", exchange)


def line(log: RunLog, reference: str) -> Line:
    return next(one for one in log.lines if one.reference == reference)


@pytest.fixture
def log() -> RunLog:
    return RunLog(lambda text: text.replace("s3cret", "•••"))


def test_bodies_of_what_passed_go_first_and_the_oldest_of_them(log: RunLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_log, "MOST_BYTES", 3_500)
    log.add(result("failed", "failed"), 1)
    for name in ("a", "b", "c"):
        log.add(result(name), 1)
    assert [one.reference for one in log.lines if log.has_body(one)] == ["failed", "b", "c"]
    kept = log.exchange(line(log, "a"))
    assert kept is not None
    assert kept.response.body.size == 0
    assert kept.response.truncated == "the body is no longer kept here, 1,000 bytes"
    assert line(log, "a").size == 1000


def test_whole_exchanges_are_limited_and_what_failed_stays_longest(
    log: RunLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_log, "MOST_EXCHANGES", 2)
    log.add(result("failed", "failed"), 1)
    for name in ("a", "b"):
        log.add(result(name), 1)
    assert [one.reference for one in log.lines if log.exchange(one)] == ["failed", "b"]


def test_large_bodies_are_limited_in_number(log: RunLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them is an open file."""
    monkeypatch.setattr(run_log, "MOST_FILES", 1)
    large = b"x" * (1024 * 1024 + 1)
    for name in ("a", "b"):
        log.add(result(name, body=large), 1)
    assert [one.reference for one in log.lines if log.has_body(one)] == ["b"]


def test_past_a_number_of_lines_what_passes_is_only_counted(log: RunLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_log, "MOST_LINES", 2)
    for name in ("a", "b", "c"):
        log.add(result(name), 1)
    log.add(result("d", "failed"), 1)
    assert [one.reference for one in log.lines] == ["a", "b", "d"]
    assert log.unlisted == 1
    assert log.counts == {"passed": 3, "failed": 1}


def test_what_runs_again_takes_its_place_and_is_counted_once(log: RunLog) -> None:
    log.add(result("a", "failed"), 1)
    log.add(result("b"), 1)
    log.add(result("a"), 1)
    assert [(one.reference, one.outcome) for one in log.lines] == [("a", "passed"), ("b", "passed")]
    assert log.counts["failed"] == 0
    assert log.not_passed() == []


def test_reasons_are_redacted_and_the_first_is_told(log: RunLog) -> None:
    failed = result("a", "failed")
    assert failed.exchange is not None
    checks = (CheckResult("status", True), CheckResult("body", False, "it is s3cret"), CheckResult("size", False))
    log.add(replace(failed, exchange=replace(failed.exchange, checks=checks)), 1)
    log.add(replace(result("b", "error"), error=ErrorInfo("timeout", "no answer", "wait")), 1)
    log.add(result("c", "failed"), 1)
    assert line(log, "a").why == "body: it is ••• (and 1 more)"
    assert (line(log, "b").why, line(log, "b").cure) == ("no answer", "wait")
    assert line(log, "c").why.startswith("the response has status")


def test_captured_secrets_are_not_kept(log: RunLog) -> None:
    """Locking the store drops every captured secret."""
    answered = result("a")
    assert answered.exchange is not None
    captured = {"token": Secret("t0k3n-of-the-answer"), "id": "42"}
    log.add(replace(answered, exchange=replace(answered.exchange, captured=captured)), 1)
    kept = log.exchange(line(log, "a"))
    assert kept is not None
    assert kept.captured == {"token": MASK, "id": "42"}
