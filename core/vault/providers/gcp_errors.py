"""What Google's and the network's failures mean to a person, without a key, a token or a value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import requests.exceptions
import urllib3.exceptions
from google.api_core.exceptions import (
    Forbidden,
    GoogleAPICallError,
    TooManyRequests,
    Unauthorized,
)
from google.auth.exceptions import GoogleAuthError, OAuthError, RefreshError, TransportError
from google.protobuf.json_format import ParseError  # type: ignore[import-untyped]

from core.errors import AccessDenied, ProviderUnavailable, SecretNotFound, VaultError
from core.hosts import Origin
from core.vault.provider import CONNECT_S, READ_S

Refused = Callable[[str], VaultError]
"""What a refusal means for this kind of login; it is given what Google said, which holds no secret."""
REFUSED = re.compile(
    r"\b(invalid_grant|invalid_client|unauthorized_client|access_denied|invalid_rapt|deleted_client|disabled_client"
    r"|admin_policy_enforced|Reauthentication is needed)\b"
)


def nothing_special(error: GoogleAPICallError) -> VaultError | None:
    return None


@contextmanager
def translated(
    address: str, refused: Refused, special: Callable[[GoogleAPICallError], VaultError | None] = nothing_special
) -> Iterator[None]:
    """Turn what a call of the SDK raises into an error of ours; `special` knows better what some answers mean.

    Only the call itself belongs inside: the SDK fails with plain ValueErrors and worse at answers it cannot read.
    """
    try:
        yield
    except GoogleAPICallError as error:
        if not _is_googles(error):
            # Not chained: its message is the whole answer.
            raise _from_another(error, address) from None
        raise special(error) or _meaning(error, address, refused) from error
    except TransportError as error:
        raise _unreachable(error.args[0] if error.args else None, address) from error
    except (RefreshError, OAuthError) as error:
        # Not chained: it has the whole answer of the token endpoint in its arguments.
        raise _not_refreshed(error, address, refused) from None
    except GoogleAuthError as error:
        raise ProviderUnavailable(
            f'Google\'s library gave up on "{address}" ({type(error).__name__})', hint="check the login, then try again"
        ) from None
    except requests.exceptions.RequestException as error:
        raise _unreachable(error, address) from error
    except (ParseError, ValueError, TypeError, AttributeError):
        # Not chained: a parser's error may quote what it read.
        raise _not_google(address) from None


def _is_googles(error: GoogleAPICallError) -> bool:
    """Whether the API itself answered, not some other server at its address."""
    kind = getattr(error.response, "headers", {}).get("Content-Type", "")
    return bool(str(kind).startswith("application/json"))


def _not_google(address: str) -> VaultError:
    return ProviderUnavailable(
        f'what "{address}" answered is no answer of Secret Manager',
        hint="check the endpoint, the proxy and the network",
    )


def _meaning(error: GoogleAPICallError, address: str, refused: Refused) -> VaultError:
    match error:
        case Unauthorized():
            return refused("")
        case Forbidden() if error.reason == "SERVICE_DISABLED":
            return AccessDenied(
                "the Secret Manager API is not enabled in the project",
                hint="enable it: gcloud services enable secretmanager.googleapis.com --project PROJECT",
            )
        case Forbidden() if error.reason in ("CONSUMER_INVALID", "USER_PROJECT_DENIED"):
            return SecretNotFound(
                "there is no such project, or it may not be used", hint="correct the project of the link"
            )
        case Forbidden() if error.reason == "BILLING_DISABLED":
            return AccessDenied("the project has no billing account", hint="enable billing for the project")
        case Forbidden() if error.reason in ("SECURITY_POLICY_VIOLATED", "ORG_RESTRICTION_VIOLATION"):
            return AccessDenied(
                "a service perimeter (VPC Service Controls) or a policy of the organisation forbids the call",
                hint="call from inside the perimeter, or ask for an ingress rule",
            )
        case TooManyRequests():
            return ProviderUnavailable(f'"{address}" gets too many requests', hint="wait, then try again")
    return _failing(error, address)


def _from_another(error: GoogleAPICallError, address: str) -> VaultError:
    return _failing(error, address) if (error.code or 0) >= 500 else _not_google(address)


def _failing(error: GoogleAPICallError, address: str) -> VaultError:
    return ProviderUnavailable(f'"{address}" answered with status {error.code}', hint="try again later")


def _not_refreshed(error: GoogleAuthError, address: str, refused: Refused) -> VaultError:
    first = error.args[0] if error.args else ""
    if isinstance(first, Exception):  # Compute Engine's login wraps what the network raised
        return _unreachable(first.args[0] if isinstance(first, TransportError) and first.args else first, address)
    said = str(first)
    if REFUSED.search(said):
        return refused(said)
    return _no_token()


def _no_token() -> VaultError:
    return ProviderUnavailable(
        "Google's login service, or this machine's metadata server, did not give a token",
        hint="try again; if it stays so, check where the login gets its tokens",
    )


def _unreachable(error: object, address: str) -> VaultError:
    """By the cause that requests gives; the address is that of the request that failed, which may be the login's."""
    request = getattr(error, "request", None)
    with suppress(ValueError, TypeError, AttributeError):
        address = str(Origin.of(request.url)) if request is not None else address
    check = "check the address and the network"
    match error:
        case requests.exceptions.SSLError():
            return ProviderUnavailable(
                f'the connection to "{address}" is not secure: its certificate is not trusted',
                hint="if a proxy or a private endpoint has its own authority, set REQUESTS_CA_BUNDLE to its PEM file",
            )
        case requests.exceptions.ProxyError():
            return ProviderUnavailable(
                f'the proxy to "{address}" cannot be used', hint="check HTTPS_PROXY and NO_PROXY"
            )
        case requests.exceptions.ConnectTimeout():
            return ProviderUnavailable(f'"{address}" cannot be reached within {CONNECT_S:g} seconds', hint=check)
        case requests.exceptions.Timeout():
            return ProviderUnavailable(f'"{address}" did not answer within {READ_S:g} seconds', hint=check)
        case requests.exceptions.TooManyRedirects():
            return ProviderUnavailable(f'"{address}" redirects, which no API of Google does', hint=check)
        case requests.exceptions.ConnectionError() if not _was_connected(error):
            return ProviderUnavailable(f'"{address}" cannot be reached', hint=check)
        case requests.exceptions.ConnectionError() | requests.exceptions.ChunkedEncodingError():
            return ProviderUnavailable(f'"{address}" broke the connection off', hint="try again")
        case requests.exceptions.RequestException():
            return _not_google(address)
    return _no_token()


def _was_connected(error: requests.exceptions.ConnectionError) -> bool:
    return bool(error.args) and isinstance(error.args[0], urllib3.exceptions.ProtocolError)
