"""The browser login of Postman's set-up on a real OpenBao; a thread plays the person at the browser."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlencode, urlsplit

import hvac
import msgspec
import pytest
import requests

from core.errors import LoginFailed, LoginRequired, ProviderUnavailable
from core.vault import redirect_listener
from core.vault.config import HashicorpLink, VaultOidc
from core.vault.provider import Dismiss
from core.vault.providers import hashicorp_oidc
from core.vault.service import Vault
from tests.patience import PATIENCE_S, until
from tests.vaults.contract import NAME, assert_tells, unique
from tests.vaults.openbao import OpenBao
from tests.vaults.stranger import Answer, stranger

pytestmark = pytest.mark.vault


@dataclass
class Setup:
    """What the admin made: an OIDC provider and client, a JWT login that trusts it, and a user."""

    bao: OpenBao
    credential: VaultOidc
    link: HashicorpLink
    jwt_mount: str
    user: str
    name: str
    password: str = "the-password-of-ada"

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Vault-Namespace": self.bao.namespace} if self.bao.namespace else {}


def set_up(bao: OpenBao, *, token_ttl: str = "1h", register: bool = True) -> Setup:
    client: hvac.Client = bao.client
    name, mount, user = unique("hushpost"), bao.mount(2), unique("ada")
    jwt_mount = unique("postman-jwt")
    bao.put(mount, "a", {"k": "v"})
    policy = bao.policy({f"{mount}/*": ["read"]})
    bao.userpass(user, Setup.password, ["default"])
    client.write_data(
        f"identity/oidc/client/{name}",
        data={
            "client_type": "public",
            "assignments": "allow_all",
            "redirect_uris": ["http://127.0.0.1/callback"] if register else [],
            "id_token_ttl": "24h",
            "access_token_ttl": "24h",
        },
    )
    client_id = client.read(f"identity/oidc/client/{name}")["data"]["client_id"]
    client.write_data(f"identity/oidc/provider/{name}", data={"allowed_client_ids": client_id, "issuer": bao.address})
    issuer = client.read(f"identity/oidc/provider/{name}")["data"]["issuer"]
    client.sys.enable_auth_method("jwt", path=jwt_mount)
    config = {"oidc_discovery_url": issuer, "default_role": "postman"}
    if bao.ca_file:
        config["oidc_discovery_ca_pem"] = Path(bao.ca_file).read_text()
    client.write_data(f"auth/{jwt_mount}/config", data=config)
    client.write_data(
        f"auth/{jwt_mount}/role/postman",
        data={
            "bound_audiences": client_id,
            "user_claim": "sub",
            "token_policies": policy,
            "role_type": "jwt",
            "token_ttl": token_ttl,
            "expiration_leeway": -1,
            "not_before_leeway": -1,
            "clock_skew_leeway": -1,
        },
    )
    return Setup(
        bao,
        VaultOidc(oidc_provider_url=issuer, client_id=client_id, jwt_auth_path=jwt_mount, ca_file=bao.ca_file),
        HashicorpLink(credential=NAME, mount=mount, path="a", key="k"),
        jwt_mount,
        user,
        name,
    )


@dataclass
class Browser:
    """An AuthPrompter whose person does what `act` says with the address."""

    act: Callable[[str, str, Browser], None]
    opened: list[str] = field(default_factory=list)
    cancelled: bool = False
    pasted: str | None = None
    dismissed: int = 0

    def ask_code(self, title: str, message: str) -> str:
        raise AssertionError

    def show_device_code(self, url: str, code: str, expires_at: datetime) -> Dismiss:
        raise AssertionError

    def open_url(self, url: str, redirect_uri: str) -> Dismiss:
        self.opened.append(url)
        self.act(url, redirect_uri, self)
        return self

    def dismiss(self) -> None:
        self.dismissed += 1


def signed_in(setup: Setup, url: str) -> dict[str, str]:
    """Sign in at the web page of OpenBao, by the calls that it makes; the query of the redirect."""
    ca = setup.bao.ca_file or True
    answer = requests.post(
        f"{setup.bao.address}/v1/auth/userpass/login/{setup.user}",
        json={"password": setup.password},
        headers=setup.headers,
        timeout=PATIENCE_S,
        verify=ca,
    ).json()
    page = urlsplit(url)
    assert page.path.startswith("/ui/vault/")
    path = page.path.removeprefix("/ui/vault/")
    answer = requests.get(
        f"{setup.bao.address}/v1/{path}?{page.query}",
        headers={"X-Vault-Token": answer["auth"]["client_token"]},
        timeout=PATIENCE_S,
        verify=ca,
    ).json()
    if "code" not in answer:
        return {"error": str(answer.get("error")), "state": dict(parse_qsl(page.query))["state"]}
    return {"code": answer["code"], "state": answer["state"]}


def redirected(setup: Setup) -> Callable[[str, str, Browser], None]:
    """The browser follows the redirect to the listener."""

    def act(url: str, redirect_uri: str, browser: Browser) -> None:
        def later() -> None:
            requests.get(f"{redirect_uri}?{urlencode(signed_in(setup, url))}", timeout=PATIENCE_S)

        threading.Thread(target=later, daemon=True).start()

    return act


def unsigned(claims: dict[str, object]) -> str:
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c2ln"


def answer(body: dict[str, str]) -> Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()


def coded(url: str, redirect_uri: str, browser: Browser) -> None:
    """The browser comes back with a code, whatever it is worth."""
    browser.pasted = f"{redirect_uri}?code=c&state={dict(parse_qsl(urlsplit(url).query))['state']}"


@pytest.fixture
def vault() -> Iterator[Vault]:
    vault = Vault()
    yield vault
    vault.close()


@pytest.fixture
def setup(bao: OpenBao) -> Setup:
    return set_up(bao)


async def test_a_login_in_the_browser(setup: Setup, vault: Vault) -> None:
    browser = vault.prompter = Browser(redirected(setup))
    got = await vault.get(NAME, setup.credential, setup.link)
    assert got.secret.reveal() == "v"
    assert browser.dismissed == 1
    state = vault.login_state(NAME)
    assert state.identity.startswith(f"{setup.jwt_mount} postman (policies: default, policy-")
    assert state.expires_at is not None
    assert state.expires_at.timestamp() > time.time() + 23 * 3600
    query = dict(parse_qsl(urlsplit(browser.opened[0]).query))
    assert query["code_challenge_method"] == "S256"
    assert query["scope"] == "openid"
    assert urlsplit(query["redirect_uri"]).hostname == "127.0.0.1"
    assert min(len(query[name]) for name in ("state", "nonce", "code_challenge")) >= 43


async def test_the_redirect_may_be_pasted(setup: Setup, vault: Vault) -> None:
    """Over SSH the browser is on another machine and cannot reach the listener."""

    def act(url: str, redirect_uri: str, browser: Browser) -> None:
        browser.pasted = f"  {redirect_uri}?{urlencode(signed_in(setup, url))}\n"

    vault.prompter = Browser(act)
    assert (await vault.get(NAME, setup.credential, setup.link)).secret.reveal() == "v"


async def test_what_is_pasted_must_belong_to_this_login(setup: Setup, vault: Vault) -> None:
    def act(url: str, redirect_uri: str, browser: Browser) -> None:
        browser.pasted = f"{redirect_uri}?{urlencode({**signed_in(setup, url), 'state': 'of-another-login'})}"

    vault.prompter = Browser(act)
    with pytest.raises(LoginFailed, match="does not belong to this login") as caught:
        await vault.get(NAME, setup.credential, setup.link)
    assert_tells(caught.value, of=setup.credential)


async def test_a_stray_redirect_is_ignored(setup: Setup, vault: Vault) -> None:
    answers: list[int] = []

    def act(url: str, redirect_uri: str, browser: Browser) -> None:
        def later() -> None:
            for query in ("", "?code=x", "?code=x&state=y", "?error=access_denied&state=y"):
                answers.append(requests.get(f"{redirect_uri}{query}", timeout=PATIENCE_S).status_code)
            right = urlencode(signed_in(setup, url))
            answers.append(requests.get(f"{redirect_uri}/more?{right}", timeout=PATIENCE_S).status_code)
            answers.append(requests.get(f"{redirect_uri}?{right}", timeout=PATIENCE_S).status_code)

        threading.Thread(target=later, daemon=True).start()

    vault.prompter = Browser(act)
    assert (await vault.get(NAME, setup.credential, setup.link)).secret.reveal() == "v"
    assert answers == [404, 404, 404, 404, 404, 200]


async def test_a_cancelled_login(setup: Setup, vault: Vault) -> None:
    def act(url: str, redirect_uri: str, browser: Browser) -> None:
        browser.cancelled = True

    browser = vault.prompter = Browser(act)
    with pytest.raises(LoginRequired, match="was cancelled") as caught:
        await vault.get(NAME, setup.credential, setup.link)
    assert_tells(caught.value, of=setup.credential)
    assert browser.dismissed == 1
    assert vault.login_state(NAME).state == "needs login"


async def test_nobody_comes(setup: Setup, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redirect_listener, "PATIENCE_S", 0.2)
    vault.prompter = Browser(lambda url, redirect_uri, browser: None)
    with pytest.raises(LoginRequired, match="nobody logged in"):
        await vault.get(NAME, setup.credential, setup.link)


async def test_a_refusal_at_the_provider(bao: OpenBao, vault: Vault) -> None:
    """The set-up in Postman's words forgets the redirect URIs."""
    setup = set_up(bao, register=False)
    vault.prompter = Browser(redirected(setup))
    with pytest.raises(LoginFailed, match="was refused") as caught:
        await vault.get(NAME, setup.credential, setup.link)
    assert "http://127.0.0.1/callback" in str(caught.value.hint)
    assert_tells(caught.value, of=setup.credential)


