"""What the history has of sends that ended otherwise: answers whose script failed or was cut off, no answer at all."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.errors import HostNotAllowed, RequestError, TemplateError
from core.history.comparing import compare
from core.history.record import Kept
from core.history.reopening import request_from
from core.models import BearerAuth, Environment, Options, Request, Scripts, Variable
from core.paths import read_surroundings
from core.secret import Secret
from core.session import Need, Session, open_session
from tests.canary import leaks
from tests.loopback import Loopback

VALUE = "s3cr3t-value-of-the-store"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
async def session(home: Path, tmp_path: Path, server: Loopback) -> AsyncIterator[Session]:
    """As the app opens one: what it sends is kept."""
    places = {"HUSHPOST_CONFIG_DIR": str(home), "HUSHPOST_DATA_DIR": str(home), "HUSHPOST_STATE_DIR": str(home / "s")}
    session = open_session(read_surroundings(places), headless=False)
    workspace = session.create_workspace(tmp_path / "workspace", "Tests")
    variables: dict[str, str | Variable] = {"base": server.url, "key": Variable(secret=True)}
    workspace.save_environment("base", Environment(variables=variables))
    await session.create_store(key_file=home / "key")
    await session.values.set("environments/base", "key", Secret(VALUE))
    session.consent.approve([Need("", server.url), Need("", NOWHERE)])
    yield session
    await session.close()


async def kept(session: Session) -> list[Kept]:
    await session.history.look()
    return [await session.history.get(entry.id) for entry in session.history.list()]


def scripted(session: Session, text: str) -> Request:
    assert session.workspace is not None
    script = session.workspace.path / "scripts" / "after.py"
    script.parent.mkdir(exist_ok=True)
    script.write_text(text)
    session.grant("scripts")
    return Request(url="{{base}}/json?a=1", scripts=Scripts(None, "after.py"))


async def test_an_answer_whose_script_failed_is_kept_with_its_error(session: Session) -> None:
    await session.send(scripted(session, "raise ValueError('x')"))
    [one] = await kept(session)
    assert one.exchange.response.body.read() == b'{"a": "1"}'
    assert one.exchange.script_error is not None
    assert one.exchange.script_error.message == 'script "after.py" failed: ValueError: x (line 1)'


async def test_an_answer_whose_script_was_not_waited_for_is_kept(session: Session, server: Loopback) -> None:
    script = f"import urllib.request; urllib.request.urlopen('{server.url}/hold')"
    sending = asyncio.ensure_future(session.send(scripted(session, script)))
    await asyncio.get_running_loop().run_in_executor(None, server.wait_for, lambda: len(server.requests) == 2)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    server.release()
    [one] = await kept(session)
    assert (one.summary.status, one.exchange.response.body.read()) == (200, b'{"a": "1"}')


@pytest.mark.parametrize(
    ("url", "kind", "limit_s"),
    [
        (f"{NOWHERE}/x", "connect", None),
        ("{{base}}/hold", "timeout", 0.1),
        ("{{base}}/hangup", "protocol", None),
    ],
)
async def test_a_request_without_an_answer_is_kept_with_the_error(
    session: Session, server: Loopback, url: str, kind: str, limit_s: float | None
) -> None:
    request = Request(method="POST", url=url, auth=BearerAuth("{{key}}"), options=Options(timeout=limit_s))
    with pytest.raises(RequestError):
        await session.send(request, "requests/r")
    server.release()
    [one] = await kept(session)
    assert (one.summary.status, one.summary.reason, one.summary.reference) == (0, kind, "requests/r")
    assert one.exchange.error is not None
    assert one.exchange.error.kind == kind
    assert one.exchange.secrets_used == ("key",)
    assert [entry.summary.method for entry in session.history.list(kind)] == ["POST"]
    assert leaks({"key": VALUE}, [("exchange", repr(one).encode())]) == []
    again = request_from(one.exchange).request
    assert again.auth == BearerAuth("{{key}}") or any("{{key}}" in row.value for row in again.headers)
    assert "no answer: " in compare(one.exchange, (await answered(session)).exchange, session.redactor)


async def test_a_request_whose_answer_found_no_room_is_kept(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", "/nonexistent")
        with pytest.raises(RequestError):
            await session.send(Request(method="POST", url="{{base}}/bytes/2000000"))
    [one] = await kept(session)
    assert (one.summary.method, one.summary.reason) == ("POST", "disk")


async def answered(session: Session) -> Kept:
    await session.send(Request(url="{{base}}/json"))
    return (await kept(session))[0]


async def test_what_was_never_sent_is_not_kept(session: Session) -> None:
    with pytest.raises(TemplateError):
        await session.send(Request(url="{{base}}/{{nothing}}"))
    with pytest.raises(HostNotAllowed):
        await session.send(Request(url="http://127.0.0.1:10/", auth=BearerAuth("{{key}}")))
    with pytest.raises(RequestError):
        await session.send(Request(url="ftp://127.0.0.1/"))
    with pytest.raises(RequestError):
        await session.send(Request(url=NOWHERE, options=Options(history=False)))
    assert await kept(session) == []
