"""Fixtures of the command line: a user, a workspace, and the servers of the other rooms."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.harness import Hushpost, write
from tests.loopback import _servers, authority, other_server, server, tls_server
from tests.vaults.openbao import bao

__all__ = ["_servers", "authority", "bao", "other_server", "server", "tls_server"]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """An empty workspace, which is the current folder of every command."""
    return write(tmp_path / "payments", {})


@pytest.fixture
def hushpost(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes], home: Path, workspace: Path
) -> Hushpost:
    return Hushpost(monkeypatch, capsysbinary, home, workspace)


@pytest.fixture
def store(hushpost: Hushpost, home: Path) -> Path:
    """A store that opens by itself with a key file, which takes no time; returns the key file."""
    key = home / "store.key"
    assert hushpost("store", "init", "--key-file", key).code == 0
    hushpost.environment["HUSHPOST_KEY_FILE"] = str(key)
    return key
