"""A long sitting, a large workspace, and a window that is torn about: memory, work and screen stay in bounds."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import process_time
from typing import Any

import psutil
import pytest
from textual.pilot import Pilot

from core.models import Request
from core.session import Session, open_session
from core.workspace.workspace import Workspace
from tests.loopback import Loopback
from tests.tui.conftest import Running, screen_text, until
from tests.tui.test_typeahead import burst
from tui.app import MODES, HushpostApp
from tui.screens.requests import RequestsScreen
from tui.widgets.pick_list import PickList
from tui.widgets.request_tree import RequestTree

WARM, SENDS = 200, 1_000
MEBIBYTE = 1024 * 1024
REQUESTS = 5_000


def screen_of(pilot: Pilot[Any]) -> RequestsScreen:
    screen = pilot.app.screen
    assert isinstance(screen, RequestsScreen)
    return screen


async def test_a_thousand_sends_leave_nothing_behind(
    running: Running, workspace: Workspace, server: Loopback, session: Session
) -> None:
    """What history keeps of each is allowed; a tree of widgets, a task, a thread or a descriptor for each is not."""
    process = psutil.Process()
    async with running(workspace) as pilot:
        screen = screen_of(pilot)
        screen.open_request("health")
        counted: dict[int, tuple[int, int, int, int]] = {}
        for number in range(SENDS + 1):
            screen.action_send()
            assert screen._sending is not None
            await screen._sending.wait()
            server.requests.clear()
            if number in (WARM, SENDS):
                await session.history.look()
                await pilot.pause()
                gc.collect()
                counted[number] = (
                    process.memory_info().rss,
                    len(asyncio.all_tasks()),
                    threading.active_count(),
                    process.num_fds(),
                )
        assert len(session.history.list()) == SENDS + 1
    grown = [after - before for before, after in zip(counted[WARM], counted[SENDS], strict=True)]
    assert grown[0] < 12 * MEBIBYTE
    assert max(grown[1:]) <= 3


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As many requests as anybody has, in folders of fifty."""
    workspace = Workspace.create(tmp_path_factory.mktemp("large") / "ws", "Large")
    for folder in range(REQUESTS // 50):
        path = workspace.path / "requests" / f"folder-{folder:03}"
        path.mkdir()
        for number in range(50):
            file = path / f"request-{number:02}.toml"
            file.write_text(
                f'schema = 1\nname = "Request {folder}-{number}"\nmethod = "GET"\nurl = "http://127.0.0.1:9/{number}"\n'
            )
            # What was written a moment ago may change again within the clock's grain, and is read again.
            os.utime(file, (1_700_000_000, 1_700_000_000))
    return workspace.path


@contextmanager
def files_opened(below: Path) -> Iterator[list[str]]:
    """The files below a folder that this process opens meanwhile."""
    opened: list[str] = []
    watching = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event == "open" and str(arguments[0]).startswith(str(below)):
            opened.append(str(arguments[0]))

    sys.addaudithook(hook)
    try:
        yield opened
    finally:
        watching = False


async def cost_of_searching(session: Session, workspace: Path) -> tuple[float, list[str]]:
    """CPU time to find a request by typing, and the files that were opened for it."""
    app = HushpostApp(session, start=workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = screen_of(pilot)
        opened = screen.opened.workspace
        assert opened is not None
        await until(pilot, lambda: opened.index(1_000))
        await pilot.pause()
        with files_opened(workspace / "requests") as files:
            before = process_time()
            await burst(pilot, "ctrl+f", *"request-07")
            await until(pilot, lambda: pilot.app.screen.query(PickList))
            await until(pilot, lambda: not app.typeahead.waiting)
            spent = process_time() - before
        assert "request-07" in screen_text(pilot)
    return spent, files


async def test_five_thousand_requests_are_listed_and_searched_without_reading_them(
    session: Session, large: Path, workspace: Workspace, surroundings: Any
) -> None:
    with files_opened(large / "requests") as files:
        app = HushpostApp(session, start=large)
        async with app.run_test(size=(80, 24)) as pilot:
            # What is on the screen is read for its method; the rest is left for later.
            assert len(pilot.app.screen.query_one(RequestTree).rows) >= REQUESTS
            assert len(files) < REQUESTS / 2
    workspace.create_request("", "request 07", Request(name="request 07"))
    small, _ = await cost_of_searching(open_session(surroundings, headless=False), workspace.path)
    spent, read = await cost_of_searching(open_session(surroundings, headless=False), large)
    assert read == []
    assert spent < 12 * small


STORM = [(1, 1), (10, 3), (59, 17), (60, 18), (200, 60), (80, 2), (3, 50), (80, 24)]


@pytest.mark.parametrize("mode", list(MODES))
async def test_a_storm_of_sizes_harms_no_mode(running: Running, workspace: Workspace, mode: str) -> None:
    async with running(workspace) as pilot:
        app = pilot.app
        assert isinstance(app, HushpostApp)
        requests = screen_of(pilot)
        await burst(pilot, "enter", "end", *"?kept=1")
        await until(pilot, lambda: requests.edited and not app.typeahead.waiting)
        await app.action_mode(mode)
        await pilot.pause()
        before, focused = screen_text(pilot), pilot.app.focused
        for width, height in STORM:
            await pilot.resize_terminal(width, height)
        await until(pilot, lambda: screen_text(pilot) == before)
        assert pilot.app.focused is focused
        await app.action_mode("requests")
        assert requests.bar.url.value.endswith("?kept=1")


@pytest.mark.parametrize(
    "keys", [("f1",), ("ctrl+p",), ("n",), ("ctrl+t",), ("d",), ("f4", "a"), ("f5", "a"), ("f8", "enter")], ids=str
)
async def test_a_storm_of_sizes_harms_no_dialog(running: Running, workspace: Workspace, keys: tuple[str, ...]) -> None:
    async with running(workspace) as pilot:
        await burst(pilot, *keys)
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2 and pilot.app.screen.is_mounted)
        await pilot.pause()
        before = screen_text(pilot)
        for width, height in STORM:
            await pilot.resize_terminal(width, height)
        await until(pilot, lambda: screen_text(pilot) == before)
