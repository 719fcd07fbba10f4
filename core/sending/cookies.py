"""The cookies of one workspace and environment, in memory alone and open to editing, by the rules of RFC 6265.

Not the standard library's jar: it sends a host's own cookie to every host below it, and mistakes `localhost` and
addresses. There is no public suffix list: a cookie for a name without a dot inside (`com`) is refused, one for `co.uk`
is not.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from core.errors import HushpostError
from core.exchange import Headers, Shown
from core.hosts import Origin, is_loopback, normalize_host
from core.secret import MASK
from core.structs import Struct

LARGEST = 4096
MOST_PER_DOMAIN = 180

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_URL = re.compile(r"[^:]+://[^/?#]*([^?#]*)")


class Cookie(Struct, frozen=True):
    unshown = frozenset({"value"})

    name: str
    value: str
    domain: str
    path: str = "/"
    expires_at: datetime | None = None
    """None: ends with the session."""
    secure: bool = False
    http_only: bool = False
    host_only: bool = True
    """Sent to `domain` alone, not to hosts below it."""

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.domain, self.path, self.name)

    @property
    def pair(self) -> str:
        """As it is sent."""
        return f"{self.name}={self.value}" if self.name else self.value

    @property
    def shown(self) -> str:
        """As a screen or a report may have it: whoever reads the value of a session's cookie can go on with it."""
        return f"{self.name}={MASK}" if self.name else MASK


