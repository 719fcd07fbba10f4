"""Each report says what happened, in a form that its readers accept, whatever stands in the texts."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from cli.output import Output
from cli.reports import NAMES, make
from core.exchange import RunFinished, RunStarted
from core.reports.row import Tally, row
from tests.cli.reported import NASTY, STARTED, report, results

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")


@pytest.mark.parametrize("name", NAMES)
def test_no_report_holds_a_character_that_a_terminal_obeys(name: str) -> None:
    assert not CONTROL.search(report(name))


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_run_is_a_report_too(name: str) -> None:
    text = report(name, some=[])
    if name == "json":
        assert json.loads(text)["results"] == []
    elif name == "junit":
        assert ElementTree.fromstring(text)[0].get("tests") == "0"
    else:
        assert text


@pytest.mark.parametrize("name", NAMES)
def test_every_text_passes_the_redactor(name: str) -> None:
    stream = io.BytesIO()
    reporter = make(name, Output(stream))
    reporter.start(RunStarted("w", "e", STARTED, 5))
    for result in results("hunter2"):
        reporter.add(row(result, lambda text: text.replace("hunter2", "•••"), file="requests/hunter2.toml"))
    reporter.finish(RunFinished(1.0), Tally())
    assert b"hunter2" not in stream.getvalue()
    assert "•••".encode() in stream.getvalue()


def test_json_has_exactly_the_fields_that_scripts_rely_on() -> None:
    found = json.loads(report("json"))
    assert list(found) == ["workspace", "environment", "started_at", "duration_ms", "summary", "results"]
    assert found["summary"] == {"requests": 5, "passed": 1, "failed": 2, "errors": 1, "skipped": 1}
    assert found["started_at"] == "2026-01-31T23:59:58.123456+00:00"
    assert found["duration_ms"] == 1234.6
    passed, failed, _, error, _ = found["results"]
    assert passed == {
        "request": "health",
        "iteration": 1,
        "outcome": "passed",
        "method": "GET",
        "url": "https://api.example.com/payments?key={{api_key}}",
        "status": 200,
        "elapsed_ms": 35.0,
        "size": 2,
        "secrets_used": ["api_key", "b_key"],
        "checks": [],
        "error": None,
    }
    assert failed["checks"][0] == {"name": "status equals 201", "passed": False, "message": f"found 500: {NASTY}"}
    assert error["error"] == {"kind": "secret-not-found", "message": f'variable "x": {NASTY}', "hint": "look there"}
    assert (error["status"], error["elapsed_ms"], error["size"]) == (None, None, None)


def test_json_says_that_a_run_was_interrupted() -> None:
    assert json.loads(report("json", interrupted=True))["interrupted"] is True


def test_junit_counts_and_classifies() -> None:
    suite = ElementTree.fromstring(report("junit"))[0]
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped", "time", "timestamp")}
    assert counts == {
        "tests": "5",
        "failures": "2",
        "errors": "1",
        "skipped": "1",
        "time": "1.235",
        "timestamp": "2026-01-31T23:59:58",
    }
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases][:2] == ["health", "payments/create #2"]
    assert cases[1].get("classname") == "payments"
    assert [[child.tag for child in case] for case in cases] == [[], ["failure"], ["failure"], ["error"], ["skipped"]]
    error = cases[3].find("error")
    assert error is not None
    assert error.get("type") == "secret-not-found"
    assert "look there" in (error.text or "")


def test_tap_is_one_point_for_each_request_and_its_directives_are_ours() -> None:
    lines = report("tap").splitlines()
    assert lines[0] == "TAP version 14"
    points = [line for line in lines if re.match(r"(not )?ok \d+", line)]
    assert [line.split(" - ")[0] for line in points] == ["ok 1", "not ok 2", "not ok 3", "not ok 4", "ok 5"]
    assert "1..5" in lines
    # An unescaped # begins a directive, which is only the one of the skipped request.
    assert [re.findall(r"(?<!\\) # (\w+)", line) for line in points] == [[], [], [], [], ["SKIP"]]
    starts, ends = lines.count("  ---"), lines.count("  ...")
    assert starts == ends == 3
    message = next(line for line in lines[lines.index(points[1]) :] if line.startswith("  message: "))
    assert "found 500" in json.loads(message.removeprefix("  message: "))


def test_tap_of_an_interrupted_run_bails_out() -> None:
    text = report("tap", interrupted=True)
    assert text.endswith("Bail out! interrupted\n")
    assert "1..5" not in text


def test_github_annotations_are_one_line_each_and_cannot_be_forged() -> None:
    lines = report("github").splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::error", "::error", "::notice", "::error"]
    for line in lines:
        command = re.fullmatch(r"::(?:error|notice) ((?:file=[^,:]*,)?title=[^,:]*)::(.*)", line)
        assert command, line
    assert "file=requests/payments/create.toml,title=payments/create #2%3A failed" in lines[0]
    assert "%0A" in lines[0]
    assert "%250A" in lines[0]


def test_console_names_reasons_below_each_request_and_sums_up() -> None:
    text = report("console")
    assert "FAIL  500    35 ms  POST   payments/create #2" in text
    assert "status equals 201: found 500" in text
    assert "the response has status 404" in text
    assert "hint: look there" in text
    assert text.splitlines()[-1] == "5 requests: 1 passed, 2 failed, 1 error, 1 skipped in 1.2 s"


def test_nothing_foreign_begins_a_line_of_the_console_report() -> None:
    """CI systems obey lines that begin with `::` or `##`."""
    assert not [line for line in report("console").splitlines() if line.lstrip().startswith(("::error::", "##["))]


class Page(HTMLParser):
    """What a browser would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "action", "data", "poster", "srcset"):
                self.links.append(value or "")
            if name.startswith("on") or name == "style":
                self.handlers.append(name)


def test_html_runs_nothing_and_loads_nothing() -> None:
    text = report("html", '<script>alert(1)</script><img src="http://x.example/">')
    page = Page()
    page.feed(text)
    assert not {"script", "img", "iframe", "object", "form"} & set(page.tags)
    assert page.links == ["data:,"]
    assert page.handlers == []
    assert "default-src 'none'" in text
    assert "url(" not in text
    assert "@import" not in text
