"""What an exchange shows of its request: as it was prepared, with what sending added, every secret masked."""

from __future__ import annotations

import re

from msgspec.structs import replace

from core.exchange import Shown, Signature
from core.models import Auth, AwsSigV4Auth, NtlmAuth, OAuth1Auth, OAuth2Auth
from core.redactor import Redactor
from core.secret import MASK

_BETWEEN = "\0\x1e\0"
_SIGNATURE = re.compile(r"(\boauth_signature=)[^&#]*")
_MASKED = frozenset({"x-amz-security-token", "content-length"})
"""Of the headers that sign: a token, and a length that would tell that of what was signed."""


class Showing:
    """Filled while the request is sent."""

    def __init__(self, prepared: Shown, redactor: Redactor) -> None:
        self._prepared = prepared
        self._redactor = redactor
        self._added: dict[str, tuple[str, str]] = {}
        """Headers as they may be shown, by lower-case name."""
        self._parameters = ""
        self._in_body = False

    def header(self, name: str, shown: str) -> None:
        self._added[name.lower()] = (name, shown)

    def signature(self, signature: Signature) -> None:
        for name, value in signature.headers:
            if name.lower() == "authorization":
                value = f"{value.partition(' ')[0]} {MASK}"
            self.header(name, MASK if name.lower() in _MASKED else value)
        self._parameters = "&".join(f"{name}={MASK}" for name in signature.parameters)
        self._in_body = signature.content is not None

    def shown(self) -> Shown:
        """Through the redactor: plain text may hold a secret's value too."""
        shown = self._prepared
        if self._parameters:
            shown = _with_parameters(shown, self._parameters, in_body=self._in_body)
        if not self._added and self._redactor.empty:
            return shown
        headers = [pair for pair in shown.headers if pair[0].lower() not in self._added] + list(self._added.values())
        url, body, *pairs = self._redacted([shown.url, shown.body, *(text for pair in headers for text in pair)])
        return Shown(url, tuple(zip(pairs[::2], pairs[1::2], strict=True)), body)

    def _redacted(self, texts: list[str]) -> list[str]:
        """Each text redacted, in one search: many small ones cost ten times as much as one of their length."""
        redact = self._redactor.redact
        parts = redact(_BETWEEN.join(texts)).split(_BETWEEN)
        return parts if len(parts) == len(texts) else [redact(text) for text in texts]


def _with_parameters(shown: Shown, added: str, *, in_body: bool) -> Shown:
    if in_body:
        return replace(shown, body=f"{shown.body}&{added}" if shown.body else added)
    return replace(shown, url=f"{shown.url}{'&' if '?' in shown.url else '?'}{added}")


def expected(shown: Shown, auth: Auth) -> Shown:
    """A preview with what sending will add to log in."""
    match auth:
        case OAuth1Auth(location="query"):
            return _with_parameters(shown, f"oauth_signature={MASK}", in_body=False)
        case OAuth1Auth(location="body"):
            return _with_parameters(shown, f"oauth_signature={MASK}", in_body=True)
        case OAuth1Auth():
            scheme = "OAuth"
        case OAuth2Auth():
            scheme = "Bearer"
        case NtlmAuth():
            scheme = "NTLM"
        case AwsSigV4Auth():
            scheme = "AWS4-HMAC-SHA256"
        case _:
            return shown
    others = (pair for pair in shown.headers if pair[0].lower() != "authorization")
    return replace(shown, headers=(*others, ("Authorization", f"{scheme} {MASK}")))


def address(url: str, redactor: Redactor) -> str:
    """Where a redirect leads: it may repeat the query that it was sent."""
    return _SIGNATURE.sub(rf"\1{MASK}", redactor.redact(url))
