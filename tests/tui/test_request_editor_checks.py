"""Checks and captures in the editor: typed, chosen, saved, and what an answer says of them."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from core.models import Capture, Check, Request
from core.secret import MASK
from core.workspace.workspace import Workspace
from tests.loopback import Loopback
from tests.tui.conftest import Running, notices, screen_text, type_text, until
from tests.tui.test_requests import opened, screen_of
from tui.screens.dialogs import PickDialog
from tui.screens.text_dialog import TextDialog
from tui.widgets.check_table import CaptureTable, CheckTable
from tui.widgets.key_value_table import KeyValueTable
from tui.widgets.table_lines import TableLines


async def table_of(pilot: Pilot[Any], kind: type[KeyValueTable] = CheckTable) -> KeyValueTable:
    screen = screen_of(pilot)
    screen.editor.show_tab("checks")
    await until(pilot, lambda: screen.query(kind))
    table = screen.query_one(kind)
    table.query_one(TableLines).focus()
    await pilot.pause()
    return table


def edited(pilot: Pilot[Any]) -> Request:
    request = screen_of(pilot).request
    assert request is not None
    return request


async def test_a_check_is_made_by_keys_alone_and_saved(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        await opened(pilot, "health")
        await table_of(pilot)
        await pilot.press("n")
        await until(pilot, lambda: edited(pilot).checks == (Check("status", "equals", value=200),))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
        await type_text(pilot, "json")
        await pilot.press("enter")
        await until(pilot, lambda: edited(pilot).checks[0].subject == "json")
        await pilot.press("right", "enter")
        await type_text(pilot, "$.items[0]")
        await pilot.press("enter", "right", "space", "right", "enter", "ctrl+u")
        await type_text(pilot, '{"id": 7}')
        await pilot.press("enter")
        wanted = Check("json", "not_equals", "$.items[0]", {"id": 7})
        await until(pilot, lambda: edited(pilot).checks == (wanted,))
        await pilot.press("f9")
        await until(pilot, lambda: 'saved "health"' in notices(pilot))
    assert workspace.load_request("health").checks == (wanted,)
    assert "value = {id = 7}" in (workspace.path / "requests/health.toml").read_text().replace("{ ", "{").replace(
        " }", "}"
    )


@pytest.mark.parametrize(
    ("check", "keys", "text", "said"),
    [
        (Check("json", "exists", "$.a"), ("right",), "[", "no JSONPath"),
        (Check("body", "matches", "", "a"), ("right", "right"), "(", "no regular expression"),
        (Check("status", "equals", "", 200), ("right", "right"), "x", "no number"),
        (Check("json", "schema", "", {}), ("right", "right", "right"), "{", "schema"),
    ],
)
async def test_bad_input_is_said_at_once_and_stays(
    running: Running, workspace: Workspace, check: Check, keys: tuple[str, ...], text: str, said: str
) -> None:
    request = Request(name="Health", checks=(Check("status", "equals", value=200), check))
    workspace.save_request("health", request)
    async with running(workspace) as pilot:
        await opened(pilot, "health")
        table = await table_of(pilot)
        await pilot.press("down", *keys, "enter")
        await type_text(pilot, text)
        await pilot.press("enter")
        await until(pilot, lambda: any(said in notice for notice in notices(pilot)))
        row = table.rows[1]
        assert row.mark == "!"
        assert any(cell.endswith(text) for cell in row.cells)
        await until(pilot, lambda: edited(pilot).checks[1] != check)
        assert edited(pilot).checks[0] == request.checks[0]


async def test_a_capture_is_typed_and_a_bad_name_is_not_taken(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        await opened(pilot, "health")
        table = await table_of(pilot, CaptureTable)
        await pilot.press("n")
        await type_text(pilot, "1st")
        await pilot.press("enter")
        await until(pilot, lambda: any("cannot be called" in notice for notice in notices(pilot)))
        # It stays in its field to be mended.
        await pilot.press("home", "delete")
        await type_text(pilot, "t")
        await pilot.press("enter")
        await type_text(pilot, "$.token")
        await pilot.press("enter", "right", "space")
        await until(pilot, lambda: edited(pilot).captures == (Capture("tst", "json", "$.token", secret=True),))
        await pilot.press("left", "left", "space")
        await until(pilot, lambda: edited(pilot).captures[0].source == "header")
        await pilot.press("n", "escape")
        await pilot.pause()
        assert len(table.rows) == 1


async def test_a_cell_without_a_meaning_cannot_be_edited(running: Running, workspace: Workspace) -> None:
    workspace.save_request("health", Request(checks=(Check("status", "equals", value=200),)))
    async with running(workspace) as pilot:
        screen = await opened(pilot, "health")
        table = await table_of(pilot)
        # Past the locked path, to the op.
        await pilot.press("right", "space")
        await until(pilot, lambda: table.rows[0].cells[2] == "not_equals")
        assert table.rows[0].cells[1] == ""
        assert screen.edited


async def test_looking_at_the_tab_changes_nothing(running: Running, workspace: Workspace) -> None:
    checks = (
        Check("header", "equals", "Content-Length", 3),
        Check("status", "contains", "", "2"),
        Check("json", "equals", "$", ""),
        Check("body", "exists", "", True),
    )
    captures = (Capture("a", "status", "left over"), Capture("b", "json"))
    workspace.save_request("health", Request(checks=checks, captures=captures))
    async with running(workspace) as pilot:
        screen = await opened(pilot, "health")
        table = await table_of(pilot)
        await pilot.press("down", "up", "down", "right", "left")
        screen.finish()
        assert not screen.edited
        # And an edit of one row leaves the others as they are.
        await pilot.press("d")
        await until(pilot, lambda: len(table.rows) == 3)
        assert edited(pilot).checks == (checks[0], *checks[2:])
        assert edited(pilot).captures == captures


async def test_after_sending_each_row_says_what_became_of_it(
    running: Running, workspace: Workspace, server: Loopback
) -> None:
    request = Request(
        url="{{base_url}}/status/200",
        checks=(Check("status", "equals", value=200), Check("status", "equals", value=404)),
        captures=(Capture("code", "status"), Capture("hush", "status", secret=True), Capture("none", "header", "X-No")),
    )
    workspace.save_request("health", request)
    async with running(workspace, size=(120, 40)) as pilot:
        screen = await opened(pilot, "health")
        checks, captures = await table_of(pilot), screen.query_one(CaptureTable)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "health" in screen.opened.answers)
        await until(pilot, lambda: [row.mark for row in checks.rows] == ["ok", "FAIL"])
        assert [row.mark for row in captures.rows] == ["ok", "ok", "FAIL"]
        assert captures.rows[0].help == "code is 200"
        assert captures.rows[1].help == f"hush is {MASK}"
        assert "no such header" in captures.rows[2].help
        await pilot.press("down")
        await until(pilot, lambda: "it is 200" in screen_text(pilot).splitlines()[-2])
        # An edited row is not the one that was judged.
        await pilot.press("right", "right", "enter", "ctrl+u")
        await type_text(pilot, "500")
        await pilot.press("enter")
        await until(pilot, lambda: [row.mark for row in checks.rows] == ["ok", ""])


async def test_a_schema_is_written_in_a_larger_field(running: Running, workspace: Workspace) -> None:
    workspace.save_request("health", Request(checks=(Check("json", "schema", "", {}),)))
    async with running(workspace) as pilot:
        await opened(pilot, "health")
        await table_of(pilot)
        await pilot.press("right", "right", "right", "e")
        await until(pilot, lambda: isinstance(pilot.app.screen, TextDialog))
        await pilot.press("end", "backspace", "enter")
        await type_text(pilot, '"type": "object",')
        await pilot.press("enter")
        await type_text(pilot, '"required": ["id"]}')
        await pilot.press("f9")
        wanted = Check("json", "schema", "", {"type": "object", "required": ["id"]})
        await until(pilot, lambda: edited(pilot).checks == (wanted,))
        await pilot.press("f9")
        await until(pilot, lambda: 'saved "health"' in notices(pilot))
    assert workspace.load_request("health").checks == (wanted,)


async def test_the_hint_line_says_why_as_soon_as_the_table_has_the_focus(
    running: Running, workspace: Workspace, server: Loopback
) -> None:
    workspace.save_request("health", Request(url="{{base_url}}/status/200", checks=(Check("size", "equals", value=9),)))
    async with running(workspace) as pilot:
        screen = await opened(pilot, "health")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "health" in screen.opened.answers)
        screen.editor.show_tab("checks")
        await until(pilot, lambda: screen.query(CheckTable))
        await pilot.press("tab", "tab")
        await until(pilot, lambda: screen.hint.text.startswith("it is "))
        await pilot.press("shift+tab")
        await until(pilot, lambda: not screen.hint.text.startswith("it is "))
