from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from core.errors import (
    FileError,
    HostNotAllowed,
    HushpostError,
    ScriptError,
    ScriptsNotAllowed,
    StoreLocked,
    TemplateError,
)
from core.exchange import ErrorInfo, Exchange, RequestFinished, Result
from core.models import (
    BearerAuth,
    Capture,
    Environment,
    Field,
    FormBody,
    JsonBody,
    NoBody,
    Request,
    Scripts,
    TextBody,
    Variable,
    XmlBody,
)
from core.paths import read_surroundings
from core.run.runner import run
from core.run.steps import RunOptions
from core.scripts import scripting
from core.scripts.process import Limits
from core.secret import Secret
from core.session import Need, Session, open_session
from tests.loopback import Loopback
from tests.patience import PATIENCE_S

VALUE = "s3cr3t-value-of-the-store"


@pytest.fixture
async def session(home: Path, tmp_path: Path, server: Loopback) -> AsyncIterator[Session]:
    """A session whose base environment has the server as `base`, and a secret variable `key`, whose value is stored."""
    places = {"HUSHPOST_CONFIG_DIR": str(home), "HUSHPOST_DATA_DIR": str(home / "data")}
    session = open_session(read_surroundings(places), headless=True)
    workspace = session.create_workspace(tmp_path / "workspace", "Tests")
    variables: dict[str, str | Variable] = {
        "base": server.url,
        "greeting": "hello",
        "key": Variable(secret=True),
        "with_key": "k={{key}}",
    }
    workspace.save_environment("base", Environment(variables=variables))
    await session.create_store(key_file=home / "key")
    await session.values.set("environments/base", "key", Secret(VALUE))
    session.consent.approve([Need("", server.url)])
    yield session
    await session.close()


def write(session: Session, name: str, text: str) -> None:
    assert session.workspace is not None
    path = session.workspace.path / "scripts" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


Send = Callable[..., Coroutine[Any, Any, Exchange]]


@pytest.fixture
def send(session: Session) -> Send:
    """Send a request with these scripts, which are allowed to run."""

    async def sent(
        before: str | None = None, after: str | None = None, *, secrets: bool = False, **fields: object
    ) -> Exchange:
        if before is not None:
            write(session, "before.py", before)
        if after is not None:
            write(session, "after.py", after)
        session.grant("scripts", *(("secrets",) if secrets else ()))
        scripts = Scripts("before.py" if before is not None else None, "after.py" if after is not None else None)
        request = Request(**{"url": "{{base}}/echo", **fields}, scripts=scripts)  # type: ignore[arg-type]
        return await session.send(request, "r")

    return sent


def failure(exchange: Exchange) -> ErrorInfo:
    assert exchange.script_error is not None
    return exchange.script_error


def ours() -> list[int]:
    """Processes of scripts: their home is below this test's temporary folder."""
    home = f"HOME={tempfile.gettempdir()}/hushpost-script-".encode()
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and home in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return found


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert ours() == []
    assert list(folder.glob("hushpost-script-*")) == []


# Consent


async def test_a_script_that_was_not_allowed_does_not_run_and_nothing_is_sent(
    session: Session, server: Loopback, tmp_path: Path
) -> None:
    write(session, "a.py", f"open({str(tmp_path / 'ran')!r}, 'w')")
    request = Request(url="{{base}}/echo", scripts=Scripts(after_response="a.py"))
    with pytest.raises(ScriptsNotAllowed) as caught:
        await session.send(request, "r")
    assert '"a.py"' in str(caught.value)
    assert "hushpost bind --allow-scripts" in (caught.value.hint or "")
    assert caught.value.missing == "scripts"
    assert not server.requests
    assert not (tmp_path / "ran").exists()


async def test_both_grants_are_off_and_end_with_any_change_of_a_script(session: Session) -> None:
    write(session, "a.py", "pass")
    write(session, "lib/b.py", "pass")
    assert session.script_grants() == frozenset()
    assert session.grant("scripts", "secrets") == ("a.py", "lib/b.py")
    assert session.script_grants() == {"scripts", "secrets"}
    write(session, "lib/b.py", "pass ")
    assert session.script_grants() == frozenset()
    write(session, "lib/b.py", "pass")
    assert session.script_grants() == {"scripts", "secrets"}
    write(session, "data.json", "{}")
    assert session.script_grants() == frozenset()


