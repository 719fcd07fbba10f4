"""Edits that outlive an app that was ended: whole, private, once, and never with a secret in them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from core.models import Field, Folder, JsonBody, Request
from core.paths import Paths
from core.redactor import Redactor
from core.secret import Secret
from core.workspace import unsaved
from core.workspace.workspace import Workspace, WorkspaceKey

EDIT = Request(name="A", method="PUT", url="{{base}}/a", headers=(Field("X", "1"),), body=JsonBody(text='{"a": 1}'))


@pytest.fixture
def key(tmp_path: Path) -> WorkspaceKey:
    return Workspace.create(tmp_path / "ws", "W").key


def test_they_come_back_once_and_only_to_their_workspace(paths: Paths, key: WorkspaceKey, tmp_path: Path) -> None:
    other = Workspace.create(tmp_path / "other", "Other").key
    folder = Folder(name="F", headers=(Field("X", "1"),))
    unsaved.keep(paths, key, {"a": EDIT, "f/folder": folder}, Redactor())
    assert unsaved.take_back(paths, other) == {}
    assert unsaved.take_back(paths, key) == {"a": EDIT, "f/folder": folder}
    assert unsaved.take_back(paths, key) == {}


def test_two_apps_that_were_ended_together_keep_the_edits_of_both(paths: Paths, key: WorkspaceKey) -> None:
    unsaved.keep(paths, key, {"a": EDIT}, Redactor())
    unsaved.keep(paths, key, {"b": Request(url="b")}, Redactor())
    assert set(unsaved.take_back(paths, key)) == {"a", "b"}


def test_only_this_user_can_read_them(paths: Paths, key: WorkspaceKey) -> None:
    unsaved.keep(paths, key, {"a": EDIT}, Redactor())
    (file,) = (paths.state / "unsaved").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_an_edit_with_the_value_of_a_secret_in_it_is_not_written(paths: Paths, key: WorkspaceKey) -> None:
    redactor = Redactor()
    redactor.add("token", Secret("s3cr3t-value"))
    pasted = Request(url="https://x", headers=(Field("Authorization", "Bearer s3cr3t-value"),))
    unsaved.keep(paths, key, {"a": EDIT, "pasted": pasted}, redactor)
    assert unsaved.take_back(paths, key) == {"a": EDIT}
    assert b"s3cr3t" not in b"".join(path.read_bytes() for path in paths.state.rglob("*") if path.is_file())


@pytest.mark.parametrize("damage", [b'{"a": [', b'{"\xff": {}}', b'{"a": {"name": "\xff"}}'])
def test_a_damaged_file_is_as_none(paths: Paths, key: WorkspaceKey, damage: bytes) -> None:
    unsaved.keep(paths, key, {"a": EDIT}, Redactor())
    (file,) = (paths.state / "unsaved").iterdir()
    file.write_bytes(damage)
    assert unsaved.take_back(paths, key) == {}
