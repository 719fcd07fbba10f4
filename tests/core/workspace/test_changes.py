"""Changes of the request tree taken back and done again: the files to the letter, stored values, and what refuses."""

from __future__ import annotations

import os
import random
import stat
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from core.errors import FileError, HushpostError, StoreLocked
from core.models import Folder, Request, Variable
from core.paths import Paths, Surroundings
from core.secret import Secret
from core.session import Session, open_session
from core.workspace import trash
from core.workspace.workspace import Workspace
from tests.privileges import without_privileges

Attempt = Callable[[], Awaitable[Any]]
HOLDER = "requests/auth/login"


@pytest.fixture
async def session(paths: Paths, tmp_path: Path) -> AsyncIterator[Session]:
    """On a workspace with `auth/login`, `auth/logout` and `pay`, in an order that a person chose."""
    opened = open_session(Surroundings(paths), headless=False)
    made = opened.create_workspace(tmp_path / "shop", "Shop")
    made.create_folder("", "auth")
    made.create_request("auth", "login", Request(url="https://api.test/login"))
    made.create_request("auth", "logout")
    made.create_request("", "pay")
    made.save_folder("", Folder(order=("pay", "auth")))
    yield opened
    await opened.close()


@pytest.fixture
def workspace(session: Session) -> Workspace:
    assert session.workspace is not None
    return session.workspace


def files(workspace: Workspace) -> Mapping[str, bytes]:
    root = workspace.path / "requests"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


async def change_something(session: Session, workspace: Workspace, draw: random.Random) -> None:
    nodes = [node for top in workspace.tree() for node in top.walk()]
    folders = ["", *(node.ref for node in nodes if node.kind == "folder")]
    what = draw.choice(["request", "folder", "copy", "rename", "move", "order", "delete"])
    if what in ("request", "folder") or not nodes:
        parent, name = draw.choice(folders), draw.choice(["a", "B c", "é", "x" * 300, "..", "folder", "con"])
        if what == "folder":
            await session.changes.create_folder(parent, name)
        else:
            await session.changes.create_request(parent, name, Request(name=name))
        return
    node = draw.choice(nodes)
    if what == "copy":
        await session.changes.copy(node.ref, node.name)
    elif what == "rename":
        await session.changes.rename(node.ref, node.name, draw.choice(["new", "a", "B C", node.name]))
    elif what == "delete":
        await session.changes.delete(node.ref, node.name)
    else:
        parent = node.ref.rpartition("/")[0] if what == "order" else draw.choice(folders)
        if not (parent == node.ref or parent.startswith(f"{node.ref}/")):
            await session.changes.move(node.ref, node.name, parent, draw.choice([0, 1]) if what == "order" else None)


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_was_done_is_undone_step_by_step_to_the_letter_and_done_again(
    session: Session, workspace: Workspace, seed: int
) -> None:
    draw = random.Random(seed)
    states = [(files(workspace), workspace.requests())]
    for _ in range(16):
        await change_something(session, workspace, draw)
        if files(workspace) != states[-1][0]:
            states.append((files(workspace), workspace.requests()))
    for _ in range(2):
        seen = [states[-1]]
        while await session.changes.undo() is not None:
            if files(workspace) != seen[-1][0]:
                seen.append((files(workspace), workspace.requests()))
        assert seen == states[::-1]
        while await session.changes.redo() is not None:
            pass
        assert files(workspace) == states[-1][0]


async def test_each_undo_says_what_it_did(session: Session) -> None:
    changes = session.changes
    assert (await changes.create_request("", "new", Request())).sentence == 'made "new"'
    await changes.copy("pay", "pay")
    await changes.rename("pay", "pay", "Pay now")
    await changes.move("auth/login", "login", "")
    await changes.move("pay-now", "Pay now", "", 0)
    deleted = await changes.delete("auth", "auth")
    assert (deleted.old, deleted.new, deleted.sentence) == ("auth", None, 'deleted "auth"')
    said = []
    while (change := await changes.undo()) is not None:
        said.append(change.sentence)
    assert said == [
        'brought "auth" back to "requests"',
        'moved "Pay now" back to its place',
        'moved "login" back to "auth"',
        'renamed "Pay now" back to "pay"',
        'took back the copy "pay"',
        'took back the new "new"',
    ]
    assert await changes.undo() is None


async def test_a_new_change_ends_what_could_be_done_again(session: Session, workspace: Workspace) -> None:
    await session.changes.create_request("", "one", Request())
    await session.changes.undo()
    await session.changes.create_request("", "two", Request())
    assert await session.changes.redo() is None
    assert "two" in workspace.requests()


