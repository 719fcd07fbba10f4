"""The demo: a workspace in a temporary folder, linked to a real vault where there is one, and the API it calls."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from core.consent.registry import Registry
from core.demo.api import REPORT_USER, DemoApi, Keys
from core.demo.vault import DemoVault, ServerMissing
from core.paths import Paths, Surroundings, Unlock
from core.secret import Secret
from core.vault.config import AnyCredential, MemoryCredential, VaultAppRole, VaultToken
from core.vault.store import CredentialStore
from core.workspace.workspace import Workspace

TEMPLATE = Path(__file__).with_name("workspace")
ENVIRONMENTS = {"local": "green", "staging": "yellow"}
PASSPHRASE = "demo"  # noqa: S105 - protects made-up secrets of one run
FIRST_REQUEST = "payments/list"

BASE = """\
schema = 1
name = "Base"

[variables]
base_url = "{url}"
report_user = "{user}"
"""

ENVIRONMENT = """\
schema = 1
name = "{label}"
color = "{color}"

# Each of these is a reference to a secret in a vault: the values are fetched when a request is sent.

[variables.api_key]
description = "key of the payments API"
allowed_hosts = ["127.0.0.1"]
{api_key}

[variables.webhook_secret]
cache_minutes = 5
{webhook_secret}

[variables.merchant_pin]
description = "three digits: too short to search for, masked by position"
{merchant_pin}

[variables.report_password]
description = "from a KV 1 engine, with an AppRole login"
{report_password}
"""


class Demo:
    """A world of its own that is gone after `close()`; as a context manager it closes itself.

    `surroundings` are those given, with folders inside the demo's and a store that opens by itself.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hushpost-demo-"))
        self.workspace = self.folder / "payments-demo"
        self.surroundings = replace(
            surroundings,
            paths=Paths(config=self.folder / "config", data=self.folder / "data", state=self.folder / "state"),
            unlock=Unlock(passphrase=Secret(PASSPHRASE)),
        )
        keys = {name: _made_up(name) for name in ENVIRONMENTS}
        self._vault: DemoVault | None = None
        self._api = DemoApi(keys)
        try:
            self._furnish(keys)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def vault_name(self) -> str:
        """What serves the secrets, for a person."""
        if self._vault is None:
            return "a vault in memory (the OpenBao server is not installed)"
        return f"OpenBao {self._vault.version} at {self._vault.url}"

    @property
    def api_url(self) -> str:
        return self._api.url

    def close(self) -> None:
        self._api.close()
        if self._vault is not None:
            self._vault.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _furnish(self, keys: Mapping[str, Keys]) -> None:
        try:
            self._vault = DemoVault(self.folder)
        except ServerMissing:
            credentials, links = _in_memory(keys)
        else:
            credentials, links = _in_openbao(self._vault, keys)
        self._write_workspace(links)
        self._allow(credentials)

    def _write_workspace(self, links: Mapping[str, Mapping[str, str]]) -> None:
        shutil.copytree(TEMPLATE, self.workspace)
        file = self.workspace / "workspace.toml"
        file.write_text(file.read_text("utf-8").replace("REPLACED", uuid.uuid4().hex), "utf-8")
        environments = self.workspace / "environments"
        environments.mkdir()
        (environments / "base.toml").write_text(BASE.format(url=self.api_url, user=REPORT_USER), "utf-8")
        for name, color in ENVIRONMENTS.items():
            text = ENVIRONMENT.format(label=name.capitalize(), color=color, **links[name])
            (environments / f"{name}.toml").write_text(text, "utf-8")

    def _allow(self, credentials: Mapping[str, AnyCredential]) -> None:
        """What a person would be asked once: a store, its credentials, and that this workspace may use them here."""
        paths = self.surroundings.paths
        paths.ensure()
        store = CredentialStore(paths.store)
        store.create(passphrase=Secret(PASSPHRASE))
        registry = Registry(paths)
        workspace = Workspace.open(self.workspace)
        registry.remember(workspace)
        for name, credential in credentials.items():
            store.put(name, credential)
            registry.bind(workspace.key, name, name)
            registry.approve(workspace.key, name, [self.api_url])
        registry.set_active_environment(workspace.key, next(iter(ENVIRONMENTS)))
        store.lock()


