"""GCP Secret Manager's provider, with Google's own client, against a server that checks what Google checks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from core.errors import AccessDenied, ProviderUnavailable, SecretNotFound, VaultError
from core.vault.service import Vault
from tests.vaults.contract import (
    NAME,
    BytesContract,
    LoginBackend,
    LoginContract,
    ProviderContract,
    VersionContract,
    assert_tells,
)
from tests.vaults.fakenet import FakeNet
from tests.vaults.gcp_backend import GcpBackend, adc, backend, refusal, vault
from tests.vaults.gcp_fake import ACCESSOR, DESTROYED, DISABLED, NUMBER, PROJECT, REGION, GcpFake, gcp, google_net

__all__ = ["adc", "backend", "gcp", "google_net", "vault"]


class TestGcp(ProviderContract, LoginContract, VersionContract, BytesContract):
    @pytest.fixture
    def backend(self, gcp: GcpFake) -> LoginBackend:
        return GcpBackend(gcp)


@pytest.mark.parametrize(
    ("secret", "fields", "version"),
    [
        ("key", {}, "2"),
        ("key", {"version": "latest"}, "2"),
        ("key", {"version": "1"}, "1"),
        ("key", {"project": PROJECT}, "2"),
        ("key", {"project": NUMBER, "version": "1"}, "1"),
        (f"projects/{PROJECT}/secrets/key", {}, "2"),
        (f"projects/{NUMBER}/secrets/key", {"version": "1"}, "1"),
        (f" projects/{PROJECT}/secrets/key/versions/1 ", {}, "1"),
        (f"projects/{PROJECT}/secrets/key/versions/latest", {"project": PROJECT}, "2"),
    ],
)
async def test_a_secret_is_named_bare_or_whole(
    backend: GcpBackend, vault: Vault, secret: str, fields: dict[str, str], version: str
) -> None:
    for number in ("1", "2"):
        backend.fake.put("key", f"value {number}".encode())
    got = await vault.get(NAME, backend.credential(), backend.link(secret, **fields))
    assert got.secret.reveal() == f"value {version}"
    assert got.info.version == version
    assert got.info.resolved_id == f"projects/{NUMBER}/secrets/key/versions/{version}"
    assert got.info.created == datetime(2025, 11, 3, 10, 0, int(version), 123456, UTC)
    assert got.info.identity == backend.key["client_email"]
    assert got.info.expires_at is not None


@pytest.mark.parametrize(
    ("secret", "fields", "message"),
    [
        ("", {}, "no name of a secret"),
        ("..", {}, "no name of a secret"),
        ("a/b", {}, "no name of a secret"),
        ("a?x=1", {}, "no name of a secret"),
        ("key/versions/1", {}, "no name of a secret"),
        ("projects/../secrets/key", {}, "no name of a secret"),
        ("projects/p/locations/evil.example.com/secrets/key", {}, "no name of a secret"),
        ("projects/p/locations/x@h/secrets/key", {}, "no name of a secret"),
        ("key", {"version": "../1"}, "no version"),
        (f"projects/{PROJECT}/secrets/key/versions/..", {}, "no version"),
        (f"projects/{PROJECT}/secrets/key/versions/1", {"version": "2"}, 'names version "1" in its secret and "2"'),
        (
            f"projects/{PROJECT}/secrets/key",
            {"project": "other"},
            f'names project "{PROJECT}" in its secret and "other"',
        ),
    ],
)
async def test_what_is_no_name_is_never_sent(
    backend: GcpBackend, vault: Vault, secret: str, fields: dict[str, str], message: str
) -> None:
    error = await refusal(vault, backend.credential(), backend.link(secret, **fields))
    assert isinstance(error, SecretNotFound)
    assert message in error.message
    assert all(path == "/token" for _, path in backend.fake.asked)


async def test_a_regional_secret_is_asked_for_in_its_region(
    backend: GcpBackend, vault: Vault, google_net: FakeNet
) -> None:
    full = backend.fake.put("regional", b"here", location=REGION)
    backend.fake.put("global", b"everywhere")
    credential = backend.of(backend.key, endpoint="")
    assert (await vault.get(NAME, credential, backend.link(full))).secret.reveal() == "here"
    assert (await vault.get(NAME, credential, backend.link("global"))).secret.reveal() == "everywhere"
    hosts = {host for host, path in backend.fake.asked if path.startswith("/v1/")}
    assert hosts == {f"secretmanager.{REGION}.rep.googleapis.com", "secretmanager.googleapis.com"}
    [row] = await vault.list_secrets(NAME, credential, f"projects/{PROJECT}/locations/{REGION}/secrets/reg")
    assert row.link_fields == {"secret": full}
    error = await refusal(vault, credential, backend.link(full.replace("regional", "other")))
    assert REGION in error.message


async def test_a_disabled_version_is_named_with_its_state(backend: GcpBackend, vault: Vault) -> None:
    full = backend.fake.put("some", b"hidden-value")
    [version] = backend.fake.secrets[full]
    version.state = DISABLED
    for link in (backend.link("some"), backend.link("some", version="1")):
        error = await refusal(vault, backend.credential(), link, values=("hidden-value",))
        assert isinstance(error, SecretNotFound)
        assert error.message.endswith(f'of secret "some" of project "{PROJECT}" is disabled')
    version.will_be_destroyed = "2026-12-24T18:00:00Z"
    error = await refusal(vault, backend.credential(), backend.link("some"))
    assert "is disabled and will be destroyed at 2026-12-24 18:00 UTC" in error.message


async def test_a_destroyed_version_is_named_with_its_state_and_since_when(backend: GcpBackend, vault: Vault) -> None:
    full = backend.fake.put("some", b"hidden-value")
    [version] = backend.fake.secrets[full]
    version.state, version.destroyed = DESTROYED, "2026-01-02T03:04:05Z"
    error = await refusal(vault, backend.credential(), backend.link("some"), values=("hidden-value",))
    assert isinstance(error, SecretNotFound)
    assert "its latest version" in error.message
    assert "was destroyed at 2026-01-02 03:04 UTC" in error.message
    reader = backend.of(backend.fake.add_account(ACCESSOR))
    assert (await refusal(vault, reader, backend.link("some"))).message.endswith("was destroyed")


async def test_missing_things_are_told_apart(backend: GcpBackend, vault: Vault) -> None:
    backend.fake.put("some", b"value")
    credential = backend.credential()
    error = await refusal(vault, credential, backend.link("some", version="7"))
    assert error.message == f'there is no version "7" of secret "some" of project "{PROJECT}"'
    error = await refusal(vault, credential, backend.link("other"))
    assert error.message == f'there is no secret "other" of project "{PROJECT}", or it has no versions'
    error = await refusal(vault, credential, backend.link("some", project="elsewhere"))
    assert isinstance(error, SecretNotFound)
    assert "no such project" in error.message


async def test_the_role_to_ask_for_is_named(backend: GcpBackend, vault: Vault) -> None:
    backend.fake.put("some", b"hidden-value")
    key = backend.fake.add_account()
    error = await refusal(vault, backend.of(key), backend.link("some"), values=("hidden-value",))
    assert isinstance(error, AccessDenied)
    assert f'"{key["client_email"]}" may not read secret "some"' in error.message
    assert "Secret Manager Secret Accessor" in str(error.hint)
    with pytest.raises(AccessDenied) as caught:
        await vault.list_secrets(NAME, backend.of(key))
    assert_tells(caught.value, of=backend.of(key))
    assert key["client_email"] in caught.value.message
    assert "Secret Manager Viewer" in str(caught.value.hint)


async def test_reading_alone_is_enough_and_viewing_is_asked_once(backend: GcpBackend, vault: Vault) -> None:
    """Each refusal is a line in the audit log of the project."""
    backend.fake.put("some", b"value")
    reader = backend.of(backend.fake.add_account(ACCESSOR))
    for _ in range(3):
        got = await vault.get(NAME, reader, backend.link("some"), fresh=True)
        assert (got.secret.reveal(), got.info.created, got.info.version) == ("value", None, "1")
    assert len(backend.fake.paths(":access")) == 3
    assert len(backend.fake.paths("/versions/1")) == 1


async def test_a_version_that_will_be_destroyed_is_noted(backend: GcpBackend, vault: Vault) -> None:
    full = backend.fake.put("some", b"value")
    backend.fake.secrets[full][0].will_be_destroyed = "2026-12-24T18:00:00Z"
    got = await vault.get(NAME, backend.credential(), backend.link("some"))
    assert got.info.notes == ("this version will be destroyed at 2026-12-24 18:00 UTC",)


@pytest.mark.parametrize(
    ("reason", "kind", "words"),
    [
        ("SERVICE_DISABLED", AccessDenied, "not enabled"),
        ("BILLING_DISABLED", AccessDenied, "billing"),
        ("SECURITY_POLICY_VIOLATED", AccessDenied, "perimeter"),
        ("SOMETHING_NEW", ProviderUnavailable, "status 403"),
    ],
)
async def test_other_reasons_to_forbid_are_told(
    backend: GcpBackend, vault: Vault, reason: str, kind: type[VaultError], words: str
) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
    body = {"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED", "details": details}}
    backend.fake.instead = lambda handler: handler.answer(403, body)
    error = await refusal(vault, backend.credential(), backend.link("some"))
    assert isinstance(error, kind)
    assert words in error.message


async def test_the_list_searches_and_goes_on_over_pages(backend: GcpBackend, vault: Vault) -> None:
    for name in ("api-a", "api-b", "api-c", "api-d", "api-e", "my-api", "zzz"):
        backend.fake.put(name, b"v")
    credential = backend.credential()
    rows = await vault.list_secrets(NAME, credential, "api")
    assert [row.name for row in rows] == ["api-a", "api-b", "api-c", "api-d", "api-e"]
    assert rows[0].link_fields == {"secret": "api-a"}
    assert any("filter=name%3Aapi" in path for path in backend.fake.paths("/secrets"))
    rows = await vault.list_secrets(NAME, credential, f"projects/{NUMBER}/secrets/my")
    assert [row.link_fields for row in rows] == [{"secret": f"projects/{NUMBER}/secrets/my-api"}]
    assert len(await vault.list_secrets(NAME, credential, "")) == 7
    assert await vault.list_secrets(NAME, credential, "no name/at all") == ()
    # Words that a filter would take for operators.
    for prefix in ("NOT", "-api", "_"):
        assert await vault.list_secrets(NAME, credential, prefix) == []


async def test_two_accounts_do_not_share_a_value(backend: GcpBackend, vault: Vault) -> None:
    backend.fake.put("some", b"value")
    await vault.get("one", backend.credential(), backend.link("some"))
    with pytest.raises(AccessDenied):
        await vault.get("two", backend.powerless(), backend.link("some"))


async def test_many_threads_meet_an_ended_login(backend: GcpBackend, vault: Vault) -> None:
    links = []
    for number in range(16):
        backend.fake.put(f"some-{number}", f"value {number}".encode())
        links.append(backend.link(f"some-{number}"))
    credential = backend.credential()
    await vault.get(NAME, credential, links[0])
    for _ in range(3):
        backend.fake.ahead_s += 7200
        got = await asyncio.gather(*(vault.get(NAME, credential, link, fresh=True) for link in links))
        assert [one.secret.reveal() for one in got] == [f"value {number}" for number in range(16)]
