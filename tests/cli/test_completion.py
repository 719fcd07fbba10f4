"""Completion: what is offered, and that bash, zsh and fish put it on the line as one word, whatever it is called."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

import pytest

from core.consent.registry import Registry
from core.paths import read_surroundings
from core.workspace.workspace import Workspace
from tests.cli.harness import PROGRAM, Hushpost, write
from tests.patience import PATIENCE_S
from tests.terminal import TerminalApp

ODD = "Odd; $(touch owned) `touch owned` 'q' \"d\" a:b=c & é *"
FOLDER = "Folder with space"
LINK = '[variables.key.link]\nprovider = "hashicorp"\ncredential = "vault prod"\nmount = "m"\npath = "p"\nkey = "k"\n'


@pytest.fixture(autouse=True)
def _requests(workspace: Path) -> None:
    write(
        workspace,
        {
            "environments/base.toml": '[variables]\nbase_url = "http://localhost"\n',
            "environments/production.toml": LINK,
            "environments/staging.toml": "",
            "requests/payments/create.toml": "",
            "requests/payments/list.toml": "",
            "requests/health.toml": "",
            f"requests/{FOLDER}/create.toml": "",
            f"requests/{ODD}.toml": "",
        },
    )


def completed(hushpost: Hushpost, line: str) -> list[str]:
    """What the command offers for the last word of a line."""
    ran = hushpost("completion", "fish", "--for", line)
    assert ran.code == 0
    return [offer[1:].partition("\t")[0] for offer in ran.out.splitlines() if offer.startswith("=")]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("hushpost se", ["send"]),
        ("hushpost send ", ["payments/create", "payments/list", "health", f"{FOLDER}/create", ODD]),
        ("hushpost send pay", ["payments/create", "payments/list"]),
        ("hushpost run p", ["payments/", "payments/create", "payments/list"]),
        ("hushpost run -e p", ["production"]),
        ("hushpost run -e ", ["production", "staging"]),
        ("hushpost run --environment=st", ["--environment=staging"]),
        ('hushpost run "Folder wi', [f"{FOLDER}/", f"{FOLDER}/create"]),
        ("hushpost run Folder\\ ", [f"{FOLDER}/", f"{FOLDER}/create"]),
        ("hushpost run 'Folder ", [f"{FOLDER}/", f"{FOLDER}/create"]),
        ("hushpost run 'health' pay", ["payments/", "payments/create", "payments/list"]),
        ("hushpost send -v ba", ["base_url="]),
        ("hushpost send -v base_url=x hea", ["health"]),
        ("hushpost exec -e production --only ", ["base_url", "key"]),
        ("hushpost bind va", ["vault prod"]),
        ("hushpost run --reporter j", ["json", "junit"]),
        ("hushpost credential add x --provider hash", ["hashicorp"]),
        ("hushpost credential add x --provider gcp --type a", ["adc"]),
        ("hushpost store slot ", ["list", "add", "remove"]),
        ("hushpost completion ", ["bash", "zsh", "fish"]),
        ("hushpost send --js", ["--json"]),
    ],
)
def test_what_is_offered(hushpost: Hushpost, line: str, offered: list[str]) -> None:
    assert sorted(completed(hushpost, line)) == sorted(offered)


def test_commands_come_with_what_they_do(hushpost: Hushpost) -> None:
    ran = hushpost("completion", "zsh", "--for", "hushpost se")
    assert ran.out == "=send\tSend one request and print the response's body.\n"


def test_another_workspace_is_asked_where_one_is_named(hushpost: Hushpost, tmp_path: Path) -> None:
    other = write(tmp_path / "other one", {"requests/elsewhere.toml": ""})
    assert completed(hushpost, f'hushpost send -w "{other}" ') == ["elsewhere"]


def test_without_a_workspace_nothing_is_offered(hushpost: Hushpost, tmp_path: Path) -> None:
    hushpost.folder = tmp_path
    assert completed(hushpost, "hushpost send ") == []


def test_known_workspaces_and_credentials_are_offered(
    hushpost: Hushpost, workspace: Path, tmp_path: Path, store: Path
) -> None:
    opened = Workspace.open(workspace)
    registry = Registry(read_surroundings().paths)
    registry.remember(opened)
    registry.bind(opened.key, "vault prod", "my prod")
    assert str(workspace) in completed(hushpost, f"hushpost open {tmp_path}")
    kind = ["--provider", "aws", "--type", "ambient"]
    assert hushpost("credential", "add", "other", *kind).code == 0
    assert completed(hushpost, "hushpost credential test ") == ["my prod", "other"]
    hushpost.environment.clear()
    assert completed(hushpost, 'hushpost bind "vault prod" ') == ["my prod"], "a locked store is not opened for it"


def test_a_broken_workspace_offers_what_it_can_and_says_nothing(hushpost: Hushpost, workspace: Path) -> None:
    write(workspace, {"environments/base.toml": "[variables\n", "requests/broken.toml": "x =\n"})
    ran = hushpost("completion", "bash", "--for", "hushpost send -v ")
    assert (ran.code, ran.out, ran.stderr) == (0, "", "")
    assert "broken" in completed(hushpost, "hushpost send ")


def test_completion_asks_for_nothing_and_imports_no_session(hushpost: Hushpost, workspace: Path) -> None:
    program = [PROGRAM[0], "-X", "importtime", *PROGRAM[1:]]
    process = hushpost.start("completion", "bash", "--for", "hushpost send ", program=program)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert b"health" in out
    for heavy in (b"core.session", b"textual", b"boto3", b"hvac", b"azure", b"google", b"tomlkit", b"cryptography"):
        assert heavy not in err, heavy


# In the shells

STARTS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "PS1='@>'; eval \"$(hushpost completion bash)\""),
    "zsh": (
        ["zsh", "-f", "-i"],
        "PROMPT='@>'; autoload -U compinit; compinit -D -u; eval \"$(hushpost completion zsh)\"",
    ),
    "fish": (
        ["fish", "--no-config", "-i"],
        "function fish_prompt; echo -n '@>'; end; hushpost completion fish | source",
    ),
}
SHELLS = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed"))
    for name in STARTS
]


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH whose `hushpost` completes as ours does, and else says which words it was given."""
    program = tmp_path / "bin" / "hushpost"
    program.parent.mkdir()
    python, flag, code = map(shlex.quote, PROGRAM)
    shown = """printf '<%s>' "$@"; echo"""
    ours = f'[ "$1" = completion ] && exec {python} {flag} {code} "$@"'
    program.write_text(f"#!/bin/sh\n{ours}\n{shown}\n")
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}"


