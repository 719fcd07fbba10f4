"""What is odd in files that work: plain text that looks like a secret, checks that never hold, variables nobody uses.

Pure, and no finding quotes a value.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec

from core import template
from core.checks.examine import capture_fault_in, fault_in
from core.models import Environment, Folder, Request
from core.secret import MASK
from core.structs import Struct

Kind = Literal["plain-secret", "unused-variable", "useless-check"]
Model = Environment | Folder | Request


class Finding(Struct, frozen=True):
    kind: Kind
    file: str
    """Relative to the workspace."""
    where: str
    """Key path inside the file."""
    message: str
    hint: str


TOKENS = {
    "an AWS access key": r"(?:AKIA|ASIA)[A-Z0-9]{16}",
    "a GitHub token": r"gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}",
    "a GitLab token": r"glpat-[A-Za-z0-9_-]{20,}",
    "a Slack token": r"xox[abeoprs]-[A-Za-z0-9-]{10,}",
    "a Stripe key": r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}",
    "a Google API key": r"AIza[A-Za-z0-9_-]{35}",
    "a Google access token": r"ya29\.[A-Za-z0-9_-]{20,}",
    "a Vault token": r"hv[sbr]\.[A-Za-z0-9_-]{20,}",
    "an npm token": r"npm_[A-Za-z0-9]{30,}",
    "a PyPI token": r"pypi-[A-Za-z0-9_-]{30,}",
    "a SendGrid key": r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    "an Anthropic or OpenAI key": r"sk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}",
    "a DigitalOcean token": r"do[opr]_v1_[a-f0-9]{64}",
    "a Shopify token": r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}",
    "an Azure storage key": r"AccountKey=[A-Za-z0-9+/]{60,}={0,2}",
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
    "a JSON web token": r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
}
"""What a known kind of secret looks like, wherever it stands."""

_TOKENS = [(what, re.compile(rf"(?<![A-Za-z0-9])(?:{pattern})")) for what, pattern in TOKENS.items()]

_SECRET_NAME = re.compile(
    r"(?:^|[_.\-\s])(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|bearer|authorization|credentials?"
    r"|api[_.\-\s]?key|apikey|auth[_.\-\s]?key|access[_.\-\s]?key|private[_.\-\s]?key|secret[_.\-\s]?key)$",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

AUTH_SECRETS = frozenset(
    {
        "password",
        "token",
        "client_secret",
        "secret_key",
        "session_token",
        "consumer_secret",
        "token_secret",
        "private_key",
    }
)


def lint(files: Mapping[str, Model], scripts: Collection[str] = ()) -> Iterator[Finding]:
    """`files` by path in the workspace (`environments/base.toml`); `scripts` are the texts of its Python files."""
    for file, model in files.items():
        yield from _plain_secrets(file, msgspec.to_builtins(model))
        if isinstance(model, Request):
            yield from _useless(file, model)
    yield from _unused(files, scripts)


def looks_secret(name: str) -> bool:
    """Whether a value of this name is likely to be a secret: `api_key`, `X-Auth-Token`, `clientSecret`."""
    return _SECRET_NAME.search(_CAMEL.sub("_", name)) is not None


def without_tokens(text: str) -> str:
    """The text with a mask in place of everything that looks like a known kind of secret."""
    for _, pattern in _TOKENS:
        text = pattern.sub(MASK, text)
    return text


def tokens(text: str) -> Iterator[tuple[str, int, int]]:
    """Every known kind of secret that stands in the text, and from where to where."""
    for what, pattern in _TOKENS:
        for match in pattern.finditer(text):
            yield what, *match.span()


def token_kind(text: str) -> str | None:
    """What known kind of secret stands in the text."""
    return next((what for what, pattern in _TOKENS if pattern.search(text)), None)


def _plain_secrets(file: str, model: Any) -> Iterator[Finding]:
    for where, name, text in texts(model):
        shown = ".".join(str(part) for part in where)
        kind = token_kind(text)
        if kind is not None:
            yield _plain(file, shown, f"holds what looks like {kind}")
        elif in_secret_place(where, name) and is_literal(text):
            yield _plain(file, shown, "is a secret in plain text")
        elif where[-1] in ("url", "proxy") and (inside := _secret_in_url(text)):
            yield _plain(file, shown, f"has {inside} in plain text")


def _useless(file: str, request: Request) -> Iterator[Finding]:
    """Checks and captures that say nothing of any answer."""
    faults = [(f"checks.{at}", fault_in(check, brief=True)) for at, check in enumerate(request.checks)]
    faults += [(f"captures.{at}", capture_fault_in(capture, brief=True)) for at, capture in enumerate(request.captures)]
    for where, fault in faults:
        if fault:
            message = f"cannot work as it is written: {fault}"
            yield Finding("useless-check", file, where, message, "correct it, or take it out")


def _plain(file: str, where: str, what: str) -> Finding:
    return Finding("plain-secret", file, where, what, "make it a secret or linked variable and write {{name}} here")


def texts(value: Any, where: tuple[str | int, ...] = (), name: str = "") -> Iterator[tuple[tuple[Any, ...], str, str]]:
    """Every text with its key path and the name it goes by: its key, or for a row the row's name."""
    if isinstance(value, str):
        yield where, name, value
    elif isinstance(value, Mapping):
        row_name = value.get("name")
        for key, inner in value.items():
            named = row_name if key == "value" and isinstance(row_name, str) else str(key)
            yield from texts(inner, (*where, key), named)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from texts(inner, (*where, number), name)


def in_secret_place(where: tuple[Any, ...], name: str) -> bool:
    match where:
        case ("auth", "value"):
            return True
        case ("auth", field):
            return field in AUTH_SECRETS
        case ("options", "client_certificate", "password"):
            return True
        case ("variables", variable) | ("variables", variable, "value"):
            return looks_secret(variable)
        case ("headers" | "query", _, "value") | ("body", "fields" | "parts", _, "value"):
            return looks_secret(name)
        case ("path_params", _):
            return looks_secret(name)
    return False


def is_literal(text: str) -> bool:
    """A value as it is, and not so short or so ordinary that it can be no secret."""
    words = [word for word in text.split() if word.lower() not in ("bearer", "basic", "token")]
    value = " ".join(words)
    return len(value) >= 4 and not template.references(text) and value.lower() not in ("true", "false", "null", "none")


def _secret_in_url(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return None
    if password and is_literal(password):
        return "a password"
    for name, value in parse_qsl(parts.query):
        if looks_secret(name) and is_literal(value):
            return f'the parameter "{name}"'
    return None


def used_names(files: Mapping[str, Model]) -> set[str]:
    """Every name that stands in some text of the files."""
    return {
        reference.name
        for model in files.values()
        for _, _, text in texts(msgspec.to_builtins(model))
        for reference in template.references(text)
    }


def _unused(files: Mapping[str, Model], scripts: Collection[str]) -> Iterator[Finding]:
    used = used_names(files)
    for file, model in files.items():
        for name in model.variables:
            # A script names what it reads in a text of its own.
            if name not in used and not any(name in script for script in scripts):
                yield Finding(
                    "unused-variable",
                    file,
                    f"variables.{name}",
                    "is used by no request",
                    f"delete it, or write {{{{{name}}}}} where it is meant",
                )
