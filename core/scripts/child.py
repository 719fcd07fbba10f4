"""What a script's processes do: an overseer that ends whatever the script leaves behind, below it the script itself.

    overseer (adopts orphans; its stdin closes when the script has to end) ─► script (own session) ─► whatever it starts

They import as little as they can, because they are started for each script.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import suppress
from typing import IO, Any, NoReturn

MOST_PROCESSES = 32
MEMORY = 1024**3
FILE_SIZE = 256 * 1024**2
LOOK_MS = 50
"""How often the overseer counts."""
PATIENCE_S = 5.0
"""For a killed process to be gone."""
ORPHANED_S = 0.5
"""For a killed hushpost to be gone."""
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def main(arguments: Sequence[str]) -> None:
    """Oversee one script: `arguments` are the descriptors of what it is told, what it answers, and its output."""
    told, answers, output = map(int, arguments)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    overseer, starter, home = os.getpid(), os.getppid(), os.environ["HOME"]  # noqa: TID251 - ours, as it was made
    worker = os.fork()
    if worker == 0:
        _work(overseer, told, answers, output)
    for descriptor in (told, answers, output):
        os.close(descriptor)
    ended = _watch(worker)
    left = _end_all(worker)
    try:
        os.write(1, json.dumps({**ended, "left": left}).encode())
        os.close(1)
        unheard = False
    except OSError:
        unheard = True
    if not ended:
        # Who is killed closes its pipes before its children get another parent; who lives ends this process now.
        deadline = time.monotonic() + ORPHANED_S
        while not unheard and os.getppid() == starter and time.monotonic() < deadline:
            time.sleep(0.005)
    if unheard or os.getppid() != starter:
        # It was killed: nobody else removes what the script was given.
        import shutil

        shutil.rmtree(home, ignore_errors=True)


# The overseer


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _watch(worker: int) -> dict[str, int | bool]:
    """Until the script has ended, or has to: how it ended, and whether it started too many processes."""
    poller = select.poll()
    poller.register(0, select.POLLIN | select.POLLHUP)
    with suppress(AttributeError, OSError):
        poller.register(os.pidfd_open(worker), select.POLLIN)
    while True:
        events = dict(poller.poll(LOOK_MS))
        status = _reap(worker)
        if status is not None:
            return {"code": os.waitstatus_to_exitcode(status)}
        if 0 in events:
            return {}
        if not events and sum(1 for _ in _descendants()) > MOST_PROCESSES:
            return {"crowd": True}


def _reap(worker: int) -> int | None:
    """Take leave of every process that has ended; the status of the script where it is one of them."""
    found = None
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == worker:
                found = ended[1]
    return found


def _end_all(worker: int) -> int:
    """Kill what is left, again until there is no child: who forks while others are killed is found by the next look.

    How many processes there were besides the script itself.
    """
    killed: set[int] = set()
    with suppress(OSError):
        killed.update(_descendants() if _has_children() else ())
        os.killpg(worker, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            break
        for process in _descendants():
            killed.add(process)
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.001)
    return len(killed - {worker})


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _descendants() -> Iterator[int]:
    """Every living process below this one."""
    parents: dict[int, list[int]] = {}
    try:
        entries = os.listdir("/proc")  # noqa: PTH208
    except OSError:
        return
    for entry in entries:
        if entry.isdigit():
            with suppress(OSError), open(f"/proc/{entry}/stat", "rb") as file:  # noqa: PTH123 - pathlib is slow to import
                state, parent = file.read().rpartition(b") ")[2].split()[:2]
                if state != b"Z":
                    parents.setdefault(int(parent), []).append(int(entry))
    found = [os.getpid()]
    for process in found:
        found += parents.get(process, ())
    yield from found[1:]


# The script


def _work(overseer: int, told: int, answers: int, output: int) -> NoReturn:
    """Run the script in a session of its own, with nothing open but what it talks by; never returns."""
    os.setsid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != overseer:
        os._exit(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for descriptor in (nothing, output):
        os.close(descriptor)
    for descriptor in (told, answers):
        os.set_inheritable(descriptor, False)
    _limit()
    line = _Line(os.fdopen(told, "rb"), os.fdopen(answers, "wb"))
    try:
        said = _run(line)
        sys.stdout.flush()
        sys.stderr.flush()
        line.say(said)
    except BaseException:  # noqa: BLE001 - nobody is left to tell
        os._exit(1)
    os._exit(0)


def _limit() -> None:
    import resource

    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, FILE_SIZE),
    ):
        with suppress(OSError, ValueError):
            resource.setrlimit(what, (most, most))


def _run(line: _Line) -> dict[str, Any]:
    """Run the script as it is told; what came of it."""
    given = line.hear()
    path = given["path"]
    api = _Api(line, given)
    sys.argv = [path]
    sys.path.insert(0, given["folder"])
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            code = compile(file.read(), path, "exec")
        exec(code, {"__name__": "__main__", "__file__": path, **api.names()})  # noqa: S102 - this is the process for it
    except SystemExit as error:
        if error.code not in (None, 0):
            return {"failed": f"SystemExit: {error.code}", "checks": api.checks}
    except BaseException as error:  # noqa: BLE001 - whatever a script raises
        return _failure(error, path) | {"checks": api.checks}
    return {"variables": api.variables.set_here, "checks": api.checks, "request": api.edited()}


def _failure(error: BaseException, path: str) -> dict[str, Any]:
    """What it raised and where, with the traceback in its output from its own first line on."""
    import traceback

    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != path:
        trace = trace.tb_next
    with suppress(Exception):
        sys.stdout.flush()
        traceback.print_exception(type(error), error, trace)
    where = f" (line {trace.tb_lineno})" if trace is not None else ""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - its own __str__
        text = ""
    name = type(error).__name__
    return {"failed": f"{name}: {text}{where}" if text else name + where, "refused": isinstance(error, Refused)}


class Refused(Exception):
    """What hushpost does not give a script; str() says why, and what the user can do."""


class _Line:
    """One JSON object a line, in either direction."""

    def __init__(self, told: IO[bytes], answers: IO[bytes]) -> None:
        self._told = told
        self._answers = answers

    def hear(self) -> dict[str, Any]:
        return dict(json.loads(self._told.readline()))

    def say(self, message: Mapping[str, Any]) -> None:
        self._answers.write(json.dumps(message).encode() + b"\n")
        self._answers.flush()

    def ask(self, question: str, about: str) -> str:
        self.say({"ask": question, "about": about})
        answer = self.hear()
        if "refused" in answer:
            raise Refused(answer["refused"])
        return str(answer["text"])


class _Api:
    """What a script finds under its global names."""

    def __init__(self, line: _Line, given: Mapping[str, Any]) -> None:
        self.variables = Variables(line, given["variables"], given["hidden"], given["fixed"])
        self._vault = Vault(line)
        self._before = given["response"] is None
        self._request = (Request if self._before else SentRequest)(given["request"])
        self._response = None if self._before else Response(given["response"])
        self.checks: list[tuple[str, bool, str]] = []

    def names(self) -> dict[str, Any]:
        found = {
            "request": self._request,
            "variables": self.variables,
            "vault": self._vault,
            "check": self.check,
            "literal": literal,
        }
        return found if self._before else {**found, "response": self._response}

    def check(self, name: str, passed: object, message: object = "") -> None:
        """One more line among the request's checks."""
        self.checks.append((str(name), bool(passed), str(message)))

    def edited(self) -> dict[str, Any]:
        """The fields of the request that are not as they were."""
        return self._request.edited() if self._before else {}


