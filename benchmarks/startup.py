"""Start-up, as whole processes: `--help`, one `send`, and the app to a usable screen, with what each of them imports.

    .venv/bin/python benchmarks/startup.py [--runs 9] [--sizes 1,1000,5000]

Prints median [least-most] in milliseconds, Markdown. Everything happens in a temporary home, on loopback.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from core.demo.api import DemoApi  # noqa: E402
from core.models import Request  # noqa: E402
from core.workspace.workspace import Workspace  # noqa: E402
from tests.terminal import TerminalApp  # noqa: E402

HUSHPOST = str(Path(sys.executable).with_name("hushpost"))
WATCHED = (
    "textual",
    "rich",
    "click",
    "httpx",
    "msgspec",
    "tomlkit",
    "boto3",
    "hvac",
    "google",
    "azure",
    "keyring",
    "diskcache",
)


def environment(home: Path) -> dict[str, str]:
    """As over SSH: no colour depth announced, nothing inherited but PATH."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "SSH_CONNECTION": "127.0.0.1 1 127.0.0.1 22",
    }


def build(folder: Path, size: int, url: str) -> Path:
    workspace = Workspace.create(folder, "bench")
    requests = workspace.path / "requests"
    for number in range(size):
        place = requests / f"folder-{number // 20:04}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"request-{number:05}.toml").write_text(
            f'schema = 1\nname = "Request {number}"\nmethod = "GET"\nurl = "{url}/health?n={number}"\n', "utf-8"
        )
    workspace.save_request("first", Request(url=f"{url}/health"))
    return workspace.path


def whole_process(command: Sequence[str], home: Path, folder: Path) -> float:
    started = time.perf_counter()
    subprocess.run(command, env=environment(home), cwd=folder, check=True, capture_output=True)
    return (time.perf_counter() - started) * 1000


def app_start(home: Path, folder: Path) -> tuple[float, int]:
    """Milliseconds to the drawn request tree, and the bytes written until the screen is quiet."""
    with TerminalApp([HUSHPOST, "open", str(folder)], environment=environment(home)) as app:
        seconds = app.wait_for("first")
        app.settle()
        return seconds * 1000, len(app.received)


def app_milliseconds(home: Path, folder: Path) -> float:
    return app_start(home, folder)[0]


def imported(arguments: Sequence[str], home: Path, folder: Path) -> str:
    """The watched packages that a command has loaded by its end."""
    code = (
        "import sys, atexit\n"
        f"loaded = lambda: ' '.join(m for m in {WATCHED!r} if m in sys.modules)\n"
        "atexit.register(lambda: print(loaded(), len(sys.modules), file=sys.stderr))\n"
        "from cli.main import main\n"
        f"sys.argv = ['hushpost', *{list(arguments)!r}]\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(home) | {"PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    return done.stderr.strip().splitlines()[-1]


def row(name: str, runs: int, measure: Callable[[], float]) -> str:
    measure()
    times = [measure() for _ in range(runs)]
    return f"| {name} | {statistics.median(times):.0f} [{min(times):.0f}-{max(times):.0f}] |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--sizes", default="1,1000,5000")
    options = parser.parse_args()
    api = DemoApi({})
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        home = folder / "home"
        home.mkdir()
        sizes = {int(size): build(folder / f"ws-{size}", int(size), api.url) for size in options.sizes.split(",")}
        smallest = sizes[min(sizes)]
        print("| | ms |\n|---|---|")
        print(row("python -c pass", options.runs, lambda: whole_process([sys.executable, "-c", "pass"], home, folder)))
        print(row("hushpost --help", options.runs, lambda: whole_process([HUSHPOST, "--help"], home, folder)))
        print(row("hushpost send", options.runs, lambda: whole_process([HUSHPOST, "send", "first"], home, smallest)))
        for size, place in sizes.items():
            print(row(f"app, {size} requests, to the drawn tree", options.runs, partial(app_milliseconds, home, place)))
        print("\n| | imports, modules in all |\n|---|---|")
        print(f"| --help | {imported(['--help'], home, folder)} |")
        print(f"| send | {imported(['send', 'first'], home, smallest)} |")
        print(f"\nbytes written by the app's start at 80x24: {app_start(home, smallest)[1]}")
    api.close()


if __name__ == "__main__":
    main()