async def test_renaming_a_script_ends_the_grant(session: Session) -> None:
    write(session, "a.py", "pass")
    session.grant("scripts")
    assert session.workspace is not None
    folder = session.workspace.path / "scripts"
    (folder / "a.py").rename(folder / "b.py")
    assert session.script_grants() == frozenset()


async def test_names_and_contents_cannot_be_shifted_into_each_other(session: Session) -> None:
    write(session, "a", "bc")
    session.grant("scripts")
    assert session.workspace is not None
    (session.workspace.path / "scripts" / "a").rename(session.workspace.path / "scripts" / "ab")
    write(session, "ab", "c")
    assert session.script_grants() == frozenset()


async def test_a_compiled_script_beside_the_granted_one_is_not_what_runs(session: Session, send: Send) -> None:
    write(session, "helper.py", "ANSWER = 'source'")
    exchange = await send(before="import helper; print(helper.ANSWER)")
    write(session, "__pycache__/helper.cpython-311.pyc", "anything")
    assert session.script_grants() == {"scripts"}
    assert exchange.notes == ('script "before.py" wrote:\nsource',)
    exchange = await send(before="import helper; print(helper.ANSWER)")
    assert exchange.notes == ('script "before.py" wrote:\nsource',)


async def test_scripts_are_files_of_the_workspace(session: Session, tmp_path: Path) -> None:
    write(session, "a.py", "pass")
    (tmp_path / "elsewhere.py").write_text("pass")
    assert session.workspace is not None
    link = session.workspace.path / "scripts" / "link.py"
    link.symlink_to(tmp_path / "elsewhere.py")
    with pytest.raises(FileError, match="regular file"):
        session.grant("scripts")
    link.unlink()
    session.grant("scripts")
    for path in ("../elsewhere.py", "nowhere.py", "/etc/passwd"):
        with pytest.raises(FileError, match="no script"):
            await session.send(Request(url="{{base}}/echo", scripts=Scripts(path)), "r")


async def test_a_path_may_be_written_with_its_folder(session: Session) -> None:
    write(session, "a.py", "print(1)")
    session.grant("scripts")
    exchange = await session.send(Request(url="{{base}}/echo", scripts=Scripts("scripts/a.py")), "r")
    assert exchange.notes == ('script "a.py" wrote:\n1',)


async def test_a_workspace_without_scripts_has_nothing_to_grant(session: Session) -> None:
    with pytest.raises(HushpostError, match="no scripts"):
        session.grant("scripts")


# Before the request


async def test_a_script_edits_the_request(send: Send, server: Loopback) -> None:
    await send(
        before="""
request.method = "PUT"
request.url = request.url + "?page=2"
request.headers["x-known"] = "replaced"
request.headers["X-New"] = variables.get("greeting")
del request.headers["X-Gone"]
request.body = {"n": 1, "word": "ü"}
""",
        headers=(Field("X-Known", "old"), Field("X-Gone", "1"), Field("X-Off", "1", enabled=False)),
    )
    [got] = server.requests
    assert (got.method, got.target) == ("PUT", "/echo?page=2")
    assert got.header("x-known") == "replaced"
    assert got.header("x-new") == "hello"
    assert got.header("x-gone") is None
    assert got.header("content-type") == "application/json"
    assert got.body == '{"n": 1, "word": "ü"}'.encode()


async def test_what_a_script_does_not_touch_keeps_its_secrets(send: Send, server: Loopback) -> None:
    exchange = await send(
        before="""
assert request.headers["Authorization-Like"] == "T {{key}}", request.headers["Authorization-Like"]
request.headers["X-New"] = "1"
""",
        headers=(Field("Authorization-Like", "T {{key}}"),),
        auth=BearerAuth("{{key}}"),
        body=JsonBody('{"k": "{{key}}"}'),
    )
    [got] = server.requests
    assert got.header("authorization-like") == f"T {VALUE}"
    assert got.header("authorization") == f"Bearer {VALUE}"
    assert got.body == f'{{"k": "{VALUE}"}}'.encode()
    assert exchange.secrets_used == ("key",)


