"""The app beside Posting in real terminals: start, bytes per key, palette, idle, memory, sends, large bodies.

    .venv/bin/python benchmarks/terminal.py [--runs 5] [--sizes 1,1000,5000] [--bodies 1,10,50] [--peer PROGRAM]

Prints Markdown: median [least-most] of both, their ratio, and the goal. Both are run in turn, on the same requests, on
a terminal as over SSH; the first round warms and does not count. Posting is installed once, into `benchmarks/.venv`,
unless a program is named; bodies past `--peer-most` MB, which take it minutes, it is spared. Bytes and ratios hold on a
loaded machine, milliseconds do not.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import scenes  # noqa: E402
from benchmarks.collection import One, hushpost, put, requests  # noqa: E402
from benchmarks.watched_app import WatchedApp, median_of  # noqa: E402

HUSHPOST = str(Path(sys.executable).with_name("hushpost"))
PEER = ("posting", "tree-sitter<0.26")
"""tree-sitter 0.26 crashes Posting 2.11."""
IN_SESSIONS = 40
"""How many requests the workspace of the key sessions has."""
IDLE_S = 3.0
PEERS = ROOT / "benchmarks" / ".venv"
TYPED_AFTER_S = 2.0
"""How long typing goes on once a large body is shown."""
NARROW, WIDE, TALL = (80, 24), (160, 45), (80, 40)


@dataclass(frozen=True)
class Program:
    """One of the two, and the keys that do the same in each."""

    name: str
    command: Callable[[Path], Sequence[str]]
    shown: tuple[str, ...]
    """What is on the first screen that can be used."""
    first_key: str
    reacted: Callable[[str], bool]
    """Whether the screen shows what the first key does."""
    to_address: tuple[str, ...]
    """From the first screen to an empty address with the focus in it."""
    send: str
    back: tuple[str, ...] = ()
    """Back to the end of the address once an answer has come."""


def ours_reacted(screen: str) -> bool:
    """The cursor has left the first row: large trees begin with their folders closed."""
    return "▸" in screen and re.search("▸[▾▹] 000-orders", screen) is None and "000-orders" in screen


OURS = Program(
    "hushpost",
    lambda folder: [HUSHPOST, "open", str(folder / "hushpost")],
    ("000-orders", "Pick a request"),
    "\x1b[B",
    ours_reacted,
    ("down", "enter", "\x1bu", "end", "\x7f" * 45),
    "ctrl+r",
    ("\x1bu", "end"),
)


def peer(program: str) -> Program:
    return Program(
        "Posting",
        lambda folder: [program, "--collection", str(folder / "posting")],
        ("000-orders", "r00000", "Response", "Quit"),
        "zqzq",
        lambda screen: "zqzq" in screen,
        ("backspace",),
        "ctrl+j",
    )


def installed() -> str:
    """Posting's program, or an empty text where it cannot be had."""
    program = PEERS / "bin" / "posting"
    if not program.exists():
        pip = [str(PEERS / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEER]
        for command in ([sys.executable, "-m", "venv", str(PEERS)], pip):
            if subprocess.run(command, check=False).returncode:
                return ""
    return str(program)


def write_both(folder: Path, count: int, base: str) -> Path:
    both = list(requests(count, base))
    hushpost(both, folder / "hushpost")
    for one in both:
        put(folder / "posting" / one.folder / f"{one.name}.posting.yaml", posting(one))
    return folder


def posting(one: One) -> str:
    text = f"name: {one.name}\nmethod: {one.method}\nurl: {one.url}\n"
    if one.body:
        body = one.body.replace("\n", "\n    ")
        text += f"body:\n  content: |-\n    {body}\n  content_type: application/json\n"
    text += "headers:\n" + "".join(f'- name: {name}\n  value: "{value}"\n' for name, value in one.headers.items())
    return text + 'params:\n- name: page\n  value: "1"\n- name: limit\n  value: "50"\n'


class Answers(BaseHTTPRequestHandler):
    """Says the last part of the path backwards, so that the address cannot be taken for the answer."""

    protocol_version = "HTTP/1.1"
    wbufsize = 65536

    def do_GET(self) -> None:
        *before, last = self.path.split("?")[0].split("/")
        told = last[::-1]
        body = f'{{"told": "{told}", "items": [1, 2, 3]}}'.encode()
        if "bodies" in before:
            body = scenes.large_body(int(before[-1]), told)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_address[1]}"
        listening.shutdown()


# The runs


@dataclass
class Home:
    """Where one program keeps its files from run to run: what it learns of a workspace it may use again."""

    program: Program
    place: Path
    found: dict[str, list[float]] = field(default_factory=dict)

    def note(self, name: str, value: float) -> None:
        self.found.setdefault(name, []).append(value)

    def start(self, folder: Path, size: tuple[int, int], more: Mapping[str, str] = MappingProxyType({})) -> WatchedApp:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.place),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "SSH_CONNECTION": "127.0.0.1 1 127.0.0.1 22",
            **more,
        }
        columns, rows = size
        return WatchedApp(self.program.command(folder), environment=environment, columns=columns, rows=rows)


