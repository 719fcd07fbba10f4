"""The layout of modes and dialogs in a small, a usual and a large terminal, as golden files."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.models import Environment, Field, JsonBody, Request, Variable
from core.workspace.workspace import Workspace
from tests.golden_text import check
from tests.tui.conftest import Running, screen_text, until
from tests.tui.test_typeahead import burst
from tui.app import HushpostApp

SIZES = ((60, 20), (80, 24), (160, 45))

MODES = {
    "requests": (),
    "request": ("down", "down", "enter"),
    "environments": ("f4",),
    "credentials": ("f5",),
    "settings": ("f8",),
}
DIALOGS = {
    "new-request": ("n",),
    "delete-request": ("d",),
    "switch-environment": ("ctrl+t",),
    "add-variable": ("f4", "a"),
    "add-credential": ("f5", "a"),
    "quit": ("q",),
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Nothing in it depends on the machine, the time or a port."""
    made = Workspace.create(tmp_path / "payments", "Payments API")
    made.save_environment(
        "base",
        Environment(
            name="Base",
            variables={
                "base_url": "https://api.example.com",
                "payment_id": "42",
                "api_key": Variable(secret=True, description="of the sandbox"),
            },
        ),
    )
    made.save_environment("production", Environment(name="Production", color="red", variables={"tenant": "prod"}))
    made.create_request("", "Health", Request(name="Health", url="{{base_url}}/health"))
    made.create_folder("", "payments")
    made.create_request(
        "payments",
        "Create",
        Request(
            name="Create",
            method="POST",
            url="{{base_url}}/payments/:id",
            path_params={"id": "{{payment_id}}"},
            query=(Field("limit", "10"), Field("dry", "yes", enabled=False)),
            headers=(Field("X-Key", "{{api_key}}"),),
            body=JsonBody(text='{"amount": 100}'),
        ),
    )
    return made


def name_of(what: str, size: tuple[int, int]) -> str:
    return f"{what}-{size[0]}x{size[1]}"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_modes(
    running: Running, workspace: Workspace, size: tuple[int, int], request: pytest.FixtureRequest
) -> None:
    renew = request.config.getoption("--renew-golden")
    async with running(workspace, size=size) as pilot:
        app = pilot.app
        assert isinstance(app, HushpostApp)
        for what, keys in MODES.items():
            await burst(pilot, *keys)
            await until(pilot, lambda: not app.typeahead.waiting)
            await pilot.pause()
            check(name_of(what, size), screen_text(pilot), renew=renew)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("what", list(DIALOGS))
async def test_dialogs(
    running: Running, workspace: Workspace, size: tuple[int, int], what: str, request: pytest.FixtureRequest
) -> None:
    async with running(workspace, size=size) as pilot:
        await burst(pilot, *DIALOGS[what])
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2 and pilot.app.screen.is_mounted)
        await pilot.pause()
        check(name_of(what, size), screen_text(pilot), renew=request.config.getoption("--renew-golden"))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_first_start(running: Running, size: tuple[int, int], request: pytest.FixtureRequest) -> None:
    async with running(size=size) as pilot:
        check(name_of("first-start", size), screen_text(pilot), renew=request.config.getoption("--renew-golden"))
