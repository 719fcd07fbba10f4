"""What stands on the tabs of a response beside its body, as text; everything that came from outside is masked."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.exchange import Exchange, Progress, Timing
from core.redactor import Redactor
from tui.foreign import shortened, visible

BAR = 24
"""Columns of the longest bar of the time split."""
LONGEST_REASON = 36
"""Columns of what a server calls its status."""


def amount(size: int) -> str:
    """`812 B`, `1.2 kB`, `50.0 MB`."""
    if size < 1000:
        return f"{size} B"
    for unit, ends in ((1e3, 999_950), (1e6, 999_950_000)):
        if size < ends:
            return f"{size / unit:.1f} {'kB' if unit == 1e3 else 'MB'}"
    return f"{size / 1e9:.1f} GB"


def duration(milliseconds: float) -> str:
    """`0.4 ms`, `124 ms`, `3.21 s`."""
    if milliseconds < 10:
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.2f} s"


def progress_text(progress: Progress, seconds: float) -> str:
    """What is going on, for the status line."""
    waited = f"  {seconds:.0f} s" if seconds >= 1 else ""
    match progress.phase:
        case "preparing":
            return f"getting ready…{waited}"
        case "connecting":
            return f"connecting…{waited}"
        case "sending":
            return f"sending…  {amount(progress.sent)}{waited}" if progress.sent else f"sending…{waited}"
        case "waiting":
            return f"waiting for the answer…{waited}"
        case _:
            whole = progress.total
            of = f" of {amount(whole)}, {min(100, progress.received * 100 // whole)} %" if whole else ""
            return f"receiving {amount(progress.received)}{of}{waited}"


def status_words(exchange: Exchange, redactor: Redactor) -> list[tuple[str, str]]:
    """What the first line says of an answer, each word with its ink."""
    response = exchange.response
    ink = "good" if response.status < 300 else "warning" if response.status < 400 else "bad"
    words = [
        (f"{response.status} {shortened(visible(redactor.redact(response.reason)), LONGEST_REASON)}".strip(), ink),
        (duration(exchange.timing.total_ms), ""),
        (amount(response.body.size), ""),
        (response.http_version, "muted"),
    ]
    if response.truncated:
        words.insert(1, (f"cut short: {redactor.redact(response.truncated)}", "bad"))
    if exchange.hops:
        words.append((f"{len(exchange.hops)} redirect{'s' if len(exchange.hops) > 1 else ''}", "muted"))
    return words


def headers_page(exchange: Exchange, redactor: Redactor) -> str:
    lines = [f"{name}: {value}" for name, value in exchange.response.headers]
    return redactor.redact("\n".join(lines)) or "the answer has no headers"


def cookies(exchange: Exchange) -> list[str]:
    """The Set-Cookie headers."""
    return [value for name, value in exchange.response.headers if name.lower() == "set-cookie"]


def cookies_page(exchange: Exchange, redactor: Redactor) -> str:
    blocks = []
    for cookie in cookies(exchange):
        pair, *attributes = (part.strip() for part in cookie.split(";"))
        name, _, value = pair.partition("=")
        lines = [f"{name}: {value}"]
        lines += ["  " + attribute.replace("=", ": ", 1) for attribute in attributes if attribute]
        blocks.append("\n".join(lines))
    return redactor.redact("\n".join(blocks)) or "the answer sets no cookies"


def request_page(exchange: Exchange, redactor: Redactor) -> str:
    """The request as sent, with names instead of secrets."""
    shown = exchange.shown
    lines = [f"{exchange.method} {shown.url}", *(f"{name}: {value}" for name, value in shown.headers)]
    if exchange.secrets_used:
        lines += ["", f"secrets used: {', '.join(exchange.secrets_used)}"]
    if shown.body:
        lines += ["", shown.body]
    return redactor.redact("\n".join(lines))


def timing_page(exchange: Exchange, redactor: Redactor) -> str:
    lines = [*_split(exchange.timing)]
    for number, hop in enumerate(exchange.hops, 1):
        lines += ["", f"redirect {number}  {hop.status} {hop.method} {hop.url}", f"  to  {hop.location}"]
        if hop.dropped:
            lines.append(f"  not sent on  {', '.join(hop.dropped)}")
    if exchange.notes:
        lines += ["", *exchange.notes]
    if exchange.script_error:
        lines += ["", exchange.script_error.message, exchange.script_error.hint or ""]
    return redactor.redact("\n".join(lines))


def _split(timing: Timing) -> Iterator[str]:
    phases = [
        ("DNS and connect", timing.connect_ms),
        ("TLS", timing.tls_ms),
        ("first byte", timing.first_byte_ms),
        ("download", timing.download_ms),
    ]
    # Making the request ready, writing it, and what the app did meanwhile.
    rest = timing.total_ms - sum(spent or 0.0 for _, spent in phases)
    if rest >= 0.1:
        phases.append(("the rest", rest))
    longest = max((spent for _, spent in phases if spent), default=0.0)
    for name, spent in phases:
        if spent is not None:
            bar = "━" * round(spent / longest * BAR) if longest else ""
            yield f"{name:15}  {duration(spent):>8}  {bar}".rstrip()
        else:
            yield f"{name:15}         -"
    yield f"{'total':15}  {duration(timing.total_ms):>8}"


def checks_page(exchange: Exchange, redactor: Redactor) -> str:
    lines = []
    for check in exchange.checks:
        found = f": {check.message}" if check.message else ""
        lines.append(f"{'ok  ' if check.passed else 'FAIL'}  {check.name}{found}")
    if exchange.captured:
        lines += ["", "captured", *(f"  {name}  {value}" for name, value in exchange.captured.items())]
    return redactor.redact("\n".join(lines)) or "the request has no checks"


PAGES: dict[str, tuple[Callable[[Exchange, Redactor], str], str]] = {
    "headers": (headers_page, "headers"),
    "cookies": (cookies_page, "headers"),
    "request": (request_page, "request"),
    "timing": (timing_page, "labels"),
    "checks": (checks_page, "labels"),
}
"""By tab: what makes its text, and the syntax of that."""


def marks(exchange: Exchange) -> dict[str, str]:
    """The short marks behind the tabs' names."""
    response = exchange.response
    found = {"headers": str(len(response.headers))}
    if sets := len(cookies(exchange)):
        found["cookies"] = str(sets)
    if exchange.hops:
        found["timing"] = f"{len(exchange.hops)} hop{'s' if len(exchange.hops) > 1 else ''}"
    if exchange.checks:
        passed = sum(check.passed for check in exchange.checks)
        found["checks"] = f"{passed}/{len(exchange.checks)}" + ("" if passed == len(exchange.checks) else " FAIL")
    return found
