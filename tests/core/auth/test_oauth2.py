"""OAuth 2 auth, against a server that checks the protocol; the same tokens open the API."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.auth.oauth2 import OAuth2Tokens
from core.consent.consent import Need
from core.errors import HostNotAllowed, LoginFailed, LoginRequired, ProviderUnavailable, RequestError
from core.models import OAuth2Auth, Request
from core.paths import Paths, Surroundings
from core.secret import Secret
from core.session import Session, open_session
from tests.oauth_server import CLIENT, PASSWORD, SECRET, USER, OAuthServer, oauth, visit

__all__ = ["oauth"]


class Shown:
    pasted: str | None = None
    cancelled = False
    dismissed = False

    def dismiss(self) -> None:
        self.dismissed = True


class Person:
    """Does what a person would with what a login shows."""

    def __init__(self, act: Callable[[str, Shown], None]) -> None:
        self.act = act
        self.shown: list[tuple[str, ...]] = []
        self.dialog = Shown()

    def ask_code(self, title: str, message: str) -> str:
        raise NotImplementedError

    def show_device_code(self, url: str, code: str, expires_at: datetime) -> Any:
        self.shown.append((url, code))
        self.act(url, self.dialog)
        return self.dialog

    def open_url(self, url: str, redirect_uri: str) -> Any:
        self.shown.append((url, redirect_uri))
        self.act(url, self.dialog)
        return self.dialog


NOBODY = Person(lambda url, dialog: pytest.fail("nobody is to be asked"))


@pytest.fixture
async def session(paths: Paths, tmp_path: Path) -> AsyncIterator[Session]:
    opened = open_session(Surroundings(paths), headless=False, prompter=NOBODY)
    opened.create_workspace(tmp_path / "ws", "OAuth")
    yield opened
    await opened.close()


def auth(server: OAuthServer, **more: Any) -> OAuth2Auth:
    fields: dict[str, Any] = {
        "token_url": f"{server.url}/token",
        "authorization_url": f"{server.url}/authorize",
        "device_url": f"{server.url}/device",
        "client_id": CLIENT,
        "client_secret": SECRET,
    }
    return OAuth2Auth(**(fields | more))


async def status(session: Session, server: OAuthServer, given: OAuth2Auth) -> int:
    return (await session.send(Request(url=f"{server.url}/api", auth=given))).response.status


async def test_client_credentials_by_basic_and_by_body(session: Session, oauth: OAuthServer) -> None:
    assert await status(session, oauth, auth(oauth)) == 200
    assert await status(session, oauth, auth(oauth, client_auth="body")) == 200
    assert oauth.authentication == ["basic", "body"]


async def test_password(session: Session, oauth: OAuthServer) -> None:
    assert await status(session, oauth, auth(oauth, grant="password", username=USER, password=PASSWORD)) == 200


async def test_a_token_serves_until_it_ends_and_is_then_refreshed(oauth: OAuthServer) -> None:
    now = [0.0]
    tokens = OAuth2Tokens(lambda: NOBODY, monotonic=lambda: now[0])
    first = await tokens.token(auth(oauth))
    now[0] = 3500.0
    assert await tokens.token(auth(oauth)) == first
    now[0] = 3590.0
    second = await tokens.token(auth(oauth))
    assert second != first
    assert oauth.grants == ["client_credentials", "refresh_token"]
    oauth.refresh.clear()
    now[0] = 9000.0
    assert await tokens.token(auth(oauth)) not in (first, second)
    assert oauth.grants[-2:] == ["refresh_token", "client_credentials"]


async def test_a_token_taken_back_is_renewed_once_and_the_request_sent_again(
    session: Session, oauth: OAuthServer
) -> None:
    given = auth(oauth)
    assert await status(session, oauth, given) == 200
    oauth.access.clear()
    exchange = await session.send(Request(url=f"{oauth.url}/api", auth=given))
    assert exchange.response.status == 200
    assert exchange.notes == ("the answer was 401; the access token was renewed, and it was sent again",)
    assert oauth.grants == ["client_credentials", "refresh_token"]


async def test_a_new_token_that_is_refused_is_no_reason_to_ask_again(session: Session, oauth: OAuthServer) -> None:
    oauth.forgetful = True
    for _ in range(3):
        assert await status(session, oauth, auth(oauth)) == 401
    # The second and third request came with a token of the one before, and renewed it once.
    assert oauth.grants == ["client_credentials", "refresh_token", "refresh_token"]


async def test_what_must_not_be_sent_twice_is_not(session: Session, oauth: OAuthServer) -> None:
    given = auth(oauth)
    assert await status(session, oauth, given) == 200
    oauth.access.clear()
    exchange = await session.send(Request(method="POST", url=f"{oauth.url}/api", auth=given))
    assert exchange.response.status == 401
    assert oauth.grants == ["client_credentials"]


async def test_nobody_is_asked_in_mid_request_but_at_the_next(session: Session, oauth: OAuthServer) -> None:
    def approve(url: str, dialog: Shown) -> None:
        oauth.devices.update(dict.fromkeys(oauth.devices, "approved"))

    oauth.refreshing = False
    person = session.vault.prompter = Person(approve)
    given = auth(oauth, grant="device_code", device_url=f"{oauth.url}/device")
    assert [await status(session, oauth, given) for _ in range(2)] == [200, 200]
    oauth.access.clear()
    assert await status(session, oauth, given) == 401
    assert len(person.shown) == 1
    assert await status(session, oauth, given) == 200
    assert len(person.shown) == 2


async def test_ten_requests_at_once_ask_for_one_token(oauth: OAuthServer) -> None:
    tokens = OAuth2Tokens(lambda: NOBODY)
    got = await asyncio.gather(*(tokens.token(auth(oauth)) for _ in range(10)))
    assert len(set(got)) == 1
    assert oauth.grants == ["client_credentials"]


@pytest.mark.parametrize("redirect", ["http://127.0.0.1/callback", "http://localhost/here/back"])
async def test_authorization_code_with_pkce(session: Session, oauth: OAuthServer, redirect: str) -> None:
    def log_in(url: str, dialog: Shown) -> None:
        threading.Thread(target=visit, args=(oauth.log_in(url),), daemon=True).start()

    person = session.vault.prompter = Person(log_in)
    given = auth(oauth, grant="authorization_code", redirect_uri=redirect, client_secret="")
    assert await status(session, oauth, given) == 200
    assert person.dialog.dismissed
    assert await status(session, oauth, given) == 200
    assert len(person.shown) == 1


async def test_a_redirect_elsewhere_is_pasted_back(session: Session, oauth: OAuthServer) -> None:
    def paste(url: str, dialog: Shown) -> None:
        dialog.pasted = oauth.log_in(url)

    session.vault.prompter = Person(paste)
    given = auth(oauth, grant="authorization_code", redirect_uri="https://app.example.com/done")
    assert await status(session, oauth, given) == 200


async def test_a_pasted_address_of_another_login_is_refused(session: Session, oauth: OAuthServer) -> None:
    def paste(url: str, dialog: Shown) -> None:
        dialog.pasted = "http://127.0.0.1/callback?code=x&state=y"

    session.vault.prompter = Person(paste)
    with pytest.raises(LoginFailed, match="does not belong"):
        await status(session, oauth, auth(oauth, grant="authorization_code"))


@pytest.mark.parametrize("grant", ["authorization_code", "device_code"])
async def test_a_refused_and_a_cancelled_login(session: Session, oauth: OAuthServer, grant: str) -> None:
    def refuse(url: str, dialog: Shown) -> None:
        if grant == "device_code":
            oauth.devices.update(dict.fromkeys(oauth.devices, "access_denied"))
        else:
            dialog.pasted = oauth.log_in(url, deny=True)

    def cancel(url: str, dialog: Shown) -> None:
        dialog.cancelled = True

    for act, error, words in ((refuse, LoginFailed, "access_denied"), (cancel, LoginRequired, "cancelled")):
        session.vault.prompter = Person(act)
        with pytest.raises(error, match=words):
            await status(session, oauth, auth(oauth, grant=grant))


async def test_device_code(session: Session, oauth: OAuthServer) -> None:
    def approve(url: str, dialog: Shown) -> None:
        oauth.devices.update(dict.fromkeys(oauth.devices, "approved"))

    person = session.vault.prompter = Person(approve)
    assert await status(session, oauth, auth(oauth, grant="device_code")) == 200
    assert person.shown == [(f"{oauth.url}/device", "WDJB-MJHT")]


async def test_a_device_code_may_end_beyond_any_date(session: Session, oauth: OAuthServer) -> None:
    def approve(url: str, dialog: Shown) -> None:
        oauth.devices.update(dict.fromkeys(oauth.devices, "approved"))

    session.vault.prompter = Person(approve)
    oauth.device_life_s = 1e300
    assert await status(session, oauth, auth(oauth, grant="device_code")) == 200


async def test_failures_are_named_without_what_was_sent(session: Session, oauth: OAuthServer) -> None:
    cases: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"client_secret": "a wrong secret"}, LoginFailed, "invalid_client"),
        ({"grant": "password", "username": USER, "password": "a wrong password"}, LoginFailed, "invalid_grant"),
        ({"token_url": f"{oauth.url}/api"}, LoginFailed, "no answer of a token server|gives no token"),
        ({"token_url": "http://127.0.0.1:9/token"}, ProviderUnavailable, "cannot be reached"),
        ({"token_url": ""}, RequestError, "no valid token URL"),
        (
            {"grant": "authorization_code", "redirect_uri": "http://127.0.0.1:99999/"},
            RequestError,
            "no valid redirect URI",
        ),
    ]
    for more, error, words in cases:
        with pytest.raises(error, match=words) as caught:
            await status(session, oauth, auth(oauth, **more))
        for secret in (SECRET, PASSWORD, "a wrong secret", "a wrong password"):
            assert secret not in f"{caught.value!r} {caught.value} {getattr(caught.value, 'hint', '')}"


async def test_the_token_and_its_echo_are_masked(session: Session, oauth: OAuthServer) -> None:
    exchange = await session.send(Request(url=f"{oauth.url}/api", auth=auth(oauth)))
    [token] = oauth.access
    assert token not in str(exchange.shown)
    assert token.encode() in exchange.response.body.read()
    assert token not in session.redact(exchange.response.body.read().decode())


async def test_a_stored_client_secret_goes_to_no_token_server_that_was_not_approved(
    session: Session, oauth: OAuthServer
) -> None:
    await session.create_store(passphrase=Secret("a long passphrase"))
    workspace = session.workspace
    assert workspace is not None
    base = workspace.load_environment("base")
    from core.models import Variable

    workspace.save_environment("base", msgspec.structs.replace(base, variables={"key": Variable(secret=True)}))
    await session.values.set("environments/base", "key", Secret(SECRET))
    given = auth(oauth, client_secret="{{key}}")
    with pytest.raises(HostNotAllowed) as refused:
        await status(session, oauth, given)
    assert oauth.grants == []
    session.consent.approve([Need("", what) for what in refused.value.missing])
    assert await status(session, oauth, given) == 200


async def test_locking_drops_tokens(session: Session, oauth: OAuthServer) -> None:
    await status(session, oauth, auth(oauth))
    session.lock()
    await status(session, oauth, auth(oauth))
    assert oauth.grants == ["client_credentials", "client_credentials"]
