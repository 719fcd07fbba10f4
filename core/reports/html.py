"""One HTML page that needs nothing else: no script, no network, and a policy that forbids both."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from itertools import accumulate
from typing import TYPE_CHECKING

from core.exchange import CheckResult, RunFinished, RunStarted, Timing
from core.reports.look import STYLE
from core.reports.row import Row, Tally, duration
from core.reports.sink import Sink
from core.reports.spool import Spool
from core.versions import version
from core.visible import visible

if TYPE_CHECKING:
    from core.reports.sides import Sides

OUTCOMES = ("passed", "failed", "error", "skipped")
SEVERAL = {"error": "errors"}
WITH_SIDES = {"passed": 500, "failed": 1000}
"""So many requests that passed, and that did not, are shown with what was sent and what came."""


class Html:
    def __init__(self, output: Sink) -> None:
        self._output = output
        self._rows = Spool()
        self._run: RunStarted | None = None
        self._longest = 1.0
        self._shown = dict.fromkeys(WITH_SIDES, 0)

    def start(self, run: RunStarted) -> None:
        self._run = run

    def add(self, row: Row) -> None:
        self._longest = max(self._longest, row.elapsed_ms or 0.0)
        cells = (
            f'<span class="outcome">{row.outcome}</span><span class="method">{_text(row.method)}</span>'
            f'<span class="name">{_text(row.title)}</span>'
            f'<span class="number">{"" if row.status is None else row.status}</span>'
            f'<span class="number time">{_time(row.elapsed_ms)}</span>'
            f'<span class="number size">{"" if row.size is None else bytes_of(row.size)}</span>'
        )
        opened = "" if row.outcome in ("passed", "skipped") else " open"
        self._rows.write(
            f'<details class="row {row.outcome}"{opened}><summary>{cells}</summary>\n'
            f'<div class="more">{"".join(self._more(row))}</div></details>\n'
        )

    def finish(self, run: RunFinished, tally: Tally) -> None:
        workspace = _text(self._run.workspace if self._run else "")
        environment = _text((self._run.environment if self._run else "") or "base")
        started = self._run.started_at if self._run else None
        when = f' on <time datetime="{started.isoformat()}">{started:%Y-%m-%d %H:%M:%S} UTC</time>' if started else ""
        interrupted = (
            '<p class="interrupted">The run was interrupted: what is here ran.</p>\n' if run.interrupted else ""
        )
        style = f":root {{ --longest: {self._longest:.1f}; }}\n{STYLE}"
        digest = b64encode(sha256(style.encode()).digest()).decode()
        policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
        self._put(
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="referrer" content="no-referrer">\n<link rel="icon" href="data:,">\n'
            f"<title>{workspace}: {_text(str(tally))}</title>\n<style>{style}</style>\n</head>\n<body>\n"
            f"{_choices()}<header>\n<h1>{workspace}</h1>\n"
            f'<p class="facts"><b>{_verdict(tally)}</b> in environment <b>{environment}</b>{when},'
            f" took {duration(run.duration_ms)}</p>\n{interrupted}{_share(tally)}{_filter(tally)}</header>\n<main>\n"
        )
        self._rows.copy_to(self._output)
        self._put(f"</main>\n<footer>hushpost {version()}. Secrets are masked.</footer>\n</body>\n</html>\n")

    def _more(self, row: Row) -> Iterator[str]:
        sides = self._sides(row)
        if sides is None:
            yield f"<p><code>{_text(row.line)}</code></p>"
        reasons = list(row.reasons(checks=False))
        if reasons:
            yield f'<div class="why"><pre>{_text(chr(10).join(reasons))}</pre></div>'
        if row.checks:
            yield f'<ul class="checks">{"".join(map(_check, row.checks))}</ul>'
        facts = [f"sent {row.attempts} times"] if row.attempts > 1 else []
        facts += [f"secrets used: {_text(', '.join(row.secrets_used))}"] if row.secrets_used else []
        facts += _phases(sides.timing) if sides is not None else []
        if facts:
            yield f'<p class="soft">{" · ".join(facts)}</p>'
        if sides is not None:
            yield (
                f'<div class="sides"><section><h2>Request</h2><pre tabindex="0">{_text(sides.request)}</pre></section>'
                f'<section><h2>Response</h2><pre tabindex="0">{_text(sides.response)}</pre></section></div>'
            )
            if sides.note:
                yield f'<p class="soft">Shown: {_text(sides.note)}</p>'

    def _sides(self, row: Row) -> Sides | None:
        kind = "passed" if row.outcome == "passed" else "failed"
        if self._shown[kind] >= WITH_SIDES[kind]:
            return None
        self._shown[kind] += 1
        return row.sides()

    def _put(self, text: str) -> None:
        self._output.write(text.encode("utf-8", "replace"))


def _verdict(tally: Tally) -> str:
    count = tally.counts.total()
    unrun = f", {tally.unrun} not run" if tally.unrun else ""
    return f"{tally.counts['passed']} of {count} request{'' if count == 1 else 's'} passed{unrun}"


def _choices() -> str:
    """Before all else: what follows is shown or not by which one is checked, without a script."""
    kinds = ("all", *OUTCOMES)
    return "".join(
        f'<input type="radio" name="show" id="{kind}"{" checked" if kind == "all" else ""}'
        f' aria-label="show {SEVERAL.get(kind, kind)}">\n'
        for kind in kinds
    )


def _filter(tally: Tally) -> str:
    counts = {"all": tally.counts.total()} | {kind: tally.counts[kind] for kind in OUTCOMES}  # type: ignore[index]
    labels = (
        f'<label for="{kind}" class="{kind if count else "none"}"><b>{count}</b>'
        f" {kind if count == 1 else SEVERAL.get(kind, kind)}</label>"
        for kind, count in counts.items()
    )
    return f'<div class="filter">{"".join(labels)}</div>\n'


def _share(tally: Tally) -> str:
    """A bar of the outcomes. Its sizes stand in attributes: the policy allows no style there."""
    counts = [tally.counts[kind] for kind in OUTCOMES]  # type: ignore[index]
    starts = accumulate(counts, initial=0)
    parts = "".join(
        f'<rect class="{kind}" x="{start}" width="{count}" height="1"/>'
        for kind, start, count in zip(OUTCOMES, starts, counts, strict=False)
        if count
    )
    return (
        f'<svg class="share" viewBox="0 0 {max(sum(counts), 1)} 1" preserveAspectRatio="none" role="img"'
        f' aria-label="{_text(str(tally))}">{parts}</svg>\n'
    )


def _time(elapsed_ms: float | None) -> str:
    if elapsed_ms is None:
        return ""
    bar = f'<rect width="{elapsed_ms}" height="1"/>'
    svg = f'<svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">{bar}</svg>'
    return svg + duration(elapsed_ms)


def _check(check: CheckResult) -> str:
    mark = "passed" if check.passed else "failed"
    found = "" if check.passed or not check.message else f': <span class="found">{_text(check.message)}</span>'
    return f'<li class="{mark}"><b>{mark}</b><span>{_text(check.name)}{found}</span></li>'


def _phases(timing: Timing) -> list[str]:
    """Where the time went, as far as it can be seen."""
    phases = {
        "connect": timing.connect_ms,
        "TLS": timing.tls_ms,
        "first byte": timing.first_byte_ms,
        "download": timing.download_ms,
    }
    return [f"{name} {duration(value)}" for name, value in phases.items() if value is not None and value >= 0.5]


def bytes_of(size: int) -> str:
    """For people: `512 B`, `1.2 kB`, `3.4 MB`."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def _text(text: str) -> str:
    return escape(visible(text, lines=True))


def reporter(output: Sink) -> Html:
    return Html(output)
