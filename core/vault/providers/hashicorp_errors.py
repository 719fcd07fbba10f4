"""What Vault's and the network's failures mean to a person, without a token, a value or a request id."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import hvac.exceptions
import requests

from core.errors import ProviderUnavailable, VaultError
from core.vault.provider import CONNECT_S, READ_S


class TokenRefused(Exception):
    """The server does not know the token, or not any more; the provider logs in again where it can."""


@contextmanager
def translated(address: str) -> Iterator[None]:
    """Turn what no caller has handled inside the block into errors of ours."""
    try:
        yield
    except (hvac.exceptions.VaultError, requests.RequestException, OSError) as error:
        # The text of an invalid header is the header: the token.
        cause = None if isinstance(error, requests.exceptions.InvalidHeader) else error
        raise unavailable(error, address) from cause


def unavailable(error: Exception, address: str) -> VaultError:
    if isinstance(error, hvac.exceptions.VaultDown):
        return ProviderUnavailable(
            f'the vault at "{address}" is sealed', hint="unseal it, or ask who operates it, then try again"
        )
    if isinstance(error, hvac.exceptions.VaultNotInitialized):
        return ProviderUnavailable(f'the vault at "{address}" is not initialised', hint="ask who operates it")
    if isinstance(error, hvac.exceptions.RateLimitExceeded):
        return ProviderUnavailable(f'the vault at "{address}" gets too many requests', hint="wait, then try again")
    if isinstance(error, hvac.exceptions.InvalidRequest) and "HTTPS server" in said(error):
        return ProviderUnavailable(
            f'"{address}" speaks https', hint="change http to https in the credential's server address"
        )
    if isinstance(error, hvac.exceptions.InvalidPath) and "namespace not found" in said(error):
        return ProviderUnavailable(
            f'the vault at "{address}" has no such namespace', hint="check the credential's namespace"
        )
    if isinstance(error, hvac.exceptions.VaultError):
        return ProviderUnavailable(
            f'the vault at "{address}" answered with an error ({_plain(type(error).__name__)})',
            hint="try again, or ask who operates it",
        )
    if isinstance(error, requests.exceptions.SSLError):
        return ProviderUnavailable(
            f'the connection to "{address}" is not secure: {_tls_reason(error)}',
            hint="set the credential's CA file to the PEM file of the server's authority, or correct the address",
        )
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return ProviderUnavailable(
            f'"{address}" cannot be reached within {CONNECT_S:g} seconds', hint="check the address and the network"
        )
    if isinstance(error, requests.exceptions.Timeout):
        return ProviderUnavailable(
            f'"{address}" did not answer within {READ_S:g} seconds', hint="check the network, then try again"
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return ProviderUnavailable(
            f'the proxy to "{address}" cannot be used', hint="check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
        )
    if isinstance(error, requests.exceptions.ConnectionError):
        return ProviderUnavailable(
            f'"{address}" cannot be reached: {_network_reason(error)}', hint="check the address and the network"
        )
    if isinstance(error, requests.exceptions.InvalidHeader):
        return ProviderUnavailable(
            "the token or the namespace has characters that cannot be sent", hint="enter it again in the credential"
        )
    return ProviderUnavailable(
        f'what "{address}" answered is no answer of a vault', hint="check the credential's server address"
    )


def said(error: hvac.exceptions.VaultError) -> str:
    """What the server said, to look for a known text in; never shown."""
    errors: Any = error.errors
    return " ".join(map(str, errors)) if errors else str(error.text or "")


def token_is_known(error: hvac.exceptions.Forbidden) -> bool:
    """Whether a refusal is of what the token may do rather than of the token."""
    text = said(error)
    return ("1 error occurred" in text or "preflight capability check" in text) and "invalid token" not in text


def _plain(name: str) -> str:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and what it wraps: urllib3 keeps the cause in `reason`, requests in its arguments."""
    seen: set[int] = set()
    todo: list[object] = [error]
    while todo:
        current = todo.pop(0)
        if isinstance(current, BaseException) and id(current) not in seen:
            seen.add(id(current))
            yield current
            todo += [getattr(current, "reason", None), *current.args, current.__cause__, current.__context__]


def _tls_reason(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        if isinstance(cause, ssl.SSLError) and cause.reason:
            return str(cause.reason).replace("_", " ").lower()
    return "the TLS handshake failed"


def _network_reason(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return "its name is not known"
        if isinstance(cause, OSError) and cause.strerror and not isinstance(cause, requests.RequestException):
            return cause.strerror.lower()
    return "the connection was closed"
