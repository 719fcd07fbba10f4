"""The runner mode, driven by its keys: what runs, what is seen of it, and what runs again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from core.models import BearerAuth, Capture, Check, Environment, Field, Options, Request, Scripts, Variable
from core.secret import Secret
from core.session import Session
from core.vault.config import MemoryCredential, MemoryLink
from core.workspace.workspace import Workspace
from tests.loopback import Loopback
from tests.tui.conftest import Running, notices, screen_text, type_text, until
from tests.vault_app import cheap_store, shown
from tui.screens.dialogs import AskSeveralDialog, AskTextDialog, ConfirmDialog, PickDialog
from tui.screens.requests import RequestsScreen
from tui.screens.run_ahead import AheadDialog
from tui.screens.run_pick import PickRunDialog
from tui.screens.runner import RunnerScreen
from tui.screens.unlock import UnlockScreen
from tui.widgets.run_table import RunTable

VALUE = "tok-4711-of-the-vault"
PASSPHRASE = "correct horse battery"
OK = (Check("status", "equals", value=200),)

Save = Callable[..., str]


@pytest.fixture
def suite(workspace: Workspace) -> Workspace:
    """The workspace without its requests."""
    for reference in workspace.requests():
        workspace.delete(reference)
    workspace.delete("payments")
    return workspace


@pytest.fixture
def save(suite: Workspace) -> Save:
    def keep(reference: str, url: str, **fields: Any) -> str:
        suite.save_request(reference, Request(url=f"{{{{base_url}}}}{url}", **fields))
        return reference

    return keep


@asynccontextmanager
async def in_runner(
    running: Running, suite: Workspace, *, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Pilot[Any], RunnerScreen]]:
    async with running(suite, size=size) as pilot:
        await pilot.press("f7")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunnerScreen))
        await pilot.pause()
        screen = pilot.app.screen
        assert isinstance(screen, RunnerScreen)
        yield pilot, screen


async def ran(pilot: Pilot[Any], screen: RunnerScreen, key: str = "ctrl+r") -> list[str]:
    """Run, and what the table lists at the end."""
    await pilot.press(key)
    await ended(pilot, screen)
    return listed(screen)


async def ended(pilot: Pilot[Any], screen: RunnerScreen) -> None:
    await until(pilot, lambda: screen.latest is not None and screen.latest.ended and not screen.under_way)
    await pilot.pause()


def listed(screen: RunnerScreen) -> list[str]:
    table = screen.query_one(RunTable)
    return [
        f"{line.outcome} {line.reference}" + (f" #{line.iteration}" if line.iteration > 1 else "")
        for line in table.listed
    ]


def paths(server: Loopback) -> list[str]:
    return [request.path for request in server.requests]


async def test_outcomes_are_words_with_their_reasons_and_counted(
    running: Running, suite: Workspace, save: Save
) -> None:
    save("a", "/status/200", checks=OK)
    save("b", "/status/404", checks=OK, method="DELETE")
    save("c", "/hangup", method="POST")
    save("d", "/status/500", captures=(Capture("token", "json", "$.token"),), checks=())
    save("e", "/echo", headers=(Field("X", "{{token}}"),))
    async with in_runner(running, suite) as (pilot, screen):
        found = await ran(pilot, screen)
        assert found == ["passed a", "failed b", "error c", "failed d", "skipped e"]
        text = screen_text(pilot)
        for word in ("passed", "FAILED", "ERROR", "skipped", "DEL", "404", "it is 404"):
            assert word in text
        assert "5/5 · 1 passed · 2 failed · 1 error · 1 skipped" in text
        assert "━━━" in text
        assert '"token" is captured by "d", which did not pass' in text


async def test_a_folder_of_the_tree_runs_alone(
    running: Running, suite: Workspace, save: Save, server: Loopback
) -> None:
    save("first", "/status/200")
    save("pay/one", "/status/201")
    save("pay/two", "/status/202")
    async with running(suite) as pilot:
        await pilot.press("down", "g")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunnerScreen))
        screen = pilot.app.screen
        assert isinstance(screen, RunnerScreen)
        await until(pilot, lambda: "pay/, 2 requests" in screen_text(pilot))
        assert server.requests == []
        assert await ran(pilot, screen) == ["passed pay/one", "passed pay/two"]
        # What is made in the folder later runs with it.
        save("pay/zero", "/status/203")
        await ran(pilot, screen)
        assert paths(server)[2:] == ["/status/201", "/status/202", "/status/203"]
        await pilot.press("a")
        assert "the whole workspace, 4 requests" in screen_text(pilot)


async def test_picked_requests_run_in_the_order_picked(
    running: Running, suite: Workspace, save: Save, server: Loopback
) -> None:
    for name in ("a", "b", "c"):
        save(name, f"/status/20{'abc'.index(name)}")
    async with in_runner(running, suite) as (pilot, screen):
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickRunDialog) and "[x]" in screen_text(pilot))
        await pilot.press("a", "enter")
        await pilot.pause()
        assert "nothing is picked" in screen_text(pilot)
        await pilot.press("o", "end", "space", "home", "space")
        await pilot.pause()
        assert "2 requests, in the order picked" in screen_text(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert "2 requests in the order picked: c, a" in screen_text(pilot)
        assert await ran(pilot, screen) == ["passed c", "passed a"]
        assert paths(server) == ["/status/202", "/status/200"]


async def test_rows_of_a_data_file_are_iterations(
    running: Running, suite: Workspace, save: Save, server: Loopback
) -> None:
    (suite.path / "rows.csv").write_text("code\n200\n404\n201\n")
    save("a", "/status/{{code}}")
    async with in_runner(running, suite) as (pilot, screen):
        await pilot.press("e")
        await type_text(pilot, "rows.csv")
        await pilot.press("enter")
        assert await ran(pilot, screen) == ["passed a", "failed a #2", "passed a #3"]
        assert "#2" in screen_text(pilot)
        # Only that iteration runs again, with its own row.
        server.requests.clear()
        await ran(pilot, screen, "r")
        assert paths(server) == ["/status/404"]
        assert "again 1/1 · 2 passed · 1 failed" in screen_text(pilot)
        # Another mode and back: the options are as they were.
        await pilot.press("3")
        await until(pilot, lambda: pilot.app.current_mode == "requests")
        await pilot.press("f7")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert "rows.csv" in screen_text(pilot)
        assert len(listed(screen)) == 3


async def test_files_of_the_workspace_are_offered_for_the_data(
    running: Running, suite: Workspace, save: Save, home: Path
) -> None:
    (suite.path / "data").mkdir()
    (suite.path / "data" / "rows.csv").write_text("code\n200\n")
    save("a", "/status/{{code}}")
    async with in_runner(running, suite) as (pilot, screen):
        await pilot.press("e")
        # Nothing is typed: down goes on to the numbers, as it does without a file.
        await pilot.press("down", "up")
        assert "data/  folder" not in screen_text(pilot)
        await pilot.press("d")
        await until(pilot, lambda: "data/  folder" in screen_text(pilot))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "data/rows.csv" in screen_text(pilot))
        await pilot.press("down", "enter")
        assert screen.texts.data == "data/rows.csv"
        assert await ran(pilot, screen) == ["passed a"]


async def test_a_data_file_that_the_person_names_may_lie_anywhere(
    running: Running, suite: Workspace, save: Save, home: Path
) -> None:
    (home / "rows.csv").write_text("code\n200\n")
    save("a", "/status/{{code}}")
    async with in_runner(running, suite) as (pilot, screen):
        await pilot.press("e")
        await type_text(pilot, "~/rows.csv")
        await pilot.press("enter")
        assert await ran(pilot, screen) == ["passed a"]


@pytest.mark.parametrize(
    ("field", "text", "problem"),
    [
        ("parallel", "0", '! parallel wants a whole number from 1 to 256, not "0"'),
        ("parallel", "many", '! parallel wants a whole number from 1 to 256, not "many"'),
        ("iterations", "-3", "! iterations wants a whole number"),
        ("delay", "", "! delay wants a whole number from 0 to 3,600,000, and is empty"),
        ("retries", "101", '! retries wants a whole number from 0 to 100, not "101"'),
    ],
)
async def test_a_wrong_option_is_named_and_nothing_is_sent(
    running: Running, suite: Workspace, save: Save, server: Loopback, field: str, text: str, problem: str
) -> None:
    save("a", "/status/200")
    async with in_runner(running, suite, size=(120, 30)) as (pilot, screen):
        screen.query_one(f"#{field}", Input).value = text
        await pilot.pause()
        assert problem in screen_text(pilot)
        await pilot.press("ctrl+r")
        await pilot.pause()
        assert screen.query_one(f"#{field}").has_focus
        assert screen.query_one(f"#{field}", Input).value == text
        assert server.requests == []


async def test_what_cannot_begin_says_why_and_leaves_what_ran(
    running: Running, suite: Workspace, save: Save, server: Loopback
) -> None:
    save("a", "/status/404")
    async with in_runner(running, suite) as (pilot, screen):
        assert await ran(pilot, screen) == ["failed a"]
        save("b", "/{{nowhere}}")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: 'variable "nowhere" is not defined' in screen_text(pilot))
        assert listed(screen) == ["failed a"]
        await until(pilot, lambda: not screen.under_way and "checking" not in screen_text(pilot))
        assert len(server.requests) == 1
        await pilot.press("escape", "e")
        await type_text(pilot, "none.csv")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "no such file" in " ".join(screen_text(pilot).split()))


async def test_several_at_a_time_retries_and_bail(
    running: Running, suite: Workspace, save: Save, server: Loopback
) -> None:
    for name in "abc":
        save(name, "/hold")
    save("d", "/status/500")
    save("e", "/status/200")
    async with in_runner(running, suite) as (pilot, screen):
        screen.query_one("#parallel", Input).value = "3"
        screen.query_one("#retries", Input).value = "1"
        screen.query_one("#bail").focus()
        await pilot.press("space", "down")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(server.requests) == 3)
        server.release()
        await ended(pilot, screen)
        assert sorted(listed(screen))[:2] == ["failed d", "passed a"]
        assert paths(server).count("/status/500") == 2
        assert "bailed out" in screen_text(pilot) or len(listed(screen)) == 5


async def test_escape_stops_it_and_what_ran_stays(
    running: Running, suite: Workspace, save: Save, server: Loopback
) -> None:
    save("a", "/status/404")
    save("b", "/hold")
    save("c", "/status/200")
    async with in_runner(running, suite) as (pilot, screen):
        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(server.requests) == 2)
        await until(pilot, lambda: "1/3" in screen_text(pilot) and "run 1/3" in screen_text(pilot).splitlines()[0])
        # What has ended can be read meanwhile; escape closes that first.
        await pilot.press("enter")
        await until(pilot, lambda: "404" in screen_text(pilot) and screen.has_class("-open"))
        await pilot.press("escape")
        assert screen.under_way
        await pilot.press("escape")
        await ended(pilot, screen)
        assert listed(screen) == ["failed a"]
        assert "stopped" in screen_text(pilot)
        assert "run 1/3" not in screen_text(pilot).splitlines()[0]
        server.release()


async def test_the_app_goes_on_beside_a_run_and_says_that_it_runs(
    running: Running, suite: Workspace, save: Save, server: Loopback
) -> None:
    save("a", "/hold")
    async with in_runner(running, suite) as (pilot, screen):
        await pilot.press("ctrl+r")
        await until(pilot, lambda: server.requests)
        await pilot.press("3")
        await until(pilot, lambda: pilot.app.current_mode == "requests")
        await until(pilot, lambda: "run 0/1" in screen_text(pilot).splitlines()[0])
        server.release()
        await until(pilot, lambda: any("the run ended: 1 passed" in notice for notice in notices(pilot)))
        await until(pilot, lambda: "run 0/1" not in screen_text(pilot).splitlines()[0])
        await pilot.press("7")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert listed(screen) == ["passed a"]


async def test_quitting_in_the_middle_asks_and_ends_everything(
    running: Running, suite: Workspace, save: Save, server: Loopback
) -> None:
    save("a", "/hold")
    before = asyncio.all_tasks()
    async with in_runner(running, suite) as (pilot, screen):
        await pilot.press("ctrl+r")
        await until(pilot, lambda: server.requests)
        await pilot.press("q")
        await shown(pilot, ConfirmDialog)
        await until(pilot, lambda: "A run is under way" in screen_text(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert screen.under_way
        await pilot.press("q")
        await shown(pilot, ConfirmDialog)
        await pilot.press("enter")
        await until(pilot, lambda: not pilot.app.is_running)
    server.release()
    left = {task for task in asyncio.all_tasks() - before if "run" in repr(task.get_coro())}
    assert not {task for task in left if "running" in repr(task) or "runner" in repr(task)}
    assert screen.latest is not None
    assert screen.latest.interrupted


@pytest.mark.parametrize("parallel", ["1", "2"])
async def test_another_environment_stops_the_run(
    running: Running, suite: Workspace, save: Save, server: Loopback, session: Session, parallel: str
) -> None:
    """What follows would go somewhere else than what was sent so far."""
    save("a", "/hold")
    save("b", "/hold", captures=(Capture("x", "status"),))
    save("c", "/echo", headers=(Field("X", "{{x}}"),))
    async with in_runner(running, suite) as (pilot, screen):
        screen.query_one("#parallel", Input).value = parallel
        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(server.requests) == int(parallel))
        session.set_environment("production")
        server.release()
        await ended(pilot, screen)
        assert all("c" not in line for line in listed(screen))
        assert "/echo" not in paths(server)
        assert any("environment is another now" in notice for notice in notices(pilot))


async def test_what_did_not_pass_runs_again_with_what_it_needs(
    running: Running, suite: Workspace, save: Save, server: Loopback
) -> None:
    save("a-other", "/status/200")
    save("b-login", "/json?token=t0k3n", captures=(Capture("token", "json", "$.token"),))
    save("c-use", "/token?accept=other", auth=BearerAuth(token="{{token}}"))
    save("d-skipped", "/status/404")
    async with in_runner(running, suite) as (pilot, screen):
        assert await ran(pilot, screen) == [
            "passed a-other",
            "passed b-login",
            "failed c-use",
            "failed d-skipped",
        ]
        save("c-use", "/token?accept=t0k3n", auth=BearerAuth(token="{{token}}"))
        server.requests.clear()
        await pilot.press("r")
        await ended(pilot, screen)
        assert paths(server) == ["/json", "/token", "/status/404"]
        assert any("2 that did not pass, and 1 that they need" in notice for notice in notices(pilot))
        # In the places they had.
        assert listed(screen) == ["passed a-other", "passed b-login", "passed c-use", "failed d-skipped"]
        assert "3 passed · 1 failed" in screen_text(pilot)


async def test_enter_reads_an_answer_and_escape_is_back_on_its_line(
    running: Running, suite: Workspace, save: Save
) -> None:
    for number in range(30):
        save(f"r{number:02}", f"/json?number={number}", checks=OK)
    async with in_runner(running, suite) as (pilot, screen):
        await ran(pilot, screen)
        await pilot.press("home", *["down"] * 12, "enter")
        await until(pilot, lambda: '"number": "12"' in screen_text(pilot))
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: "status equals 200" in screen_text(pilot))
        await pilot.press("right_square_bracket", "escape")
        await pilot.pause()
        table = screen.query_one(RunTable)
        assert table.has_focus
        assert table.current is not None
        assert table.current.reference == "r12"
        assert "▸ passed" in screen_text(pilot)
        await pilot.press("o")
        await until(pilot, lambda: isinstance(pilot.app.screen, RequestsScreen))
        requests = pilot.app.screen
        assert isinstance(requests, RequestsScreen)
        await until(pilot, lambda: requests.reference == "r12")


async def test_only_what_did_not_pass_is_listed_on_f(running: Running, suite: Workspace, save: Save) -> None:
    for number in range(6):
        save(f"r{number}", f"/status/{404 if number in (2, 4) else 200}")
    async with in_runner(running, suite) as (pilot, screen):
        await ran(pilot, screen)
        await pilot.press("home", "down", "f")
        await pilot.pause()
        assert listed(screen) == ["failed r2", "failed r4"]
        assert "▸ FAILED   GET   404" in screen_text(pilot)
        await pilot.press("f")
        await pilot.pause()
        assert len(listed(screen)) == 6
        table = screen.query_one(RunTable)
        assert table.current is not None
        assert table.current.reference == "r2"


@pytest.fixture
async def linked(suite: Workspace, save: Save, session: Session, server: Loopback) -> Workspace:
    """Requests that send a secret of a vault; this user has a credential and consented to nothing."""
    cheap_store(session)
    await session.create_store(passphrase=Secret(PASSPHRASE))
    await session.save_credential("mine", MemoryCredential(secrets=Secret(json.dumps({"api": VALUE}))))
    link = MemoryLink(credential="team-vault", name="api")
    suite.save_environment("base", Environment(variables={"base_url": server.url, "token": Variable(link=link)}))
    (suite.path / "scripts").mkdir()
    (suite.path / "scripts" / "mark.py").write_text('request.headers["X-Script"] = "ran"\n')
    save("a", "/echo", auth=BearerAuth(token="{{token}}"), checks=(Check("body", "equals", value="nothing"),))
    save("b", "/echo", scripts=Scripts(before_request="scripts/mark.py"))
    save("c", "/json?code={{?Code of today}}")
    return suite


async def test_everything_known_is_asked_once_before_the_run(
    running: Running, linked: Workspace, session: Session, server: Loopback
) -> None:
    session.lock()
    async with in_runner(running, linked, size=(160, 45)) as (pilot, screen):
        await pilot.press("ctrl+r")
        await shown(pilot, AheadDialog)
        text = screen_text(pilot)
        for part in ('"team-vault"', server.url, "scripts", "Payments API"):
            assert part in text
        await pilot.press("left", "left", "enter")
        await shown(pilot, UnlockScreen)
        await type_text(pilot, PASSPHRASE)
        await pilot.press("enter")
        await shown(pilot, PickDialog)
        await pilot.press("enter")
        await shown(pilot, AskSeveralDialog)
        assert "Code of today" in screen_text(pilot)
        await type_text(pilot, "4711")
        assert server.requests == []
        await pilot.press("enter")
        await ended(pilot, screen)
        assert listed(screen) == ["failed a", "passed b", "passed c"]
        assert screen.latest is not None
        assert "4711" not in repr(screen.latest.plan)
        assert server.requests[0].header("Authorization") == f"Bearer {VALUE}"
        assert server.requests[1].header("X-Script") == "ran"
        assert server.requests[2].query == {"code": "4711"}
        # The check says what it found, which is the secret.
        assert VALUE not in screen_text(pilot)
        assert VALUE not in repr(screen.ran.lines)
        await pilot.press("home", "enter")
        await until(pilot, lambda: 'FAIL  body equals "nothing"' in screen_text(pilot))
        for _ in range(6):
            await pilot.press("right_square_bracket")
            await pilot.pause()
            assert VALUE not in screen_text(pilot)


async def test_without_what_is_asked_the_others_run_and_a_key_mends_it(
    running: Running, linked: Workspace, session: Session, server: Loopback
) -> None:
    linked.delete("c")
    async with in_runner(running, linked) as (pilot, screen):
        await pilot.press("ctrl+r")
        await shown(pilot, AheadDialog)
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen and not screen.under_way)
        assert server.requests == []
        await pilot.press("ctrl+r")
        await shown(pilot, AheadDialog)
        await pilot.press("left", "enter")
        await ended(pilot, screen)
        assert listed(screen) == ["error a", "error b"]
        assert server.requests == []
        await pilot.press("home")
        await until(pilot, lambda: "c mends it" in screen_text(pilot))
        await pilot.press("c")
        await shown(pilot, PickDialog)
        await pilot.press("enter")
        # Bound now; what else it takes is asked as before the first run.
        await shown(pilot, AheadDialog)
        assert "team-vault" in screen_text(pilot)
        await pilot.press("left", "left", "enter")
        await ended(pilot, screen)
        assert listed(screen) == ["failed a", "passed b"]
        # All is allowed by now: only the passphrase is asked for, and the run without it only after that.
        session.lock()
        await pilot.press("ctrl+r")
        await shown(pilot, UnlockScreen)
        await pilot.press("escape")
        await shown(pilot, AheadDialog)


async def test_a_run_goes_to_the_history_as_sends_do(
    running: Running, suite: Workspace, save: Save, session: Session
) -> None:
    save("a", "/status/200")
    save("b", "/status/201", options=Options(history=False))
    async with in_runner(running, suite) as (pilot, screen):
        await ran(pilot, screen)
        await session.history.look()
        assert [entry.summary.reference for entry in session.history.list()] == ["a"]


@pytest.mark.parametrize("size", [(160, 45), (60, 18), (30, 8), (12, 4)])
async def test_at_any_size(
    running: Running, suite: Workspace, save: Save, server: Loopback, size: tuple[int, int]
) -> None:
    save("a-name-that-is-longer-than-the-terminal-is-wide-so-that-it-is-cut", "/status/404", checks=OK)
    async with in_runner(running, suite, size=size) as (pilot, screen):
        assert len(await ran(pilot, screen)) == 1
        await pilot.press("enter")
        await pilot.pause()
        if size[0] >= 60:
            text = screen_text(pilot)
            assert "FAILED" in text
            assert "404" in text
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "FAILED" in screen_text(pilot))


async def test_a_run_of_thousands_keeps_few_bodies_and_says_so(
    running: Running, suite: Workspace, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.run_log.MOST_BYTES", 50_000)
    monkeypatch.setattr("tui.run_log.MOST_EXCHANGES", 30)
    save("a", "/bytes/2000")
    save("b", "/status/404")
    async with in_runner(running, suite, size=(120, 30)) as (pilot, screen):
        screen.query_one("#iterations", Input).value = "60"
        await ran(pilot, screen)
        lines = screen.ran.lines
        assert len(lines) == 120
        kept = [line for line in lines if screen.ran.exchange(line) is not None]
        assert len(kept) == 30
        assert all(not line.passed for line in kept)
        await pilot.press("home")
        await until(pilot, lambda: "answer no longer kept" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "the answer is no longer kept here" in screen_text(pilot))


@pytest.mark.parametrize(
    ("name", "holds"), [("r.html", "<!doctype html>"), ("r.xml", "<testsuite "), ("r.json", '"outcome": "failed"')]
)
async def test_a_report_of_what_ran(
    running: Running, suite: Workspace, save: Save, session: Session, tmp_path: Path, name: str, holds: str
) -> None:
    session.redactor.add("token", Secret(VALUE))
    save("a", f"/json?found={VALUE}", checks=(Check("json", "equals", "$.found", "nothing"),))
    save("b", "/status/200")
    file = tmp_path / name
    async with in_runner(running, suite) as (pilot, screen):
        await ran(pilot, screen)
        screen._report_path = str(tmp_path / "r.txt")
        await pilot.press("w")
        await shown(pilot, AskTextDialog)
        await pilot.press("enter")
        await until(pilot, lambda: "the name wants one of the endings" in screen_text(pilot))
        pilot.app.screen.query_one("#answer", Input).value = str(file)
        await pilot.press("enter")
        await until(pilot, lambda: any("the report was written" in notice for notice in notices(pilot)))
        before = file.read_bytes()
        await pilot.press("w")
        await shown(pilot, AskTextDialog)
        await pilot.press("enter")
        await shown(pilot, ConfirmDialog)
        await pilot.press("enter")  # the button that changes nothing has the focus
        await until(pilot, lambda: pilot.app.screen is screen)
    text = before.decode()
    assert holds in text
    assert "Payments API" in text
    assert VALUE not in text


async def test_unsaved_edits_do_not_run_and_it_is_said(
    running: Running, suite: Workspace, save: Save, server: Loopback
) -> None:
    save("a", "/status/200")
    async with running(suite) as pilot:
        await pilot.press("enter", "end")
        await type_text(pilot, "9")
        await pilot.press("f7")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunnerScreen))
        screen = pilot.app.screen
        assert isinstance(screen, RunnerScreen)
        await ran(pilot, screen)
        assert paths(server) == ["/status/200"]
        assert any('unsaved edits of "a" do not run' in notice for notice in notices(pilot))


async def test_nobody_agrees_to_what_does_not_fit(running: Running, linked: Workspace) -> None:
    async with in_runner(running, linked, size=(60, 18)) as (pilot, screen):
        await pilot.press("ctrl+r")
        await shown(pilot, AheadDialog)
        await until(pilot, lambda: "there is more: pgdn shows it" in screen_text(pilot))
        assert "no sandbox" not in screen_text(pilot)
        await pilot.press("pagedown", "pagedown")
        await until(pilot, lambda: "there is more" not in screen_text(pilot))
        assert "no sandbox" in screen_text(pilot) or "sandbox, read" in screen_text(pilot)
        assert "Allow and run" in screen_text(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is screen and not screen.under_way)
