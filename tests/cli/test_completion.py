"""Completion in the shells: commands, options, requests and environments, and no name that becomes a command."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.harness import PROGRAM, Hushpost, write


@pytest.fixture(autouse=True)
def _requests(workspace: Path) -> None:
    write(
        workspace,
        {
            "environments/base.toml": "",
            "environments/production.toml": "",
            "environments/staging.toml": "",
            "requests/payments/create.toml": "",
            "requests/payments/list.toml": "",
            "requests/health.toml": "",
        },
    )


def completed(hushpost: Hushpost, line: str) -> list[str]:
    """What the command offers for the last word of a line."""
    words = line.split(" ")
    env = {"_HUSHPOST_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    ran = hushpost("ignored", env=env)
    assert ran.code == 0
    return [offered.partition(",")[2] for offered in ran.out.split()]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("hushpost se", ["send"]),
        ("hushpost send ", ["payments/create", "payments/list", "health"]),
        ("hushpost send pay", ["payments/create", "payments/list"]),
        ("hushpost run p", ["payments/", "payments/create", "payments/list"]),
        ("hushpost run -e p", ["production"]),
        ("hushpost run -e ", ["production", "staging"]),
        ("hushpost store slot ", ["list", "add", "remove"]),
        ("hushpost completion ", ["bash", "zsh", "fish"]),
        ("hushpost send --js", ["--json"]),
    ],
)
def test_what_is_offered(hushpost: Hushpost, line: str, offered: list[str]) -> None:
    assert sorted(completed(hushpost, line)) == sorted(offered)


def test_another_workspace_is_asked_where_one_is_named(hushpost: Hushpost, tmp_path: Path) -> None:
    other = write(tmp_path / "other", {"requests/elsewhere.toml": ""})
    assert completed(hushpost, f"hushpost send -w {other} ") == ["elsewhere"]


def test_without_a_workspace_nothing_is_offered(hushpost: Hushpost, tmp_path: Path) -> None:
    hushpost.folder = tmp_path
    assert completed(hushpost, "hushpost send ") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(hushpost: Hushpost, shell: str) -> None:
    ran = hushpost("completion", shell)
    assert ran.code == 0
    assert f"_HUSHPOST_COMPLETE={shell}_complete" in ran.out


def test_bash_takes_a_name_as_one_word_whatever_it_is(hushpost: Hushpost, workspace: Path, tmp_path: Path) -> None:
    write(workspace, {"requests/odd; touch owned $(touch owned) *.toml": ""})
    program = tmp_path / "bin" / "hushpost"
    program.parent.mkdir()
    python, flag, code = PROGRAM
    program.write_text(f"#!/bin/sh\nexec {python} {flag} '{code}' \"$@\"\n")
    program.chmod(0o755)
    script = (
        'eval "$(hushpost completion bash)"\n'
        "COMP_WORDS=(hushpost send o); COMP_CWORD=2\n"
        "_hushpost_completion hushpost\n"
        'eval "words=(${COMPREPLY[0]})"; printf "%s|" "${words[@]}"\n'
    )
    path = f"{program.parent}:/usr/bin:/bin"
    bash = shutil.which("bash")
    assert bash is not None
    ran = hushpost.process(program=[bash, "--norc", "-c", script], env={"PATH": path})
    assert ran.out == "odd; touch owned $(touch owned) *|"
    assert not list(workspace.rglob("owned"))


def test_completion_asks_for_nothing_and_imports_no_session(hushpost: Hushpost, workspace: Path) -> None:
    env = {"_HUSHPOST_COMPLETE": "bash_complete", "COMP_WORDS": "hushpost send ", "COMP_CWORD": "2"}
    process = hushpost.start(env=env, program=[PROGRAM[0], "-X", "importtime", *PROGRAM[1:]])
    out, err = process.communicate(timeout=60)
    assert b"health" in out
    assert b"core.session" not in err
