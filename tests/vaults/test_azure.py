"""Azure Key Vault's provider against stand-ins of Entra ID and Key Vault that check what they are sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from core.errors import AccessDenied, ProviderUnavailable, SecretNotFound, VaultError
from core.secret import Secret
from core.vault.config import AnyCredential, AnyLink, AzureLink, AzureServicePrincipal
from core.vault.service import Vault
from tests.canary import files_below
from tests.vaults.azure_fake import Answer, AzureFake, _azure_server, azure
from tests.vaults.contract import (
    NAME,
    LoginBackend,
    LoginContract,
    ProviderContract,
    VersionContract,
    assert_tells,
)

__all__ = ["_azure_server", "azure"]

VALUE = "the value that nobody may see"


class AzureBackend:
    renews = True

    def __init__(self, fake: AzureFake) -> None:
        self.fake = fake
        self.versions: dict[str, list[str]] = {}
        self._credential = self.principal()
        self.principal_id = self._credential.client_id

    def principal(self, **more: Any) -> AzureServicePrincipal:
        app = self.fake.app(secret="the-client-secret-of-the-app", **more)
        return AzureServicePrincipal(
            tenant_id=self.fake.tenant, client_id=app.client_id, client_secret=Secret(app.secret)
        )

    def credential(self) -> AnyCredential:
        return self._credential

    def link(self, name: str) -> AzureLink:
        return AzureLink(credential=NAME, secret_identifier=f"https://{self.fake.host}/secrets/{name}")

    def put(self, name: str, keys: Mapping[str, object]) -> AnyLink:
        self.versions.setdefault(name, []).append(self.fake.put(name, json.dumps(keys)))
        return self.link(name)

    def missing(self) -> AnyLink:
        return self.link("nothing")

    def version(self, link: AnyLink, number: int) -> AnyLink:
        assert isinstance(link, AzureLink)
        known = self.versions[link.secret_identifier.rpartition("/")[2]]
        identifier = known[number - 1] if number <= len(known) else f"{link.secret_identifier}/{'0' * 32}"
        return msgspec.structs.replace(link, secret_identifier=identifier)

    def refused(self) -> AnyCredential:
        return msgspec.structs.replace(self._credential, client_secret=Secret("this-secret-is-wrong"))

    def powerless(self) -> AnyCredential:
        return self.principal(may_read=False)

    def end_login(self) -> None:
        self.fake.revoke()

    def at(self, address: str) -> AnyCredential:
        """Another cloud's Entra ID is at the address."""
        self.fake.net.routes["login.microsoftonline.us"] = urlsplit(address).port or 0
        return msgspec.structs.replace(self._credential, authority="https://login.microsoftonline.us")


@pytest.fixture
def cloud(azure: AzureFake) -> AzureBackend:
    return AzureBackend(azure)


@pytest.fixture
def vault() -> Iterator[Vault]:
    vault = Vault()
    yield vault
    vault.close()


class TestAzure(ProviderContract, LoginContract, VersionContract):
    @pytest.fixture
    def backend(self, cloud: AzureBackend) -> LoginBackend:
        return cloud

    async def _find(self, vault: Vault, credential: AnyCredential, name: str) -> list[Any]:
        """The picker begins with the vault's address: Azure does not tell who may read it which vaults there are."""
        host = self._host
        [folder] = await vault.list_secrets(NAME, credential, f"https://{host}", 500)
        assert folder.is_folder
        return list(await vault.list_secrets(NAME, credential, folder.name, 500))

    @pytest.fixture(autouse=True)
    def _of(self, azure: AzureFake) -> None:
        self._host = azure.host


async def value(vault: Vault, credential: AnyCredential, link: AnyLink) -> str:
    return (await vault.get(NAME, credential, link, fresh=True)).secret.reveal()


async def refused(cloud: AzureBackend, vault: Vault, link: AnyLink, kind: type[VaultError], match: str) -> VaultError:
    with pytest.raises(kind, match=match) as caught:
        await value(vault, cloud.credential(), link)
    assert_tells(caught.value, of=cloud.credential(), values=(VALUE,))
    return caught.value


def at(identifier: str) -> AzureLink:
    return AzureLink(credential=NAME, secret_identifier=identifier)


async def test_details(cloud: AzureBackend, vault: Vault) -> None:
    identifier = cloud.fake.put("detailed", VALUE)
    got = await vault.get(NAME, cloud.credential(), cloud.link("detailed"))
    assert got.info.resolved_id == identifier
    assert got.info.version == identifier.rpartition("/")[2]
    assert got.info.notes == ()
    assert got.info.identity == cloud.principal_id


async def test_ways_to_write_an_identifier(cloud: AzureBackend, vault: Vault) -> None:
    versioned, host = cloud.fake.put("plain", VALUE), cloud.fake.host
    for identifier in (
        f"https://{host}/secrets/plain",
        f"https://{host}/secrets/plain/",
        f"  https://{host}/secrets/plain\n",
        f"https://{host}:443/secrets/plain",
        f"HTTPS://{host.upper()}/secrets/plain",
        versioned,
    ):
        assert await value(vault, cloud.credential(), at(identifier)) == VALUE


