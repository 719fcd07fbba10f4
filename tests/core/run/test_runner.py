from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from core.errors import FileError, HushpostError, TemplateError
from core.exchange import RequestFinished, RequestStarted, Result, RunEvent, RunFinished, RunStarted
from core.models import BearerAuth, Capture, Check, Environment, Field, JsonBody, Options, Request, Scripts, Variable
from core.paths import read_surroundings
from core.run.runner import run
from core.run.steps import RunOptions, with_needed
from core.secret import Secret
from core.session import Session, open_session
from tests.loopback import Loopback, Received

OK = (Check("status", "equals", value=200),)


@pytest.fixture
async def session(home: Path, tmp_path: Path, server: Loopback) -> AsyncIterator[Session]:
    """A session on a workspace whose base environment has the server as `base`."""
    session = open_session(read_surroundings({"HUSHPOST_CONFIG_DIR": str(home)}), headless=True)
    workspace = session.create_workspace(tmp_path / "workspace", "Tests")
    workspace.save_environment("base", Environment(variables={"base": server.url}))
    yield session
    await session.close()


Save = Callable[..., str]


@pytest.fixture
def save(session: Session) -> Save:
    """Keep a request under a reference."""

    def keep(reference: str, url: str, **fields: object) -> str:
        assert session.workspace is not None
        session.workspace.save_request(reference, Request(url=f"{{{{base}}}}{url}", **fields))  # type: ignore[arg-type]
        return reference

    return keep


async def results(session: Session, references: list[str], options: RunOptions | None = None) -> list[Result]:
    events = [event async for event in run(session, references, options or RunOptions())]
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunFinished)
    assert not events[-1].interrupted
    started = [event.reference for event in events if isinstance(event, RequestStarted)]
    found = [event.result for event in events if isinstance(event, RequestFinished)]
    assert sorted(started) == sorted(result.reference for result in found)
    return found


def outcomes(found: list[Result]) -> list[tuple[str, str]]:
    return [(result.reference, result.outcome) for result in found]


async def test_requests_are_sent_in_order_and_reported(session: Session, save: Save, server: Loopback) -> None:
    references = [save("b", "/echo", checks=OK), save("a", "/status/404", checks=OK), save("c", "/status/204")]
    events = [event async for event in run(session, references, RunOptions())]
    assert isinstance(events[0], RunStarted)
    assert (events[0].workspace, events[0].environment, events[0].total) == ("Tests", "base", 3)
    assert [type(event).__name__ for event in events[1:-1]] == ["RequestStarted", "RequestFinished"] * 3
    found = [event.result for event in events if isinstance(event, RequestFinished)]
    assert outcomes(found) == [("b", "passed"), ("a", "failed"), ("c", "passed")]
    assert [request.path for request in server.requests] == ["/echo", "/status/404", "/status/204"]
    assert found[0].url == f"{server.url}/echo"
    assert found[1].exchange is not None
    assert found[1].exchange.checks[0].message == "it is 404"


@pytest.mark.parametrize(
    ("status", "checks", "outcome"),
    [
        (200, (), "passed"),
        (399, (), "passed"),
        (400, (), "failed"),
        (500, (), "failed"),
        (500, (Check("status", "equals", value=500),), "passed"),
        (200, (Check("status", "equals", value=500),), "failed"),
        (200, (Check("status", "equals", value=200), Check("header", "exists", "X-None")), "failed"),
    ],
)
async def test_what_passes(session: Session, save: Save, status: int, checks: tuple[Check, ...], outcome: str) -> None:
    [result] = await results(session, [save("a", f"/status/{status}", checks=checks)])
    assert result.outcome == outcome


async def test_a_body_that_is_not_whole_does_not_pass(session: Session, save: Save) -> None:
    [result] = await results(session, [save("a", "/truncate")])
    assert result.outcome == "error"
    assert result.error is not None
    assert result.error.kind == "protocol"
    assert result.exchange is not None


async def test_errors_are_told_and_the_run_goes_on(session: Session, save: Save) -> None:
    references = [
        save("a", "/hangup", method="POST"),
        save("b", "/stream", options=Options(timeout=0.1)),
        save("c", "/echo"),
    ]
    first, second, third = await results(session, references)
    assert (first.outcome, first.error and first.error.kind) == ("error", "protocol")
    assert (second.outcome, second.error and second.error.kind) == ("error", "timeout")
    assert third.outcome == "passed"