async def test_a_code_that_is_none(setup: Setup, vault: Vault) -> None:
    def act(url: str, redirect_uri: str, browser: Browser) -> None:
        state = dict(parse_qsl(urlsplit(url).query))["state"]
        browser.pasted = f"{redirect_uri}?code=made-up&state={state}"

    vault.prompter = Browser(act)
    with pytest.raises(LoginFailed, match="refuses the code") as caught:
        await vault.get(NAME, setup.credential, setup.link)
    assert "made-up" not in repr((caught.value, caught.value.__cause__))


async def test_headless_runs_are_refused(setup: Setup, vault: Vault) -> None:
    with pytest.raises(LoginRequired, match="nobody can be asked") as caught:
        await vault.get(NAME, setup.credential, setup.link)
    assert NAME in str(caught.value.hint)


async def test_an_ended_token_is_renewed_without_the_browser(setup: Setup, vault: Vault) -> None:
    browser = vault.prompter = Browser(redirected(setup))
    await vault.get(NAME, setup.credential, setup.link)
    setup.bao.revoke_logins(setup.jwt_mount)
    assert (await vault.get(NAME, setup.credential, setup.link, fresh=True)).secret.reveal() == "v"
    assert len(browser.opened) == 1


async def test_when_the_id_token_has_ended_too_the_browser_opens_again(
    setup: Setup, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = vault.prompter = Browser(redirected(setup))
    await vault.get(NAME, setup.credential, setup.link)
    setup.bao.revoke_logins(setup.jwt_mount)
    set_clock(monkeypatch, 25 * 3600)
    assert (await vault.get(NAME, setup.credential, setup.link, fresh=True)).secret.reveal() == "v"
    assert len(browser.opened) == 2
    assert browser.opened[1] != browser.opened[0]


async def test_when_the_server_calls_the_id_token_ended(
    bao: OpenBao, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = set_up(bao)
    client, role = f"identity/oidc/client/{setup.name}", f"auth/{setup.jwt_mount}/role/postman"
    bao.client.write_data(client, data={"id_token_ttl": "1s"})
    # However long this login takes, its ID token has not ended for this server, until it is strict again.
    bao.client.write_data(role, data={"role_type": "jwt", "clock_skew_leeway": 3600})
    browser = vault.prompter = Browser(redirected(setup))
    set_clock(monkeypatch, -3600)  # ours is slow
    await vault.get(NAME, setup.credential, setup.link)
    issued = time.time()
    setup.bao.revoke_logins(setup.jwt_mount)
    bao.client.write_data(role, data={"role_type": "jwt", "clock_skew_leeway": -1})
    bao.client.write_data(client, data={"id_token_ttl": "24h"})
    await until(lambda: time.time() > issued + 1.1)
    assert (await vault.get(NAME, setup.credential, setup.link, fresh=True)).secret.reveal() == "v"
    assert len(browser.opened) == 2


def set_clock(monkeypatch: pytest.MonkeyPatch, off_by: float) -> None:
    clock = SimpleNamespace(time=lambda: time.time() + off_by, monotonic=time.monotonic)
    monkeypatch.setattr(hashicorp_oidc, "time", clock)


async def test_in_a_namespace(bao: OpenBao, vault: Vault) -> None:
    setup = set_up(bao.in_namespace())
    vault.prompter = Browser(redirected(setup))
    got = await vault.get(NAME, setup.credential, setup.link)
    assert got.secret.reveal() == "v"
    assert got.info.resolved_id.startswith(setup.bao.namespace)


async def test_over_tls_with_an_authority_of_its_own(tls_bao: OpenBao, vault: Vault) -> None:
    setup = set_up(tls_bao)
    vault.prompter = Browser(redirected(setup))
    assert (await vault.get(NAME, setup.credential, setup.link)).secret.reveal() == "v"
    unknown = msgspec.structs.replace(setup.credential, ca_file="")
    with pytest.raises(ProviderUnavailable, match="not secure"):
        await vault.get(NAME, unknown, setup.link)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"role": "another"}, 'no role "another"'),
        ({"jwt_auth_path": "nowhere"}, 'no login at "auth/nowhere"'),
    ],
)
async def test_a_wrong_jwt_login(setup: Setup, vault: Vault, change: dict[str, str], says: str) -> None:
    vault.prompter = Browser(redirected(setup))
    wrong = msgspec.structs.replace(setup.credential, **change)
    with pytest.raises(LoginFailed, match=says) as caught:
        await vault.get(NAME, wrong, setup.link)
    assert_tells(caught.value, of=wrong)


