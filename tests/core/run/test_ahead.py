"""What can be settled before a run, found without sending anything."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.consent.consent import Need
from core.models import BearerAuth, Capture, Environment, Field, Request, Scripts, Variable
from core.paths import read_surroundings
from core.run.ahead import Ahead, look_ahead
from core.secret import Secret
from core.session import Session, open_session
from core.vault.config import MemoryCredential, MemoryLink
from core.vault.envelope import Cost
from core.vault.store import CredentialStore

HOST = "https://api.example.com"


@pytest.fixture
async def session(home: Path, tmp_path: Path) -> AsyncIterator[Session]:
    """An unlocked store with a credential, and a workspace whose token is linked to a name nobody bound."""
    session = open_session(read_surroundings({"HUSHPOST_CONFIG_DIR": str(home)}), headless=False)
    session.store = CredentialStore(session.paths.store, cost=Cost(memory_kib=8 * 1024, passes=1, lanes=1))
    await session.create_store(passphrase=Secret("correct horse"))
    await session.save_credential("mine", MemoryCredential(secrets=Secret(json.dumps({"api": "v"}))))
    workspace = session.create_workspace(tmp_path / "workspace", "Tests")
    link = MemoryLink(credential="team", name="api")
    workspace.save_environment(
        "base", Environment(variables={"host": HOST, "token": Variable(link=link), "pin": Variable(secret=True)})
    )
    yield session
    await session.close()


def save(session: Session, reference: str, url: str = "{{host}}/", **fields: object) -> str:
    assert session.workspace is not None
    session.workspace.save_request(reference, Request(url=url, **fields))  # type: ignore[arg-type]
    return reference


async def test_nothing_to_settle(session: Session) -> None:
    found = await look_ahead(session, [save(session, "a")])
    assert found == Ahead()
    assert not found.consents


async def test_names_hosts_and_questions_once_each(session: Session) -> None:
    references = [
        save(session, "a", auth=BearerAuth(token="{{token}}")),
        save(session, "b", auth=BearerAuth(token="{{token}}"), query=(Field("day", "{{?Day}}"),)),
        save(session, "c", query=(Field("day", "{{?Day}}"), Field("row", "{{row}}"))),
    ]
    found = await look_ahead(session, references, [{"row": "1"}, {"row": "2"}])
    assert [error.credential for error in found.unbound] == ["team"]
    assert found.approvals == (Need("team", HOST),)
    assert found.questions == ("Day",)
    assert not found.locked
    session.consent.bind("team", "mine")
    session.consent.approve(found.approvals)
    assert not (await look_ahead(session, references, [{"row": "1"}])).consents


async def test_only_of_the_requests_that_run(session: Session) -> None:
    save(session, "a", auth=BearerAuth(token="{{token}}"))
    assert not (await look_ahead(session, [save(session, "b")])).consents


@pytest.mark.parametrize("name", ["token", "pin"])
async def test_a_locked_store_that_holds_what_they_need(session: Session, name: str) -> None:
    session.consent.bind("team", "mine")
    session.lock()
    assert (await look_ahead(session, [save(session, "a", auth=BearerAuth(token=f"{{{{{name}}}}}"))])).locked
    assert not (await look_ahead(session, [save(session, "b")])).locked


async def test_scripts_that_were_not_allowed(session: Session) -> None:
    assert session.workspace is not None
    (session.workspace.path / "scripts").mkdir()
    (session.workspace.path / "scripts/x.py").write_text("pass\n")
    references = [save(session, "a", scripts=Scripts(before_request="scripts/x.py")), save(session, "b", "{{?Q}}{{x}}")]
    found = await look_ahead(session, references)
    assert found.scripts
    # A variable that a script may set hides no question.
    assert found.questions == ("Q",)
    session.grant("scripts")
    assert not (await look_ahead(session, references)).scripts


async def test_captured_names_are_known_and_their_hosts_are_not(session: Session) -> None:
    references = [
        save(session, "login", captures=(Capture("where", "json", "$.where"), Capture("id", "json", "$.id"))),
        save(session, "a", "https://{{where}}/", auth=BearerAuth(token="{{token}}")),
        save(session, "b", "{{host}}/{{id}}", auth=BearerAuth(token="{{token}}")),
    ]
    assert (await look_ahead(session, references)).approvals == (Need("team", HOST),)


async def test_what_cannot_be_read_or_built_is_left_to_the_run(session: Session) -> None:
    assert session.workspace is not None
    references = [save(session, "a", "{{nothing}}"), save(session, "b")]
    session.workspace.request_path("b").write_text("schema = ")
    assert not (await look_ahead(session, [*references, "gone"])).consents
