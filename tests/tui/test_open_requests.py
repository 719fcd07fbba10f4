"""What is kept of opened requests: edits, the state of the file, answers."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from core.errors import FileError
from core.models import Request
from core.workspace.workspace import Workspace
from tui.open_requests import OpenRequests


@pytest.fixture
def opened(tmp_path: Path) -> OpenRequests:
    workspace = Workspace.create(tmp_path / "w")
    workspace.create_folder("", "a")
    workspace.create_request("a", "one", Request(name="one", url="https://one"))
    workspace.create_request("a", "two", Request(name="two", url="https://two"))
    made = OpenRequests(workspace)
    made.load("a/one")
    return made


def edited(opened: OpenRequests, reference: str = "a/one", url: str = "https://edited") -> Request:
    request = opened.get(reference)
    assert request is not None
    opened.edit(reference, msgspec.structs.replace(request, url=url))
    return request


def test_an_edit_is_kept_while_others_are_loaded_and_loading_again_does_not_lose_it(opened: OpenRequests) -> None:
    edited(opened)
    opened.load("a/two")
    opened.load("a/one")
    request = opened.get("a/one")
    assert request is not None
    assert request.url == "https://edited"
    assert opened.edited == ("a/one",)


def test_taking_an_edit_back_is_no_edit(opened: OpenRequests) -> None:
    before = edited(opened)
    opened.edit("a/one", before)
    assert opened.edited == ()


def test_saving_writes_and_is_no_change_by_another_program(opened: OpenRequests) -> None:
    edited(opened)
    opened.save("a/one")
    assert opened.workspace is not None
    assert opened.workspace.load_request("a/one").url == "https://edited"
    assert opened.edited == ()
    assert not opened.changed_on_disk("a/one")


def test_another_programs_change_is_noticed(opened: OpenRequests) -> None:
    assert opened.workspace is not None
    opened.workspace.save_request("a/one", Request(url="https://somewhere.else.example"))
    assert opened.changed_on_disk("a/one")
    opened.load("a/one")
    assert not opened.changed_on_disk("a/one")
    opened.workspace.delete("a/one")
    assert opened.is_gone("a/one")


def test_looking_at_an_edited_request_again_does_not_hide_another_programs_change(opened: OpenRequests) -> None:
    edited(opened)
    assert opened.workspace is not None
    opened.workspace.save_request("a/one", Request(url="https://somewhere.else.example"))
    opened.load("a/one")
    assert opened.changed_on_disk("a/one")


def test_what_is_kept_follows_a_moved_folder(opened: OpenRequests) -> None:
    edited(opened)
    opened.move("a", "b")
    assert opened.get("a/one") is None
    assert opened.edited == ("b/one",)
    assert opened.at_or_below("b") == ["b/one"]


def test_a_name_that_only_begins_alike_is_not_below(opened: OpenRequests) -> None:
    opened.edit("a/one-more", Request())
    opened.move("a/one", "a/renamed")
    assert set(opened.at_or_below("a")) == {"a/renamed", "a/one-more"}


def test_a_file_that_is_not_there_is_an_error_and_nothing_is_kept(opened: OpenRequests) -> None:
    with pytest.raises(FileError):
        opened.load("a/nothing")
    assert opened.get("a/nothing") is None