def waits(screen: str) -> bool:
    """The shell's prompt is the last thing there."""
    return screen.rstrip().endswith("\n@>")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_words_whatever_they_are(
    hushpost: Hushpost, workspace: Path, tmp_path: Path, path: str, shell: str
) -> None:
    write(tmp_path / "other ws", {"requests/elsewhere.toml": ""})
    command, setup = STARTS[shell]
    environment = {**os.environ, "PATH": path, "TERM": "xterm", "PYTHONPATH": str(Path(__file__).parents[2])}
    typed = {
        "hushpost send Od\t": f"<send><{ODD}>",
        "hushpost send -v x=1 'Od\t": f"<send><-v><x=1><{ODD}>",
        "hushpost run --environment=pro\t": "<run><--environment=production>",
        'hushpost run "Fold\tcr\t': f"<run><{FOLDER}/create>",
        # zsh takes the slash of a folder away again.
        "hushpost send -w ../oth\t else\t": f"<send><-w><../other ws{'' if shell == 'zsh' else '/'}><elsewhere>",
    }
    with TerminalApp(command, environment=environment, folder=workspace, columns=200, rows=60) as app:
        app.write(f"{setup}\n")
        app.wait_for(waits)
        for line, words in typed.items():
            app.write(f"{line}\n")
            app.wait_for(words)
            app.wait_for(waits)
    assert not list(tmp_path.rglob("owned"))
