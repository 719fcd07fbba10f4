"""JUnit XML as Jenkins, GitLab and the Ant schema read it: one suite, a case for each request."""

from __future__ import annotations

import re
from datetime import UTC
from xml.sax.saxutils import escape, quoteattr

from core.exchange import RunFinished, RunStarted
from core.reports.row import Row, Tally, seconds
from core.reports.sink import Sink
from core.reports.spool import Spool
from core.visible import visible

_NOT_XML = re.compile("[\ufffe\uffff]")


class Junit:
    def __init__(self, output: Sink) -> None:
        self._output = output
        self._cases = Spool()
        self._run: RunStarted | None = None

    def start(self, run: RunStarted) -> None:
        self._run = run

    def add(self, row: Row) -> None:
        workspace = self._run.workspace if self._run else ""
        folder, _, _ = row.request.rpartition("/")
        attributes = _attributes(
            name=row.title,
            classname=(folder or workspace or "requests").replace("/", "."),
            time=seconds(row.elapsed_ms or 0.0),
        )
        if row.outcome == "passed":
            self._cases.write(f"    <testcase{attributes}/>\n")
            return
        reasons = list(row.reasons())
        message = _attributes(message=reasons[0] if reasons else row.outcome)
        if row.outcome == "skipped":
            inner = f"<skipped{message}/>"
        else:
            element = "failure" if row.outcome == "failed" else "error"
            kind = _attributes(type=row.error.kind if row.error else "check")
            inner = f"<{element}{message}{kind}>{_text(chr(10).join([*reasons, row.line]))}</{element}>"
        self._cases.write(f"    <testcase{attributes}>\n      {inner}\n    </testcase>\n")

    def finish(self, run: RunFinished, tally: Tally) -> None:
        # The Ant schema wants these attributes, this order, and nothing on <testsuites>; Jenkins takes that too.
        counts = tally.as_json()
        started = self._run.started_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") if self._run else ""
        attributes = _attributes(
            id="0",
            package="hushpost",
            name=self._run.workspace if self._run else "",
            timestamp=started,
            hostname="localhost",
            tests=str(counts["requests"]),
            failures=str(counts["failed"]),
            errors=str(counts["errors"]),
            skipped=str(counts["skipped"]),
            time=seconds(run.duration_ms),
        )
        environment = _attributes(name="environment", value=(self._run.environment if self._run else "") or "base")
        early = ["interrupted: what is above ran"] if run.interrupted else []
        early += [f"{tally.unrun} more not run"] if tally.unrun else []
        self._put('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n')
        self._put(f"  <testsuite{attributes}>\n    <properties>\n      <property{environment}/>\n    </properties>\n")
        self._cases.copy_to(self._output)
        stopped = _text("; ".join(early))
        self._put(f"    <system-out></system-out>\n    <system-err>{stopped}</system-err>\n")
        self._put("  </testsuite>\n</testsuites>\n")

    def _put(self, text: str) -> None:
        self._output.write(text.encode("utf-8", "replace"))


def _text(text: str) -> str:
    return escape(_legal(text))


def _attributes(**values: str) -> str:
    return "".join(f" {name}={quoteattr(_legal(value))}" for name, value in values.items())


def _legal(text: str) -> str:
    """Most control characters cannot stand in XML 1.0, not even escaped."""
    return _NOT_XML.sub("\ufffd", visible(text, lines=True))


def reporter(output: Sink) -> Junit:
    return Junit(output)