async def test_a_wrong_provider_url(setup: Setup, vault: Vault) -> None:
    browser = vault.prompter = Browser(redirected(setup))
    url = setup.credential.oidc_provider_url
    wrong = msgspec.structs.replace(setup.credential, oidc_provider_url=f"{url}x")
    with pytest.raises(LoginFailed, match="no OIDC provider"):
        await vault.get(NAME, wrong, setup.link)
    other_name = msgspec.structs.replace(setup.credential, oidc_provider_url=url.replace("127.0.0.1", "localhost"))
    with pytest.raises(LoginFailed, match="calls itself"):
        await vault.get(NAME, other_name, setup.link)
    with pytest.raises(LoginFailed, match="address"):
        await vault.get(NAME, msgspec.structs.replace(setup.credential, oidc_provider_url="nonsense"), setup.link)
    assert browser.opened == []


async def test_a_token_of_another_audience(setup: Setup, vault: Vault) -> None:
    setup.bao.client.write_data(
        f"auth/{setup.jwt_mount}/role/postman",
        data={"bound_audiences": "somebody-else", "user_claim": "sub", "role_type": "jwt"},
    )
    vault.prompter = Browser(redirected(setup))
    with pytest.raises(LoginFailed, match="refuses the ID token") as caught:
        await vault.get(NAME, setup.credential, setup.link)
    assert "audience" in str(caught.value.hint)
    assert_tells(caught.value, of=setup.credential)


