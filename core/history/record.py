"""An exchange as history keeps it: everything in it masked first, its body cut at a limit, as bytes and back."""

from __future__ import annotations

import codecs
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from core.exchange import CheckResult, ErrorInfo, Exchange, Hop, ReceivedBody, Response, Shown, Timing
from core.reading.kinds import HEAD, Kind, kind_of
from core.redactor import Redactor
from core.secret import MASK, Secret
from core.structs import Struct
from core.workspace.workspace import WorkspaceKey

FORMAT = 1
LARGEST_BODY = 1024 * 1024
LARGEST_TEXT = 256 * 1024
"""Characters of a request's body, or of one header."""
_PIECE = 16 * 1024
_LET_GO = 0.0002
"""Seconds after each piece in which the event loop gets the interpreter's lock."""


class Summary(msgspec.Struct, frozen=True, array_like=True):
    """What a list shows of an exchange, all of it masked."""

    started_at: datetime
    method: str
    url: str
    status: int
    """0 where there was no answer; `reason` is then the kind of the error."""
    reason: str
    environment: str
    elapsed_ms: float
    reference: str
    """Path below `requests/` of its workspace; empty for a request without a file."""
    workspace: tuple[str, str]
    """Id and real path."""

    @property
    def workspace_key(self) -> WorkspaceKey:
        return WorkspaceKey(self.workspace[0], Path(self.workspace[1]))

    def search_text(self) -> str:
        """What a search looks at."""
        parts = (self.method, str(self.status), self.reason, self.url, self.environment, self.reference)
        return " ".join((*parts, self.started_at.astimezone().strftime("%Y-%m-%d %H:%M"))).casefold()


class _Detail(msgspec.Struct, frozen=True, array_like=True):
    id: str
    headers: tuple[tuple[str, str], ...]
    """Of the request; those of the answer are in `answer_headers`."""
    text: str
    secrets_used: tuple[str, ...]
    timing: Timing
    http_version: str
    answer_headers: tuple[tuple[str, str], ...]
    body: bytes
    truncated: str | None
    hops: tuple[Hop, ...]
    notes: tuple[str, ...]
    checks: tuple[CheckResult, ...]
    captured: dict[str, str]
    script_error: ErrorInfo | None = None
    error: ErrorInfo | None = None
    """What was kept before has neither of the two."""


class _Record(msgspec.Struct, frozen=True, array_like=True):
    format: int
    summary: Summary
    detail: msgspec.Raw


class Kept(Struct, frozen=True):
    """An exchange out of the history. Its answer is as it was shown, not as it was received."""

    id: str
    summary: Summary
    exchange: Exchange


def encode(exchange: Exchange, workspace: WorkspaceKey, redactor: Redactor) -> tuple[Summary, bytes]:
    """Only what has passed the redactor is in it; values of secret captures are not, masked or otherwise."""
    redact = redactor.redact
    response, shown = exchange.response, exchange.shown
    body, cut = masked_body(response, redactor)
    note = f"the history keeps the first {LARGEST_BODY // 1024} KiB of {response.body.size:,} bytes" if cut else None
    summary = Summary(
        started_at=exchange.started_at,
        method=redact(exchange.method),
        url=redact(shown.url),
        status=response.status,
        reason=exchange.error.kind if exchange.error else redact(response.reason),
        environment=redact(exchange.environment),
        elapsed_ms=exchange.timing.total_ms,
        reference=redact(exchange.reference),
        workspace=(workspace.id, str(workspace.path)),
    )
    detail = _Detail(
        id=exchange.id,
        headers=_headers(shown.headers, redactor),
        text=_cut(redact(shown.body)),
        secrets_used=exchange.secrets_used,
        timing=exchange.timing,
        http_version=response.http_version,
        answer_headers=_headers(response.headers, redactor),
        body=body,
        truncated="; ".join(filter(None, [response.truncated and redact(response.truncated), note])) or None,
        hops=tuple(replace(hop, url=redact(hop.url), location=redact(hop.location)) for hop in exchange.hops),
        notes=tuple(map(redact, exchange.notes)),
        checks=tuple(
            replace(check, name=redact(check.name), message=redact(check.message)) for check in exchange.checks
        ),
        captured={
            name: MASK if isinstance(value, Secret) else _cut(redact(value))
            for name, value in exchange.captured.items()
        },
        script_error=_masked(exchange.script_error, redactor),
        error=_masked(exchange.error, redactor),
    )
    encoded = msgspec.msgpack.encode(detail)
    return summary, msgspec.msgpack.encode(_Record(FORMAT, summary, msgspec.Raw(encoded)))


