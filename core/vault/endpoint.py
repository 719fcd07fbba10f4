"""The address of a private endpoint, or of a stand-in, that a credential names."""

from __future__ import annotations

from core.errors import LoginFailed
from core.hosts import Origin, is_loopback


def endpoint(address: str) -> str:
    """Scheme, host and port of the address, empty for none; LoginFailed unless https or of this machine."""
    if not address:
        return ""
    try:
        origin = Origin.of(address)
    except ValueError:
        raise LoginFailed("its endpoint is no address", hint="write it like https://HOST") from None
    if origin.scheme != "https" and not is_loopback(origin.host):
        raise LoginFailed("its endpoint is not https", hint="write it like https://HOST")
    return str(origin)