@pytest.mark.parametrize(
    "id_token", ["", "a.b", "a.b.c", unsigned({}), unsigned({"nonce": "of-another-login"}), unsigned({"nonce": 1})]
)
async def test_an_id_token_of_another_login_is_not_used(vault: Vault, id_token: str) -> None:
    with stranger(404) as server:
        server.at["/v1/p/.well-known/openid-configuration"] = answer(
            {
                "issuer": f"{server.address}/v1/p",
                "authorization_endpoint": f"{server.address}/authorize",
                "token_endpoint": f"{server.address}/token",
            }
        )
        server.at["/token"] = answer({"id_token": id_token})
        vault.prompter = Browser(coded)
        credential = VaultOidc(oidc_provider_url=f"{server.address}/v1/p", client_id="c", server_address=server.address)
        with pytest.raises(LoginFailed, match="ID token does not belong to this login"):
            await vault.get(NAME, credential, HashicorpLink(credential=NAME, mount="kv", path="a"))
        assert [path for path, _ in server.seen] == ["/v1/p/.well-known/openid-configuration", "/token"]


@pytest.mark.parametrize("endpoint", ["authorization_endpoint", "token_endpoint"])
async def test_a_provider_cannot_send_the_login_elsewhere(vault: Vault, endpoint: str) -> None:
    with stranger(200, {}, b"{}") as elsewhere, stranger(404) as server:
        here = {
            "issuer": f"{server.address}/v1/p",
            "authorization_endpoint": f"{server.address}/authorize",
            "token_endpoint": f"{server.address}/token",
        }
        server.at["/v1/p/.well-known/openid-configuration"] = answer(here | {endpoint: f"{elsewhere.address}/x"})
        browser = vault.prompter = Browser(coded)
        credential = VaultOidc(oidc_provider_url=f"{server.address}/v1/p", client_id="c", server_address=server.address)
        with pytest.raises(LoginFailed, match="sends its logins to"):
            await vault.get(NAME, credential, HashicorpLink(credential=NAME, mount="kv", path="a"))
        assert browser.opened == []
        assert elsewhere.seen == []
