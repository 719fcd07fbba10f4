"""`hushpost run`: order, reports, exit codes, interruption, and what a reader of its streams may do."""

from __future__ import annotations

import json
import os
import shlex
import signal
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cli.reports import NAMES
from tests.canary import leaks
from tests.cli.harness import PROGRAM, Hushpost, write
from tests.loopback import Loopback
from tests.patience import PATIENCE_S


@pytest.fixture
def api(workspace: Path, server: Loopback) -> Loopback:
    write(
        workspace,
        {
            "environments/base.toml": f'[variables]\nbase_url = "{server.url}"\nn = "0"\n',
            "requests/folder.toml": 'order = ["last", "first"]\n',
            "requests/last.toml": 'url = "{{base_url}}/status/200"\n',
            "requests/first.toml": 'url = "{{base_url}}/json?n={{n}}"\n',
            "requests/deep/a.toml": 'url = "{{base_url}}/status/201"\n',
            "requests/deep/b.toml": 'url = "{{base_url}}/status/202"\n',
        },
    )
    return server


def sent(api: Loopback) -> list[str]:
    return [request.target for request in api.requests]


def test_everything_is_sent_in_tree_order_and_reported(hushpost: Hushpost, api: Loopback) -> None:
    ran = hushpost("run")
    assert ran.code == 0, ran.stderr
    assert sent(api) == ["/status/200", "/json?n=0", "/status/201", "/status/202"]
    lines = ran.out.splitlines()
    assert lines[0] == "workspace Payments, environment base"
    assert [line.split()[-1] for line in lines[1:5]] == ["last", "first", "deep/a", "deep/b"]
    assert lines[5].startswith("4 requests: 4 passed, 0 failed, 0 errors, 0 skipped in ")
    assert ran.stderr == ""


@pytest.mark.parametrize(
    ("selectors", "order"),
    [
        (["deep"], ["/status/201", "/status/202"]),
        (["deep/"], ["/status/201", "/status/202"]),
        (["deep/b", "last"], ["/status/202", "/status/200"]),
        (["requests/deep/a.toml"], ["/status/201"]),
        (["../payments/requests/deep/a.toml", "../payments/requests/deep"], ["/status/201", "/status/202"]),
        (["."], ["/status/200", "/json?n=0", "/status/201", "/status/202"]),
        (["requests/"], ["/status/200", "/json?n=0", "/status/201", "/status/202"]),
    ],
)
def test_selectors_choose_in_their_order(
    hushpost: Hushpost, api: Loopback, selectors: list[str], order: list[str]
) -> None:
    assert hushpost("run", *selectors).code == 0
    assert sent(api) == order


def test_a_file_is_found_from_its_own_folder(hushpost: Hushpost, api: Loopback, workspace: Path) -> None:
    hushpost.folder = workspace / "requests" / "deep"
    assert hushpost("run", "a.toml").code == 0
    assert hushpost("run", ".").code == 0
    assert sent(api) == ["/status/201", "/status/201", "/status/202"]


def test_what_an_unset_variable_leaves_selects_nothing(hushpost: Hushpost, api: Loopback) -> None:
    assert hushpost("run", "").code == 2
    assert hushpost("run", "/").code == 2
    assert sent(api) == []


def test_an_unknown_selector_sends_nothing(hushpost: Hushpost, api: Loopback) -> None:
    ran = hushpost("run", "last", "deep/c")
    assert ran.code == 2
    assert "deep/c" in ran.stderr
    assert "did you mean" in ran.stderr
    assert sent(api) == []


def test_a_run_of_nothing_is_no_success(hushpost: Hushpost) -> None:
    ran = hushpost("run")
    assert ran.code == 2
    assert "holds no requests" in ran.stderr


def test_rows_iterations_and_the_command_line(hushpost: Hushpost, api: Loopback, workspace: Path) -> None:
    (workspace / "rows.csv").write_text("n\n1\n2\n")
    assert hushpost("run", "first", "--data", "rows.csv").code == 0
    assert hushpost("run", "first", "--data", "rows.csv", "--iterations", "3").code == 0
    assert hushpost("run", "first", "--iterations", "2", "-v", "n=9").code == 0
    assert [target[-1] for target in sent(api)] == [*"12", *"121", *"99"]