def _made_up(environment: str) -> Keys:
    return Keys(
        api_key=Secret(f"sk_{environment}_{secrets.token_urlsafe(24)}"),
        webhook_secret=Secret(f'whsec_{secrets.token_hex(16)} "quoted" ü'),
        merchant_pin=Secret(f"{secrets.randbelow(900) + 100}"),
        report_password=Secret(f"{secrets.token_urlsafe(12)}:%&+ß"),
    )


def _values(keys: Keys) -> dict[str, str]:
    return {name: getattr(keys, name).reveal() for name in ("api_key", "webhook_secret", "merchant_pin")}


def _link(variable: str, /, **fields: object) -> str:
    lines = [f"[variables.{variable}.link]", *(f"{field} = {json.dumps(value)}" for field, value in fields.items())]
    return "\n".join(lines)


def _in_openbao(
    vault: DemoVault, keys: Mapping[str, Keys]
) -> tuple[dict[str, AnyCredential], dict[str, dict[str, str]]]:
    """Write the secrets to KV 2 and KV 1 and make the logins that may read them, and nothing else."""
    vault.write("sys/mounts/legacy", {"type": "kv", "options": {"version": "1"}})
    links: dict[str, dict[str, str]] = {}
    for environment, values in keys.items():
        vault.write(f"secret/data/payments/{environment}", {"data": _values(values)})
        vault.write(f"legacy/reports/{environment}", {"password": values.report_password.reveal()})
        shared: dict[str, object] = {
            "provider": "hashicorp",
            "credential": "vault-payments",
            "mount": "secret",
            "path": f"payments/{environment}",
        }
        links[environment] = {name: _link(name, **shared, key=name) for name in _values(values)} | {
            "report_password": _link(
                "report_password",
                provider="hashicorp",
                credential="vault-reports",
                kv_version=1,
                mount="legacy",
                path=f"reports/{environment}",
                key="password",
            )
        }
    policies = {
        "payments": {"secret/data/payments/*": ["read"], "secret/metadata/*": ["read", "list"]},
        "reports": {"legacy/*": ["read", "list"]},
    }
    for name, rules in policies.items():
        policy = {"path": {path: {"capabilities": capabilities} for path, capabilities in rules.items()}}
        vault.write(f"sys/policies/acl/{name}", {"policy": json.dumps(policy)})
    token = vault.write("auth/token/create", {"policies": ["payments"], "ttl": "8h", "display_name": "payments-demo"})
    vault.write("sys/auth/approle", {"type": "approle"})
    vault.write("auth/approle/role/reports", {"token_policies": ["reports"], "token_ttl": "1h"})
    vault.write("auth/approle/role/reports/role-id", {"role_id": "nightly-reports"})
    secret_id = vault.write("auth/approle/role/reports/secret-id", {})
    return {
        "vault-payments": VaultToken(server_address=vault.url, token=Secret(_text(token, "auth", "client_token"))),
        "vault-reports": VaultAppRole(
            server_address=vault.url,
            role_id="nightly-reports",
            secret_id=Secret(_text(secret_id, "data", "secret_id")),
        ),
    }, links


def _text(answer: Mapping[str, object], outer: str, inner: str) -> str:
    section = answer[outer]
    return str(section[inner]) if isinstance(section, dict) else ""


def _in_memory(keys: Mapping[str, Keys]) -> tuple[dict[str, AnyCredential], dict[str, dict[str, str]]]:
    """The same secrets in a vault in memory, by names such as `local/api_key`."""
    values = {
        f"{environment}/{name}": value
        for environment, held in keys.items()
        for name, value in (_values(held) | {"report_password": held.report_password.reveal()}).items()
    }
    names = ("api_key", "webhook_secret", "merchant_pin", "report_password")
    links = {
        environment: {
            name: _link(name, provider="memory", credential="vault-demo", name=f"{environment}/{name}")
            for name in names
        }
        for environment in keys
    }
    return {"vault-demo": MemoryCredential(secrets=Secret(json.dumps(values)))}, links