async def test_checks_compare_with_variables(session: Session, save: Save) -> None:
    checks = (Check("json", "equals", "$.{{field}}", "{{expected}}"),)
    references = [save("a", "/json?name=zoe", checks=checks), save("big", "/bytes/300000", checks=OK)]
    options = RunOptions(overrides={"field": "name", "expected": "zoe"})
    assert {result.outcome for result in await results(session, references, options)} == {"passed"}


# Captured variables


async def test_captured_values_flow_to_later_requests(session: Session, save: Save, server: Loopback) -> None:
    login = save("login", "/json?token=t0k3n", captures=(Capture("token", "json", "$.token", secret=True),))
    use = save("use", "/token?accept=t0k3n", auth=BearerAuth("{{token}}"))
    assert outcomes(await results(session, [login, use])) == [("login", "passed"), ("use", "passed")]
    assert server.last.header("Authorization") == "Bearer t0k3n"
    assert session.redact("t0k3n") == "••••••"
    assert session.captured == {}, "a run leaves nothing behind in the session"


async def test_what_needs_an_uncaptured_value_is_skipped_by_name(
    session: Session, save: Save, server: Loopback
) -> None:
    references = [
        save("login", "/status/500", captures=(Capture("token", "json", "$.token"),)),
        save("use", "/echo", headers=(Field("X", "{{token}}"),), captures=(Capture("id", "json", "$.method"),)),
        save("chained", "/echo", headers=(Field("X", "{{id}}"),)),
        save("other", "/echo"),
    ]
    found = await results(session, references)
    assert [result.outcome for result in found] == ["failed", "skipped", "skipped", "passed"]
    assert found[1].error is not None
    assert '"token"' in found[1].error.message
    assert '"login"' in found[1].error.message
    assert found[2].error is not None
    assert '"use"' in found[2].error.message
    assert [request.path for request in server.requests] == ["/status/500", "/echo"]


async def test_nothing_else_stands_in_for_what_a_failed_request_should_have_captured(
    session: Session, save: Save, server: Loopback
) -> None:
    token = (Capture("token", "json", "$.token"),)
    references = [
        save("admin", "/json?token=admin", captures=token),
        save("login", "/status/500", captures=token),
        save("use", "/echo", headers=(Field("X", "{{token}}"),)),
        save("refused", "/json?token=an-error", captures=token, checks=(Check("status", "equals", value=201),)),
        save("again", "/echo", headers=(Field("X", "{{token}}"),)),
        save("null", "/null", captures=token),
        save("last", "/echo", headers=(Field("X", "{{token}}"),)),
    ]
    server.routes["/null"] = lambda handler, received: handler.answer(200, b'{"token": null}')
    found = await results(session, references)
    assert [result.outcome for result in found] == ["passed"] + ["failed", "skipped"] * 3
    assert found[-1].error is not None
    assert found[-1].error.message == '"token" is captured by "null", which did not pass'
    assert "/echo" not in [request.path for request in server.requests]


async def test_a_default_does_not_stand_in_for_a_failed_capture(session: Session, save: Save, server: Loopback) -> None:
    assert session.workspace is not None
    session.workspace.save_environment("base", Environment(variables={"base": server.url, "token": "stale"}))
    login = save("login", "/status/500", captures=(Capture("token", "json", "$.token"),))
    use = save("use", "/echo", headers=(Field("X", "{{token}}"),))
    assert [result.outcome for result in await results(session, [login, use])] == ["failed", "skipped"]
    assert [result.outcome for result in await results(session, [use])] == ["passed"]
    assert server.last.header("X") == "stale"
    some = RunOptions(rows=[{"token": "of a row"}, {}])
    assert [result.outcome for result in await results(session, [login, use], some)] == [
        *("failed", "passed"),
        *("failed", "skipped"),
    ]
    overridden = RunOptions(overrides={"token": "given"})
    assert [result.outcome for result in await results(session, [login, use], overridden)] == ["failed", "passed"]
    assert server.last.header("X") == "given"


async def test_a_failed_capture_fails_its_request(session: Session, save: Save) -> None:
    [result] = await results(session, [save("a", "/echo", captures=(Capture("x", "header", "X-None"),))])
    assert result.outcome == "failed"
    assert result.exchange is not None
    assert '"x"' in result.exchange.checks[0].name


