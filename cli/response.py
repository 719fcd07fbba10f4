"""A response on stdout or in a file: redacted text by default, bytes as received only where they were asked for."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.output import Output
from core.charsets import known_charset
from core.errors import HushpostError
from core.exchange import ErrorInfo, Exchange, Response, Result, outcome_of

if TYPE_CHECKING:
    from core.models import Request
    from core.session import Session

CHUNK = 1 << 16
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
ASCII_COMPATIBLE = ("utf-8", "ascii")
TEXT_SAMPLE = 4096


def print_head(output: Output, session: Session, exchange: Exchange) -> None:
    """Status line and headers, redacted, and the empty line below them."""
    response = exchange.response
    output.line(f"{response.http_version} {response.status} {session.redact(response.reason)}".rstrip())
    for name, value in response.headers:
        output.line(f"{session.redact(name)}: {session.redact(value)}")
    output.line()


def print_body(output: Output, session: Session, exchange: Exchange) -> None:
    """Redacted; on a terminal also as safe text, and what is no text only described."""
    response = exchange.response
    charset = charset_of(response)
    if output.is_terminal and not is_text(response):
        output.line(f"({response.body.size} bytes that are no text: save them with -o FILE)")
    elif output.is_terminal or charset not in ASCII_COMPATIBLE:
        text = _redacted_text(session, response)
        if output.is_terminal:
            output.text(text if text.endswith("\n") or not text else f"{text}\n")
        else:
            output.write(text.encode(charset.removesuffix("-sig"), "replace"))
    else:
        stream = session.redactor.stream()
        for chunk in _chunks(response):
            output.write(stream.feed(chunk))
        output.write(stream.finish())


def print_raw(output: Output, exchange: Exchange) -> None:
    """Bytes as received; a terminal gets them as text that moves no cursor."""
    response = exchange.response
    if not output.is_terminal:
        for chunk in _chunks(response):
            output.write(chunk)
    elif is_text(response):
        output.text(_text(response) + "\n")
    else:
        output.line(f"({response.body.size} bytes that are no text: save them with -o FILE)")


def save(path: Path, exchange: Exchange) -> None:
    from core.files import write_whole

    write_whole(path, _chunks(exchange.response))


def print_json(output: Output, session: Session, exchange: Exchange) -> None:
    """A result as in the JSON report of a run, with the response."""
    from core.reports.row import row

    outcome, error = outcome_of(exchange)
    result = Result(
        reference=exchange.reference,
        iteration=1,
        outcome=outcome,
        method=exchange.method,
        url=exchange.shown.url,
        exchange=exchange,
        error=error,
    )
    response = exchange.response
    output.json(
        row(result, session.redact).as_json()
        | {
            "response": {
                "headers": [
                    {"name": session.redact(name), "value": session.redact(value)} for name, value in response.headers
                ],
                "body": _redacted_text(session, response) if is_text(response) else None,
            }
        }
    )


def print_error(output: Output, session: Session, reference: str, request: Request, error: HushpostError) -> None:
    """The same object for a request that got no response."""
    from core.reports.row import row

    result = Result(
        reference=reference,
        iteration=1,
        outcome="error",
        method=request.method.upper(),
        url=request.url,
        error=ErrorInfo(error.kind, str(error), error.hint),
    )
    found: dict[str, Any] = row(result, session.redact).as_json()
    output.json(found | {"response": None})


def charset_of(response: Response) -> str:
    """The encoding of a text body: a byte order mark, what the server says, else UTF-8."""
    start = response.body.read(0, 4)
    for mark, name in BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            return name
    for name, value in response.headers:
        if name.lower() == "content-type":
            _, _, parameter = value.lower().partition("charset=")
            return known_charset(parameter.partition(";")[0].strip(" \"'"))
    return "utf-8"


def is_text(response: Response) -> bool:
    """Whether the body begins like text in its encoding."""
    sample = response.body.read(0, TEXT_SAMPLE)
    decoder = codecs.getincrementaldecoder(charset_of(response))("strict")
    try:
        text = decoder.decode(sample)
    except UnicodeDecodeError:
        return False
    return "\x00" not in text


def _redacted_text(session: Session, response: Response) -> str:
    """Searched as text, and before that as bytes: the encoding is only what the server says it is."""
    data = session.redactor.redact_bytes(response.body.read())
    return session.redact(data.decode(charset_of(response), "replace"))


def _text(response: Response) -> str:
    return response.body.read().decode(charset_of(response), "replace")


def _chunks(response: Response) -> Iterator[bytes]:
    for offset in range(0, response.body.size, CHUNK):
        yield response.body.read(offset, CHUNK)