@pytest.mark.parametrize(
    ("body", "script", "sent"),
    [
        (JsonBody('{"a": 1}'), "assert request.body == '{\"a\": 1}'", b'{"a": 1}'),
        (XmlBody("<a/>"), "request.body = '<b/>'", b"<b/>"),
        (NoBody(), "request.body = 'text'", b"text"),
        (JsonBody("{}"), "request.body = None", b""),
        (TextBody("{}"), "request.body = [1]", b"[1]"),
        (FormBody((Field("a", "1"),)), "assert request.body is None", b"a=1"),
        (FormBody((Field("a", "1"),)), "request.body = 'b'", b"b"),
    ],
)
async def test_bodies(send: Send, server: Loopback, body: object, script: str, sent: bytes) -> None:
    await send(before=script, method="POST", body=body)
    assert server.requests[0].body == sent


async def test_text_from_elsewhere_is_no_template_when_it_is_made_literal(send: Send, server: Loopback) -> None:
    texts = ["{{key}}", "a {{{ b \\\\{{key}}", "{{ {{key}}", "plain"]
    script = f"for n, text in enumerate({texts!r}): request.headers[f'X-{{n}}'] = literal(text)"
    await send(before=script)
    assert [server.requests[0].header(f"x-{n}") for n in range(len(texts))] == texts


async def test_variables_are_rendered_for_scripts_with_names_in_place_of_secrets(send: Send, server: Loopback) -> None:
    await send(
        before="""
request.headers["X-A"] = literal(variables.get("with_key"))
request.headers["X-B"] = literal(variables.render("{{greeting}} {{with_key}}"))
request.headers["X-C"] = str(variables.get("nowhere", "none")) + str("key" in variables) + str("no" in variables)
"""
    )
    assert server.requests[0].header("x-a") == "k={{key}}"
    assert server.requests[0].header("x-b") == "hello k={{key}}"
    assert server.requests[0].header("x-c") == "noneTrueFalse"


async def test_set_variables_reach_the_request_and_those_that_follow(
    session: Session, send: Send, server: Loopback
) -> None:
    await send(
        before="""
variables.set("signature", "{{key}} is literal")
variables.set("count", 3)
variables.set("token", "made-here-0123", secret=True)
""",
        headers=(Field("X-S", "{{signature}}{{count}}"), Field("X-T", "{{token}}")),
    )
    assert server.requests[0].header("x-s") == "{{key}} is literal3"
    assert server.requests[0].header("x-t") == "made-here-0123"
    await session.send(Request(url="{{base}}/echo?t={{token}}"), "later")
    assert server.requests[1].target == "/echo?t=made-here-0123"
    assert "made-here" not in session.redact("it was made-here-0123")


@pytest.mark.parametrize("script", ["variables.set('key', 'x')", "variables.set_here['key'] = ('x', False)"])
async def test_a_script_cannot_set_a_secret(session: Session, send: Send, server: Loopback, script: str) -> None:
    with pytest.raises(ScriptError, match='"key"'):
        await send(before=script)
    assert "key" not in session.captured
    assert not server.requests


async def test_a_script_that_raises_sends_nothing_and_sets_nothing(
    session: Session, send: Send, server: Loopback
) -> None:
    with pytest.raises(ScriptError) as caught:
        await send(before="variables.set('a', '1')\n\n1 / 0\n")
    assert str(caught.value) == 'script "before.py" failed: ZeroDivisionError: division by zero (line 3)'
    assert not session.captured
    assert not server.requests


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("syntax error", "SyntaxError"),
        ("import sys; sys.exit('stop')", "SystemExit: stop"),
        ("import os; os._exit(3)", "without a result"),
        ("import os; os.kill(os.getpid(), 11)", "signal 11"),
        ("import os; os.kill(0, 9)", "signal 9"),
        ("request.method = 'NO SPACES'", "cannot be"),
        ("variables.set('no name', 1)", "name"),
        ("variables.set('big', 'x' * 2_000_000)", "more than 1024 KiB"),
        ("raise BaseException('odd')", "BaseException: odd"),
        ("class E(Exception):\n    def __str__(self): raise self\nraise E", "E"),
        ("x = ' ' * 2 * 1024**3", "MemoryError"),
        ("import threading; threading.excepthook = None\nimport ctypes; ctypes.string_at(0)", "signal 11"),
    ],
)
async def test_how_scripts_fail(send: Send, server: Loopback, script: str, says: str) -> None:
    with pytest.raises(ScriptError, match=says):
        await send(before=script)
    assert not server.requests


async def test_leaving_with_success_is_no_failure(send: Send, server: Loopback) -> None:
    await send(before="import sys; request.url += '?a'; sys.exit(0)")
    assert server.requests[0].target == "/echo?a"