class TestRefusing:
    async def test_a_request_edited_since_it_was_made_is_not_taken_away(
        self, session: Session, workspace: Workspace
    ) -> None:
        await session.changes.create_request("", "new", Request())
        workspace.save_request("new", Request(name="new", url="https://work.test"))
        with pytest.raises(FileError, match="was changed since it was made"):
            await session.changes.undo()
        assert workspace.load_request("new").url == "https://work.test"
        assert await session.changes.undo() is None  # it does not stand before the change that came before it

    async def test_a_taken_place_is_not_overwritten_and_nothing_is_lost(
        self, session: Session, workspace: Workspace
    ) -> None:
        await session.changes.delete("auth/login", "login")
        path = workspace.request_path("auth/login")
        path.write_text('url = "https://other.test"\n')
        with pytest.raises(FileError, match="is taken by another") as caught:
            await session.changes.undo()
        assert caught.value.hint
        assert path.read_text() == 'url = "https://other.test"\n'
        path.unlink()
        await session.changes.undo()
        assert workspace.load_request("auth/login").url == "https://api.test/login"

    async def test_a_folder_of_the_same_name_counts_as_taken(self, session: Session, workspace: Workspace) -> None:
        await session.changes.delete("auth/login", "login")
        (workspace.path / "requests/auth/login").mkdir()
        with pytest.raises(FileError, match="is taken by another"):
            await session.changes.undo()

    async def test_a_folder_that_is_gone_is_named(self, session: Session, workspace: Workspace) -> None:
        await session.changes.move("auth/login", "login", "")
        workspace.delete("auth")
        with pytest.raises(FileError, match="auth: is not there any more"):
            await session.changes.undo()
        assert "login" in workspace.requests()

    async def test_what_is_gone_cannot_be_moved_back(self, session: Session, workspace: Workspace) -> None:
        await session.changes.move("auth/login", "login", "")
        workspace.request_path("login").unlink()
        with pytest.raises(FileError, match="is not there any more, so this change cannot be undone"):
            await session.changes.undo()
        assert await session.changes.undo() is None

    async def test_a_label_that_another_program_gave_stays(self, session: Session, workspace: Workspace) -> None:
        await session.changes.rename("pay", "pay", "Charge")
        workspace.save_request("charge", Request(name="Theirs"))
        with pytest.raises(FileError, match="was renamed by another program since"):
            await session.changes.undo()
        assert workspace.load_request("charge").name == "Theirs"

    async def test_an_order_that_another_program_chose_stays(self, session: Session, workspace: Workspace) -> None:
        await session.changes.move("pay", "pay", "", 1)
        workspace.save_folder("", Folder(order=("auth",)))
        with pytest.raises(FileError, match="the order was changed"):
            await session.changes.undo()
        assert workspace.load_folder("").order == ("auth",)


async def test_edits_made_after_a_rename_or_a_move_go_along_with_the_undo(
    session: Session, workspace: Workspace
) -> None:
    await session.changes.rename("pay", "pay", "Charge")
    await session.changes.move("charge", "Charge", "auth")
    edited = replace(workspace.load_request("auth/charge"), url="https://later.test")
    workspace.save_request("auth/charge", edited)
    workspace.save_folder("", replace(workspace.load_folder(""), variables={"region": "eu"}))
    await session.changes.undo()
    await session.changes.undo()
    assert workspace.load_request("pay") == Request(name="pay", url="https://later.test")
    assert workspace.load_folder("") == Folder(order=("pay", "auth"), variables={"region": "eu"})


async def test_what_is_deleted_is_private_and_gone_when_the_session_ends(
    session: Session, workspace: Workspace, paths: Paths
) -> None:
    await session.changes.delete("auth", "auth")
    kept = paths.state / "trash"
    assert [path.name for path in kept.rglob("login.toml")] == ["login.toml"]
    for folder in (kept, *kept.iterdir()):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    await session.close()
    assert list(kept.iterdir()) == []


