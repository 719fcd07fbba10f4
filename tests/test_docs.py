"""What the documentation tells people to type and to write works as it stands there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import get_args

import msgspec
import pytest
import yaml

from core.environment import BASE
from core.models import (
    Auth,
    Body,
    Capture,
    Check,
    ClientCertificate,
    Environment,
    Field,
    JsonBody,
    Options,
    Part,
    Request,
    Scripts,
    Variable,
)
from core.paths import Paths
from core.settings import load_settings
from core.workspace.workspace import Workspace
from tests.loopback import Loopback
from tui.remapping import keymap

ROOT = Path(__file__).parents[1]
TOKEN = "t0ken-from-the-ci-system"
INSTALLS = re.compile(r"^\s*(pip|pipx) install hushpost\s*$", re.MULTILINE)


def snippets(page: str, language: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def github() -> list[str]:
    [workflow] = [yaml.safe_load(text) for text in snippets("ci.md", "yaml") if "jobs:" in text]
    return [step["run"] for step in workflow["jobs"]["api"]["steps"] if "run" in step]


def gitlab() -> list[str]:
    [job] = [yaml.safe_load(text)["api"] for text in snippets("ci.md", "yaml") if "before_script:" in text]
    return [*job["before_script"], *job["script"]]


def jenkins() -> list[str]:
    [pipeline] = snippets("ci.md", "groovy")
    return re.findall(r"sh '''\n(.*?)'''", pipeline, re.DOTALL)


@pytest.fixture
def repository(tmp_path: Path, server: Loopback) -> Path:
    """A checked-out repository with a workspace in `api`, and `hushpost` on PATH."""
    workspace = Workspace.create(tmp_path / "api", "API")
    variables: dict[str, str | Variable] = {"api_token": Variable(secret=True), "base": server.url}
    workspace.save_environment("staging", Environment(variables=variables))
    workspace.save_environment(BASE, Environment(variables={}))
    workspace.save_request("a", Request(url="{{base}}/echo", headers=(Field("X-Token", "{{api_token}}"),)))
    smoke = tmp_path / "smoke-test.sh"
    smoke.write_text(f'#!/bin/sh\ntest "$api_token" = {TOKEN}\n')
    smoke.chmod(0o755)
    return tmp_path


def shell(commands: list[str], folder: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """The commands as a CI system runs them; hushpost is installed already."""
    found = "\n".join(commands)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "HUSHPOST_VAR_api_token": TOKEN, "CI": "true"}
    return subprocess.run(
        ["sh", "-e", "-c", INSTALLS.sub(":", found)], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize(("system", "commands"), [("github", github()), ("gitlab", gitlab()), ("jenkins", jenkins())])
def test_ci_examples_check_run_and_report(
    repository: Path, server: Loopback, home: Path, system: str, commands: list[str]
) -> None:
    assert INSTALLS.search("\n".join(commands))
    ran = shell(commands, repository, home)
    assert ran.returncode == 0, ran.stderr
    assert server.last.header("x-token") == TOKEN
    suite = ET.parse(repository / "reports" / "api.xml").getroot()
    assert len(list(suite.iter("testcase"))) == 1
    written = ran.stdout + ran.stderr + "".join(file.read_text() for file in (repository / "reports").iterdir())
    assert TOKEN not in written

    workspace = Workspace.open(repository / "api")
    workspace.save_request("b", Request(url="{{base}}/status/500", headers=(Field("X-Token", "{{api_token}}"),)))
    failed = shell(commands, repository, home)
    assert failed.returncode == 1
    assert ("::error" in failed.stdout) == (system == "github")


def test_shell_examples_of_ci(repository: Path, home: Path) -> None:
    (repository / "users.csv").write_text("user\nzoe\nmax\n")
    workspace = Workspace.open(repository / "api")
    for reference in ("auth/login", "orders/list"):
        workspace.save_request(reference, Request(url="{{base}}/json?user=any"))
    (repository / "api" / "scripts").mkdir()
    (repository / "api" / "scripts" / "a.py").write_text("pass")
    for commands in snippets("ci.md", "sh"):
        ran = shell([commands], repository, home)
        assert ran.returncode == 0, ran.stderr


def test_the_json_report_is_as_the_page_shows_it(repository: Path, home: Path) -> None:
    [shown] = map(json.loads, snippets("ci.md", "json"))
    checks = (Check("status", "equals", value=201),)
    Workspace.open(repository / "api").save_request("a", Request(url="{{base}}/echo", checks=checks))
    ran = json.loads(shell(["hushpost run -w api -e staging --reporter json || true"], repository, home).stdout)

    def shape(value: object) -> object:
        if isinstance(value, dict):
            return {key: shape(inner) for key, inner in value.items()}
        return [shape(value[0])] if isinstance(value, list) and value and isinstance(value[0], dict) else type(value)

    assert shape(shown) == shape(ran)


def test_the_scripts_of_the_page_do_what_it_says(repository: Path, home: Path, server: Loopback) -> None:
    texts = {text.split("\n", 1)[0]: text for text in snippets("scripts.md", "python")}
    folder = repository / "api" / "scripts"
    folder.mkdir()
    for first, text in texts.items():
        (folder / Path(first.removeprefix("# scripts/"))).write_text(text)
    workspace = Workspace.open(repository / "api")
    signing: dict[str, str | Variable] = {"base": server.url, "signing_key": Variable(secret=True)}
    workspace.save_environment("staging", Environment(variables=signing))
    body = JsonBody('{"id": "7", "state": "open"}')
    scripts = Scripts("sign.py", "keep_order.py")
    workspace.save_request("a", Request(method="POST", url="{{base}}/json?id=7&state=open", body=body, scripts=scripts))
    workspace.save_request("b", Request(url="{{base}}/echo?order={{order_id}}"))
    [allow] = snippets("scripts.md", "console")
    lines = [line.removeprefix("$ ") for line in allow.splitlines()]
    environment = ["export HUSHPOST_VAR_signing_key=" + TOKEN]
    run = "hushpost run -w api -e staging"
    refused = shell([*environment, run], repository, home)
    assert refused.returncode == 3
    assert not any(received.path == "/json" for received in server.requests)
    ran = shell([*environment, "cd api", *lines, "cd ..", run], repository, home)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert len(server.requests[-2].header("x-signature") or "") == 64
    assert server.last.query == {"order": "7"}


def test_the_request_of_the_page_is_one(tmp_path: Path) -> None:
    [example] = snippets("requests.md", "toml")
    workspace = Workspace.create(tmp_path / "api", "API")
    file = workspace.path / example.partition("\n")[0].removeprefix("# ")
    file.parent.mkdir(parents=True)
    file.write_text(example)
    request = workspace.load_request("payments/create")
    assert {name for name in request.__struct_fields__ if getattr(request, name) == getattr(Request(), name)} == {
        "schema"
    }


def test_the_page_of_requests_names_every_field() -> None:
    text = (ROOT / "docs" / "requests.md").read_text("utf-8")
    rows: tuple[type[msgspec.Struct], ...] = (Options, ClientCertificate, Check, Capture, Part)
    for struct in (*get_args(Auth), *get_args(Body), *rows):
        tag = struct.__struct_config__.tag
        assert tag is None or f"`{tag}`" in text
        for name in struct.__struct_encode_fields__:
            assert re.search(rf"(?:`|\{{ |, ){name}(?:`| =)", text), f"{struct.__name__}.{name}"


def test_the_settings_of_the_page_can_be_used(paths: Paths) -> None:
    [example] = snippets("settings.md", "toml")
    paths.ensure()
    paths.settings.write_text(example)
    usable, problems = keymap(load_settings(paths).keys)
    assert problems == []
    assert usable["tree.run"] == "x,alt+g"
