"""The settings of folders by their keys: what is in `folder.toml`, and what a server gets of it."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from core.models import ApiKeyAuth, Field, Folder, Request, Scripts
from core.session import Session
from core.workspace.workspace import Workspace
from tests.loopback import Loopback
from tests.tui.conftest import Running, notices, press_alt, screen_text, type_text, until
from tui.screens.dialogs import PickDialog
from tui.screens.requests import RequestsScreen
from tui.widgets.folder_editor import FolderEditor
from tui.widgets.inherited_headers import InheritedHeaders
from tui.widgets.key_value_table import KeyValueTable
from tui.widgets.request_tree import RequestTree


def screen_of(pilot: Pilot[Any]) -> RequestsScreen:
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, RequestsScreen)
    return screen


async def in_tree(pilot: Pilot[Any], reference: str, key: str) -> RequestsScreen:
    """Press a key on a row of the tree."""
    screen = screen_of(pilot)
    tree = screen.query_one(RequestTree)
    tree.select(reference)
    tree.focus()
    await pilot.pause()
    await pilot.press(key)
    await pilot.pause()
    return screen


async def settings(pilot: Pilot[Any], folder: str = "payments", tab: str = "headers") -> FolderEditor:
    screen = await in_tree(pilot, folder or "health", "e" if folder else "E")
    await until(pilot, lambda: screen.folder_editor is not None and screen.folder_editor.is_mounted)
    editor = screen.folder_editor
    assert editor is not None
    await enter_tab(pilot, editor, tab)
    return editor


async def enter_tab(pilot: Pilot[Any], editor: FolderEditor, tab: str) -> None:
    editor.show_tab(tab, enter=True)
    first = {"headers": "#headers", "vars": "#vars", "auth": "#auth", "scripts": "#scripts", "info": "#folder-name"}
    await until(pilot, lambda: editor.query(f"{first[tab]}:focus, {first[tab]} *:focus"))


async def add_row(pilot: Pilot[Any], name: str, value: str) -> None:
    await pilot.press("n")
    await type_text(pilot, name)
    await pilot.press("tab")
    await type_text(pilot, value)
    await pilot.press("enter")


async def save(pilot: Pilot[Any]) -> None:
    await pilot.press("f9")
    await until(pilot, lambda: not screen_of(pilot).edited)


async def sent(pilot: Pilot[Any], server: Loopback, reference: str) -> Any:
    before = len(server.requests)
    await in_tree(pilot, reference, "enter")
    await pilot.press("ctrl+r")
    await until(pilot, lambda: len(server.requests) > before)
    return server.last


class TestSaved:
    async def test_headers_auth_and_variables_reach_the_server_and_comments_stay(
        self, running: Running, workspace: Workspace, server: Loopback
    ) -> None:
        file = workspace.folder_path("payments")
        file.write_text('schema = 1\n# ours\nname = "Payments"  # the team\norder = ["show", "create"]\n')
        async with running(workspace) as pilot:
            editor = await settings(pilot)
            await add_row(pilot, "X-Team", "{{team}}")
            await enter_tab(pilot, editor, "vars")
            await add_row(pilot, "team", "red")
            await enter_tab(pilot, editor, "auth")
            await pilot.press("right", "right", "right", "down", "enter")
            await type_text(pilot, "{{team}}-token")
            await pilot.press("enter")
            assert screen_of(pilot).edited == ("payments/folder",)
            assert workspace.load_folder("payments").headers == ()
            await save(pilot)
            got = await sent(pilot, server, "payments/show")
            assert got.header("X-Team") == "red"
            assert got.header("Authorization") == "Bearer red-token"
        text = file.read_text()
        assert "# ours" in text
        assert "# the team" in text
        assert 'order = ["show", "create"]' in text

    async def test_until_then_they_are_not_sent_which_is_said(
        self, running: Running, workspace: Workspace, server: Loopback
    ) -> None:
        async with running(workspace) as pilot:
            await settings(pilot)
            await add_row(pilot, "X-Team", "red")
            assert (await sent(pilot, server, "payments/show")).header("X-Team") is None
            assert any('unsaved edits of folder "payments"' in notice for notice in notices(pilot))
            pilot.app.clear_notifications()
            await sent(pilot, server, "health")
            assert not notices(pilot)

    async def test_of_all_requests_reach_those_in_no_folder(
        self, running: Running, workspace: Workspace, server: Loopback
    ) -> None:
        async with running(workspace) as pilot:
            await settings(pilot, "")
            assert "What all requests inherit" in screen_text(pilot)
            await add_row(pilot, "X-All", "yes")
            await save(pilot)
            assert (await sent(pilot, server, "health")).header("X-All") == "yes"
        assert (workspace.path / "requests" / "folder.toml").is_file()

    async def test_a_script_runs_for_the_requests_below(
        self, running: Running, session: Session, workspace: Workspace, server: Loopback
    ) -> None:
        (workspace.path / "scripts").mkdir()
        (workspace.path / "scripts" / "mark.py").write_text("hush.request.headers.append(('X-Script', 'ran'))\n")
        async with running(workspace) as pilot:
            editor = await settings(pilot, tab="scripts")
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
            await type_text(pilot, "mark")
            await pilot.press("enter")
            await until(pilot, lambda: editor.folder.scripts.before_request)
            await save(pilot)
        assert workspace.load_folder("payments").scripts == Scripts(before_request="mark.py")

    async def test_the_label_is_the_trees(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            await settings(pilot, tab="info")
            await type_text(pilot, " 2")
            await save(pilot)
            assert "payments 2" in screen_text(pilot)


class TestNothingIsLost:
    async def test_edits_stay_while_a_request_is_looked_at_and_are_marked(
        self, running: Running, workspace: Workspace
    ) -> None:
        async with running(workspace) as pilot:
            await settings(pilot)
            await add_row(pilot, "X-Team", "red")
            screen = await in_tree(pilot, "health", "enter")
            assert screen.request is not None
            assert "payments" in screen.query_one(RequestTree).edited
            editor = await settings(pilot)
            assert editor.folder.headers == (Field("X-Team", "red"),)

    async def test_revert_throws_them_away_after_a_question(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            editor = await settings(pilot)
            await add_row(pilot, "X-Team", "red")
            await press_alt(pilot, "z")
            await until(pilot, lambda: "Throw away" in screen_text(pilot))
            await pilot.press("left", "enter")
            await until(pilot, lambda: not screen_of(pilot).edited)
            assert editor.folder.headers == ()

    async def test_another_programs_change_is_asked_about(self, running: Running, workspace: Workspace) -> None:
        file = workspace.folder_path("payments")
        async with running(workspace) as pilot:
            editor = await settings(pilot)
            await add_row(pilot, "X-Mine", "1")
            file.write_text('schema = 1\nname = "payments"\nheaders = [{ name = "X-Theirs", value = "2" }]\n')
            await pilot.press("f9")
            await until(pilot, lambda: "another program" in screen_text(pilot))
            await pilot.press("down", "enter")
            await until(pilot, lambda: not screen_of(pilot).edited)
            assert editor.folder.headers == (Field("X-Theirs", "2"),)

    async def test_a_change_on_disk_is_shown_where_nothing_is_edited(
        self, running: Running, workspace: Workspace
    ) -> None:
        async with running(workspace) as pilot:
            editor = await settings(pilot)
            workspace.save_folder("payments", Folder(name="payments", headers=(Field("X-Theirs", "2"),)))
            screen_of(pilot).session_resumed()
            await pilot.pause()
            assert editor.folder.headers == (Field("X-Theirs", "2"),)

    async def test_the_trees_order_is_no_conflict_and_is_kept(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            await settings(pilot)
            await add_row(pilot, "X-Mine", "1")
            await in_tree(pilot, "payments/show", "K")
            await until(pilot, lambda: workspace.load_folder("payments").order == ("show", "create"))
            await save(pilot)
        saved = workspace.load_folder("payments")
        assert (saved.order, saved.headers) == (("show", "create"), (Field("X-Mine", "1"),))

    async def test_they_follow_a_rename_of_the_folder(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            await settings(pilot)
            await add_row(pilot, "X-Mine", "1")
            await in_tree(pilot, "payments", "r")
            await type_text(pilot, "-2")
            await pilot.press("enter")
            await until(pilot, lambda: screen_of(pilot).reference == "payments-2/folder")
            assert screen_of(pilot).edited == ("payments-2/folder",)
            await save(pilot)
        saved = workspace.load_folder("payments-2")
        assert (saved.name, saved.headers) == ("payments-2", (Field("X-Mine", "1"),))

    async def test_leaving_asks(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            await settings(pilot)
            await add_row(pilot, "X-Mine", "1")
            assert not screen_of(pilot).leave_workspace_allowed(lambda: None)
            await until(pilot, lambda: 'folder "payments"' in screen_text(pilot))
            await pilot.press("enter")
            await until(pilot, lambda: not screen_of(pilot).edited)
        assert workspace.load_folder("payments").headers == (Field("X-Mine", "1"),)

    async def test_deleting_the_folder_closes_it(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            editor = await settings(pilot)
            await add_row(pilot, "X-Mine", "1")
            screen = await in_tree(pilot, "payments", "d")
            await until(pilot, lambda: "Delete the folder" in screen_text(pilot))
            await pilot.press("left", "enter")
            await until(pilot, lambda: screen.reference == "")
            assert not editor.display
            await in_tree(pilot, "health", "u")
            await until(pilot, lambda: screen.edited == ("payments/folder",))


async def test_a_broken_file_says_why_and_keeps_the_rest_going(running: Running, workspace: Workspace) -> None:
    file = workspace.folder_path("payments")
    file.write_text("schema = 1\nheadrs = []\n")
    async with running(workspace) as pilot:
        screen = await in_tree(pilot, "payments", "e")
        await until(pilot, lambda: "headrs" in screen_text(pilot))
        await pilot.press("escape")
        assert screen.reference == ""
        await in_tree(pilot, "health", "enter")
        assert screen.request is not None
    assert file.read_text() == "schema = 1\nheadrs = []\n"


class TestWhatIsInherited:
    @pytest.fixture
    def workspace(self, workspace: Workspace) -> Workspace:
        workspace.save_folder("", Folder(headers=(Field("X-Root", "r"), Field("X-Team", "all"))))
        workspace.save_folder(
            "payments",
            Folder(name="payments", headers=(Field("X-Team", "red"),), auth=ApiKeyAuth("X-Key", "k")),
        )
        workspace.save_request("payments/show", Request(name="Show", url="{{base_url}}/echo"))
        return workspace

    async def given(self, pilot: Pilot[Any], reference: str = "payments/show") -> InheritedHeaders:
        screen = await in_tree(pilot, reference, "enter")
        screen.editor.show_tab("headers")
        await pilot.pause()
        table = screen.editor.query_one(InheritedHeaders)
        table.focus()
        await pilot.pause()
        return table

    async def test_headers_stand_below_with_their_folder(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            table = await self.given(pilot)
            assert [row.cells for row in table.rows] == [("X-Root", "r", "requests"), ("X-Team", "red", "payments")]
            assert "From folders" in screen_text(pilot)

    async def test_space_leaves_one_out_and_lets_it_in_again(
        self, running: Running, workspace: Workspace, server: Loopback
    ) -> None:
        async with running(workspace) as pilot:
            table = await self.given(pilot)
            await pilot.press("space")
            await pilot.pause()
            assert [row.enabled for row in table.rows] == [False, True]
            await save(pilot)
            got = await sent(pilot, server, "payments/show")
            assert got.header("X-Root") is None
            assert got.header("X-Team") == "red"
            table = await self.given(pilot)
            await pilot.press("space")
            await save(pilot)
            assert (await sent(pilot, server, "payments/show")).header("X-Root") == "r"
        assert workspace.load_request("payments/show").headers == ()

    async def test_enter_writes_another_value_here(
        self, running: Running, workspace: Workspace, server: Loopback
    ) -> None:
        async with running(workspace) as pilot:
            table = await self.given(pilot)
            await pilot.press("down", "enter")
            await type_text(pilot, "der")
            await pilot.press("enter")
            await pilot.pause()
            assert [row.enabled for row in table.rows] == [True, None]
            assert (await sent(pilot, server, "payments/show")).header("X-Team") == "redder"
        assert workspace.load_folder("payments").headers == (Field("X-Team", "red"),)

    async def test_a_saved_folder_is_seen_in_the_request_at_once(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            await self.given(pilot)
            await settings(pilot)
            await add_row(pilot, "X-New", "n")
            await save(pilot)
            table = await self.given(pilot)
            assert ("X-New", "n", "payments") in [row.cells for row in table.rows]
            screen = screen_of(pilot)
            screen.editor.show_tab("auth")
            await until(pilot, lambda: 'Key, from folder "payments"' in screen_text(pilot))

    async def test_a_folder_shows_what_is_above_it_and_not_its_own(
        self, running: Running, workspace: Workspace
    ) -> None:
        async with running(workspace) as pilot:
            editor = await settings(pilot)
            table = editor.query_one(InheritedHeaders)
            assert [(row.cells, row.enabled) for row in table.rows] == [
                (("X-Root", "r", "requests"), True),
                (("X-Team", "all", "requests"), None),
            ]

    async def test_a_script_of_a_folder_is_shown_where_none_is_named(
        self, running: Running, workspace: Workspace
    ) -> None:
        workspace.save_folder("payments", Folder(name="payments", scripts=Scripts(before_request="sign.py")))
        async with running(workspace, size=(120, 40)) as pilot:
            screen = await in_tree(pilot, "payments/show", "enter")
            screen.editor.show_tab("options")
            await until(pilot, lambda: 'sign.py, from folder "payments"' in screen_text(pilot))
            assert screen.editor.finish().scripts == Scripts()

    async def test_typed_rows_stay_when_a_folder_changes_on_disk(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            await self.given(pilot)
            screen = screen_of(pilot)
            screen.editor.query_one("#headers", KeyValueTable).focus()
            await add_row(pilot, "X-Own", "1")
            workspace.save_folder("payments", Folder(name="payments", headers=(Field("X-Other", "o"),)))
            screen.session_resumed()
            await pilot.pause()
            assert screen.edited == ("payments/show",)
            assert screen.editor.request.headers == (Field("X-Own", "1"),)
            table = screen.editor.query_one(InheritedHeaders)
            assert ("X-Other", "o", "payments") in [row.cells for row in table.rows]