def literal(text: str) -> str:
    """The text, so that braces in it are no template where it is put into the request."""
    out: list[str] = []
    for index, part in enumerate(str(text).split("{{")):
        if index:
            if (len(out[-1]) - len(out[-1].rstrip("\\"))) % 2:
                raise ValueError("a backslash before {{ cannot be written in a template: put the text into a variable")
            out[-1] += "\\{{"
        out.append(part)
    return "".join(out)


class Variables:
    """The variables that the request sees; hidden ones are the vault's."""

    def __init__(self, line: _Line, plain: Mapping[str, str], hidden: Sequence[str], fixed: Sequence[str]) -> None:
        self._line = line
        self._plain = plain
        self._hidden = frozenset(hidden)
        self._fixed = frozenset(fixed)
        self.set_here: dict[str, tuple[str, bool]] = {}

    def get(self, name: str, default: str | None = None) -> str | None:
        if name in self.set_here:
            return self.set_here[name][0]
        if name in self._hidden:
            raise Refused(f'"{name}" is secret: ask for it with vault.get("{name}")')
        return self._plain.get(name, default)

    def set(self, name: str, value: object, *, secret: bool = False) -> None:
        """For this request and those that follow. A secret value is masked everywhere from now on."""
        if name in self._fixed:
            raise Refused(f'"{name}" is a secret or linked variable, which a script cannot set')
        self.set_here[str(name)] = (_as_text(value), bool(secret))

    def render(self, text: str) -> str:
        """The text with the values of its plain variables; secret ones stay as {{name}}."""
        return self._line.ask("render", str(text))

    def __contains__(self, name: object) -> bool:
        return name in self.set_here or name in self._plain or name in self._hidden


