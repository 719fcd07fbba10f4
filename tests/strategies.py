"""Random models for property tests: valid, with the awkward texts that files, templates and bodies are made of."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import strategies as st

from core.consent.registry import Known, WorkspacesFile
from core.models import (
    ApiKeyAuth,
    Auth,
    AwsSigV4Auth,
    BasicAuth,
    BearerAuth,
    Body,
    Capture,
    Check,
    ClientCertificate,
    Environment,
    Field,
    FileBody,
    Folder,
    FormBody,
    GraphqlBody,
    InheritAuth,
    JsonBody,
    MultipartBody,
    NoAuth,
    NoBody,
    NtlmAuth,
    OAuth1Auth,
    OAuth2Auth,
    Options,
    Part,
    Request,
    Scripts,
    TextBody,
    Variable,
)
from core.toml import text as tomltext
from core.toml.shape import same
from core.vault.config import AwsLink, HashicorpLink, MemoryLink

AWKWARD = (
    *(
        "",
        " ",
        "\n",
        "\r\n",
        "\r",
        "\t",
        "'",
        '"',
        "'''",
        '"""',
        "\\",
        "\\\\",
        "\\n",
        "#",
        "=",
        "[",
        "]]",
        "{",
        "},",
        ",",
    ),
    *("{{a}}", "\\{{", "\x00", "\x1b", "\x7f", "\x85", "\u2028", "é", "e\u0301", "😀", "\ufeff", "true", "1", "nan"),
)

characters = st.characters(codec="utf-8")
lines = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)
texts = st.one_of(
    lines,
    st.lists(st.one_of(st.sampled_from(AWKWARD), st.text(characters, max_size=6)), max_size=8).map("".join),
)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,8}", fullmatch=True)
keys = st.one_of(names, texts)

fields = st.builds(Field, name=texts, value=texts, enabled=st.booleans())
rows = st.lists(fields, max_size=4).map(tuple)
parts = st.builds(Part, name=texts, value=st.none() | texts, file=st.none() | lines, enabled=st.booleans())

links = st.one_of(
    st.builds(MemoryLink, credential=lines, name=texts),
    st.builds(AwsLink, credential=lines, secret_id=texts, version_stage=texts, trim=st.booleans()),
    st.builds(HashicorpLink, credential=lines, mount=texts, path=texts, version=st.none() | st.integers(1, 9)),
)
minutes = st.none() | st.integers(0, 720)
hosts = st.none() | st.lists(lines, max_size=3).map(tuple)
variables = st.dictionaries(
    names,
    st.one_of(
        texts,
        st.builds(Variable, value=texts, description=texts, enabled=st.booleans()),
        st.builds(Variable, secret=st.just(True), allowed_hosts=hosts, cache_minutes=minutes),
        st.builds(Variable, link=links, allowed_hosts=hosts, refetch_on_401=st.booleans(), description=texts),
    ),
    max_size=4,
)

auths: st.SearchStrategy[Auth] = st.one_of(
    st.builds(InheritAuth),
    st.builds(NoAuth),
    st.builds(BasicAuth, username=texts, password=texts),
    st.builds(BearerAuth, token=texts, prefix=st.just("Bearer") | lines),
    st.builds(ApiKeyAuth, name=texts, value=texts, location=st.sampled_from(["header", "query"])),
    st.builds(OAuth2Auth, token_url=texts, client_id=texts, client_secret=texts),
    st.builds(OAuth1Auth, consumer_key=texts, private_key=texts, body_hash=st.booleans()),
    st.builds(NtlmAuth, username=texts, password=texts, workstation=lines),
    st.builds(AwsSigV4Auth, service=lines, region=lines, credential=st.none() | lines),
)
bodies: st.SearchStrategy[Body] = st.one_of(
    st.builds(NoBody),
    st.builds(JsonBody, text=texts),
    st.builds(TextBody, text=texts, content_type=lines),
    st.builds(FormBody, fields=rows),
    st.builds(MultipartBody, parts=st.lists(parts, max_size=3).map(tuple)),
    st.builds(FileBody, path=lines),
    st.builds(GraphqlBody, query=texts, variables=texts),
)
options = st.builds(
    Options,
    timeout=st.none() | st.floats(0.001, 86_400, allow_nan=False),
    follow_redirects=st.booleans(),
    client_certificate=st.none() | st.builds(ClientCertificate, cert=lines, password=st.none() | texts),
    proxy=st.none() | lines,
)
json_values = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), texts),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
checks = st.builds(
    Check,
    subject=st.sampled_from(["status", "header", "json", "body"]),
    op=st.sampled_from(["equals", "contains", "exists"]),
    path=texts,
    value=st.none() | json_values,
)
captures = st.builds(Capture, name=names, source=st.sampled_from(["json", "header", "status"]), path=texts)
scripts = st.builds(Scripts, before_request=st.none() | lines, after_response=st.none() | lines)

