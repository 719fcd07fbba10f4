"""Sends a prepared request and follows it hop by hop: consent before each hop, cookies, auth that needs a step, redirects."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from core.cookies import Cookies
from core.exchange import Exchange, Headers, Prepared, Progress, SecretUse
from core.models import OAuth2Auth
from core.prepare import Defaults, prepare, preview
from core.secret import Redactor, Secret

__all__ = ["Defaults", "Sender", "prepare", "preview"]

Approve = Callable[[SecretUse, str], bool]
"""Whether this user approved that a secret goes there; the text is a need of `core.hosts`."""
Refetch = Callable[[Sequence[str]], Awaitable[Prepared | None]]
"""Fetches these variables anew and prepares again; None when no value changed."""
Token = Callable[[OAuth2Auth], Awaitable[Secret]]
"""The access token for an OAuth 2 auth with its real values."""
Sign = Callable[[Prepared], Awaitable[Headers]]
"""The headers that sign this hop of a request with SigV4."""


class Sender:
    """Long-lived connections to any number of servers; one object serves a whole session."""

    def __init__(self, redactor: Redactor) -> None: ...

    async def send(
        self,
        prepared: Prepared,
        *,
        approve: Approve,
        environment: str = "",
        cookies: Cookies | None = None,
        refetch: Refetch | None = None,
        token: Token | None = None,
        sign: Sign | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Exchange:
        """Send and receive; cancelling the task ends the exchange at once. Raises RequestError, HostNotAllowed."""
        raise NotImplementedError

    def close(self) -> None:
        """End every connection; exchanges under way fail."""
