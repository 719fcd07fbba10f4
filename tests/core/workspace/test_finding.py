"""Finding requests by what one types: which match, in which order, and how long it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.models import Field, Request
from core.workspace.finding import Finder
from core.workspace.tree import TreeNode
from core.workspace.workspace import Workspace
from tests.effort import effort


def found(*nodes: TreeNode, typed: str) -> list[str]:
    return [node.ref for node in Finder(nodes).find(typed)]


def request(ref: str, name: str = "", method: str = "GET", url: str = "", about: str = "") -> TreeNode:
    return TreeNode(ref, "request", name or ref.rpartition("/")[2], method, url, about)


LOGIN = request("auth/login", method="POST", url="https://id.example.com/session")
LIST = request("payments/list", url="https://api.example.com/payments")
REFUND = request("payments/refund", "Give it back", "POST", "https://api.example.com/payments/:id/refunds")
HEALTH = request("health", url="https://api.example.com/login-status", about="probe X-Trace")


@pytest.mark.parametrize(
    ("typed", "refs"),
    [
        ("", ["health", "auth/login", "payments/list", "payments/refund"]),
        ("LOGIN", ["auth/login", "health"]),
        ("log", ["auth/login", "health"]),
        ("pay", ["payments/list", "payments/refund"]),
        ("post", ["auth/login", "payments/refund"]),
        ("post pay", ["payments/refund"]),
        ("back", ["payments/refund"]),
        ("example.com/pay", ["payments/list", "payments/refund"]),
        ("trace", ["health"]),
        ("refund pay", ["payments/refund"]),
        ("nothing", []),
    ],
)
def test_every_word_has_to_stand_somewhere_and_names_go_first(typed: str, refs: list[str]) -> None:
    assert found(HEALTH, LOGIN, LIST, REFUND, typed=typed) == refs


def test_the_beginning_of_a_name_goes_before_that_of_a_word_and_that_before_its_middle() -> None:
    nodes = [request(ref) for ref in ("unlist", "price-list", "list-all", "list", "list/x")]
    assert found(*nodes, typed="list") == ["list", "list-all", "price-list", "list/x", "unlist"]


def test_what_is_typed_further_and_taken_back_finds_the_same() -> None:
    finder = Finder([HEALTH, LOGIN, LIST, REFUND])
    for typed in ("p", "pa", "pay", "payments r", "pay", "", "h"):
        assert finder.find(typed) == Finder([HEALTH, LOGIN, LIST, REFUND]).find(typed)


def test_addresses_are_known_without_what_may_be_a_secret_in_them(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "shop", state=tmp_path / "state")
    url = "https://me:s3cr3t@api.test/v1/:id?key=s3cr3t#s3cr3t"
    workspace.create_request("", "one", Request(url=url, description="the first", headers=(Field("X-Trace", "v4lue"),)))
    workspace.index()
    [node] = workspace.tree()
    assert (node.url, node.about) == ("https://api.test/v1/:id", "the first X-Trace")
    kept = b"".join(path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file())
    assert b"api.test" in kept
    assert b"s3cr3t" not in kept
    assert b"v4lue" not in kept


def test_five_thousand_are_looked_through_between_two_keys() -> None:
    nodes = [
        request(f"group-{n // 100}/payment-{n}", method="POST", url=f"https://api.example.com/v1/payments/{n}")
        for n in range(5000)
    ]
    finder = Finder(nodes)
    typed = ("p", "pa", "pay", "paym", "e", "post 42", "zzz")
    assert effort(lambda: [finder.find(text) for text in typed]) / len(typed) < 3
