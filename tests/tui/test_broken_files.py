"""Files that cannot be read: told until they are mended, opened in the person's editor, and never written meanwhile."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from core.paths import Paths
from core.session import Session
from core.settings import Settings, load_settings
from core.workspace.workspace import Workspace
from tests.terminal import TerminalApp
from tests.tui.conftest import Running, screen_text, until
from tests.vault_app import back, rows, said, shown
from tui.screens.broken_file import BrokenFileDialog
from tui.widgets.rows import Rows

BAD = 'method = "GET"\nurl = 5\n'
GOOD = 'method = "PUT"\nurl = "https://example.com"\n'


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


async def mended(pilot: Pilot[Any], path: Path, text: str) -> None:
    """Mend it as another program would, and read it again."""
    await pilot.press("r")
    await until(pilot, lambda: "still cannot be read" in said(pilot))
    written(path, text)
    await pilot.press("r")
    await back(pilot)


async def test_a_request_opens_once_it_is_mended(running: Running, workspace: Workspace) -> None:
    path = written(workspace.request_path("health"), BAD)
    async with running(workspace) as pilot:
        await until(pilot, lambda: "!" in screen_text(pilot))
        await pilot.press("enter")
        await shown(pilot, BrokenFileDialog)
        for told in (str(path), "Line 2", "Key url", "must be a text", "Nothing is lost"):
            # A long path is broken where the line ends.
            assert told.replace(" ", "") in said(pilot).replace(" ", "")
        await pilot.press("escape")
        await back(pilot)
        assert path.read_text() == BAD
        await pilot.press("enter")
        await shown(pilot, BrokenFileDialog)
        await mended(pilot, path, GOOD)
        await until(pilot, lambda: "https://example.com" in screen_text(pilot))


async def test_a_folder_is_mended_when_a_request_below_it_is_sent(running: Running, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        await pilot.press("down", "down", "enter")
        path = written(workspace.folder_path("payments"), "name = 7\n")
        await pilot.press("ctrl+r")
        await shown(pilot, BrokenFileDialog)
        assert "Key name" in said(pilot)
        await mended(pilot, path, 'name = "Payments"\n')
        await until(pilot, lambda: "200 OK" in screen_text(pilot))


async def test_an_environment_stays_a_row_and_a_panel(running: Running, workspace: Workspace) -> None:
    path = written(workspace.environment_path("staging"), "[variables]\ntenant = 4\n")
    async with running(workspace) as pilot:
        await pilot.press("f4")
        await until(
            pilot, lambda: pilot.app.current_mode == "environments" and rows(pilot, "#environments")[2][0] == "!"
        )
        await pilot.press("left", "end")
        await pilot.pause()
        for told in ("Line 2", "Key variables.tenant", "Press e"):
            assert told in said(pilot)
        await pilot.press("e")
        await shown(pilot, BrokenFileDialog)
        await mended(pilot, path, '[variables]\ntenant = "x"\n')
        await until(pilot, lambda: rows(pilot, "#environments")[2][0] != "!")


async def test_the_list_of_workspaces_and_a_workspace_in_it(
    running: Running, workspace: Workspace, paths: Paths, session: Session
) -> None:
    session.registry.remember(workspace)
    good = paths.workspaces.read_text()
    written(paths.workspaces, good + "[")
    async with running(None) as pilot:
        await shown(pilot, BrokenFileDialog)
        await pilot.press("escape")
        await back(pilot)
        assert "list of workspaces cannot be read" in screen_text(pilot)
        await pilot.press("enter")
        await shown(pilot, BrokenFileDialog)
        await mended(pilot, paths.workspaces, good)
        await until(pilot, lambda: "Payments API" in screen_text(pilot))
        own = workspace.path / "workspace.toml"
        kept = own.read_text()
        written(own, kept.replace("id =", "ids ="))
        await pilot.press("enter")
        await shown(pilot, BrokenFileDialog)
        assert "Key ids" in said(pilot) or "Key id" in said(pilot)
        await mended(pilot, own, kept)
        await until(pilot, lambda: pilot.app.current_mode == "requests")


async def test_settings_that_broke_meanwhile_lose_neither_change(
    running: Running, workspace: Workspace, paths: Paths, session: Session
) -> None:
    session.save_settings(Settings(timeout=11.0))
    good = paths.settings.read_text()
    async with running(workspace) as pilot:
        await pilot.press("f8")
        await until(pilot, lambda: pilot.app.current_mode == "settings")
        await pilot.pause()
        written(paths.settings, good + "mouse = 3\n")
        pilot.app.screen.query_one(Rows).go_to("mouse")
        await pilot.press("enter")
        await shown(pilot, BrokenFileDialog)
        await mended(pilot, paths.settings, good.replace("11", "12"))
        await until(pilot, lambda: load_settings(paths).mouse is False)
        assert msgspec.structs.replace(load_settings(paths), mouse=True) == Settings(timeout=12.0)


class TestSettingsAtTheStart:
    @pytest.fixture
    def broken(self, paths: Paths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
        paths.ensure()
        script = written(
            tmp_path / "editor.py",
            "import pathlib, sys\nfile = pathlib.Path(sys.argv[1])\n"
            "file.write_text(file.read_text().replace('1', 'false'))\n",
        )
        monkeypatch.setenv("EDITOR", shlex.join([sys.executable, str(script)]))
        return written(paths.settings, "mouse = 1\n")

    def command(self, home: Path, paths: Paths, workspace: Workspace) -> TerminalApp:
        hushpost = Path(sys.executable).with_name("hushpost")
        environment = {**os.environ, "TERM": "xterm-256color", "HUSHPOST_CONFIG_DIR": str(paths.config)}
        return TerminalApp([str(hushpost), "open", str(workspace.path)], environment=environment, folder=home)

    def test_are_mended_in_the_editor_and_the_app_goes_on(
        self, home: Path, paths: Paths, workspace: Workspace, broken: Path
    ) -> None:
        with self.command(home, paths, workspace) as app:
            app.wait_for("settings.toml cannot be read")
            app.press("enter")
            app.wait_for(lambda text: "Health" in text and "can be read again" in text)
            app.press("ctrl+c", "ctrl+c")
            app.wait_exit()
        assert broken.read_text() == "mouse = false\n"
        assert app.status == 0

    def test_end_it_where_the_person_would_rather_not(
        self, home: Path, paths: Paths, workspace: Workspace, broken: Path
    ) -> None:
        with self.command(home, paths, workspace) as app:
            app.wait_for("settings.toml cannot be read")
            app.press("escape")
            app.wait_exit()
        assert broken.read_text() == "mouse = 1\n"
        assert app.status == 2
