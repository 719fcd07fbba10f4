"""HashiCorp Vault's provider against a real OpenBao."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from core.secret import Secret
from core.vault.config import AnyCredential, AnyLink, HashicorpLink
from tests.vaults.contract import NAME, LoginBackend, LoginContract, ProviderContract, VersionContract
from tests.vaults.openbao import OpenBao


class BaoBackend:
    """One KV mount of the session's server, and a token for it."""

    renews = False

    def __init__(self, bao: OpenBao, kv_version: int = 2) -> None:
        self.bao = bao
        self.kv_version = kv_version
        self.mount = bao.mount(kv_version)
        self.policy = bao.policy({f"{self.mount}/*": ["read", "list"]})
        self._credential = self.make_credential()

    def make_credential(self) -> AnyCredential:
        self.token = self.bao.token([self.policy])
        return self.bao.token_credential(self.token)

    def credential(self) -> AnyCredential:
        return self._credential

    def link(self, path: str, **fields: object) -> HashicorpLink:
        arguments = {"credential": NAME, "mount": self.mount, "path": path, "kv_version": self.kv_version}
        return HashicorpLink(**(arguments | fields))  # type: ignore[arg-type]

    def put(self, name: str, keys: Mapping[str, object]) -> AnyLink:
        self.bao.put(self.mount, f"some folder/{name}", keys, version=self.kv_version)
        return self.link(f"some folder/{name}")

    def missing(self) -> AnyLink:
        return self.link("no/such/secret")

    def version(self, link: AnyLink, number: int) -> AnyLink:
        return msgspec.structs.replace(link, version=number)

    def refused(self) -> AnyCredential:
        return self.bao.token_credential("s.this-token-is-wrong")

    def powerless(self) -> AnyCredential:
        return self.bao.token_credential(self.bao.token(["default"]))

    def end_login(self) -> None:
        self.bao.revoke(self.token)

    def at(self, address: str) -> AnyCredential:
        return msgspec.structs.replace(self._credential, server_address=address)


class AppRoleBackend(BaoBackend):
    renews = True

    def make_credential(self) -> AnyCredential:
        return self.bao.approle_credential([self.policy])

    def refused(self) -> AnyCredential:
        return msgspec.structs.replace(self._credential, secret_id=Secret("1b2c-this-secret-id-is-wrong"))

    def powerless(self) -> AnyCredential:
        return self.bao.approle_credential(["default"])

    def end_login(self) -> None:
        self.bao.revoke_logins()


@pytest.mark.vault
class TestTokenKv2(ProviderContract, LoginContract, VersionContract):
    @pytest.fixture
    def backend(self, bao: OpenBao) -> LoginBackend:
        return BaoBackend(bao, 2)


@pytest.mark.vault
class TestTokenKv1(ProviderContract, LoginContract):
    @pytest.fixture
    def backend(self, bao: OpenBao) -> LoginBackend:
        return BaoBackend(bao, 1)


@pytest.mark.vault
class TestAppRole(ProviderContract, LoginContract, VersionContract):
    @pytest.fixture
    def backend(self, bao: OpenBao) -> LoginBackend:
        return AppRoleBackend(bao, 2)