def test_a_wrong_data_file_sends_nothing(hushpost: Hushpost, api: Loopback, workspace: Path) -> None:
    (workspace / "rows.csv").write_text("n\n1,2\n")
    ran = hushpost("run", "--data", "rows.csv")
    assert ran.code == 2
    assert "line 2" in ran.stderr
    assert sent(api) == []


def test_several_reports_at_once(hushpost: Hushpost, api: Loopback, workspace: Path) -> None:
    names = ["console", "junit=out/junit.xml", "tap=out/run.tap", "github=out/notes", "html=out/run.html"]
    (workspace / "out").mkdir()
    ran = hushpost("run", *[part for name in names for part in ("--reporter", name)], "--reporter", "json=out/run.json")
    assert ran.code == 0, ran.stderr
    assert "4 passed" in ran.out
    assert json.loads((workspace / "out/run.json").read_bytes())["summary"]["passed"] == 4
    assert ElementTree.parse(workspace / "out/junit.xml").getroot()[0].get("tests") == "4"
    assert (workspace / "out/run.tap").read_text().startswith("TAP version 14\n")
    assert (workspace / "out/notes").read_text().startswith("::notice ")
    assert (workspace / "out/run.html").read_text().startswith("<!doctype html>")
    assert len(list((workspace / "out").iterdir())) == 5


@pytest.mark.parametrize(
    "reporters",
    [
        ["json", "console"],
        ["nobody"],
        ["json="],
        ["json=no/such/folder.json"],
        ["json=one.file", "tap=./one.file"],
        ["json=."],
    ],
)
def test_a_report_that_cannot_be_is_refused_before_anything_is_sent(
    hushpost: Hushpost, api: Loopback, reporters: list[str]
) -> None:
    ran = hushpost("run", *[part for name in reporters for part in ("--reporter", name)])
    assert ran.code == 2
    assert ran.stderr.startswith("error: ")
    assert sent(api) == []


def test_json_on_stdout_is_json_and_nothing_else(hushpost: Hushpost, api: Loopback) -> None:
    found = hushpost("run", "--reporter", "json").json
    assert [result["request"] for result in found["results"]] == ["last", "first", "deep/a", "deep/b"]
    assert found["results"][1]["url"] == f"{api.url}/json?n=0"


def test_annotations_name_the_file_of_the_request(hushpost: Hushpost, api: Loopback, workspace: Path) -> None:
    write(workspace, {"requests/bad.toml": 'url = "{{base_url}}/status/500"\n'})
    ran = hushpost("run", "bad", "--reporter", "github")
    assert ran.code == 1
    assert ran.out.startswith("::error file=requests/bad.toml,title=bad%3A failed::the response has status 500%0AGET ")


@pytest.mark.parametrize(
    ("requests", "code"),
    [
        ({"x": 'url = "{{base_url}}/status/404"\n'}, 1),
        ({"x": 'url = "http://127.0.0.1:9/"\n'}, 4),
        ({"x": 'url = "{{nothing}}"\n'}, 2),
        ({"x": "url = \n"}, 2),
        ({"x": 'url = "{{base_url}}/{{?Ask}}"\n'}, 2),
        ({"x": 'url = "{{base_url}}/status/404"\n', "y": 'url = "http://127.0.0.1:9/"\n'}, 4),
    ],
)
def test_exit_codes(hushpost: Hushpost, api: Loopback, workspace: Path, requests: dict[str, str], code: int) -> None:
    write(workspace, {f"requests/new/{name}.toml": text for name, text in requests.items()})
    ran = hushpost("run", "new")
    assert ran.code == code, ran.out + ran.stderr


def test_a_wrong_template_anywhere_sends_nothing(hushpost: Hushpost, api: Loopback, workspace: Path) -> None:
    write(workspace, {"requests/zz.toml": 'url = "{{nothing}}"\n'})
    ran = hushpost("run")
    assert (ran.code, ran.out) == (2, "")
    assert '"nothing"' in ran.stderr
    assert sent(api) == []


