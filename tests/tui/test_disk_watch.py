"""What another program does to the files while they are shown, without a key being pressed."""

from __future__ import annotations

import shutil
from typing import Any

import msgspec
from textual.pilot import Pilot

from core.models import Field, Folder, Request
from core.workspace.workspace import Workspace
from tests.tui.conftest import Running, screen_text, type_text, until
from tests.tui.test_requests import opened, screen_of, tree_of
from tui.screens.dialogs import PickDialog


async def seen(pilot: Pilot[Any], text: str) -> None:
    """The app looks by itself, every two seconds."""
    await until(pilot, lambda: text in screen_text(pilot))


def written(workspace: Workspace, url: str) -> None:
    """By another program, which knows nothing of the app."""
    request = Request(name="Show", url=url)
    Workspace(workspace.path).save_request("payments/show", request)


async def test_a_request_that_comes_or_goes_is_in_the_tree_or_not(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        await opened(pilot, "payments/show")
        other = Workspace(workspace.path)
        other.save_request("payments/refunds/all", Request(name="All refunds"))
        await seen(pilot, "refunds")
        assert screen_of(pilot).reference == "payments/show"
        assert screen_of(pilot).focused is screen_of(pilot).bar.url
        shutil.rmtree(other.path / "requests" / "payments" / "refunds")
        await until(pilot, lambda: "refunds" not in screen_text(pilot))


async def test_the_open_request_is_shown_as_its_file_is_now(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        screen = await opened(pilot, "payments/show")
        written(workspace, "{{base_url}}/elsewhere")
        await seen(pilot, "{{base_url}}/elsewhere")
        assert screen.edited == ()


async def test_the_open_request_is_closed_with_its_file(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        screen = await opened(pilot, "payments/show")
        workspace.request_path("payments/show").unlink()
        await seen(pilot, "Pick a request in the tree")
        assert screen.focused is tree_of(pilot)


async def test_what_it_inherits_is_shown_as_it_is_now(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        screen = await opened(pilot, "payments/show")
        screen.editor.show_tab("headers")
        other = Workspace(workspace.path)
        other.save_folder("payments", Folder(name="Payments", headers=(Field("X-Team", "blue"),)))
        await seen(pilot, "X-Team")
        base = other.load_environment("base")
        variables = {**base.variables, "base_url": "http://127.0.0.1:9/new"}
        other.save_environment("base", msgspec.structs.replace(base, variables=variables))
        await type_text(pilot, "/")
        await pilot.press("home", "right", "right", "right")
        await seen(pilot, "base_url from the base environment: http://127.0.0.1:9/new")


async def test_unsaved_edits_stay_and_are_told_of_their_file(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        screen = await opened(pilot, "payments/show")
        await type_text(pilot, "/mine")
        written(workspace, "{{base_url}}/theirs")
        await seen(pilot, "its file was changed meanwhile: f9 asks")
        assert screen.request is not None
        assert screen.request.url == "{{base_url}}/echo/mine"
        await pilot.press("f9")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
        await pilot.press("enter")
        await until(pilot, lambda: workspace.load_request("payments/show").url == "{{base_url}}/echo/mine")
        await until(pilot, lambda: "meanwhile" not in screen_text(pilot))


async def test_both_can_be_kept(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        screen = await opened(pilot, "payments/show")
        await type_text(pilot, "/mine")
        written(workspace, "{{base_url}}/theirs")
        await pilot.press("f9")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
        await pilot.press("end", "enter")
        await until(pilot, lambda: screen.reference == "payments/show-mine")
        assert workspace.load_request("payments/show").url == "{{base_url}}/theirs"
        kept = workspace.load_request("payments/show-mine")
        assert (kept.name, kept.url) == ("Show (mine)", "{{base_url}}/echo/mine")
        assert screen.edited == ()
        tree_of(pilot).focus()
        await pilot.press("u")
        await until(pilot, lambda: not workspace.request_path("payments/show-mine").exists())
        assert workspace.load_request("payments/show").url == "{{base_url}}/theirs"
