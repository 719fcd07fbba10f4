"""OAuth 2 access tokens: client credentials, password, authorization code with PKCE, device code; and their refresh.

Tokens are kept in memory until they end. Asking a person and a token server blocks, so it is done in threads of ours.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from core.errors import LoginFailed, LoginRequired, ProviderUnavailable, RequestError
from core.hosts import is_loopback
from core.models import OAuth2Auth
from core.secret import Secret
from core.structs import Struct
from core.threads import run_in_daemon_thread
from core.vault.provider import CONNECT_S, READ_S, AuthPrompter

if TYPE_CHECKING:
    import httpx

    from core.vault.redirect_listener import RedirectListener

POLL_S = 0.1
SLOWER_S = 5.0
EARLY_S = 30.0
"""A token that ends within this time is not used any more."""
LONGEST_S = 86400.0
"""How long a person is waited for at most, whatever a server says: its number may be beyond any date."""
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
AGAIN = "send the request again"
_WITH_A_PERSON = ("authorization_code", "device_code")


_A = TypeVar("_A")


class _Answer(msgspec.Struct):
    access_token: str = ""
    expires_in: float | str | None = None
    refresh_token: str = ""
    error: str = ""


class _Device(msgspec.Struct):
    device_code: str
    user_code: str
    verification_uri: str = ""
    verification_url: str = ""
    verification_uri_complete: str = ""
    expires_in: float = 900.0
    interval: float = SLOWER_S


class _Token(Struct, frozen=True):
    access: Secret
    refresh: Secret | None
    ends: float
    """Of the monotonic clock."""


class OAuth2Tokens:
    """The tokens of one session, by everything that the auth says; belongs to one event loop."""

    def __init__(
        self, prompter: Callable[[], AuthPrompter], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._prompter = prompter
        self._monotonic = monotonic
        self._tokens: dict[OAuth2Auth, _Token] = {}
        self._flights: dict[OAuth2Auth, asyncio.Task[_Token]] = {}
        self._served_again: set[OAuth2Auth] = set()
        """Whose token was not fetched for the request it last went with."""

    async def token(self, auth: OAuth2Auth, refused: Secret | None = None) -> Secret | None:
        """The access token, from memory, by the refresh token, or by the grant; who asks meanwhile waits for the same.

        In place of a token that a server `refused`, another one; None where it was new, or only a person could get it:
        then it is forgotten, and the next request logs in. Raises LoginFailed, LoginRequired, ProviderUnavailable,
        RequestError.
        """
        held = self._tokens.get(auth)
        if refused is not None and held is not None and held.access == refused:
            if auth not in self._served_again:
                return None
            if held.refresh is None and auth.grant in _WITH_A_PERSON:
                self.drop(auth)
                return None
        elif held is not None and held.ends - EARLY_S > self._monotonic():
            self._served_again.add(auth)
            return held.access
        flight = self._flights.get(auth)
        if flight is None:
            flight = asyncio.get_running_loop().create_task(self._obtain(auth, held))
            self._flights[auth] = flight
            flight.add_done_callback(lambda _: self._flights.pop(auth, None))
        return (await asyncio.shield(flight)).access

    def drop(self, auth: OAuth2Auth | None = None) -> None:
        """Forget one token or all."""
        if auth is None:
            self._tokens.clear()
        else:
            self._tokens.pop(auth, None)

    async def _obtain(self, auth: OAuth2Auth, held: _Token | None) -> _Token:
        refresh = held.refresh if held is not None else None
        token = await run_in_daemon_thread(_Exchange(auth, self._prompter(), self._monotonic).obtain, refresh)
        self._tokens[auth] = token
        self._served_again.discard(auth)
        return token


class _Exchange:
    """One conversation with a token server; blocks."""

    def __init__(self, auth: OAuth2Auth, prompter: AuthPrompter, monotonic: Callable[[], float]) -> None:
        self._auth = auth
        self._prompter = prompter
        self._monotonic = monotonic

    def obtain(self, refresh: Secret | None) -> _Token:
        # Its library takes longer to import than most commands to run.
        import httpx

        auth = self._auth
        with httpx.Client(
            timeout=httpx.Timeout(READ_S, connect=CONNECT_S), follow_redirects=False, trust_env=False
        ) as self._http:
            if refresh is not None:
                try:
                    return self._ask({"grant_type": "refresh_token", "refresh_token": refresh.reveal()}, refresh)
                except LoginFailed:
                    pass  # it has ended or was taken back: the grant itself
            match auth.grant:
                case "client_credentials":
                    return self._ask({"grant_type": "client_credentials", **self._scope()})
                case "password":
                    form = {"grant_type": "password", "username": auth.username, "password": auth.password}
                    return self._ask({**form, **self._scope()})
                case "authorization_code":
                    return self._by_browser()
                case "device_code":
                    return self._by_device()

    def _scope(self) -> dict[str, str]:
        given = {"scope": self._auth.scope, "audience": self._auth.audience}
        return {name: value for name, value in given.items() if value}

    def _ask(self, form: Mapping[str, str], refresh: Secret | None = None) -> _Token:
        """POST to the token server as this client. LoginFailed names what it answered, never what was sent."""
        answer = self._post(self._auth.token_url, form)
        if not answer.access_token:
            raise LoginFailed(
                f"the token server gives no token ({_word(answer.error) or 'no reason given'})",
                hint="check the OAuth 2 settings: client ID, secret, scope and who may use them",
            )
        return self._taken(answer, refresh)

    def _taken(self, answer: _Answer, refresh: Secret | None = None) -> _Token:
        try:
            life = float(answer.expires_in) if answer.expires_in is not None else 3600.0
        except ValueError:
            life = 3600.0
        kept = Secret(answer.refresh_token) if answer.refresh_token else refresh
        return _Token(Secret(answer.access_token), kept, self._monotonic() + life)

    def _post(self, url: str, form: Mapping[str, str]) -> _Answer:
        return _decoded(self._send(url, form), _Answer, url)

    def _send(self, url: str, form: Mapping[str, str]) -> httpx.Response:
        import httpx

        auth = self._auth
        if urlsplit(url).scheme not in ("http", "https"):
            raise RequestError("the OAuth 2 auth has no valid token URL", kind="url", hint="set token_url to https://…")
        sent = dict(form)
        basic: httpx.Auth | None = None
        if auth.client_secret and auth.client_auth == "basic":
            basic = httpx.BasicAuth(auth.client_id, auth.client_secret)
        else:
            sent["client_id"] = auth.client_id
            if auth.client_secret:
                sent["client_secret"] = auth.client_secret
        try:
            answer = self._http.post(
                url, data=sent, auth=basic or httpx.USE_CLIENT_DEFAULT, headers={"Accept": "application/json"}
            )
        except httpx.TimeoutException as error:
            raise ProviderUnavailable(
                f'the token server "{_origin(url)}" did not answer in time', hint="check the network, then send again"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ProviderUnavailable(
                f'the token server "{_origin(url)}" cannot be reached', hint="check its URL and the network"
            ) from error
        if answer.status_code >= 500 or answer.is_redirect:
            raise ProviderUnavailable(
                f'the token server "{_origin(url)}" answered with status {answer.status_code}', hint="try again"
            )
        return answer

    def _by_browser(self) -> _Token:
        from core.vault.redirect_listener import RedirectListener, redirected

        auth = self._auth
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        try:
            target = urlsplit(auth.redirect_uri)
            port = target.port
        except ValueError:
            raise RequestError(
                "the OAuth 2 auth has no valid redirect URI",
                kind="url",
                hint="set redirect_uri to http://127.0.0.1/callback",
            ) from None
        ours = target.scheme == "http" and is_loopback(target.hostname or "")
        listening: AbstractContextManager[RedirectListener | None] = nullcontext()
        if ours:
            try:
                listening = RedirectListener(state, port=port or 0, path=target.path or "/")
            except OSError as error:
                raise LoginFailed(
                    f"port {port} of the redirect URI is taken",
                    hint="end what uses it, or leave the port out of redirect_uri",
                ) from error
        with listening as listener:
            redirect_uri = auth.redirect_uri
            if listener is not None and port is None:
                redirect_uri = f"http://{target.hostname}:{listener.port}{target.path or '/'}"
            query = {
                "response_type": "code",
                "client_id": auth.client_id,
                "redirect_uri": redirect_uri,
                "state": state,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
                **self._scope(),
            }
            joint = "&" if urlsplit(auth.authorization_url).query else "?"
            url = f"{auth.authorization_url}{joint}{urlencode(query)}"
            answer = redirected(self._prompter, listener or _Pasted(state), url, redirect_uri, again=AGAIN)
        if "code" not in answer:
            raise LoginFailed(f"the login was refused ({_word(answer.get('error', ''))})", hint=AGAIN)
        form = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": redirect_uri}
        return self._ask({**form, "code_verifier": verifier})

    def _by_device(self) -> _Token:
        auth = self._auth
        asked = self._send(auth.device_url, {"client_id": auth.client_id, **self._scope()})
        device = _decoded(asked, _Device, auth.device_url)
        address = device.verification_uri_complete or device.verification_uri or device.verification_url
        life = max(0.0, min(device.expires_in, LONGEST_S))
        end = time.monotonic() + life
        interval = max(device.interval, POLL_S)
        shown = self._prompter.show_device_code(address, device.user_code, datetime.now(UTC) + timedelta(seconds=life))
        try:
            while time.monotonic() < end:
                if shown.cancelled:
                    raise LoginRequired("the login was cancelled", hint=AGAIN)
                answer = self._post(auth.token_url, {"grant_type": DEVICE_GRANT, "device_code": device.device_code})
                if answer.access_token:
                    return self._taken(answer)
                if answer.error == "slow_down":
                    interval += SLOWER_S
                elif answer.error != "authorization_pending":
                    raise LoginFailed(f"the login was refused ({_word(answer.error)})", hint=AGAIN)
                pause = time.monotonic() + interval
                while time.monotonic() < min(pause, end) and not shown.cancelled:
                    time.sleep(POLL_S)
        finally:
            shown.dismiss()
        raise LoginRequired("nobody approved the login in time", hint=AGAIN)


class _Pasted:
    """Where the redirect goes to an address that is not of this machine: only a pasted one can come back."""

    def __init__(self, state: str) -> None:
        self._state = state
        self._answer: Mapping[str, str] | None = None

    def wait(self, seconds: float) -> Mapping[str, str] | None:
        if self._answer is None:
            time.sleep(seconds)
        return self._answer

    def accept(self, address: str) -> bool:
        query = dict(parse_qsl(urlsplit(address.strip()).query, keep_blank_values=True))
        if query.get("state") != self._state:
            return False
        self._answer = query
        return True


def _decoded(answer: httpx.Response, type: type[_A], url: str) -> _A:
    try:
        return msgspec.json.decode(answer.content, type=type)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Not chained: the decoder's error may quote what it read.
        raise LoginFailed(
            f'what "{_origin(url)}" answered is no answer of a token server (status {answer.status_code})',
            hint="check the OAuth 2 URLs",
        ) from None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _word(text: str) -> str:
    """An error code of the protocol; whatever else a server says is not repeated."""
    return text if text.isascii() and text.replace("_", "").isalnum() and len(text) <= 60 else "unknown"