def start(home: Home, folder: Path, count: int) -> None:
    """Milliseconds until a key has taken effect that is pressed as soon as the screen is there."""
    with home.start(folder, NARROW) as app:
        visible = app.wait_for_bytes(home.program.shown)
        app.write(home.program.first_key)
        usable = app.wait_for(home.program.reacted, 120)
        app.quiet(0.3)
        home.note(f"visible {count}", visible * 1000)
        home.note(f"usable {count}", usable * 1000)
        home.note(f"peak {count}", app.peak_mib())
        app.quit("ctrl+c")


def session(home: Home, folder: Path, base: str, size: tuple[int, int]) -> None:
    """Bytes at the start, then of each key, with the address focused; then sends."""
    width = size[0]
    with home.start(folder, size) as app:
        app.wait_for_bytes(home.program.shown)
        app.quiet(0.4)
        home.note(f"start {width}", len(app.received))
        for key in home.program.to_address:
            app.press_and_watch(key)
        home.note(f"idle {width}", app.idle(IDLE_S) / IDLE_S)
        app.press_and_watch(f"{base}/")
        keyed = [app.press_and_watch(letter) for letter in "answers/first"]
        home.note(f"key {width}", median_of(keyed, "bytes"))
        home.note(f"key ms {width}", median_of(keyed, "milliseconds"))
        for turn, word in enumerate(("first", "other", "third")):
            if turn:
                for key in (*home.program.back, "\x7f" * 5, word):
                    app.press_and_watch(key)
            seconds = app.until_seen(home.program.send, word[::-1])
            home.note(f"{'next send' if turn else 'first send'} {width}", seconds * 1000)
            app.quiet(0.3)
        for key in home.program.back:
            app.press_and_watch(key)
        tabs = [app.press_and_watch("tab") for _ in range(5)]
        home.note(f"tab {width}", median_of(tabs, "bytes"))
        home.note(f"tab ms {width}", median_of(tabs, "milliseconds"))
        opened = app.press_and_watch("ctrl+p", quiet=0.15)
        home.note(f"palette {width}", opened.bytes)
        home.note(f"palette ms {width}", opened.milliseconds)
        home.note(f"peak in session {width}", app.peak_mib())


def body(home: Home, folder: Path, base: str, megabytes: int) -> None:
    """A large answer, with a person who goes on typing in the address."""
    with home.start(folder, WIDE) as app:
        app.wait_for_bytes(home.program.shown)
        app.quiet(0.4)
        for key in home.program.to_address:
            app.press_and_watch(key)
        app.press_and_watch(f"{base}/bodies/{megabytes}/answer")
        seen, slowest = app.send_and_type(home.program.send, "answer"[::-1], "answer~", TYPED_AFTER_S)
        home.note(f"body {megabytes}", seen * 1000)
        home.note(f"unanswered {megabytes}", slowest * 1000)
        home.note(f"peak with body {megabytes}", app.peak_mib())


def countdowns(home: Home, place: Path) -> None:
    """Ten cached secrets in view, each with its countdown; Posting has nothing like it."""
    with home.start(place, TALL, scenes.environment_of(place)) as app:
        bytes_a_second, percent = scenes.countdowns(app)
        home.note("countdown bytes", bytes_a_second)
        home.note("countdown cpu", percent)


# The table


@dataclass(frozen=True)
class Line:
    name: str
    key: str
    goal: float | None
    """At most this times the peer's."""
    most: float | None = None
    """At most this, whatever the peer does."""

    def row(self, ours: Mapping[str, list[float]], theirs: Mapping[str, list[float]]) -> str:
        mine = statistics.median(ours[self.key])
        their = statistics.median(theirs[self.key]) if self.key in theirs else 0.0
        ratio = mine / their if their else None
        goals = [f"{self.goal}x"] if self.goal is not None else []
        goals += [f"{self.most:.0f}"] if self.most is not None else []
        met = (self.most is None or mine <= self.most) and (self.goal is None or ratio is None or ratio <= self.goal)
        verdict = "" if not goals or (ratio is None and self.most is None) else "met" if met else "**missed**"
        return (
            f"| {self.name} | {spread(ours[self.key])} | {spread(theirs.get(self.key, ()))} |"
            f" {'' if ratio is None else f'{ratio:.2f}x'} | {' and '.join(goals)} | {verdict} |"
        )


def spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    return f"{statistics.median(values):,.0f} [{min(values):,.0f}-{max(values):,.0f}]"


