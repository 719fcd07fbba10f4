"""Which way a request takes: TLS trust, client certificate and proxy, and what of it this user has to approve."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from core.errors import RequestError
from core.exchange import CertificateFiles, Destination, Route
from core.hosts import PROXY_PORTS, Origin, is_loopback
from core.models import Options
from core.secret import Secret
from core.template import Rendered

Render = Callable[[str, str], Rendered]
Files = Callable[[str], Path]


def direct_or_by(proxy: str | None, proxies: Mapping[str, str], origin: Origin) -> str | None:
    """The proxy where a request names none: of the settings, else of the environment; never for this machine."""
    if is_loopback(origin.host):
        return None
    if proxy is not None:
        return _proxy(proxy)
    chosen = proxies.get(f"{origin.scheme}_proxy") or proxies.get("all_proxy")
    return _proxy(chosen) if chosen and not _excepted(origin, proxies.get("no_proxy", "")) else None


def build(
    options: Options, render: Render, files: Files, proxy: str | None
) -> tuple[Route, tuple[str, ...], tuple[Destination, ...]]:
    """The route, its terms in the grammar of `core.hosts`, and the proxy as a receiver of secrets in its address.

    `proxy` is the one where the request names none.
    """
    terms: list[str] = []
    elsewhere: list[Destination] = []
    if not options.verify_tls:
        terms.append("insecure")
    ca_file, ca_digest = None, ""
    if options.ca_file:
        path = _file(render(options.ca_file, "options.ca_file"), files, "options.ca_file")
        ca_file = str(path)
        ca_digest = _digest(path)
        terms.append(f"ca {quote(path.name)}:{ca_digest}")
    if options.proxy is not None:
        rendered = render(options.proxy, "options.proxy")
        proxy = _proxy(rendered.reveal(), rendered.shown)
        if proxy is not None:
            terms.append(f"proxy {Origin.of_proxy(proxy)}")
            if rendered.secrets:
                elsewhere.append(Destination("proxy", proxy, rendered.secrets))
    certificate = None
    if options.client_certificate is not None:
        given = options.client_certificate
        where = "options.client_certificate"
        certificate = CertificateFiles(
            str(_file(render(given.cert, where), files, where)),
            str(_file(render(given.key, where), files, where)) if given.key else None,
            Secret(render(given.password, where).reveal()) if given.password else None,
        )
    route = Route(options.verify_tls, ca_file, ca_digest, certificate, proxy, options.http2)
    return route, tuple(terms), tuple(elsewhere)


def _file(path: Rendered, files: Files, where: str) -> Path:
    found = files(path.reveal())
    if not found.is_file():
        raise RequestError(f'{where}: "{path.shown}" is no file', kind="request", hint="give the path of a PEM file")
    return found


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise RequestError(f'the CA file "{path.name}" cannot be read', kind="tls") from error


_LOGIN = "%:@!$&'()*+,;="
"""What stays as it is before the host; brackets, line ends and letters beyond ASCII would be taken for something
else."""
_PROXY = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:(?P<user>[^/?#]*)@)?(?P<host>[^/?#@]+)/?")


def _proxy(text: str, shown: str = "") -> str | None:
    """The proxy's address in the form that the wire takes; None for an empty text."""
    text = text.strip()
    if not text:
        return None
    if "://" not in text:
        text = f"http://{text}"
    match = _PROXY.fullmatch(text)
    named = f' "{shown}"' if shown else ""
    if match is None:
        raise RequestError(
            f"the proxy{named} is no URL", kind="proxy", hint="write http://host:port or socks5://host:port"
        )
    # The names of hosts are always looked up by the proxy, which elsewhere only the `h` says.
    scheme = match["scheme"].lower().replace("socks5h", "socks5")
    if scheme not in PROXY_PORTS:
        raise RequestError(
            f"the proxy{named} is none that can be used",
            kind="proxy",
            hint="write http://host:port, https://host:port or socks5://host:port",
        )
    try:
        origin = Origin.of_proxy(f"{scheme}://{match['host']}")
    except ValueError as error:
        raise RequestError(f"the proxy{named} has no valid host: {error}", kind="proxy") from None
    user = f"{quote(match['user'], safe=_LOGIN)}@" if match["user"] else ""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return f"{scheme}://{user}{host}:{origin.port}"


def _excepted(origin: Origin, no_proxy: str) -> bool:
    """Whether no_proxy names a host: exactly, as a domain above it, as a network, or all with `*`."""
    for entry in no_proxy.split(","):
        name, _, port = (
            entry.strip().lower().partition(":") if entry.count(":") == 1 else (entry.strip().lower(), "", "")
        )
        if not name or (port and port != str(origin.port)):
            continue
        bare = name.lstrip("*").lstrip(".")
        if name == "*" or origin.host == bare or origin.host.endswith(f".{bare}"):
            return True
        try:
            if ipaddress.ip_address(origin.host) in ipaddress.ip_network(name.strip("[]"), strict=False):
                return True
        except ValueError:
            continue
    return False
