"""No secret of a real vault is in the history, neither in its files nor in what the key of the store opens of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.consent.registry import Registry
from core.errors import HushpostError
from core.history.sealed_disk import SealedRows
from core.paths import Paths, read_surroundings
from core.secret import Secret
from core.session import open_session
from core.vault.store import CredentialStore
from core.workspace.workspace import Workspace
from tests.canary import files_below, leaks
from tests.e2e.canary_workspace import SECRETS, write
from tests.loopback import Loopback
from tests.vaults.openbao import OpenBao

PASSPHRASE = "a passphrase of the canary"


@pytest.fixture
def workspace(tmp_path: Path, home: Path, bao: OpenBao, server: Loopback, other_server: Loopback) -> Workspace:
    """Bound and approved; the answers echo all that they are sent."""
    write(tmp_path / "canary", bao, server.url, other_server.url)
    paths = Paths(home / ".config/hushpost", home / ".local/share/hushpost", home / ".local/state/hushpost")
    paths.ensure()
    store = CredentialStore(paths.store)
    store.create(passphrase=Secret(PASSPHRASE))
    store.put("mine", bao.token_credential())
    opened = Workspace.open(tmp_path / "canary")
    registry = Registry(paths)
    registry.bind(opened.key, "canary vault", "mine")
    registry.approve(opened.key, "canary vault", [server.url])
    return opened


async def test_what_was_sent_and_echoed_is_kept_masked(
    workspace: Workspace, bao: OpenBao, server: Loopback, home: Path
) -> None:
    surroundings = read_surroundings()
    session = open_session(surroundings, headless=False)
    await session.unlock(passphrase=Secret(PASSPHRASE))
    session.open_workspace(workspace.path)
    for reference in ("echoed", "form", "redirected"):
        request = workspace.load_request(reference)
        try:
            await session.send(request, reference)
        except HushpostError:
            assert reference == "redirected"
    await session.history.look()
    assert [entry.summary.reference for entry in session.history.list()] == ["redirected", "form", "echoed"]
    assert server.requests[0].header("X-Key") == SECRETS["header_key"]
    secrets = SECRETS | {"token": bao.root_token, "passphrase": PASSPHRASE}
    assert leaks(secrets, files_below(surroundings.paths.state)) == []
    key = session.store.history_key()
    await session.close()

    rows = SealedRows(surroundings.paths.history, key, size_limit=10**9)
    plain = {row_id: rows.get(row_id) or b"" for row_id in rows.ids()}
    rows.close()
    assert sorted(b"/redirect" in value for value in plain.values()) == [False, False, True]
    assert leaks(secrets, plain.items()) == []
    assert leaks(secrets, files_below(home)) == []
    assert key not in b"".join(data for _, data in files_below(surroundings.paths.state))


async def test_a_headless_run_keeps_no_history(workspace: Workspace, server: Loopback) -> None:
    surroundings = read_surroundings()
    session = open_session(surroundings, headless=True)
    await session.unlock(passphrase=Secret(PASSPHRASE))
    session.open_workspace(workspace.path)
    await session.send(workspace.load_request("echoed"), "echoed")
    assert server.requests
    assert session.history.list() == []
    await session.close()
    assert not surroundings.paths.history.exists()
