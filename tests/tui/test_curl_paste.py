"""curl commands pasted into the address, and requests copied as curl commands, in the real app."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual import events
from textual.pilot import Pilot

from core.models import BearerAuth, Field, JsonBody, NoAuth, Options, Request, Variable
from core.secret import Secret
from core.session import Session
from core.workspace.workspace import Workspace
from tests.loopback import Loopback
from tests.tui.conftest import Running, notices, press_alt, screen_text, type_text, until
from tui.screens.dialogs import ConfirmDialog, PickDialog
from tui.screens.preview import PreviewDialog
from tui.screens.requests import RequestsScreen

TOKEN = "t0ken-from-the-browser"


async def opened(pilot: Pilot[Any], reference: str) -> RequestsScreen:
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, RequestsScreen)
    screen.open_request(reference)
    screen.focus_address()
    await pilot.pause()
    return screen


async def paste(pilot: Pilot[Any], text: str) -> None:
    pilot.app.screen.post_message(events.Paste(text))
    await pilot.pause()


async def answer(pilot: Pilot[Any], kind: type, *keys: str) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, kind))
    await pilot.press(*keys)
    await until(pilot, lambda: not isinstance(pilot.app.screen, kind))


def written(said: list[str]) -> str:
    """The text of the file that a notice names."""
    return Path(next(notice for notice in said if "curl command" in notice).split('"')[1]).read_text()


@pytest.fixture
def empty(workspace: Workspace) -> Workspace:
    workspace.create_request("", "New", Request(name="New"))
    return workspace


async def test_a_pasted_command_is_the_request_and_is_sent(
    running: Running, empty: Workspace, server: Loopback
) -> None:
    async with running(empty) as pilot:
        screen = await opened(pilot, "new")
        # As a terminal sends it: the breaks of lines as carriage returns.
        await paste(
            pilot,
            f"curl '{server.url}/echo?a=1' \\\r  -H 'X-A: {{{{b}}}}' \\\r  --json '{{\"n\": [1, 2]}}' --retry 2",
        )
        await until(pilot, lambda: screen.request is not None and screen.request.method == "POST")
        assert screen.request == Request(
            name="New",
            method="POST",
            url=f"{server.url}/echo?a=1",
            headers=(Field("X-A", "\\{{b}}"), Field("Accept", "application/json")),
            auth=NoAuth(),
            body=JsonBody('{"n": [1, 2]}'),
            options=Options(follow_redirects=False),
        )
        await until(pilot, lambda: any('"--retry" has no counterpart' in notice for notice in notices(pilot)))
        await pilot.press("ctrl+r")
        await until(pilot, lambda: server.requests)
        assert server.requests[0].header("X-A") == "{{b}}"
        assert server.requests[0].body == b'{"n": [1, 2]}'
        assert empty.load_request("new") == Request(name="New")


async def test_a_request_that_says_something_is_asked_about_and_can_be_brought_back(
    running: Running, workspace: Workspace
) -> None:
    async with running(workspace) as pilot:
        screen = await opened(pilot, "payments/create")
        before = screen.request
        await paste(pilot, "curl https://other.test")
        await answer(pilot, ConfirmDialog, "escape")
        assert screen.request == before
        await paste(pilot, "curl https://other.test")
        await answer(pilot, ConfirmDialog, "enter")
        await until(pilot, lambda: screen.request is not None and screen.request.url == "https://other.test")
        assert screen.request is not None
        assert screen.request.name == "Create"
        await press_alt(pilot, "z")
        await answer(pilot, ConfirmDialog, "left", "enter")
        await until(pilot, lambda: screen.request == before)


async def test_its_secrets_go_into_the_store_and_not_into_the_file(
    running: Running, empty: Workspace, session: Session, home: Path
) -> None:
    await session.create_store(key_file=home / "key")
    async with running(empty) as pilot:
        screen = await opened(pilot, "new")
        await paste(pilot, f"curl https://a.test -H 'Authorization: Bearer {TOKEN}'")
        await until(pilot, lambda: "auth.token" in screen_text(pilot))
        assert TOKEN not in screen_text(pilot)
        await answer(pilot, PickDialog, "enter")
        await until(pilot, lambda: screen.request is not None and screen.request.auth == BearerAuth("{{token}}"))
        assert session.values.has("requests/new", "token")
        await pilot.press("f9")
        await until(pilot, lambda: not screen.edited)
        assert empty.load_request("new").variables == {"token": Variable(secret=True)}
        assert TOKEN not in empty.request_path("new").read_text()


async def test_secrets_left_in_plain_text_are_warned_about(running: Running, empty: Workspace) -> None:
    async with running(empty) as pilot:
        screen = await opened(pilot, "new")
        await paste(pilot, f"curl https://a.test -H 'Authorization: Bearer {TOKEN}'")
        await answer(pilot, PickDialog, "down", "enter")
        await until(pilot, lambda: screen.request is not None and screen.request.auth == BearerAuth(TOKEN))
        assert any("left in plain text: auth.token" in notice for notice in notices(pilot))


async def test_a_command_that_cannot_be_read_changes_nothing(running: Running, empty: Workspace) -> None:
    async with running(empty) as pilot:
        screen = await opened(pilot, "new")
        await paste(pilot, "curl https://a.test -d @-")
        await until(pilot, lambda: any("comes from another command" in notice for notice in notices(pilot)))
        assert screen.request == Request(name="New")


async def test_a_typed_command_is_read_at_enter(running: Running, empty: Workspace, server: Loopback) -> None:
    async with running(empty) as pilot:
        screen = await opened(pilot, "new")
        await type_text(pilot, "curl -I https://a.test")
        await pilot.press("enter")
        await answer(pilot, ConfirmDialog, "enter")
        await until(pilot, lambda: screen.request is not None and screen.request.method == "HEAD")


async def test_an_address_loses_the_blanks_and_breaks_around_it(running: Running, empty: Workspace) -> None:
    async with running(empty) as pilot:
        screen = await opened(pilot, "new")
        await paste(pilot, "\n  https://a.test/one/\r\n   two?curl=x  \n")
        await until(pilot, lambda: screen.request is not None and screen.request.url)
        assert screen.request is not None
        assert screen.request.url == "https://a.test/one/two?curl=x"


async def test_the_preview_is_copied_as_curl_with_names_of_secrets(
    running: Running, workspace: Workspace, session: Session
) -> None:
    session.settings = replace(session.settings, clipboard="file")
    session.redactor.add("other", Secret("a-value-seen-before"))
    workspace.save_request(
        "payments/show",
        Request(
            name="Show",
            url="{{base_url}}/echo?x=a-value-seen-before",
            auth=BearerAuth("{{token}}"),
            variables={"token": Variable(secret=True)},
        ),
    )
    async with running(workspace) as pilot:
        await opened(pilot, "payments/show")
        await press_alt(pilot, "p")
        await until(pilot, lambda: isinstance(pilot.app.screen, PreviewDialog))
        await pilot.press("c")
        await until(pilot, lambda: any("curl command written to" in notice for notice in notices(pilot)))
        text = written(notices(pilot))
        assert text.startswith("curl ")
        assert "'Authorization: Bearer {{token}}'" in text
        assert "a-value-seen-before" not in text
