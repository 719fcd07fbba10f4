"""Scenes of `terminal.py` that take longer: large bodies while a person goes on typing, and ten live countdowns."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import psutil

from benchmarks.watched_app import WatchedApp
from core.consent.registry import Registry
from core.paths import Paths
from core.secret import Secret
from core.vault.config import MemoryCredential
from core.vault.store import CredentialStore
from core.workspace.workspace import Workspace

COUNTDOWNS = 10
WATCHED_S = 10.0
PASSPHRASE = "benchmark"
_NAMES = [f"secret_{number}" for number in range(COUNTDOWNS)]


@lru_cache(maxsize=1)
def large_body(megabytes: int, told: str) -> bytes:
    """JSON of so many megabytes, on one line as servers send it, that begins with `told`."""
    rows: list[str] = []
    size = 0
    while size < megabytes * 1_000_000:
        number = len(rows)
        row = {
            "id": number,
            "name": f"order {number}",
            "active": number % 2 == 0,
            "tags": ["alpha", "beta", "gamma"],
            "address": {"city": "Springfield", "zip": f"{number % 100_000:05}", "geo": [12.5, -7.25]},
            "note": None,
        }
        rows.append(json.dumps(row))
        size += len(rows[-1]) + 2
    return f'{{"told": "{told}", "items": [{", ".join(rows)}]}}'.encode()


def write_countdowns(folder: Path, home: Path, base: str) -> None:
    """A workspace whose one request holds ten linked secrets, and all that this user allowed it."""
    linked = "".join(
        f'[variables.{name}.link]\nprovider = "memory"\ncredential = "vault"\nname = "{name}"\n' for name in _NAMES
    )
    headers = "".join(f'    {{ name = "X-{name}", value = "{{{{{name}}}}}" }},\n' for name in _NAMES)
    files = {
        "workspace.toml": 'schema = 1\nname = "countdowns"\nid = "fedcba9876543210"\n',
        "environments/base.toml": f"schema = 1\n{linked}",
        "requests/all.toml": f'schema = 1\nname = "all"\nurl = "{base}/answers/all"\nheaders = [\n{headers}]\n',
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    paths = Paths(config=home / "config", data=home / "data", state=home / "state")
    paths.ensure()
    store = CredentialStore(paths.store)
    store.create(passphrase=Secret(PASSPHRASE))
    values = {name: f"value of {name}" for name in _NAMES}
    store.put("vault", MemoryCredential(secrets=Secret(json.dumps(values))))
    registry, workspace = Registry(paths), Workspace.open(folder)
    registry.remember(workspace)
    registry.bind(workspace.key, "vault", "vault")
    registry.approve(workspace.key, "vault", [base])


def environment_of(home: Path) -> dict[str, str]:
    """What opens that store, beside what every app of a benchmark gets."""
    folders = {f"HUSHPOST_{name.upper()}_DIR": str(home / name) for name in ("config", "data", "state")}
    return {**folders, "HUSHPOST_PASSPHRASE": PASSPHRASE}


def countdowns(app: WatchedApp) -> tuple[float, float]:
    """Bytes a second and the per cent of one core, with ten countdowns in view and nothing pressed."""
    app.wait_for("all", 60)
    app.quiet(0.4)
    for key in ("down", "enter", "ctrl+r"):
        app.press_and_watch(key)
    app.wait_for("lla", 60)
    app.press_and_watch("f5")
    app.wait_for(lambda screen: sum(name in screen for name in _NAMES) == COUNTDOWNS, 20)
    app.quiet(0.4, limit=3)
    process = psutil.Process(app.pid)
    before = process.cpu_times()
    sent = app.idle(WATCHED_S)
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    return sent / WATCHED_S, used / WATCHED_S * 100
