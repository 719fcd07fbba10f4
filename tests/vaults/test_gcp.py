"""GCP Secret Manager's provider, with Google's own client, against a server that checks what Google checks."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from google.auth.compute_engine import _metadata

from core.errors import AccessDenied, LoginFailed, LoginRequired, ProviderUnavailable, SecretNotFound, VaultError
from core.secret import Secret
from core.vault.cache import SecretCache
from core.vault.config import AnyCredential, AnyLink, GcpAdc, GcpLink, GcpServiceAccount
from core.vault.environ import EnvironmentCredentials
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
from tests.vaults.gcp_fake import (
    ACCESSOR,
    DESTROYED,
    DISABLED,
    NUMBER,
    PROJECT,
    REGION,
    GcpFake,
    GoogleNet,
    _Handler,
    gcp,
    google_net,
    pem,
    private_key,
)

__all__ = ["gcp", "google_net"]

VIEWER_AND_ACCESSOR = ("viewer", "accessor")
ROOT = Path(__file__).parents[2]


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


class TestGcp(ProviderContract, LoginContract, VersionContract, BytesContract):
    @pytest.fixture
    def backend(self, gcp: GcpFake) -> LoginBackend:
        return GcpBackend(gcp)


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


# Names


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
    backend: GcpBackend, vault: Vault, google_net: GoogleNet
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


# Logging in


@pytest.mark.parametrize("lacking", ["project_id", "private_key_id", "private_key", "client_email"])
@pytest.mark.parametrize("how", ["absent", "blank", "number"])
async def test_a_key_that_lacks_something_says_what(backend: GcpBackend, vault: Vault, lacking: str, how: str) -> None:
    key: dict[str, object] = {name: value for name, value in backend.key.items() if name != lacking}
    if how != "absent":
        key[lacking] = " " if how == "blank" else 7
    error = await refusal(vault, backend.of(key), values=(backend.key["private_key"][40:80],))
    assert isinstance(error, LoginFailed)
    assert f'lacks "{lacking}",' in error.message
    assert backend.fake.asked == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no JSON object"),
        (b"{", "is no JSON object"),
        (b"[1]", "is no JSON object"),
        (b"\xff\xfe{}", "is no JSON object"),
        (b"[" * 50_000, "is no JSON object"),
        (b'{"type": "authorized_user", "refresh_token": "hidden"}', 'of the type "authorized_user"'),
        (b'{"installed": {"client_secret": "hidden"}}', 'lacks "project_id", "private_key_id"'),
        (b" " * 2_000_000, "too big"),
    ],
)
async def test_a_file_that_is_no_key_is_named(vault: Vault, tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "key.json"
    path.write_bytes(content)
    error = await refusal(vault, GcpServiceAccount(key_file=str(path)), values=("hidden",))
    assert isinstance(error, LoginFailed)
    assert message in error.message
    assert str(path) in error.message


async def test_a_key_file_that_is_not_there_is_named(vault: Vault, tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.json", tmp_path):
        error = await refusal(vault, GcpServiceAccount(key_file=str(path)))
        assert isinstance(error, LoginFailed)
        assert error.message == f'credential "{NAME}": there is no key file "{path}"'


@pytest.mark.parametrize("kind", ["garbage", "flattened", "elliptic"])
async def test_a_private_key_that_cannot_be_used_is_named(backend: GcpBackend, vault: Vault, kind: str) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    whole = backend.key["private_key"]
    broken = {"garbage": "hidden", "flattened": whole.replace("\n", "\\n"), "elliptic": ""}[kind]
    key = {**backend.key, "private_key": broken or pem(ec.generate_private_key(ec.SECP256R1()))}
    error = await refusal(vault, backend.of(key), values=(key["private_key"], whole[40:80]))
    assert isinstance(error, LoginFailed)
    assert '"private_key"' in error.message


@pytest.mark.parametrize("token_uri", ["http://oauth2.example.com/token", "file:///etc/passwd", "nowhere"])
async def test_an_assertion_goes_over_https_only(backend: GcpBackend, vault: Vault, token_uri: str) -> None:
    error = await refusal(vault, backend.of({**backend.key, "token_uri": token_uri}))
    assert isinstance(error, LoginFailed)
    assert '"token_uri"' in error.message


@pytest.mark.parametrize("endpoint", ["http://secretmanager.example.com", "nowhere", "ftp://127.0.0.1"])
async def test_a_bearer_goes_over_https_only(backend: GcpBackend, vault: Vault, endpoint: str) -> None:
    error = await refusal(vault, backend.of(backend.key, endpoint=endpoint))
    assert isinstance(error, LoginFailed)
    assert "endpoint" in error.message
    assert backend.fake.asked == []


async def test_a_key_file_is_read_with_a_home_and_a_byte_order_mark(
    backend: GcpBackend, vault: Vault, home: Path
) -> None:
    (home / "key.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(backend.key).encode())
    backend.fake.put("some", b"value")
    credential = GcpServiceAccount(key_file="~/key.json", endpoint=backend.fake.url)
    assert (await vault.test(NAME, credential)).identity == backend.key["client_email"]
    assert (await vault.get(NAME, credential, backend.link("some"))).secret.reveal() == "value"


async def test_a_revoked_key_is_refused_at_login_and_later(backend: GcpBackend, vault: Vault) -> None:
    backend.fake.put("some", b"value")
    credential = backend.credential()
    await vault.get(NAME, credential, backend.link("some"))
    backend.fake.accounts[backend.key["client_email"]].keys.clear()
    error = await refusal(vault, credential, backend.link("some"))
    assert isinstance(error, LoginFailed)
    assert backend.key["private_key_id"] in error.message
    assert "new key" in str(error.hint)
    assert vault.login_state(NAME).state == "needs login"
    assert "Google refuses the key" in (await refusal(vault, credential)).message


async def test_a_key_file_that_got_a_new_key_is_read_again(backend: GcpBackend, vault: Vault, tmp_path: Path) -> None:
    email = backend.key["client_email"]
    path = tmp_path / "key.json"
    path.write_text(json.dumps(backend.key))
    backend.fake.put("some", b"value")
    credential = GcpServiceAccount(key_file=str(path), endpoint=backend.fake.url)
    await vault.get(NAME, credential, backend.link("some"))
    backend.fake.accounts[email].keys.clear()
    error = await refusal(vault, credential, backend.link("some"))
    assert isinstance(error, LoginRequired)
    assert "new key" in str(error.hint)
    path.write_text(json.dumps(backend.fake.add_key(email, "other")))
    got = await vault.get(NAME, credential, backend.link("some"), fresh=True)
    assert got.secret.reveal() == "value"
    assert vault.login_state(NAME).state == "connected"


async def test_an_unknown_account_and_a_wrong_clock_are_told(backend: GcpBackend, vault: Vault) -> None:
    error = await refusal(vault, backend.of({**backend.key, "client_email": "gone@p.iam.gserviceaccount.com"}))
    assert "knows no service account" in error.message
    backend.fake.late_s = 90_000
    error = await refusal(vault, backend.credential())
    assert isinstance(error, LoginFailed)
    assert "clock" in str(error.hint)


async def test_the_api_gets_tokens_for_secret_manager_alone(backend: GcpBackend, vault: Vault) -> None:
    """And the token that proved the key, which is good for everything, goes nowhere."""
    backend.fake.put("some", b"value")
    await vault.get(NAME, backend.credential(), backend.link("some"))
    assert backend.fake.bearers
    for bearer in backend.fake.bearers:
        claims = json.loads(base64.urlsafe_b64decode(bearer.split(".")[1] + "=="))
        assert claims["aud"] == "https://secretmanager.googleapis.com/"
        assert "scope" not in claims


async def test_without_the_token_endpoint_a_private_endpoint_proves_the_key(backend: GcpBackend, vault: Vault) -> None:
    backend.fake.put("some", b"value")
    apart = {**backend.key, "token_uri": "http://127.0.0.1:9/token"}
    assert (await vault.test(NAME, backend.of(apart))).identity == backend.key["client_email"]
    assert (await vault.get(NAME, backend.of(apart), backend.link("some"))).secret.reveal() == "value"
    powerless = {**backend.fake.add_account(), "token_uri": "http://127.0.0.1:9/token"}
    assert (await vault.test(NAME, backend.of(powerless))).identity == powerless["client_email"]
    wrong = {**apart, "private_key": pem(private_key("other"))}
    assert isinstance(await refusal(vault, backend.of(wrong)), LoginFailed)


async def test_one_refused_bearer_is_replaced(backend: GcpBackend, vault: Vault) -> None:
    backend.fake.put("some", b"value")
    await vault.test(NAME, backend.credential())
    backend.fake.refusing = 1
    assert (await vault.get(NAME, backend.credential(), backend.link("some"))).secret.reveal() == "value"


# Application default credentials


@pytest.fixture
def adc(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], object]:
    monkeypatch.setattr(_metadata, "_NO_GCE_CHECK", True)
    path = home / "adc.json"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    return path.write_text


USER = {"type": "authorized_user", "client_id": "the-client", "client_secret": "the-client-secret"}


async def test_default_credentials_of_a_user(
    backend: GcpBackend, vault: Vault, google_net: GoogleNet, adc: Callable[[str], object]
) -> None:
    fake = backend.fake
    email = backend.key["client_email"]
    fake.users["the-refresh-token"] = email
    adc(json.dumps({**USER, "refresh_token": "the-refresh-token", "account": "ada@example.com"}))
    fake.put("some", b"value")
    credential = GcpAdc(project=PROJECT)
    assert (await vault.test(NAME, credential)).identity == "ada@example.com"
    assert (await vault.get(NAME, credential, backend.link("some"))).secret.reveal() == "value"
    fake.ahead_s += 7200
    assert (await vault.get(NAME, credential, backend.link("some"), fresh=True)).secret.reveal() == "value"
    assert len(fake.paths("/token")) == 2
    fake.users.clear()
    fake.ahead_s += 7200
    hidden = ("the-refresh-token", "the-client-secret", *fake.tokens)
    error = await refusal(vault, credential, backend.link("some"), values=hidden)
    assert isinstance(error, LoginRequired)
    assert "gcloud auth application-default login" in str(error.hint)
    assert google_net.refused == []


async def test_default_credentials_without_a_project_need_one_in_the_link(
    backend: GcpBackend, vault: Vault, google_net: GoogleNet, adc: Callable[[str], object]
) -> None:
    backend.fake.users["the-refresh-token"] = backend.key["client_email"]
    adc(json.dumps({**USER, "refresh_token": "the-refresh-token"}))
    backend.fake.put("some", b"value")
    error = await refusal(vault, GcpAdc(), backend.link("some"))
    assert isinstance(error, SecretNotFound)
    assert "no project" in error.message
    got = await vault.get(NAME, GcpAdc(), backend.link("some", project=PROJECT))
    assert got.secret.reveal() == "value"
    assert "user" in got.info.identity


async def test_default_credentials_may_be_a_key_file(
    backend: GcpBackend, vault: Vault, google_net: GoogleNet, adc: Callable[[str], object]
) -> None:
    adc(json.dumps({**backend.key, "token_uri": "https://oauth2.googleapis.com/token"}))
    backend.fake.put("some", b"value")
    got = await vault.get(NAME, GcpAdc(), backend.link("some"))
    assert (got.secret.reveal(), got.info.identity) == ("value", backend.key["client_email"])


async def test_default_credentials_of_a_machine(
    backend: GcpBackend, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = backend.fake
    fake.machine = backend.key["client_email"]
    monkeypatch.setenv("GCE_METADATA_IP", f"127.0.0.1:{fake.port}")
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", f"127.0.0.1:{fake.port}")
    fake.put("some", b"value")
    credential = GcpAdc(endpoint=fake.url)
    assert (await vault.test(NAME, credential)).identity == fake.machine
    assert (await vault.get(NAME, credential, backend.link("some"))).secret.reveal() == "value"
    fake.ahead_s += 7200
    assert (await vault.get(NAME, credential, backend.link("some"), fresh=True)).secret.reveal() == "value"


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"type": "authorized_user", "client_secret": "hidden"}', '{"type": "service_account"}']
)
async def test_default_credentials_that_cannot_be_read_are_named(
    vault: Vault, adc: Callable[[str], object], content: str
) -> None:
    adc(content)
    error = await refusal(vault, GcpAdc(), values=("hidden",))
    assert isinstance(error, LoginFailed)
    assert "application default credentials cannot be" in error.message
    assert "gcloud auth application-default login" in str(error.hint)


async def test_no_default_credentials_are_told(
    vault: Vault, adc: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    error = await refusal(vault, GcpAdc())
    assert isinstance(error, LoginFailed)
    assert "there are no application default credentials" in error.message


async def test_headless_variables_give_the_credential(backend: GcpBackend, vault: Vault, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(backend.key))
    backend.fake.put("some", b"value")
    variables = {"INSOMNIA_GCP_SERVICEACCOUNTKEYFILEPATH": str(path), "INSOMNIA_GCP_ENDPOINT": backend.fake.url}
    credential = EnvironmentCredentials.read(variables).credential_for("any", "gcp")
    assert credential is not None
    assert (await vault.get(NAME, credential, backend.link("some"))).secret.reveal() == "value"
    adc = EnvironmentCredentials.read({"HUSHPOST_GCP_TYPE": "adc", "HUSHPOST_GCP_PROJECT": "p"})
    assert adc.credential_for("any", "gcp") == GcpAdc(project="p")


# Versions and permissions


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


# The picker


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


# On the way


async def test_a_damaged_value_is_read_once_more_and_then_refused(backend: GcpBackend, vault: Vault) -> None:
    backend.fake.put("some", b"hidden-value")
    credential = backend.credential()
    backend.fake.damaged = 1
    assert (await vault.get(NAME, credential, backend.link("some"))).secret.reveal() == "hidden-value"
    backend.fake.damaged = 2
    error = await refusal(vault, credential, backend.link("some"), values=("hidden-valu",))
    assert isinstance(error, ProviderUnavailable)
    assert "checksum" in error.message


def _no_checksum(handler: _Handler) -> None:
    data = base64.b64encode(b"hidden-value").decode()
    handler.answer(200, {"name": f"projects/{NUMBER}/secrets/some/versions/1", "payload": {"data": data}})


def _reset(handler: _Handler) -> None:
    handler.close_connection = True
    handler.connection.close()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (_no_checksum, "checksum"),
        (_reset, "broke the connection off"),
        (lambda handler: handler.answer(200, {"name": ["hidden-value"]}), "is no answer of Secret Manager"),
        (lambda handler: handler.answer(200, "hidden-value"), "is no answer of Secret Manager"),
        (lambda handler: handler.answer(404, "<html>hidden-value"), "is no answer of Secret Manager"),
        (lambda handler: handler.answer(403, {"error": "hidden-value"}), "is no answer of Secret Manager"),
        (lambda handler: handler.answer(429, {"error": {"code": 429, "message": "quota"}}), "too many requests"),
        (lambda handler: handler.answer(503, "busy"), "status 503"),
        (lambda handler: handler.answer(302, {}, {"Location": "https://elsewhere.example.com/"}), "redirects"),
    ],
)
async def test_what_is_no_good_answer_is_told(backend: GcpBackend, vault: Vault, answer: Any, words: str) -> None:
    backend.fake.instead = answer
    error = await refusal(vault, backend.credential(), backend.link("some"), values=("hidden-value",))
    assert isinstance(error, ProviderUnavailable)
    assert words in error.message
    assert backend.fake.url in error.message


async def test_a_failing_description_costs_no_value(backend: GcpBackend, vault: Vault) -> None:
    backend.fake.put("some", b"value")

    def odd(handler: _Handler) -> None:
        backend.fake.instead = None
        if handler.path.partition("?")[0].endswith(":access"):
            handler.answer(200, handler._serve(handler.path.partition("?")[0].removeprefix("/v1/"), {}))
            backend.fake.instead = lambda again: again.answer(500, "broken")

    backend.fake.instead = odd
    got = await vault.get(NAME, backend.credential(), backend.link("some"))
    assert (got.secret.reveal(), got.info.created) == ("value", None)


async def test_an_unknown_authority_is_told(
    backend: GcpBackend, vault: Vault, google_net: GoogleNet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import trustme

    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    key = {**backend.key, "token_uri": "https://oauth2.googleapis.com/token"}
    error = await refusal(vault, backend.of(key, endpoint=""))
    assert isinstance(error, ProviderUnavailable)
    assert '"https://oauth2.googleapis.com" is not secure' in error.message
    assert "REQUESTS_CA_BUNDLE" in str(error.hint)
    error = await refusal(vault, backend.of(backend.key, endpoint=""), backend.link("some"))
    assert '"https://secretmanager.googleapis.com" is not secure' in error.message


async def test_netrc_does_not_take_the_place_of_the_bearer(backend: GcpBackend, vault: Vault, home: Path) -> None:
    (home / ".netrc").write_text("default login me password netrc-password\n")
    (home / ".netrc").chmod(0o600)
    backend.fake.put("some", b"value")
    assert (await vault.get(NAME, backend.credential(), backend.link("some"))).secret.reveal() == "value"


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


async def test_nothing_is_logged(
    backend: GcpBackend, vault: Vault, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    backend.fake.put("some", b"hidden-value")
    await vault.get(NAME, backend.credential(), backend.link("some"))
    await refusal(vault, backend.credential(), backend.link("other"))
    assert "hidden-value" not in caplog.text
    assert all(bearer not in caplog.text for bearer in backend.fake.bearers)
    assert capfd.readouterr() == ("", "")


# In a process of its own, as the app has it

FETCH = """
import json, os, sys, threading
from core.secret import Secret
from core.vault.config import GcpLink, GcpServiceAccount
from core.vault import registry
provider = registry.connect(GcpServiceAccount(key_file=sys.argv[1]), None)
value = provider.fetch(GcpLink(credential="c", secret="some")).data
child = os.fork()
if child == 0:
    os._exit(0 if provider.fetch(GcpLink(credential="c", secret="some")).data == value else 1)