# After the response


async def test_a_script_sees_the_exchange_and_adds_checks(send: Send) -> None:
    exchange = await send(
        after="""
check("status", response.status == 200, response.status)
check("fails", False, "because")
check("json", response.json()["method"] == "GET")
check("header", response.headers["CONTENT-TYPE"].startswith("application/json"))
check("size", response.size == len(response.text.encode()) and response.elapsed_ms > 0)
check("request", request.url.endswith("/echo") and request.method == "GET" and "host" in request.headers)
try:
    request.url = "no"
except AttributeError:
    check("read only", True)
"""
    )
    assert [(one.name, one.passed, one.message) for one in exchange.checks if not one.passed] == [
        ("fails", False, "because")
    ]
    assert len(exchange.checks) == 7
    assert exchange.script_error is None


async def test_captures_come_before_and_later_requests_after(session: Session, send: Send, server: Loopback) -> None:
    await send(after="variables.set('twice', variables.get('m') * 2)", captures=(Capture("m", "json", "$.method"),))
    await session.send(Request(url="{{base}}/{{twice}}"), "later")
    assert server.requests[1].target == "/GETGET"


async def test_a_failing_script_leaves_the_exchange(send: Send) -> None:
    exchange = await send(after="check('a', True)\nprint('before')\nraise ValueError('x')")
    assert exchange.response.status == 200
    assert exchange.script_error is not None
    assert failure(exchange).kind == "script-error"
    assert failure(exchange).message == 'script "after.py" failed: ValueError: x (line 3)'
    assert [one.name for one in exchange.checks] == ["a"]
    assert exchange.notes[0].startswith('script "after.py" wrote:\nbefore\nTraceback')


async def test_a_big_body_is_not_handed_over(send: Send) -> None:
    script = "check('size', response.size == 5_000_000)\nresponse.text"
    exchange = await send(after=script, url="{{base}}/bytes/5000000")
    assert exchange.checks[0].passed
    assert "more than a script is given" in failure(exchange).message


# Secrets


