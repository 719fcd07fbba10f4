"""Auth that a folder gives, through the command line: what it prints, and that no secret is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.canary import leaks
from tests.cli.harness import Hushpost, write
from tests.loopback import Loopback
from tests.ntlm_server import NtlmServer

SECRETS = {"consumer_secret": "c0nsumer/s3cret &+", "token": "t0ken-of-ann/", "password": "p4ss-w/rd &ö"}
ENVIRONMENT = {f"HUSHPOST_VAR_{name}": value for name, value in SECRETS.items()}


@pytest.fixture
def api(workspace: Path, server: Loopback, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Loopback:
    (tmp_path / "users").write_text(f"CORP:ann:{SECRETS['password']}", "utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "users"))
    server.routes["/ntlm"] = NtlmServer()
    oauth1 = 'type = "oauth1"\nconsumer_key = "k"\nconsumer_secret = "{{consumer_secret}}"\ntoken = "{{token}}"\n'
    write(
        workspace,
        {
            "environments/base.toml": "[variables]\n"
            + f'base_url = "{server.url}"\n'
            + "".join(f"{name} = {{ secret = true }}\n" for name in SECRETS),
            "requests/signed/folder.toml": f"[auth]\n{oauth1}",
            "requests/signed/echo.toml": 'method = "POST"\nurl = "{{base_url}}/echo"\nbody = { type = "form" }\n',
            "requests/plain.toml": f'url = "{{{{base_url}}}}/echo"\n[auth]\n{oauth1}'
            + 'signature_method = "PLAINTEXT"\nin = "query"\n',
            "requests/windows/folder.toml": (
                '[auth]\ntype = "ntlm"\nusername = "ann"\ndomain = "CORP"\npassword = "{{password}}"\n'
            ),
            "requests/windows/ask.toml": 'method = "POST"\nurl = "{{base_url}}/ntlm"\nbody = { type = "json" }\n',
        },
    )
    return server


def test_requests_log_in_and_nothing_that_is_printed_holds_a_secret(hushpost: Hushpost, api: Loopback) -> None:
    assert hushpost("check", "--strict", "--offline").code == 0
    printed = []
    for name, scheme in (("signed/echo", "OAuth"), ("plain", None), ("windows/ask", "NTLM")):
        for arguments in (("--json",), ("--include",)):
            ran = hushpost("send", name, *arguments, env=ENVIRONMENT)
            assert ran.code == 0, ran.stderr
            printed.append(ran)
        if scheme is not None:
            assert any((one.header("Authorization") or "").startswith(scheme) for one in api.requests)
    ran = hushpost("run", "--reporter", "json", "--reporter", "html=report.html", env=ENVIRONMENT)
    assert ran.code == 0, ran.out
    report = (hushpost.folder / "report.html").read_bytes()
    sinks = [("report", report), *((str(one.stderr), one.stdout + one.stderr.encode()) for one in [*printed, ran])]
    assert leaks(SECRETS, sinks) == []


def test_a_wrong_password_is_an_answer_of_the_server(hushpost: Hushpost, api: Loopback) -> None:
    ran = hushpost("send", "windows/ask", "--include", env=ENVIRONMENT | {"HUSHPOST_VAR_password": "wr0ng-password"})
    assert ran.stdout.startswith(b"HTTP/1.1 401")
    assert b"wr0ng" not in ran.stdout
    assert hushpost("send", "windows/ask", "--fail", env=ENVIRONMENT | {"HUSHPOST_VAR_password": "no-no-no"}).code == 1
