"""What a field takes from the keyboard without being asked to, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from core.models import (
    BasicAuth,
    BearerAuth,
    Body,
    Field,
    FileBody,
    GraphqlBody,
    MultipartBody,
    Options,
    Part,
    Request,
    Variable,
)
from core.workspace.workspace import Workspace
from tests.tui.conftest import Running, notices, press_alt, screen_text, type_text, until
from tests.tui.test_requests import opened
from tui.screens.requests import RequestsScreen
from tui.screens.text_dialog import TextDialog
from tui.widgets.tab_line import TabLine
from tui.widgets.table_lines import TableLines


async def on_tab(pilot: Pilot[Any], workspace: Workspace, request: Request, tab: str) -> RequestsScreen:
    """The request open, with the focus in a tab's rows."""
    workspace.save_request("health", request)
    screen = await opened(pilot, "health")
    screen.editor.show_tab(tab, enter=True)
    await until(pilot, lambda: isinstance(screen.focused, (TableLines, TabLine)))
    if isinstance(screen.focused, TabLine):
        await pilot.press("down")
    await until(pilot, lambda: isinstance(screen.focused, TableLines))
    return screen


@pytest.mark.parametrize(
    ("tab", "before", "after"),
    [
        (
            "auth",
            Request(name="Health", auth=BasicAuth(username="old", password="x")),
            Request(name="Health", auth=BasicAuth(username="quentin 3e", password="x")),
        ),
        (
            "body",
            Request(name="Health", body=FileBody("")),
            Request(name="Health", body=FileBody("quentin 3e")),
        ),
    ],
    ids=["auth", "file"],
)
async def test_what_is_typed_onto_a_field_of_a_form_is_its_text(
    running: Running, workspace: Workspace, tab: str, before: Request, after: Request
) -> None:
    """Its first letters are keys of tables and of the app elsewhere: edit, quit, a mode."""
    async with running(workspace) as pilot:
        screen = await on_tab(pilot, workspace, before, tab)
        await type_text(pilot, "quentin 3e")
        await pilot.press("enter")
        await until(pilot, lambda: screen.request == after)
        assert pilot.app.screen is screen


