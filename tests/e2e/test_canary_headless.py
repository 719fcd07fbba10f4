"""No secret of a real vault comes out of the command line, in any form, wherever a request puts it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from core.secret import Secret
from core.vault.store import CredentialStore
from tests.canary import files_below, leaks
from tests.e2e.canary_workspace import SECRETS, write
from tests.loopback import Loopback
from tests.patience import PATIENCE_S
from tests.vaults.openbao import OpenBao

HUSHPOST = str(Path(sys.executable).with_name("hushpost"))
PASSPHRASE = "correct horse battery"


@pytest.fixture
def workspace(tmp_path: Path, bao: OpenBao, server: Loopback, other_server: Loopback) -> Path:
    folder = tmp_path / "canary"
    write(folder, bao, server.url, other_server.url)
    return folder


def hushpost(workspace: Path, *arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [HUSHPOST, *arguments], cwd=workspace, env={**os.environ, **env}, capture_output=True, timeout=PATIENCE_S
    )


def from_environment(bao: OpenBao) -> dict[str, str]:
    return {
        "HUSHPOST_HASHICORP_TYPE": "onPrem",
        "HUSHPOST_HASHICORP_AUTHMETHOD": "token",
        "HUSHPOST_HASHICORP_SERVERADDRESS": bao.address,
        "HUSHPOST_HASHICORP_ACCESS_TOKEN": bao.root_token,
    }


def test_every_secret_is_on_the_wire_and_nowhere_else(
    bao: OpenBao, server: Loopback, workspace: Path, home: Path
) -> None:
    reports = workspace.parent / "reports"
    reports.mkdir()
    ran = hushpost(
        workspace,
        *("run", "echoed", "form", "unreachable", "--reporter", "json"),
        *(f"--reporter={name}={reports / name}" for name in ("console", "junit", "tap", "github", "html")),
        env=from_environment(bao),
    )

    echoed, form = server.requests
    assert echoed.header("X-Key") == SECRETS["header_key"]
    assert parse_qs(urlsplit(echoed.target).query, keep_blank_values=True)["key"] == [SECRETS["query_key"]]
    assert unquote(echoed.path.removeprefix("/echo/")) == SECRETS["path_key"]
    assert "/" not in echoed.path.removeprefix("/echo/")
    basic = base64.b64decode((echoed.header("Authorization") or "").removeprefix("Basic ")).decode()
    assert basic == f"canary:{SECRETS['basic_password']}"
    assert json.loads(echoed.body) == {"key": SECRETS["body_key"]}
    assert form.header("Authorization") == f"Bearer {SECRETS['bearer_key']}"
    sent = parse_qs(form.body.decode(), keep_blank_values=True)
    assert sent == {"key": [SECRETS["form_key"]], "again": [SECRETS["header_key"]]}

    report = json.loads(ran.stdout)
    assert [(result["request"], result["outcome"]) for result in report["results"]] == [
        ("echoed", "passed"),
        ("form", "failed"),
        ("unreachable", "error"),
    ]
    assert set(report["results"][0]["secrets_used"]) == {
        "header_key",
        "query_key",
        "path_key",
        "basic_password",
        "body_key",
    }
    sinks = [("stdout", ran.stdout), ("stderr", ran.stderr), *files_below(home, workspace, reports)]
    assert len(list(reports.iterdir())) == 5
    assert leaks(SECRETS | {"token": bao.root_token}, sinks) == []


def test_the_answer_that_send_prints_is_masked(bao: OpenBao, workspace: Path, home: Path) -> None:
    for arguments in (["send", "echoed"], ["send", "form", "--include"], ["send", "echoed", "--json"]):
        ran = hushpost(workspace, *arguments, env=from_environment(bao))
        assert ran.stdout, ran.stderr
        assert leaks(SECRETS, [("stdout", ran.stdout), ("stderr", ran.stderr), *files_below(home, workspace)]) == []


def test_a_request_written_as_a_curl_command_names_its_secrets(bao: OpenBao, workspace: Path, home: Path) -> None:
    for request in ("echoed", "form"):
        ran = hushpost(workspace, "export", "curl", request, env=from_environment(bao))
        assert b"{{" in ran.stdout, ran.stderr
        assert leaks(SECRETS, [("stdout", ran.stdout), ("stderr", ran.stderr), *files_below(home, workspace)]) == []


def test_raw_is_the_explicit_act_that_shows_the_answer_as_received(bao: OpenBao, workspace: Path) -> None:
    ran = hushpost(workspace, "send", "echoed", "--raw", env=from_environment(bao))
    assert ran.returncode == 0
    assert leaks({"header_key": SECRETS["header_key"]}, [("stdout", ran.stdout)])


def test_a_redirect_with_a_secret_in_its_body_stops_before_the_other_origin(
    bao: OpenBao, workspace: Path, other_server: Loopback, home: Path
) -> None:
    store = CredentialStore(home / ".local/share/hushpost/credentials.hush")
    store_key = home / "key"
    env = {"HUSHPOST_KEY_FILE": str(store_key)}
    assert hushpost(workspace, "store", "init", "--key-file", str(store_key), env=env).returncode == 0
    store.unlock(key_file=store_key)
    store.put("mine", bao.token_credential())
    bound = hushpost(workspace, "bind", "canary vault", "mine", "--allow-host", "127.0.0.1:9", env=env)
    assert bound.returncode == 0, bound.stderr

    refused = hushpost(workspace, "send", "redirected", env=env)
    assert refused.returncode == 3
    assert not other_server.requests
    sinks = [("stdout", refused.stdout), ("stderr", refused.stderr), *files_below(home, workspace)]
    assert leaks(SECRETS | {"token": bao.root_token}, sinks) == []


def test_a_copied_workspace_starts_unbound(bao: OpenBao, workspace: Path, server: Loopback, home: Path) -> None:
    key = home / "key"
    env = {"HUSHPOST_KEY_FILE": str(key)}
    assert hushpost(workspace, "store", "init", "--key-file", str(key), env=env).returncode == 0
    store = CredentialStore(home / ".local/share/hushpost/credentials.hush")
    store.unlock(key_file=key)
    store.put("mine", bao.token_credential())
    host = server.url.removeprefix("http://")
    assert hushpost(workspace, "bind", "canary vault", "mine", "--allow-host", host, env=env).returncode == 0
    assert hushpost(workspace, "send", "echoed", env=env).returncode == 0
    seen = len(server.requests)

    copy = workspace.with_name("copy")
    copy.mkdir()
    for file in workspace.rglob("*.toml"):
        target = copy / file.relative_to(workspace)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    refused = hushpost(copy, "send", "echoed", env=env)
    assert refused.returncode == 3
    assert b"canary vault" in refused.stderr
    assert b"hushpost bind" in refused.stderr
    assert len(server.requests) == seen


def test_a_passphrase_in_the_environment_opens_the_store_and_reaches_no_child(
    bao: OpenBao, workspace: Path, home: Path
) -> None:
    store = CredentialStore(home / ".local/share/hushpost/credentials.hush")
    store.create(passphrase=Secret(PASSPHRASE))
    env = {"HUSHPOST_PASSPHRASE": PASSPHRASE, **from_environment(bao)}
    ran = hushpost(workspace, "exec", "-e", "base", "--only", "base", "--", "env", env=env)
    assert ran.returncode == 0, ran.stderr
    assert PASSPHRASE.encode() not in ran.stdout
    assert bao.root_token.encode() not in ran.stdout
