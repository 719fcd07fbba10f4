"""Hints of core as the app says them: in its own keys, and never as a command line to leave it for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.errors import HushpostError
from tui.hints import hint_here

HINTS = [
    ("log in again: hushpost credential login vault-prod", "log in again: press l on it in the credentials (F5)"),
    (
        "give it a new token: `hushpost credential edit 'a b'`",
        "give it a new token: press e on it in the credentials (F5)",
    ),
    ("make one with `hushpost store init`", "make one with ^l"),
    ("see `hushpost credential list`", "see the credentials (F5)"),
    ("make one with `hushpost new /home/me/ws`", "make one with n in the workspaces (F2)"),
    ("run: hushpost bind vault-prod YOUR_CREDENTIAL", "send again: the app asks"),
    (
        "read what is in scripts/, then run: hushpost bind --allow-scripts",
        "read what is in scripts/, then send again: the app asks",
    ),
    ("set its value in the app, or give it in the environment: HUSHPOST_VAR_a", "set its value in the app"),
    ('set its value in the app, or pass it: -v "a.b=@FILE"', "set its value in the app"),
    (
        'define "a" in an environment, or for this run with -v a=VALUE; define "b" in an environment, or for this run'
        " with -v b=VALUE",
        'define "a" in an environment; define "b" in an environment',
    ),
    ("approve the host in the app, or run: hushpost bind --allow-host x", "send again: the app asks"),
    ("restore it with `hushpost store restore FILE`", "restore it with `hushpost store restore FILE`"),
    ("is the server running?", "is the server running?"),
    (None, ""),
]


@pytest.mark.parametrize(("hint", "said"), HINTS)
def test_a_hint_is_said_in_keys(hint: str | None, said: str) -> None:
    assert hint_here(HushpostError("x", hint=hint), {}) == said


def test_the_keys_are_those_of_the_settings() -> None:
    error = HushpostError("x", hint="log in again: hushpost credential login a")
    remapped = {"credentials.login": "f10", "app.credentials": "none"}
    assert hint_here(error, remapped) == "log in again: press F10 on it in the credentials (the palette)"


def test_every_command_that_a_hint_of_core_names_has_its_key_or_is_done_outside() -> None:
    outside = ("store restore", "store passphrase", "store slot", "credential add")
    sources = (path.read_text("utf-8") for path in (Path(__file__).parents[2] / "core").rglob("*.py"))
    found = {
        match
        for text in sources
        for match in re.findall(r"hint=.*?(hushpost (?:store|credential|bind|new|open)[^\"`]*)", text)
    }
    assert len(found) > 5
    for command in found:
        said = hint_here(HushpostError("x", hint=f"do: {command}"), {})
        assert "hushpost" not in said or command.removeprefix("hushpost ").startswith(outside), command
