"""Whether a secret may go where it is about to go: by its variable's `allowed_hosts`, then by this user's approval."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from core import hosts
from core.errors import HostNotAllowed
from core.exchange import SecretUse
from core.hosts import Origin

Approve = Callable[[SecretUse, str], bool]
"""Whether this user approved that a secret goes there; the text is a need of `core.hosts`."""


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
            raise HostNotAllowed(
                f'"{use.name}" has not been allowed to go to {where}',
                variable=use.name,
                credential=use.credential,
                host=label,
                missing=[what],
                redirect=bool(redirected_from),
                hint="approve the host in the app, or run: hushpost bind --allow-host HOST",
            )


def _listed(patterns: Iterable[str], origin: Origin) -> bool:
    return any(hosts.parse_host(pattern).matches(origin) for pattern in patterns)
