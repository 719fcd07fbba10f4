"""How each type of GCP credential becomes a login: a service account's key, or application default credentials.

A key is proved once at the token endpoint, whose token is thrown away; the API gets JWTs that the key signs for Secret
Manager alone. google-auth renews both kinds of login by itself.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import google.auth
import msgspec
import requests
import requests.adapters
from cryptography.exceptions import UnsupportedAlgorithm
from google.auth.credentials import CredentialsWithRegionalAccessBoundary
from google.auth.exceptions import DefaultCredentialsError
from google.auth.transport.requests import Request
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account

from core.errors import LoginFailed, LoginRequired, ProviderUnavailable, VaultError
from core.hosts import Origin, is_loopback
from core.vault.config import AnyCredential, GcpAdc, GcpServiceAccount
from core.vault.provider import CONNECT_S, READ_S
from core.vault.providers.gcp_errors import Refused, translated

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
UNIVERSE = "googleapis.com"
NEEDED = ("project_id", "private_key_id", "private_key", "client_email")
KEY_FILE_LIMIT = 1 << 20
AGAIN = "make a new key for the service account, and edit the credential with it"


def _no_lookup(self: object, request: object, url: object) -> None:
    """Nothing, instead of a request to iamcredentials.googleapis.com in a thread of its own for each login."""


# google-auth has no switch for it. On the base class, so that it also holds for copies and nested credentials.
CredentialsWithRegionalAccessBoundary._maybe_start_regional_access_boundary_refresh = _no_lookup


@dataclass(frozen=True)
class LoggedIn:
    credentials: Any
    """Of google-auth."""
    identity: str
    project: str
    """Where bare names are looked for; may be empty."""
    refused: Refused
    universe: str = UNIVERSE
    proved: bool = True
    """Not: the token endpoint is out of reach, and a private endpoint may well be all that is in reach."""


class _Limited(requests.adapters.HTTPAdapter):
    """Our time limits, where the SDK would wait up to two minutes for a login."""

    def send(self, *args: Any, **options: Any) -> requests.Response:
        asked = options.get("timeout")
        asked = asked if isinstance(asked, (int, float)) else READ_S
        return super().send(*args, **{**options, "timeout": (min(asked, CONNECT_S), min(asked, READ_S))})


def limit(session: requests.Session) -> None:
    """Time limits, no redirects, and no ~/.netrc, which requests would send instead of the bearer."""
    session.max_redirects = 0
    session.auth = _as_it_is
    session.mount("http://", _Limited())
    if not getattr(session, "is_mtls", False):
        session.mount("https://", _Limited())


def log_in(credential: AnyCredential) -> LoggedIn:
    """A login that Google has accepted, unless `proved` says that it could not be asked."""
    match credential:
        case GcpServiceAccount():
            return _by_key(credential)
        case GcpAdc():
            return _by_default(credential)
        case _:
            raise TypeError(f"{type(credential).__name__} is no credential of GCP")


def _by_key(credential: GcpServiceAccount) -> LoggedIn:
    key = _read(credential)
    email, project, key_id = str(key["client_email"]), str(key["project_id"]), str(key["private_key_id"])
    token_uri = _token_address(str(key.setdefault("token_uri", TOKEN_URI)))
    try:
        account = service_account.Credentials.from_service_account_info(key)
        account.sign_bytes(b"")  # finds out a key of another kind than RSA
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise LoginFailed(
            f'the "private_key" of its {_source(credential)} is no RSA key in PEM form',
            hint="download the key again and give it unchanged",
        ) from None
    refused = partial(_key_refused, key_id, email, reread=bool(credential.key_file))
    proved = True
    try:
        with translated(token_uri, partial(_key_refused, key_id, email, reread=False)):
            account.with_scopes([SCOPE]).refresh(_request())
    except ProviderUnavailable:
        if not credential.endpoint:
            raise
        proved = False
    universe = str(account.universe_domain)
    return LoggedIn(account, email, project, refused, universe, proved and universe == UNIVERSE)


def _read(credential: GcpServiceAccount) -> dict[str, object]:
    """The key with all that is needed in it; no message quotes a value of it but the type."""
    source = _source(credential)
    if credential.key_json is not None:
        data = credential.key_json.reveal().encode("utf-8", "surrogatepass")
    else:
        data = _read_file(Path(credential.key_file).expanduser())
    again = "give the JSON key that Google made for the service account, unchanged"
    try:
        key = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise LoginFailed(f"its {source} is no JSON object", hint=again) from None
    kind = key.get("type", "service_account")
    if kind in ("authorized_user", "external_account", "impersonated_service_account"):
        raise LoginFailed(
            f'its {source} is no key of a service account but of the type "{kind}"',
            hint="use a credential of the type application default credentials for it",
        )
    lacking = [name for name in NEEDED if not (isinstance(key.get(name), str) and str(key[name]).strip())]
    if kind != "service_account":
        lacking.insert(0, "type")
    wrong = [name for name in ("token_uri", "universe_domain") if not isinstance(key.get(name, ""), str)]
    if lacking or wrong:
        names = ", ".join(f'"{name}"' for name in (*lacking, *wrong))
        raise LoginFailed(f"its {source} lacks {names}, or has something else there than a text", hint=again)
    return key


def _source(credential: GcpServiceAccount) -> str:
    return f'key file "{credential.key_file}"' if credential.key_file else "key"


def _read_file(path: Path) -> bytes:
    hint = "correct the path of the key file"
    try:
        if not path.is_file():
            raise LoginFailed(f'there is no key file "{path}"', hint=hint)
        with path.open("rb") as file:
            data = file.read(KEY_FILE_LIMIT + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no path"
        raise LoginFailed(f'its key file "{path}" cannot be read: {why.lower()}', hint=hint) from None
    if len(data) > KEY_FILE_LIMIT:
        raise LoginFailed(f'its key file "{path}" is too big for a key', hint=hint)
    return data


def _token_address(token_uri: str) -> str:
    try:
        origin = Origin.of(token_uri)
    except ValueError:
        raise LoginFailed('the "token_uri" of its key is no address', hint=f"it should be {TOKEN_URI}") from None
    if origin.scheme != "https" and not is_loopback(origin.host):
        raise LoginFailed('the "token_uri" of its key is not https', hint=f"it should be {TOKEN_URI}")
    return str(origin)


def _key_refused(key_id: str, email: str, said: str, *, reread: bool) -> VaultError:
    """With `reread` the login may be made again, from a file that may have a new key by now."""
    message, hint = f'Google refuses the key "{key_id}" of "{email}"', AGAIN
    if "not found" in said:
        message, hint = f'Google knows no service account "{email}"', "correct the key, or make the account again"
    elif "disabled" in said:
        message, hint = f'the service account "{email}" is disabled', "enable it, or use the key of another"
    elif "timeframe" in said or "iat and exp" in said:
        hint = "set the clock of this machine"
    return LoginRequired(message, hint=hint) if reread else LoginFailed(message, hint=hint)


def _by_default(credential: GcpAdc) -> LoggedIn:
    request = _request()
    # gcloud's own users are told about quotas on stderr, which is the screen.
    warnings.filterwarnings("ignore", message="Your application has authenticated using end user credentials")
    with translated(str(Origin.of(TOKEN_URI)), _default_refused):
        found, project = _found(request)
        (found.with_scopes([SCOPE]) if isinstance(found, service_account.Credentials) else found).refresh(request)
        universe = str(found.universe_domain)
    return LoggedIn(found, _who(found), credential.project or project or "", _default_refused, universe)


def _found(request: Request) -> tuple[Any, str | None]:
    anew = "make them anew: gcloud auth application-default login, or correct GOOGLE_APPLICATION_CREDENTIALS"
    try:
        credentials, project = google.auth.default(default_scopes=[SCOPE], request=request)
    except DefaultCredentialsError as error:
        said = str(error.args[0] if error.args else "")
        if "default credentials were not found" in said:
            raise LoginFailed("there are no application default credentials on this machine", hint=anew) from None
        raise LoginFailed(
            f"the application default credentials cannot be used: {said[:1].lower()}{said[1:].rstrip('.')}", hint=anew
        ) from None
    except (AttributeError, KeyError, TypeError, ValueError, OSError):
        # Not chained: a parser's error may quote what it read.
        raise LoginFailed("the application default credentials cannot be read", hint=anew) from None
    return credentials, project


def _default_refused(said: str) -> VaultError:
    return LoginRequired(
        "Google no longer accepts the application default credentials",
        hint="log in again: gcloud auth application-default login",
    )


def _who(credentials: Any) -> str:
    email = getattr(credentials, "service_account_email", None) or getattr(credentials, "account", None)
    if email and email != "default":
        return str(email)
    kind = "a user" if isinstance(credentials, user_credentials.Credentials) else "a workload"
    return f"{kind} of the application default credentials"


def _request() -> Request:
    session = requests.Session()
    limit(session)
    return Request(session)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
