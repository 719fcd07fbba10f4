"""The memory vault keeps the contract."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from core.errors import LoginFailed
from core.secret import Secret
from core.vault.config import AnyCredential, AnyLink, MemoryCredential, MemoryLink
from core.vault.service import Vault
from tests.vaults.contract import NAME, Backend, ProviderContract, assert_tells


class MemoryBackend:
    def __init__(self) -> None:
        self._secrets: dict[str, object] = {}

    def credential(self) -> AnyCredential:
        return MemoryCredential(secrets=Secret(json.dumps(self._secrets)))

    def put(self, name: str, keys: Mapping[str, object]) -> AnyLink:
        self._secrets[name] = keys
        return MemoryLink(credential=NAME, name=name)

    def missing(self) -> AnyLink:
        return MemoryLink(credential=NAME, name="nothing")


class TestMemory(ProviderContract):
    @pytest.fixture
    def backend(self) -> Backend:
        return MemoryBackend()


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1', '"text"', "\ud800"])
async def test_secrets_that_are_no_object_are_refused(text: str) -> None:
    credential = MemoryCredential(secrets=Secret(text))
    vault = Vault()
    with pytest.raises(LoginFailed) as caught:
        await vault.get(NAME, credential, MemoryLink(credential=NAME, name="a"))
    assert_tells(caught.value, of=MemoryCredential(secrets=Secret("unused")))
    vault.close()


async def test_a_text_is_served_as_it_is() -> None:
    vault = Vault()
    credential = MemoryCredential(secrets=Secret('{"a": "plain \\u00e9", "b": 1.50}'))
    values = [
        (await vault.get(NAME, credential, MemoryLink(credential=NAME, name=name))).secret.reveal() for name in "ab"
    ]
    assert values == ["plain é", "1.50"]
    vault.close()
