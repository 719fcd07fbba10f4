"""What hushpost was started with is read by nobody else: not by a script that was allowed, not from a core file."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import pytest

from tests.cli.harness import PROGRAM, Hushpost, write
from tests.loopback import Loopback

PASSPHRASE = "correct-horse-battery"
TOKEN = "hvs-of-the-start"

UNPRIVILEGED = [
    sys.executable,
    "-c",
    # Without what lets root look at whom it likes: in effect another user, who owns the same files.
    "import ctypes, os, sys; drop = ctypes.CDLL(None).prctl; [drop(24, number, 0, 0, 0) for number in range(64)];"
    "os.execv(sys.argv[1], sys.argv[1:])",
]
SPY = """
import os, re
from pathlib import Path

pid, seen, refused = os.getppid(), b"", []
while pid > 1:
    try:
        seen += Path(f"/proc/{pid}/environ").read_bytes()
        Path(f"/proc/{pid}/mem").open("rb").close()
    except OSError:
        refused.append(Path(f"/proc/{pid}/cmdline").read_text())
    pid = int(re.search(r"PPid:\\s*(\\d+)", Path(f"/proc/{pid}/status").read_text())[1])
check("refused", any("cli.main" in command for command in refused), repr(refused))
check("environment", b"PASSPHRASE" not in seen and b"hvs-of-the-start" not in seen, seen[:1000].decode())
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the places that a script looks at are Linux's")


def test_a_script_that_may_run_reads_nothing_of_the_start_environment(
    hushpost: Hushpost, workspace: Path, server: Loopback
) -> None:
    request = f'url = "{server.url}/echo"\n[scripts]\nafter_response = "spy.py"\n'
    write(workspace, {"requests/a.toml": request, "scripts/spy.py": SPY})
    assert hushpost("bind", "--allow-scripts").code == 0
    secrets = {"HUSHPOST_PASSPHRASE": PASSPHRASE, "HUSHPOST_VAR_token": TOKEN}
    ran = hushpost.process("send", "a", "--json", program=[*UNPRIVILEGED, *PROGRAM], env=secrets)
    assert ran.code == 0, ran.out + ran.stderr
    assert {check["name"]: check["passed"] for check in ran.json["checks"]} == {"refused": True, "environment": True}


def limits(text: str) -> str:
    [line] = [line for line in text.splitlines() if line.startswith("Max core file size")]
    return line.split()[4]


def test_it_leaves_no_core_file_and_a_command_keeps_its_own_limit(hushpost: Hushpost, workspace: Path) -> None:
    write(workspace, {"environments/live.toml": "[variables]\nx = '1'\n"})
    before, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (4096 if most < 0 or most >= 4096 else most, most))
    try:
        given = resource.getrlimit(resource.RLIMIT_CORE)[0]
        ran = hushpost.process("exec", "-e", "live", "--only", "x", "--", "cat", "/proc/self/limits")
        assert limits(ran.out) == str(given)
        sealed = [*PROGRAM[:2], "from cli.sealing import seal; seal(); print(open('/proc/self/limits').read())"]
        assert limits(hushpost.process(program=sealed).out) == "0"
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (before, most))


def test_programs_that_it_starts_are_what_they_always_are(hushpost: Hushpost, workspace: Path) -> None:
    write(workspace, {"environments/live.toml": "[variables]\nx = '1'\n"})
    ran = hushpost.process(
        "exec", "-e", "live", "--only", "x", "--", "cat", "/proc/self/environ", program=[*UNPRIVILEGED, *PROGRAM]
    )
    assert b"x=1\0" in ran.stdout
