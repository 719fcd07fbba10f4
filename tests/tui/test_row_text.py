"""All rows of a table as text: what is shown, what is taken, and what never stands in it."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.models import Field, FormBody, MultipartBody, Part, Request, Variable
from core.vault.config import HashicorpLink
from core.workspace.workspace import Workspace
from tests.loopback import Loopback
from tests.terminal import TerminalApp
from tests.tui.conftest import Running, screen_text, until
from tests.tui.test_requests import opened, screen_of
from tui.screens.text_dialog import TextDialog
from tui.widgets.body_text import BodyText
from tui.widgets.table_lines import TableLines


async def as_text(pilot: Pilot[Any], tab: str, selector: str) -> BodyText:
    """Open the rows of a tab's table as text."""
    screen = screen_of(pilot)
    screen.editor.show_tab(tab)
    await until(pilot, lambda: screen.query(selector))
    await pilot.pause()
    screen.query_one(selector).query_one(TableLines).focus()
    await pilot.pause()
    await pilot.press("t")
    await until(pilot, lambda: isinstance(pilot.app.screen, TextDialog))
    return pilot.app.screen.query_one(BodyText)


async def shown(pilot: Pilot[Any], text: str) -> None:
    await until(pilot, lambda: text in screen_text(pilot))


async def test_headers_are_edited_as_text_and_saved(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        screen = await opened(pilot, "payments/create")
        area = await as_text(pilot, "headers", "#headers")
        assert area.value == "X-Tenant: {{tenant}}\n# X-Off: no\n"
        area.load_text('# X-Tenant: {{tenant}}\nX-New: a: b\nX-Odd: " two\\nlines "\n')
        await pilot.press("f9")
        wanted = (Field("X-Tenant", "{{tenant}}", False), Field("X-New", "a: b"), Field("X-Odd", " two\nlines "))
        await until(pilot, lambda: screen.request and screen.request.headers == wanted)
        await pilot.press("f9")
        await until(pilot, lambda: not screen.edited)
    assert workspace.load_request("payments/create").headers == wanted


async def test_a_bad_line_is_named_and_nothing_is_taken_until_it_is_mended(
    running: Running, workspace: Workspace
) -> None:
    async with running(workspace) as pilot:
        screen = await opened(pilot, "payments/create")
        area = await as_text(pilot, "params", "#query")
        area.load_text("limit: 10\nwhat\n")
        await pilot.press("f9")
        await until(pilot, lambda: 'line 2: there is no ":" after the name' in screen_text(pilot))
        assert area.value == "limit: 10\nwhat\n"
        await pilot.press("escape")
        await shown(pilot, "Throw away what was typed here?")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, TextDialog))
        assert area.value == "limit: 10\nwhat\n"
        await pilot.press("escape")
        await shown(pilot, "Throw away what was typed here?")
        await pilot.press("y")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert not screen.edited


async def test_hidden_variables_are_not_in_the_text_and_are_kept(running: Running, workspace: Workspace) -> None:
    link = HashicorpLink(credential="prod", mount="secret", path="payments", key="key")
    variables: dict[str, str | Variable] = {
        "a": "1",
        "hush": Variable(secret=True, description="of the job"),
        "b": Variable(value="2", description="kept", enabled=False),
        "linked": Variable(link=link, allowed_hosts=("x.example",)),
    }
    workspace.save_request("health", Request(name="Health", variables=variables))
    async with running(workspace) as pilot:
        screen = await opened(pilot, "health")
        area = await as_text(pilot, "vars", "#vars")
        assert area.value == "a: 1\n# b: 2\n"
        assert "kept: hush, linked." in " ".join(screen_text(pilot).split())
        for text, said in (
            ("a: 1\nhush: x\n", 'line 2: "hush" is a secret or linked variable'),
            ("a: 1\n\na: 2\n", 'line 3: "a" stands in a line above'),
            ("1a: 2\n", 'line 1: a variable cannot be called "1a"'),
        ):
            area.load_text(text)
            await pilot.press("f9")
            await shown(pilot, said)
        area.load_text("c: {{a}}\nb: 3\n")
        await pilot.press("f9")
        await until(pilot, lambda: screen.request and "c" in screen.request.variables)
        assert screen.request is not None
        assert screen.request.variables == {
            "c": "{{a}}",
            "hush": variables["hush"],
            "b": Variable(value="3", description="kept"),
            "linked": variables["linked"],
        }


@pytest.mark.parametrize(
    ("body", "selector", "text", "after"),
    [
        (FormBody((Field("a", "x=1"),)), "#body", "a: x=1\n", FormBody((Field("a", "x=1"), Field("b", ";c", False)))),
        (
            MultipartBody((Part("f", file="a.bin", content_type="image/png", filename="b.png"),)),
            "#body",
            "f: @a.bin; type=image/png; filename=b.png\n",
            MultipartBody(
                (
                    Part("f", file="a.bin", content_type="image/png", filename="b.png"),
                    Part("b", value=";c", enabled=False),
                )
            ),
        ),
    ],
)
async def test_form_fields_and_parts(
    running: Running, workspace: Workspace, body: Any, selector: str, text: str, after: Any
) -> None:
    workspace.save_request("health", Request(name="Health", body=body))
    async with running(workspace) as pilot:
        screen = await opened(pilot, "health")
        screen.editor.show_tab("body")
        await until(pilot, lambda: screen.query("#body TableLines"))
        area = await as_text(pilot, "body", selector)
        assert area.value == text
        area.load_text(text + '# b: ";c"\n')
        await pilot.press("f9")
        await until(pilot, lambda: screen.request and screen.request.body == after)


EDITOR = """\
import pathlib, sys
file = pathlib.Path(sys.argv[1])
pathlib.Path({seen!r}).write_text(file.read_text())
file.write_text("X-Key: {{{{key}}}}\\nX-More: 1\\n")
"""


def test_rows_go_to_the_persons_editor_with_their_templates_alone(
    home: Path, workspace: Workspace, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, seen = home / "editor.py", home / "seen"
    script.write_text(EDITOR.format(seen=str(seen)))
    monkeypatch.setenv("EDITOR", shlex.join([sys.executable, str(script)]))
    monkeypatch.setenv("HUSHPOST_VAR_key", "s3cr3t-value")
    workspace.save_request(
        "health", Request(name="Health", url="{{base_url}}/echo", headers=(Field("X-Key", "{{key}}"),))
    )
    environment = {**os.environ, "TERM": "xterm-256color", "SSH_CONNECTION": "1 2 3 4"}
    hushpost = Path(sys.executable).with_name("hushpost")
    with TerminalApp([str(hushpost), "open", str(workspace.path)], environment=environment, folder=home) as app:
        app.wait_for(lambda text: "Health" in text and "payments" in text)
        app.press("enter")
        app.wait_for(lambda text: "no answer yet" in text)
        app.write("\x1b[1;3C")
        app.wait_for(lambda text: "[Headers" in text)
        app.press("tab", "tab")
        app.write("t")
        app.wait_for(lambda text: "as text" in text)
        app.write("\x1be")
        app.wait_for(lambda text: "X-More: 1" in text)
        app.press("f9", "f9")
        app.wait_for(lambda text: "saved" in text)
        app.press("ctrl+c", "ctrl+c")
        app.wait_exit()
    assert seen.read_text() == "X-Key: {{key}}\n"
    assert workspace.load_request("health").headers == (Field("X-Key", "{{key}}"), Field("X-More", "1"))
