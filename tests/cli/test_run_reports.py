"""What a run that does not go well says, in every report at once; and that ending it leaves no half of anything."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import psutil
import pytest

from cli.reports import NAMES
from tests.cli.harness import Hushpost, write
from tests.loopback import Loopback
from tests.patience import PATIENCE_S, wait_until
from tests.vaults.openbao import OpenBao

FILES = {name: f"out/{name}.report" for name in NAMES}
TO_FILES = [part for name, file in FILES.items() for part in ("--reporter", f"{name}={file}")]


@pytest.fixture
def api(workspace: Path, server: Loopback, bao: OpenBao, hushpost: Hushpost) -> Loopback:
    """Requests of which one needs a secret that is not there, and one what a failing login would have given."""
    hushpost.environment |= {
        "HUSHPOST_HASHICORP_TYPE": "onPrem",
        "HUSHPOST_HASHICORP_AUTHMETHOD": "token",
        "HUSHPOST_HASHICORP_SERVERADDRESS": bao.address,
        "HUSHPOST_HASHICORP_ACCESS_TOKEN": bao.token(),
    }
    link = f'provider = "hashicorp"\ncredential = "prod"\nmount = "{bao.mount()}"\npath = "nowhere"\nkey = "k"\n'
    capture = 'captures = [{ name = "session", from = "json", path = "$.token" }]\n'
    write(
        workspace,
        {
            "environments/base.toml": f'[variables]\nbase = "{server.url}"\n[variables.lost_key.link]\n{link}',
            "requests/1 keyed.toml": 'url = "{{base}}/echo?k={{lost_key}}"\n',
            "requests/2 log in.toml": f'url = "{{{{base}}}}/status/500"\n{capture}',
            "requests/3 orders.toml": 'url = "{{base}}/echo?s={{session}}"\n'
            + capture.replace("session", "order").replace("$.token", "$.method"),
            "requests/4 order.toml": 'url = "{{base}}/echo?o={{order}}"\n',
            "requests/5 health.toml": 'url = "{{base}}/status/200"\n',
        },
    )
    (workspace / "out").mkdir()
    return server


@pytest.fixture
def reports(hushpost: Hushpost, api: Loopback, workspace: Path) -> dict[str, str]:
    ran = hushpost("run", *TO_FILES)
    assert ran.code == 3, ran.stderr
    assert [request.path for request in api.requests] == ["/status/500", "/status/200"], "the rest is stopped"
    return {name: (workspace / file).read_text("utf-8") for name, file in FILES.items()}


def test_the_six_reports_have_the_same_outcomes(reports: dict[str, str]) -> None:
    outcomes = ["error", "failed", "skipped", "skipped", "passed"]
    assert [result["outcome"] for result in json.loads(reports["json"])["results"]] == outcomes
    suite = ElementTree.fromstring(reports["junit"])[0]
    assert [[child.tag for child in case] for case in suite.findall("testcase")] == [
        ["error"],
        ["failure"],
        ["skipped"],
        ["skipped"],
        [],
    ]
    assert re.findall(r'<details class="row (\w+)"', reports["html"]) == outcomes
    console = re.findall(r"^(\w+) .*  [A-Z]+ +\d", reports["console"], re.MULTILINE)
    assert console == ["ERROR", "FAIL", "skip", "skip", "ok"]
    points = re.findall(r"^((?:not )?ok) \d - (?:.*?)(# SKIP)?(?: .*)?$", reports["tap"], re.MULTILINE)
    assert [point for point, _ in points] == ["not ok", "not ok", "ok", "ok", "ok"]
    assert reports["tap"].count(" # SKIP ") == 2
    assert re.findall(r"^::(\w+) ", reports["github"], re.MULTILINE) == ["error", "error", "notice", "notice", "error"]


def test_every_report_names_the_secret_that_cannot_be_had_and_the_step_that_failed(reports: dict[str, str]) -> None:
    for name, report in reports.items():
        text = report.replace("&quot;", '"').replace('\\"', '"')
        for words in (
            "1 keyed",
            '"lost_key"',
            "nowhere",
            '"session" is captured by "2 log in", which did not pass',
            '"order" is captured by "3 orders", which did not pass',
        ):
            assert words in text, (name, words)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_ending_a_run_leaves_whole_reports_or_those_before_and_no_process(
    hushpost: Hushpost, api: Loopback, workspace: Path, number: signal.Signals, tmp_path: Path
) -> None:
    for file in FILES.values():
        (workspace / file).write_text("the one before")
    script = "import subprocess, time\nsubprocess.Popen(['sleep', '300'])\ntime.sleep(300)\n"
    slow = 'url = "{{base}}/echo"\n[scripts]\nbefore_request = "slow.py"\n'
    write(workspace, {"scripts/slow.py": script, "requests/2 log in.toml": slow, "requests/3 orders.toml": slow})
    write(workspace, {"requests/1 keyed.toml": 'url = "{{base}}/status/200"\n', "requests/4 order.toml": slow})
    assert hushpost("bind", "--allow-scripts").code == 0
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = hushpost.start("run", *TO_FILES, "--parallel", "2", env={"TMPDIR": str(temporary)})
    # Of each of two scripts: who oversees it, itself, and what it started.
    wait_until(lambda: len(descendants(process.pid)) == 6)
    started = descendants(process.pid)
    process.send_signal(number)
    process.communicate(timeout=PATIENCE_S)
    wait_until(lambda: not any(alive(one) for one in started))
    wait_until(lambda: not list(temporary.iterdir()))
    texts = {name: (workspace / file).read_text("utf-8") for name, file in FILES.items()}
    assert len(list((workspace / "out").iterdir())) == len(FILES), "nothing is left beside them"
    if number is signal.SIGKILL:
        assert set(texts.values()) == {"the one before"}
        return
    assert process.returncode == 130
    assert json.loads(texts["json"])["interrupted"] is True
    assert ElementTree.fromstring(texts["junit"]).tag == "testsuites"
    assert texts["html"].endswith("</html>\n")
    for name in NAMES:
        assert "interrupted" in texts[name], name
        assert "1 keyed" in texts[name] or name == "github", name


def descendants(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_options_of_a_run(hushpost: Hushpost, workspace: Path, server: Loopback) -> None:
    answers = iter([500, 200])
    server.routes["/flaky"] = lambda handler, _: handler.answer(next(answers), b"{}")
    write(workspace, {"requests/a.toml": f'url = "{server.url}/flaky"\n'})
    assert hushpost("run", "--retries", "1", "--delay", "1").code == 0
    write(workspace, {f"requests/hold {n}.toml": f'url = "{server.url}/hold"\n' for n in range(4)})
    server.routes["/flaky"] = lambda handler, _: handler.answer(200, b"{}")
    process = hushpost.start("run", "--parallel", "4", "--iterations", "2")
    server.wait_for(lambda: sum(request.path == "/hold" for request in server.requests) >= 3)
    server.release()
    out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert b"10 requests: 10 passed" in out


def peak(hushpost: Hushpost, iterations: int) -> int:
    """Most memory, in KiB, of a run with every report."""
    process = hushpost.start("run", "--iterations", str(iterations), *TO_FILES, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.stderr is not None
    process.stderr.close()
    assert process.returncode == 0
    return usage.ru_maxrss


def test_memory_does_not_grow_with_the_number_of_requests(
    hushpost: Hushpost, workspace: Path, server: Loopback
) -> None:
    (workspace / "out").mkdir()
    write(workspace, {"requests/a.toml": f'url = "{server.url}/bytes/20000"\n'})
    few, many = peak(hushpost, 50), peak(hushpost, 900)
    # 850 bodies more are 17 MB.
    assert many - few < 5 * 1024, f"{few} KiB, then {many} KiB"
    assert (workspace / FILES["html"]).stat().st_size > 900 * 200