@pytest.mark.parametrize("reporter", ["console", "tap", "github"])
def test_no_text_of_a_stranger_is_a_command_to_a_ci_system(
    hushpost: Hushpost, api: Loopback, workspace: Path, reporter: str
) -> None:
    said = "::stop-commands::x\n ::add-mask::y\n##[add-path]/tmp ##vso[task.setvariable variable=a]b"
    api.routes["/said"] = lambda handler, received: handler.answer(200, said.encode())
    checks = 'checks = [{ subject = "body", op = "equals", value = "no" }]\n'
    write(
        workspace,
        {
            "workspace.toml": 'name = "::stop-commands::x"\nid = "0123456789abcdef"\n',
            "requests/said.toml": f'url = "{{{{base_url}}}}/said"\n{checks}',
        },
    )
    ran = hushpost("run", "said", "--reporter", reporter)
    assert ran.code == 1
    sent = hushpost("send", "said", "-o", "body")
    bound = hushpost("bind")
    lines = [*ran.out.splitlines(), *ran.stderr.splitlines(), *sent.stderr.splitlines(), *bound.out.splitlines()]
    assert any("add-path" in line for line in lines)
    ours = ("::error file=", "::error title=")
    assert [line for line in lines if line.strip().startswith("::") and not line.startswith(ours)] == []
    assert [line for line in lines if "##" in line] == []


def test_bail_stops_at_the_first_that_did_not_pass(hushpost: Hushpost, api: Loopback, workspace: Path) -> None:
    write(workspace, {"requests/last.toml": 'url = "{{base_url}}/status/500"\n'})
    ran = hushpost("run", "--bail", "--reporter=console", "--reporter=junit=run.xml", "--reporter=html=run.html")
    assert ran.code == 1
    assert sent(api) == ["/status/500"]
    assert "1 request: 0 passed, 1 failed, 0 errors, 0 skipped, 3 not run in" in ran.out
    assert "3 more not run" in (workspace / "run.xml").read_text()
    assert "0 of 1 request passed, 3 not run" in (workspace / "run.html").read_text()


def test_the_console_says_where_a_request_that_failed_went_and_which_try_passed(
    hushpost: Hushpost, api: Loopback, workspace: Path
) -> None:
    write(workspace, {"requests/last.toml": 'url = "{{base_url}}/status/500?page=2"\n'})
    ran = hushpost("run", "last", "first", "--retries", "2")
    assert f"| GET {api.url}/status/500?page=2 -> 500\n" in ran.out
    assert "last (try 3)\n" in ran.out
    assert "/json" not in ran.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_reports_what_ran(
    hushpost: Hushpost, api: Loopback, workspace: Path, number: signal.Signals
) -> None:
    write(workspace, {"requests/first.toml": 'url = "{{base_url}}/hold"\n'})
    process = hushpost.start(
        "run", "--reporter", "console", "--reporter", "json=run.json", "--reporter", "junit=run.xml"
    )
    api.wait_for(lambda: len(api.requests) == 2)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert err == b'error: interrupted during "first"\n'
    assert b"interrupted" in out
    assert b"1 passed" in out
    found = json.loads((workspace / "run.json").read_bytes())
    assert found["interrupted"] is True
    assert found["results"][0]["outcome"] == "passed"
    assert ElementTree.parse(workspace / "run.xml").getroot().tag == "testsuites"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_was_ignored_before_ends_no_run(
    hushpost: Hushpost, api: Loopback, workspace: Path, number: signal.Signals
) -> None:
    write(workspace, {"requests/first.toml": 'url = "{{base_url}}/hold"\n'})
    before = signal.signal(number, signal.SIG_IGN)
    try:
        process = hushpost.start("run", "first")
    finally:
        signal.signal(number, before)
    api.wait_for(lambda: bool(api.requests))
    process.send_signal(number)
    api.release()
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (0, b"")
    assert b"1 passed" in out


