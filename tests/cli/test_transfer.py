"""`hushpost export curl` and `hushpost import`: what is printed and made, and what is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.harness import Hushpost, write
from tests.loopback import Loopback


@pytest.fixture
def api(workspace: Path, server: Loopback) -> Loopback:
    write(
        workspace,
        {
            "environments/base.toml": (
                f'[variables]\nbase_url = "{server.url}"\nwho = "base"\ntoken = {{ secret = true }}\n'
            ),
            "requests/echo.toml": (
                'method = "POST"\nurl = "{{base_url}}/echo"\n[body]\ntype = "json"\ntext = \'{"a": "{{who}}"}\'\n'
            ),
            "requests/secret.toml": 'url = "{{base_url}}/echo"\n[auth]\ntype = "bearer"\ntoken = "{{token}}"\n',
        },
    )
    return server


def test_the_printed_command_sends_the_request(hushpost: Hushpost, api: Loopback) -> None:
    ran = hushpost("export", "curl", "echo", "-v", "who=it's me")
    assert (ran.code, ran.stderr) == (0, "")
    subprocess.run(["sh", "-c", ran.out.rstrip() + " -s"], check=True, capture_output=True)
    assert (api.last.method, api.last.body) == ("POST", b'{"a": "it\'s me"}')
    assert api.last.header("Content-Type") == "application/json"


def test_a_secrets_name_stands_in_its_place_and_no_store_is_asked(hushpost: Hushpost, api: Loopback) -> None:
    ran = hushpost("export", "curl", "secret")
    assert "'Authorization: Bearer {{token}}'" in ran.out
    hushpost.environment["HUSHPOST_VAR_token"] = "s3cr3t-in-the-environment"
    assert "s3cr3t" not in hushpost("export", "curl", "secret").out


def test_a_request_that_is_not_there_is_an_error(hushpost: Hushpost, api: Loopback) -> None:
    assert hushpost("export", "curl", "absent").code == 2


def test_a_curl_command_becomes_a_request_that_can_be_sent(hushpost: Hushpost, api: Loopback, tmp_path: Path) -> None:
    file = tmp_path / "command.txt"
    file.write_text(f"curl '{api.url}/echo' -H 'Authorization: Bearer t0ken-value' -d a=1 --retry 2\n")
    tried = hushpost("import", file, "--dry-run")
    assert (tried.code, 'would make the request "echo"' in tried.stderr) == (0, True)
    ran = hushpost("import", file)
    assert ran.code == 0
    assert 'made the request "echo-2"' in ran.stderr
    assert '"--retry" has no counterpart here' in ran.stderr
    assert "what looks like a secret stands in plain text in: auth.token" in ran.stderr
    assert "t0ken-value" not in ran.stderr + ran.out
    assert hushpost("send", "echo-2").code == 0
    assert api.last.body == b"a=1"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"info": {"_postman_id": "1"}}', "a Postman collection"),
        ('{"_type": "export", "__export_format": 4}', "an Insomnia export"),
        ("openapi: 3.1.0\n", "an OpenAPI description"),
        ('{\n  "swagger": "2.0"}', "an OpenAPI description"),
        ('{"log": {"version": "1.2", "entries": []}}', "a HAR file"),
        ("meta {\n  name: x\n}\n", "a Bruno request"),
        ("hello", "holds no curl command"),
    ],
)
def test_other_formats_are_refused_by_name(hushpost: Hushpost, tmp_path: Path, text: str, what: str) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    ran = hushpost("import", file)
    assert ran.code == 2
    assert what in ran.stderr
    assert "hint" in ran.stderr
