"""Filling a form from the AWS credentials file."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import HushpostError
from core.secret import Secret
from core.vault.autofill import from_aws_file

KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCY%EXAMPLE"


@pytest.fixture
def file(home: Path) -> Path:
    path = home / ".aws" / "credentials"
    path.parent.mkdir()
    return path


def profile(name: str, key_id: str) -> str:
    return f"[{name}]\naws_access_key_id = {key_id}\naws_secret_access_key={KEY}\n"


def test_the_profile_main_comes_before_default(file: Path) -> None:
    file.write_text(profile("default", "AKIADEFAULT") + profile("main", "AKIAMAIN") + "region = eu-west-1\n")
    assert from_aws_file() == (
        "main",
        {"access_key_id": "AKIAMAIN", "secret_access_key": Secret(KEY), "region": "eu-west-1"},
    )


def test_default_is_taken_where_there_is_no_main(file: Path) -> None:
    file.write_text(profile("other", "AKIAOTHER") + profile("default", "AKIADEFAULT") + "aws_session_token = tok\n")
    name, found = from_aws_file()
    assert name == "default"
    assert found["session_token"] == Secret("tok")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        (profile("other", "AKIAOTHER"), 'neither a profile "main" nor a profile "default"'),
        (f"{KEY}\n", "not in the form that AWS writes"),
        (b"\xff\xfe", "not in the form that AWS writes"),
    ],
)
def test_what_cannot_be_used_is_said_without_the_files_content(
    file: Path, content: str | bytes | None, said: str
) -> None:
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(HushpostError, match=said) as error:
        from_aws_file()
    assert KEY not in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.__context__ is None or error.value.__suppress_context__
