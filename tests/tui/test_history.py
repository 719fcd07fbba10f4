"""The history mode, driven by its keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from core.errors import RequestError
from core.models import Options, Request
from core.secret import MASK, Secret
from core.session import Session
from core.workspace.workspace import Workspace
from tests.kept import OTHER, made
from tests.loopback import Loopback
from tests.stores import PASSPHRASE
from tests.tui.conftest import Running, notices, screen_text, type_text, until
from tests.vault_app import cheap_store
from tui.screens.compare import CompareDialog
from tui.screens.dialogs import ConfirmDialog
from tui.screens.history import HistoryScreen
from tui.screens.requests import RequestsScreen
from tui.widgets.response_view import ResponseView
from tui.widgets.rows import Rows


def listed(pilot: Pilot[Any]) -> list[str]:
    """Method, code and URL of each row."""
    table = pilot.app.screen_stack[0].query_one("#exchanges", Rows)
    return [" ".join(table.text(row.key).split(" | ")[1:4]) for row in table.rows]


@pytest.fixture
async def unlocked(session: Session) -> Session:
    cheap_store(session)
    await session.create_store(passphrase=PASSPHRASE)
    return session


@pytest.fixture
def host(server: Loopback) -> str:
    return server.url.removeprefix("http://")


@asynccontextmanager
async def in_history(
    running: Running, session: Session, workspace: Workspace, *, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Pilot[Any]]:
    """The app in the history, after two requests were sent from it."""
    async with running(workspace, size=size) as pilot:
        for reference in ("Health", "payments/Create"):
            name = next(one for one in workspace.requests() if one.casefold() == reference.casefold())
            await session.send(workspace.load_request(name), name)
        await pilot.press("f6")
        await until(pilot, lambda: isinstance(pilot.app.screen, HistoryScreen) and len(listed(pilot)) == 2)
        await pilot.press("home")
        yield pilot


async def test_what_was_sent_is_listed_newest_first(
    running: Running, unlocked: Session, workspace: Workspace, host: str
) -> None:
    async with in_history(running, unlocked, workspace) as pilot:
        assert listed(pilot) == [f"POST 200 {host}/echo/42?limit=10", f"GET 200 {host}/status/200"]
        assert "2 of this workspace" in screen_text(pilot)


async def test_a_request_sent_in_the_requests_mode_is_there(
    running: Running, unlocked: Session, workspace: Workspace, host: str
) -> None:
    async with running(workspace) as pilot:
        await pilot.press("enter", "ctrl+r")
        await until(pilot, lambda: "200 OK" in screen_text(pilot))
        await pilot.press("f6")
        await until(pilot, lambda: len(listed(pilot)) == 1)


async def test_searching_as_one_types(running: Running, unlocked: Session, workspace: Workspace, host: str) -> None:
    async with in_history(running, unlocked, workspace) as pilot:
        await pilot.press("/")
        await type_text(pilot, "post ec")
        assert listed(pilot) == [f"POST 200 {host}/echo/42?limit=10"]
        await type_text(pilot, "zz")
        assert "Nothing in the history has these words." in screen_text(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert len(listed(pilot)) == 2
        # The digits and letters that were typed there are keys again.
        await pilot.press("3")
        await until(pilot, lambda: pilot.app.current_mode == "requests")


async def test_enter_shows_the_answer_again_and_escape_goes_back(
    running: Running, unlocked: Session, workspace: Workspace
) -> None:
    async with in_history(running, unlocked, workspace) as pilot:
        await pilot.press("enter")
        view = pilot.app.screen.query_one(ResponseView)
        await until(pilot, lambda: '"target": "/echo/42?limit=10"' in screen_text(pilot))
        assert "200 OK" in screen_text(pilot)
        read = pilot.app.screen.query_one("#exchanges", Rows).key
        await unlocked.send(workspace.load_request("health"), "health")
        await pilot.press("f3", "f6")
        await until(pilot, lambda: len(listed(pilot)) == 3)
        await pilot.pause()
        assert pilot.app.screen.query_one("#exchanges", Rows).key == read, "the cursor stays on what is read"
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "[Headers" in screen_text(pilot))
        await pilot.press("escape")
        assert pilot.app.screen.query_one("#exchanges").has_focus
        assert view.display
        await pilot.press("escape")
        assert not view.display


async def test_a_request_without_an_answer_is_listed_and_says_why(
    running: Running, unlocked: Session, workspace: Workspace
) -> None:
    async with in_history(running, unlocked, workspace) as pilot:
        with pytest.raises(RequestError):
            await unlocked.send(Request(method="PUT", url="http://127.0.0.1:9/down"))
        await pilot.press("f3", "f6")
        await until(pilot, lambda: len(listed(pilot)) == 3)
        assert listed(pilot)[0] == "PUT none 127.0.0.1:9/down"
        await pilot.press("home", "enter")
        await until(pilot, lambda: "refused the connection" in screen_text(pilot))
        assert "PUT http://127.0.0.1:9/down" in screen_text(pilot)


async def test_o_opens_the_request_s_file(running: Running, unlocked: Session, workspace: Workspace) -> None:
    async with in_history(running, unlocked, workspace) as pilot:
        await pilot.press("o")
        await until(pilot, lambda: pilot.app.current_mode == "requests")
        screen = pilot.app.screen
        assert isinstance(screen, RequestsScreen)
        await until(pilot, lambda: screen.reference.casefold() == "payments/create")
        assert screen.edited == ()


async def test_o_makes_a_new_request_of_one_without_a_file(
    running: Running, unlocked: Session, workspace: Workspace, server: Loopback
) -> None:
    async with in_history(running, unlocked, workspace) as pilot:
        workspace.delete(next(one for one in workspace.requests() if one.casefold() == "payments/create"))
        await pilot.press("o")
        await until(pilot, lambda: pilot.app.current_mode == "requests" and "f9 saves it" in "".join(notices(pilot)))
        screen = pilot.app.screen
        assert isinstance(screen, RequestsScreen)
        assert len(screen.edited) == 1
        request = screen.request
        assert request is not None
        assert (request.method, request.url) == ("POST", f"{server.url}/echo/42")
        assert [(field.name, field.value) for field in request.query] == [("limit", "10")]
        assert ("X-Tenant", "acme") in [(field.name, field.value) for field in request.headers]
        reference = screen.reference
        await pilot.press("f9")
        await until(pilot, lambda: reference in workspace.requests())
        before = server.requests[-1]
        await pilot.press("ctrl+r")
        await until(pilot, lambda: server.requests[-1] is not before)
        again = server.requests[-1]
        assert (again.method, again.target, again.body) == (before.method, before.target, before.body)
        assert again.header("Content-Type") == before.header("Content-Type")


async def test_two_are_compared(running: Running, unlocked: Session, workspace: Workspace, host: str) -> None:
    async with in_history(running, unlocked, workspace) as pilot:
        await pilot.press("c")
        assert "press c on another one" in screen_text(pilot)
        await pilot.press("down", "c")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareDialog) and "@@" in screen_text(pilot))
        text = screen_text(pilot)
        assert f"-GET http://{host}/status/200" in text
        assert f"+POST http://{host}/echo/42" in text
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, HistoryScreen))
        assert "press c on another one" not in screen_text(pilot)


async def test_the_mark_goes_with_c_and_with_escape(running: Running, unlocked: Session, workspace: Workspace) -> None:
    async with in_history(running, unlocked, workspace) as pilot:
        for off in ("c", "escape"):
            await pilot.press("c")
            assert "press c on another one" in screen_text(pilot)
            await pilot.press(off)
            await pilot.pause()
            assert "press c on another one" not in screen_text(pilot)


async def test_d_deletes_one_and_capital_x_all_after_a_question(
    running: Running, unlocked: Session, workspace: Workspace
) -> None:
    async with in_history(running, unlocked, workspace) as pilot:
        # In an answer, x shows the bytes; typed a moment too early it must not take the exchange away.
        await pilot.press("x", "d")
        await until(pilot, lambda: len(listed(pilot)) == 1)
        await pilot.press("X")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("enter")  # the button that changes nothing has the focus
        await until(pilot, lambda: isinstance(pilot.app.screen, HistoryScreen))
        assert len(listed(pilot)) == 1
        await pilot.press("X")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("left", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, HistoryScreen) and not listed(pilot))
        assert unlocked.history.list() == []


async def test_other_workspaces_are_listed_on_a(running: Running, unlocked: Session, workspace: Workspace) -> None:
    async with in_history(running, unlocked, workspace) as pilot:
        unlocked.history.add(made("https://elsewhere.example.com/", started_at=datetime.now(UTC)), OTHER)
        await unlocked.history.look()
        assert len(listed(pilot)) == 2
        await pilot.press("a")
        assert "elsewhere.example.com/" in " ".join(listed(pilot))
        await until(pilot, lambda: "of all workspaces" in screen_text(pilot))
        await pilot.press("X")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        assert "3 exchanges of all workspaces" in screen_text(pilot)
        await pilot.press("escape")


async def test_locked_it_says_so_and_enter_unlocks(running: Running, unlocked: Session, workspace: Workspace) -> None:
    async with in_history(running, unlocked, workspace) as pilot:
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "The credential store is locked" in screen_text(pilot))
        assert listed(pilot) == []
        await pilot.press("D")
        await until(pilot, lambda: "the list is empty; earlier ones are locked, and stay" in notices(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "nlock" in type(pilot.app.screen).__name__)
        await type_text(pilot, PASSPHRASE.reveal())
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, HistoryScreen) and len(listed(pilot)) == 2)


async def test_without_a_store_what_was_sent_is_there_until_the_app_ends(
    running: Running, session: Session, workspace: Workspace
) -> None:
    async with in_history(running, session, workspace) as pilot:
        assert "not on the disk" in screen_text(pilot)
    assert not session.paths.history.exists()


@pytest.mark.parametrize("off", ["settings", "workspace", "request"])
async def test_off_is_off(running: Running, unlocked: Session, workspace: Workspace, off: str) -> None:
    request = Request(url="{{base_url}}/status/200")
    if off == "settings":
        unlocked.settings = msgspec.structs.replace(unlocked.settings, history=False)
    elif off == "workspace":
        workspace.save_file(msgspec.structs.replace(workspace.file, history=False))
    else:
        request = msgspec.structs.replace(request, options=Options(history=False))
    async with running(workspace) as pilot:
        await unlocked.send(request)
        await unlocked.history.look()
        await pilot.press("f6")
        said = {"settings": "off in the settings", "workspace": "keeps no history", "request": "Nothing yet"}[off]
        await until(pilot, lambda: said in screen_text(pilot))
        assert listed(pilot) == []


async def test_no_secret_is_on_the_screen_even_one_that_was_learnt_later(
    running: Running, unlocked: Session, workspace: Workspace, server: Loopback
) -> None:
    async with running(workspace) as pilot:
        await unlocked.send(Request(url=f"{server.url}/echo/learnt-later"))
        unlocked.redactor.add("late", Secret("learnt-later"))
        await pilot.press("f6")
        await until(pilot, lambda: len(listed(pilot)) == 1)
        assert MASK in screen_text(pilot)
        assert "learnt-later" not in screen_text(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "200 OK" in screen_text(pilot) and "1-" in screen_text(pilot))
        assert "learnt-later" not in screen_text(pilot)


async def test_foreign_text_is_shown_letter_by_letter(
    running: Running, unlocked: Session, workspace: Workspace
) -> None:
    async with running(workspace) as pilot:
        hostile = "https://x.example/[bold]\x1b[31m\u202e"
        unlocked.history.add(made(hostile, environment="[red]", started_at=datetime.now(UTC)), unlocked.key)
        await pilot.press("f6")
        await until(pilot, lambda: len(listed(pilot)) == 1)
        text = screen_text(pilot)
        assert "[bold]\\x1b[3" in text
        assert "[red]" in text


async def test_trouble_with_the_disk_is_told_once(running: Running, unlocked: Session, workspace: Workspace) -> None:
    unlocked.paths.state.mkdir(parents=True, exist_ok=True)
    unlocked.paths.history.write_text("in the way")
    async with in_history(running, unlocked, workspace) as pilot:
        await until(pilot, lambda: notices(pilot))
        told = [note for note in notices(pilot) if "cannot be used" in note]
        assert len(told) == 1
        assert listed(pilot)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 45), (20, 5), (1, 1)])
async def test_any_size(running: Running, unlocked: Session, workspace: Workspace, size: tuple[int, int]) -> None:
    async with in_history(running, unlocked, workspace) as pilot:
        await pilot.press("enter")
        await pilot.resize_terminal(*size)
        await pilot.pause()
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "200 OK" in screen_text(pilot))
