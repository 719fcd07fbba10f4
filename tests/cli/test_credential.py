"""`hushpost credential`: kept encrypted, shown masked, tested on a real server, never taken from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.harness import Hushpost
from tests.vaults.openbao import OpenBao

pytestmark = pytest.mark.usefixtures("store")
TOKEN = "hvs-not-for-your-eyes"


def add(hushpost: Hushpost, name: str = "prod", token: str = TOKEN, address: str = "http://127.0.0.1:9") -> None:
    fields = ["--field", f"server_address={address}", "--field", "token=-"]
    ran = hushpost(
        "credential", "add", name, "--provider", "hashicorp", "--type", "token", *fields, stdin=token.encode()
    )
    assert ran.code == 0, ran.stderr
    assert ran.stdout == b""


def test_a_credential_is_added_shown_masked_and_removed(hushpost: Hushpost, home: Path) -> None:
    assert hushpost("credential", "list").out == ""
    add(hushpost)
    listed = hushpost("credential", "list")
    assert listed.out.split() == ["prod", "hashicorp", "token"]
    shown = hushpost("credential", "show", "prod")
    assert "server_address  http://127.0.0.1:9" in shown.out
    assert "••••••" in shown.out
    assert hushpost("credential", "show", "prod", "--json").json["fields"]["token"] == "••••••"
    assert TOKEN not in shown.out
    assert not [path for path in home.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert hushpost("credential", "remove", "prod", "--yes").code == 0
    assert hushpost("credential", "list").out == ""


def test_a_secret_field_on_the_command_line_is_refused_and_not_repeated(hushpost: Hushpost) -> None:
    arguments = ["--provider", "hashicorp", "--type", "token", "--field", "server_address=http://127.0.0.1:9"]
    ran = hushpost("credential", "add", "prod", *arguments, "--field", f"token={TOKEN}")
    assert ran.code == 2
    assert TOKEN not in ran.stderr
    assert "token=@FILE" in ran.stderr
    assert "token=-" in ran.stderr
    assert hushpost("credential", "list").out == ""


@pytest.mark.parametrize("field", [TOKEN, f"{TOKEN}=x"])
def test_a_field_that_is_none_is_not_repeated(hushpost: Hushpost, field: str) -> None:
    ran = hushpost("credential", "add", "p", "--provider", "hashicorp", "--type", "token", "--field", field)
    assert ran.code == 2
    assert TOKEN not in ran.stderr
    assert "server_address, token" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--provider and --type"),
        (["--provider", "nobody", "--type", "token"], 'no vault provider "nobody"'),
        (["--provider", "aws", "--type", "token"], 'no credential type "token"'),
        (["--provider", "hashicorp", "--type", "token"], '"Server address" is needed'),
        (["--provider", "hashicorp", "--type", "token", "--field", "namespace"], "namespace=VALUE"),
    ],
)
def test_what_is_wrong_is_named(hushpost: Hushpost, arguments: list[str], message: str) -> None:
    ran = hushpost("credential", "add", "prod", *arguments)
    assert ran.code == 2
    assert message in ran.stderr


def test_without_provider_and_type_the_fields_of_every_type_are_told(hushpost: Hushpost) -> None:
    told = hushpost("credential", "add", "prod").stderr
    assert "--provider hashicorp --type approle: server_address, role_id, secret_id*, auth_mount" in told
    assert "--provider aws --type long_lived" in told


def test_a_name_is_taken_once(hushpost: Hushpost) -> None:
    add(hushpost)
    ran = hushpost("credential", "add", "prod", "--provider", "aws", "--type", "ambient")
    assert ran.code == 3
    assert "credential edit" in ran.stderr


def test_an_edit_keeps_what_it_does_not_name(hushpost: Hushpost, bao: OpenBao) -> None:
    add(hushpost, address="http://127.0.0.1:9", token=bao.root_token)
    assert hushpost("credential", "edit", "prod", "--field", f"server_address={bao.address}").code == 0
    assert hushpost("credential", "test", "prod").code == 0
    assert hushpost("credential", "edit", "prod", "--field", "token=-", stdin=b"wrong").code == 0
    assert hushpost("credential", "test", "prod").code == 3


def test_a_test_logs_in_and_says_as_whom(hushpost: Hushpost, bao: OpenBao) -> None:
    token = bao.token(["default"], display_name="nightly", ttl="1h")
    add(hushpost, token=token, address=bao.address)
    for command in ("test", "login"):
        ran = hushpost("credential", command, "prod")
        assert ran.code == 0
        assert "nightly" in ran.out
        assert token not in ran.out + ran.stderr


def test_a_refused_login_is_named_without_its_value(hushpost: Hushpost, bao: OpenBao) -> None:
    add(hushpost, token=TOKEN, address=bao.address)
    ran = hushpost("credential", "test", "prod")
    assert ran.code == 3
    assert "prod" in ran.stderr
    assert TOKEN not in ran.stderr


@pytest.mark.parametrize("command", ["show", "test", "login", "logout", "remove"])
def test_an_unknown_name_is_an_error(hushpost: Hushpost, command: str) -> None:
    ran = hushpost("credential", command, "nobody")
    assert ran.code == 3
    assert '"nobody"' in ran.stderr


def test_logout_says_that_logins_live_in_memory(hushpost: Hushpost) -> None:
    add(hushpost)
    ran = hushpost("credential", "logout", "prod")
    assert ran.code == 0
    assert "memory" in ran.stderr


def test_nothing_is_deleted_without_a_yes(hushpost: Hushpost) -> None:
    add(hushpost)
    assert hushpost("credential", "remove", "prod").code == 2
    assert "prod" in hushpost("credential", "list").out