async def test_a_home_that_cannot_be_written_does_not_keep_anyone_from_deleting(
    session: Session, workspace: Workspace, paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    paths.state.mkdir(exist_ok=True)
    (paths.state / "trash").write_text("in the way")
    before = files(workspace)
    await session.changes.delete("auth", "auth")
    assert workspace.requests() == ["pay"]
    await session.changes.undo()
    assert files(workspace) == before
    await session.changes.redo()
    await session.close()
    assert not [name for name in os.listdir(tmp_path) if name.startswith("hushpost-trash-")]  # noqa: PTH208


async def test_what_a_killed_run_left_is_deleted_after_a_week(
    session: Session, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, young = paths.state / "trash/old", paths.state / "trash/young"
    for folder in (old, young):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    await session.changes.delete("pay", "pay")
    assert not old.exists()
    assert young.exists()


async def test_only_so_much_is_kept_and_the_newest_always(
    session: Session, workspace: Workspace, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.workspace.changes.LIMIT", 300)
    for number in range(4):
        workspace.create_request("", f"big{number}", Request(url="u" * 200))
        await session.changes.delete(f"big{number}", f"big{number}")
    assert [path.name for path in (paths.state / "trash").rglob("*.toml")] == ["big3.toml"]
    assert (await session.changes.undo()) is not None
    assert (await session.changes.undo()) is None


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one file system only")
    with tempfile.TemporaryDirectory(dir=shared) as place:
        yield Path(place)


def test_another_file_system_keeps_it_too(session: Session, workspace: Workspace, elsewhere: Path) -> None:
    (workspace.path / "requests/auth/link.toml").symlink_to("login.toml")
    before = files(workspace)
    other = trash.Trash(elsewhere / "trash")
    folder = workspace.path / "requests/auth"
    kept = other.put(folder)
    assert not folder.exists()
    assert not list(folder.parent.glob(".*"))
    other.back(kept, folder)
    assert files(workspace) == before
    assert (folder / "link.toml").is_symlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trash, "LIMIT", 10)
        with pytest.raises(FileError, match="too much to be kept for undo"):
            other.put(folder)
    assert files(workspace) == before


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that any user may enter."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


async def test_a_folder_that_cannot_be_written_loses_nothing(place: Path) -> None:
    opened = open_session(
        Surroundings(Paths(config=Path(place, "c"), data=Path(place, "d"), state=Path(place, "s"))), headless=False
    )
    made = opened.create_workspace(Path(place, "shop"), "Shop")
    made.create_folder("", "auth")
    made.create_request("auth", "login")
    made.create_request("", "pay")
    before = files(made)
    with without_privileges(place):
        requests = made.path / "requests"
        requests.chmod(0o500)
        changes = opened.changes
        attempts: tuple[Attempt, ...] = (
            lambda: changes.create_request("", "new", Request()),
            lambda: changes.create_folder("", "new"),
            lambda: changes.copy("auth", "auth"),
            lambda: changes.rename("auth", "auth", "Other"),
            lambda: changes.move("pay", "pay", "auth"),
            lambda: changes.move("auth/login", "login", ""),
            lambda: changes.delete("auth", "auth"),
            lambda: changes.delete("pay", "pay"),
        )
        for attempt in attempts:
            with pytest.raises(FileError, match="permission denied"):
                await attempt()
            assert files(made) == before
        assert await changes.undo() is None
        requests.chmod(0o700)
    await opened.close()


class TestStoredValues:
    """`auth/login` has a secret variable, whose value is in the store."""

    @pytest.fixture(autouse=True)
    async def stored(self, session: Session, workspace: Workspace, home: Path) -> None:
        login = replace(workspace.load_request("auth/login"), variables={"pin": Variable(secret=True)})
        workspace.save_request("auth/login", login)
        await session.create_store(key_file=home / "key")
        await session.values.set(HOLDER, "pin", Secret("8642-pin"))

    def holders(self, session: Session) -> list[str]:
        return sorted(key.scope for key in session.store.value_keys())

    async def test_they_follow_a_rename_a_move_and_a_copy_and_come_back(self, session: Session) -> None:
        await session.changes.rename("auth/login", "login", "Sign in")
        await session.changes.rename("auth", "auth", "Users")
        assert self.holders(session) == ["requests/users/sign-in"]
        await session.changes.copy("users", "Users")
        assert self.holders(session) == ["requests/users-copy/sign-in", "requests/users/sign-in"]
        await session.changes.move("users", "Users", "users-copy")
        while await session.changes.undo() is not None:
            pass
        assert [holder for holder in self.holders(session) if not holder.startswith("deleted/")] == [HOLDER]
        assert session.values.has(HOLDER, "pin")

    async def test_a_deleted_request_has_no_value_until_it_is_back(self, session: Session, home: Path) -> None:
        await session.changes.delete("auth", "auth")
        assert session.values.has(HOLDER, "pin") is False
        session.lock()
        with pytest.raises(StoreLocked):
            await session.changes.undo()
        await session.unlock(key_file=home / "key")
        await session.changes.undo()
        assert session.values.has(HOLDER, "pin") is True

    async def test_they_are_gone_for_good_when_the_session_ends(self, session: Session, home: Path) -> None:
        await session.changes.delete("auth", "auth")
        await session.close()
        await session.unlock(key_file=home / "key")
        assert self.holders(session) == []

    async def test_a_locked_store_stops_what_would_leave_a_value_behind(
        self, session: Session, workspace: Workspace
    ) -> None:
        session.lock()
        before = files(workspace)
        attempts: tuple[Attempt, ...] = (
            lambda: session.changes.rename("auth", "auth", "Users"),
            lambda: session.changes.move("auth/login", "login", ""),
            lambda: session.changes.copy("auth/login", "login"),
            lambda: session.changes.delete("auth/login", "login"),
        )
        for attempt in attempts:
            with pytest.raises(StoreLocked):
                await attempt()
        assert files(workspace) == before
        await session.changes.delete("auth/logout", "logout")

    async def test_a_store_that_cannot_be_written_takes_the_change_back(
        self, session: Session, workspace: Workspace
    ) -> None:
        before = files(workspace)
        session.store.path.unlink()
        session.store.path.mkdir()
        attempts: tuple[Attempt, ...] = (
            lambda: session.changes.rename("auth/login", "login", "Sign in"),
            lambda: session.changes.copy("auth", "auth"),
            lambda: session.changes.delete("auth", "auth"),
        )
        for attempt in attempts:
            with pytest.raises(HushpostError):
                await attempt()
            assert files(workspace) == before
