"""What HashiCorp Vault's provider says of each failure and what it never does: a real OpenBao, and bad servers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from core.errors import AccessDenied, LoginFailed, LoginRequired, ProviderUnavailable, SecretNotFound, VaultError
from core.secret import Secret
from core.vault.config import AnyCredential, HashicorpLink, VaultAppRole, VaultToken
from core.vault.prompting import RefusingPrompter
from core.vault.providers import hashicorp, hashicorp_login
from core.vault.service import Vault
from tests.vaults.contract import NAME, assert_tells, silent_server, unique
from tests.vaults.openbao import OpenBao, running
from tests.vaults.stranger import stranger

pytestmark = pytest.mark.vault

VALUE = "a-value-that-no-error-shows"


@pytest.fixture
def vault() -> Iterator[Vault]:
    vault = Vault()
    yield vault
    vault.close()


@pytest.fixture
def mount(bao: OpenBao) -> str:
    return bao.mount(2)


@pytest.fixture
def mount1(bao: OpenBao) -> str:
    return bao.mount(1)


def link(mount: str, path: str, **fields: object) -> HashicorpLink:
    return HashicorpLink(**({"credential": NAME, "mount": mount, "path": path} | fields))  # type: ignore[arg-type]


async def refusal(vault: Vault, credential: AnyCredential, wanted: HashicorpLink) -> VaultError:
    with pytest.raises(VaultError) as caught:
        await vault.get(NAME, credential, wanted)
    assert_tells(caught.value, of=credential, values=(VALUE,))
    return caught.value


async def test_a_deleted_version_says_since_when(bao: OpenBao, vault: Vault, mount: str) -> None:
    bao.put(mount, "a", {"k": VALUE})
    bao.put(mount, "a", {"k": VALUE})
    kv = bao.client.secrets.kv.v2
    kv.delete_secret_versions("a", versions=[1], mount_point=mount)
    when = kv.read_secret_metadata("a", mount_point=mount)["data"]["versions"]["1"]["deletion_time"]

    error = await refusal(vault, bao.token_credential(), link(mount, "a", version=1))
    assert isinstance(error, SecretNotFound)
    assert error.message == f'version 1 of "{mount}/a" was deleted at {when[:10]} {when[11:16]} UTC'
    assert "undelete" in str(error.hint)


async def test_a_deleted_newest_version_is_called_that(bao: OpenBao, vault: Vault, mount: str) -> None:
    bao.put(mount, "a", {"k": VALUE})
    bao.put(mount, "a", {"k": VALUE})
    bao.client.secrets.kv.v2.delete_latest_version_of_secret("a", mount_point=mount)
    error = await refusal(vault, bao.token_credential(), link(mount, "a"))
    assert isinstance(error, SecretNotFound)
    assert error.message.startswith(f'the newest version of "{mount}/a", 2, was deleted at ')


async def test_a_destroyed_version_is_called_that(bao: OpenBao, vault: Vault, mount: str) -> None:
    bao.put(mount, "a", {"k": VALUE})
    bao.client.secrets.kv.v2.destroy_secret_versions("a", versions=[1], mount_point=mount)
    error = await refusal(vault, bao.token_credential(), link(mount, "a", version=1))
    assert isinstance(error, SecretNotFound)
    assert error.message == f'version 1 of "{mount}/a" was destroyed'


async def test_a_version_that_will_delete_itself_is_noted(bao: OpenBao, vault: Vault, mount: str) -> None:
    bao.client.secrets.kv.v2.configure(delete_version_after="1h", mount_point=mount)
    bao.put(mount, "a", {"k": VALUE})
    got = await vault.get(NAME, bao.token_credential(), link(mount, "a"))
    [note] = got.info.notes
    assert note.startswith("this version is deleted by itself at ")


async def test_a_missing_version_says_the_newest(bao: OpenBao, vault: Vault, mount: str) -> None:
    bao.put(mount, "a", {"k": VALUE})
    error = await refusal(vault, bao.token_credential(), link(mount, "a", version=7))
    assert error.message == f'"{mount}/a" has no version 7, its newest is 1'


async def test_a_missing_version_without_sight_of_the_metadata(bao: OpenBao, vault: Vault, mount: str) -> None:
    bao.put(mount, "a", {"k": VALUE})
    token = bao.token([bao.policy({f"{mount}/data/*": ["read"]})])
    error = await refusal(vault, bao.token_credential(token), link(mount, "a", version=7))
    assert isinstance(error, SecretNotFound)
    assert f'"{mount}/a" has no version 7' in error.message


async def test_a_missing_mount(bao: OpenBao, vault: Vault) -> None:
    error = await refusal(vault, bao.token_credential(), link("nowhere", "a"))
    assert isinstance(error, SecretNotFound)
    assert error.message == 'there is no mount "nowhere"'


async def test_a_mount_that_a_token_may_not_see(bao: OpenBao, vault: Vault) -> None:
    """The server does not tell this from a missing one, so neither do we."""
    error = await refusal(vault, bao.token_credential(bao.token(["default"])), link("nowhere", "a"))
    assert isinstance(error, AccessDenied)
    assert "or there is no such mount" in error.message
    assert "policies: default" in error.message


async def test_a_path_that_the_policy_lacks_names_the_policy_to_ask_for(bao: OpenBao, vault: Vault, mount: str) -> None:
    bao.put(mount, "b", {"k": VALUE})
    token = bao.token([bao.policy({f"{mount}/data/a": ["read"]})])
    error = await refusal(vault, bao.token_credential(token), link(mount, "b"))
    assert isinstance(error, AccessDenied)
    assert error.hint == f'ask for a policy with "read" on "{mount}/data/b"'


async def test_denied_is_told_from_wrong_without_the_default_policy(bao: OpenBao, vault: Vault, mount: str) -> None:
    """Without the default policy a token may not even look itself up."""
    bao.put(mount, "a", {"k": VALUE})
    bao.put(mount, "b", {"k": VALUE})
    token = bao.token([bao.policy({f"{mount}/data/a": ["read"]})], no_default_policy=True)
    credential = bao.token_credential(token)
    assert (await vault.get(NAME, credential, link(mount, "a", key="k"))).secret.reveal() == VALUE
    assert isinstance(await refusal(vault, credential, link(mount, "b")), AccessDenied)
    bao.revoke(token)
    with pytest.raises(LoginRequired):
        await vault.get(NAME, credential, link(mount, "a"), fresh=True)


async def test_version_1_read_as_version_2(bao: OpenBao, vault: Vault, mount1: str) -> None:
    bao.put(mount1, "a", {"k": VALUE}, version=1)
    error = await refusal(vault, bao.token_credential(), link(mount1, "a"))
    assert error.message == f'"{mount1}" is a mount of KV version 1, and the link says 2'
    assert error.hint == "set the KV version of the link to 1"


async def test_version_2_read_as_version_1(bao: OpenBao, vault: Vault, mount: str) -> None:
    bao.put(mount, "a", {"k": VALUE})
    error = await refusal(vault, bao.token_credential(), link(mount, "a", kv_version=1))
    assert error.hint == "set the KV version of the link to 2"


async def test_part_of_the_path_in_the_mount(bao: OpenBao, vault: Vault, mount: str) -> None:
    bao.put(mount, "team/a", {"k": VALUE})
    error = await refusal(vault, bao.token_credential(), link(f"{mount}/team", "a"))
    assert error.message == f'there is no mount "{mount}/team", but a mount "{mount}"'


async def test_slashes_around_mount_and_path_do_no_harm(bao: OpenBao, vault: Vault) -> None:
    mount = bao.mount(2, f"deep/er/{unique('kv')}")
    bao.put(mount, "x/y", {"k": VALUE})
    got = await vault.get(NAME, bao.token_credential(), link(f"/{mount}/", "/x/y/", key="k"))
    assert got.secret.reveal() == VALUE


@pytest.mark.parametrize("path", ["a b", "q?x=1", "h#x", "100%", "50%25", "grüße/☃", "pl+us", "semi;colon", "{x}"])
async def test_any_path_is_sent_as_it_is(bao: OpenBao, vault: Vault, path: str) -> None:
    mount = bao.mount(1)
    bao.put(mount, path, {"k": path}, version=1)
    got = await vault.get(NAME, bao.token_credential(), link(mount, path, key="k", kv_version=1))
    assert got.secret.reveal() == path


@pytest.mark.parametrize(
    ("wrong_mount", "path"),
    [
        ("auth/token", "lookup-self"),
        ("sys", "internal/ui/mounts"),
        ("identity", "oidc/.well-known/keys"),
        ("cubbyhole", "a"),
        ("kv", "../auth/token/lookup-self"),
        ("kv/..", "auth/token/lookup-self"),
        ("kv", "a/./b"),
        ("kv", "a//b"),
        ("", "a"),
        ("kv", ""),
        ("/", "/"),
    ],
)
async def test_a_link_reaches_nothing_but_secrets(bao: OpenBao, vault: Vault, wrong_mount: str, path: str) -> None:
    """`auth/token/lookup-self` read as KV 1 would answer the user's own token."""
    error = await refusal(vault, bao.token_credential(), link(wrong_mount, path, kv_version=1))
    assert isinstance(error, SecretNotFound)


