"""A run of 500 requests, as whole processes: hushpost, newman, Bruno's CLI, httpyac, and bare httpx, in turn.

    .venv/bin/python benchmarks/runner.py [--runs 7] [--requests 500] [--peers FOLDER]

Prints Markdown: median [least-most] of seconds, requests a second, CPU seconds, peak memory. Each is run once before it
counts, then all in turn, and the server says how many requests it saw. Peers are installed with npm into a temporary
folder, or once into the one that is named.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.collection import write_all  # noqa: E402

HUSHPOST = str(Path(sys.executable).with_name("hushpost"))
PEERS = {"newman": "newman@6.2.2", "bru": "@usebruno/cli@4.1.0", "httpyac": "httpyac@6.16.7"}
ITERATIONS = 10
"""How much longer the run is that shows whether memory grows."""


@dataclass
class Case:
    name: str
    command: Sequence[str]
    folder: Path
    requests: int
    most_runs: int = 1000
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    mib: list[float] = field(default_factory=list)


def install(folder: Path) -> dict[str, str]:
    """The peers' programs, installed where they are missing; a peer that cannot be installed is left out."""
    found = {}
    for program, package in PEERS.items():
        place = folder / program
        binary = place / "node_modules" / ".bin" / program
        if not binary.exists() and shutil.which("npm"):
            place.mkdir(parents=True, exist_ok=True)
            command = ["npm", "install", "--prefix", str(place), "--no-audit", "--no-fund", package]
            subprocess.run(command, check=False, capture_output=True)
        if binary.exists():
            found[program] = str(binary)
        else:
            print(f"{program} cannot be installed here and is left out", file=sys.stderr)
    return found


def cases(programs: dict[str, str], place: Path, count: int) -> Iterator[Case]:
    workspace = place / "hushpost"
    bare = [sys.executable, str(HERE / "bare_httpx.py"), str(workspace)]
    yield Case("hushpost run", [HUSHPOST, "run"], workspace, count)
    yield Case("hushpost run --parallel 16", [HUSHPOST, "run", "--parallel", "16"], workspace, count)
    longer = ["--iterations", str(ITERATIONS)]
    yield Case(
        f"hushpost run, {ITERATIONS} times as many", [HUSHPOST, "run", *longer], workspace, count * ITERATIONS, 3
    )
    slow = place / "hushpost-slow"
    yield Case("hushpost run, the API takes 10 ms", [HUSHPOST, "run"], slow, count, 3)
    yield Case("the same, --parallel 16", [HUSHPOST, "run", "--parallel", "16"], slow, count, 3)
    yield Case("bare httpx, files read", bare, workspace, count)
    if "newman" in programs:
        yield Case("newman", [programs["newman"], "run", str(place / "postman.json")], place, count)
    if "bru" in programs:
        command = [programs["bru"], "run", "-r", "--sandbox", "developer"]
        yield Case("bru --sandbox developer", command, place / "bruno", count)
    if "httpyac" in programs:
        command = [programs["httpyac"], "send", str(place / "collection.http"), "--all", "-o", "short"]
        yield Case("httpyac", command, place, count)


def measure(case: Case, base: str, home: Path) -> None:
    """Run it once; raises where it failed or sent another number of requests."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "dumb", "LANG": "C.UTF-8"}
    before = served(base)
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            case.command, cwd=case.folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        seen = served(base) - before
        if process.returncode or seen != case.requests:
            output.seek(0)
            said = output.read()[-1500:].decode("utf-8", "replace")
            raise SystemExit(f"{case.name} ended with {process.returncode} after {seen} requests:\n{said}")
    case.seconds.append(seconds)
    case.cpu.append(usage.ru_utime + usage.ru_stime)
    case.mib.append(usage.ru_maxrss / 1024)


def served(base: str) -> int:
    with urllib.request.urlopen(f"{base}/served") as answer:
        return int(answer.read())


@contextmanager
def server() -> Iterator[str]:
    command = [sys.executable, str(HERE / "quick_server.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def spread(values: Sequence[float], digits: int) -> str:
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f}-{max(values):.{digits}f}]"


def table(measured: Sequence[Case]) -> Iterator[str]:
    ours = measured[0].requests / statistics.median(measured[0].seconds)
    yield "| | seconds | requests/s | CPU s | peak MiB | hushpost run is |"
    yield "|---|---|---|---|---|---|"
    for case in measured:
        rate = case.requests / statistics.median(case.seconds)
        yield (
            f"| {case.name} | {spread(case.seconds, 3)} | {rate:.0f} | {statistics.median(case.cpu):.2f} |"
            f" {spread(case.mib, 0)} | {ours / rate:.1f}x |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--peers", type=Path, help="where the peers are, or are installed once")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, server() as base:
        place = Path(temporary)
        write_all(place / "data", options.requests, base)
        measured = list(cases(install(options.peers or place / "peers"), place / "data", options.requests))
        loads = [os.getloadavg()[0]]
        for counted in range(options.runs + 1):
            for case in measured:
                if counted > case.most_runs:
                    continue
                measure(case, base, place)
                if counted == 0:
                    case.seconds, case.cpu, case.mib = [], [], []
            loads.append(os.getloadavg()[0])
        print(f"{options.runs} runs in turn; load average {spread(loads, 1)} on {os.cpu_count()} cores.\n")
        print("\n".join(table(measured)))


if __name__ == "__main__":
    main()
