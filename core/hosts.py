"""Which hosts may receive a secret: the grammar of `allowed_hosts` and of this user's approvals. Pure.

    api.example.com            https there, on port 443; or http or https on any port of a loopback host
    *.example.com              any host below example.com, not example.com itself
    https://api.example.com:8443      exactly that scheme and port
    http://api.example.com     plain http, which has to be said
    socks5://127.0.0.1:1080    a proxy, whose address holds the secret

An approval may be preceded by the terms of the route, each of which the user approved with it: `insecure` (the server's
certificate is not checked), `ca NAME:DIGEST` (other authorities are trusted), `proxy SCHEME://HOST:PORT`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache

from core.errors import HushpostError
from core.structs import Struct

DEFAULT_PORTS = {"http": 80, "https": 443}
PROXY_PORTS = {**DEFAULT_PORTS, "socks5": 1080}
_HOST = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?(?P<host>\[[0-9A-Fa-f:.%]+\]|[^\s/\[\]:@?#\\]+)(?::(?P<port>\d{1,5}))?"
)
_URL = re.compile(
    r"(?P<scheme>https?|socks5)://(?:[^/?#]*@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^/?#\[\]:@\\]+)(?::(?P<port>\d{0,5}))?(?=[/?#]|\Z)",
    re.IGNORECASE,
)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


class Origin(Struct, frozen=True):
    """Scheme, host and port of a URL, as the wire has them: IDNA, lower case, without a trailing dot."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """The origin of an absolute http or https URL; ValueError for anything else."""
        return _origin(url, proxy=False)

    @classmethod
    def of_proxy(cls, url: str) -> Origin:
        """The same, for the address of a proxy, which may be a SOCKS one."""
        return _origin(url, proxy=True)

    @property
    def netloc(self) -> str:
        """As the Host header has it: without the scheme's own port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if DEFAULT_PORTS.get(self.scheme) == self.port else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}"


class HostPattern(Struct, frozen=True):
    """One entry of `allowed_hosts`."""

    scheme: str | None
    host: str
    """Without the leading `*.` of a wildcard."""
    port: int | None
    below: bool = False
    """Hosts below `host` are meant, not `host` itself."""

    def matches(self, url: str | Origin) -> bool:
        """Whether a secret with this entry may go to the URL; a URL that has no http origin matches nothing."""
        if isinstance(url, str):
            try:
                url = Origin.of_proxy(url)
            except ValueError:
                return False
        if not (url.host.endswith(f".{self.host}") if self.below else url.host == self.host):
            return False
        if is_loopback(url.host):
            return self.scheme in (None, url.scheme) and self.port in (None, url.port)
        if url.scheme != (self.scheme or "https"):
            return False
        return url.port == (self.port or PROXY_PORTS[url.scheme])

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        scheme = f"{self.scheme}://" if self.scheme else ""
        port = f":{self.port}" if self.port else ""
        return f"{scheme}{'*.' if self.below else ''}{host}{port}"


@lru_cache(maxsize=1024)
def parse_host(text: str) -> HostPattern:
    """One entry of `allowed_hosts`; a HushpostError says what is wrong with it."""
    cure = "write a host such as api.example.com, *.example.com or https://api.example.com:8443"
    match = _HOST.fullmatch(text.strip())
    if match is None:
        raise HushpostError(f'"{text}" is not a host', hint=cure)
    scheme = match["scheme"].lower() if match["scheme"] else None
    if scheme not in (None, *PROXY_PORTS):
        raise HushpostError(f'"{text}" has the scheme "{scheme}", and only http and https are sent', hint=cure)
    host = match["host"]
    below = host.startswith("*.")
    try:
        name = normalize_host(host.removeprefix("*."))
    except ValueError as error:
        raise HushpostError(f'"{text}" is not a host: {error}', hint=cure) from None
    if below and _address(name) is not None:
        raise HushpostError(f'"{text}" puts a wildcard before an address', hint=cure)
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 0 < port < 65536:
        raise HushpostError(f'"{text}" has a port outside 1 to 65535', hint=cure)
    return HostPattern(scheme, name, port, below)


def need(origin: Origin, terms: Iterable[str] = ()) -> str:
    """What this user has to have approved before a secret goes to `origin` over a route with these terms."""
    return " ".join((*terms, str(origin)))


def covers(approval: str, wanted: str) -> bool:
    """Whether an approval (a need, or the same with a host pattern in place of the origin) covers a need."""
    *approved_terms, host = approval.split(" ")
    *terms, origin = wanted.split(" ")
    if approved_terms != terms:
        return False
    return host == origin or parse_host(host).matches(origin)


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its form alone; nothing is looked up."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    if address is None:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


@lru_cache(maxsize=1024)
def normalize_host(host: str) -> str:
    """A host as the wire has it; ValueError says why it is none."""
    host = host.strip().rstrip(".") if not host.startswith("[") else host
    if host.startswith("["):
        try:
            return str(ipaddress.IPv6Address(host.strip("[]")))
        except ValueError:
            raise ValueError("it is not an IPv6 address") from None
    if not host:
        raise ValueError("it is empty")
    address = _address(host)
    if address is not None:
        return str(address)
    lowered = host.lower()
    if not lowered.isascii():
        import idna

        try:
            lowered = idna.encode(host, uts46=True, std3_rules=False).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            raise ValueError("it is not a valid international name") from None
    if len(lowered) > 253 or not all(_LABEL.fullmatch(label) for label in lowered.split(".")):
        raise ValueError("it is not a valid name")
    if lowered.rsplit(".", 1)[-1].isdigit():
        raise ValueError("it is not an IPv4 address")
    return lowered


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def _origin(url: str, *, proxy: bool) -> Origin:
    # Not urlsplit: it drops line breaks, and quotes a host it does not like.
    match = _URL.match(url)
    scheme = match["scheme"].lower() if match is not None else ""
    if match is None or (scheme not in DEFAULT_PORTS and not proxy):
        raise ValueError("it is not an http or https URL with a host")
    port = int(match["port"]) if match["port"] else PROXY_PORTS[scheme]
    if not 0 < port < 65536:
        raise ValueError("the port is outside 1 to 65535")
    return Origin(scheme, normalize_host(match["host"]), port)