def summary_of(data: bytes) -> Summary:
    """Raises ValueError for what this version cannot read."""
    return _record(data).summary


def decode(row_id: str, data: bytes) -> Kept:
    """Raises ValueError for what this version cannot read."""
    record = _record(data)
    summary = record.summary
    detail = msgspec.msgpack.decode(record.detail, type=_Detail)
    exchange = Exchange(
        id=detail.id,
        reference=summary.reference,
        environment=summary.environment,
        started_at=summary.started_at,
        method=summary.method,
        shown=Shown(summary.url, detail.headers, detail.text),
        secrets_used=detail.secrets_used,
        timing=detail.timing,
        response=Response(
            status=summary.status,
            reason=summary.reason,
            http_version=detail.http_version,
            headers=detail.answer_headers,
            body=ReceivedBody.of(detail.body),
            truncated=detail.truncated,
        ),
        hops=detail.hops,
        notes=detail.notes,
        checks=detail.checks,
        captured=detail.captured,
        script_error=detail.script_error,
        error=detail.error,
    )
    return Kept(row_id, summary, exchange)


def _record(data: bytes) -> _Record:
    record = msgspec.msgpack.decode(data, type=_Record)
    if record.format != FORMAT:
        raise ValueError("it was kept by another version of hushpost")
    return record


def _masked(error: ErrorInfo | None, redactor: Redactor) -> ErrorInfo | None:
    if error is None:
        return None
    redact = redactor.redact
    return ErrorInfo(error.kind, _cut(redact(error.message)), _cut(redact(error.hint)) if error.hint else None)


def _headers(headers: tuple[tuple[str, str], ...], redactor: Redactor) -> tuple[tuple[str, str], ...]:
    return tuple((redactor.redact(name), _cut(redactor.redact(value))) for name, value in headers)


def _cut(text: str) -> str:
    return text if len(text) <= LARGEST_TEXT else f"{text[:LARGEST_TEXT]}… {len(text):,} characters in all"


def masked_body(response: Response, redactor: Redactor, most: int = LARGEST_BODY) -> tuple[bytes, bool]:
    """The first bytes of the body as they may be shown, text in UTF-8; and whether more were left out."""
    body = response.body
    kind = kind_of(response.headers, body.read(0, HEAD), redactor.redact)
    stream = redactor.stream()
    masked = bytearray()
    for piece in _pieces(body, kind):
        # What the stream has let go is settled: no secret is cut in two by the limit.
        masked += stream.feed(piece)
        if len(masked) > most:
            break
        time.sleep(_LET_GO)
    else:
        masked += stream.finish()
    # Says that it is UTF-8 now, whatever the Content-Type calls it.
    mark = codecs.BOM_UTF8 if kind.syntax != "binary" and kind.charset not in ("utf-8", "ascii") else b""
    if len(masked) <= most:
        return mark + bytes(masked), False
    del masked[most:]
    if kind.syntax != "binary":
        whole = codecs.getincrementaldecoder("utf-8")("replace").decode(masked)
        masked = bytearray(whole.encode())
    return mark + bytes(masked), True


def _pieces(body: ReceivedBody, kind: Kind) -> Iterator[bytes]:
    """The body in UTF-8; bytes that are no text, as they are."""
    wide = kind.syntax != "binary" and kind.charset not in ("utf-8", "ascii")
    decoder = codecs.getincrementaldecoder(kind.charset)("replace") if wide else None
    offset = 0
    while piece := body.read(offset, _PIECE):
        offset += len(piece)
        yield piece if decoder is None else decoder.decode(piece).encode("utf-8", "replace")
    if decoder is not None:
        yield decoder.decode(b"", True).encode("utf-8", "replace")
