"""What the beginning of a path is completed to."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.workspace.offered_files import offered_files, offered_folders
from core.workspace.workspace import Workspace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = Workspace.create(tmp_path / "ws").path
    for file in ("Avatar.png", "data/a.csv", "data/deep/b.csv", ".env", ".git/config", "bell\a.txt", "../outside.txt"):
        (made / file).parent.mkdir(parents=True, exist_ok=True)
        (made / file).write_text("x")
    (made / "away").symlink_to(tmp_path)
    return made


def test_what_the_workspace_holds_is_offered_without_what_it_is_made_of(folder: Path) -> None:
    assert offered_files(folder, "") == [("away/", "folder"), ("data/", "folder"), ("Avatar.png", "")]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("av", ["Avatar.png"]),
        ("data/", ["data/deep/", "data/a.csv"]),
        ("data/deep/B", ["data/deep/b.csv"]),
        (".", [".env"]),
        ("nothing", []),
        ("nowhere/", []),
        ("Avatar.png/", []),
        ("../", []),
        ("away/", []),
        (".git/", []),
        ("data/../.git/", []),
        ("/etc/", []),
        ("a\0/", []),
    ],
)
def test_a_beginning_goes_on_inside_the_workspace_only(folder: Path, typed: str, offered: list[str]) -> None:
    assert [path for path, _ in offered_files(folder, typed)] == offered


def test_folders_are_offered_from_the_root_or_the_home_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "Work").mkdir()
    (tmp_path / ".hidden").mkdir()
    assert offered_folders("~/w") == [("~/Work/", ""), ("~/ws/", "workspace")]
    assert offered_folders(f"{tmp_path}/.h") == [(f"{tmp_path}/.hidden/", "")]
    assert offered_folders("~/ws/data/") == [("~/ws/data/deep/", "")]
    assert ("/tmp/", "") in offered_folders("/tm")
    for typed in ("", "~", "w", "ws/da", "~nobody-here/", "~/nowhere/", "~/outside.txt/", "/\0/"):
        assert offered_folders(typed) == [], typed
