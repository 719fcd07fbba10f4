"""The headers of a request or folder: names that are usual are completed, and the values that they usually have."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tui.widgets.key_value_table import KeyValueTable
from tui.widgets.names import Names, Words
from tui.widgets.table_lines import NAME_VALUE, TableRow

_MEDIA = ("application/json", "application/xml", "application/octet-stream", "text/html", "text/plain", "text/csv")
_USUAL: dict[str, tuple[str, ...]] = {
    "Accept": (*_MEDIA, "application/problem+json", "text/event-stream", "*/*"),
    "Accept-Charset": ("utf-8",),
    "Accept-Encoding": ("gzip, deflate", "identity"),
    "Accept-Language": ("en", "en-GB", "de", "fr"),
    "Authorization": (),
    "Cache-Control": ("no-cache", "no-store", "max-age=0"),
    "Content-Disposition": ("attachment",),
    "Content-Encoding": ("gzip", "identity"),
    "Content-Language": ("en",),
    "Content-MD5": (),
    "Content-Type": (*_MEDIA, "application/x-www-form-urlencoded", "multipart/form-data"),
    "Cookie": (),
    "Date": (),
    "DNT": ("1",),
    "Expect": ("100-continue",),
    "Forwarded": ("for=", "proto=https"),
    "From": (),
    "Host": (),
    "Idempotency-Key": ("{{$uuid}}",),
    "If-Match": ("*",),
    "If-Modified-Since": (),
    "If-None-Match": ("*",),
    "If-Range": (),
    "If-Unmodified-Since": (),
    "Last-Event-ID": (),
    "Origin": (),
    "Pragma": ("no-cache",),
    "Prefer": ("return=minimal", "return=representation", "respond-async"),
    "Range": ("bytes=0-",),
    "Referer": (),
    "traceparent": (),
    "User-Agent": (),
    "X-API-Key": (),
    "X-Correlation-ID": ("{{$uuid}}",),
    "X-Forwarded-For": (),
    "X-Forwarded-Host": (),
    "X-Forwarded-Proto": ("https", "http"),
    "X-HTTP-Method-Override": ("PUT", "PATCH", "DELETE"),
    "X-Request-ID": ("{{$uuid}}",),
    "X-Requested-With": ("XMLHttpRequest",),
}
_SAID = {"authorization": "the Auth tab writes it", "cookie": "the cookie jar sends it", "host": "the address says it"}
_VALUES = {name.casefold(): values for name, values in _USUAL.items()}


class HeaderTable(KeyValueTable):
    def __init__(self, names: Callable[[], Names], *, id: str | None = None) -> None:
        super().__init__(NAME_VALUE, names=names, empty="no headers of its own: n adds one", id=id)

    def _words(self, row: TableRow, column: int) -> Words | None:
        if column == 0:
            return lambda typed: beginning(typed, _USUAL) if typed else ()
        values = _VALUES.get(row.cells[0].strip().casefold(), ())
        return lambda typed: beginning(typed, values)


def beginning(typed: str, words: Iterable[str]) -> list[tuple[str, str]]:
    """Those that begin with what is typed, then those of which a later part does."""
    wanted = typed.casefold()
    first, later = [], []
    for word in words:
        folded = word.casefold()
        said = _SAID.get(folded, "")
        if folded.startswith(wanted):
            first.append((word, said))
        elif any(part.startswith(wanted) for part in folded.replace("/", "-").split("-")[1:]):
            later.append((word, said))
    return first + later
