"""Field metadata to form rows, and texts back to checked structs."""

from __future__ import annotations

import msgspec
import pytest

from core.errors import FieldError
from core.secret import Secret
from core.vault.config import (
    PROVIDERS,
    AwsFile,
    AwsTemporary,
    AzureServicePrincipal,
    GcpServiceAccount,
    HashicorpLink,
    MemoryLink,
    VaultAppRole,
    VaultToken,
)
from core.vault.fields import (
    build_credential,
    build_link,
    credential_type,
    credential_types,
    form_fields,
    link_type,
    texts,
    type_tag,
)

ALL_TYPES = [struct for provider in PROVIDERS for struct in credential_types(provider)]
ALL_LINKS = [link_type(provider) for provider in PROVIDERS]


@pytest.mark.parametrize("struct", [*ALL_TYPES, *ALL_LINKS], ids=lambda struct: struct.__name__)
def test_every_field_of_every_struct_makes_a_row(struct: type) -> None:
    rows = form_fields(struct)
    names = [name for name in struct.__struct_fields__ if name != "credential"]  # type: ignore[attr-defined]
    assert [row.name for row in rows] == names
    for row in rows:
        assert row.label, row
        assert row.label[0].isupper(), row
        assert not row.help.endswith("."), row
        if row.choices:
            assert row.default in row.choices
        if row.required:
            assert row.default == ""


def test_the_rows_of_a_token() -> None:
    address, token, namespace, ca_file = form_fields(VaultToken)
    assert (address.label, address.required, address.secret, address.env) == (
        "Server address",
        True,
        False,
        "SERVERADDRESS",
    )
    assert (token.label, token.required, token.secret, token.kind) == ("Authentication token", True, True, "text")
    assert not namespace.required
    assert ca_file.path


def test_the_rows_of_a_link() -> None:
    rows = {row.name: row for row in form_fields(HashicorpLink)}
    assert (rows["kv_version"].kind, rows["kv_version"].choices, rows["kv_version"].default) == (
        "choice",
        ("1", "2"),
        "2",
    )
    assert (rows["version"].kind, rows["version"].default) == ("number", "")
    assert (rows["trim"].kind, rows["trim"].default) == ("boolean", "false")
    assert rows["encoding"].choices == ("", "base64")
    assert "credential" not in rows


def test_types_are_offered_in_order_and_found_by_tag() -> None:
    assert [type_tag(struct) for struct in credential_types("hashicorp")][:2] == ["token", "approle"]
    assert credential_type("hashicorp", "approle") is VaultAppRole
    assert [type_tag(struct) for struct in credential_types("hcp")] == ["client_credentials"]
    with pytest.raises(FieldError, match='no credential type "x"') as caught:
        credential_type("hashicorp", "x")
    assert "approle" in str(caught.value.hint)
    with pytest.raises(FieldError, match='no vault provider "x"'):
        link_type("x")


def test_texts_make_a_credential() -> None:
    built = build_credential(
        "hashicorp",
        "token",
        {"server_address": " https://vault.example.com:8200 ", "token": "s.secret", "namespace": ""},
    )
    assert built == VaultToken(server_address="https://vault.example.com:8200", token=Secret("s.secret"))


def test_a_secret_may_already_be_one() -> None:
    built = build_credential("hashicorp", "token", {"server_address": "http://x", "token": Secret(" kept as it is ")})
    assert isinstance(built, VaultToken)
    assert built.token.reveal() == " kept as it is "


def test_texts_make_a_link() -> None:
    built = build_link(
        "hashicorp",
        "vault-prod",
        {"mount": "kv", "path": "a", "kv_version": "2", "version": "3", "trim": "TRUE", "key": "", "encoding": ""},
    )
    assert built == HashicorpLink(credential="vault-prod", mount="kv", path="a", version=3, trim=True)


def test_all_bad_fields_are_named_by_label_at_once() -> None:
    with pytest.raises(FieldError) as caught:
        build_link("hashicorp", "c", {"mount": " ", "kv_version": "3", "version": "newest", "trim": "maybe"})
    assert caught.value.fields == {
        "mount": "is needed",
        "path": "is needed",
        "kv_version": "is none of 1, 2",
        "version": "is no whole number",
        "trim": "is neither true nor false",
    }
    assert '"Secret mount path" is needed' in caught.value.message