requests = st.builds(
    Request,
    name=texts,
    description=texts,
    method=st.sampled_from(["GET", "POST", "PURGE", "M-SEARCH"]),
    url=texts,
    headers=rows,
    query=rows,
    path_params=st.dictionaries(keys, texts, max_size=3),
    auth=auths,
    body=bodies,
    variables=variables,
    options=options,
    captures=st.lists(captures, max_size=2).map(tuple),
    checks=st.lists(checks, max_size=2).map(tuple),
    scripts=scripts,
)
environments = st.builds(Environment, name=texts, color=st.none() | lines, variables=variables)
folders = st.builds(
    Folder, name=texts, order=st.lists(lines, max_size=4).map(tuple), variables=variables, headers=rows, auth=auths
)

known = st.builds(
    Known,
    name=texts,
    bindings=st.dictionaries(keys, texts, max_size=2),
    approvals=st.dictionaries(keys, st.lists(texts, max_size=2).map(tuple), max_size=2),
)
workspaces_files = st.builds(
    WorkspacesFile, workspaces=st.dictionaries(keys, st.dictionaries(keys, known, max_size=2), max_size=3)
)


@st.composite
def toml_styles(draw: st.DrawFn, table: dict[str, Any]) -> str:
    """The data as some person might write it: inline, dotted or with headers, `[[rows]]`, tables in any order."""
    sections: list[str] = []

    def pairs(path: tuple[str, ...], data: dict[str, Any], dotted: tuple[str, ...]) -> list[str]:
        lines = []
        for key, value in data.items():
            name = ".".join(tomltext.key_text(part) for part in (*dotted, key))
            if isinstance(value, dict) and value:
                style = draw(st.sampled_from(["header", "inline", "dotted"]))
                if style == "header" and not dotted:
                    section((*path, key), value)
                    continue
                if style == "dotted":
                    lines += pairs(path, value, (*dotted, key))
                    continue
            rows = isinstance(value, list) and value and all(isinstance(row, dict) for row in value)
            if rows and not dotted and draw(st.booleans()):
                title = ".".join(tomltext.key_text(part) for part in (*path, key))
                tables = (f"[[{title}]]\n" + "".join(tomltext.pair(k, v) for k, v in row.items()) for row in value)
                sections.append("".join(tables))
                continue
            lines.append(f"{name} = {tomltext.value_text(value, one_line=draw(st.booleans()))}\n")
        return lines

    def section(path: tuple[str, ...], data: dict[str, Any]) -> None:
        title = ".".join(tomltext.key_text(part) for part in path)
        sections.append(f"[{title}]\n" + "".join(pairs(path, data, ())))

    top = "".join(pairs((), table, ()))
    return "\n".join([top, *draw(st.permutations(sections))])


@st.composite
def commented(draw: st.DrawFn, text: str) -> str:
    """The text with comments and blank lines where they change nothing."""
    wanted = tomllib.loads(text)
    lines = text.split("\n")
    place = number = 0
    while place < len(lines):
        kind = draw(st.sampled_from(["", "", "", "behind", "above", "blank"]))
        trial = list(lines)
        if kind == "behind":
            trial[place] += f"  # behind {number}"
        elif kind:
            trial.insert(place, f"# above {number}" if kind == "above" else "")
        if kind and _reads_as("\n".join(trial), wanted):
            number += 1
            place += len(trial) - len(lines)
            lines = trial
        place += 1
    return "\n".join(lines)


def _reads_as(text: str, wanted: dict[str, Any]) -> bool:
    try:
        return same(tomllib.loads(text), wanted)
    except tomllib.TOMLDecodeError:
        return False