NO_SECRETS = [
    ("http://{host}/secrets/a", "not https"),
    ("{host}/secrets/a", "not https"),
    ("", "not https"),
    ("https://[::1/secrets/a", "not https"),
    ("https://vault.example.com/secrets/a", '"vault.example.com" is no host of a vault'),
    ("https://vault.azure.net/secrets/a", "is no host of a vault"),
    ("https://.vault.azure.net/secrets/a", "is no host of a vault"),
    ("https://a.b.vault.azure.net/secrets/a", "is no host of a vault"),
    ("https://kv.vault.azure.net.example.com/secrets/a", "is no host of a vault"),
    ("https://kvvault.azure.net/secrets/a", "is no host of a vault"),
    ("https://example.com\\@{host}/secrets/a", "is no host of a vault"),
    ("https://user:word@{host}/secrets/a", "is no host of a vault"),
    ("https://{host}:8443/secrets/a", "is no host of a vault"),
    ("https://example.com#@{host}/secrets/a", "is no host of a vault"),
    ("https://{host}/keys/a", "names no secret"),
    ("https://{host}/secrets", "names no secret"),
    ("https://{host}/secrets/a/b/c", "names no secret"),
    ("https://{host}/deletedsecrets/a", "names no secret"),
    ("https://{host}/secrets/a?x=1", "names no secret"),
    ("https://{host}/secrets/a#x", "names no secret"),
    ("https://{host}/secrets//a", "is no name"),
    ("https://{host}/secrets/..", "is no name"),
    ("https://{host}/secrets/a%2Fb", "is no name"),
    ("https://{host}/secrets/a/versions", "is no version"),
]


async def test_what_names_no_secret_of_a_known_cloud_is_never_asked_for(cloud: AzureBackend, vault: Vault) -> None:
    await vault.test(NAME, cloud.credential())
    before = len(cloud.fake.asked)
    for identifier, says in NO_SECRETS:
        await refused(cloud, vault, at(identifier.format(host=cloud.fake.host)), SecretNotFound, says)
    assert len(cloud.fake.asked) == before
    assert vault.login_state(NAME).state == "connected"


async def test_a_disabled_version_is_named_so(cloud: AzureBackend, vault: Vault) -> None:
    identifier = cloud.fake.put("off", VALUE, enabled=False)
    await refused(cloud, vault, cloud.link("off"), SecretNotFound, r'secret "off" in ".*" is disabled')
    version = identifier.rpartition("/")[2]
    await refused(
        cloud, vault, at(identifier), SecretNotFound, f'version "{version}" of secret "off" in ".*" is disabled'
    )


async def test_what_has_expired_or_is_not_valid_yet_is_judged_here(cloud: AzureBackend, vault: Vault) -> None:
    """Key Vault gives the value of both."""
    cloud.fake.put("old", VALUE, exp=1_735_689_600)
    await refused(cloud, vault, cloud.link("old"), SecretNotFound, "expired since 2025-01-01 00:00 UTC")
    cloud.fake.put("young", VALUE, nbf=4_102_444_800)
    await refused(cloud, vault, cloud.link("young"), SecretNotFound, "not valid before 2100-01-01 00:00 UTC")


async def test_a_secret_that_ends_soon_is_read_with_a_warning(cloud: AzureBackend, vault: Vault) -> None:
    soon = datetime.now(UTC) + timedelta(days=2)
    cloud.fake.put("soon", VALUE, exp=int(soon.timestamp()))
    got = await vault.get(NAME, cloud.credential(), cloud.link("soon"))
    assert got.secret.reveal() == VALUE
    assert got.info.notes == (f"expires on {soon:%Y-%m-%d %H:%M} UTC",)


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("ForbiddenByRbac", "Key Vault Secrets User"),
        ("ForbiddenByPolicy", "access policies"),
        ("ForbiddenByFirewall", "firewall"),
        ("", "Key Vault Secrets User"),
    ],
)
async def test_denials_name_what_to_ask_for(cloud: AzureBackend, vault: Vault, code: str, hint: str) -> None:
    cloud.fake.forbidden = code
    cloud.fake.put("denied", VALUE)
    credential = cloud.powerless()
    with pytest.raises(AccessDenied, match="may not read secret") as caught:
        await value(vault, credential, cloud.link("denied"))
    assert hint in str(caught.value.hint)
    assert caught.value.message.startswith(f'"{credential.client_id}"')  # type: ignore[union-attr]
    with pytest.raises(AccessDenied, match="may not list") as caught:
        await vault.list_secrets(NAME, credential, f"https://{cloud.fake.host}/secrets/")
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(429, {"error": {"code": "Throttled", "message": "slow"}}, {"Retry-After": "37"}), "too many requests"),
        (Answer(500, {"error": {"code": "Internal", "message": "no"}}), "status 500"),
        (Answer(503), "status 503"),
        (Answer(404, "<html>"), "there is no secret"),
        (Answer(200, "<html>no JSON"), "no answer of Key Vault"),
        (Answer(200, ["a", "list"]), "no answer of Key Vault"),
        (Answer(200, {"value": 7, "attributes": "x"}), "no answer of Key Vault"),
        (Answer(200, {}), "no value"),
        (Answer(302, None, {"Location": "https://example.com/secrets/a"}), "no answer of Key Vault"),
        (Answer(401, None), "does not accept the login"),
        (Answer(401, None, {"WWW-Authenticate": "Basic"}), "does not accept the login"),
    ],
)
async def test_answers_that_give_no_secret(cloud: AzureBackend, vault: Vault, answer: Answer, says: str) -> None:
    cloud.fake.put("a", VALUE)
    assert await value(vault, cloud.credential(), cloud.link("a")) == VALUE
    cloud.fake.answers["/secrets/a"] = lambda: answer
    before = cloud.fake.count("/secrets/a")
    error = await refused(cloud, vault, cloud.link("a"), VaultError, says)
    if answer.status in (429, 500, 503):
        assert isinstance(error, ProviderUnavailable)
        assert cloud.fake.count("/secrets/a") == before + 1, "the SDK would wait as long as the vault says"
    if answer.status == 429:
        assert "37 seconds" in str(error.hint)


