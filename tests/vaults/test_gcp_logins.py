"""Keys of service accounts and application default credentials: what is accepted, refused, renewed and asked for."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from google.auth.compute_engine import _metadata

from core.errors import LoginFailed, LoginRequired, SecretNotFound
from core.vault.config import GcpAdc, GcpServiceAccount
from core.vault.environ import EnvironmentCredentials
from core.vault.service import Vault
from tests.vaults.contract import (
    NAME,
)
from tests.vaults.fakenet import FakeNet
from tests.vaults.gcp_backend import USER, GcpBackend, adc, backend, refusal, vault
from tests.vaults.gcp_fake import PROJECT, gcp, google_net, pem, private_key

__all__ = ["adc", "backend", "gcp", "google_net", "vault"]


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


async def test_default_credentials_of_a_user(
    backend: GcpBackend, vault: Vault, google_net: FakeNet, adc: Callable[[str], object]
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
    backend: GcpBackend, vault: Vault, google_net: FakeNet, adc: Callable[[str], object]
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
    backend: GcpBackend, vault: Vault, google_net: FakeNet, adc: Callable[[str], object]
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