def lines(sizes: Sequence[int], bodies: Sequence[int]) -> Iterator[Line]:
    goals = {1: (0.55, None), 1000: (0.35, 0.75), 5000: (0.15, 0.60)}
    for count in sizes:
        start_goal, memory_goal = goals.get(count, (None, None))
        yield Line(f"usable start, {count:,} requests, ms", f"usable {count}", start_goal)
        yield Line(f"peak MiB after it, {count:,} requests", f"peak {count}", memory_goal)
    for width in (NARROW[0], WIDE[0]):
        yield Line(f"bytes at start, {width} columns", f"start {width}", 0.30)
        yield Line(f"bytes per typed key, {width} columns", f"key {width}", 0.10, 200)
        yield Line(f"bytes per Tab, {width} columns", f"tab {width}", 0.15, 2500)
        yield Line(f"bytes to open the palette, {width} columns", f"palette {width}", 0.30)
        yield Line(f"idle bytes a second, {width} columns", f"idle {width}", None, 0)
        yield Line(f"typed key to last byte, {width} columns, ms", f"key ms {width}", 0.60)
        yield Line(f"Tab to last byte, {width} columns, ms", f"tab ms {width}", 0.50)
        yield Line(f"palette to last byte, {width} columns, ms", f"palette ms {width}", 0.60)
        yield Line(f"first send to text, {width} columns, ms", f"first send {width}", 0.35)
        yield Line(f"later sends to text, {width} columns, ms", f"next send {width}", 0.35)
        yield Line(f"peak MiB in all, {width} columns", f"peak in session {width}", None)
    shown_goals = {1: (0.10, 400), 10: (0.03, 1000), 50: (0.02, 4000)}
    for megabytes in bodies:
        yield Line(
            f"send to text, {megabytes} MB of JSON, ms", f"body {megabytes}", *shown_goals.get(megabytes, (None,))
        )
        yield Line(f"longest unanswered key meanwhile, {megabytes} MB, ms", f"unanswered {megabytes}", None, 150)
        peak_goal = {10: 0.20, 50: 0.10}.get(megabytes)
        yield Line(f"peak MiB with it, {megabytes} MB", f"peak with body {megabytes}", peak_goal)
    yield Line("bytes a second, 10 live countdowns", "countdown bytes", None, 200)
    yield Line("% of a core, 10 live countdowns", "countdown cpu", None, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sizes", default="1,1000,5000")
    parser.add_argument("--bodies", default="1,10,50", help="MB of JSON; empty for none")
    parser.add_argument("--peer-most", type=int, default=10, help="MB of the largest body that Posting is given")
    parser.add_argument("--peer", default="", help="Posting's program, where it is installed")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    bodies = [int(size) for size in options.bodies.split(",") if size]
    program = options.peer or installed()
    with tempfile.TemporaryDirectory() as temporary, server() as base:
        place = Path(temporary)
        programs = [OURS, *([peer(program)] if program else [])]
        if not program:
            print("Posting cannot be installed here: only hushpost is measured\n")
        homes = [Home(one, place / one.name) for one in programs]
        for home in homes:
            home.place.mkdir()
        starts = {size: write_both(place / f"of-{size}", size, base) for size in sizes}
        sessions = write_both(place / "session", IN_SESSIONS, base)
        scenes.write_countdowns(place / "countdowns" / "hushpost", place / "countdowns", base)
        loads = [os.getloadavg()[0]]
        for counted in range(options.runs + 1):
            for size, folder in starts.items():
                for home in homes:
                    start(home, folder, size)
            for terminal in (NARROW, WIDE):
                for home in homes:
                    session(home, sessions, base, terminal)
            for megabytes in bodies if counted else ():
                for home in homes:
                    if home.program is OURS or megabytes <= options.peer_most:
                        body(home, sessions, base, megabytes)
            countdowns(homes[0], place / "countdowns")
            loads.append(os.getloadavg()[0])
            print(f"round {counted} of {options.runs}", file=sys.stderr)
            if counted == 0:
                first = {home.program.name: home.found for home in homes}
                for home in homes:
                    home.found = {}
        ours, theirs = homes[0].found, homes[1].found if program else {}
        print(f"{options.runs} runs in turn; load average {spread(loads)} on {os.cpu_count()} cores.\n")
        print("| | hushpost | Posting | ratio | goal | |\n|---|---|---|---|---|---|")
        print("\n".join(line.row(ours, theirs) for line in lines(sizes, bodies)))
        least, most = (statistics.median(ours[f"usable {size}"]) for size in (min(sizes), max(sizes)))
        print(f"\nhushpost with {max(sizes):,} requests beside {min(sizes):,}: {most / least:.2f}x (goal 1.3x).")
        never = ", ".join(f"{size:,} requests {first['hushpost'][f'usable {size}'][0]:.0f} ms" for size in sizes)
        print(f"hushpost's very first start on a workspace, not in the table: {never}.")


if __name__ == "__main__":
    main()
