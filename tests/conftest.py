"""What every test starts from: an empty home, an environment built from nothing, and no network but loopback."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from core.paths import Paths
from tests.loopback import _servers, authority, http_proxy, other_server, server, tls_server

__all__ = ["_servers", "authority", "http_proxy", "other_server", "server", "tls_server"]

KEPT = ("PATH", "TERM", "TZ", "TMPDIR", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")
# The same examples each time, however long one takes; `--hypothesis-profile=default` looks for others.
settings.register_profile("gate", deadline=None, derandomize=True, database=None)
settings.load_profile("gate")

NOWHERE = "http://127.0.0.1:9"
ORIGINAL_ENVIRONMENT = dict(os.environ)
"""What pip needs, in the one test that installs."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--renew-golden", action="store_true", help="write the golden files of screens anew")


def clean_environment(home: Path) -> dict[str, str]:
    """An environment for this process and its children: nothing inherited reaches a vault, a proxy or a home."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "HTTP_PROXY": NOWHERE,
        "HTTPS_PROXY": NOWHERE,
        "http_proxy": NOWHERE,
        "https_proxy": NOWHERE,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "AWS_EC2_METADATA_DISABLED": "true",
        "GRPC_VERBOSITY": "NONE",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "LANG": "C.UTF-8",
    }


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh HOME, the only one a test sees."""
    folder = tmp_path_factory.mktemp("home")
    environment = clean_environment(folder)
    for name in list(os.environ):
        if name not in environment and not name.startswith("PYTEST"):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def paths(home: Path) -> Paths:
    return Paths(config=home / "config", data=home / "data", state=home / "state")


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A connection to any other address fails the test that tried it."""
    tried: list[Any] = []
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])
            if not (host.startswith("127.") or host in ("::1", "localhost")):
                tried.append(address)
                raise OSError(f"a test tried to reach {host}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    yield
    assert not tried, f"connections beyond loopback: {tried}"
