"""What Entra ID's, Key Vault's and the network's failures mean to a person, without a token, a value or a trace id."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests.exceptions
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.identity import AuthenticationRequiredError

from core.errors import LoginFailed, LoginRequired, ProviderUnavailable, VaultError
from core.vault.provider import CONNECT_S, READ_S

AGAIN = "log in again: `hushpost credential login {credential}`"
ENDED = "the Azure login has ended"
LOOK_UP = "https://login.microsoftonline.com/error?code="
_CODE = re.compile(r"AADSTS(\d+)")
_SERVER_ERROR = re.compile(r"HTTP Error: (5\d\d)")
"""How MSAL tells of a bad status; the answer itself is lost."""

_SECRET = "make a new client secret for the application, and edit the credential with its value (not its ID)"  # noqa: S105 - a sentence
_CLIENT = "check the credential's client ID and tenant ID"
_CONSENT = "let an administrator grant the application the delegated permission user_impersonation of Azure Key Vault"
_ACCOUNT = "log in with an account of this tenant, or correct the credential's tenant ID"
_POLICY = "ask who administers Entra ID; the other types of credential may be allowed"

_MEANINGS: dict[str, tuple[type[VaultError], str, str]] = {
    "7000215": (LoginFailed, "Entra ID refuses the client secret", _SECRET),
    "7000222": (LoginFailed, "the client secret has ended", _SECRET),
    "7000218": (
        LoginFailed,
        "the application asks for a client secret",
        "allow public client flows for the application in Entra ID, or use a service principal",
    ),
    "7000112": (LoginFailed, "the application is disabled", "ask who administers Entra ID"),
    "700016": (LoginFailed, "the tenant has no application with this client ID", _CLIENT),
    "700027": (
        LoginFailed,
        "Entra ID does not know the certificate",
        "upload the certificate to the application, or correct the credential's certificate",
    ),
    "700024": (LoginFailed, "Entra ID finds the login too old or too new", "set this machine's clock"),
    "90002": (LoginFailed, "there is no such tenant", "check the credential's tenant ID and authority"),
    "900023": (LoginFailed, "there is no such tenant", "check the credential's tenant ID and authority"),
    "50011": (
        LoginFailed,
        "the application does not know our redirect address",
        "add the redirect URI http://localhost to the application, for mobile and desktop applications",
    ),
    "65001": (LoginFailed, "the application has no consent to use Key Vault", _CONSENT),
    "650052": (LoginFailed, "the application has no consent to use Key Vault", _CONSENT),
    "650057": (LoginFailed, "the application has no permission for Key Vault", _CONSENT),
    "90094": (LoginFailed, "the application has no consent to use Key Vault", _CONSENT),
    "500011": (LoginFailed, "the tenant does not know Key Vault", "check the credential's tenant ID and authority"),
    "65004": (LoginFailed, "the login was declined in the browser", AGAIN),
    "50105": (LoginFailed, "the account is not assigned to the application", "ask who administers Entra ID"),
    "50020": (LoginFailed, "the account is not of this tenant", _ACCOUNT),
    "50034": (LoginFailed, "the account is not of this tenant", _ACCOUNT),
    "51004": (LoginFailed, "the account is not of this tenant", _ACCOUNT),
    "90072": (LoginFailed, "the account is not of this tenant", _ACCOUNT),
    "50053": (LoginFailed, "the account is locked", "ask who administers Entra ID"),
    "50057": (LoginFailed, "the account is disabled", "ask who administers Entra ID"),
    "50126": (LoginFailed, "the user name or the password is wrong", "correct it, then log in again"),
    "53000": (LoginFailed, "a policy of the tenant forbids the login from this machine", _POLICY),
    "53001": (LoginFailed, "a policy of the tenant forbids the login from this machine", _POLICY),
    "53002": (LoginFailed, "a policy of the tenant forbids the login with this application", _POLICY),
    "53003": (LoginFailed, "a policy of the tenant forbids the login", _POLICY),
    "50076": (LoginRequired, "the tenant asks for a second factor", AGAIN),
    "50078": (LoginRequired, "the second factor of the login has ended", AGAIN),
    "50079": (LoginRequired, "the tenant asks for a second factor", AGAIN),
    "50158": (LoginRequired, "the tenant asks for a second factor", AGAIN),
    "50173": (LoginRequired, ENDED, AGAIN),
    "70043": (LoginRequired, ENDED, AGAIN),
    "700082": (LoginRequired, ENDED, AGAIN),
    "700084": (LoginRequired, ENDED, AGAIN),
    "70018": (LoginFailed, "the code was refused", AGAIN),
    "70019": (LoginRequired, "nobody logged in before the code ended", AGAIN),
    "70020": (LoginRequired, "nobody logged in before the code ended", AGAIN),
    "50196": (ProviderUnavailable, "Entra ID gets too many requests", "wait a minute, then try again"),
    "90033": (ProviderUnavailable, "Entra ID has a passing failure", "try again"),
    "90055": (ProviderUnavailable, "Entra ID gets too many requests", "wait a minute, then try again"),
}


@contextmanager
def signing_in(host: str) -> Iterator[None]:
    """Turn what fails on the way to a token into an error of ours."""
    try:
        yield
    except (AzureError, ValueError, OSError) as error:
        failure = login_failure(error, host)
        # A prompter's refusal comes wrapped in the error that it would be chained to.
        raise failure from (None if isinstance(error, ValueError) or failure in causes_of(error) else error)


def login_failure(error: Exception, host: str) -> VaultError:
    """azure-identity calls every failure a refusal; what it wraps tells whether Entra ID was reached at all."""
    causes = tuple(causes_of(error))
    for cause in causes:
        if isinstance(cause, VaultError):
            return cause
    for cause in causes:
        if isinstance(cause, (ServiceRequestError, ServiceResponseError)):
            return network_failure(cause, host)
    text = " ".join(_said(cause) for cause in causes)
    server_error = _SERVER_ERROR.search(text)
    if server_error is not None:
        return ProviderUnavailable(f'"{host}" answered with status {server_error[1]}', hint="try again")
    if "temporarily_unavailable" in text:
        return ProviderUnavailable(f'"{host}" gets too many requests', hint="wait a minute, then try again")
    if "Unable to get authority configuration" in text:
        kind, message, hint = _MEANINGS["90002"]
        return kind(message, hint=hint)
    code = _CODE.search(text)
    if code is not None and code[1] in _MEANINGS:
        kind, message, hint = _MEANINGS[code[1]]
        return kind(message, hint=hint)
    if isinstance(error, AuthenticationRequiredError):
        return LoginRequired("Azure asks for a new login", hint=AGAIN)
    if "Timed out" in text or "code_expired" in text or "expired_token" in text:
        return LoginRequired("nobody logged in in time", hint=AGAIN)
    if "access_denied" in text or "authorization_declined" in text:
        return LoginFailed("the login was declined in the browser", hint=AGAIN)
    if "state mismatch" in text:
        return LoginFailed("the answer of the browser does not belong to this login", hint=AGAIN)
    if "start an HTTP server" in text:
        return LoginFailed(
            "no port of this machine is free for the browser's answer (8400 to 8999)",
            hint='use a credential of the type "Device code"',
        )
    if code is not None:
        return LoginFailed(f"Entra ID refuses the login (AADSTS{code[1]})", hint=f"look it up: {LOOK_UP}{code[1]}")
    return LoginFailed("Entra ID refuses the login", hint="check the fields of the credential, then log in again")


def network_failure(error: Exception, host: str) -> ProviderUnavailable:
    causes = tuple(causes_of(error))
    if isinstance(error, ServiceRequestTimeoutError):
        return ProviderUnavailable(
            f'"{host}" cannot be reached within {CONNECT_S:g} seconds', hint="check the address and the network"
        )
    if isinstance(error, ServiceResponseTimeoutError):
        return ProviderUnavailable(
            f'"{host}" did not answer within {READ_S:g} seconds', hint="check the network, then try again"
        )
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            reason = str(cause.reason or "handshake failed")
            if isinstance(cause, ssl.SSLCertVerificationError):
                reason = cause.verify_message
            return ProviderUnavailable(
                f'the connection to "{host}" is not secure: {reason.replace("_", " ").lower()}',
                hint="behind a proxy that breaks TLS, set REQUESTS_CA_BUNDLE to the PEM file of its authority",
            )
    if any(isinstance(cause, requests.exceptions.ProxyError) for cause in causes):
        return ProviderUnavailable(
            f'"{host}" cannot be reached through the proxy', hint="check HTTPS_PROXY and NO_PROXY, and the address"
        )
    return ProviderUnavailable(
        f'"{host}" cannot be reached: {_reason(causes)}', hint="check the name of the vault and the network"
    )


def status_of(error: HttpResponseError) -> int:
    return int(getattr(error.response, "status_code", 0) or 0)


def inner_code(error: HttpResponseError) -> str:
    """Key Vault's own name of a refusal, such as `SecretDisabled`."""
    inner: Any = getattr(error.error, "innererror", None)
    return str(inner.get("code", "")) if isinstance(inner, dict) else ""


