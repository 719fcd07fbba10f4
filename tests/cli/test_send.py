"""`hushpost send`: what goes out, what is printed, and how it ends."""

from __future__ import annotations

import json
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.cli.harness import PROGRAM, Hushpost, write
from tests.loopback import Loopback
from tests.patience import PATIENCE_S

TOKEN = 'tok-3n7!/&+ "x"'


@pytest.fixture
def api(workspace: Path, server: Loopback) -> Loopback:
    write(
        workspace,
        {
            "environments/base.toml": f'[variables]\nbase_url = "{server.url}"\nwho = "base"\n',
            "environments/staging.toml": '[variables]\nwho = "staging"\n',
            "requests/echo.toml": 'url = "{{base_url}}/echo"\nquery = [{ name = "who", value = "{{who}}" }]\n',
            "requests/secret.toml": (
                'method = "POST"\nurl = "{{base_url}}/echo"\n[auth]\ntype = "bearer"\ntoken = "{{token}}"\n'
            ),
            "requests/deep/missing.toml": 'url = "{{base_url}}/status/404"\n',
            "requests/checked.toml": (
                'url = "{{base_url}}/status/404"\nchecks = [{ subject = "status", op = "equals", value = 404 }]\n'
            ),
            "requests/failing.toml": (
                'url = "{{base_url}}/json?a=1"\nchecks = [{ subject = "status", op = "equals", value = 201 }]\n'
            ),
            "requests/bytes.toml": 'url = "{{base_url}}/bytes/200000"\n',
            "requests/headers.toml": 'url = "{{base_url}}/headers?X-Odd=%C2%9B31m"\n',
            "requests/undefined.toml": 'url = "{{base_url}}/{{nothing}}/{{nowhere}}"\n',
            "requests/ask.toml": 'url = "{{base_url}}/{{?Which one}}"\n',
            "requests/broken.toml": "url = \n",
            "requests/refused.toml": 'url = "http://127.0.0.1:9/"\n',
        },
    )
    return server


def test_the_body_is_all_of_stdout(hushpost: Hushpost, api: Loopback) -> None:
    ran = hushpost("send", "echo")
    assert ran.code == 0
    assert api.last.query == {"who": "base"}
    assert ran.json["method"] == "GET"
    assert ran.stderr == ""


def test_an_environment_overrides_base_and_the_command_line_overrides_both(hushpost: Hushpost, api: Loopback) -> None:
    assert hushpost("send", "echo", "-e", "staging").code == 0
    assert api.last.query == {"who": "staging"}
    assert hushpost("send", "echo", "-e", "staging", "-v", "who=me", "-v", "unused=@@x").code == 0
    assert api.last.query == {"who": "me"}


def test_an_environment_named_once_is_not_remembered(hushpost: Hushpost, api: Loopback, home: Path) -> None:
    assert hushpost("send", "echo", "-e", "staging").code == 0
    assert hushpost("send", "echo").code == 0
    assert api.last.query == {"who": "base"}
    assert [path for path in home.rglob("*") if path.name == "workspaces.toml"] == []


def test_a_workspace_is_found_from_below_and_by_name(
    hushpost: Hushpost, api: Loopback, workspace: Path, tmp_path: Path
) -> None:
    hushpost.folder = workspace / "requests" / "deep"
    assert hushpost("send", "echo").code == 0
    hushpost.folder = tmp_path
    ran = hushpost("send", "echo")
    assert ran.code == 2
    assert "no workspace holds this folder" in ran.stderr
    assert "-w PATH" in ran.stderr
    assert hushpost("send", "-w", workspace, "echo").code == 0


@pytest.mark.parametrize("spelling", ["deep/missing", "requests/deep/missing.toml", "./requests/deep/missing.toml"])
def test_a_request_is_also_found_by_the_path_of_its_file(hushpost: Hushpost, api: Loopback, spelling: str) -> None:
    assert hushpost("send", spelling).code == 0
    assert api.last.path == "/status/404"


def test_a_folder_and_an_unknown_request_are_named(hushpost: Hushpost, api: Loopback) -> None:
    ran = hushpost("send", "deep")
    assert ran.code == 2
    assert "is a folder" in ran.stderr
    ran = hushpost("send", "missing")
    assert ran.code == 2
    assert 'did you mean "deep/missing"' in ran.stderr
    assert api.requests == []