async def test_without_the_grant_no_secret_reaches_a_script(send: Send, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    spy = f"""
import json, os
def walk(value):
    return repr(value) + (repr(vars(value)) if hasattr(value, "__dict__") else "")
with open({str(seen)!r}, "a") as file:
    file.write(walk(request) + repr(request.headers.rows) + walk(variables) + repr(dict(os.environ)))
    file.write(open("/proc/self/environ").read() + open("/proc/self/cmdline").read())
    if "response" in globals():
        file.write(walk(response) + repr(response.headers.rows))
"""
    await send(
        before=spy,
        after=spy,
        headers=(Field("X-Key", "{{key}}"),),
        auth=BearerAuth("{{key}}"),
        method="POST",
        body=JsonBody('{"k": "{{key}}"}'),
    )
    text = seen.read_text()
    assert "{{key}}" in text
    assert "••••••" in text, "the echo of the server is masked"
    assert VALUE not in text


async def test_asking_for_a_secret_without_the_grant_names_the_way(send: Send, server: Loopback) -> None:
    with pytest.raises(ScriptsNotAllowed) as caught:
        await send(before="vault.get('key')")
    assert '"key"' in str(caught.value)
    assert "hushpost bind --allow-script-secrets" in (caught.value.hint or "")
    assert caught.value.missing == "secrets"
    assert not server.requests
    exchange = await send(before="", after="vault.get('key')")
    assert failure(exchange).kind == "scripts-not-allowed"


async def test_a_script_may_live_with_a_refusal(send: Send, server: Loopback) -> None:
    script = "try:\n    vault.get('key')\nexcept Exception as error:\n    print(error)"
    exchange = await send(before=script)
    assert "--allow-script-secrets" in exchange.notes[0]
    assert len(server.requests) == 1


async def test_with_the_grant_a_script_reads_secrets_and_its_output_is_masked(send: Send, server: Loopback) -> None:
    script = """
import base64, hashlib, hmac
key = vault.get("key")
request.headers["X-Signature"] = hmac.new(key.encode(), request.url.encode(), hashlib.sha256).hexdigest()
print(key, base64.b64encode(key.encode()).decode())
check("key " + key, False, key)
"""
    exchange = await send(before=script, secrets=True)
    assert len(server.requests[0].header("x-signature") or "") == 64
    assert exchange.notes == ('script "before.py" wrote:\n•••••• ••••••==',)
    assert exchange.checks[-1].name == "key ••••••"
    assert exchange.checks[-1].message == "••••••"
    assert exchange.secrets_used == ("key",)


@pytest.mark.parametrize(
    "script",
    [
        "request.url = OTHER + vault.get('key')",
        "variables.set('made', vault.get('key')[::-1]); request.url = OTHER + '{{made}}'",
    ],
)
async def test_what_a_script_makes_of_a_secret_goes_only_where_the_secret_may_go(
    send: Send, server: Loopback, other_server: Loopback, script: str
) -> None:
    with pytest.raises(HostNotAllowed, match='"key"'):
        await send(before=script.replace("OTHER", f"'{other_server.url}/echo?'"), secrets=True)
    assert not server.requests
    assert not other_server.requests


async def test_what_a_script_makes_of_a_secret_goes_only_there_later_too(
    session: Session, send: Send, other_server: Loopback
) -> None:
    await send(after="variables.set('made', vault.get('key')[::-1])", secrets=True)
    with pytest.raises(HostNotAllowed, match='"key"'):
        await session.send(Request(url=f"{other_server.url}/{{{{made}}}}"), "later")
    assert not other_server.requests


async def test_an_error_with_a_secret_in_it_is_masked(send: Send) -> None:
    with pytest.raises(ScriptError) as caught:
        await send(before="raise ValueError(vault.get('key'))", secrets=True)
    assert VALUE not in str(caught.value)
    assert "••••••" in str(caught.value)


@pytest.mark.parametrize(("name", "error"), [("nowhere", TemplateError), ("greeting", TemplateError)])
async def test_the_vault_gives_only_secrets(send: Send, name: str, error: type[HushpostError]) -> None:
    with pytest.raises(error, match=name):
        await send(before=f"vault.get('{name}')", secrets=True)


async def test_what_a_vault_refuses_is_the_request_s_error(session: Session, send: Send) -> None:
    session.lock()
    with pytest.raises(StoreLocked):
        await send(before="vault.get('key')", secrets=True)


async def test_a_token_that_a_script_made_secret_is_read_again_from_the_same_answer(
    session: Session, send: Send, server: Loopback
) -> None:
    script = "variables.set('token', response.json()['target'], secret=True)"
    for _ in range(2):
        exchange = await send(after=script, url="{{base}}/echo?token=0123456789")
        assert exchange.script_error is None
    value = session.captured["token"]
    assert isinstance(value, Secret)
    assert value.reveal() == "/echo?token=0123456789"


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, "variables.set('copy', response.text)"), ("request.url += '?' + '\u2022' * 6", None)],
)
async def test_dots_never_stand_in_for_a_secret(send: Send, before: str | None, after: str | None) -> None:
    try:
        exchange = await send(before, after, headers=(Field("X-Key", "{{key}}"),))
    except ScriptError as error:
        said, hint = str(error), error.hint
    else:
        said, hint = failure(exchange).message, failure(exchange).hint
    assert "masked" in said
    assert hint is not None
    assert "--allow-script-secrets" in hint


# Limits


@pytest.mark.parametrize(
    "script",
    [
        "while True: pass",
        "import time; time.sleep(900)",
        "import signal, time\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\ntime.sleep(900)",
        "import os, signal; os.kill(os.getppid(), signal.SIGSTOP)\nwhile True: pass",
    ],
    ids=["loop", "sleep", "deaf", "stops-its-overseer"],
)
async def test_a_script_that_takes_too_long_is_ended(send: Send, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr(scripting, "LIMITS", Limits(seconds=0.5))
    if "SIGSTOP" in script:
        monkeypatch.setattr("core.scripts.process.GRACE_S", 0.5)
    with pytest.raises(ScriptError, match=r"longer than 0\.5 s"):
        await send(before=script)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("while True: print('x' * 1000)", "more than 9 KiB"),
        ("request.headers['X'] = 'x' * 200_000", "handed back more than"),
        ("import os\nwhile True: os.fork()", "too many processes"),
        ("import os, signal; os.kill(os.getppid(), signal.SIGKILL)\nwhile True: pass", "without a result"),
    ],
    ids=["output", "answer", "forks", "kills-its-overseer"],
)
async def test_a_script_out_of_bounds_is_ended(
    send: Send, monkeypatch: pytest.MonkeyPatch, script: str, says: str
) -> None:
    monkeypatch.setattr(scripting, "LIMITS", Limits(seconds=PATIENCE_S, output=10_000, answer=100_000))
    with pytest.raises(ScriptError, match=says):
        await send(before=script)


