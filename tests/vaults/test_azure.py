"""Azure Key Vault's provider against stand-ins of Entra ID and Key Vault that check what they are sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from core.secret import Secret
from core.vault.config import AnyCredential, AnyLink, AzureLink, AzureServicePrincipal
from core.vault.service import Vault
from tests.vaults.azure_fake import AzureFake, _azure_server, azure
from tests.vaults.contract import (
    NAME,
    LoginBackend,
    LoginContract,
    ProviderContract,
    VersionContract,
)

__all__ = ["_azure_server", "azure"]


class AzureBackend:
    renews = True

    def __init__(self, fake: AzureFake) -> None:
        self.fake = fake
        self.versions: dict[str, list[str]] = {}
        self._credential = self.principal()

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
