"""The logins of HashiCorp Vault: renewal, userpass, LDAP, the agent's token file, lives of tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from core.errors import LoginFailed, LoginRequired
from core.secret import Secret
from core.vault.cache import SecretCache
from core.vault.config import HashicorpLink, VaultAgent, VaultLdap, VaultUserpass
from core.vault.service import Vault
from tests.vaults.contract import NAME, assert_tells, unique
from tests.vaults.openbao import OpenBao

pytestmark = pytest.mark.vault


@pytest.fixture
def vault() -> Iterator[Vault]:
    vault = Vault()
    yield vault
    vault.close()


@pytest.fixture
def secret(bao: OpenBao) -> HashicorpLink:
    mount = bao.mount(2)
    for name in "abcdefgh":
        bao.put(mount, name, {"k": "v"})
    return HashicorpLink(credential=NAME, mount=mount, path="a", key="k")


@pytest.fixture
def policy(bao: OpenBao, secret: HashicorpLink) -> str:
    return bao.policy({f"{secret.mount}/*": ["read", "list"]})


async def test_a_token_shows_whose_it_is_and_when_it_ends(bao: OpenBao, vault: Vault, policy: str) -> None:
    before = datetime.now(UTC)
    credential = bao.token_credential(bao.token([policy], ttl="90m", display_name="ci"))
    info = await vault.test(NAME, credential)
    assert info.identity == f"token-ci (policies: default, {policy})"
    assert info.expires_at is not None
    assert abs(info.expires_at - before - timedelta(minutes=90)) < timedelta(seconds=30)


async def test_a_token_without_an_end_shows_none(bao: OpenBao, vault: Vault) -> None:
    info = await vault.test(NAME, bao.token_credential())
    assert info.expires_at is None
    assert info.identity == "token (policies: root)"


async def test_a_token_whose_time_is_up_is_called_ended(bao: OpenBao, policy: str, secret: HashicorpLink) -> None:
    now = [datetime.now(UTC).timestamp()]
    vault = Vault(SecretCache(wall=lambda: now[0]))
    token = bao.token([policy], ttl="1h")
    credential = bao.token_credential(token)
    await vault.get(NAME, credential, secret)
    now[0] += 3601
    assert vault.login_state(NAME).state == "expired"
    bao.revoke(token)
    with pytest.raises(LoginRequired, match="the login ended at"):
        await vault.get(NAME, credential, secret)
    assert vault.login_state(NAME).state == "expired"
    vault.close()


async def test_an_approle_says_who_it_is_and_no_end(bao: OpenBao, vault: Vault, policy: str) -> None:
    info = await vault.test(NAME, bao.approle_credential([policy], token_ttl="60s"))
    assert info.identity.startswith("approle role-")
    assert policy in info.identity
    assert info.expires_at is None


async def test_many_fetches_renew_a_login_once(bao: OpenBao, vault: Vault, policy: str, secret: HashicorpLink) -> None:
    credential = bao.approle_credential([policy], secret_id_num_uses=2)  # the first login and one more
    await vault.get(NAME, credential, secret)
    bao.revoke_logins()
    links = [msgspec.structs.replace(secret, path=name) for name in "abcdefgh"]
    got = await asyncio.gather(*(vault.get(NAME, credential, link, fresh=True) for link in links))
    assert len(got) == 8
    bao.revoke_logins()
    with pytest.raises(LoginFailed) as caught:
        await vault.get(NAME, credential, secret, fresh=True)
    assert_tells(caught.value, of=credential)
    assert vault.login_state(NAME).state == "needs login"


async def test_ten_askers_at_once_ask_the_server_once(
    bao: OpenBao, vault: Vault, policy: str, secret: HashicorpLink
) -> None:
    # Two uses: whose token it is, and one read.
    credential = bao.token_credential(bao.token([policy], num_uses=2))
    got = await asyncio.gather(*(vault.get(NAME, credential, secret) for _ in range(10)))
    assert {one.secret.reveal() for one in got} == {"v"}
    with pytest.raises(LoginRequired):
        await vault.get(NAME, credential, secret, fresh=True)


async def test_an_approle_mounted_elsewhere(bao: OpenBao, vault: Vault, policy: str, secret: HashicorpLink) -> None:
    mount = unique("robots")
    role_id, secret_id = bao.approle([policy], mount=mount)
    credential = msgspec.structs.replace(
        bao.approle_credential(), role_id=role_id, secret_id=Secret(secret_id), auth_mount=mount
    )
    assert (await vault.get(NAME, credential, secret)).secret.reveal() == "v"
    missing = msgspec.structs.replace(credential, auth_mount="nowhere")
    with pytest.raises(LoginFailed, match='no login at "auth/nowhere"') as caught:
        await vault.get(NAME, missing, secret)
    assert_tells(caught.value, of=missing)


@pytest.mark.parametrize("username", ["ada", "ada.lovelace-1815"])
async def test_userpass(bao: OpenBao, vault: Vault, policy: str, secret: HashicorpLink, username: str) -> None:
    password = 'pä"ss wörd'
    bao.userpass(username, password, [policy])
    credential = VaultUserpass(server_address=bao.address, username=username, password=Secret(password))
    assert (await vault.get(NAME, credential, secret)).secret.reveal() == "v"
    assert vault.login_state(NAME).identity.startswith("userpass ")
    bao.revoke_logins("userpass")
    assert (await vault.get(NAME, credential, secret, fresh=True)).secret.reveal() == "v"
    wrong = msgspec.structs.replace(credential, password=Secret("not-the-password"))
    with pytest.raises(LoginFailed, match="user name or the password") as caught:
        await vault.get(NAME, wrong, secret)
    assert_tells(caught.value, of=wrong)


async def test_a_user_name_cannot_leave_its_place(bao: OpenBao, vault: Vault, secret: HashicorpLink) -> None:
    credential = VaultUserpass(
        server_address=bao.address, username="../../../token/create", password=Secret("some-password")
    )
    with pytest.raises(LoginFailed):
        await vault.get(NAME, credential, secret)


async def test_an_agents_token_file(
    bao: OpenBao, vault: Vault, policy: str, secret: HashicorpLink, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_ADDR", bao.address)
    credential = VaultAgent()
    with pytest.raises(LoginRequired, match="there is no token in") as caught:
        await vault.get(NAME, credential, secret)
    assert "vault login" in str(caught.value.hint)

    file = home / ".vault-token"
    first, second = bao.token([policy]), bao.token([policy])
    file.write_text(f"{first}\n")
    assert (await vault.get(NAME, credential, secret)).secret.reveal() == "v"
    # The agent writes a new token before the old one ends; it is read when the old one is refused.
    file.write_text(second)
    bao.revoke(first)
    assert (await vault.get(NAME, credential, secret, fresh=True)).secret.reveal() == "v"
    bao.revoke(second)
    with pytest.raises(LoginRequired, match="has ended"):
        await vault.get(NAME, credential, secret, fresh=True)
    file.write_text("s.wrong")
    with pytest.raises((LoginFailed, LoginRequired)):
        await vault.get(NAME, credential, secret, fresh=True)


async def test_an_agent_without_an_address(vault: Vault, secret: HashicorpLink) -> None:
    with pytest.raises(LoginFailed, match="VAULT_ADDR"):
        await vault.get(NAME, VaultAgent(), secret)


async def test_an_agents_namespace(bao: OpenBao, vault: Vault, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    team = bao.in_namespace()
    mount = team.mount(1)
    team.put(mount, "a", {"k": "v"}, version=1)
    token = team.token([team.policy({f"{mount}/*": ["read"]})])
    (home / "token").write_text(token)
    monkeypatch.setenv("VAULT_NAMESPACE", team.namespace)
    credential = VaultAgent(server_address=bao.address, token_file=str(home / "token"))
    link = HashicorpLink(credential=NAME, mount=mount, path="a", key="k", kv_version=1)
    assert (await vault.get(NAME, credential, link)).secret.reveal() == "v"


async def test_ldap(bao: OpenBao, vault: Vault, policy: str, secret: HashicorpLink) -> None:
    """OpenBao's package comes without its LDAP engine; the login of userpass, mounted there, has the same shape."""
    mount = unique("ldap")
    bao.userpass("ada", "ldap-password", [policy], mount=mount)
    credential = VaultLdap(
        server_address=bao.address, username="ada", password=Secret("ldap-password"), auth_mount=mount
    )
    assert (await vault.get(NAME, credential, secret)).secret.reveal() == "v"
    bao.revoke_logins(mount)
    assert (await vault.get(NAME, credential, secret, fresh=True)).secret.reveal() == "v"
    wrong = msgspec.structs.replace(credential, password=Secret("another-password"))
    with pytest.raises(LoginFailed) as caught:
        await vault.get(NAME, wrong, secret)
    assert_tells(caught.value, of=wrong)
