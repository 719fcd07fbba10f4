"""A workspace whose requests put awkward secrets of a real OpenBao everywhere a secret can go."""

from __future__ import annotations

import json
from pathlib import Path

from tests.vaults.openbao import OpenBao

SECRETS = {
    "header_key": 'hk-7Qx%2f"q"\\b&<t>=+/zX9',
    "query_key": "qk 8Ry+ü/=&%?\U0001f511\nsecond line of query",
    "basic_password": "bp:9Sz%ß 'quoted' +/=",
    "body_key": 'line one "of" body\nline two \\ of body \U0001f9ea\tend',
    "form_key": "fk&0Tv=+ %25;ç\r\nlast form line",
    "path_key": "pk/1Uw?#%é..",
    "bearer_key": "brk-2Vx._~+/3Wy==",
}

ECHOED = """\
schema = 1
method = "POST"
url = "{{base}}/echo/:id"
path_params = { id = "{{path_key}}" }
headers = [
    { name = "X-Key", value = "{{header_key}}" },
]
query = [
    { name = "key", value = "{{query_key}}" },
]
checks = [
    { subject = "status", op = "equals", value = 200 },
]

[auth]
type = "basic"
username = "canary"
password = "{{basic_password}}"

[body]
type = "json"
text = '{"key": "{{body_key}}"}'
"""

FORM = """\
schema = 1
method = "POST"
url = "{{base}}/echo"
checks = [
    # Fails, so that reports say what they found instead: the echo, which holds the secrets.
    { subject = "body", op = "equals", value = "something else" },
]

[auth]
type = "bearer"
token = "{{bearer_key}}"

[body]
type = "form"
fields = [
    { name = "key", value = "{{form_key}}" },
    { name = "again", value = "{{header_key}}" },
]
"""

REDIRECTED = """\
schema = 1
method = "POST"
url = "{{base}}/redirect?status=307&to={{other}}/echo"

[auth]
type = "bearer"
token = "{{bearer_key}}"

[body]
type = "text"
text = "{{body_key}}"
"""

BROKEN = """\
schema = 1
url = "http://127.0.0.1:9/{{header_key}}"
"""


def write(folder: Path, bao: OpenBao, base: str, other: str) -> str:
    """Put the secrets into a new mount and the workspace into `folder`; the mount's name."""
    mount = bao.mount()
    bao.put(mount, "canary", SECRETS)
    links = "".join(
        f"\n[variables.{name}.link]\n"
        f'provider = "hashicorp"\ncredential = "canary vault"\nmount = "{mount}"\npath = "canary"\nkey = "{name}"\n'
        for name in SECRETS
    )
    files = {
        "workspace.toml": 'schema = 1\nname = "Canary"\nid = "canary-0123456789"\n',
        "environments/base.toml": f'schema = 1\n[variables]\nbase = "{base}"\nother = {json.dumps(other)}\n{links}',
        "requests/echoed.toml": ECHOED,
        "requests/form.toml": FORM,
        "requests/redirected.toml": REDIRECTED,
        "requests/unreachable.toml": BROKEN,
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return mount