async def test_each_iteration_captures_for_itself(session: Session, save: Save, server: Loopback) -> None:
    references = [
        save("a", "/json?v={{row}}", captures=(Capture("v", "json", "$.v"),)),
        save("b", "/echo", headers=(Field("X", "{{v}}"),)),
    ]
    options = RunOptions(rows=[{"row": str(number)} for number in range(20)], parallel=8)
    found = await results(session, references, options)
    assert {result.outcome for result in found} == {"passed"}
    assert sorted(int(request.header("X") or -1) for request in server.requests if request.path == "/echo") == list(
        range(20)
    )


@pytest.mark.parametrize("parallel", [1, 8])
async def test_each_iteration_has_cookies_of_its_own(
    session: Session, save: Save, server: Loopback, parallel: int
) -> None:
    def login(handler: Any, received: Received) -> None:
        cookie = ("Set-Cookie", f"user={received.query['user']}; Path=/")
        handler.answer(200, json.dumps({"user": received.query["user"]}).encode(), (cookie,))

    server.routes["/login"] = login
    references = [
        save("login", "/login?user={{user}}", captures=(Capture("who", "json", "$.user"),)),
        save("use", "/echo?who={{who}}"),
    ]
    options = RunOptions(rows=[{"user": f"u{number}"} for number in range(8)], parallel=parallel)
    assert {result.outcome for result in await results(session, references, options)} == {"passed"}
    used = [(request.query["who"], request.header("Cookie")) for request in server.requests if request.path == "/echo"]
    assert sorted(used) == [(f"u{number}", f"user=u{number}") for number in range(8)]
    assert [request.header("Cookie") for request in server.requests if request.path == "/login"] == [None] * 8
    assert not session.cookies, "it is nobody's"
    assert outcomes(await results(session, references, replace(options, rows=options.rows[:1])))
    assert [cookie.value for cookie in session.cookies.all()] == ["u0"]


# Rows, iterations, order


async def test_rows_are_variables_and_go_round(session: Session, save: Save, server: Loopback) -> None:
    reference = save("a", "/echo?user={{user}}&fixed={{fixed}}")
    options = RunOptions(rows=[{"user": "x"}, {"user": "y"}], iterations=3, overrides={"fixed": "1"})
    found = await results(session, [reference], options)
    assert [result.iteration for result in found] == [1, 2, 3]
    assert [request.query["user"] for request in server.requests] == ["x", "y", "x"]
    assert len(await results(session, [reference], RunOptions(rows=options.rows, overrides=options.overrides))) == 2
    assert len(await results(session, [reference], RunOptions(iterations=4, overrides={"user": "", "fixed": ""}))) == 4


async def test_overrides_go_before_rows(session: Session, save: Save, server: Loopback) -> None:
    options = RunOptions(rows=[{"user": "row"}], overrides={"user": Secret("override")})
    await results(session, [save("a", "/echo?user={{user}}")], options)
    assert server.last.query["user"] == "override"


async def test_bail_starts_nothing_more(session: Session, save: Save, server: Loopback) -> None:
    references = [save("a", "/echo"), save("b", "/status/500"), save("c", "/echo")]
    assert outcomes(await results(session, references, RunOptions(bail=True))) == [("a", "passed"), ("b", "failed")]
    assert len(server.requests) == 2


async def test_retries(session: Session, save: Save, server: Loopback) -> None:
    answers = iter([500, 200, 500, 500, 500])
    server.routes["/flaky"] = lambda handler, received: handler.answer(next(answers), b"{}")
    [result] = await results(session, [save("a", "/flaky")], RunOptions(retries=2))
    assert (result.outcome, result.attempts) == ("passed", 2)
    [result] = await results(session, [save("a", "/flaky")], RunOptions(retries=2))
    assert (result.outcome, result.attempts) == ("failed", 3)
    [result] = await results(session, [save("b", "/echo", headers=(Field("a b", "x"),))], RunOptions(retries=2))
    assert (result.outcome, result.attempts) == ("error", 1), "what cannot pass is not tried again"


