"""File names: any label gets a safe one, and a name that could lead elsewhere is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import FileError
from core.workspace.filenames import check_reference, name_fault, safe_stem, unique_stem


@pytest.mark.parametrize(
    ("label", "stem"),
    [
        ("Create payment", "create-payment"),
        ("  GET /users/{id} ", "get-users-id"),
        ("v1.2 list", "v1.2-list"),
        ("Größe — 大小", "grösse-大小"),
        ("../../etc/passwd", "etc-passwd"),
        ("..", "other"),
        ("", "other"),
        ("💥", "other"),
        (".hidden", "hidden"),
        ("--flag", "flag"),
        ("CON", "other"),
        ("nul.txt", "other"),
        ("a\x00b\x1b[31mc", "a-b-31mc"),
        ("x" * 500, "x" * 120),
    ],
)
def test_a_label_becomes_a_file_name_that_any_shell_takes(label: str, stem: str) -> None:
    assert safe_stem(label, otherwise="other") == stem


@given(st.text())
def test_any_label_gets_a_name_that_is_allowed_and_short(label: str) -> None:
    stem = safe_stem(label, otherwise="other")
    assert name_fault(stem) is None
    assert len(stem.encode()) <= 120
    assert not stem.startswith(("-", "."))
    assert safe_stem(stem, otherwise="other") == stem


def test_a_taken_name_gets_a_number_even_where_case_does_not_count() -> None:
    assert unique_stem("a", {"b"}) == "a"
    assert unique_stem("a", {"A", "a-2"}) == "a-3"


@pytest.mark.parametrize(
    "reference",
    [
        *("..", "../x", "a/../b", "a//b", "/a", "a/", ".", "a/.", ".git", "a/.env"),
        *("a\\b", "a\x00b", "a\nb", "a\x1bb", "a\x85b", "a\u2028b", "a\udcffb"),
    ],
)
def test_a_reference_cannot_lead_anywhere_else(reference: str) -> None:
    with pytest.raises(FileError) as caught:
        check_reference(reference, Path("/w"))
    assert str(caught.value).isprintable()


def test_other_references_are_their_parts() -> None:
    assert check_reference("a/b c/ü.x", Path("/w")) == ("a", "b c", "ü.x")
    assert check_reference("", Path("/w")) == ()