@pytest.mark.parametrize(
    "escape",
    [
        "subprocess.Popen(['sleep', '300'])",
        "subprocess.Popen(['sleep', '300'], start_new_session=True)",
        # The one in the middle is waited for, so that one is left.
        "pid = os.fork()\nos.waitpid(pid, 0) if pid else (os.setsid(), os.fork() and os._exit(0), time.sleep(300))",
        "os.fork() or (os.setsid(), signal.signal(15, signal.SIG_IGN), os.closerange(0, 99), time.sleep(300))",
    ],
)
async def test_what_a_script_starts_ends_with_it(send: Send, escape: str) -> None:
    exchange = await send(after=f"import os, signal, subprocess, time\n{escape}\n")
    assert ours() == []
    assert exchange.script_error is None
    assert exchange.notes == ('script "after.py" left a process running; ended',)


async def test_cancelling_ends_a_script_at_once(send: Send, tmp_path: Path) -> None:
    mark = tmp_path / "started"
    script = f"import subprocess, time\nsubprocess.Popen(['sleep', '300'])\nopen({str(mark)!r}, 'w')\ntime.sleep(300)"
    sending = asyncio.ensure_future(send(before=script))
    while not mark.exists():  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert ours() == []


async def test_a_script_inherits_next_to_nothing(send: Send, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "inherited")
    held = (tmp_path / "held").open("w")
    os.set_inheritable(held.fileno(), True)
    script = """
import os, sys
print(sorted(name for name in os.environ if name not in ("LANG", "LC_ALL", "TZ")))
numbers = os.listdir("/proc/self/fd")
print([os.readlink(f"/proc/self/fd/{number}") for number in numbers if os.path.exists(f"/proc/self/fd/{number}")])
print(os.environ["HOME"] == os.getcwd(), os.getpgid(0) == os.getpid() == os.getsid(0), oct(os.stat(".").st_mode)[-3:])
"""
    exchange = await send(before=script)
    held.close()
    lines = exchange.notes[0].splitlines()
    assert lines[1] == "['HOME', 'LC_CTYPE', 'PATH', 'TMPDIR']" or lines[1] == "['HOME', 'PATH', 'TMPDIR']"
    assert "held" not in lines[2]
    assert "socket" not in lines[2]
    assert lines[3] == "True True 700"


# In runs


async def results(session: Session, references: list[str], parallel: int = 1) -> list[Result]:
    events = [event async for event in run(session, references, RunOptions(parallel=parallel))]
    return [event.result for event in events if isinstance(event, RequestFinished)]


@pytest.mark.parametrize("parallel", [1, 4])
async def test_a_run_goes_on_and_says_what_failed(session: Session, parallel: int) -> None:
    workspace = session.workspace
    assert workspace is not None
    write(session, "set.py", "variables.set('page', 'seven')\ncheck('there', response.status == 404)")
    write(session, "broken.py", "1 / 0")
    write(session, "asks.py", "vault.get('key')")
    workspace.save_request("a", Request(url="{{base}}/status/404", scripts=Scripts(after_response="set.py")))
    workspace.save_request("b", Request(url="{{base}}/echo?{{page}}"))
    workspace.save_request("c", Request(url="{{base}}/echo", scripts=Scripts("broken.py")))
    workspace.save_request("d", Request(url="{{base}}/echo", scripts=Scripts(after_response="broken.py")))
    workspace.save_request("e", Request(url="{{base}}/echo", scripts=Scripts(after_response="asks.py")))
    workspace.save_request("f", Request(url="{{base}}/echo"))
    session.grant("scripts")
    found = {one.reference: one for one in await results(session, list("abcdef"), parallel)}
    assert {name: one.outcome for name, one in found.items()} == {
        "a": "passed",
        "b": "passed",
        "c": "error",
        "d": "error",
        "e": "error",
        "f": "passed",
    }
    assert found["b"].url.endswith("?seven")
    kinds = [found[name].error.kind for name in "cde"]  # type: ignore[union-attr]
    assert kinds == ["script-error", "script-error", "scripts-not-allowed"]
    assert found["d"].exchange is not None