forked = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(10)
print(json.dumps([len(value), forked, len(os.listdir("/proc/self/task"))]))
"""
PLAIN = """
import sys, threading
from google.cloud import secretmanager_v1
client = secretmanager_v1.SecretManagerServiceClient.from_service_account_file(sys.argv[1], transport="rest")
client.access_secret_version(name="projects/demo-project/secrets/some/versions/1", retry=None, timeout=5)
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(10)
"""


def _run(script: str, key: Path, net: GoogleNet, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, str(key)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env={**os.environ, **net.env, **env},
    )


async def test_google_is_asked_for_nothing_else_and_nothing_is_printed(
    backend: GcpBackend, google_net: GoogleNet, tmp_path: Path
) -> None:
    """Not by google-auth, which by itself looks up where an account may be used; and nothing of gRPC meets a fork."""
    backend.fake.put("some", b"hidden-value")
    key = tmp_path / "key.json"
    key.write_text(json.dumps({**backend.key, "token_uri": "https://oauth2.googleapis.com/token"}))
    loud = {"GOOGLE_SDK_PYTHON_LOGGING_SCOPE": "google.cloud.secretmanager_v1", "GRPC_VERBOSITY": "DEBUG"}
    ours = await asyncio.to_thread(_run, FETCH, key, google_net, **loud)
    assert (ours.stderr, ours.returncode) == ("", 0)
    assert json.loads(ours.stdout) == [len("hidden-value"), 0, 1]
    assert set(google_net.connected) == {"oauth2.googleapis.com", "secretmanager.googleapis.com"}
    # Google's client left to itself does ask, so that the above means something.
    plain = await asyncio.to_thread(_run, PLAIN, key, google_net)
    assert plain.returncode == 0, plain.stderr
    assert google_net.refused
    assert set(google_net.refused) == {"iamcredentials.googleapis.com"}
