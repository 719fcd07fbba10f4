"""The login of Postman's set-up: Vault's own OIDC provider in the browser, then a JWT login with the ID token it gives.

discovery -> authorization in the browser (PKCE S256, state, nonce) -> redirect to 127.0.0.1, or its address pasted
-> ID token -> JWT login -> Vault token; the ID token makes new ones without the browser until it ends itself
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode, urlsplit

import hvac
import hvac.exceptions
import msgspec
import requests

from core.errors import LoginFailed, LoginRequired
from core.secret import Secret
from core.vault.config import VaultOidc
from core.vault.provider import AuthPrompter
from core.vault.providers.hashicorp_errors import said, translated
from core.vault.providers.hashicorp_login import TIMEOUT, LoggedIn, LoginAnswer, parsed
from core.vault.redirect_listener import RedirectListener, redirected

AGAIN = "log in again: `hushpost credential login {credential}`"


class _Discovery(msgspec.Struct):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str


class _TokenAnswer(msgspec.Struct):
    id_token: str


class _Refusal(msgspec.Struct):
    error: str = ""


class _Claims(msgspec.Struct):
    nonce: str = ""
    exp: float = 0


class OidcMethod:
    """Asks a person once; holds the ID token, in memory only, to log in again without one."""

    def __init__(self, credential: VaultOidc, prompter: AuthPrompter) -> None:
        self._credential = credential
        self._prompter = prompter
        self._id_token = Secret("")
        self._id_token_ends = 0.0

    def log_in(self, client: hvac.Client) -> LoggedIn:
        session: requests.Session = client.session
        with translated(self._credential.oidc_provider_url):
            discovery = self._discover(session)
            id_token, claims = self._ask(session, discovery)
        self._id_token, self._id_token_ends = id_token, claims.exp
        return self._use(client)

    def log_in_again(self, client: hvac.Client) -> LoggedIn:
        if time.time() >= self._id_token_ends:
            raise LoginRequired("the login in the browser has ended", hint=AGAIN)
        return self._use(client)

    def _discover(self, session: requests.Session) -> _Discovery:
        url = self._credential.oidc_provider_url.strip().rstrip("/")
        response = session.get(f"{url}/.well-known/openid-configuration", timeout=TIMEOUT, verify=session.verify)
        if response.status_code == 404:
            raise LoginFailed(f'there is no OIDC provider at "{url}"', hint="check the credential's OIDC provider URL")
        discovery = parsed(response, _Discovery, url)
        if discovery.issuer.rstrip("/") != url:
            raise LoginFailed(
                f'the OIDC provider calls itself "{discovery.issuer}"',
                hint="make that the credential's OIDC provider URL, or correct the provider's issuer",
            )
        here = urlsplit(url)
        for endpoint in (discovery.authorization_endpoint, discovery.token_endpoint):
            if urlsplit(endpoint)[:2] != here[:2]:
                raise LoginFailed(
                    f'the OIDC provider sends its logins to "{urlsplit(endpoint).netloc}"',
                    hint="check the credential's OIDC provider URL",
                )
        return discovery

    def _ask(self, session: requests.Session, discovery: _Discovery) -> tuple[Secret, _Claims]:
        """Let a person log in, and change the code that comes back for an ID token."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        with RedirectListener(state) as listener:
            query = {
                "response_type": "code",
                "client_id": self._credential.client_id,
                "redirect_uri": listener.redirect_uri,
                "scope": "openid",
                "state": state,
                "nonce": nonce,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
            url = f"{discovery.authorization_endpoint}?{urlencode(query)}"
            answer = redirected(self._prompter, listener, url, listener.redirect_uri, again=AGAIN)
            if "code" not in answer:
                raise LoginFailed(
                    f"the login in the browser was refused ({_word(answer.get('error', ''))})",
                    hint="ask for the client's redirect URIs to hold http://127.0.0.1/callback, and for an assignment",
                )
            form = {
                "grant_type": "authorization_code",
                "code": answer["code"],
                "redirect_uri": listener.redirect_uri,
                "client_id": self._credential.client_id,
                "code_verifier": verifier,
            }
        response = session.post(discovery.token_endpoint, data=form, timeout=TIMEOUT, verify=session.verify)
        if response.status_code in (400, 401, 403):
            raise LoginFailed(
                f"the OIDC provider refuses the code of the login ({_refusal(response)})",
                hint="check the credential's client ID, then log in again",
            )
        id_token = parsed(response, _TokenAnswer, discovery.token_endpoint).id_token
        claims = _claims(id_token)
        if claims is None or claims.nonce != nonce:
            raise LoginFailed("the ID token does not belong to this login", hint=AGAIN)
        return Secret(id_token), claims

    def _use(self, client: hvac.Client) -> LoggedIn:
        """Log in to Vault with the ID token."""
        mount, role = self._credential.jwt_auth_path.strip("/"), self._credential.role
        with translated(str(client.url)):
            try:
                response = client.auth.jwt.jwt_login(role, self._id_token.reveal(), use_token=False, path=mount)
            except hvac.exceptions.Forbidden as error:
                raise LoginFailed(
                    f'there is no login at "auth/{mount}", or it may not be used',
                    hint="check the credential's JWT auth path and namespace",
                ) from error
            except hvac.exceptions.InvalidRequest as error:
                raise self._refused(error) from error
            auth = parsed(response, LoginAnswer, str(client.url)).auth
        if auth is None or not auth.client_token:
            raise LoginFailed("the JWT login gives no token", hint="check the role in the vault")
        client.token = auth.client_token
        lease_ends = datetime.now(UTC) + timedelta(seconds=auth.lease_duration)
        ends = max(lease_ends, datetime.fromtimestamp(self._id_token_ends, UTC)) if auth.lease_duration else None
        return LoggedIn(f"{mount} {role}", tuple(auth.policies or ()), ends)

    def _refused(self, error: hvac.exceptions.InvalidRequest) -> LoginFailed | LoginRequired:
        text = said(error)
        if "expired" in text:
            return LoginRequired("the login in the browser has ended", hint=AGAIN)
        if "could not be found" in text:
            return LoginFailed(
                f'the JWT login has no role "{self._credential.role}"', hint="correct the role of the credential"
            )
        return LoginFailed(
            "the vault refuses the ID token", hint="check the JWT login's discovery URL, and the role's audience"
        )


def _claims(id_token: str) -> _Claims | None:
    """What the token says, unverified: it came over TLS from the issuer itself, and Vault verifies the signature."""
    parts = id_token.split(".")
    if len(parts) != 3:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)), type=_Claims)
    except ValueError:
        return None


def _refusal(response: requests.Response) -> str:
    try:
        return _word(msgspec.json.decode(response.content, type=_Refusal).error)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return str(response.status_code)


def _word(text: str) -> str:
    """An OAuth error code, and nothing else that a stranger may have put there."""
    return (
        text if text.replace("_", "").isascii() and text.replace("_", "").isalnum() and len(text) < 50 else "no reason"
    )