class Vault:
    """Values of secret and linked variables, for scripts that this user lets read them."""

    def __init__(self, line: _Line) -> None:
        self._line = line

    def get(self, name: str) -> str:
        return self._line.ask("secret", str(name))


class Headers(MutableMapping[str, str]):
    """By name, whatever its case; where a name stands several times, the first is read and all are replaced."""

    def __init__(self, rows: Iterable[Sequence[str]]) -> None:
        self.rows: list[tuple[str, str]] = [(row[0], row[1]) for row in rows]

    def __getitem__(self, name: str) -> str:
        for known, value in self.rows:
            if known.lower() == name.lower():
                return value
        raise KeyError(name)

    def __setitem__(self, name: str, value: object) -> None:
        at = next((i for i, row in enumerate(self.rows) if row[0].lower() == name.lower()), len(self.rows))
        rest = [row for row in self.rows[at:] if row[0].lower() != name.lower()]
        self.rows[at:] = [(str(name), str(value)), *rest]

    def __delitem__(self, name: str) -> None:
        kept = [row for row in self.rows if row[0].lower() != name.lower()]
        if len(kept) == len(self.rows):
            raise KeyError(name)
        self.rows = kept

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for name, _ in self.rows))

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, name: str, value: object) -> None:
        """One more, also where the name is there already."""
        self.rows.append((str(name), str(value)))

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.rows if known.lower() == name.lower()]


class Request:
    """The request before it is built: its texts are templates, {{name}} included."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.name: str = given["name"]
        self.method: str = given["method"]
        self.url: str = given["url"]
        self._headers = Headers(given["headers"])
        self.body: object = given["body"]
        """A text, None without one and for kinds of body that are no text; may be set to a JSON value too."""
        self._given = self._state()

    @property
    def headers(self) -> Headers:
        return self._headers

    @headers.setter
    def headers(self, headers: Mapping[str, object]) -> None:
        self._headers = Headers([(str(name), str(value)) for name, value in headers.items()])

    def _state(self) -> dict[str, Any]:
        body = self.body
        text = body if body is None or isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        return {
            "method": str(self.method),
            "url": str(self.url),
            "headers": list(self._headers.rows),
            "body": text,
            "as_json": text is not body,
        }

    def edited(self) -> dict[str, Any]:
        state = self._state()
        found = {key: value for key, value in state.items() if value != self._given[key]}
        if "body" in found or "as_json" in found:
            found |= {"body": state["body"], "as_json": state["as_json"]}
        return found


class SentRequest:
    """The request as it was sent, with names in place of secrets; to read only."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.__dict__.update(given, headers=Headers(given["headers"]))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("the request has been sent: it can be changed before, by a before_request script")

    def edited(self) -> dict[str, Any]:
        return {}


class Response:
    """The answer."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.status: int = given["status"]
        self.reason: str = given["reason"]
        self.headers = Headers(given["headers"])
        self.elapsed_ms: float = given["elapsed_ms"]
        self.size: int = given["size"]
        self._text: str | None = given["text"]

    @property
    def text(self) -> str:
        if self._text is None:
            raise Refused(f"the body has {self.size} bytes, which is more than a script is given")
        return self._text

    def json(self) -> Any:
        return json.loads(self.text)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
