"""The backend of the contract for Google, and what the tests of its provider share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from google.auth.compute_engine import _metadata

from core.errors import VaultError
from core.secret import Secret
from core.vault.cache import SecretCache
from core.vault.config import AnyCredential, AnyLink, GcpLink, GcpServiceAccount
from core.vault.service import Vault
from tests.vaults.contract import (
    NAME,
    assert_tells,
)
from tests.vaults.gcp_fake import (
    GcpFake,
    pem,
    private_key,
)

VIEWER_AND_ACCESSOR = ("viewer", "accessor")
USER = {"type": "authorized_user", "client_id": "the-client", "client_secret": "the-client-secret"}
"""Of a file of default credentials, less the refresh token."""


class GcpBackend:
    renews = True

    def __init__(self, fake: GcpFake) -> None:
        self.fake = fake
        self.key = fake.add_account(*VIEWER_AND_ACCESSOR)
        self._credential = self.of(self.key)

    def of(self, key: Mapping[str, object], **more: str) -> GcpServiceAccount:
        return GcpServiceAccount(key_json=Secret(json.dumps(key)), endpoint=more.get("endpoint", self.fake.url))

    def credential(self) -> AnyCredential:
        return self._credential

    def link(self, secret: str, **more: Any) -> GcpLink:
        return GcpLink(credential=NAME, secret=secret, **more)

    def put(self, name: str, keys: Mapping[str, object]) -> AnyLink:
        self.fake.put(name, json.dumps(keys).encode())
        return self.link(name)

    def put_bytes(self, name: str, data: bytes) -> AnyLink:
        self.fake.put(name, data)
        return self.link(name)

    def missing(self) -> AnyLink:
        return self.link("nothing")

    def version(self, link: AnyLink, number: int) -> AnyLink:
        return msgspec.structs.replace(link, version=str(number))

    def refused(self) -> AnyCredential:
        return self.of({**self.key, "private_key": pem(private_key("other"))})

    def powerless(self) -> AnyCredential:
        return self.of(self.fake.add_account())

    def end_login(self) -> None:
        self.fake.ahead_s += 7200

    def at(self, address: str) -> AnyCredential:
        return self.of({**self.key, "token_uri": f"{address}/token"}, endpoint=address)


@pytest.fixture
def backend(gcp: GcpFake) -> GcpBackend:
    return GcpBackend(gcp)


@pytest.fixture
def vault() -> Iterator[Vault]:
    vault = Vault(SecretCache())
    yield vault
    vault.close()


async def refusal(
    vault: Vault, credential: AnyCredential, link: AnyLink | None = None, *, values: tuple[str, ...] = ()
) -> VaultError:
    """The error that a fetch, or without a link a login, ends with; it has to be fit to be shown."""
    asking = vault.test(NAME, credential) if link is None else vault.get(NAME, credential, link, fresh=True)
    with pytest.raises(VaultError) as caught:
        await asking
    assert_tells(caught.value, of=credential, values=values)
    return caught.value


@pytest.fixture
def adc(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], object]:
    monkeypatch.setattr(_metadata, "_NO_GCE_CHECK", True)
    path = home / "adc.json"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    return path.write_text
