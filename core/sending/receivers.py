"""Whether a secret may go where it is about to go: by its variable's `allowed_hosts`, then by this user's approval."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from core import hosts
from core.errors import HostNotAllowed, RequestError
from core.exchange import Destination, Headers, Prepared, SecretUse
from core.hosts import Origin
from core.models import OAuth2Auth

Approve = Callable[[SecretUse, str], bool]
"""Whether this user approved that a secret goes there; the text is a need of `core.hosts`."""

_NOT_IN_HOST = re.compile(r"[@/?#\s]")


def check(
    uses: Iterable[SecretUse],
    origin: Origin,
    terms: Sequence[str],
    approve: Approve,
    *,
    label: str,
    redirected_from: str = "",
    itself: bool = True,
) -> None:
    """Raise HostNotAllowed unless each secret may go to `origin` over a route with these terms.

    `label` names the origin in messages. `itself` is false where not the secret goes there but what it gave, such as an
    access token: that needs this user's approval, and `allowed_hosts` is about the secret.
    """
    uses = list(uses)
    where = f'"{label}"'
    if redirected_from:
        where += f', where "{redirected_from}" redirects'
    for use in uses if itself else ():
        if use.allowed_hosts is not None and not _listed(use.allowed_hosts, origin):
            listed = ", ".join(use.allowed_hosts) or "none"
            raise HostNotAllowed(
                f'"{use.name}" may not go to {where}: its allowed hosts are {listed}',
                variable=use.name,
                credential=use.credential,
                host=label,
                redirect=bool(redirected_from),
                hint=f'add the host to allowed_hosts of "{use.name}"',
            )
    what = hosts.need(origin, terms)
    for use in uses:
        if not use.consented and not approve(use, what):
            named = f'"{use.name}"' if itself else f'what "{use.name}" gave'
            raise HostNotAllowed(
                f"{named} has not been allowed to go to {where}",
                variable=use.name,
                credential=use.credential,
                host=label,
                missing=[what],
                redirect=bool(redirected_from),
                hint=f"approve the host in the app, or run: {_command(use.credential, what)}",
            )


def split(held: Mapping[str, frozenset[str]], prepared: Prepared) -> tuple[Sequence[SecretUse], Sequence[SecretUse]]:
    """The secrets that go to the request's own host, and those of which it gets only what they gave."""
    places = dict(held)
    # What an OAuth 2 log-in is made of stays with its token server; the request takes the token along.
    derived = places.pop("auth", frozenset()) if isinstance(prepared.auth, OAuth2Auth) else frozenset[str]()
    going = frozenset[str]().union(*places.values())
    return _uses(going, prepared), _uses(derived, prepared)


def _uses(names: frozenset[str], prepared: Prepared) -> list[SecretUse]:
    return [prepared.uses[name] for name in sorted(names)]


def terms(prepared: Prepared, origin: Origin) -> tuple[str, ...]:
    """The terms of the route that count for an origin: how a certificate is checked, only where there is one."""
    return tuple(term for term in prepared.terms if origin.scheme == "https" or term.startswith("proxy "))


def named(origin: Origin, headers: Headers) -> Iterator[Origin]:
    """Who a Host header of the request's own says it is for, where that is not the origin."""
    for name, host in headers:
        if name.lower() == "host" and host.lower() != origin.netloc:
            try:
                if _NOT_IN_HOST.search(host):
                    raise ValueError("it is not a host")
                yield Origin.of(f"{origin.scheme}://{host}")
            except ValueError as error:
                raise RequestError(
                    f'header "Host" names no host that a secret could be allowed for: {error}',
                    kind="request",
                    hint="take the header out, or write a host such as api.example.com",
                ) from None


def origin_of(place: Destination) -> Origin:
    try:
        return Origin.of_proxy(place.url) if place.purpose == "proxy" else Origin.of(place.url)
    except ValueError as error:
        raise RequestError(f"the address of the {place.purpose} server is not valid: {error}", kind="url") from None


def _command(credential: str, what: str) -> str:
    name = [credential] if credential else []
    return shlex.join(["hushpost", "bind", *name, "--allow-host", what])


def _listed(patterns: Iterable[str], origin: Origin) -> bool:
    return any(hosts.parse_host(pattern).matches(origin) for pattern in patterns)