async def test_an_engine_that_makes_things_is_not_read(bao: OpenBao, vault: Vault) -> None:
    name = unique("transit")
    bao.client.sys.enable_secrets_engine("transit", path=name)
    bao.client.secrets.transit.create_key("k", mount_point=name)
    error = await refusal(vault, bao.token_credential(), link(name, "keys/k", kv_version=1))
    assert error.message == f'"{name}" holds no key-value secrets but is an engine of type "transit"'


async def test_namespaces(bao: OpenBao, vault: Vault) -> None:
    team = bao.in_namespace()
    mount = team.mount(2)
    team.put(mount, "a", {"k": VALUE})
    got = await vault.get(NAME, team.token_credential(), link(mount, "a", key="k"))
    assert got.secret.reveal() == VALUE
    assert got.info.resolved_id == f"{team.namespace}/{mount}/a"
    other = msgspec.structs.replace(team.token_credential(), namespace="no-such-team")
    error = await refusal(vault, other, link(mount, "a"))
    assert "no such namespace" in error.message
    rows = await vault.list_secrets(NAME, team.token_credential(), f"{mount}/", 10)
    assert [row.name for row in rows] == [f"{mount}/a"]


async def test_a_private_authority(tls_bao: OpenBao, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    credential = msgspec.structs.replace(tls_bao.token_credential(), ca_file="")
    error = await refusal(vault, credential, link("secret", "a"))
    assert isinstance(error, ProviderUnavailable)
    assert "is not secure: " in error.message
    assert "certificate" in error.message or "authority" in error.message
    assert "CA file" in str(error.hint)
    # The authorities of the environment do not replace the credential's own.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/dev/null")
    assert (await vault.test(NAME, tls_bao.token_credential())).identity.startswith("token")


async def test_a_missing_authority_file(tls_bao: OpenBao, vault: Vault) -> None:
    credential = msgspec.structs.replace(tls_bao.token_credential(), ca_file="/nowhere/ca.pem")
    assert 'CA file "/nowhere/ca.pem" does not exist' in (await refusal(vault, credential, link("secret", "a"))).message


async def test_an_authority_file_that_is_none(tls_bao: OpenBao, vault: Vault, home: Path) -> None:
    (home / "ca.pem").write_text("no certificate")
    credential = msgspec.structs.replace(tls_bao.token_credential(), ca_file=str(home / "ca.pem"))
    assert isinstance(await refusal(vault, credential, link("secret", "a")), ProviderUnavailable)


async def test_http_to_https(tls_bao: OpenBao, vault: Vault) -> None:
    credential = msgspec.structs.replace(
        tls_bao.token_credential(), server_address=tls_bao.address.replace("https", "http")
    )
    error = await refusal(vault, credential, link("secret", "a"))
    assert isinstance(error, ProviderUnavailable)
    assert "speaks https" in error.message


async def test_https_to_http(bao: OpenBao, vault: Vault) -> None:
    credential = msgspec.structs.replace(bao.token_credential(), server_address=bao.address.replace("http", "https"))
    assert isinstance(await refusal(vault, credential, link("secret", "a")), ProviderUnavailable)


async def test_a_sealed_vault(vault: Vault) -> None:
    with running() as server:
        mount = server.mount(2)
        credential = server.token_credential()
        server.put(mount, "a", {"k": VALUE})
        await vault.get(NAME, credential, link(mount, "a"))
        server.client.sys.seal()
        with pytest.raises(ProviderUnavailable, match="sealed") as caught:
            await vault.get(NAME, credential, link(mount, "a"), fresh=True)
        assert_tells(caught.value, of=credential, values=(VALUE,))
        assert server.address in caught.value.message


@pytest.mark.parametrize("token", ["", "  ", "a b", "s.new\nline", "s.über", "x\0y"])
async def test_a_token_that_cannot_be_one_is_not_sent(bao: OpenBao, vault: Vault, token: str) -> None:
    credential = VaultToken(server_address=bao.address, token=Secret(token))
    with pytest.raises(LoginFailed) as caught:
        await vault.get(NAME, credential, link("secret", "a"))
    assert "characters" in caught.value.message
    assert len(token) < 5 or token not in repr(caught.value)


async def test_blanks_around_a_token_do_no_harm(bao: OpenBao, vault: Vault) -> None:
    credential = VaultToken(server_address=f" {bao.address}/v1/ ", token=Secret(f" {bao.root_token}\n"))
    assert (await vault.test(NAME, credential)).identity


@pytest.mark.parametrize(
    "address",
    [
        "",
        "vault.example.com",
        "ftp://vault",
        "http://",
        "http://user:pw@127.0.0.1",
        "javascript:alert(1)",
        "http://[",
        "http://x:y",
    ],
)
async def test_an_address_that_is_none(vault: Vault, address: str) -> None:
    credential = VaultToken(server_address=address, token=Secret("t"))
    with pytest.raises(LoginFailed, match="address") as caught:
        await vault.get(NAME, credential, link("secret", "a"))
    assert "pw" not in str(caught.value)


async def test_no_token_but_the_credentials_own(
    bao: OpenBao, vault: Vault, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", bao.root_token)
    monkeypatch.setenv("VAULT_ADDR", bao.address)
    (home / ".vault-token").write_text(bao.root_token)
    assert isinstance(await refusal(vault, bao.token_credential("s.wrong"), link("secret", "a")), LoginFailed)


async def test_a_listing_that_is_not_allowed_says_to_type(bao: OpenBao, vault: Vault, mount: str) -> None:
    token = bao.token([bao.policy({f"{mount}/data/*": ["read"]})])
    with pytest.raises(AccessDenied) as caught:
        await vault.list_secrets(NAME, bao.token_credential(token), f"{mount}/")
    assert caught.value.hint == (f'ask for a policy with "list" on "{mount}/metadata/", or type the path of the secret')


async def test_listing_goes_down_folder_by_folder(bao: OpenBao, vault: Vault, mount: str) -> None:
    for path in ("a", "ab", "b/c", "b/d/e", "grüße/x y"):
        bao.put(mount, path, {"k": "v"})
    credential = bao.token_credential(bao.token([bao.policy({f"{mount}/*": ["list", "read"]})]))

    async def names(prefix: str, limit: int = 50) -> list[str]:
        return [row.name.removeprefix(mount) for row in await vault.list_secrets(NAME, credential, prefix, limit)]

    assert await names("") == ["/"]
    assert await names(mount[:4]) == ["/"]
    assert await names(f"{mount}/") == ["/a", "/ab", "/b/", "/grüße/"]
    assert await names(f"{mount}/a") == ["/a", "/ab"]
    assert await names(f"{mount}/b/") == ["/b/c", "/b/d/"]
    assert await names(f"{mount}/b/d/") == ["/b/d/e"]
    assert await names(f"{mount}/grüße/x") == ["/grüße/x y"]
    assert await names(f"{mount}/nothing/") == []
    assert await names("nowhere/") == []
    assert await names(f"{mount}/", 2) == ["/a", "/ab"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_the_token_does_not_follow_a_redirect_to_another_address(vault: Vault, status: int) -> None:
    with stranger(200, {}, b"{}") as other, stranger(status, {"Location": f"{other.address}/v1/x?y"}) as first:
        credential = VaultToken(server_address=first.address, token=Secret("s.a-token-to-keep"))
        error = await refusal(vault, credential, link("secret", "a"))
        assert isinstance(error, ProviderUnavailable)
        assert "sends its clients on to" in error.message
        assert len(first.seen) == 1
        assert other.seen == []


@pytest.mark.parametrize("target", ["http://[", "//[::1", "https://127.0.0.1:{port}/", "http://127.0.0.1:1/x"])
async def test_nor_to_what_is_no_address_or_another_port(vault: Vault, target: str) -> None:
    with stranger(307) as server:
        port = server.server_address[1]
        server.answer = (307, {"Location": target.format(port=port)}, b"")
        credential = VaultToken(server_address=server.address, token=Secret("s.a-token-to-keep"))
        error = await refusal(vault, credential, link("secret", "a"))
        assert isinstance(error, ProviderUnavailable)
        assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>log in</html>"),
        (200, b""),
        (200, b"{}"),
        (200, b"[1, 2"),
        (200, b'{"data": "x"}'),
        (200, b"\xff\xfe"),
        (200, b"[" * 100_000),
        (204, b""),
        (404, b"<html>not here</html>"),
        (400, b"{}"),
        (500, b'{"errors": ["internal"]}'),
        (502, b"bad gateway"),
        (504, b""),
        (429, b""),
        (418, b"teapot"),
    ],
)
async def test_answers_that_no_vault_gives(vault: Vault, status: int, body: bytes) -> None:
    with stranger(status, {"Content-Type": "application/json"}, body) as server:
        credential = VaultToken(server_address=server.address, token=Secret("s.a-token-to-keep"))
        error = await refusal(vault, credential, link("secret", "a"))
        assert isinstance(error, ProviderUnavailable)
        assert server.address in error.message


async def test_a_server_that_does_not_say_what_is_mounted_is_still_not_asked_for_the_token(vault: Vault) -> None:
    whose = b'{"data": {"id": "s.a-token-to-keep", "display_name": "ada", "policies": []}}'
    with stranger(404, {"Content-Type": "application/json"}, b'{"errors": []}') as server:
        server.at["/v1/auth/token/lookup-self"] = (200, {"Content-Type": "application/json"}, whose)
        credential = VaultToken(server_address=server.address, token=Secret("s.a-token-to-keep"))
        error = await refusal(vault, credential, link("auth/token", "lookup-self", kv_version=1))
        assert isinstance(error, SecretNotFound)
        assert [path for path, _ in server.seen] == ["/v1/auth/token/lookup-self"], "only to see whose token it is"


async def test_a_login_sends_no_token_that_lies_around(
    vault: Vault, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "s.of-the-environment")
    (home / ".vault-token").write_text("s.of-the-file")
    with stranger(500) as server:
        credential = VaultAppRole(server_address=server.address, role_id="r", secret_id=Secret("the-secret-id"))
        await refusal(vault, credential, link("secret", "a"))
        [(path, headers)] = server.seen
        assert path == "/v1/auth/approle/login"
        assert "x-vault-token" not in headers


async def test_what_netrc_has_is_not_sent(vault: Vault, home: Path) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login ada password from-netrc\n")
    (home / ".netrc").chmod(0o600)
    with stranger(500) as server:
        credential = VaultToken(server_address=server.address, token=Secret("s.t"))
        await refusal(vault, credential, link("secret", "a"))
        [(_, headers)] = server.seen
        assert "authorization" not in headers
        assert headers["x-vault-token"] == "s.t"


async def test_a_proxy_of_the_environment_is_used(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    with stranger(502, {}, b"") as proxy:
        monkeypatch.setenv("http_proxy", proxy.address)
        credential = VaultToken(server_address="http://vault.invalid:8200", token=Secret("s.t"))
        await refusal(vault, credential, link("secret", "a"))
        assert [path for path, _ in proxy.seen] == ["http://vault.invalid:8200/v1/auth/token/lookup-self"]


async def test_a_name_that_nobody_knows(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    credential = VaultToken(server_address="http://vault.invalid:8200", token=Secret("s.t"))
    error = await refusal(vault, credential, link("secret", "a"))
    assert error.message == '"http://vault.invalid:8200" cannot be reached: its name is not known'


def test_a_read_has_a_limit_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider's thread ends by itself, so that abandoned ones do not pile up."""
    monkeypatch.setattr(hashicorp_login, "TIMEOUT", (0.2, 0.2))
    with silent_server() as address, pytest.raises(ProviderUnavailable, match="did not answer"):
        hashicorp.connect(VaultToken(server_address=address, token=Secret("s.t")), RefusingPrompter())


def test_the_limits_are_the_documented_ones() -> None:
    assert hashicorp_login.TIMEOUT == (5, 10)
    assert "VAULT_TOKEN" not in os.environ