@pytest.mark.parametrize("given", ["-v token=@secret.txt", "-v token=-", "HUSHPOST_VAR_token"])
def test_a_value_kept_off_the_command_line_is_sent_and_not_printed(
    hushpost: Hushpost, api: Loopback, workspace: Path, given: str
) -> None:
    (workspace / "secret.txt").write_text(TOKEN + "\n")
    arguments = given.split() if given.startswith("-v") else []
    env = {} if arguments else {given: TOKEN}
    ran = hushpost("send", "secret", *arguments, stdin=TOKEN.encode() + b"\n", env=env)
    assert (ran.code, ran.stderr) == (0, "")
    assert api.last.header("Authorization") == f"Bearer {TOKEN}"
    assert "tok-3n7" not in ran.out
    assert "••••••" in ran.out


def test_raw_and_a_file_hold_the_bytes_as_received(hushpost: Hushpost, api: Loopback, workspace: Path) -> None:
    token = "tok-3n7-plain"
    raw = hushpost("send", "secret", "-v", "token=-", "--raw", stdin=token.encode())
    assert token.encode() in raw.stdout
    ran = hushpost("send", "secret", "-v", "token=-", "-o", "body.json", stdin=token.encode())
    assert ran.stdout == b""
    assert token in (workspace / "body.json").read_text()
    assert ran.stderr.startswith("saved ")
    ran = hushpost("send", "secret", "-v", "token=-", "-o", "-", stdin=token.encode())
    assert (ran.stdout, ran.stderr) == (raw.stdout, "")
    assert not (workspace / "-").exists()


def test_binary_goes_through_a_pipe_as_it_is(hushpost: Hushpost, api: Loopback) -> None:
    ran = hushpost("send", "bytes")
    assert len(ran.stdout) == 200_000


def test_include_puts_status_and_headers_before_the_body(hushpost: Hushpost, api: Loopback) -> None:
    ran = hushpost("send", "failing", "--include")
    head, _, body = ran.out.partition("\n\n")
    assert head.startswith("HTTP/1.1 200 OK\n")
    assert "\nContent-Type: application/json" in head
    assert json.loads(body) == {"a": "1"}


def test_a_header_of_a_server_cannot_move_the_cursor(hushpost: Hushpost, api: Loopback) -> None:
    ran = hushpost("send", "headers", "-i")
    assert "\x9b" not in ran.out
    assert "\\x9b31m" in ran.out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["deep/missing"], 0),
        (["deep/missing", "--fail"], 1),
        (["checked", "--fail"], 0),
        (["failing"], 1),
        (["undefined"], 2),
        (["broken"], 2),
        (["ask"], 2),
        (["refused"], 4),
        (["echo", "-e", "nowhere"], 2),
        (["echo", "-v", "novalue"], 2),
        (["echo", "-v", "bad name=1"], 2),
        (["echo", "--json", "--raw"], 2),
        (["echo", "-o", "no/such/folder"], 2),
        (["echo", "--nothing"], 2),
        ([], 2),
    ],
)
def test_exit_codes(hushpost: Hushpost, api: Loopback, arguments: list[str], code: int) -> None:
    ran = hushpost("send", *arguments)
    assert ran.code == code
    if code:
        assert ran.stderr.startswith("error: ")
    if code == 2:
        assert api.requests == []
        assert ran.stdout == b""


def test_every_undefined_name_is_said_at_once(hushpost: Hushpost, api: Loopback) -> None:
    error = hushpost("send", "undefined").stderr
    assert '"nothing"' in error
    assert '"nowhere"' in error


def test_a_failed_check_is_told_beside_the_body(hushpost: Hushpost, api: Loopback) -> None:
    ran = hushpost("send", "failing")
    assert ran.json == {"a": "1"}
    assert "check failed: " in ran.stderr