@pytest.mark.parametrize("resource", ["https://graph.microsoft.com", "https://net", "https://azure.net", "x", ""])
async def test_a_challenge_for_anything_else_gets_no_token(cloud: AzureBackend, vault: Vault, resource: str) -> None:
    """Some of them pass the SDK's own check, which looks at the end of the host only."""
    challenge = f'Bearer authorization="https://login.microsoftonline.com/{cloud.fake.tenant}", resource="{resource}"'
    cloud.fake.answers["/secrets/a"] = lambda: Answer(401, None, {"WWW-Authenticate": challenge})
    await refused(cloud, vault, cloud.link("a"), VaultError, "no answer of Key Vault|not for Key Vault|not accept")
    assert all("authorization" not in one.headers for one in cloud.fake.asked if one.path.startswith("/secrets"))


async def test_the_vault_out_of_reach(cloud: AzureBackend, vault: Vault) -> None:
    await vault.test(NAME, cloud.credential())
    cloud.fake.net.routes["*.vault.azure.net"] = 9
    error = await refused(cloud, vault, cloud.link("a"), ProviderUnavailable, f'"{cloud.fake.host}" cannot be reached')
    assert vault.login_state(NAME).state == "connected"
    assert "proxy" in error.message


async def test_long_lists_come_in_pages(cloud: AzureBackend, vault: Vault) -> None:
    for number in range(8):
        cloud.fake.put(f"paged-{number}", VALUE)
    cloud.fake.put("other", VALUE)
    start = f"https://{cloud.fake.host}/secrets/"
    rows = await vault.list_secrets(NAME, cloud.credential(), f"{start}paged", 100)
    assert [row.name for row in rows] == [f"{start}paged-{number}" for number in range(8)]
    assert rows[0].link_fields == {"secret_identifier": f"{start}paged-0"}
    # The pages after the first have the port in their address; that is no other vault to the challenge.
    assert cloud.fake.count("/secrets") == 4


async def test_the_picker_begins_with_a_vault(cloud: AzureBackend, vault: Vault) -> None:
    credential = cloud.credential()
    for prefix in ("", "h", "https:/", "https://", "https://kv-", "https://kv.vault", "http://kv.vault.azure.net/"):
        with pytest.raises(AccessDenied, match=r"begin with https://VAULT\.vault\.azure\.net/secrets/") as caught:
            await vault.list_secrets(NAME, credential, prefix)
        assert_tells(caught.value, of=credential)
    with pytest.raises(SecretNotFound, match="no host of a vault"):
        await vault.list_secrets(NAME, credential, "https://vault.example.com/secrets/")
    for prefix in (f"https://{cloud.fake.host}", f"https://{cloud.fake.host}/", f"https://{cloud.fake.host}/secrets"):
        [row] = await vault.list_secrets(NAME, credential, prefix)
        assert (row.name, row.is_folder) == (f"https://{cloud.fake.host}/secrets/", True)
    # What was read from is offered from then on.
    cloud.fake.put("a", VALUE)
    await value(vault, credential, cloud.link("a"))
    [row] = await vault.list_secrets(NAME, credential, "")
    assert (row.name, row.is_folder) == (f"https://{cloud.fake.host}/secrets/", True)


async def test_nothing_shows_a_token_or_a_value(
    cloud: AzureBackend, vault: Vault, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cloud.fake.put("a", VALUE)
    assert await value(vault, cloud.credential(), cloud.link("a")) == VALUE
    cloud.fake.revoke()
    assert await value(vault, cloud.credential(), cloud.link("a")) == VALUE
    assert capfd.readouterr() == ("", "")
    assert list(files_below(home)) == []
