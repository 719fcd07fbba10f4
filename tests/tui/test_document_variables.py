"""Variables of requests and folders that are secret or linked: what is in the files, in the store and on the screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.consent.consent import Need
from core.models import Folder, Request, Variable, variable
from core.secret import MASK, Secret
from core.session import Session
from core.vault.config import MemoryLink
from core.workspace.workspace import Workspace
from tests.loopback import Loopback
from tests.tui.conftest import notices, screen_text, until
from tests.vault_app import STRIPE, back, everything_under, in_mode, said, shown, type_in, with_store
from tui.screens.dialogs import AskTextDialog, ConfirmDialog, PickDialog
from tui.screens.requests import RequestsScreen
from tui.screens.secret_details import SecretDetailsScreen
from tui.screens.variable_form import VariableDialog
from tui.widgets.request_tree import RequestTree
from tui.widgets.table_lines import TableLines
from tui.widgets.variable_table import VariableTable

SECRET = "nightly-pa55-7c"
LINK = MemoryLink(credential="vault-prod", name="payments/stripe")
FILE = """# reviewed
schema = 1
name = "Show"
url = "{{base_url}}/echo"

[variables]
plain = "in the file"   # for now

[variables.key]
secret = true

[variables.stripe]
link = { provider = "memory", credential = "vault-prod", name = "payments/stripe" }
"""


@pytest.fixture
async def opened(session: Session, tmp_path: Path, server: Loopback) -> Workspace:
    """A request and its folder with the same variables, and a store."""
    await with_store(session)
    workspace = session.create_workspace(tmp_path / "ws", "Payments API")
    workspace.create_folder("", "payments")
    path = workspace.request_path("payments/show")
    path.write_text(FILE.replace("{{base_url}}", server.url))
    variables = workspace.load_request("payments/show").variables
    workspace.save_folder("payments", Folder(name="payments", variables=dict(variables)))
    workspace.save_request("payments/other", Request(name="Other", url=f"{server.url}/echo"))
    return workspace


def screen_of(pilot: Pilot[Any]) -> RequestsScreen:
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, RequestsScreen)
    return screen


async def at(pilot: Pilot[Any], reference: str, name: str) -> VariableTable:
    """The cursor on a variable of a request (`payments/show`) or folder (`payments`)."""
    screen = screen_of(pilot)
    tree = screen.query_one(RequestTree)
    tree.select(reference)
    tree.focus()
    await pilot.pause()
    await pilot.press("enter" if "/" in reference else "e")
    await until(pilot, lambda: screen.shown_editor is not None and screen.shown_editor.is_mounted)
    editor = screen.shown_editor
    assert editor is not None
    editor.show_tab("vars", enter=True)
    await until(pilot, lambda: editor.query("#vars TableLines:focus"))
    table = editor.query_one(VariableTable)
    names = [row.key for row in table.rows]
    table.query_one(TableLines).go(names.index(name), 0)
    await pilot.pause()
    return table


def holder(reference: str) -> str:
    return f"requests/{reference}"


def stored(session: Session, reference: str, name: str) -> Secret | None:
    return session.values.get(holder(reference), name)


def variables(workspace: Workspace, reference: str) -> dict[str, str | Variable]:
    loaded = workspace.load_request(reference) if "/" in reference else workspace.load_folder(reference)
    return loaded.variables


BOTH = pytest.mark.parametrize("reference", ["payments/show", "payments"], ids=["request", "folder"])


@BOTH
async def test_a_secret_is_set_kept_in_the_store_and_sent(
    session: Session, opened: Workspace, server: Loopback, reference: str
) -> None:
    asking = "payments/show" if "/" in reference else "payments/other"
    request = opened.load_request(asking)
    opened.save_request(
        asking, Request(name=request.name, url=server.url + "/echo?k={{key}}", variables=request.variables)
    )
    async with in_mode(session, "requests") as pilot:
        table = await at(pilot, reference, "key")
        assert [row.cells[1] for row in table.rows] == ["in the file", "no value here", f"{MASK} payments/stripe"]
        await pilot.press("s")
        await shown(pilot, VariableDialog)
        await type_in(pilot, SECRET)
        await pilot.press("enter")
        await back(pilot)
        await until(pilot, lambda: table.rows[1].cells[1] == MASK)
        assert stored(session, reference, "key") == Secret(SECRET)
        session.consent.approve([Need("", server.url)])
        screen_of(pilot).open_request(asking)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: server.requests)
        assert SECRET not in screen_text(pilot)
        assert server.last.query == {"k": SECRET}
    assert SECRET.encode() not in everything_under(opened.path)


@BOTH
async def test_a_plain_value_leaves_the_file_and_other_edits_stay_unsaved(
    session: Session, opened: Workspace, reference: str
) -> None:
    async with in_mode(session, "requests") as pilot:
        table = await at(pilot, reference, "plain")
        await pilot.press("n")
        await type_in(pilot, "new")
        await pilot.press("enter")
        await type_in(pilot, "typed")
        await pilot.press("enter")
        table.query_one(TableLines).go(0, 0)
        await pilot.pause()
        await pilot.press("s")
        await shown(pilot, VariableDialog)
        await pilot.press("enter")
        await back(pilot)
        await until(pilot, lambda: stored(session, reference, "plain") == Secret("in the file"))
        await until(pilot, lambda: table.rows[0].cells[1] == MASK)
        assert variables(opened, reference)["plain"] == Variable(secret=True)
        assert "new" not in variables(opened, reference)
        assert screen_of(pilot).edited
        await pilot.press("f9")
        await until(pilot, lambda: not screen_of(pilot).edited)
        assert variables(opened, reference)["new"] == "typed"
    if "/" in reference:
        assert "# reviewed" in opened.request_path(reference).read_text()


@BOTH
async def test_linking_unlinking_and_details(session: Session, opened: Workspace, reference: str) -> None:
    async with in_mode(session, "requests") as pilot:
        await at(pilot, reference, "stripe")
        session.consent.bind("vault-prod", "vault-prod")
        await pilot.press("i")
        details = await shown(pilot, SecretDetailsScreen)
        await pilot.press("r")
        await until(pilot, lambda: "Fetched at" in screen_text(pilot))
        assert STRIPE not in screen_text(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: details not in pilot.app.screen_stack)
        await pilot.press("u")
        await shown(pilot, ConfirmDialog)
        await pilot.press("y")
        await back(pilot)
        await until(pilot, lambda: variables(opened, reference)["stripe"] == Variable(secret=True))
        await pilot.press("l")
        await shown(pilot, PickDialog)
        await pilot.press("escape")
        await back(pilot)
        assert variables(opened, reference)["stripe"] == Variable(secret=True)


@BOTH
async def test_a_rename_takes_the_stored_value_along_and_delete_takes_it_away(
    session: Session, opened: Workspace, reference: str
) -> None:
    await session.values.set(holder(reference), "key", Secret(SECRET))
    async with in_mode(session, "requests") as pilot:
        table = await at(pilot, reference, "key")
        await pilot.press("r")
        await shown(pilot, AskTextDialog)
        await pilot.press("ctrl+u")
        await type_in(pilot, "token")
        await pilot.press("enter")
        await back(pilot)
        await until(pilot, lambda: [row.key for row in table.rows] == ["plain", "token", "stripe"])
        assert (stored(session, reference, "key"), stored(session, reference, "token")) == (None, Secret(SECRET))
        await pilot.press("d")
        await shown(pilot, ConfirmDialog)
        assert "with the value in your store" in said(pilot)
        await pilot.press("y")
        await back(pilot)
        await until(pilot, lambda: [row.key for row in table.rows] == ["plain", "stripe"])
        assert stored(session, reference, "token") is None
        assert "token" not in variables(opened, reference)


async def test_enter_on_a_hidden_one_opens_its_dialog_and_never_a_field(session: Session, opened: Workspace) -> None:
    async with in_mode(session, "requests") as pilot:
        await at(pilot, "payments/show", "key")
        await pilot.press("enter")
        await shown(pilot, VariableDialog)
        await pilot.press("escape")
        await back(pilot)
        assert not screen_of(pilot).edited


async def test_looking_at_the_variables_is_no_edit(session: Session, opened: Workspace) -> None:
    path = opened.request_path("payments/show")
    path.write_text(path.read_text().replace('plain = "in the file"', 'plain = { value = "in the file" }'))
    async with in_mode(session, "requests") as pilot:
        await at(pilot, "payments/show", "plain")
        screen_of(pilot).finish()
        assert not screen_of(pilot).edited


async def test_a_new_variable_is_typed_name_and_value_in_one_go(session: Session, opened: Workspace) -> None:
    async with in_mode(session, "requests") as pilot:
        screen = screen_of(pilot)
        tree = screen.query_one(RequestTree)
        tree.select("payments/other")
        tree.focus()
        await pilot.pause()
        await pilot.press("enter")
        screen.editor.show_tab("vars", enter=True)
        await until(pilot, lambda: screen.editor.query("#vars TableLines:focus"))
        await pilot.press("n", *"ab", "enter", *"cd", "enter")
        await pilot.press("f9")
        await until(pilot, lambda: not screen.edited)
    assert opened.load_request("payments/other").variables == {"ab": "cd"}


async def test_a_second_one_of_the_name_of_a_secret_is_refused(session: Session, opened: Workspace) -> None:
    async with in_mode(session, "requests") as pilot:
        await at(pilot, "payments/show", "key")
        await pilot.press("n", *"key", "enter")
        await until(pilot, lambda: any('a variable "key" here already' in notice for notice in notices(pilot)))
        await pilot.press("escape")
        screen_of(pilot).finish()
        assert not screen_of(pilot).edited


async def test_another_programs_change_is_still_asked_about_after_a_secret_was_set(
    session: Session, opened: Workspace
) -> None:
    path = opened.request_path("payments/show")
    async with in_mode(session, "requests") as pilot:
        table = await at(pilot, "payments/show", "key")
        await pilot.press("n", *"ab", "enter", *"cd", "enter")
        path.write_text(path.read_text().replace('name = "Show"', 'name = "Theirs"'))
        table.query_one(TableLines).go(1, 0)
        await pilot.pause()
        await pilot.press("s")
        await shown(pilot, VariableDialog)
        await type_in(pilot, SECRET)
        await pilot.press("enter")
        await back(pilot)
        await until(pilot, lambda: stored(session, "payments/show", "key") is not None)
        await pilot.press("f9")
        await until(pilot, lambda: "another program" in screen_text(pilot))
    saved = opened.load_request("payments/show")
    assert saved.name == "Theirs"
    assert variable(saved.variables["key"]).secret


@BOTH
async def test_values_follow_a_rename_and_a_copy_of_what_they_belong_to(
    session: Session, opened: Workspace, reference: str
) -> None:
    await session.values.set(holder(reference), "key", Secret(SECRET))
    async with in_mode(session, "requests") as pilot:
        screen = screen_of(pilot)
        tree = screen.query_one(RequestTree)
        tree.select(reference)
        tree.focus()
        await pilot.pause()
        await pilot.press("c")
        await until(pilot, lambda: stored(session, f"{reference}-copy", "key") == Secret(SECRET))
        tree.select(reference)
        await pilot.press("r")
        await shown(pilot, AskTextDialog)
        await pilot.press("ctrl+u")
        await type_in(pilot, "renamed")
        await pilot.press("enter")
        await back(pilot)
        new = "/".join([*reference.split("/")[:-1], "renamed"])
        await until(pilot, lambda: stored(session, new, "key") == Secret(SECRET))
        assert stored(session, reference, "key") is None
