"""What a redirect makes of a request: where it leads, with which method, and which headers stay behind. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import urljoin

from core.errors import RequestError
from core.exchange import Headers
from core.hosts import Origin
from core.models import Field
from core.sending import urls
from core.structs import Struct
from core.template import Rendered

STATUSES = frozenset({301, 302, 303, 307, 308})

_LOG_IN = frozenset({"authorization", "cookie", "proxy-authorization"})
_OF_BODY = frozenset(
    {"content-type", "content-length", "content-encoding", "content-language", "content-location", "transfer-encoding"}
)


class Redirected(Struct, frozen=True):
    unshown = frozenset({"url", "origin", "headers"})

    method: str
    url: str
    origin: Origin
    headers: Headers
    keeps_body: bool
    dropped: tuple[str, ...]
    """Names of the headers that stay behind, because the new origin is another."""


def filled(name: str, rows: Iterable[Field]) -> bool:
    """Whether the header of this lower-case name may have its value from a variable."""
    with_variables = [row for row in rows if row.enabled and "{{" in row.name + row.value]
    return any("{{" in row.name or row.name.lower() == name for row in with_variables)


def location(status: int, headers: Headers) -> str | None:
    """Where an answer sends us; None for an answer that is no redirect."""
    if status not in STATUSES:
        return None
    return next((value for name, value in headers if name.lower() == "location" and value.strip()), None)


def follow(
    status: int,
    target: str,
    *,
    method: str,
    url: str,
    headers: Headers,
    sensitive: Callable[[str, str], bool],
) -> Redirected:
    """`sensitive` says which headers must not leave their origin besides those that log in.

    Browsers' rules: 303 makes a GET of everything but HEAD, 301 and 302 of POST; 307 and 308 repeat the request.
    """
    try:
        address = urls.examine(urls.compose(urljoin(url, target), {}, (), lambda text, where: Rendered(text)))
    except (RequestError, ValueError):
        raise RequestError(
            "the server redirects to an address that is not http or https, or not valid",
            kind="redirect-refused",
            hint="set options.follow_redirects = false to see the answer",
        ) from None
    before = Origin.of(url)
    to_get = (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST")
    kept: list[tuple[str, str]] = []
    dropped: list[str] = []
    elsewhere = address.origin != before
    for name, value in headers:
        lowered = name.lower()
        if to_get and lowered in _OF_BODY:
            continue
        if lowered == "host":
            own = value.lower() != before.netloc
            if own and elsewhere:
                dropped.append(name)
            kept.append((name, value if own and not elsewhere else address.origin.netloc))
        elif elsewhere and (lowered in _LOG_IN or sensitive(lowered, value)):
            dropped.append(name)
        else:
            kept.append((name, value))
    return Redirected(
        "GET" if to_get else method, address.url, address.origin, tuple(kept), not to_get, tuple(dict.fromkeys(dropped))
    )
