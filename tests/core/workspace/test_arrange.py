"""Creating, renaming, moving, copying and deleting: files, labels and the listed order stay in step."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.errors import FileError
from core.models import Environment, Folder, Request
from core.workspace.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "shop")


@pytest.fixture
def ordered(workspace: Workspace) -> Workspace:
    """b, a, then folder f with y and x."""
    for name in ("a", "b"):
        workspace.create_request("", name)
    workspace.create_folder("", "f")
    for name in ("x", "y"):
        workspace.create_request("f", name)
    workspace.save_folder("", Folder(order=("b", "a", "f")))
    workspace.save_folder("f", Folder(name="f", order=("y", "x")))
    return workspace


def test_a_new_request_has_a_safe_unique_file_and_its_label(workspace: Workspace) -> None:
    assert workspace.create_request("", "Create payment") == "create-payment"
    assert workspace.create_request("", "create PAYMENT!", Request(method="POST")) == "create-payment-2"
    assert workspace.load_request("create-payment-2") == Request(name="create PAYMENT!", method="POST")
    assert workspace.create_request("", "folder") == "folder-2"
    assert workspace.create_folder("", "Create payment") == "create-payment-3"
    assert workspace.create_request("create-payment-3", "../../../x") == "create-payment-3/x"
    assert workspace.create_request("", "💥") == "request"
    assert workspace.load_folder("create-payment-3").name == "Create payment"


def test_the_listed_order_follows_every_change(ordered: Workspace) -> None:
    assert ordered.requests() == ["b", "a", "f/y", "f/x"]
    assert ordered.create_request("", "c") == "c"
    assert ordered.requests() == ["b", "a", "f/y", "f/x", "c"]
    assert ordered.rename("b", "Bee") == "bee"
    assert ordered.copy("bee") == "bee-copy"
    assert ordered.requests() == ["bee", "bee-copy", "a", "f/y", "f/x", "c"]
    assert ordered.load_request("bee-copy").name == "Bee (copy)"
    ordered.delete("a")
    assert ordered.rename("f", "Group") == "group"
    assert ordered.requests() == ["bee", "bee-copy", "group/y", "group/x", "c"]
    assert ordered.load_folder("").order == ("bee", "bee-copy", "group", "c")


def test_an_order_is_only_listed_where_a_person_chose_one(workspace: Workspace) -> None:
    for name in ("b", "a"):
        workspace.create_request("", name)
    workspace.rename("a", "c")
    workspace.delete("b")
    assert workspace.load_folder("").order == ()
    assert not workspace.folder_path("").exists()


def test_requests_and_folders_move(ordered: Workspace) -> None:
    assert ordered.move("a", "f", 1) == "f/a"
    assert ordered.requests() == ["b", "f/y", "f/a", "f/x"]
    assert ordered.move("f/x", "f", 0) == "f/x"
    assert ordered.requests() == ["b", "f/x", "f/y", "f/a"]
    assert ordered.move("f/y", "") == "y"
    assert ordered.move("f", "", 0) == "f"
    assert ordered.requests() == ["f/x", "f/a", "b", "y"]
    ordered.create_folder("", "g")
    assert ordered.move("f", "g") == "g/f"
    assert ordered.move("b", "g", 99) == "g/b"
    assert ordered.requests() == ["y", "g/f/x", "g/f/a", "g/b"]
    assert ordered.move("y", "", None) == "y"
    assert ordered.requests()[-1] == "y"


def test_a_move_onto_a_taken_name_gets_another(ordered: Workspace) -> None:
    ordered.create_request("f", "a")
    assert ordered.move("a", "f") == "f/a-2"
    assert sorted(ordered.requests()) == ["b", "f/a", "f/a-2", "f/x", "f/y"]


@pytest.mark.parametrize(
    ("ref", "to", "message"),
    [
        ("f", "f", "cannot be moved into itself"),
        ("f", "f/g", "cannot be moved into itself"),
        ("absent", "f", "does not exist"),
        ("a", "absent", "does not exist"),
        ("a", "b", "is no folder"),
        ("", "f", "cannot be moved into itself|workspace's own folder"),
    ],
)
def test_a_move_that_makes_no_sense_changes_nothing(ordered: Workspace, ref: str, to: str, message: str) -> None:
    ordered.create_folder("f", "g")
    before = ordered.requests()
    with pytest.raises(FileError, match=message):
        ordered.move(ref, to)
    assert ordered.requests() == before


def test_a_rename_keeps_comments_and_only_changes_the_file_name_when_it_must(workspace: Workspace) -> None:
    ref = workspace.create_request("", "Pay")
    path = workspace.request_path(ref)
    path.write_text("# mine\n" + path.read_text())
    assert workspace.rename(ref, "pay!") == "pay"
    assert path.read_text() == '# mine\nschema = 1\nname = "pay!"\n'
    assert workspace.rename(ref, "Refund") == "refund"
    assert not path.exists()
    assert workspace.request_path("refund").read_text() == '# mine\nschema = 1\nname = "Refund"\n'


def test_broken_files_can_be_renamed_moved_copied_and_deleted_as_they_are(workspace: Workspace) -> None:
    path = workspace.path / "requests" / "broken.toml"
    path.write_text("url = ")
    workspace.folder_path("").write_text("order = 3")
    workspace.create_folder("", "f")
    assert workspace.rename("broken", "Still broken") == "still-broken"
    assert workspace.copy("still-broken") == "still-broken-copy"
    assert workspace.move("still-broken", "f") == "f/still-broken"
    assert workspace.request_path("f/still-broken").read_text() == "url = "
    workspace.delete("still-broken-copy")
    workspace.delete("f")
    assert workspace.requests() == []
    assert workspace.folder_path("").read_text() == "order = 3"


def test_a_folder_is_copied_and_deleted_with_all_in_it(ordered: Workspace) -> None:
    ordered.create_folder("f", "g")
    ordered.create_request("f/g", "deep")
    assert ordered.copy("f") == "f-copy"
    assert [ref for ref in ordered.requests() if ref.startswith("f-copy")] == ["f-copy/y", "f-copy/x", "f-copy/g/deep"]
    assert ordered.load_folder("f-copy").name == "f (copy)"
    ordered.delete("f")
    assert not [ref for ref in ordered.requests() if ref.startswith("f/")]
    with pytest.raises(FileError, match="does not exist"):
        ordered.delete("f")
    with pytest.raises(FileError, match="workspace's own folder"):
        ordered.delete("")


def test_environments_are_created_renamed_copied_and_deleted(workspace: Workspace) -> None:
    assert workspace.create_environment("Production EU", Environment(color="red")) == "production-eu"
    assert workspace.create_environment("base") == "base-2"
    assert workspace.environments() == ["base", "base-2", "production-eu"]
    workspace.environment_path("production-eu").write_text("# kept\ncolor = 'red' # too\n")
    assert workspace.copy_environment("production-eu") == "production-eu-copy"
    copied = workspace.environment_path("production-eu-copy").read_text()
    assert copied == "# kept\ncolor = 'red' # too\nname = \"production-eu (copy)\"\n"
    assert workspace.rename_environment("production-eu", "Live") == "live"
    assert workspace.load_environment("live").name == "Live"
    assert workspace.rename_environment("base", "Common") == "base"
    assert workspace.load_environment("base").name == "Common"
    workspace.delete_environment("live")
    assert workspace.environments() == ["base", "base-2", "production-eu-copy"]
    for name, message in (("base", "always there"), ("live", "does not exist")):
        with pytest.raises(FileError, match=message):
            workspace.delete_environment(name)


labels = st.sampled_from(["a", "b", "A", "x y", "folder", "..", "é"])


class Arranging(RuleBasedStateMachine):
    """Whatever is done in whatever order: nothing is lost or there twice, and the order lists what is there."""

    base: Path

    @initialize()
    def start(self) -> None:
        Arranging.count += 1
        self.workspace = Workspace.create(self.base / f"w{Arranging.count}")
        self.bodies: dict[str, str] = {}
        self.made = 0

    count = 0

    def pick(self, data: st.DataObject, *, folders: bool, root: bool = False) -> str | None:
        nodes = [node for top in self.workspace.tree() for node in top.walk()]
        refs = [node.ref for node in nodes if folders or node.kind == "request"]
        if root:
            refs = ["", *(node.ref for node in nodes if node.kind == "folder")]
        return data.draw(st.sampled_from(refs)) if refs else None

    @rule(data=st.data(), label=labels)
    def create(self, data: st.DataObject, label: str) -> None:
        folder = self.pick(data, folders=True, root=True) or ""
        self.made += 1
        ref = self.workspace.create_request(folder, label, Request(url=f"u{self.made}"))
        self.bodies[ref] = f"u{self.made}"

    @rule(data=st.data(), label=labels)
    def create_folder(self, data: st.DataObject, label: str) -> None:
        self.workspace.create_folder(self.pick(data, folders=True, root=True) or "", label)

    @rule(data=st.data(), label=labels)
    def rename(self, data: st.DataObject, label: str) -> None:
        if ref := self.pick(data, folders=True):
            self.follow(ref, self.workspace.rename(ref, label))

    @rule(data=st.data(), position=st.none() | st.integers(0, 4))
    def move(self, data: st.DataObject, position: int | None) -> None:
        ref, folder = self.pick(data, folders=True), self.pick(data, folders=True, root=True) or ""
        if ref and folder != ref and not folder.startswith(f"{ref}/"):
            self.follow(ref, self.workspace.move(ref, folder, position))

    @rule(data=st.data())
    def copy(self, data: st.DataObject) -> None:
        if ref := self.pick(data, folders=True):
            new = self.workspace.copy(ref)
            for known, body in list(self.bodies.items()):
                if known == ref or known.startswith(f"{ref}/"):
                    self.bodies[new + known[len(ref) :]] = body

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if ref := self.pick(data, folders=True):
            self.workspace.delete(ref)
            self.bodies = {r: b for r, b in self.bodies.items() if r != ref and not r.startswith(f"{ref}/")}

    def follow(self, old: str, new: str) -> None:
        moved = {}
        for ref, body in self.bodies.items():
            inside = ref == old or ref.startswith(f"{old}/")
            moved[new + ref[len(old) :] if inside else ref] = body
        self.bodies = moved

    @invariant()
    def all_is_there_once(self) -> None:
        if hasattr(self, "workspace"):
            refs = self.workspace.requests()
            assert {ref: self.workspace.load_request(ref).url for ref in refs} == self.bodies
            assert len(refs) == len(set(refs))
            for node in (node for top in self.workspace.tree() for node in top.walk()):
                order = self.workspace.load_folder(node.ref).order if node.kind == "folder" else ()
                assert set(order) <= {child.stem for child in node.children}
                assert len(order) == len(set(order))


def test_no_sequence_of_changes_loses_or_doubles_anything(tmp_path: Path) -> None:
    Arranging.base = tmp_path
    machine = Arranging.TestCase
    machine.settings = settings(
        max_examples=15,
        stateful_step_count=15,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    machine("runTest").runTest()
