"""HCP Vault Secrets' provider against a server of its documented shape."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec
import pytest

from core.errors import LoginFailed, ProviderUnavailable
from core.secret import Secret
from core.vault.config import AnyCredential, AnyLink, HcpClient, HcpLink
from core.vault.service import Vault
from tests.vaults.contract import (
    NAME,
    LoginBackend,
    LoginContract,
    ProviderContract,
    VersionContract,
    assert_tells,
    keyed,
)
from tests.vaults.hcp_stub import APP, ORGANIZATION, PROJECT, HcpStub, hcp

__all__ = ["hcp"]


class HcpBackend:
    renews = True

    def __init__(self, stub: HcpStub) -> None:
        self.stub = stub
        self._credential = self._client()

    def _client(self, *, may_read: bool = True) -> HcpClient:
        identifier, secret = self.stub.add_client(may_read=may_read)
        return HcpClient(client_id=identifier, client_secret=Secret(secret), endpoint=self.stub.url)

    def credential(self) -> AnyCredential:
        return self._credential

    def link(self, secret: str) -> HcpLink:
        return HcpLink(credential=NAME, organization_id=ORGANIZATION, project_id=PROJECT, app=APP, secret=secret)

    def put(self, name: str, keys: Mapping[str, object]) -> AnyLink:
        self.stub.put(name, json.dumps(keys))
        return self.link(name)

    def missing(self) -> AnyLink:
        return self.link("nothing")

    def version(self, link: AnyLink, number: int) -> AnyLink:
        return msgspec.structs.replace(link, version=number)

    def refused(self) -> AnyCredential:
        return msgspec.structs.replace(self._credential, client_secret=Secret("this-secret-is-wrong"))

    def powerless(self) -> AnyCredential:
        return self._client(may_read=False)

    def end_login(self) -> None:
        self.stub.tokens.clear()

    def at(self, address: str) -> AnyCredential:
        return msgspec.structs.replace(self._credential, endpoint=address)


class TestHcp(ProviderContract, LoginContract, VersionContract):
    @pytest.fixture
    def backend(self, hcp: HcpStub) -> LoginBackend:
        return HcpBackend(hcp)


async def test_a_rotating_secret_has_several_keys(hcp: HcpStub) -> None:
    backend = HcpBackend(hcp)
    hcp.put("rotating", '{"access_key": "ak", "secret_key": "sk"}', kind="rotating")
    vault = Vault()
    got = await vault.get(NAME, backend.credential(), keyed(backend.link("rotating"), "secret_key"))
    assert got.secret.reveal() == "sk"
    vault.close()


async def test_a_token_about_to_end_is_replaced_before_it_is_used(hcp: HcpStub) -> None:
    hcp.token_life_s = 30.0
    backend = HcpBackend(hcp)
    hcp.put("some", "value")
    vault = Vault()
    for _ in range(2):
        await vault.get(NAME, backend.credential(), backend.link("some"), fresh=True)
    assert hcp.asked.count("/oauth2/token") == 3
    vault.close()


async def test_the_ended_service_is_told_with_where_to_go(hcp: HcpStub) -> None:
    backend = HcpBackend(hcp)
    hcp.gone = True
    vault = Vault()
    with pytest.raises(ProviderUnavailable, match="has ended") as caught:
        await vault.get(NAME, backend.credential(), backend.link("some"))
    assert "Dedicated" in str(caught.value.hint)
    assert_tells(caught.value, of=backend.credential())
    vault.close()


@pytest.mark.parametrize("part", ["..", ".", " ", ""])
async def test_a_part_of_the_path_cannot_lead_elsewhere(hcp: HcpStub, part: str) -> None:
    backend = HcpBackend(hcp)
    vault = Vault()
    await vault.test(NAME, backend.credential())
    before = len(hcp.asked)
    with pytest.raises(Exception, match="the secret of the link is empty"):
        await vault.get(NAME, backend.credential(), backend.link(part))
    assert len(hcp.asked) == before
    vault.close()


async def test_plain_http_to_another_machine_is_refused() -> None:
    credential = HcpClient(client_id="c", client_secret=Secret("some-client-secret"), endpoint="http://hcp.example.com")
    vault = Vault()
    with pytest.raises(LoginFailed, match="not https") as caught:
        await vault.test(NAME, credential)
    assert_tells(caught.value, of=credential)
    vault.close()
