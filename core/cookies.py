"""The cookies of one workspace and environment, kept in memory and open to editing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.exchange import Headers


@dataclass(frozen=True)
class Cookie:
    name: str
    value: str = field(repr=False)
    domain: str
    path: str = "/"
    expires_at: datetime | None = None
    """None: ends with the session."""
    secure: bool = False
    http_only: bool = False
    host_only: bool = True
    """Sent to `domain` alone, not to hosts below it."""


class Cookies:
    """A jar: RFC 6265 without a public suffix list (a cookie for a whole top-level domain is refused)."""

    def header(self, url: str) -> str:
        """The Cookie header for a URL; empty for none."""
        raise NotImplementedError

    def store(self, url: str, headers: Headers) -> Sequence[str]:
        """Take the Set-Cookie headers of an answer; a sentence for each cookie that was refused."""
        raise NotImplementedError

    def all(self) -> Sequence[Cookie]:
        raise NotImplementedError

    def put(self, cookie: Cookie) -> None:
        raise NotImplementedError

    def delete(self, cookie: Cookie) -> None:
        raise NotImplementedError

    def clear(self) -> None:
        raise NotImplementedError
