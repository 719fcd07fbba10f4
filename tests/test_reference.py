"""The pages of the vaults say what the code does: their tables come from the same field metadata."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "vaults"


def test_no_page_is_stale() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs/generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nwrite them anew: make docs"


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_every_page_tells_the_other_side_the_errors_and_the_fields(page: Path) -> None:
    text = page.read_text("utf-8")
    for heading in ("Errors and their cures", "Fields of the credential types", "Fields of a link"):
        assert f"## {heading}" in text
