"""What can happen on the way to Google, and that its libraries do nothing there, or here, that they need not."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests.adapters
import trustme

from core.errors import ProviderUnavailable
from core.vault.config import GcpAdc
from core.vault.providers import gcp_login
from core.vault.service import Vault
from tests.patience import PATIENCE_S
from tests.vaults.contract import (
    NAME,
)
from tests.vaults.fakenet import FakeNet
from tests.vaults.gcp_backend import USER, GcpBackend, adc, backend, refusal, vault
from tests.vaults.gcp_fake import NUMBER, PROJECT, Handler, gcp, google_net

__all__ = ["adc", "backend", "gcp", "google_net", "vault"]


ROOT = Path(__file__).parents[2]


async def test_a_damaged_value_is_read_once_more_and_then_refused(backend: GcpBackend, vault: Vault) -> None:
    backend.fake.put("some", b"hidden-value")
    credential = backend.credential()
    backend.fake.damaged = 1
    assert (await vault.get(NAME, credential, backend.link("some"))).secret.reveal() == "hidden-value"
    backend.fake.damaged = 2
    error = await refusal(vault, credential, backend.link("some"), values=("hidden-valu",))
    assert isinstance(error, ProviderUnavailable)
    assert "checksum" in error.message


def _no_checksum(handler: Handler) -> None:
    data = base64.b64encode(b"hidden-value").decode()
    handler.answer(200, {"name": f"projects/{NUMBER}/secrets/some/versions/1", "payload": {"data": data}})


def _reset(handler: Handler) -> None:
    handler.close_connection = True
    handler.connection.close()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (_no_checksum, "checksum"),
        (lambda handler: handler.answer(200, {"name": "projects/1/secrets/some/versions/1"}), "checksum"),
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

    def odd(handler: Handler) -> None:
        backend.fake.instead = None
        if handler.path.partition("?")[0].endswith(":access"):
            handler.answer(200, handler._serve(handler.path.partition("?")[0].removeprefix("/v1/"), {}))
            backend.fake.instead = lambda again: again.answer(500, "broken")

    backend.fake.instead = odd
    got = await vault.get(NAME, backend.credential(), backend.link("some"))
    assert (got.secret.reveal(), got.info.created) == ("value", None)


async def test_every_call_has_our_limits(
    backend: GcpBackend,
    vault: Vault,
    google_net: FakeNet,
    adc: Callable[[str], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits: list[tuple[str, object]] = []
    send = requests.adapters.HTTPAdapter.send

    def noted(self: requests.adapters.HTTPAdapter, request: Any, **options: Any) -> requests.Response:
        limits.append((request.url.partition("?")[0].rpartition("/")[2], options["timeout"]))
        return send(self, request, **options)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", noted)
    backend.fake.put("some", b"value")
    backend.fake.users["the-refresh-token"] = backend.key["client_email"]
    adc(json.dumps({**USER, "refresh_token": "the-refresh-token"}))
    for credential in (backend.credential(), GcpAdc(project=PROJECT)):
        await vault.get(NAME, credential, backend.link("some"))
        await vault.list_secrets(NAME, credential)
    backend.fake.ahead_s += 7200
    await vault.get(NAME, GcpAdc(project=PROJECT), backend.link("some"), fresh=True)
    assert dict(limits) == {"token": (5, 10), "latest:access": (5, 10), "1": (2, 2), "secrets": (5, 10)}
    assert [end for end, _ in limits].count("token") == 3
    assert len(set(limits)) == 4


@pytest.mark.parametrize("silent", ["/v1/", "/token"])
async def test_a_server_that_falls_silent_is_named(
    backend: GcpBackend, vault: Vault, monkeypatch: pytest.MonkeyPatch, silent: str
) -> None:
    monkeypatch.setattr(gcp_login, "READ_S", 0.2)
    backend.fake.silent = silent
    credential = backend.of(backend.key, endpoint=backend.fake.url if silent == "/v1/" else "")
    error = await refusal(vault, credential, backend.link("some"))
    assert isinstance(error, ProviderUnavailable)
    assert error.message == f'"{backend.fake.url}" did not answer within 10 seconds'


async def test_an_unknown_authority_is_told(
    backend: GcpBackend, vault: Vault, google_net: FakeNet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
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
        thread.join(60)
print(json.dumps([len(value), forked, len(os.listdir("/proc/self/task"))]))
"""
PLAIN = """
import sys, threading
from google.cloud import secretmanager_v1
client = secretmanager_v1.SecretManagerServiceClient.from_service_account_file(sys.argv[1], transport="rest")
client.access_secret_version(name="projects/demo-project/secrets/some/versions/1", retry=None, timeout=60)
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(60)
"""


def _run(script: str, key: Path, net: FakeNet, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, str(key)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        cwd=ROOT,
        env={**os.environ, **net.env, **env},
    )


async def test_google_is_asked_for_nothing_else_and_nothing_is_printed(
    backend: GcpBackend, google_net: FakeNet, tmp_path: Path
) -> None:
    """Not by google-auth, which by itself looks up where an account may be used; and nothing of gRPC meets a fork."""
    backend.fake.put("some", b"hidden-value")
    key = tmp_path / "key.json"
    key.write_text(json.dumps({**backend.key, "token_uri": "https://oauth2.googleapis.com/token"}))
    loud = {"GOOGLE_SDK_PYTHON_LOGGING_SCOPE": "google.cloud.secretmanager_v1", "GRPC_VERBOSITY": "DEBUG"}
    ours = await asyncio.to_thread(_run, FETCH, key, google_net, **loud)
    assert (ours.stderr, ours.returncode) == ("", 0)
    assert json.loads(ours.stdout) == [len("hidden-value"), 0, 1]
    assert {host for host, _ in backend.fake.asked} == {"oauth2.googleapis.com", "secretmanager.googleapis.com"}
    assert google_net.refused == []
    # Google's client left to itself does ask, so that the above means something.
    plain = await asyncio.to_thread(_run, PLAIN, key, google_net)
    assert plain.returncode == 0, plain.stderr
    assert google_net.refused
    assert set(google_net.refused) == {"iamcredentials.googleapis.com:443"}
