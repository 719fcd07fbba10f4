"""What a start imports, seen in a fresh interpreter, and how large a module may grow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SDKS = {"boto3", "botocore", "hvac", "google.cloud", "google.auth", "grpc", "azure", "msal"}
LATER = {"tomlkit", "keyring", "diskcache", "jsonschema", "jsonpath", "cryptography", "filelock", "oauthlib", "spnego"}
"""Kept libraries that cost time and are imported when they are needed."""
MOST_LINES = 450


def loaded_by(*statements: str) -> set[str]:
    code = "; ".join([*statements, "import sys", "print(' '.join(sys.modules))"])
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_command_line_starts_without_textual_sdks_and_slow_libraries() -> None:
    assert not loaded_by("import cli.main") & (SDKS | LATER | {"textual", "rich", "httpx"})


def test_the_app_starts_without_sdks_and_slow_libraries() -> None:
    assert not loaded_by("import tui.app") & (SDKS | LATER)


def test_a_session_is_wired_without_any_sdk() -> None:
    assert not loaded_by("import core.session", "import core.run.runner") & (
        SDKS | {"tomlkit", "textual", "rich", "click"}
    )


@pytest.mark.parametrize("room", ["core", "cli", "tui"])
def test_a_module_is_one_sentence_long(room: str) -> None:
    sizes = {path.relative_to(ROOT): len(path.read_text("utf-8").splitlines()) for path in (ROOT / room).rglob("*.py")}
    assert {str(path): lines for path, lines in sizes.items() if lines > MOST_LINES} == {}
