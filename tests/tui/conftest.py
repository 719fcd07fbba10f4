"""What tests of the app start from: a session over a fresh home, a workspace on the disk, and the app under a pilot."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from core.models import Environment, Field, JsonBody, Request
from core.paths import Paths, Surroundings
from core.session import Session, open_session
from core.workspace.workspace import Workspace
from tests.loopback import Loopback, _servers, authority, other_server, server  # noqa: F401 - fixtures
from tests.patience import PATIENCE_S
from tests.tui.rest import wait_for_rest  # noqa: F401 - a fixture
from tui.app import HushpostApp

Running = Callable[..., AbstractAsyncContextManager[Pilot[str]]]


@pytest.fixture
def surroundings(paths: Paths) -> Surroundings:
    return Surroundings(paths)


@pytest.fixture
async def session(surroundings: Surroundings) -> AsyncIterator[Session]:
    opened = open_session(surroundings, headless=False)
    yield opened
    await opened.close()


@pytest.fixture
def workspace(tmp_path: Path, server: Loopback) -> Workspace:  # noqa: F811
    """Three requests to the loopback server, one of them below a folder, and two environments beside base."""
    made = Workspace.create(tmp_path / "payments", "Payments API")
    made.save_environment(
        "base", Environment(name="Base", variables={"base_url": server.url, "payment_id": "42", "tenant": "acme"})
    )
    made.save_environment("production", Environment(name="Production", color="red", variables={"tenant": "prod"}))
    made.save_environment("staging", Environment(name="Staging", color="yellow", variables={"tenant": "stage"}))
    made.create_request("", "Health", Request(name="Health", url="{{base_url}}/status/200"))
    made.create_folder("", "payments")
    made.create_request(
        "payments",
        "Create",
        Request(
            name="Create",
            method="POST",
            url="{{base_url}}/echo/:id",
            path_params={"id": "{{payment_id}}"},
            query=(Field("limit", "10"),),
            headers=(Field("X-Tenant", "{{tenant}}"), Field("X-Off", "no", enabled=False)),
            body=JsonBody(text='{"amount": 100}'),
        ),
    )
    made.create_request("payments", "Show", Request(name="Show", url="{{base_url}}/echo"))
    return made


@pytest.fixture
def running(session: Session) -> Running:
    """The app on a workspace (None: none) under a pilot: `async with running(workspace) as pilot`."""

    @asynccontextmanager
    async def run(at: Workspace | None = None, *, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[str]]:
        app = HushpostApp(session, start=at.path if at is not None else None)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            yield pilot

    return run


async def type_text(pilot: Pilot[Any], text: str) -> None:
    """Type a text as fast as a paste without brackets comes: each character a key, one wait for all of them."""
    driver = pilot.app._driver
    assert driver is not None
    for character in text:
        key = events.Key(_character_to_key(character) if not character.isalnum() else character, character)
        key.set_sender(pilot.app)
        driver.send_message(key)
    await pilot.pause()


async def press_alt(pilot: Pilot[Any], letter: str) -> None:
    """Alt and a letter as terminals send it: with the letter as its text, which a pilot's key is not."""
    pilot.app.post_message(events.Key(f"alt+{letter}", letter))
    await pilot.pause()


async def until(pilot: Pilot[Any], condition: Callable[[], object]) -> None:
    """Let the app go on until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not come to be so:\n" + screen_text(pilot))
        await pilot.pause(0.005)


def notices(pilot: Pilot[Any]) -> list[str]:
    """What the app told in passing."""
    return [notification.message for notification in pilot.app._notifications]


def screen_text(pilot: Pilot[Any]) -> str:
    """All that is on the screen, as text."""
    compositor = pilot.app.screen._compositor
    lines = compositor.render_strips() if hasattr(compositor, "render_strips") else []
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)
