"""On a full disk or a home that cannot be written, what was there stays whole, and what was typed stays typed."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.models import Environment, Request
from core.paths import Paths
from core.secret import Secret
from core.session import Session
from core.workspace.workspace import Workspace
from tests.loopback import Loopback
from tests.terminal import TerminalApp
from tests.tui.conftest import Running, notices, until
from tests.tui.test_typeahead import burst
from tests.vault_app import PASSPHRASE, cheap_store
from tui.screens.requests import RequestsScreen
from tui.screens.variable_form import VariableDialog


class Disk:
    """A small file system of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        with self._ballast.open("wb", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while file.write(b"x" * size):
                        pass
                except OSError as error:
                    assert error.errno == errno.ENOSPC  # noqa: PT017 - the expected end of the loop

    def free(self) -> None:
        self._ballast.unlink()

    def make_read_only(self) -> None:
        subprocess.run(["mount", "-o", "remount,ro", self.folder], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a file system needs more rights")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def paths(disk: Disk) -> Paths:
    return Paths(config=disk.folder / "config", data=disk.folder / "data", state=disk.folder / "state")


@pytest.fixture
def workspace(disk: Disk, server: Loopback) -> Workspace:
    made = Workspace.create(disk.folder / "ws", "On a small disk")
    made.save_environment("base", Environment(name="Base", variables={"base_url": server.url}))
    made.create_request("", "Health", Request(name="Health", url="{{base_url}}/status/200"))
    return made


def full(texts: list[str]) -> bool:
    return any("no space left" in text for text in texts)


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "ballast" and "history" not in path.parts
    }


async def test_a_request_is_kept_in_the_editor_until_there_is_room(
    running: Running, workspace: Workspace, disk: Disk
) -> None:
    async with running(workspace) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, RequestsScreen)
        await burst(pilot, "enter", "end", *"?a=1")
        await until(pilot, lambda: screen.edited)
        before = everything(disk.folder)
        disk.fill()
        await burst(pilot, "f9")
        await until(pilot, lambda: full(notices(pilot)))
        assert everything(disk.folder) == before
        assert screen.edited == ("health",)
        disk.free()
        await burst(pilot, "f9")
        await until(pilot, lambda: not screen.edited)
    assert workspace.load_request("health").url == "{{base_url}}/status/200?a=1"


async def test_variables_secrets_and_settings(
    running: Running, session: Session, workspace: Workspace, disk: Disk
) -> None:
    cheap_store(session)
    await session.create_store(passphrase=Secret(PASSPHRASE))
    async with running(workspace) as pilot:
        # What the first write makes is there.
        session.save_settings(session.settings)
        before = everything(disk.folder)
        disk.fill()
        await burst(pilot, "f8", "enter", "ctrl+u", *"12", "enter")
        await until(pilot, lambda: full(notices(pilot)))
        assert session.settings.cache_minutes == 30
        pilot.app.clear_notifications()
        await burst(pilot, "f4", "a", *"hidden", "tab", "right", "tab", *"pa55", "enter")
        await until(pilot, lambda: full(notices(pilot)))
        assert everything(disk.folder) == before
        # What could not be saved is still in its fields, the secret too.
        await until(pilot, lambda: isinstance(pilot.app.screen, VariableDialog))
        disk.free()
        await burst(pilot, "enter")
        await until(pilot, lambda: "hidden" in workspace.load_environment("base").variables)
        assert session.values.has("environments/base", "hidden")
        await burst(pilot, "f8", "enter", "ctrl+u", *"12", "enter")
        await until(pilot, lambda: session.settings.cache_minutes == 12)


async def test_sending_goes_on_without_a_history_on_the_disk(
    running: Running, session: Session, workspace: Workspace, disk: Disk, server: Loopback
) -> None:
    cheap_store(session)
    await session.create_store(passphrase=Secret(PASSPHRASE))
    disk.fill()
    async with running(workspace) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, RequestsScreen)
        await burst(pilot, "enter", "ctrl+r")
        await until(pilot, lambda: screen.opened.answers)
        await until(pilot, lambda: session.history.list())
    assert len(server.requests) == 1


def test_a_home_that_cannot_be_written(tmp_path: Path, disk: Disk, server: Loopback) -> None:
    workspace = Workspace.create(tmp_path / "elsewhere", "Elsewhere")
    workspace.create_request("", "Health", Request(name="Health", url=f"{server.url}/status/200"))
    disk.make_read_only()
    hushpost = Path(sys.executable).with_name("hushpost")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    environment = {**kept, "TERM": "xterm-256color", "HOME": str(disk.folder)}
    command = [str(hushpost), "open", str(workspace.path)]
    with TerminalApp(command, environment=environment, folder=tmp_path, columns=120) as app:
        app.wait_for(lambda text: "changes are gone at the end" in " ".join(text.split()))
        app.press("enter")
        app.wait_for("/status/200")
        app.press("end", "?", "f9")
        app.wait_for('saved "health"')
        app.press("ctrl+r")
        app.wait_for("200 OK")
        app.press("ctrl+c", "ctrl+c")
        assert app.wait_exit() == 0
    assert workspace.load_request("health").url.endswith("/status/200?")
