"""A session as the front ends use it: what it asks for, what it fails with, and what it hands on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.errors import HostNotAllowed, NotBound, StoreError, StoreLocked
from core.hosts import Origin
from core.models import Capture, Environment, Field, JsonBody, Request, Variable
from core.paths import read_surroundings
from core.secret import Secret
from core.sending.routes import direct_or_by
from core.session import Need, Session, open_session
from core.settings import Settings
from core.vault.config import MemoryCredential, MemoryLink
from tests.loopback import Loopback

VALUE = "v4lue-of-the-vault"


def linked(name: str, credential: str = "corp") -> Variable:
    return Variable(link=MemoryLink(credential=credential, name=name))


@pytest.fixture
async def session(home: Path, tmp_path: Path, server: Loopback) -> AsyncIterator[Session]:
    """On a workspace whose base environment has the server as `base`, with a store that is open."""
    session = open_session(
        read_surroundings({"HUSHPOST_CONFIG_DIR": str(home), "HUSHPOST_DATA_DIR": str(home)}), headless=True
    )
    workspace = session.create_workspace(tmp_path / "workspace", "Tests")
    variables: dict[str, str | Variable] = {
        "base": server.url,
        "token": linked("api"),
        "other": linked("absent"),
        "stranger": linked("api", "theirs"),
        "unset": Variable(secret=True),
        "unset_too": Variable(secret=True),
    }
    workspace.save_environment("base", Environment(variables=variables))
    await session.create_store(key_file=home / "key")
    await session.save_credential("mine", MemoryCredential(secrets=Secret(json.dumps({"api": VALUE}))))
    session.consent.bind("corp", "mine")
    session.consent.approve([Need("corp", server.url)])
    yield session
    await session.close()


def asking(*names: str) -> Request:
    return Request(url="{{base}}/echo", headers=tuple(Field(f"X-{name}", f"{{{{{name}}}}}") for name in names))


async def test_a_secret_variable_without_a_value_is_a_failure_of_the_store(session: Session, server: Loopback) -> None:
    with pytest.raises(StoreError, match='"unset" of the base environment has no value on this machine') as caught:
        await session.send(asking("unset"))
    assert caught.value.kind == "store-error"
    assert server.requests == []


async def test_every_variable_that_fails_is_named(session: Session, server: Loopback) -> None:
    with pytest.raises(NotBound) as caught:
        await session.send(asking("stranger", "unset", "token", "other", "unset_too"))
    told = str(caught.value)
    assert all(f'"{name}"' in told for name in ("stranger", "unset", "other", "unset_too"))
    assert '"token"' not in told
    assert caught.value.variable == "stranger"
    assert (caught.value.hint or "").startswith("run: hushpost bind theirs YOUR_CREDENTIAL; ")
    assert VALUE not in f"{told} {caught.value.hint}"
    assert server.requests == []


async def test_a_locked_store_is_told_before_all_else(session: Session) -> None:
    session.lock()
    with pytest.raises(StoreLocked) as caught:
        await session.send(asking("stranger", "unset", "token"))
    assert "stranger" not in str(caught.value)


async def test_a_question_is_not_asked_of_a_variable_that_was_given(session: Session) -> None:
    assert session.workspace is not None
    session.workspace.save_environment("base", Environment(variables={"which": "{{?Which one}}"}))
    request = Request(url="http://127.0.0.1:9/{{which}}")
    assert session.prompts_in(request) == ("Which one",)
    assert session.prompts_in(request, overrides={"which": "this"}) == ()


async def test_a_renamed_credential_stays_bound(session: Session) -> None:
    credential = session.credential("mine")
    await session.save_credential("ours", credential, previous="mine")
    assert session.consent.binding("corp") == "ours"
    exchange = await session.send(asking("token"))
    assert exchange.secrets_used == ("token",)
    await session.save_credential("mine", MemoryCredential(secrets=Secret("{}")))
    assert session.consent.binding("corp") == "ours", "a new credential of the old name is nobody's yet"


async def test_two_ways_to_unlock_are_one_too_many(session: Session) -> None:
    both = read_surroundings(
        {
            "HUSHPOST_DATA_DIR": str(session.paths.data),
            "HUSHPOST_PASSPHRASE": "correct horse",
            "HUSHPOST_KEY_FILE": str(session.paths.data / "key"),
        }
    )
    other = open_session(both, headless=True)
    with pytest.raises(StoreError, match="HUSHPOST_PASSPHRASE and HUSHPOST_KEY_FILE are both set") as caught:
        await other.unlock_unattended()
    assert caught.value.hint == "unset HUSHPOST_PASSPHRASE or HUSHPOST_KEY_FILE"
    assert "correct horse" not in str(caught.value)


ECHOED = (
    Capture("loot", "json", "$.headers[?@[0]=='X-token'][1]"),
    Capture("piece", "body", "v4(lu)"),
    Capture("kept", "json", "$.headers[?@[0]=='X-token'][1]", secret=True),
)
COLLECT = (Field("X-Loot", "{{loot}}"), Field("X-Piece", "{{piece}}"), Field("X-Kept", "{{kept}}"), Field("X-Own", "1"))


async def captured(session: Session) -> None:
    """One request takes the secret to its host, which says it back."""
    request = Request(url="{{base}}/echo", headers=asking("token").headers, captures=ECHOED)
    exchange = await session.send(request)
    assert [exchange.captured["loot"], exchange.captured["piece"]] == [VALUE, "lu"]


@pytest.mark.parametrize("name", ["loot", "piece", "kept"])
async def test_what_was_captured_goes_only_where_the_secret_of_its_request_may(
    session: Session, server: Loopback, other_server: Loopback, name: str
) -> None:
    await captured(session)
    elsewhere = Request(method="POST", url=f"{other_server.url}/echo", body=JsonBody(f'"{{{{{name}}}}}"'))
    with pytest.raises(
        HostNotAllowed, match=f'what "token" gave has not been allowed to go to "{other_server.url}"'
    ) as no:
        await session.send(elsewhere)
    assert (no.value.credential, no.value.missing) == ("corp", (other_server.url,))
    assert other_server.requests == []
    await session.send(Request(url=f"{server.url}/echo?{{{{{name}}}}}"))
    session.consent.approve([Need("corp", other_server.url)])
    await session.send(elsewhere)
    assert len(other_server.requests) == 1


async def test_what_was_captured_of_what_was_captured_keeps_to_the_secrets_hosts(
    session: Session, server: Loopback, other_server: Loopback
) -> None:
    await captured(session)
    again = Request(url="{{base}}/json?a={{loot}}", captures=(Capture("twice", "json", "$.a"),))
    await session.send(again)
    with pytest.raises(HostNotAllowed):
        await session.send(Request(url=f"{other_server.url}/echo?{{{{twice}}}}"))
    assert other_server.requests == []


async def test_a_redirect_to_another_origin_takes_nothing_captured_along(
    session: Session, server: Loopback, other_server: Loopback
) -> None:
    await captured(session)
    away = f"{{{{base}}}}/redirect?status=307&to={other_server.url}/echo"
    exchange = await session.send(Request(url=away, headers=COLLECT))
    assert exchange.response.status == 200
    assert VALUE.encode() not in other_server.last.raw
    assert [other_server.last.header(name) for name in ("X-Piece", "X-Own")] == [None, "1"]
    with pytest.raises(HostNotAllowed) as caught:
        await session.send(Request(method="POST", url=away, body=JsonBody('"{{piece}}"')))
    assert caught.value.kind == "redirect-refused"
    assert len(other_server.requests) == 1


async def test_what_a_request_without_a_secret_captured_may_go_anywhere(
    session: Session, server: Loopback, other_server: Loopback
) -> None:
    await session.send(Request(url="{{base}}/json?a=1", captures=(Capture("loot", "json", "$.a"),)))
    await session.send(Request(url=f"{other_server.url}/echo?{{{{loot}}}}"))
    assert other_server.last.target == "/echo?1"


@pytest.mark.parametrize(
    ("setting", "chosen"),
    [("", "http://from-environment:1"), ("none", None), ("own:2", "http://own:2")],
)
def test_the_proxy_of_settings(home: Path, setting: str, chosen: str | None) -> None:
    surroundings = read_surroundings({"HUSHPOST_CONFIG_DIR": str(home), "http_proxy": "from-environment:1"})
    session = open_session(surroundings, headless=True)
    session.save_settings(Settings(proxy=setting))
    defaults = session.defaults
    assert direct_or_by(defaults.proxy, defaults.proxies, Origin.of("http://api.example.com")) == chosen
