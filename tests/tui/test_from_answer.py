"""Checks and captures made of an answer."""

from __future__ import annotations

from typing import Any

import pytest

from core.models import Capture, Check
from core.secret import MASK
from core.workspace.workspace import Workspace
from tests.loopback import Loopback
from tests.tui.conftest import Running, notices, type_text, until
from tests.tui.test_requests import opened
from tui.from_answer import json_capture, json_check
from tui.widgets.text_view import TextView


@pytest.mark.parametrize(
    ("found", "op", "value"),
    [
        ("[7]", "equals", 7),
        ('["open"]', "equals", "open"),
        ('["7"]', "equals", "7"),
        ("[1, 2]", "equals", [1, 2]),
        ('[{"a": 1}]', "equals", {"a": 1}),
        ("[null]", "equals", "null"),
        ("[]", "exists", None),
        (f'["{MASK}"]', "exists", None),
        (f'["{"x" * 300}"]', "exists", None),
        ("[1, 2", "exists", None),
    ],
)
def test_what_a_path_finds_becomes_a_check(found: str, op: str, value: Any) -> None:
    assert json_check("$.a", found) == Check("json", op, "$.a", value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "capture"),
    [
        ("$.items[0].id", Capture("id", "json", "$.items[0].id")),
        ("$['access_token']", Capture("access_token", "json", "$['access_token']", secret=True)),
        ("$[0]", Capture("value", "json", "$[0]")),
    ],
)
def test_a_capture_is_named_by_its_path(path: str, capture: Capture) -> None:
    assert json_capture(path) == capture


async def test_keys_in_the_response_add_to_the_request(
    running: Running, workspace: Workspace, server: Loopback
) -> None:
    async with running(workspace, size=(100, 30)) as pilot:
        screen = await opened(pilot, "payments/create")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "payments/create" in screen.opened.answers)
        screen.response.query_one(TextView).focus()
        await pilot.pause()
        await pilot.press("a")
        status = Check("status", "equals", value=200)
        await until(pilot, lambda: screen.request and screen.request.checks == (status,))
        await pilot.press("v")
        await until(pilot, lambda: any("JSONPath" in notice for notice in notices(pilot)))
        await pilot.press("f")
        await type_text(pilot, ".method")
        await pilot.press("enter")
        await until(pilot, lambda: "1 found" in screen.response.query_one("DocumentPane").info)  # type: ignore[attr-defined]
        await pilot.press("a", "v", "a")
        await until(pilot, lambda: any("there already" in notice for notice in notices(pilot)))
        request = screen.request
        assert request is not None
        assert request.checks == (status, Check("json", "equals", "$.method", "POST"))
        assert request.captures == (Capture("method", "json", "$.method"),)
        # The tab shows them, and what the answer that they were made of says of them.
        assert screen.editor.tab == "checks"
        await pilot.press("f9")
        await until(pilot, lambda: not screen.edited)
    assert workspace.load_request("payments/create").checks == request.checks
