"""What this user knows and allows: kept by (workspace id, real path), private, and safe with two processes at once."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.consent.registry import LOCAL, Registry
from core.errors import FileError
from core.paths import Paths
from core.workspace.workspace import Workspace, WorkspaceKey
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[3]


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
def registry(paths: Paths) -> Registry:
    return Registry(paths, clock=Clock())


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "shop", "Shop")


@pytest.fixture
def key(workspace: Workspace) -> WorkspaceKey:
    return workspace.key


def test_without_a_file_nothing_is_known_and_nothing_is_written(paths: Paths, key: WorkspaceKey) -> None:
    registry = Registry(paths)
    assert registry.known() == []
    assert registry.credential_for(key, "vault") is None
    assert not registry.approved(key, "vault", "https://x")
    assert not registry.granted(key, "scripts", "sha")
    assert registry.allowed_files(key) == frozenset()
    assert registry.active_environment(key) is None
    assert not paths.config.exists()


def test_workspaces_are_known_by_their_last_use(registry: Registry, workspace: Workspace, tmp_path: Path) -> None:
    other = Workspace.create(tmp_path / "other", "Other")
    for used in (workspace, other, workspace):
        registry.remember(used)
    known = registry.known()
    assert [(one.name, one.path) for one in known] == [("Shop", workspace.real_path), ("Other", other.real_path)]
    assert known[0].last_used == datetime(2026, 1, 1, 0, 3, tzinfo=UTC)
    registry.forget(workspace.key)
    assert [one.name for one in registry.known()] == ["Other"]


def test_everything_is_kept_for_the_next_start(registry: Registry, paths: Paths, key: WorkspaceKey) -> None:
    registry.bind(key, "vault", "mine")
    registry.approve(key, "vault", ["https://api.example.com", "insecure https://x"])
    registry.approve(key, LOCAL, ["http://localhost"])
    registry.grant(key, "scripts", "sha-1")
    registry.allow_file(key, Path("/etc/hosts"))
    registry.set_active_environment(key, "production")
    registry.set_expanded(key, {"b", "a"})
    registry.set_shown(key, "payments/create")
    again = Registry(paths)
    assert again.bindings(key) == {"vault": "mine"}
    assert again.credential_for(key, "vault") == "mine"
    assert again.approved(key, "vault", "https://api.example.com")
    assert again.approved(key, LOCAL, "http://localhost")
    assert again.approvals(key) == {
        "vault": ("https://api.example.com", "insecure https://x"),
        LOCAL: ("http://localhost",),
    }
    assert again.granted(key, "scripts", "sha-1")
    assert again.allowed_files(key) == {Path("/etc/hosts").resolve()}
    assert again.active_environment(key) == "production"
    assert again.expanded(key) == {"a", "b"}
    assert again.shown(key) == "payments/create"


def test_what_was_open_brings_no_forgotten_workspace_back(
    registry: Registry, workspace: Workspace, key: WorkspaceKey
) -> None:
    registry.remember(workspace)
    registry.forget(key)
    registry.set_shown(key, "payments/create")
    assert registry.known() == []
    assert registry.shown(key) == ""


def test_an_approval_is_for_exactly_that(registry: Registry, key: WorkspaceKey) -> None:
    registry.approve(key, "vault", ["https://api.example.com"])
    for credential, need in (
        ("vault", "https://api.example.co"),
        ("vault", "http://api.example.com"),
        ("vault", "insecure https://api.example.com"),
        ("other", "https://api.example.com"),
        (LOCAL, "https://api.example.com"),
    ):
        assert not registry.approved(key, credential, need)
    registry.revoke(key, "vault", ["https://api.example.com"])
    assert not registry.approved(key, "vault", "https://api.example.com")
    assert registry.approvals(key) == {}


def test_a_grant_is_for_exactly_these_scripts(registry: Registry, key: WorkspaceKey) -> None:
    registry.grant(key, "scripts", "sha-1")
    assert not registry.granted(key, "scripts", "sha-2")
    assert not registry.granted(key, "secrets", "sha-1")
    assert not registry.granted(key, "secrets", "")
    registry.withdraw(key, "scripts")
    assert not registry.granted(key, "scripts", "sha-1")


def test_a_copy_of_a_workspace_starts_with_nothing(registry: Registry, workspace: Workspace, tmp_path: Path) -> None:
    registry.remember(workspace)
    registry.bind(workspace.key, "vault", "mine")
    registry.approve(workspace.key, "vault", ["https://x"])
    registry.allow_file(workspace.key, Path("/etc/hosts"))
    shutil.copytree(workspace.path, tmp_path / "clone")
    clone = Workspace.open(tmp_path / "clone")
    assert clone.id == workspace.id
    assert registry.bindings(clone.key) == {}
    assert registry.approvals(clone.key) == {}
    assert registry.allowed_files(clone.key) == frozenset()
    assert [one.key for one in registry.elsewhere(clone.key)] == [workspace.key]
    registry.remember(clone)
    assert len(registry.known()) == 2


def test_another_workspace_at_the_same_path_starts_with_nothing(registry: Registry, workspace: Workspace) -> None:
    registry.bind(workspace.key, "vault", "mine")
    shutil.rmtree(workspace.path)
    other = Workspace.create(workspace.path, "Shop")
    assert registry.bindings(other.key) == {}
    registry.remember(other)
    assert registry.bindings(workspace.key) == {"vault": "mine"}


def test_taking_over_moves_what_was_allowed(registry: Registry, workspace: Workspace, tmp_path: Path) -> None:
    registry.remember(workspace)
    registry.bind(workspace.key, "vault", "mine")
    registry.approve(workspace.key, "vault", ["https://x"])
    moved = Workspace.open(workspace.path.rename(tmp_path / "moved"))
    registry.take_over(workspace.key, moved.key)
    assert registry.bindings(moved.key) == {"vault": "mine"}
    assert registry.approved(moved.key, "vault", "https://x")
    assert [one.key for one in registry.known()] == [moved.key]


def test_binding_to_another_credential_ends_what_was_approved(registry: Registry, key: WorkspaceKey) -> None:
    registry.bind(key, "vault", "mine")
    registry.approve(key, "vault", ["https://x"])
    registry.bind(key, "vault", "mine")
    assert registry.approved(key, "vault", "https://x")
    registry.bind(key, "vault", "another")
    assert not registry.approved(key, "vault", "https://x")
    registry.approve(key, "vault", ["https://y"])
    registry.unbind(key, "vault")
    assert registry.credential_for(key, "vault") is None
    assert not registry.approved(key, "vault", "https://y")


def test_bindings_follow_a_renamed_credential_and_end_with_a_deleted_one(
    registry: Registry, workspace: Workspace, tmp_path: Path
) -> None:
    other = Workspace.create(tmp_path / "other").key
    for one in (workspace.key, other):
        registry.bind(one, "vault", "mine")
        registry.bind(one, "team", "theirs")
        registry.approve(one, "vault", ["https://x"])
    registry.rename_credential("mine", "new name")
    for one in (workspace.key, other):
        assert registry.bindings(one) == {"vault": "new name", "team": "theirs"}
        assert registry.approved(one, "vault", "https://x")
    registry.forget_credential("new name")
    for one in (workspace.key, other):
        assert registry.bindings(one) == {"team": "theirs"}
        assert not registry.approved(one, "vault", "https://x")


def test_a_file_outside_is_allowed_by_its_real_path(registry: Registry, key: WorkspaceKey, tmp_path: Path) -> None:
    target, link = tmp_path / "target.pem", tmp_path / "link.pem"
    target.write_text("")
    link.symlink_to(target)
    registry.allow_file(key, link)
    assert registry.allowed_files(key) == {target.resolve()}
    registry.disallow_file(key, link)
    assert registry.allowed_files(key) == frozenset()


@pytest.mark.parametrize(
    "name", [b"with space", b"dot.s", b'quo"te', b"back\\slash", b"\xff\xfe", b"\\xff", b"new\nline"]
)
def test_any_path_is_kept_exactly(registry: Registry, paths: Paths, tmp_path: Path, name: bytes) -> None:
    place = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    workspace = Workspace.create(place, "W")
    registry.remember(workspace)
    registry.bind(workspace.key, "vault", "mine")
    registry.allow_file(workspace.key, place / "x")
    again = Registry(paths)
    assert [one.key for one in again.known()] == [workspace.key]
    assert again.allowed_files(workspace.key) == {(place / "x").resolve()}


def test_paths_that_only_look_alike_are_kept_apart(registry: Registry) -> None:
    paths = [Path(os.fsdecode(name)) for name in (b"/w/\xff", b"/w/\\xff", b"/w/\\\\xff", b"/w/\\\xff")]
    for number, path in enumerate(paths):
        registry.bind(WorkspaceKey("12345678", path), "vault", f"c{number}")
    for number, path in enumerate(paths):
        assert registry.credential_for(WorkspaceKey("12345678", path), "vault") == f"c{number}"


def test_only_this_user_can_read_it(registry: Registry, paths: Paths, key: WorkspaceKey) -> None:
    before = os.umask(0)
    try:
        registry.bind(key, "vault", "mine")
    finally:
        os.umask(before)
    assert stat.S_IMODE(paths.config.stat().st_mode) == 0o700
    for path in paths.config.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    paths.workspaces.chmod(0o644)
    registry.bind(key, "vault", "another")
    assert stat.S_IMODE(paths.workspaces.stat().st_mode) == 0o600


def test_the_users_comments_are_kept(registry: Registry, paths: Paths, key: WorkspaceKey) -> None:
    registry.bind(key, "vault", "mine")
    paths.workspaces.write_text("# edited by hand\n" + paths.workspaces.read_text())
    registry.bind(key, "team", "theirs")
    assert paths.workspaces.read_text().startswith("# edited by hand\nschema = 1\n")


def test_what_another_process_wrote_counts_at_once(paths: Paths, key: WorkspaceKey) -> None:
    one, other = Registry(paths), Registry(paths)
    one.bind(key, "vault", "mine")
    assert other.credential_for(key, "vault") == "mine"
    one.bind(key, "vault", "none")
    assert other.credential_for(key, "vault") == "none"
    one.forget(key)
    assert other.credential_for(key, "vault") is None


def test_a_file_that_cannot_be_read_allows_nothing_and_is_left_alone(paths: Paths, key: WorkspaceKey) -> None:
    registry = Registry(paths)
    registry.bind(key, "vault", "mine")
    for text in ("schema = 9\n", "broken = ", "workspaces = 3"):
        paths.workspaces.write_text(text)
        for attempt in (
            lambda: Registry(paths).credential_for(key, "vault"),
            lambda: Registry(paths).bind(key, "vault", "other"),
            registry.known,
        ):
            with pytest.raises(FileError) as caught:
                attempt()
            assert caught.value.path == paths.workspaces
        assert paths.workspaces.read_text() == text


def test_a_home_that_cannot_be_written_is_an_error_by_name(paths: Paths, key: WorkspaceKey) -> None:
    paths.config.parent.mkdir(parents=True, exist_ok=True)
    paths.config.write_text("a file stands here")
    with pytest.raises(FileError, match="cannot be written"):
        Registry(paths).bind(key, "vault", "mine")


def test_two_processes_at_once_lose_nothing(paths: Paths, key: WorkspaceKey) -> None:
    code = (
        "import sys; from pathlib import Path; from core.paths import Paths\n"
        "from core.consent.registry import Registry; from core.workspace.workspace import WorkspaceKey\n"
        "config, id, path, name = sys.argv[1:]\n"
        "registry = Registry(Paths(Path(config), Path(config), Path(config)))\n"
        "for n in range(12): registry.bind(WorkspaceKey(id, Path(path)), f'{name}{n}', 'mine')\n"
    )
    arguments = [str(paths.config), key.id, str(key.path)]
    writers = [subprocess.Popen([sys.executable, "-c", code, *arguments, name], cwd=ROOT) for name in "ab"]
    assert [writer.wait(PATIENCE_S) for writer in writers] == [0, 0]
    expected = {f"{name}{n}": "mine" for name in "ab" for n in range(12)}
    assert Registry(paths).bindings(key) == expected
