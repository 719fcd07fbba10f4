"""What AWS's and the network's failures mean to a person, without a key, a value or a request id."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
    SSOError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from core.errors import LoginFailed, LoginRequired, ProviderUnavailable, VaultError
from core.vault.provider import CONNECT_S, READ_S

ENDED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
REFUSED = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "InvalidAccessKeyId",
        "AuthFailure",
    }
)
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"})
THROTTLED = frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"})


def code_of(error: Exception) -> str:
    """AWS's own name of a failure; for botocore's failures the class."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return type(error).__name__.removesuffix("Error")


@contextmanager
def translated(service: str, endpoint: str = "") -> Iterator[None]:
    """Turn what no caller has handled inside the block into errors of ours."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise meaning(error, f'"{endpoint}"' if endpoint else f"AWS ({service})") from error
    except (KeyError, ValueError) as error:
        # A token file of the SSO cache that is no JSON or has no valid date.
        raise LoginRequired(
            "the cached AWS login cannot be read", hint="log in again: aws sso login --profile PROFILE"
        ) from error


def meaning(error: ClientError | BotoCoreError, where: str) -> VaultError:
    code = code_of(error)
    if code in ENDED:
        return LoginRequired("the AWS login has ended", hint="log in again: hushpost credential login {credential}")
    if code in REFUSED:
        return LoginFailed("AWS refuses the keys", hint="check the access key ID, the secret key and the session token")
    if code in THROTTLED:
        return ProviderUnavailable(f"{where} gets too many requests", hint="wait, then try again")
    match error:
        case NoCredentialsError() | PartialCredentialsError():
            return LoginFailed(
                "there are no AWS keys to log in with", hint="check the credential, or what AWS's own chain finds here"
            )
        case NoRegionError():
            return LoginFailed("no AWS region is set", hint="set the credential's region")
        case SSOTokenLoadError() | TokenRetrievalError() | UnauthorizedSSOTokenError() | SSOError():
            return LoginRequired(
                "the login of IAM Identity Center has ended",
                hint="log in again: aws sso login --profile PROFILE, or hushpost credential login {credential}",
            )
        case ConnectTimeoutError():
            return ProviderUnavailable(
                f"{where} cannot be reached within {CONNECT_S:g} seconds", hint="check the region and the network"
            )
        case ReadTimeoutError():
            return ProviderUnavailable(
                f"{where} did not answer within {READ_S:g} seconds", hint="check the network, then try again"
            )
        case SSLError():
            return ProviderUnavailable(
                f"the connection to {where} is not secure", hint="check the proxy and AWS_CA_BUNDLE"
            )
        case ProxyConnectionError():
            return ProviderUnavailable(f"the proxy to {where} cannot be used", hint="check HTTPS_PROXY and NO_PROXY")
        case EndpointConnectionError() | HTTPClientError():
            return ProviderUnavailable(f"{where} cannot be reached", hint="check the region, endpoint and network")
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return ProviderUnavailable(f"{where} answered with an error ({code or status})", hint="try again")
    return ProviderUnavailable(f"the AWS SDK gave up ({code})", hint="check the credential and the link")
