"""A session as the front ends use it: what it asks for, what it fails with, and what it hands on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.errors import NotBound, StoreError, StoreLocked
from core.hosts import Origin
from core.models import Environment, Field, Request, Variable
from core.paths import read_surroundings
from core.routes import direct_or_by
from core.secret import Secret
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
    session.bind("corp", "mine")
    session.approve([Need("corp", server.url)])
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
    assert session.binding("corp") == "ours"
    exchange = await session.send(asking("token"))
    assert exchange.secrets_used == ("token",)
    await session.save_credential("mine", MemoryCredential(secrets=Secret("{}")))
    assert session.binding("corp") == "ours", "a new credential of the old name is nobody's yet"


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
