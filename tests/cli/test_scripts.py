"""Scripts on the command line: allowing them, what a run says of them, and that ending hushpost ends them."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from cli.reports import NAMES
from tests.canary import files_below, leaks
from tests.cli.harness import Hushpost, write
from tests.loopback import Loopback
from tests.patience import PATIENCE_S, wait_until

ENDLESS = "import subprocess, time\nsubprocess.Popen(['sleep', '300'], start_new_session=True)\ntime.sleep(300)\n"


@pytest.fixture
def scripted(workspace: Path, server: Loopback) -> Path:
    """A workspace with one request, `a`, that runs `scripts/hook.py` before it is sent."""
    request = f'url = "{server.url}/echo"\n[scripts]\nbefore_request = "hook.py"\n'
    return write(workspace, {"requests/a.toml": request, "scripts/hook.py": "print('it ran')\n"})


def processes(folder: Path) -> list[Path]:
    """Those of scripts, whose home is below this temporary folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"HOME={folder}/hushpost-script-".encode() in (entry / "environ").read_bytes():
                found.append(entry)
        except OSError:
            continue
    return found


def test_a_script_needs_this_user_s_consent(hushpost: Hushpost, scripted: Path, server: Loopback) -> None:
    refused = hushpost("run", "--reporter", "json")
    assert refused.code == 3
    error = refused.json["results"][0]["error"]
    assert error["kind"] == "scripts-not-allowed"
    assert "hushpost bind --allow-scripts" in error["hint"]
    listed = hushpost("bind")
    assert listed.code == 3
    assert "scripts: may not run" in listed.out
    assert hushpost("bind", "--yes").code == 3
    assert not server.requests

    allowed = hushpost("bind", "--allow-scripts")
    assert (allowed.code, allowed.out) == (0, "scripts/hook.py\n")
    sent = hushpost("send", "a")
    assert sent.code == 0
    assert 'script "hook.py" wrote:\n  | it ran' in sent.stderr
    assert hushpost("bind").out.splitlines()[-1] == "scripts: may run"

    (scripted / "scripts" / "hook.py").write_text("print('changed')")
    assert hushpost("send", "a").code == 3


def test_reading_secrets_is_a_second_consent(hushpost: Hushpost, scripted: Path, server: Loopback) -> None:
    (scripted / "scripts" / "hook.py").write_text("request.headers['X-Length'] = len(vault.get('token'))")
    environment = {"HUSHPOST_VAR_token": "0123456789"}
    assert hushpost("bind", "--allow-scripts").code == 0
    refused = hushpost("send", "a", env=environment)
    assert refused.code == 3
    assert "hushpost bind --allow-script-secrets" in refused.stderr
    assert hushpost("bind", "--allow-script-secrets").code == 0
    assert hushpost("send", "a", env=environment).code == 0
    assert server.last.header("x-length") == "10"
    assert hushpost("bind").out.splitlines()[-1] == "scripts: may run, and read secrets"


def test_scripts_are_not_allowed_along_with_a_credential(hushpost: Hushpost, scripted: Path) -> None:
    assert hushpost("bind", "name", "mine", "--allow-scripts").code == 2


def test_a_script_that_fails_after_the_response_is_an_error_and_the_body_is_printed(
    hushpost: Hushpost, scripted: Path, server: Loopback
) -> None:
    (scripted / "requests" / "a.toml").write_text(
        f'schema = 1\nurl = "{server.url}/status/204"\n[scripts]\nafter_response = "hook.py"\n'
    )
    (scripted / "scripts" / "hook.py").write_text("check('fine', True)\n1 / 0")
    assert hushpost("bind", "--allow-scripts").code == 0
    sent = hushpost("send", "a", "--json")
    assert sent.code == 1
    assert sent.json["status"] == 204
    assert sent.json["error"]["kind"] == "script-error"
    assert sent.json["checks"] == [{"name": "fine", "passed": True, "message": ""}]
    ran = hushpost("run")
    assert ran.code == 1
    assert 'script "hook.py" failed: ZeroDivisionError' in ran.out


@pytest.mark.parametrize("when", ["before_request", "after_response"])
def test_what_a_script_wrote_before_it_failed_is_in_every_report(
    hushpost: Hushpost, scripted: Path, server: Loopback, when: str
) -> None:
    (scripted / "scripts" / "hook.py").write_text("print('x' * 9000)\nprint('the order is', 7)\n{}['id']\n")
    (scripted / "requests" / "a.toml").write_text(
        f'schema = 1\nurl = "{server.url}/echo"\n[scripts]\n{when} = "hook.py"\n'
    )
    assert hushpost("bind", "--allow-scripts").code == 0
    reports = [part for name in NAMES for part in ("--reporter", f"{name}={name}.report")]
    assert hushpost("run", *reports).code == 1
    for name in NAMES:
        text = (scripted / f"{name}.report").read_text()
        # The fields of JSON are a contract.
        assert ("the order is 7" in text) is (name != "json"), name
        assert len(text) < 20_000
    sent = hushpost("send", "a")
    assert sent.code == 1
    assert "the order is 7\n" in sent.stderr
    assert "KeyError: 'id' (line 3)" in sent.stderr


@pytest.mark.parametrize("secrets", [False, True])
def test_what_a_script_writes_and_how_it_fails_leaks_nothing(
    hushpost: Hushpost, scripted: Path, server: Loopback, home: Path, secrets: bool
) -> None:
    token = "s3cr3t of the-script/+"
    (scripted / "token").write_text(token)
    got = "vault.get('token')" if secrets else "repr(request.headers.rows) + request.url + response.text"
    (scripted / "scripts" / "hook.py").write_text(
        "import base64, sys, urllib.parse\n"
        f"t = {got}\n"
        "for text in (t, repr(t), t.encode().hex(), urllib.parse.quote(t), base64.b64encode(t.encode()).decode()):\n"
        "    print(text); print(text, file=sys.stderr); check(text, False, text)\n"
        "raise ValueError(t)\n"
    )
    (scripted / "requests" / "a.toml").write_text(
        f'schema = 1\nurl = "{server.url}/echo?t={{{{token}}}}"\n[scripts]\nafter_response = "hook.py"\n'
    )
    assert hushpost("bind", "--allow-script-secrets" if secrets else "--allow-scripts").code == 0
    reports = [part for name in NAMES for part in ("--reporter", f"{name}={name}.report")]
    for arguments in (["run", *reports], ["send", "a", "--json"], ["send", "a"]):
        ran = hushpost(*arguments, "-v", "token=@token")
        assert ran.code == 1
        sinks = [("stdout", ran.stdout), ("stderr", ran.stderr.encode()), *files_below(home)]
        sinks += [(name, (scripted / f"{name}.report").read_bytes()) for name in NAMES]
        assert leaks({"token": token}, sinks) == []
    assert "ValueError" in (scripted / "console.report").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ending_a_run_ends_its_scripts(hushpost: Hushpost, scripted: Path, tmp_path: Path, number: int) -> None:
    (scripted / "scripts" / "hook.py").write_text(ENDLESS)
    assert hushpost("bind", "--allow-scripts").code == 0
    folder = tmp_path / "temporary"
    folder.mkdir()
    process = hushpost.start("run", env={"TMPDIR": str(folder)})
    wait_until(lambda: len(processes(folder)) == 3)
    process.send_signal(number)
    process.communicate(timeout=PATIENCE_S)
    wait_until(lambda: not processes(folder))
    wait_until(lambda: not list(folder.iterdir()))
