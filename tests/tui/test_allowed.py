"""What this user allowed a workspace is seen in one list, and each of it can be taken back there."""

from __future__ import annotations

from pathlib import Path

from core.consent.allowed import Allowed, allowed, revoke
from core.models import Request, Scripts
from core.session import Need, Session
from tests.tui.conftest import notices, until
from tests.vault_app import back, in_mode, said, shown, workspace_at
from tui.screens.allowed import AllowedDialog
from tui.widgets.rows import Rows


def everything(session: Session, folder: Path) -> Path:
    """Allow one of each kind; the file that may be used."""
    outside = folder / "outside.bin"
    outside.write_bytes(b"x")
    workspace_at(session, folder / "ws", {})
    assert session.workspace is not None
    scripts = session.workspace.path / "scripts"
    scripts.mkdir()
    (scripts / "sign.py").write_text("pass\n")
    session.workspace.create_request("", "A", Request(scripts=Scripts(before_request="sign.py")))
    session.consent.bind("vault-prod", "mine")
    session.consent.approve([Need("vault-prod", "https://api.example.com"), Need("", "https://x.example.com")])
    session.grant("scripts", "secrets")
    session.allow_file(outside)
    return outside


async def test_the_list_has_every_kind_and_delete_takes_it_back(session: Session, tmp_path: Path) -> None:
    outside = everything(session, tmp_path)
    async with in_mode(session, "credentials") as pilot:
        await pilot.press("w")
        await shown(pilot, AllowedDialog)
        for told in (
            'use your credential "mine", which it calls "vault-prod"',
            'send secrets of "vault-prod" to https://api.example.com',
            "send values of your store to https://x.example.com",
            "run the scripts in it",
            "let its scripts read secrets",
            "use the file",
        ):
            assert told in said(pilot)
        await pilot.press("down", "d")
        await until(pilot, lambda: Allowed("receiver", "vault-prod", "https://api.example.com") not in allowed(session))
        assert any("asks again when it is needed" in notice for notice in notices(pilot))
        for _ in range(5):
            await pilot.press("d")
            await pilot.pause()
        assert allowed(session) == []
        assert session.consent.binding("vault-prod") is None
        assert session.script_grants() == frozenset()
        assert session.registry.allowed_files(session.key) == frozenset()
        assert outside.exists()
        assert "Nothing yet" in said(pilot)
        assert pilot.app.screen.query_one(Rows).key is None
        await pilot.press("q")
        await back(pilot)


def test_without_the_credential_its_hosts_are_gone_and_without_running_no_script_reads(
    session: Session, tmp_path: Path
) -> None:
    everything(session, tmp_path)
    revoke(session, Allowed("credential", "vault-prod", "mine"))
    revoke(session, Allowed("scripts"))
    assert [one.kind for one in allowed(session)] == ["receiver", "file"]


async def test_it_is_reached_from_any_mode(session: Session, tmp_path: Path) -> None:
    everything(session, tmp_path)
    async with in_mode(session, "history") as pilot:
        await pilot.press("alt+w")
        await shown(pilot, AllowedDialog)
        await pilot.press("escape")
        await back(pilot)