@pytest.mark.parametrize("number", ["-1", "1.5", "1e3", "²", "0x1", "x"])
def test_numbers_are_whole_ones(number: str) -> None:
    with pytest.raises(FieldError, match='"Version"'):
        build_link("hashicorp", "c", {"mount": "kv", "path": "a", "version": number})


def test_a_number_out_of_bounds_is_named() -> None:
    with pytest.raises(FieldError, match='"Version"') as caught:
        build_link("hashicorp", "c", {"mount": "kv", "path": "a", "version": "0"})
    assert list(caught.value.fields) == ["version"]


def test_fields_that_do_not_go_together() -> None:
    with pytest.raises(FieldError, match="keeps no versions"):
        build_link("hashicorp", "c", {"mount": "kv", "path": "a", "kv_version": "1", "version": "2"})


def test_an_unknown_field_is_named_with_the_known_ones() -> None:
    with pytest.raises(FieldError, match='no field "tokn"') as caught:
        build_credential("hashicorp", "token", {"server_address": "http://x", "tokn": "s.secret"})
    assert "server_address, token, namespace, ca_file" in str(caught.value.hint)


@pytest.mark.parametrize("address", ["vault.example.org", "ftp://x", "http://u:p@x", "https://x?y", "http://"])
def test_an_address_that_is_none_is_not_quoted(address: str) -> None:
    with pytest.raises(FieldError, match='"Server address"') as caught:
        build_credential("hashicorp", "token", {"server_address": address, "token": "s.secret"})
    assert address not in caught.value.message
    assert "https://vault.example.com:8200" in caught.value.message


def test_errors_hold_no_secret() -> None:
    with pytest.raises(FieldError) as caught:
        build_credential("hashicorp", "approle", {"role_id": "", "secret_id": "canary", "server_address": "canary-x"})
    assert "canary" not in repr((caught.value, vars(caught.value), caught.value.__context__))


@pytest.mark.parametrize(
    ("provider", "type_name", "given"),
    [
        ("gcp", "service_account", {}),
        ("gcp", "service_account", {"key_file": "x.json", "key_json": "{}"}),
        ("azure", "service_principal", {"tenant_id": "t", "client_id": "c"}),
        (
            "azure",
            "service_principal",
            {"tenant_id": "t", "client_id": "c", "client_secret": "s", "certificate_path": "p"},
        ),
    ],
)
def test_exactly_one_of_the_alternatives(provider: str, type_name: str, given: dict[str, str]) -> None:
    with pytest.raises(FieldError, match=r'exactly one of "[A-Z]') as caught:
        build_credential(provider, type_name, given)
    assert set(caught.value.fields) == set(credential_type(provider, type_name).one_of)


def test_either_alternative_will_do() -> None:
    assert isinstance(build_credential("gcp", "service_account", {"key_file": "x.json"}), GcpServiceAccount)
    built = build_credential(
        "azure", "service_principal", {"tenant_id": "t", "client_id": "c", "certificate_path": "p.pem"}
    )
    assert isinstance(built, AzureServicePrincipal)


@pytest.mark.parametrize(
    "struct",
    [
        AwsTemporary(access_key_id="a", secret_access_key=Secret("b"), session_token=Secret("c"), region="d"),
        AwsFile(section="s", cache_file=False),
        VaultAppRole(server_address="http://x", role_id="r", secret_id=Secret("s")),
    ],
)
def test_editing_starts_from_what_there_is(struct: msgspec.Struct) -> None:
    shown = texts(struct)  # type: ignore[arg-type]
    again = build_credential(struct.provider, type_tag(type(struct)), shown)  # type: ignore[attr-defined, arg-type]
    assert again == struct
    assert "'b'" not in repr(shown)


def test_editing_a_link() -> None:
    link = HashicorpLink(credential="c", mount="kv", path="a", version=3, trim=True, key="k", encoding="base64")
    assert build_link("hashicorp", "c", texts(link)) == link
    assert texts(MemoryLink(credential="c", name="n"))["trim"] == "false"