def test_json_is_a_result_with_its_response(hushpost: Hushpost, api: Loopback) -> None:
    found = hushpost("send", "failing", "--json").json
    assert found["outcome"] == "failed"
    assert found["request"] == "failing"
    assert found["checks"][0]["passed"] is False
    assert json.loads(found["response"]["body"]) == {"a": "1"}
    assert {"name": "Content-Type", "value": "application/json"} in found["response"]["headers"]
    assert hushpost("send", "bytes", "--json").json["size"] == 200_000


def test_json_of_a_request_without_an_answer_names_the_error(hushpost: Hushpost, api: Loopback) -> None:
    ran = hushpost("send", "refused", "--json")
    assert ran.code == 4
    assert ran.json["outcome"] == "error"
    assert ran.json["error"]["kind"] == "connect"
    assert ran.json["url"] == "http://127.0.0.1:9/"
    assert ran.json["response"] is None
    assert ran.stderr.startswith("error: ")


def _answer(body: bytes, kind: tuple[str, str], handler: Any, _: object) -> None:
    handler.answer(200, body, (kind,))


def test_a_body_in_another_encoding_is_searched_too(hushpost: Hushpost, api: Loopback, workspace: Path) -> None:
    write(
        workspace,
        {"requests/utf16.toml": 'url = "{{base_url}}/utf16"\nheaders = [{ name = "K", value = "{{token}}" }]\n'},
    )
    for charset in ("utf-16", "utf-16-le", "latin-1", "cp037"):
        body = "your key is tok-3n7-ü!".encode(charset)
        kind = ("Content-Type", f"text/plain; charset={charset}")
        api.routes["/utf16"] = partial(_answer, body, kind)
        ran = hushpost("send", "utf16", "-v", "token=-", stdin="tok-3n7-ü!".encode())
        assert ran.code == 0, ran.stderr
        assert "tok-3n7" not in ran.stdout.decode(charset, "replace")
        assert "your key is" in ran.stdout.decode(charset, "replace")


def test_a_lying_encoding_does_not_hide_a_secret(hushpost: Hushpost, api: Loopback, workspace: Path) -> None:
    write(
        workspace,
        {"requests/lie.toml": 'url = "{{base_url}}/lie"\nheaders = [{ name = "K", value = "{{token}}" }]\n'},
    )
    api.routes["/lie"] = lambda handler, _: handler.answer(
        200, b"your key is tok-3n7-plain", (("Content-Type", "text/plain; charset=cp037"),)
    )
    ran = hushpost("send", "lie", "-v", "token=-", stdin=b"tok-3n7-plain")
    assert b"tok-3n7-plain" not in ran.stdout


def test_a_reader_that_stops_early_is_no_error(hushpost: Hushpost, api: Loopback) -> None:
    process = hushpost.start("send", "bytes")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    with process.stderr as errors:
        assert errors.read() == b""
    assert process.wait(timeout=PATIENCE_S) == 0


def test_a_closed_stdout_is_no_error(hushpost: Hushpost, api: Loopback) -> None:
    program = ["sh", "-c", 'exec "$0" "$@" >&-', *PROGRAM]
    ran = hushpost.process("send", "echo", program=program)
    assert (ran.code, ran.stderr) == (0, "")


def test_a_full_disk_behind_stdout_is_an_error(hushpost: Hushpost, api: Loopback) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = hushpost.process("send", "bytes", stdout=full)
    assert ran.code == 2
    assert "no space left" in ran.stderr


def test_ctrl_c_ends_a_request_that_is_under_way(hushpost: Hushpost, api: Loopback, workspace: Path) -> None:
    write(workspace, {"requests/hold.toml": 'url = "{{base_url}}/hold"\n'})
    process = hushpost.start("send", "hold")
    api.wait_for(lambda: bool(api.requests))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (130, b"")
    assert err == b"error: interrupted\n"


def test_a_body_that_is_not_whole_is_a_failure_of_the_network(
    hushpost: Hushpost, api: Loopback, workspace: Path
) -> None:
    write(workspace, {"requests/half.toml": f'url = "{api.url}/truncate"\n'})
    ran = hushpost("send", "half")
    assert (ran.code, ran.out) == (4, "only this")
    assert "the body is not whole" in ran.stderr
    found = hushpost("send", "half", "--json").json
    assert (found["outcome"], found["error"]["kind"], found["response"]["body"]) == ("error", "protocol", "only this")
