"""The requests mode by its keys: what is in the files, what the server got, what the screen shows."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot

from core.models import Environment, Field, FileBody, Request, Variable
from core.paths import Surroundings
from core.session import Session, open_session
from core.workspace.workspace import Workspace
from tests.loopback import Loopback
from tests.tui.conftest import Running, notices, press_alt, screen_text, type_text, until
from tui.app import HushpostApp
from tui.screens.dialogs import AskTextDialog, ConfirmDialog, PickDialog
from tui.screens.requests import RequestsScreen
from tui.widgets.request_tree import RequestTree
from tui.widgets.template_input import TemplateInput


def screen_of(pilot: Pilot[Any]) -> RequestsScreen:
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, RequestsScreen)
    return screen


def tree_of(pilot: Pilot[Any]) -> RequestTree:
    return screen_of(pilot).query_one(RequestTree)


async def opened(pilot: Pilot[Any], reference: str) -> RequestsScreen:
    screen = screen_of(pilot)
    tree_of(pilot).select(reference)
    tree_of(pilot).focus()
    await pilot.pause()
    await pilot.press("enter")
    await pilot.pause()
    assert screen.reference == reference
    return screen


class TestSending:
    async def test_ctrl_r_sends_the_request_rendered_in_the_active_environment(
        self, running: Running, workspace: Workspace, server: Loopback
    ) -> None:
        async with running(workspace) as pilot:
            await opened(pilot, "payments/create")
            await pilot.press("ctrl+r")
            await until(pilot, lambda: server.requests)
            got = server.requests[0]
            assert got.method == "POST"
            assert got.path == "/echo/42"
            assert got.query == {"limit": "10"}
            assert got.header("X-Tenant") == "acme"
            assert got.header("X-Off") is None
            assert got.body == b'{"amount": 100}'

    async def test_unsaved_edits_are_sent_and_not_written(
        self, running: Running, workspace: Workspace, server: Loopback
    ) -> None:
        async with running(workspace) as pilot:
            await opened(pilot, "payments/show")
            await type_text(pilot, "/more")
            await pilot.press("ctrl+r")
            await until(pilot, lambda: server.requests)
            assert server.requests[0].path == "/echo/more"
            assert workspace.load_request("payments/show").url == "{{base_url}}/echo"

    @pytest.mark.parametrize(
        ("request_", "cause", "cure"),
        [
            (
                Request(name="Health", url="{{base_url}}", headers=(Field("X-Who", "{{nobody}}"),)),
                'header "X-Who": ',
                'define "nobody" in an environment',
            ),
            (
                Request(name="Health", url="{{base_url}}", body=FileBody("up/load.bin")),
                "up/load.bin: does not exist",
                "put the file there, or correct its path",
            ),
        ],
        ids=["variable", "file"],
    )
    async def test_what_cannot_be_sent_is_named_with_where_it_stands(
        self, running: Running, workspace: Workspace, request_: Request, cause: str, cure: str
    ) -> None:
        workspace.save_request("health", request_)
        async with running(workspace, size=(200, 40)) as pilot:
            await opened(pilot, "health")
            await pilot.press("ctrl+r")
            await until(pilot, lambda: cure in screen_text(pilot))
            # As if its lines had not been broken, wherever the path of the workspace breaks them.
            unbroken = re.sub(r"[\s\u258f\u2502]+", "", screen_text(pilot))
            assert cause.replace(" ", "") in unbroken

    async def test_enter_in_the_address_sends(self, running: Running, workspace: Workspace, server: Loopback) -> None:
        async with running(workspace) as pilot:
            await opened(pilot, "health")
            await pilot.press("enter")
            await until(pilot, lambda: server.requests)

    async def test_escape_cancels_what_is_being_sent(
        self, running: Running, workspace: Workspace, server: Loopback
    ) -> None:
        workspace.save_request("health", Request(name="Health", url="{{base_url}}/hold"))
        async with running(workspace) as pilot:
            screen = await opened(pilot, "health")
            await pilot.press("ctrl+r")
            await until(pilot, lambda: server.requests)
            await pilot.press("escape")
            await until(pilot, lambda: "cancelled" in notices(pilot))
            await until(pilot, lambda: not screen.is_sending)

    async def test_escape_stops_a_body_that_has_begun_and_shows_it(
        self, running: Running, workspace: Workspace, server: Loopback
    ) -> None:
        workspace.save_request("health", Request(name="Health", url="{{base_url}}/stream"))
        async with running(workspace) as pilot:
            screen = await opened(pilot, "health")
            await pilot.press("ctrl+r")
            await until(pilot, lambda: "esc stops" in screen_text(pilot))
            await pilot.press("escape")
            await until(pilot, lambda: not screen.is_sending)
            await until(pilot, lambda: "cut short: it was stopped" in screen_text(pilot))

    async def test_an_undefined_variable_sends_nothing_and_is_named(
        self, running: Running, workspace: Workspace, server: Loopback
    ) -> None:
        async with running(workspace) as pilot:
            await opened(pilot, "health")
            await type_text(pilot, "?x={{nobody}}")
            await pilot.press("ctrl+r")
            await until(pilot, lambda: '"nobody" is not defined' in screen_text(pilot).replace("\n", " "))
            assert not server.requests

    async def test_a_question_in_the_request_is_asked_and_its_answer_sent(
        self, running: Running, workspace: Workspace, server: Loopback
    ) -> None:
        workspace.save_request("health", Request(url="{{base_url}}/echo", query=(Field("q", "{{?Which one}}"),)))
        async with running(workspace) as pilot:
            await opened(pilot, "health")
            await pilot.press("ctrl+r")
            await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
            assert "Which one" in screen_text(pilot)
            await type_text(pilot, "this")
            await pilot.press("enter")
            await until(pilot, lambda: server.requests)
            assert server.requests[0].query == {"q": "this"}

    async def test_ctrl_t_switches_the_environment_for_the_next_send(
        self, running: Running, workspace: Workspace, session: Session, server: Loopback
    ) -> None:
        async with running(workspace) as pilot:
            await opened(pilot, "payments/create")
            await pilot.press("ctrl+t")
            await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
            await type_text(pilot, "prod")
            await pilot.press("enter")
            await until(pilot, lambda: session.environment == "production")
            await pilot.pause()
            assert "production" in screen_text(pilot).splitlines()[0]
            await pilot.press("ctrl+r")
            await until(pilot, lambda: server.requests)
            assert server.requests[0].header("X-Tenant") == "prod"


class TestEditing:
    async def test_a_saved_edit_is_in_the_file_and_keeps_its_comments(
        self, running: Running, workspace: Workspace
    ) -> None:
        file = workspace.request_path("payments/show")
        file.write_text("# who wrote this\n" + file.read_text())
        async with running(workspace) as pilot:
            await opened(pilot, "payments/show")
            await type_text(pilot, "/x")
            await pilot.press("f9")
            await until(pilot, lambda: workspace.load_request("payments/show").url == "{{base_url}}/echo/x")
        assert file.read_text().startswith("# who wrote this\n")

    async def test_saving_writes_only_what_was_edited(self, running: Running, workspace: Workspace) -> None:
        before = workspace.request_path("payments/create").read_text()
        async with running(workspace) as pilot:
            await opened(pilot, "payments/create")
            await pilot.press("end", "backspace", "d", "ctrl+s")
            await until(pilot, lambda: not screen_of(pilot).edited)
            await pilot.pause()
            for _ in range(7):
                await pilot.press("alt+right")
        assert workspace.request_path("payments/create").read_text() == before

    async def test_an_edit_marks_the_request_and_taking_it_back_unmarks_it(
        self, running: Running, workspace: Workspace
    ) -> None:
        async with running(workspace) as pilot:
            screen = await opened(pilot, "payments/show")
            await type_text(pilot, "x")
            assert list(screen.edited) == ["payments/show"]
            assert re.search(r"GET  Show +\*", screen_text(pilot))
            await pilot.press("backspace")
            assert not screen.edited

    async def test_edits_of_one_request_are_kept_while_another_is_looked_at(
        self, running: Running, workspace: Workspace
    ) -> None:
        async with running(workspace) as pilot:
            await opened(pilot, "payments/show")
            await type_text(pilot, "/kept")
            await opened(pilot, "health")
            screen = await opened(pilot, "payments/show")
            assert screen.query_one("#url", TemplateInput).value == "{{base_url}}/echo/kept"
            assert screen.edited == ("payments/show",)

    async def test_quitting_with_unsaved_edits_asks_and_saves_them(
        self, running: Running, workspace: Workspace
    ) -> None:
        async with running(workspace) as pilot:
            await opened(pilot, "payments/show")
            await type_text(pilot, "/kept")
            await pilot.press("ctrl+c")
            await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
            await pilot.press("enter")
            await until(pilot, lambda: pilot.app._exit)
        assert workspace.load_request("payments/show").url == "{{base_url}}/echo/kept"

    async def test_staying_keeps_the_app_and_the_edits(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            screen = await opened(pilot, "payments/show")
            await type_text(pilot, "/kept")
            await pilot.press("ctrl+c")
            await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
            await pilot.press("escape")
            await until(pilot, lambda: pilot.app.screen is screen)
            assert screen.edited == ("payments/show",)
            assert not pilot.app._exit

    async def test_a_file_changed_by_another_program_is_not_overwritten_unasked(
        self, running: Running, workspace: Workspace
    ) -> None:
        async with running(workspace) as pilot:
            screen = await opened(pilot, "payments/show")
            await type_text(pilot, "/mine")
            workspace.save_request("payments/show", Request(name="Show", url="https://theirs.example/longer"))
            await pilot.press("f9")
            await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
            await pilot.press("escape")
            await until(pilot, lambda: pilot.app.screen is screen)
            assert workspace.load_request("payments/show").url == "https://theirs.example/longer"
            assert screen.edited == ("payments/show",)

    async def test_a_file_that_is_gone_is_written_anew_when_the_person_says_so(
        self, running: Running, workspace: Workspace
    ) -> None:
        async with running(workspace) as pilot:
            screen = await opened(pilot, "payments/show")
            await type_text(pilot, "/mine")
            workspace.request_path("payments/show").unlink()
            await pilot.press("f9")
            await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
            assert "is no longer there" in " ".join(screen_text(pilot).split())
            await pilot.press("y")
            await until(pilot, lambda: pilot.app.screen is screen and not screen.edited)
        assert workspace.load_request("payments/show").url == "{{base_url}}/echo/mine"

    async def test_the_method_is_chosen_from_the_usual_ones_by_arrow(
        self, running: Running, workspace: Workspace
    ) -> None:
        async with running(workspace) as pilot:
            screen = await opened(pilot, "payments/show")
            await pilot.press("shift+tab", "down", "f9")
            await until(pilot, lambda: not screen.edited)
        assert workspace.load_request("payments/show").method == "POST"

    async def test_the_method_is_chosen_by_its_first_letter(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            screen = await opened(pilot, "payments/show")
            await pilot.press("shift+tab")
            for keys, method in (("d", "DELETE"), ("p", "POST"), ("pp", "PATCH"), ("p", "POST"), ("z", "POST")):
                await pilot.press(*keys)
                assert screen.bar.method.method == method
            await pilot.press("f9")
            await until(pilot, lambda: not screen.edited)
        assert workspace.load_request("payments/show").method == "POST"

    async def test_any_token_can_be_the_method(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            screen = await opened(pilot, "payments/show")
            await pilot.press("shift+tab", "enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
            await type_text(pilot, "another")
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, AskTextDialog))
            await pilot.press("ctrl+u")
            await type_text(pilot, "PUR GE")
            await pilot.press("enter")
            assert isinstance(pilot.app.screen, AskTextDialog)
            await pilot.press("ctrl+u")
            await type_text(pilot, "PURGE")
            await pilot.press("enter")
            await until(pilot, lambda: screen.edited)
            await pilot.press("f9")
            await until(pilot, lambda: not screen.edited)
        assert workspace.load_request("payments/show").method == "PURGE"


class TestTabs:
    async def test_a_header_is_added_by_keys_alone(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            screen = await opened(pilot, "payments/show")
            await pilot.press("tab", "right", "down", "n")
            await type_text(pilot, "Accept")
            await pilot.press("tab")
            await type_text(pilot, "text/plain")
            await pilot.press("enter", "f9")
            await until(pilot, lambda: not screen.edited)
        assert workspace.load_request("payments/show").headers == (Field("Accept", "text/plain"),)

    async def test_a_cell_being_edited_counts_when_the_request_is_sent(
        self, running: Running, workspace: Workspace, server: Loopback
    ) -> None:
        async with running(workspace) as pilot:
            await opened(pilot, "payments/show")
            await pilot.press("tab", "right", "down", "n")
            await type_text(pilot, "X-New")
            await pilot.press("tab")
            await type_text(pilot, "{{tenant}}")
            await pilot.press("ctrl+r")
            await until(pilot, lambda: server.requests)
            assert server.requests[0].header("X-New") == "acme"

    async def test_every_kind_of_body_is_shown_in_turn(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace, size=(100, 40)) as pilot:
            screen = await opened(pilot, "health")
            screen.editor.show_tab("body")
            await pilot.pause()
            screen.query_one("#kinds").focus()
            await pilot.pause()
            for _ in range(7):
                await pilot.press("right")
            await until(pilot, lambda: "Variables (JSON)" in screen_text(pilot))
            await pilot.press("left", "left", "left")
            await until(pilot, lambda: "no fields yet: n adds one" in screen_text(pilot))

    async def test_another_kind_of_body_is_thrown_away_at_the_end(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            screen = await opened(pilot, "payments/create")
            screen.editor.show_tab("body")
            await pilot.pause()
            screen.query_one("#kinds").focus()
            await pilot.press("left")
            await until(pilot, lambda: "This request has no body" in screen_text(pilot))
            await pilot.press("f4", "q")
            await until(pilot, lambda: "Throw them away" in screen_text(pilot))
            await pilot.press("down", "enter")
            await until(pilot, lambda: not pilot.app.is_running)
        assert pilot.app.return_code == 0

    async def test_n_on_a_path_parameter_adds_a_query_parameter(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            screen = await opened(pilot, "payments/create")
            screen.query_one("#path TableLines").focus()
            await pilot.pause()
            await pilot.press("n")
            await type_text(pilot, "page")
            await pilot.press("tab")
            await type_text(pilot, "2")
            await pilot.press("enter")
            assert screen.editor.finish().query == (Field("limit", "10"), Field("page", "2"))

    async def test_the_body_is_typed_and_sent(self, running: Running, workspace: Workspace, server: Loopback) -> None:
        async with running(workspace) as pilot:
            screen = await opened(pilot, "payments/show")
            screen.query_one("RequestEditor").show_tab("body")  # type: ignore[attr-defined]
            await pilot.press("tab", "tab", "right", "down")
            await pilot.pause()
            await type_text(pilot, "[1]")
            await pilot.press("ctrl+r")
            await until(pilot, lambda: server.requests)
            assert server.requests[0].body == b"[1]"
            assert server.requests[0].header("Content-Type") == "application/json"

    async def test_the_auth_type_is_chosen_and_its_fields_filled_in(
        self, running: Running, workspace: Workspace, server: Loopback
    ) -> None:
        async with running(workspace) as pilot:
            screen = await opened(pilot, "payments/show")
            screen.query_one("RequestEditor").show_tab("auth")  # type: ignore[attr-defined]
            await pilot.press("tab", "tab", "right", "right", "right", "down", "enter")
            await type_text(pilot, "t{{payment_id}}")
            await pilot.press("enter", "ctrl+r")
            await until(pilot, lambda: server.requests)
            assert server.requests[0].header("Authorization") == "Bearer t42"

    async def test_an_option_that_cannot_be_is_refused_and_said(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            screen = await opened(pilot, "payments/show")
            screen.query_one("RequestEditor").show_tab("options", enter=True)  # type: ignore[attr-defined]
            await pilot.pause()
            await pilot.press("enter")
            await type_text(pilot, "soon")
            await pilot.press("enter")
            await until(pilot, lambda: any("number" in notice for notice in notices(pilot)))
            assert not screen.edited
            await pilot.press("enter")
            await type_text(pilot, "2.5")
            await pilot.press("enter", "down", "space", "f9")
            await until(pilot, lambda: not screen.edited)
        options = workspace.load_request("payments/show").options
        assert options.timeout == 2.5
        assert options.follow_redirects is False


class TestNames:
    async def test_the_hint_line_says_where_a_value_comes_from(
        self, running: Running, workspace: Workspace, session: Session
    ) -> None:
        async with running(workspace) as pilot:
            await opened(pilot, "payments/show")
            await pilot.press("home")
            await pilot.pause()
            assert "base_url from the base environment: http://127.0.0.1" in screen_text(pilot)

    async def test_a_secrets_value_is_never_offered_or_shown(self, running: Running, workspace: Workspace) -> None:
        base = workspace.load_environment("base")
        variables = {**base.variables, "api_key": Variable(secret=True)}
        workspace.save_environment("base", Environment(variables=variables))
        async with running(workspace) as pilot:
            await opened(pilot, "payments/show")
            await type_text(pilot, "{{api")
            await pilot.pause()
            assert "secret  the base environment" in screen_text(pilot)
            await pilot.press("enter")
            await pilot.pause()
            assert "never shown" in screen_text(pilot)

    async def test_completing_puts_the_whole_name_and_its_braces(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            screen = await opened(pilot, "payments/show")
            await type_text(pilot, "{{pay")
            await pilot.press("tab")
            assert screen.query_one("#url", TemplateInput).value == "{{base_url}}/echo{{payment_id}}"
            assert screen.focused is screen.query_one("#url")


class TestTree:
    async def test_new_request_in_the_folder_under_the_cursor(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            tree_of(pilot).select("payments")
            await pilot.press("n")
            await until(pilot, lambda: isinstance(pilot.app.screen, AskTextDialog))
            await type_text(pilot, "Refund it")
            await pilot.press("enter")
            await until(pilot, lambda: screen_of(pilot).reference == "payments/refund-it")
            assert workspace.load_request("payments/refund-it").name == "Refund it"

    async def test_new_folder(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            await pilot.press("f")
            await until(pilot, lambda: isinstance(pilot.app.screen, AskTextDialog))
            await type_text(pilot, "Refunds")
            await pilot.press("enter")
            await until(pilot, lambda: (workspace.path / "requests" / "refunds").is_dir())

    async def test_renaming_the_open_request_follows_it(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            screen = await opened(pilot, "payments/show")
            await pilot.press("escape", "r")
            await until(pilot, lambda: isinstance(pilot.app.screen, AskTextDialog))
            await pilot.press("ctrl+u")
            await type_text(pilot, "Look")
            await pilot.press("enter")
            await until(pilot, lambda: screen.reference == "payments/look")
            assert workspace.load_request("payments/look").name == "Look"
            assert not workspace.request_path("payments/show").exists()

    async def test_moving_to_another_folder(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            tree_of(pilot).select("health")
            await pilot.press("m")
            await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
            await type_text(pilot, "pay")
            await pilot.press("enter")
            await until(pilot, lambda: workspace.request_path("payments/health").exists())
            assert not workspace.request_path("health").exists()

    async def test_duplicating(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            tree_of(pilot).select("payments/create")
            await pilot.press("c")
            await until(pilot, lambda: len(workspace.requests()) == 4)
            copy = next(
                one for one in workspace.requests() if one.startswith("payments/create") and one != "payments/create"
            )
            assert workspace.load_request(copy).body == workspace.load_request("payments/create").body

    async def test_order_is_changed_by_keys(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            before = [one for one in workspace.requests() if one.startswith("payments/")]
            tree_of(pilot).select(before[1])
            await pilot.press("alt+up")
            await until(
                pilot, lambda: [one for one in workspace.requests() if one.startswith("payments/")] == before[::-1]
            )

    async def test_deleting_asks_and_esc_deletes_nothing(self, running: Running, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            tree_of(pilot).select("payments")
            await pilot.press("d")
            await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
            await pilot.press("enter")
            await until(pilot, lambda: not isinstance(pilot.app.screen, ConfirmDialog))
            assert len(workspace.requests()) == 3
            await pilot.press("d")
            await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
            await pilot.press("left", "enter")
            await until(pilot, lambda: workspace.requests() == ["health"])

    async def test_a_broken_file_is_a_row_and_the_others_work(
        self, running: Running, workspace: Workspace, server: Loopback
    ) -> None:
        workspace.request_path("payments/show").write_text("schema = 1\nmethodd = 3\n")
        async with running(workspace) as pilot:
            tree_of(pilot).select("payments/show")
            await pilot.press("enter")
            await until(pilot, lambda: "methodd" in screen_text(pilot))
            await pilot.press("escape")
            await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
            assert notices(pilot) == []
            assert screen_of(pilot).reference == ""
            await opened(pilot, "health")
            await pilot.press("ctrl+r")
            await until(pilot, lambda: server.requests)


async def test_no_size_breaks_it_and_what_was_typed_survives(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        screen = await opened(pilot, "payments/create")
        await type_text(pilot, "q")
        for width, height in ((160, 45), (60, 18), (40, 12), (20, 5), (5, 2), (1, 1), (2, 40), (200, 1), (80, 24)):
            await pilot.resize_terminal(width, height)
            for key in ("tab", "down", "ctrl+p", "escape"):
                await pilot.press(key)
        assert screen.edited == ("payments/create",)
        assert "payments/create" in screen_text(pilot)


async def test_below_the_smallest_size_one_line_says_so(running: Running, workspace: Workspace) -> None:
    async with running(workspace, size=(59, 20)) as pilot:
        await pilot.pause()
        assert screen_text(pilot).split() == ["hushpost", "needs", "60x18,", "this", "is", "59x20"]


async def test_foreign_names_and_values_are_shown_letter_by_letter(running: Running, workspace: Workspace) -> None:
    workspace.save_request(
        "health",
        Request(
            name="[bold]x[/] \x1b[31mred\u202e", url="{{base_url}}/[red]a", headers=(Field("[b]", "\x1b]0;t\x07"),)
        ),
    )
    async with running(workspace) as pilot:
        await opened(pilot, "health")
        await pilot.press("tab", "right", "down")
        await pilot.pause()
        text = screen_text(pilot)
        assert "[bold]x[/]" in text
        assert "/[red]a" in text
        assert "[b]" in text
        screen_of(pilot).editor.show_tab("info")
        await until(pilot, lambda: "[bold]x[/] \ufffd[31mred\ufffd" in screen_text(pilot))
        text += screen_text(pilot)
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "\x07" not in text


async def test_reverting_asks_and_shows_the_file_again(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        screen = await opened(pilot, "payments/show")
        await type_text(pilot, "/wrong")
        await press_alt(pilot, "z")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("left", "enter")
        await until(pilot, lambda: not screen.edited)
        assert screen.query_one("#url", TemplateInput).value == "{{base_url}}/echo"


async def test_zoom_gives_the_focused_pane_the_room_and_back(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        screen = await opened(pilot, "payments/show")
        await pilot.press("ctrl+o")
        await pilot.pause()
        assert screen.query_one("#editor").size.width == 80
        await pilot.press("ctrl+o")
        await pilot.pause()
        assert screen.query_one("#tree").display
        assert screen.query_one("#editor").size.width < 80


async def test_preview_shows_names_instead_of_secrets_and_asks_no_vault(
    running: Running, workspace: Workspace, server: Loopback
) -> None:
    workspace.save_environment("base", Environment(variables={"base_url": server.url, "key": Variable(secret=True)}))
    workspace.save_request("health", Request(url="{{base_url}}/x", headers=(Field("X-Key", "{{key}}"),)))
    async with running(workspace) as pilot:
        await opened(pilot, "health")
        await press_alt(pilot, "p")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
        await pilot.pause()
        assert "X-Key: {{key}}" in screen_text(pilot)
        assert f"{server.url}/x" in screen_text(pilot)
        assert not server.requests


async def test_alt_and_a_letter_types_nothing_into_the_body(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        screen = await opened(pilot, "payments/create")
        screen.editor.show_tab("body", enter=True)
        await until(pilot, lambda: screen.focused is not None and screen.focused.id != "url")
        await pilot.press("tab", "shift+tab")
        for letter in "uxk":
            await press_alt(pilot, letter)
        assert not screen.edited


async def test_what_was_open_is_open_at_the_next_start(surroundings: Surroundings, workspace: Workspace) -> None:
    @asynccontextmanager
    async def started() -> AsyncIterator[Pilot[Any]]:
        app = HushpostApp(open_session(surroundings, headless=False), start=workspace.path)
        async with app.run_test() as pilot:
            await pilot.pause()
            yield pilot

    async with started() as pilot:
        await opened(pilot, "payments/show")
    async with started() as pilot:
        assert screen_of(pilot).reference == "payments/show"
        assert screen_of(pilot).focused is tree_of(pilot)
        row = tree_of(pilot).current
        assert row is not None
        assert row.reference == "payments/show"
    workspace.request_path("payments/show").unlink()
    async with started() as pilot:
        assert "Pick a request" in screen_text(pilot)
        await opened(pilot, "health")
    workspace.request_path("health").write_text("not = [toml")
    async with started() as pilot:
        assert "Pick a request" in screen_text(pilot)
        assert len(pilot.app.screen_stack) == 1
