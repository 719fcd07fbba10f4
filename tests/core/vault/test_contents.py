from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import StoreCorrupt, StoreError
from core.secret import Secret
from core.vault.config import (
    AnyCredential,
    AwsAmbient,
    AzureServicePrincipal,
    GcpServiceAccount,
    MemoryCredential,
    VaultAppRole,
)
from core.vault.contents import Contents
from core.vault.store import CredentialStore, ValueKey
from tests.stores import OTHER, PASSWORD, TOKEN, edit_body, names, unlocked


@pytest.mark.parametrize(
    "credential",
    [
        TOKEN,
        VaultAppRole(server_address="https://v", role_id="r", secret_id=Secret("ünïcode \"'\\\n")),
        AwsAmbient(),
        GcpServiceAccount(key_json=Secret('{"private_key": "-----BEGIN\\n"}')),
        AzureServicePrincipal(tenant_id="t", client_id="c", client_secret=None, certificate_path="/p.pem"),
        MemoryCredential(secrets=Secret("{}")),
    ],
    ids=lambda credential: type(credential).__name__,
)
def test_a_credential_comes_back_as_it_was(store: CredentialStore, credential: AnyCredential) -> None:
    store.put("it", credential)
    again = unlocked(store.path).get("it")
    assert again.credential == credential
    assert (again.name, again.provider) == ("it", credential.provider)


def test_values_follow_a_rename_and_a_duplicate(store: CredentialStore) -> None:
    def into(scope: str) -> Callable[[ValueKey], ValueKey | None]:
        return lambda key: ValueKey(key.workspace_id, key.real_path, scope, key.name) if key == PASSWORD else None

    other = ValueKey("workspace-1", "/work/payments", "environments/base", "password")
    store.put_value(other, Secret("base"))
    assert store.copy_values(into("environments/copy")) == 1
    assert store.move_values(into("environments/live")) == 1
    again = unlocked(store.path)
    found = {key.scope: value for key in again.value_keys() if (value := again.value(key))}
    assert found == {
        "environments/base": Secret("base"),
        "environments/copy": Secret("s3cret"),
        "environments/live": Secret("s3cret"),
    }
    assert store.move_values(into("nowhere")) == 0


def test_swapping_the_places_of_values(store: CredentialStore) -> None:
    other = ValueKey("workspace-1", "/work/payments", "environments/production", "token")
    store.put_value(other, Secret("t0ken"))
    assert store.move_values(lambda key: other if key == PASSWORD else PASSWORD) == 2
    assert (store.value(other), store.value(PASSWORD)) == (Secret("s3cret"), Secret("t0ken"))


def test_a_record_that_cannot_be_read_fails_alone_and_is_kept(store: CredentialStore) -> None:
    store.put("good", OTHER)
    foreign = {"id": "1", "name": "from-tomorrow", "provider": "acme", "credential": {"type": "magic", "key": "hvs.x"}}
    unknown_type = {"id": "2", "name": "new-type", "provider": "hashicorp", "credential": {"type": "hvs.y", "a": 1}}
    broken_field = {
        "id": "3",
        "name": "bad-field",
        "provider": "hashicorp",
        "credential": {"type": "token", "server_address": 7},
    }
    more_fields = json.loads(msgspec.json.encode(broken_field)) | {"name": "more-fields", "since": 2030}
    records = [foreign, unknown_type, broken_field, more_fields, "hvs.z", 17]

    def change(body: bytes) -> bytes:
        content = json.loads(body)
        content["credentials"] = [*records[:2], *content["credentials"], *records[2:]]
        content["values"] += [{"from": "tomorrow"}]
        content["notes"] = {"from": "tomorrow"}
        return json.dumps(content).encode()

    edit_body(store.path, change)
    assert names(store) == ["vault-prod", "good"]
    assert store.value(PASSWORD) == Secret("s3cret")
    problems = {row.name: row.problem for row in store.unreadable()}
    assert len(problems) == len(records)
    assert 'the provider "acme" is not known' in problems["from-tomorrow"]
    assert '"server_address"' in problems["bad-field"]
    assert "hvs." not in str(problems)
    with pytest.raises(StoreError, match='"bad-field" cannot be read: its field "server_address"'):
        store.get("bad-field")

    store.put("added", TOKEN)
    seen: list[bytes] = []
    edit_body(store.path, lambda body: seen.append(body) or body)  # type: ignore[func-returns-value]
    content = json.loads(seen[0])
    assert [record for record in content["credentials"] if record in records] == records
    assert {"from": "tomorrow"} in content["values"]
    assert content["notes"] == {"from": "tomorrow"}

    store.put("bad-field", OTHER)
    assert store.get("bad-field").id == "3"
    for row in store.unreadable():
        store.delete(row.name)
    assert names(store) == ["vault-prod", "good", "bad-field", "added"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"history_key":"AAAA","credentials":[],"values":[]}', b"\xff"])
def test_a_body_of_another_make_is_refused(store: CredentialStore, body: bytes) -> None:
    edit_body(store.path, lambda _: body)
    before = store.path.read_bytes()
    with pytest.raises(StoreCorrupt, match="not what this version understands"):
        store.put("x", TOKEN)
    assert store.path.read_bytes() == before


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(
        st.tuples(*[st.text(st.characters(codec="utf-8"), max_size=9)] * 4), st.text(st.characters(codec="utf-8"))
    )
)
def test_contents_come_back_as_they_were(values: dict[tuple[str, str, str, str], str]) -> None:
    contents = Contents.new()
    contents.values = {ValueKey(*key): Secret(value) for key, value in values.items()}
    again = Contents.decode(contents.encode(), "store")
    assert again.values == contents.values
    assert again.encode() == contents.encode()