def unusable(error: HttpResponseError, host: str) -> VaultError:
    """A failure that says nothing of the secret."""
    status = status_of(error)
    if status == 429:
        after = error.response.headers.get("Retry-After", "") if error.response is not None else ""
        wait = f"wait {after} seconds" if after.isdecimal() else "wait a minute"
        return ProviderUnavailable(f'"{host}" gets too many requests', hint=f"{wait}, then try again")
    if status >= 400:
        return ProviderUnavailable(f'"{host}" answered with status {status}', hint="try again")
    return no_answer(host)


def no_answer(host: str) -> ProviderUnavailable:
    return ProviderUnavailable(
        f'what "{host}" answered is no answer of Key Vault', hint="check the link, and the proxy if there is one"
    )


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """The exception and what it wraps: azure keeps the cause in `inner_exception`, urllib3 in `reason` or arguments."""
    seen: set[int] = set()
    todo: list[object] = [error]
    while todo:
        current = todo.pop(0)
        if isinstance(current, BaseException) and id(current) not in seen:
            seen.add(id(current))
            yield current
            inner = (getattr(current, name, None) for name in ("inner_exception", "reason"))
            todo += [*inner, *current.args, current.__cause__]


def _said(error: BaseException) -> str:
    """What the error and the answer that it is of say, to look for known words in; never shown."""
    response = error.response if isinstance(error, HttpResponseError) else None
    try:
        return f"{error} {response.text() if response is not None else ''}"
    except (AzureError, ValueError):
        return str(error)


def _reason(causes: tuple[BaseException, ...]) -> str:
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return "its name is not known"
        if isinstance(cause, OSError) and cause.strerror and not isinstance(cause, requests.RequestException):
            return cause.strerror.lower()
    return "the connection was closed"