async def test_a_delay_lies_between_the_starts(session: Session, save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        waited.append(seconds)
        await sleep(0)

    monkeypatch.setattr("core.run.runner.asyncio.sleep", noted)
    await results(session, [save("a", "/echo"), save("b", "/echo"), save("c", "/echo")], RunOptions(delay=5))
    assert len([seconds for seconds in waited if seconds > 1]) == 2


# Several at a time


async def test_several_at_a_time(session: Session, save: Save, server: Loopback) -> None:
    references = [save(f"r{number}", "/hold") for number in range(6)]
    running = asyncio.ensure_future(results(session, references, RunOptions(parallel=4)))
    await asyncio.get_running_loop().run_in_executor(None, server.wait_for, lambda: len(server.requests) == 4)
    server.release()
    assert {result.outcome for result in await running} == {"passed"}
    assert len(server.requests) == 6


async def test_what_depends_on_a_capture_waits_for_it(session: Session, save: Save, server: Loopback) -> None:
    def slow(handler: object, received: object) -> None:
        server.wait_for(lambda: any(request.path == "/free" for request in server.requests))
        handler.answer(200, b'{"token": "new"}')  # type: ignore[attr-defined]

    server.routes["/login"] = slow
    server.routes["/free"] = lambda handler, received: handler.answer(200, b"{}")
    references = [
        save("login", "/login", captures=(Capture("token", "json", "$.token"),)),
        save("use", "/echo", headers=(Field("X", "{{token}}"),)),
        save("free", "/free"),
    ]
    found = await results(session, references, RunOptions(parallel=3))
    assert {result.outcome for result in found} == {"passed"}
    paths = [request.path for request in server.requests]
    assert (sorted(paths[:2]), paths[2:]) == (["/free", "/login"], ["/echo"]), "the first two go out at once"
    assert server.last.header("X") == "new"


async def test_a_name_that_is_captured_again_is_used_in_order(session: Session, save: Save, server: Loopback) -> None:
    references = []
    for number in range(4):
        references.append(save(f"set{number}", f"/json?v={number}", captures=(Capture("v", "json", "$.v"),)))
        references.append(save(f"get{number}", f"/echo?n={number}", headers=(Field("X", "{{v}}"),)))
    await results(session, references, RunOptions(parallel=8))
    used = [(request.query["n"], request.header("X")) for request in server.requests if request.path == "/echo"]
    assert used == [(str(number), str(number)) for number in range(4)]


# Before the first request


async def test_every_file_and_template_is_checked_first(session: Session, save: Save, server: Loopback) -> None:
    assert session.workspace is not None
    references = [
        save("good", "/echo"),
        save("one", "/echo?{{missing}}"),
        save("two", "/echo", body=JsonBody('{"a": "{{typo}}"}')),
    ]
    with pytest.raises(TemplateError) as caught:
        await results(session, references)
    assert set(caught.value.names) == {"missing", "typo"}
    assert "one" in str(caught.value)
    assert "two" in str(caught.value)
    (session.workspace.path / "requests" / "broken.toml").write_text("url = ")
    with pytest.raises(FileError):
        await results(session, ["good", "broken"])
    with pytest.raises(HushpostError) as both:
        await results(session, ["broken", "one"])
    assert "broken" in str(both.value)
    assert "missing" in str(both.value)
    assert server.requests == []


async def test_a_capture_defines_a_name_for_what_comes_after_it(session: Session, save: Save) -> None:
    use = save("use", "/echo?{{token}}")
    login = save("login", "/json?token=1", captures=(Capture("token", "json", "$.token"),))
    await results(session, [login, use])
    with pytest.raises(TemplateError, match="token"):
        await results(session, [use, login])


async def test_rows_with_other_names_are_checked_too(session: Session, save: Save) -> None:
    reference = save("a", "/echo?{{user}}")
    with pytest.raises(TemplateError, match='url, row 3 of the data: variable "user"'):
        await results(session, [reference], RunOptions(rows=[{"user": "x"}, {"user": "y"}, {"usr": "y"}, {"usr": "z"}]))


async def test_a_capture_that_would_stand_in_for_a_secret_is_refused(
    session: Session, save: Save, server: Loopback
) -> None:
    assert session.workspace is not None
    variables: dict[str, str | Variable] = {"base": server.url, "token": Variable(secret=True)}
    session.workspace.save_environment("base", Environment(variables=variables))
    login = save("login", "/echo", captures=(Capture("token", "json", "$.method"),))
    with pytest.raises(TemplateError, match='"token"'):
        await results(session, [login, save("use", "/echo?{{token}}")])
    assert server.requests == []


async def test_questions_need_answers(session: Session, save: Save, server: Loopback) -> None:
    reference = save("a", "/echo?code={{?Code}}")
    with pytest.raises(TemplateError, match="Code"):
        await results(session, [reference])
    await results(session, [reference], RunOptions(prompts={"Code": "123456"}))
    assert server.last.query["code"] == "123456"


async def test_names_that_a_script_may_set_are_left_to_it(session: Session, save: Save) -> None:
    scripted = save("scripted", "/echo", scripts=Scripts(after_response="set.py"))
    found = await results(session, [scripted, save("use", "/echo?{{set_by_script}}")])
    assert found[1].outcome == "error"
    assert found[1].error is not None
    assert found[1].error.kind == "template-error"


async def test_nothing_to_run(session: Session) -> None:
    assert await results(session, []) == []


# Ending early


async def test_a_cancelled_run_reports_what_ran(session: Session, save: Save, server: Loopback) -> None:
    references = [save("a", "/echo"), save("b", "/hold"), save("c", "/hold"), save("d", "/echo")]
    events: list[RunEvent] = []

    async def consume() -> None:
        async for event in run(session, references, RunOptions(parallel=2)):
            events.append(event)

    task = asyncio.ensure_future(consume())
    await asyncio.get_running_loop().run_in_executor(None, server.wait_for, lambda: len(server.requests) == 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [event.result.reference for event in events if isinstance(event, RequestFinished)] == ["a"]
    assert isinstance(events[-1], RunFinished)
    assert events[-1].interrupted
    server.release()
    await asyncio.get_running_loop().run_in_executor(None, server.wait_for, lambda: server.open_connections == 0)
    assert len(server.requests) == 3


async def test_a_consumer_that_stops_ends_the_run(session: Session, save: Save, server: Loopback) -> None:
    def once_both_are_here(handler: object, received: object) -> None:
        server.wait_for(lambda: len(server.requests) == 2)
        handler.answer(200, b"{}")  # type: ignore[attr-defined]

    server.routes["/first"] = once_both_are_here
    events = run(session, [save("a", "/first"), save("b", "/hold")], RunOptions(parallel=2))
    async for event in events:
        if isinstance(event, RequestFinished):
            break
    await events.aclose()  # type: ignore[attr-defined]
    await asyncio.sleep(0)
    server.release()
    await asyncio.get_running_loop().run_in_executor(None, server.wait_for, lambda: server.open_connections <= 1)


async def test_a_run_keeps_no_exchange(session: Session, save: Save) -> None:
    import gc
    import weakref

    reference = save("a", "/bytes/2000000")
    alive: list[weakref.ref[object]] = []
    async for event in run(session, [reference], RunOptions(iterations=5)):
        if isinstance(event, RequestFinished) and event.result.exchange is not None:
            alive.append(weakref.ref(event.result.exchange))
            del event
            gc.collect()
            assert sum(each() is not None for each in alive) <= 1


async def test_results_are_redacted(session: Session, save: Save, server: Loopback) -> None:
    session.redactor.add("key", Secret("s3cr3t-value"))
    found = await results(
        session,
        [
            save("a", "/s3cr3t-value"),
            save("b", "/echo?{{x}}", headers=(Field("bad name", "1"),)),
            save("c", "/s3cr3t-value", headers=(Field("bad name", "1"),)),
        ],
        RunOptions(overrides={"x": "s3cr3t-value"}),
    )
    shown = json.dumps([[result.url, result.error and result.error.message] for result in found])
    assert "s3cr3t-value" not in shown


async def test_what_runs_again_takes_along_what_it_needs(session: Session, save: Save) -> None:
    """Captures of captures too, and no others."""
    references = [
        save("first", "/json?a=1", captures=(Capture("a", "json", "$.a"),)),
        save("other", "/json?z=1", captures=(Capture("z", "json", "$.z"),)),
        save("second", "/json?b={{a}}", captures=(Capture("b", "json", "$.b"),)),
        save("third", "/json?c={{b}}"),
        save("alone", "/echo"),
    ]
    options = RunOptions()
    assert await with_needed(session, references, options, ["third"]) == ["first", "second", "third"]
    assert await with_needed(session, references, options, ["alone", "other"]) == ["other", "alone"]


async def test_what_runs_again_takes_along_scripts_that_may_set_what_it_needs(session: Session, save: Save) -> None:
    references = [
        save("scripted", "/echo", scripts=Scripts(after_response="scripts/set.py")),
        save("plain", "/echo"),
        save("use", "/json?c={{set_by_script}}"),
    ]
    assert await with_needed(session, references, RunOptions(), ["use"]) == ["scripted", "use"]
