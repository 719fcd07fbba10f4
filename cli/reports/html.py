"""One HTML page that needs nothing else: no script, no network, and a policy that forbids both."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape

from cli.output import Output
from cli.reports.row import Row, Tally, duration
from cli.reports.spool import Spool
from core.exchange import RunFinished, RunStarted
from core.visible import visible

STYLE = """\
:root { color-scheme: light dark; --line: #8886; --good: #1a7f37; --bad: #cf222e; --odd: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #f85149; --odd: #d29922; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: 0; }
.facts { margin-top: .2rem; opacity: .8; }
.counts { display: flex; gap: 1.5rem; list-style: none; padding: 0; flex-wrap: wrap; }
.counts b { font-size: 1.4rem; display: block; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code, pre { font: 13px/1.45 ui-monospace, monospace; overflow-wrap: anywhere; white-space: pre-wrap; margin: 0; }
.passed { color: var(--good); } .failed, .error { color: var(--bad); } .skipped { color: var(--odd); }
.outcome { font-weight: 600; }
details { margin-top: .3rem; }
summary { cursor: pointer; }
"""

_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; base-uri 'none'; form-action 'none'"


class Html:
    def __init__(self, output: Output) -> None:
        self._output = output
        self._rows = Spool()
        self._run: RunStarted | None = None

    def start(self, run: RunStarted) -> None:
        self._run = run

    def add(self, row: Row) -> None:
        status = "" if row.status is None else str(row.status)
        elapsed = "" if row.elapsed_ms is None else duration(row.elapsed_ms)
        size = "" if row.size is None else f"{row.size:,}"
        self._rows.write(
            f'<tr><td class="outcome {row.outcome}">{row.outcome}</td>'
            f"<td><code>{_text(row.title)}</code>{self._details(row)}</td>"
            f'<td class="number">{status}</td><td class="number">{elapsed}</td><td class="number">{size}</td></tr>\n'
        )

    def finish(self, run: RunFinished, tally: Tally) -> None:
        workspace = _text(self._run.workspace if self._run else "")
        environment = _text((self._run.environment if self._run else "") or "base")
        started = self._run.started_at if self._run else None
        when = f'<time datetime="{started.isoformat()}">{started:%Y-%m-%d %H:%M:%S} UTC</time>' if started else ""
        interrupted = ' <strong class="error">The run was interrupted.</strong>' if run.interrupted else ""
        counts = "".join(f"<li><b>{number}</b>{name}</li>" for name, number in tally.as_json().items())
        self._put(
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="referrer" content="no-referrer">\n<link rel="icon" href="data:,">\n'
            f"<title>{workspace}: {_text(str(tally))}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
            f'<h1>{workspace}</h1>\n<p class="facts">environment {environment}, {when}, '
            f"took {duration(run.duration_ms)}.{interrupted}</p>\n"
            f'<ul class="counts">{counts}</ul>\n'
            '<table>\n<thead><tr><th scope="col">Outcome</th><th scope="col">Request</th>'
            '<th scope="col" class="number">Status</th><th scope="col" class="number">Time</th>'
            '<th scope="col" class="number">Bytes</th></tr></thead>\n<tbody>\n'
        )
        self._rows.copy_to(self._output)
        self._put("</tbody>\n</table>\n</body>\n</html>\n")

    def _details(self, row: Row) -> str:
        reasons = list(row.reasons())
        lines = [f"<p><code>{_text(row.line)}</code></p>"]
        if reasons:
            lines.append(f"<pre>{_text(chr(10).join(reasons))}</pre>")
        if row.checks:
            marks = (
                f'<li class="{"passed" if check.passed else "failed"}">{"passed" if check.passed else "failed"}: '
                f"{_text(check.name)}</li>"
                for check in row.checks
            )
            lines.append(f"<ul>{''.join(marks)}</ul>")
        if row.secrets_used:
            lines.append(f"<p>secrets used: {_text(', '.join(row.secrets_used))}</p>")
        opened = "" if row.outcome == "passed" else " open"
        return f"<details{opened}><summary>details</summary>{''.join(lines)}</details>"

    def _put(self, text: str) -> None:
        self._output.write(text.encode("utf-8", "replace"))


def _text(text: str) -> str:
    return escape(visible(text, lines=True))


def reporter(output: Output) -> Html:
    return Html(output)