class Refused(HushpostError):
    """Why a cookie is not taken; `field` is what of it is to blame, where one is."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def _now() -> datetime:
    return datetime.now(UTC)


class Cookies:
    """A jar; one object for each pair of workspace and environment, and for each iteration of a run."""

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        self._cookies: dict[tuple[str, str, str], Cookie] = {}

    def copy(self) -> Cookies:
        other = Cookies(self._clock)
        other._cookies.update(self._cookies)
        return other

    def matching(self, url: str) -> Sequence[Cookie]:
        """What is sent to a URL, in that order; nothing to what is no URL."""
        if not self._cookies:
            return ()
        try:
            origin, path = _place(url)
        except ValueError:
            return ()
        secure = origin.scheme == "https" or is_loopback(origin.host)
        sent = [
            cookie
            for cookie in self._live()
            if _host_matches(cookie, origin.host) and _path_matches(cookie.path, path) and (secure or not cookie.secure)
        ]
        return sorted(sent, key=lambda cookie: -len(cookie.path))

    def header(self, url: str) -> str:
        """The Cookie header for a URL; empty for none."""
        return "; ".join(cookie.pair for cookie in self.matching(url))

    def shown_in(self, shown: Shown) -> Shown:
        """A request with the cookies that it would be sent with."""
        written = next((value for name, value in shown.headers if name.lower() == "cookie"), "")
        sent = beside(written, self.matching(shown.url))
        if not sent:
            return shown
        others = tuple(pair for pair in shown.headers if pair[0].lower() != "cookie")
        cookies = "; ".join(filter(None, (written, *(cookie.shown for cookie in sent))))
        return replace(shown, headers=(*others, ("Cookie", cookies)))

    def store(self, url: str, headers: Headers, redact: Callable[[str], str] = str) -> Sequence[str]:
        """Take the Set-Cookie headers of an answer; a sentence for each cookie that was refused."""
        refused = []
        for name, line in headers:
            if name.lower() == "set-cookie":
                try:
                    self._take(_parsed(line, *_place(url), self._clock()))
                except Refused as reason:
                    # Redacted before it is cut: half of a secret is no longer known.
                    shown = redact(line.partition("=")[0].strip())[:40]
                    refused.append(f'the cookie "{shown}" was refused: {reason}')
        return refused

    def all(self) -> Sequence[Cookie]:
        """By domain, path and name, without those that have ended."""
        return sorted(self._live(), key=lambda cookie: cookie.key)

    def put(self, cookie: Cookie) -> None:
        """Add a cookie, or change the one of the same domain, path and name; Refused says what is wrong with it."""
        self._take(self._checked(cookie))

    def edit(self, before: Cookie | None, cookie: Cookie) -> None:
        """Put a cookie in the place of another, or add it; a third of the same key is not overwritten."""
        made = self._checked(cookie)
        taken = {one.key for one in self._live()} - ({before.key} if before is not None else set())
        if made.key in taken:
            raise Refused("there is a cookie of this name for this domain and path", field="name")
        if before is not None:
            self.delete(before)
        self._take(made)

    def _checked(self, cookie: Cookie) -> Cookie:
        _check_pair(cookie.name, cookie.value)
        try:
            domain = normalize_host(cookie.domain.strip().lstrip("."))
        except ValueError as error:
            raise Refused(f"the domain is not valid: {error}", field="domain") from None
        host_only = cookie.host_only or _is_address(domain)
        if not host_only and "." not in domain:
            raise Refused("a whole top-level domain can have no cookie", field="domain")
        if not cookie.path.startswith("/") or ";" in cookie.path or _CONTROL.search(cookie.path):
            raise Refused("its path does not begin with /", field="path")
        if cookie.expires_at is not None and cookie.expires_at <= self._clock():
            raise Refused("it would have ended already", field="expires_at")
        _check_prefix(cookie.name, secure=cookie.secure, for_all=host_only and cookie.path == "/")
        return replace(cookie, domain=domain, host_only=host_only)

    def delete(self, cookie: Cookie) -> None:
        self._cookies.pop(cookie.key, None)

    def clear(self, domain: str | None = None) -> None:
        """Delete those of a domain, or all."""
        for key in [key for key in self._cookies if domain in (None, key[0])]:
            del self._cookies[key]

    def __len__(self) -> int:
        return len(self._live())

    def _live(self) -> list[Cookie]:
        now = self._clock()
        ended = [key for key, cookie in self._cookies.items() if cookie.expires_at and cookie.expires_at <= now]
        for key in ended:
            del self._cookies[key]
        return list(self._cookies.values())

    def _take(self, cookie: Cookie) -> None:
        if cookie.expires_at is not None and cookie.expires_at <= self._clock():
            self._cookies.pop(cookie.key, None)
            return
        self._cookies[cookie.key] = cookie
        of_domain = [key for key in self._cookies if key[0] == cookie.domain]
        for key in of_domain[: max(0, len(of_domain) - MOST_PER_DOMAIN)]:
            del self._cookies[key]


class Jars(dict[Hashable, Cookies]):
    """Of all workspaces and environments of one session."""

    def drop(self, secret: Callable[[str], object]) -> None:
        """Delete the cookies whose value holds a secret."""
        for jar in self.values():
            for cookie in jar.all():
                if secret(cookie.value):
                    jar.delete(cookie)


def beside(written: str, cookies: Sequence[Cookie]) -> Sequence[Cookie]:
    """The cookies that go into a Cookie header beside what is written there already: what is written wins."""
    own = {pair.partition("=")[0].strip() for pair in written.split(";")} if written else ()
    return [cookie for cookie in cookies if cookie.name not in own]


def _check_pair(name: str, value: str) -> None:
    for field, text in (("name", name), ("value", value)):
        if _CONTROL.search(text) or ";" in text:
            raise Refused(f"its {field} has a character that no cookie can hold", field=field)
    if "=" in name:
        raise Refused("its name has a =, which ends a cookie's name", field="name")
    if not f"{name}{value}".strip():
        raise Refused("it has neither a name nor a value", field="name")
    if len(name) + len(value) > LARGEST:
        raise Refused(f"it is larger than {LARGEST} bytes", field="value")


def _check_prefix(name: str, *, secure: bool, for_all: bool) -> None:
    """What browsers hold the prefixes of names to; `for_all` of one host, and of no other."""
    if name.lower().startswith("__secure-") and not secure:
        raise Refused("its name asks for Secure", field="secure")
    if name.lower().startswith("__host-") and not (secure and for_all):
        raise Refused("its name asks for Secure, Path=/ and no Domain", field="name")


def _place(url: str) -> tuple[Origin, str]:
    match = _URL.match(url)
    return Origin.of(url), (match[1] if match else "") or "/"


def _parsed(line: str, origin: Origin, path: str, now: datetime) -> Cookie:
    pair, *attributes = line.split(";")
    name, equals, value = pair.partition("=")
    if not equals:
        name, value = "", name
    name, value = name.strip(" \t"), value.strip(" \t")
    if not name and not value:
        raise Refused("it is empty")
    if _CONTROL.search(line):
        raise Refused("it holds a control character")
    if len(name) + len(value) > LARGEST:
        raise Refused(f"it is larger than {LARGEST} bytes")
    said: dict[str, str] = {}
    for attribute in attributes:
        key, _, text = attribute.partition("=")
        said[key.strip().lower()] = text.strip()
    secure = "secure" in said
    if secure and origin.scheme != "https" and not is_loopback(origin.host):
        raise Refused("it is for https, and this answer came by plain http")
    domain, host_only = _domain(said.get("domain", ""), origin.host)
    own_path = said.get("path", "")
    if not own_path.startswith("/"):
        own_path = path[: path.rfind("/")] or "/"
    _check_prefix(name, secure=secure, for_all=host_only and said.get("path") == "/")
    return Cookie(name, value, domain, own_path, _expiry(said, now), secure, "httponly" in said, host_only)


def _domain(text: str, host: str) -> tuple[str, bool]:
    """The cookie's domain, and whether it is for the host alone."""
    if not text.lstrip("."):
        return host, True
    try:
        domain = normalize_host(text.lstrip("."))
    except ValueError:
        raise Refused("its Domain is not valid") from None
    if domain == host:
        return host, "." not in domain or _is_address(host)
    if _is_address(host) or not host.endswith(f".{domain}"):
        raise Refused("its Domain is another host's")
    if "." not in domain:
        raise Refused("its Domain is a whole top-level domain")
    return domain, False


def _expiry(said: dict[str, str], now: datetime) -> datetime | None:
    max_age = said.get("max-age", "")
    if re.fullmatch(r"-?\d+", max_age):
        # An integer of thousands of digits is an error.
        seconds = min(int(max_age[:12]), 400 * 24 * 3600)
        return now + timedelta(seconds=max(seconds, -1))
    if not said.get("expires"):
        return None
    from email.utils import mktime_tz, parsedate_tz

    try:
        date = parsedate_tz(said["expires"])
        stamp = mktime_tz(date) if date else None
    except (ValueError, OverflowError, TypeError, IndexError):
        stamp = None
    return None if stamp is None else datetime.fromtimestamp(max(0.0, min(float(stamp), 4e9)), UTC)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _host_matches(cookie: Cookie, host: str) -> bool:
    return host == cookie.domain or (not cookie.host_only and host.endswith(f".{cookie.domain}"))


def _path_matches(cookie: str, path: str) -> bool:
    return path == cookie or (path.startswith(cookie) and (cookie.endswith("/") or path[len(cookie)] == "/"))
