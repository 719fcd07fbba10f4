"""Values from files and stdin: whatever they are, they end, and nothing is sent with half of one."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from cli.reports import NAMES
from tests.canary import leaks
from tests.cli.harness import PROGRAM, Hushpost, write
from tests.loopback import Loopback


@pytest.fixture(autouse=True)
def _request(workspace: Path, server: Loopback) -> None:
    write(
        workspace,
        {"requests/a.toml": f'url = "{server.url}/echo"\nheaders = [{{ name = "X", value = "{{{{x}}}}" }}]\n'},
    )


def test_a_file_without_an_end_is_refused(hushpost: Hushpost, server: Loopback) -> None:
    ran = hushpost("send", "a", "-v", "x=@/dev/zero")
    assert ran.code == 2
    assert ran.stderr.startswith('error: "/dev/zero" holds more than 8 MiB')
    assert not server.requests


def test_a_stdin_without_an_end_is_refused(hushpost: Hushpost, server: Loopback) -> None:
    ran = hushpost.process("send", "a", "-v", "x=-", program=["sh", "-c", 'yes | "$0" "$@"', *PROGRAM])
    assert ran.code == 2
    assert ran.stderr.startswith('error: stdin for "x" holds more than 8 MiB')
    assert not server.requests


def test_a_field_and_a_passphrase_end_as_well(hushpost: Hushpost, store: Path, home: Path) -> None:
    kind = ["--provider", "hashicorp", "--type", "token", "--field", "server_address=http://127.0.0.1:9"]
    added = hushpost("credential", "add", "p", *kind, "--field", "token=@/dev/zero")
    assert (added.code, "more than 8 MiB" in added.stderr) == (2, True)
    changed = hushpost("store", "passphrase", "--passphrase", "@/dev/zero")
    assert (changed.code, "more than 8 MiB" in changed.stderr) == (2, True)
    rows = hushpost("run", "--data", "/dev/zero")
    assert (rows.code, "larger than 64 MiB" in rows.stderr) == (2, True)


def test_a_fifo_is_a_file_like_any_other(hushpost: Hushpost, tmp_path: Path, server: Loopback) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(b"through-a-pipe\n",))
    writer.start()
    assert hushpost("send", "a", "-v", f"x=@{fifo}").code == 0
    writer.join()
    assert server.last.header("X") == "through-a-pipe"


@pytest.mark.parametrize("source", ["-v", "a data row"])
@pytest.mark.parametrize("reporter", NAMES)
def test_a_plain_text_in_the_place_of_a_secret_is_masked_where_it_comes_back(
    hushpost: Hushpost, workspace: Path, server: Loopback, source: str, reporter: str
) -> None:
    write(
        workspace,
        {
            "requests/a.toml": f"""
url = "{server.url}/echo"
headers = [{{ name = "X", value = "{{{{password}}}}" }}]
checks = [{{ subject = "body", op = "equals", value = "nothing" }}]
[variables]
password = {{ secret = true }}
""",
            "rows.csv": "password\ncorrect horse/7\n",
        },
    )
    given = ["-v", "password=correct horse/7"] if source == "-v" else ["--data", str(workspace / "rows.csv")]
    ran = hushpost("run", *given, "--reporter", reporter)
    assert ran.code == 1
    assert server.last.header("X") == "correct horse/7"
    assert leaks({"password": "correct horse/7"}, [("report", ran.stdout), ("stderr", ran.stderr.encode())]) == []