async def test_enter_goes_on_to_the_next_field_of_a_form(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        screen = await on_tab(pilot, workspace, Request(name="Health", auth=BasicAuth("", "")), "auth")
        for text in ("me", "{{tenant}}"):
            await type_text(pilot, text)
            await pilot.press("enter")
        await until(pilot, lambda: screen.request and screen.request.auth == BasicAuth("me", "{{tenant}}"))
        # The last one stays, and enter changes what is there.
        await pilot.press("enter", "backspace", "backspace", "s", "}", "}", "enter")
        await until(pilot, lambda: screen.request and screen.request.auth == BasicAuth("me", "{{tenants}}"))


async def test_escape_gives_a_field_typed_onto_its_text_back(running: Running, workspace: Workspace) -> None:
    request = Request(name="Health", auth=BearerAuth(token="{{tenant}}"))
    async with running(workspace) as pilot:
        screen = await on_tab(pilot, workspace, request, "auth")
        await type_text(pilot, "x")
        await pilot.press("escape")
        screen.finish()
        assert screen.request == request


async def test_choices_of_a_form_are_not_typed_over(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        screen = await on_tab(pilot, workspace, Request(name="Health"), "options")
        await pilot.press("down")
        await type_text(pilot, "x ")
        await until(pilot, lambda: screen.request and screen.request.options == Options(follow_redirects=False))


async def test_a_text_pasted_onto_a_cell_is_its_new_one(running: Running, workspace: Workspace) -> None:
    request = Request(name="Health", headers=(Field("X-Key", "old"),))
    async with running(workspace) as pilot:
        screen = await on_tab(pilot, workspace, request, "headers")
        await pilot.press("right")
        pilot.app.post_message(events.Paste("eyJ.new\nand more"))
        await until(pilot, lambda: "eyJ.new" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: screen.request and screen.request.headers == (Field("X-Key", "eyJ.new"),))


async def test_pasted_lines_are_rows(running: Running, workspace: Workspace) -> None:
    """As a browser copies headers."""
    async with running(workspace) as pilot:
        screen = await on_tab(pilot, workspace, Request(name="Health"), "headers")
        pilot.app.post_message(events.Paste("X-One: 1"))
        await until(pilot, lambda: screen.request and screen.request.headers == (Field("X-One", "1"),))
        pilot.app.post_message(events.Paste("accept: text/html, */*\r\nreferer: https://a.example/?b=c:d\r# off: x\n"))
        more = (
            Field("accept", "text/html, */*"),
            Field("referer", "https://a.example/?b=c:d"),
            Field("off", "x", False),
        )
        await until(pilot, lambda: screen.request and screen.request.headers == (Field("X-One", "1"), *more))
        assert notices(pilot) == ["1 row pasted", "3 rows pasted"]
        await pilot.press("z")
        await until(pilot, lambda: screen.request and screen.request.headers == (Field("X-One", "1"),))


async def test_a_field_of_a_form_has_a_larger_field_too(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        await on_tab(pilot, workspace, Request(name="Health", auth=BearerAuth(token="abc")), "auth")
        await press_alt(pilot, "e")
        await until(pilot, lambda: isinstance(pilot.app.screen, TextDialog) and "abc" in screen_text(pilot))


async def test_a_field_with_a_variable_says_where_that_comes_from(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        await on_tab(pilot, workspace, Request(name="Health", auth=BearerAuth(token="{{tenant}}")), "auth")
        await until(pilot, lambda: "tenant from the base environment: acme" in screen_text(pilot))
        await type_text(pilot, "in the open")
        await pilot.press("enter", "up")
        await until(pilot, lambda: "stands readable in the file" in screen_text(pilot))


async def test_what_was_said_of_a_row_goes_with_the_focus(running: Running, workspace: Workspace) -> None:
    request = Request(name="Health", variables={"key": Variable(secret=True)})
    async with running(workspace) as pilot:
        await on_tab(pilot, workspace, request, "vars")
        await until(pilot, lambda: "none on this machine yet" in screen_text(pilot))
        await pilot.press("ctrl+g", "c")
        await until(pilot, lambda: "[Checks" in screen_text(pilot))
        await until(pilot, lambda: "none on this machine yet" not in screen_text(pilot))


@pytest.mark.parametrize(
    ("tab", "request_", "said"),
    [
        ("params", Request(name="Health", query=(Field("a", "1"),)), "A table: arrows go from cell to cell"),
        ("auth", Request(name="Health", auth=BearerAuth()), "A form: what is typed goes into the value"),
        ("body", Request(name="Health", body=GraphqlBody("{ a }")), "A text: tab leaves it"),
    ],
)
async def test_help_is_of_the_part_with_the_focus(
    running: Running, workspace: Workspace, tab: str, request_: Request, said: str
) -> None:
    workspace.save_request("health", request_)
    async with running(workspace) as pilot:
        screen = await opened(pilot, "health")
        screen.editor.show_tab(tab, enter=True)
        await until(pilot, lambda: screen.focused is not screen.bar.url)
        await pilot.press(*(["down"] if tab != "params" else []), *(["tab"] if tab == "body" else []))
        await pilot.press("f1")
        await until(pilot, lambda: said in screen_text(pilot))


@pytest.mark.parametrize(("tab", "listed"), [("headers", True), ("options", False)])
async def test_help_on_a_form_lists_no_letters_that_are_typed_into_it(
    running: Running, workspace: Workspace, tab: str, listed: bool
) -> None:
    async with running(workspace, size=(100, 60)) as pilot:
        await on_tab(pilot, workspace, Request(name="Health"), tab)
        await pilot.press("f1")
        await until(pilot, lambda: "edit the cell" in screen_text(pilot))
        for sentence in ("new row", "delete the row", "a row a line", "last change of the rows", "move the row up"):
            assert (sentence in screen_text(pilot)) is listed, sentence


async def test_a_usual_header_is_offered_and_any_other_can_be_typed(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        screen = await on_tab(pilot, workspace, Request(name="Health"), "headers")
        await pilot.press("n")
        await type_text(pilot, "x")
        await until(pilot, lambda: "X-API-Key" in screen_text(pilot))
        await pilot.press("enter")
        await type_text(pilot, "1")
        await pilot.press("enter", "n")
        # Longer ones begin like it.
        await type_text(pilot, "acc")
        await until(pilot, lambda: "Accept-Charset" in screen_text(pilot))
        await pilot.press("down", "enter")
        await type_text(pilot, "json")
        await until(pilot, lambda: "application/json" in screen_text(pilot))
        await pilot.press("down", "tab", "escape")
        wanted = (Field("x", "1"), Field("Accept", "application/json"))
        await until(pilot, lambda: screen.request and screen.request.headers == wanted)


@pytest.mark.parametrize(
    ("request_", "tab", "keys", "wanted"),
    [
        (Request(name="Health", body=FileBody("")), "body", ("enter",), FileBody("data/a.csv")),
        (
            Request(name="Health", body=MultipartBody((Part("csv", ""),))),
            "body",
            ("right", "enter", "@"),
            MultipartBody((Part("csv", None, "data/a.csv"),)),
        ),
        (Request(name="Health"), "options", (*["down"] * 4, "enter"), Options(ca_file="data/a.csv")),
    ],
    ids=["file", "part", "ca"],
)
async def test_files_of_the_workspace_are_offered(
    running: Running,
    workspace: Workspace,
    request_: Request,
    tab: str,
    keys: tuple[str, ...],
    wanted: Body | Options,
) -> None:
    (workspace.path / "data").mkdir()
    (workspace.path / "data" / "a.csv").write_text("1,2")
    async with running(workspace) as pilot:
        screen = await on_tab(pilot, workspace, request_, tab)
        await pilot.press(*keys)
        await until(pilot, lambda: "data/  folder" in screen_text(pilot))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "data/a.csv" in screen_text(pilot))
        await pilot.press("down", "enter")
        await until(pilot, lambda: screen.request and wanted in (screen.request.body, screen.request.options))
