"""Workspaces: made, opened, read and written, with whatever a stranger put into them."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest

from core.errors import FileError, FileNotAllowed
from core.models import (
    BasicAuth,
    BearerAuth,
    Environment,
    Field,
    Folder,
    NoAuth,
    Request,
    Scripts,
    WorkspaceFile,
)
from core.workspace.inheritance import inherit
from core.workspace.workspace import Workspace
from tests.privileges import without_privileges


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "shop", "Shop")


def write(workspace: Workspace, path: str, text: str = "") -> Path:
    file = workspace.path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def settle(folder: Path) -> None:
    """Make all files look as if they were written a while ago."""
    past = time.time() - 60
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            os.utime(path, (past, past))


# Making, opening, finding


def test_a_new_workspace_is_ready_for_git_and_opens(tmp_path: Path) -> None:
    made = Workspace.create(tmp_path / "deep" / "shop", "Shop")
    opened = Workspace.open(tmp_path / "deep" / "shop")
    assert (opened.name, opened.id, opened.key) == ("Shop", made.id, made.key)
    assert opened.environments() == ["base"]
    assert opened.tree() == ()
    assert opened.problems() == []
    assert Workspace.open(made.path / "workspace.toml").id == made.id
    assert Workspace.create(tmp_path / "other", "Shop").id != made.id
    assert Workspace.create(tmp_path / "unnamed").name == "unnamed"


def test_a_workspace_is_not_made_over_another(workspace: Workspace) -> None:
    with pytest.raises(FileError, match="is a workspace already"):
        Workspace.create(workspace.path, "again")
    assert Workspace.open(workspace.path).name == "Shop"


@pytest.mark.parametrize(
    "text", [None, "schema = 1", "id = '../../x..'", "id = 'short'", "schema = 9\nid = '12345678'"]
)
def test_what_is_no_workspace_is_an_error_by_name(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "workspace.toml").write_text(text)
    with pytest.raises(FileError):
        Workspace.open(tmp_path)
    with pytest.raises(FileError):
        Workspace.open(tmp_path / "absent" / "deeper")


def test_the_workspace_around_a_folder_is_found(workspace: Workspace, tmp_path: Path) -> None:
    deep = workspace.path / "requests" / "a" / "b"
    deep.mkdir(parents=True)
    assert Workspace.find(deep) == Workspace.find(workspace.path) == workspace.path
    assert Workspace.find(tmp_path) is None


def test_a_link_to_a_workspace_is_the_same_workspace(workspace: Workspace, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(workspace.path)
    opened = Workspace.open(link)
    assert opened.key == workspace.key
    assert opened.create_request("", "a") == "a"
    assert workspace.requests() == ["a"]


def test_the_label_changes_and_the_id_stays(workspace: Workspace) -> None:
    workspace.save_file(WorkspaceFile(id=workspace.id, name="Store"))
    assert Workspace.open(workspace.path).name == "Store"


def test_a_duplicate_has_all_files_but_gits_and_an_id_of_its_own(workspace: Workspace, tmp_path: Path) -> None:
    workspace.create_request("", "Pay")
    write(workspace, "scripts/a.py", "print()")
    write(workspace, ".git/config", "token")
    copy = workspace.duplicate(tmp_path / "copy")
    assert copy.id != workspace.id
    assert copy.name == "Shop (copy)"
    assert copy.requests() == ["pay"]
    assert (copy.path / "scripts" / "a.py").exists()
    assert not (copy.path / ".git").exists()
    assert Workspace.open(workspace.path).id == workspace.id
    for place in (copy.path, workspace.path / "requests" / "inside"):
        with pytest.raises(FileError):
            workspace.duplicate(place)


def test_deleting_a_workspace_leaves_what_is_not_its_own(workspace: Workspace, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("")
    workspace.create_request("", "a")
    shutil.rmtree(workspace.path / "environments")
    (workspace.path / "environments").symlink_to(outside)
    write(workspace, "notes.md")
    workspace.destroy()
    assert [path.name for path in workspace.path.iterdir()] == ["notes.md"]
    assert (outside / "kept").exists()


# Reading and writing


def test_requests_folders_and_environments_are_read_back(workspace: Workspace) -> None:
    request = Request(name="Pay", method="POST", url="{{u}}")
    workspace.save_request("a/b/pay", request)
    workspace.save_folder("a", Folder(name="A"))
    workspace.save_environment("dev", Environment(name="Dev", color="red"))
    assert workspace.load_request("a/b/pay") == request
    assert workspace.load_folder("a").name == "A"
    assert workspace.load_folder("a/b") == Folder()
    assert workspace.load_environment("dev").color == "red"


def test_what_is_not_there_is_named(workspace: Workspace) -> None:
    with pytest.raises(FileError, match="does not exist"):
        workspace.load_request("absent")
    with pytest.raises(FileError, match='there is no environment "prod"') as caught:
        workspace.load_environment("prod")
    assert caught.value.hint == 'there are "base"'
    (workspace.path / "environments" / "base.toml").unlink()
    assert workspace.load_environment("base").variables == {}
    assert workspace.environments() == ["base"]


@pytest.mark.parametrize("name", ["../x", "a/../../x", "..", "/etc/passwd", "a\x00", "a\nb", ".git/config", "folder"])
def test_no_name_leads_out_of_the_workspace(workspace: Workspace, name: str) -> None:
    before = sorted(workspace.path.parent.rglob("*"))
    for attempt in (
        lambda: workspace.load_request(name),
        lambda: workspace.save_request(name, Request()),
        lambda: workspace.load_environment(name if name != "folder" else "a/b"),
        lambda: workspace.save_environment(name if name != "folder" else "", Environment()),
        lambda: workspace.delete(name),
        lambda: workspace.delete_environment(name),
    ):
        with pytest.raises(FileError):
            attempt()
    assert sorted(workspace.path.parent.rglob("*")) == before


@pytest.mark.parametrize("link", ["loop.toml", "loop", "folder.toml", "sub/loop.toml", "sub/folder.toml"])
def test_a_link_that_leads_in_a_circle_is_one_problem(workspace: Workspace, link: str) -> None:
    workspace.save_request("sub/good", Request(url="x"))
    path = workspace.path / "requests" / link
    path.symlink_to(path.name)
    assert "sub/good" in workspace.requests()
    assert workspace.load_request("sub/good").url == "x"
    assert [problem.path for problem in workspace.problems()] == [path]


def test_environments_that_are_a_link_in_a_circle_are_a_problem(workspace: Workspace) -> None:
    shutil.rmtree(workspace.path / "environments")
    (workspace.path / "environments").symlink_to("environments")
    assert workspace.environments() == ["base"]
    assert workspace.path / "environments" in [problem.path for problem in workspace.problems()]


def test_links_that_lead_out_are_neither_read_nor_written(workspace: Workspace, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.toml").write_text("url = 'stolen'")
    requests = workspace.path / "requests"
    (requests / "dir").symlink_to(outside)
    (requests / "file.toml").symlink_to(outside / "x.toml")
    (requests / "loop").symlink_to(requests)
    (workspace.path / "environments" / "env.toml").symlink_to(outside / "x.toml")
    for attempt in (
        lambda: workspace.load_request("dir/x"),
        lambda: workspace.save_request("dir/y", Request()),
        lambda: workspace.create_request("dir", "y"),
        lambda: workspace.save_folder("dir", Folder(name="x")),
        lambda: workspace.load_request("file"),
        lambda: workspace.save_request("file", Request(url="mine")),
        lambda: workspace.load_environment("env"),
        lambda: workspace.delete("dir/x"),
        lambda: workspace.move("file", "dir"),
    ):
        with pytest.raises(FileError):
            attempt()
    assert [(path.name, path.read_text()) for path in outside.iterdir()] == [("x.toml", "url = 'stolen'")]
    assert {problem.path.name for problem in workspace.problems()} == {"dir", "file.toml", "loop", "env.toml"}
    assert all("symbolic link" in problem.error.message for problem in workspace.problems())
    workspace.delete("dir")
    workspace.delete("file")
    assert (outside / "x.toml").exists()


def test_a_link_inside_the_workspace_is_a_request_like_any_other(workspace: Workspace) -> None:
    workspace.create_request("", "real")
    (workspace.path / "requests" / "link.toml").symlink_to("real.toml")
    assert workspace.requests() == ["link", "real"]
    workspace.save_request("link", Request(url="through"))
    assert workspace.load_request("real").url == "through"


# The tree


def test_the_tree_is_in_the_order_of_folder_files_then_by_name(workspace: Workspace) -> None:
    for ref in ("b", "A", "c", "f/two", "f/one", "f/three", "d/x"):
        workspace.save_request(ref, Request())
    assert workspace.requests() == ["A", "b", "c", "d/x", "f/one", "f/three", "f/two"]
    workspace.save_folder("", Folder(order=("f", "gone", "c")))
    workspace.save_folder("f", Folder(name="Group", order=("two", "two", "one")))
    assert workspace.requests() == ["f/two", "f/one", "f/three", "c", "A", "b", "d/x"]
    first = workspace.tree()[0]
    assert (first.ref, first.kind, first.name) == ("f", "folder", "Group")
    assert workspace.requests(["f", "b"]) == ["f/two", "f/one", "f/three", "b"]
    assert workspace.requests(["f/one.toml", "f/", "f/one"]) == ["f/one", "f/two", "f/three"]
    with pytest.raises(FileError, match='there is no request or folder "g"'):
        workspace.requests(["b", "g"])


def test_labels_and_methods_come_from_the_index_and_follow_the_files(workspace: Workspace, tmp_path: Path) -> None:
    state = tmp_path / "state"
    workspace = Workspace.open(workspace.path, state)
    workspace.save_request("a", Request(name="Pay", method="PUT"))
    assert [(node.name, node.method) for node in workspace.tree()] == [("a", "")]
    assert workspace.index()
    assert [(node.name, node.method) for node in workspace.tree()] == [("Pay", "PUT")]
    settle(workspace.path)
    workspace.tree()
    workspace.index()
    again = Workspace.open(workspace.path, state)
    assert [(node.name, node.method) for node in again.tree()] == [("Pay", "PUT")]
    write(workspace, "requests/a.toml", "name = 'Hey'\nmethod = 'GET'\n")
    assert again.tree()[0].name == "a"
    assert again.index()
    assert [(node.name, node.method) for node in again.tree()] == [("Hey", "GET")]


def test_a_change_within_one_tick_of_the_clock_is_noticed_later(workspace: Workspace) -> None:
    file = write(workspace, "requests/a.toml", "name = 'one'\n")
    workspace.index()
    status = file.stat()
    with file.open("r+") as same_file:
        same_file.write("name = 'two'\n")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    past = time.time_ns() - 60 * 10**9
    assert workspace.stamp("a") is not None
    os.utime(file, ns=(past, past))
    workspace.tree()
    workspace.index()
    assert workspace.tree()[0].name == "two"


def test_indexing_can_be_done_in_steps(workspace: Workspace) -> None:
    for number in range(5):
        workspace.save_request(f"r{number}", Request(name=f"R {number}"))
    workspace.tree()
    assert [workspace.index(2), workspace.index(2), workspace.index(2)] == [False, False, True]
    assert [node.name for node in workspace.tree()] == [f"R {number}" for number in range(5)]


@pytest.mark.parametrize(
    "damage", [b"", b"\xff\xff", b"\x92\x02\x81\xa6a.tom\xff\xc0", b"\x92\x01\x81\xa6a.toml\xc0", b"\xc1" * 1000]
)
def test_an_index_that_is_lost_or_damaged_costs_nothing_but_time(
    workspace: Workspace, tmp_path: Path, damage: bytes
) -> None:
    state = tmp_path / "state"
    workspace.save_request("a", Request(name="Pay"))
    settle(workspace.path)
    first = Workspace.open(workspace.path, state)
    first.index()
    (index,) = (state / "index").iterdir()
    assert index.stat().st_mode & 0o077 == 0
    index.write_bytes(damage)
    second = Workspace.open(workspace.path, state)
    assert second.tree()[0].name == "a"
    second.index()
    assert second.tree()[0].name == "Pay"
    shutil.rmtree(state)
    state.write_text("no folder")
    third = Workspace.open(workspace.path, state)
    third.index()
    assert third.tree()[0].name == "Pay"


def test_files_that_cannot_be_used_are_problems_and_the_rest_works(workspace: Workspace) -> None:
    workspace.save_request("good", Request(name="Good"))
    write(workspace, "requests/broken.toml", "url = ")
    write(workspace, "requests/f/folder.toml", "nme = 'x'")
    write(workspace, "requests/f/inside.toml", "schema = 2")
    write(workspace, "requests/twin.toml")
    write(workspace, "requests/twin/x.toml")
    write(workspace, "requests/bad\x1bname.toml")
    write(workspace, "requests/notes.md", "not ours")
    write(workspace, "requests/.hidden.toml", "url = ")
    write(workspace, "environments/dev.toml", "variables = 3")
    os.mkfifo(workspace.path / "requests" / "pipe.toml")
    found = {str(problem.path.relative_to(workspace.path)): problem.error.message for problem in workspace.problems()}
    assert found == {
        "requests/broken.toml": "is not valid TOML: invalid value (at end of document)",
        "requests/f/folder.toml": "is not a key that belongs here",
        "requests/f/inside.toml": "was written by a newer hushpost (schema 2, this one knows 1)",
        "requests/twin.toml": "has the name of the folder beside it",
        "requests/bad\x1bname.toml": "its name holds a control character",
        "requests/pipe.toml": "is not a regular file",
        "environments/dev.toml": "must be a table, not a whole number",
    }
    kinds = {node.ref: node.kind for top in workspace.tree() for node in top.walk()}
    assert kinds["good"] == "request"
    assert kinds["broken"] == kinds["f/inside"] == kinds["pipe"] == "problem"
    assert kinds["f"] == "folder"
    assert next(node for node in workspace.tree() if node.ref == "f").error is not None
    with pytest.raises(FileError, match="schema"):
        workspace.load_request("f/inside")


def test_what_may_not_be_read_or_written_is_an_error_by_name() -> None:
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        workspace = Workspace.create(Path(place) / "shop")
        closed = write(workspace, "requests/closed/x.toml").parent
        secret = write(workspace, "requests/secret.toml")
        with without_privileges(Path(place)):
            closed.chmod(0)
            secret.chmod(0)
            problems = {problem.path.name: problem.error.message for problem in workspace.problems()}
            assert problems == dict.fromkeys(["closed", "secret.toml"], "cannot be read: permission denied")
            for ref in ("closed", "secret"):
                with pytest.raises(FileError, match="permission denied"):
                    workspace.load_request(ref)
            secret.chmod(0o600)
            assert [problem.path.name for problem in workspace.problems()] == ["closed"]
            workspace.path.joinpath("requests").chmod(0o500)
            for attempt in (
                lambda: workspace.create_request("", "new"),
                lambda: workspace.save_request("new/deep", Request()),
                lambda: workspace.delete("secret"),
                lambda: workspace.rename("secret", "other"),
            ):
                with pytest.raises(FileError, match="permission denied"):
                    attempt()
            workspace.path.joinpath("requests").chmod(0o700)
            closed.chmod(0o700)


def test_folders_without_end_are_a_problem_and_no_crash(workspace: Workspace) -> None:
    write(workspace, "requests/" + "d/" * 60 + "x.toml")
    (problem,) = workspace.problems()
    assert "folders deep" in problem.error.message


def test_requests_themselves_may_not_be_a_link(workspace: Workspace, tmp_path: Path) -> None:
    shutil.rmtree(workspace.path / "requests")
    (workspace.path / "requests").symlink_to(tmp_path)
    assert workspace.tree() == ()
    assert [problem.path.name for problem in workspace.problems()] == ["requests"]


def test_a_file_that_changed_on_disk_is_noticed(workspace: Workspace) -> None:
    workspace.save_request("a", Request(url="1"))
    assert workspace.stamp("absent") is None
    before = workspace.stamp("a")
    assert workspace.stamp("a") == before
    write(workspace, "requests/a.toml", "url = 'longer'")
    assert workspace.stamp("a") != before
    base = workspace.stamp_environment("base")
    workspace.save_environment("base", Environment(name="Changed"))
    assert workspace.stamp_environment("base") != base
    assert workspace.load_environment("base").name == "Changed"
    assert workspace.stamp_folder("") is None


def test_folders_and_environments_are_read_anew_when_they_changed(workspace: Workspace) -> None:
    for text in ("name = 'one'", "name = 'two'"):
        for path in ("requests/f/folder.toml", "environments/dev.toml"):
            write(workspace, path, text)
        name = text.split("'")[1]
        for _ in range(2):
            assert (workspace.load_folder("f").name, workspace.load_environment("dev").name) == (name, name)
        settle(workspace.path)
        assert workspace.load_folder("f").name == name
        settle(workspace.path)


# Inheritance


def test_a_request_inherits_from_its_folders_inside_out(workspace: Workspace) -> None:
    workspace.save_folder(
        "",
        Folder(
            headers=(Field("A", "root"), Field("B", "root"), Field("C", "root")),
            auth=BearerAuth("root"),
            scripts=Scripts(before_request="scripts/root.py", after_response="scripts/root.py"),
        ),
    )
    workspace.save_folder(
        "f", Folder(headers=(Field("b", "inner"),), scripts=Scripts(before_request="scripts/inner.py"))
    )
    workspace.save_request(
        "f/r", Request(headers=(Field("C", "own"), Field("D", "own"), Field("A", "off", enabled=False)))
    )
    whole = workspace.effective("f/r")
    assert [(field.name, field.value, field.enabled) for field in whole.headers] == [
        ("A", "root", True),
        ("b", "inner", True),
        ("C", "own", True),
        ("D", "own", True),
        ("A", "off", False),
    ]
    assert whole.auth == BearerAuth("root")
    assert whole.scripts == Scripts(before_request="scripts/inner.py", after_response="scripts/root.py")
    assert [ref for ref, _ in workspace.folders_of("f/g/r")] == ["f/g", "f", ""]


@pytest.mark.parametrize(
    ("own", "sent"),
    [
        ((), ["folder"]),
        ((Field("x-a", "own"),), ["own"]),
        ((Field("x-a", "", enabled=False),), []),
        ((Field("X-A", "waits", enabled=False),), ["folder"]),
        ((Field("X-A", "", enabled=False), Field("X-A", "own")), ["own"]),
    ],
)
def test_a_row_that_is_off_and_empty_leaves_a_folders_header_out(own: tuple[Field, ...], sent: list[str]) -> None:
    for request, folders in (
        (Request(headers=own), [Folder(headers=(Field("X-A", "folder"),))]),
        (Request(), [Folder(headers=own), Folder(headers=(Field("X-A", "folder"),))]),
    ):
        assert [field.value for field in inherit(request, folders).headers if field.enabled] == sent


def test_auth_is_the_nearest_that_does_not_inherit() -> None:
    outer, inner = Folder(auth=BearerAuth("outer")), Folder(auth=BasicAuth("inner"))
    assert inherit(Request(), [inner, outer]).auth == BasicAuth("inner")
    assert inherit(Request(), [Folder(), outer]).auth == BearerAuth("outer")
    assert inherit(Request(auth=NoAuth()), [inner]).auth == NoAuth()
    assert inherit(Request(), [Folder(auth=NoAuth()), outer]).auth == NoAuth()
    assert inherit(Request(), []).auth == NoAuth()


# Files that requests name


def test_files_inside_the_workspace_are_found(workspace: Workspace) -> None:
    file = write(workspace, "data/a.bin")
    assert workspace.resolve_file("data/a.bin") == file.resolve()
    assert workspace.resolve_file("requests/../data/a.bin") == file.resolve()
    (workspace.path / "link").symlink_to(file)
    assert workspace.resolve_file("link") == file.resolve()
    with pytest.raises(FileError, match="does not exist"):
        workspace.resolve_file("data/b.bin")
    with pytest.raises(FileError, match="is not a regular file"):
        workspace.resolve_file("data")
    with pytest.raises(FileError, match="cannot be found"):
        workspace.resolve_file("a" * 300)
    with pytest.raises(FileError):
        workspace.resolve_file("data/a\x00.bin")


def test_files_outside_are_refused_until_exactly_that_one_is_allowed(workspace: Workspace, tmp_path: Path) -> None:
    outside = tmp_path / "outside.pem"
    outside.write_text("key")
    (tmp_path / "other.pem").write_text("key")
    (workspace.path / "link.pem").symlink_to(outside)
    (workspace.path / "dir").symlink_to(tmp_path)
    write(workspace, ".git/config", "token")
    for name in ("../outside.pem", str(outside), "link.pem", "dir/outside.pem"):
        with pytest.raises(FileNotAllowed) as caught:
            workspace.resolve_file(name)
        assert caught.value.path == outside.resolve()
        assert workspace.resolve_file(name, {outside.resolve()}) == outside.resolve()
    for name in ("../other.pem", "dir/other.pem", ".git/config", "/etc/passwd"):
        with pytest.raises(FileNotAllowed):
            workspace.resolve_file(name, {outside.resolve()})


def test_a_workspace_of_thousands_is_listed_without_reading_its_requests(workspace: Workspace) -> None:
    folder = workspace.path / "requests" / "many"
    folder.mkdir()
    for number in range(500):
        os.mkfifo(folder / f"r{number}.toml")  # reading one would be refused, or wait for ever
    (top,) = workspace.tree()
    assert len(top.children) == 500
    assert len(workspace.requests()) == 500
