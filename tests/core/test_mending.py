"""What is said of a broken file: which one, which line, which key, and no value of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.mending import broken
from core.paths import Paths
from core.workspace.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "ws", "Payments")


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "text", "line", "key", "message"),
    [
        ("requests/a.toml", 'method = "GET"\nurl = "x\n', 2, "", "is not valid TOML"),
        ("requests/a.toml", 'method = "GET"\nurl = 5\n', 2, "url", "must be a text, not a whole number"),
        ("requests/a.toml", 'url = "x"\n\n[options]\ntimeout = "soon"\n', 4, "options.timeout", "must be"),
        (
            "requests/a.toml",
            'headers = [\n    { name = "a", value = "b" },\n    { name = "a", value = 7 },\n]\n',
            3,
            "headers[1].value",
            "must be a text",
        ),
        ("requests/f/folder.toml", "order = 3\n", 1, "order", "must be"),
        ("requests/f/folder.toml", 'name = "F"\nurl = "x"\n', 2, "url", "is not a key that belongs here"),
        ("environments/e.toml", '[variables]\na = "1"\n\n[variables."b.c"]\nvalue = 9\n', 5, "variables.b.c.value", ""),
        (
            "environments/e.toml",
            "[variables.v]\nsecret = 9\n\n[variables.v2]\nvalue = 9\n",
            2,
            "variables.v.secret",
            "",
        ),
        ("workspace.toml", "schema = 1\nid = 4\n", 2, "id", "must be a text"),
        ("workspace.toml", "schema = 1\n", None, "id", "is missing"),
    ],
)
def test_a_file_of_a_workspace(
    workspace: Workspace, paths: Paths, name: str, text: str, line: int | None, key: str, message: str
) -> None:
    found = broken(written(workspace.path / name, text), paths)
    assert found is not None
    assert (found.line, found.key) == (line, key)
    assert message in found.message
    assert "at line" not in found.message


def test_the_users_own_files(paths: Paths) -> None:
    settings = broken(written(paths.settings, "timeout = 5\nmouse = 1\n"), paths)
    assert settings is not None
    assert (settings.line, settings.key) == (2, "mouse")
    known = broken(written(paths.workspaces, "[workspaces\n"), paths)
    assert known is not None
    assert known.line == 1


def test_a_good_file_a_missing_one_and_a_strangers_are_no_problem(
    workspace: Workspace, paths: Paths, tmp_path: Path
) -> None:
    assert broken(workspace.path / "workspace.toml", paths) is None
    assert broken(workspace.path / "requests" / "none.toml", paths) is None
    assert broken(written(tmp_path / "other.toml", "[["), paths) is None


def test_no_value_is_quoted(workspace: Workspace, paths: Paths) -> None:
    found = broken(written(workspace.path / "environments/e.toml", '[variables.a]\nvalue = "hunter-22'), paths)
    assert found is not None
    assert "hunter" not in repr(found)


def test_a_large_file_is_looked_through_in_a_moment(workspace: Workspace, paths: Paths) -> None:
    rows = "".join(f'    {{ name = "n{at}", value = "v" }},\n' for at in range(5_000))
    text = f'headers = [\n{rows}    {{ name = "bad", value = 1 }},\n]\n'
    found = broken(written(workspace.path / "requests/a.toml", text), paths)
    assert found is not None
    assert found.key == "headers[5000].value"