def test_a_killed_run_leaves_no_report(hushpost: Hushpost, api: Loopback, workspace: Path) -> None:
    write(workspace, {"requests/first.toml": 'url = "{{base_url}}/hold"\n'})
    (workspace / "run.json").write_text("the last one")
    process = hushpost.start("run", "--reporter", "json=run.json")
    api.wait_for(lambda: len(api.requests) == 2)
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    assert (workspace / "run.json").read_text() == "the last one"
    assert sorted(path.name for path in workspace.iterdir() if path.is_file()) == ["run.json", "workspace.toml"]


def test_a_reader_that_stops_early_ends_the_output_and_not_the_run(
    hushpost: Hushpost, api: Loopback, workspace: Path
) -> None:
    program = ["sh", "-c", '"$0" "$@" | true', *PROGRAM]
    ran = hushpost.process("run", "--reporter", "console", "--reporter", "json=run.json", program=program)
    assert ran.stderr == ""
    assert json.loads((workspace / "run.json").read_bytes())["summary"]["passed"] == 4


def test_a_read_only_home_is_enough(hushpost: Hushpost, api: Loopback, home: Path) -> None:
    before = sorted(home.rglob("*"))
    assert hushpost("run").code == 0
    assert sorted(home.rglob("*")) == before or not [path for path in home.rglob("*") if path.suffix == ".toml"]


def test_a_report_that_cannot_be_written_takes_no_other_along(
    hushpost: Hushpost, api: Loopback, workspace: Path
) -> None:
    ran = hushpost("run", *("--reporter=console", "--reporter=tap=/dev/full", "--reporter=json=run.json"))
    assert (ran.code, ran.stderr) == (2, 'error: "/dev/full": no space left on device\n')
    assert "4 requests: 4 passed" in ran.out
    assert json.loads((workspace / "run.json").read_bytes())["summary"]["passed"] == 4


@pytest.mark.parametrize("report", ["/dev/full", "stdout"])
def test_a_report_that_cannot_be_written_hides_no_worse_failure(
    hushpost: Hushpost, api: Loopback, workspace: Path, report: str
) -> None:
    secret = 'url = "{{base_url}}/{{key}}"\nvariables = { key = { secret = true } }\n'
    write(workspace, {"requests/secret.toml": secret})
    with Path("/dev/full").open("wb") as full:
        if report == "stdout":
            ran = hushpost.process("run", "secret", "--reporter", "json", stdout=full)
        else:
            ran = hushpost("run", "secret", "--reporter", f"json={report}")
    assert (ran.code, ran.stderr) == (3, f'error: "{report}": no space left on device\n')


def test_each_line_reaches_a_pipe_before_the_next_request(hushpost: Hushpost, api: Loopback, workspace: Path) -> None:
    write(workspace, {"requests/first.toml": 'url = "{{base_url}}/hold"\n'})
    process = hushpost.start("run", env={"PYTHONUNBUFFERED": ""})
    api.wait_for(lambda: len(api.requests) == 2)
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    assert b"ok    200" in process.stdout.read()
    process.kill()
    process.communicate(timeout=30)


