"""`hushpost store`: made, opened, its slots, its backups; nothing on the command line is a secret."""

from __future__ import annotations

import stat
from pathlib import Path

from tests.cli.harness import Hushpost

PASSPHRASE = "correct horse"


def test_a_store_with_a_key_file_opens_by_itself(hushpost: Hushpost, store: Path) -> None:
    assert stat.S_IMODE(store.stat().st_mode) == 0o600
    status = hushpost("store", "status")
    assert status.code == 0
    assert "opens with  key file" in status.out
    assert "HUSHPOST_KEY_FILE" in status.out
    assert hushpost("credential", "list").code == 0


def test_status_says_that_there_is_no_store(hushpost: Hushpost) -> None:
    ran = hushpost("store", "status")
    assert ran.code == 0
    assert "hushpost store init" in ran.out


def test_without_a_store_no_secret_is_asked_for(hushpost: Hushpost) -> None:
    ran = hushpost(
        "credential", "add", "prod", "--provider", "hashicorp", "--type", "token", "--field", "token=@absent"
    )
    assert ran.code == 3
    assert "hushpost store init" in ran.stderr


def test_a_passphrase_comes_from_the_environment_a_file_or_stdin(hushpost: Hushpost, workspace: Path) -> None:
    (workspace / "pass").write_text(PASSPHRASE + "\n")
    assert hushpost("store", "init", "--passphrase", "@pass").code == 0
    env = {"HUSHPOST_PASSPHRASE": PASSPHRASE}
    assert hushpost("credential", "list", env=env).code == 0
    assert hushpost("store", "passphrase", "--passphrase", "-", stdin=b"another\n", env=env).code == 0
    wrong = hushpost("credential", "list", env=env)
    assert wrong.code == 3
    assert PASSPHRASE not in wrong.stderr
    assert hushpost("credential", "list", env={"HUSHPOST_PASSPHRASE": "another"}).code == 0


def test_a_passphrase_on_the_command_line_is_refused_and_not_repeated(hushpost: Hushpost, home: Path) -> None:
    ran = hushpost("store", "init", "--passphrase", PASSPHRASE)
    assert ran.code == 2
    assert PASSPHRASE not in ran.stderr
    assert "@FILE" in ran.stderr
    assert not list(home.rglob("*.hush"))


def test_a_second_store_is_refused(hushpost: Hushpost, store: Path) -> None:
    ran = hushpost("store", "init", "--key-file", store)
    assert ran.code == 3
    assert "there is a store already" in ran.stderr


def test_nobody_can_be_asked_without_a_terminal(hushpost: Hushpost, store: Path) -> None:
    del hushpost.environment["HUSHPOST_KEY_FILE"]
    for arguments in (["credential", "list"], ["store", "passphrase"], ["store", "slot", "add", "--keyring"]):
        ran = hushpost(*arguments)
        assert ran.code == 3
        assert "HUSHPOST_KEY_FILE" in ran.stderr


def test_slots_are_added_listed_and_removed(hushpost: Hushpost, store: Path, home: Path) -> None:
    second = home / "second.key"
    added = hushpost("store", "slot", "add", "--key-file", second)
    assert added.code == 0
    slots = [line.split()[0] for line in hushpost("store", "slot", "list").out.splitlines()]
    assert len(slots) == 2
    assert added.out.split()[0] == slots[1]
    first = hushpost("store", "slot", "remove", slots[0], "--yes")
    assert first.code == 0
    assert hushpost("credential", "list").code == 3
    assert hushpost("credential", "list", env={"HUSHPOST_KEY_FILE": str(second)}).code == 0
    last = hushpost("store", "slot", "remove", slots[1], "--yes", env={"HUSHPOST_KEY_FILE": str(second)})
    assert last.code == 3
    assert "last" in last.stderr


def test_a_keyring_that_keeps_nothing_is_refused(hushpost: Hushpost, store: Path) -> None:
    ran = hushpost("store", "slot", "add", "--keyring")
    assert ran.code == 3
    assert "keyring" in ran.stderr


def test_a_backup_brings_back_what_was_lost(hushpost: Hushpost, store: Path, home: Path) -> None:
    fields = ["--field", "secrets=@secrets.json", "--provider", "memory", "--type", "memory"]
    (hushpost.folder / "secrets.json").write_text('{"a": "1"}')
    assert hushpost("credential", "add", "mine", *fields).code == 0
    assert hushpost("store", "backup", home / "backup.hush").code == 0
    again = hushpost("store", "backup", home / "backup.hush")
    assert again.code == 3
    assert hushpost("credential", "remove", "mine", "--yes").code == 0
    assert hushpost("credential", "list").out == ""
    assert hushpost("store", "restore", home / "backup.hush", "--yes").code == 0
    assert "mine" in hushpost("credential", "list").out


def test_a_damaged_store_is_named_and_left_alone(hushpost: Hushpost, store: Path, home: Path) -> None:
    file = next(home.rglob("*.hush"))
    damaged = file.read_bytes()[:-5]
    file.write_bytes(damaged)
    for arguments in (["credential", "list"], ["store", "slot", "list"]):
        assert hushpost(*arguments).code == 3
    assert file.read_bytes() == damaged
