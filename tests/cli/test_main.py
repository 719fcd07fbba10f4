"""The process around the commands: help, version, usage, bugs, and what it does not import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cli.main import COMMANDS, Subcommands
from cli.main import hushpost as group
from tests.cli.harness import PROGRAM, ROOT, Hushpost, write
from tests.patience import PATIENCE_S

HEAVY = ("textual", "rich", "boto3", "botocore", "hvac", "google", "azure", "tomlkit")


def test_help_lists_every_command_with_its_own_first_line(hushpost: Hushpost) -> None:
    ran = hushpost("--help")
    assert ran.code == 0
    context = click.Context(group)
    for name, (_, help) in COMMANDS.items():
        assert f"{name:<12}{help}" in ran.out
        command = group.get_command(context, name)
        assert command is not None
        assert (command.help or "").startswith(help), name
        assert hushpost(name, "--help").code == 0


def test_every_command_of_the_table_is_the_one_of_its_name() -> None:
    assert isinstance(group, Subcommands)
    for name in COMMANDS:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        assert command.name == name


def test_version(hushpost: Hushpost) -> None:
    ran = hushpost("--version")
    assert ran.code == 0
    assert ran.out.startswith("hushpost ")


@pytest.mark.parametrize("arguments", [["nonsense"], ["send", "a", "b"], ["--nonsense"], ["run", "--parallel", "0"]])
def test_usage_errors(hushpost: Hushpost, arguments: list[str]) -> None:
    ran = hushpost(*arguments)
    assert (ran.code, ran.stdout) == (2, b"")
    assert ran.stderr.startswith("error: ")
    assert "hint: run `hushpost" in ran.stderr


@pytest.mark.parametrize("arguments", [[], ["open", "."]])
def test_the_app_needs_a_terminal(hushpost: Hushpost, arguments: list[str]) -> None:
    ran = hushpost(*arguments)
    assert ran.code == 2
    assert "the app needs a terminal" in ran.stderr


def test_a_place_without_a_workspace_is_told_before_the_app_starts(hushpost: Hushpost, tmp_path: Path) -> None:
    ran = hushpost("open", tmp_path)
    assert ran.code == 2
    assert "is no workspace" in ran.stderr


def test_a_new_workspace_is_made_and_named(hushpost: Hushpost, tmp_path: Path) -> None:
    ran = hushpost("new", tmp_path / "shop", "--name", "The shop")
    assert ran.code == 0
    assert ran.out == f"{tmp_path / 'shop'}\n"
    assert 'name = "The shop"' in (tmp_path / "shop" / "workspace.toml").read_text()
    again = hushpost("new", tmp_path / "shop")
    assert again.code == 2
    assert "is a workspace already" in again.stderr


def imported(arguments: list[str], folder: Path) -> set[str]:
    code = (
        "import sys, json; from cli.main import main; code = main(sys.argv[1:]);"
        "sys.stderr.write(json.dumps([code, sorted(sys.modules)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        timeout=PATIENCE_S,
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done
    return set(modules)


def test_help_imports_no_room_of_the_core(workspace: Path) -> None:
    modules = imported(["--help"], workspace)
    assert not {name for name in modules if name.split(".")[0] in HEAVY}
    assert "asyncio" not in modules
    assert "core.session" not in modules
    assert "msgspec" not in modules


@pytest.mark.parametrize(
    "arguments", [["send", "a"], ["run", "--reporter", "json"], ["check", "--offline"], ["bind"], ["doctor"]]
)
def test_no_command_imports_the_app_an_sdk_or_tomlkit(
    workspace: Path, server: object, arguments: list[str], hushpost: Hushpost
) -> None:
    write(workspace, {"requests/a.toml": f'url = "{server.url}/status/200"\n'})  # type: ignore[attr-defined]
    modules = imported(arguments, workspace)
    assert sorted({name.split(".")[0] for name in modules} & set(HEAVY)) == []


def test_nothing_secret_of_a_bug_is_printed(hushpost: Hushpost, workspace: Path) -> None:
    """A traceback quotes values: it passes the redactor like all else."""
    write(workspace, {"requests/a.toml": 'url = "http://localhost"\n'})
    program = [
        sys.executable,
        "-c",
        "import sys; import core.session as s; from cli.main import main\n"
        "def send(self, request, reference='', *, overrides=None, **rest):\n"
        "    self.scope(request, reference, overrides=overrides)\n"
        "    raise KeyError(overrides['token'].reveal())\n"
        "s.Session.send = send\n"
        "sys.exit(main())",
    ]
    ran = hushpost.process("send", "a", "-v", "token=@secret", program=program)
    assert ran.code == 2  # the file is not there
    (workspace / "secret").write_text("tok-8f2e-very-secret")
    ran = hushpost.process("send", "a", "-v", "token=@secret", program=program)
    assert ran.code == 70
    assert "KeyError" in ran.stderr
    assert "tok-8f2e" not in ran.stderr


def test_standard_streams_that_are_closed_are_not_given_to_files(hushpost: Hushpost, workspace: Path) -> None:
    """The first file opened would become file 1 and receive what is printed."""
    ran = hushpost.process("doctor", program=["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', *PROGRAM])
    assert ran.code == 0


def test_doctor_tells_versions_and_places_and_no_secret(hushpost: Hushpost, store: Path) -> None:
    ran = hushpost("doctor", env={"HUSHPOST_VAR_x": "dont-print-me", "HUSHPOST_PASSPHRASE": "nor-me"})
    assert ran.code == 0
    rows = {line.split()[0]: line for line in ran.out.splitlines()}
    assert {"hushpost", "python", "terminal", "config", "data", "state", "store", "keyring", "workspace"} <= set(rows)
    assert "null" in rows["keyring"]
    assert "dont-print-me" not in ran.out + ran.stderr
    assert "nor-me" not in ran.out + ran.stderr


def test_doctor_helps_where_nothing_else_works(hushpost: Hushpost, store: Path, home: Path) -> None:
    settings = home / ".config" / "hushpost" / "settings.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("broken = \n")
    ran = hushpost("doctor")
    assert ran.code == 2
    assert "python" in ran.out
    assert str(settings) in ran.stderr


def test_doctor_warns_of_what_others_can_read(hushpost: Hushpost, store: Path, home: Path) -> None:
    file = next(home.rglob("*.hush"))
    file.chmod(0o644)
    ran = hushpost("doctor")
    assert f'others on this machine can read "{file}"' in ran.stderr


def test_the_demo_runs_without_a_terminal_and_leaves_nothing(hushpost: Hushpost, home: Path, tmp_path: Path) -> None:
    ran = hushpost.process("demo", env={"TMPDIR": str(tmp_path)})
    assert ran.code == 0, ran.stderr
    assert "0 failed, 0 errors" in ran.out
    assert [path for path in tmp_path.iterdir() if path.name.startswith("hushpost")] == []
    assert [path for path in home.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("command", [[], ["credential"], ["store"]])
def test_no_line_of_a_list_of_commands_is_cut(hushpost: Hushpost, command: list[str]) -> None:
    listed = hushpost(*command, "--help").out.partition("Commands:")[2].splitlines()
    assert [line for line in listed if line.endswith("...")] == []
