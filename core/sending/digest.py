"""The answer to a Digest challenge, computed by httpx, which is imported when one comes."""

from __future__ import annotations

from core.exchange import Headers
from core.models import DigestAuth


def answer(auth: DigestAuth, method: str, url: str, headers: Headers) -> str | None:
    """The Authorization header; None when there is no challenge, or none that we understand."""
    import httpx

    # As bytes: of text, httpx takes ASCII alone, and a realm is whatever its server is called.
    challenges = [(name.encode(), value.encode()) for name, value in headers if name.lower() == "www-authenticate"]
    flow = httpx.DigestAuth(auth.username, auth.password).auth_flow(httpx.Request(method, url))
    request = next(flow)
    try:
        answered = flow.send(httpx.Response(401, headers=challenges, request=request))
    except (StopIteration, httpx.ProtocolError, NotImplementedError, LookupError, ValueError):
        return None
    given: str | None = answered.headers.get("Authorization")
    return given
