"""The tab of parameters: path, query, and the address that they make."""

from __future__ import annotations

from core.models import Field, Request
from core.workspace.workspace import Workspace
from tests.loopback import Loopback
from tests.tui.conftest import Running, notices, press_alt, screen_text, type_text, until
from tests.tui.test_requests import opened
from tui.widgets.params_editor import ParamsEditor


async def test_a_query_typed_into_the_address_is_shown_sent_and_made_rows_by_a_key(
    running: Running, workspace: Workspace, server: Loopback
) -> None:
    async with running(workspace) as pilot:
        screen = await opened(pilot, "payments/show")
        await type_text(pilot, "?a=b%20c&flag")
        await until(pilot, lambda: "alt+q makes rows of the query in the address" in screen_text(pilot))
        typed = Request(name="Show", url="{{base_url}}/echo?a=b%20c&flag")
        await until(pilot, lambda: screen.request == typed)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: server.requests)
        assert server.requests[0].target == "/echo?a=b%20c&flag"
        await press_alt(pilot, "q")
        await until(pilot, lambda: screen.request and screen.request.query == (Field("a", "b c"),))
        assert screen.bar.finish()[1] == "{{base_url}}/echo?flag"
        assert "1 of the address is a row now; the rest stays in it" in notices(pilot)
        await until(pilot, lambda: "{{base_url}}/echo?flag&a=b c" in screen_text(pilot))
        assert workspace.load_request("payments/show").url == "{{base_url}}/echo"
        await press_alt(pilot, "q")
        await until(pilot, lambda: any("no query that rows could have" in notice for notice in notices(pilot)))


async def test_a_parameter_without_a_value_is_not_sent_and_the_cure_is_named(
    running: Running, workspace: Workspace, server: Loopback
) -> None:
    async with running(workspace) as pilot:
        screen = await opened(pilot, "payments/show")
        await type_text(pilot, "/:id")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: 'path parameter "id" has no value' in screen_text(pilot))
        assert "%3Aid" in " ".join(screen_text(pilot).split())
        assert not server.requests
        screen.editor.show_tab("params", enter=True)
        await pilot.pause()
        # A digit, which is the key of a mode elsewhere, begins the value.
        await type_text(pilot, "7n")
        await pilot.press("enter", "ctrl+r")
        await until(pilot, lambda: server.requests)
        assert server.requests[0].path == "/echo/7n"


async def test_a_value_comes_back_with_its_name_and_an_unused_one_stays_in_the_file(
    running: Running, workspace: Workspace
) -> None:
    request = Request(name="Health", url="{{base_url}}/:id", path_params={"id": "1", "other": "2"})
    workspace.save_request("health", request)
    async with running(workspace) as pilot:
        screen = await opened(pilot, "health")
        screen.finish()
        assert not screen.edited
        await type_text(pilot, "x")
        await until(pilot, lambda: screen.request and screen.request.url.endswith(":idx"))
        screen.finish()
        assert screen.request is not None
        assert screen.request.path_params == {"other": "2"}
        await pilot.press("backspace")
        await until(pilot, lambda: screen.request and screen.request.url.endswith(":id"))
        screen.finish()
        assert screen.request == request
        assert screen.query_one(ParamsEditor).path_params() == request.path_params