def test_a_full_stdout_takes_no_report_along(hushpost: Hushpost, api: Loopback, workspace: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = hushpost.process("run", "--reporter=console", "--reporter=json=run.json", stdout=full)
    assert (ran.code, ran.stderr) == (2, 'error: "stdout": no space left on device\n')
    assert json.loads((workspace / "run.json").read_bytes())["summary"]["passed"] == 4


def test_a_current_folder_that_was_deleted_ends_no_run(hushpost: Hushpost, api: Loopback, workspace: Path) -> None:
    program = ["sh", "-c", 'mkdir gone; cd gone; rmdir ../gone; "$0" "$@"', *PROGRAM]
    ran = hushpost.process("run", "--workspace", workspace, program=program)
    assert (ran.code, ran.stderr) == (0, "")


def test_the_folders_that_commands_make_are_this_users_alone(hushpost: Hushpost, api: Loopback, home: Path) -> None:
    state = home / "deep" / "state"
    assert hushpost("run", env={"HUSHPOST_STATE_DIR": str(state)}).code == 0
    assert hushpost("check", env={"HUSHPOST_STATE_DIR": str(state)}).code == 0
    made = [state.parent, state, *(path for path in state.rglob("*") if path.is_dir())]
    assert state.is_dir()
    assert {oct(folder.stat().st_mode & 0o777) for folder in made} == {"0o700"}


def test_half_a_character_that_a_server_made_up_ends_its_request_and_not_the_run(
    hushpost: Hushpost, api: Loopback, workspace: Path
) -> None:
    half = (
        f'auth = {{ type = "oauth2", token_url = "{api.url}/token", client_id = "{{{{id}}}}", client_secret = "x" }}\n'
    )
    write(
        workspace,
        {
            "requests/file.toml": f'url = "{api.url}/echo"\nbody = {{ type = "file", path = "{{{{id}}}}" }}\n',
            "requests/token.toml": f'url = "{api.url}/echo"\n{half}',
        },
    )
    (workspace / "rows.json").write_text('[{"id": "\\ud800"}]')
    ran = hushpost("run", "file", "token", "first", "--data", "rows.json", "--reporter", "json")
    assert ran.code == 2, ran.stderr
    results = [(one["outcome"], one["error"] and one["error"]["message"]) for one in ran.json["results"]]
    assert results == [("error", "a value holds half of a character, which cannot be sent there")] * 2 + [
        ("passed", None)
    ]


def test_what_came_is_reported_where_a_request_failed_and_where_that_is_asked_for(
    hushpost: Hushpost, api: Loopback, workspace: Path
) -> None:
    headers = 'headers = [{ name = "X-Key", value = "{{key}}" }]\n'
    checks = 'checks = [{ subject = "status", op = "equals", value = 201 }]\n'
    write(
        workspace,
        {
            "requests/new/failing.toml": f'url = "{{{{base_url}}}}/echo?password=of-nobody"\n{headers}{checks}',
            "requests/new/fine.toml": 'url = "{{base_url}}/json?fine=1"\n',
        },
    )
    secret = "correct horse/7"
    reports = [f"--reporter={name}={name}.report" for name in NAMES]
    run = ["run", "new", "-v", "key=-"]
    assert hushpost(*run, *reports, "--answers", stdin=secret.encode()).code == 1
    found = {name: (workspace / f"{name}.report").read_text() for name in NAMES}
    for name in ("console", "junit", "tap", "github"):
        assert "X-Key" in found[name]
        assert "fine=1" not in found[name]
    assert "| HTTP/1.1 200 OK\n" in found["console"]
    assert "X-Key" not in found["json"]
    assert leaks({"key": secret}, [(name, text.encode()) for name, text in found.items()]) == []
    assert "X-Key" not in hushpost(*run, stdin=secret.encode()).out


def test_a_file_outside_the_workspace_is_sent_once_the_line_of_the_error_was_run(
    hushpost: Hushpost, api: Loopback, workspace: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "a file.bin"
    outside.write_bytes(b"of the machine")
    request = 'url = "{{base_url}}/echo"\nmethod = "POST"\nbody = { type = "file", path = "../a file.bin" }\n'
    write(workspace, {"requests/up.toml": request})
    refused = hushpost("run", "up", "--reporter", "json")
    assert refused.code == 2
    assert api.requests == []
    hint = refused.json["results"][0]["error"]["hint"]
    assert hint.startswith("move it into the workspace, or run: hushpost bind ")
    line = shlex.split(hint.partition("run: hushpost ")[2])
    assert hushpost(*line).code == 0
    assert hushpost("run", "up").code == 0
    assert api.last.body == b"of the machine"
    assert f'"{outside}" may be used: allowed' in hushpost("bind").out
    assert hushpost("bind", "--remove", outside).code == 0
    assert hushpost("run", "up").code == 2
    assert hushpost("bind", "--allow-file", tmp_path / "none").code == 2
