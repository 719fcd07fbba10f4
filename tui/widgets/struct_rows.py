"""A struct of a request (auth, options) as rows of a table, and an edited row as a new struct."""

from __future__ import annotations

from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec

from core.models import Auth, Body, ClientCertificate, Options
from tui.widgets.table_lines import TableRow

S = TypeVar("S", bound=msgspec.Struct)

AUTH_TYPES: tuple[tuple[str, str], ...] = (
    ("inherit", "Inherit"),
    ("none", "None"),
    ("basic", "Basic"),
    ("bearer", "Bearer"),
    ("api_key", "Key"),
    ("digest", "Digest"),
    ("oauth1", "OAuth1"),
    ("oauth2", "OAuth2"),
    ("ntlm", "NTLM"),
    ("aws_sigv4", "AWS"),
)
"""The tag in the file, and the label of the tab."""

_READABLE = "stands readable in the file; better {{name}} of a secret variable"
_AUTH_HELP = {
    "password": _READABLE,
    "token": _READABLE,
    "value": _READABLE,
    "client_secret": _READABLE,
    "secret_key": _READABLE,
    "session_token": _READABLE,
    "consumer_secret": _READABLE,
    "token_secret": _READABLE,
    "private_key": "the text of a PEM file; write {{name}} of a secret variable that holds it",
    "signature_method": "enter lists them, space goes to the next one; the fields below follow",
    "callback": "only with a request for temporary credentials",
    "verifier": "only with a request for a token",
    "body_hash": "yes: the digest of a body that is no form is signed too",
    "domain": "empty: the one before the user name, or none",
    "workstation": "empty: the server is told of none",
    "prefix": "the word before the token",
    "location": "where it goes; space changes it",
    "grant": "enter lists them, space goes to the next one; the fields below follow",
    "client_auth": "how client id and secret are sent to the token address; space changes it",
    "redirect_uri": "a loopback address without a port stands for any free port",
    "credential": "name of an AWS credential, bound like a link's; or fill in the keys below",
}
_ONLY_WITH = {
    ("oauth2", "authorization_url"): ("grant", "authorization_code"),
    ("oauth2", "redirect_uri"): ("grant", "authorization_code"),
    ("oauth2", "device_url"): ("grant", "device_code"),
    ("oauth2", "username"): ("grant", "password"),
    ("oauth2", "password"): ("grant", "password"),
    ("oauth1", "private_key"): ("signature_method", "RSA"),
    ("oauth1", "consumer_secret"): ("signature_method", "HMAC", "PLAINTEXT"),
    ("oauth1", "token_secret"): ("signature_method", "HMAC", "PLAINTEXT"),
}
"""Fields that are used only with some choices of another one, by how these begin."""
_OPTION_LABELS = {
    "timeout": "Time limit in seconds",
    "follow_redirects": "Follow redirects",
    "max_redirects": "At most so many redirects",
    "verify_tls": "Check TLS certificates",
    "ca_file": "CA file",
    "client_certificate.cert": "Client certificate",
    "client_certificate.key": "Its key",
    "client_certificate.password": "Its key's password",
    "proxy": "Proxy",
    "http2": "HTTP/2",
    "send_cookies": "Send cookies",
    "store_cookies": "Keep cookies it sets",
    "retry_unsafe": "Repeat POST after a 401",
    "history": "Keep in history",
}
_OPTION_HELP = {
    "timeout": "for the whole exchange; empty: as the settings say",
    "verify_tls": "no: anyone on the way can read and change what is sent",
    "ca_file": "PEM file of the workspace, trusted instead of the system's authorities",
    "client_certificate.cert": "PEM file of the workspace",
    "client_certificate.key": "PEM file of the workspace; empty: it is in the certificate's file",
    "client_certificate.password": _READABLE,
    "proxy": "its URL (http, https, socks5); empty: as the settings or the environment say; none: no proxy",
    "retry_unsafe": "also POST and PATCH, where a variable fetches anew on a 401",
}
_FILES = ("ca_file", "client_certificate.cert", "client_certificate.key")
YES, NO = "yes", "no"


def auth_rows(auth: Auth) -> list[TableRow]:
    rows = []
    for one in msgspec.structs.fields(auth):
        if not _counts(auth, one.name):
            continue
        label = one.encode_name.replace("_", " ").capitalize().replace("url", "URL").replace("uri", "URI")
        value = getattr(auth, one.name)
        options = tuple(get_args(one.type)) if get_origin(one.type) is Literal else ()
        if isinstance(value, bool):
            options, value = (YES, NO), YES if value else NO
        cells = (label, "" if value is None else str(value))
        help_text = _AUTH_HELP.get(one.name, "")
        rows.append(
            TableRow(
                cells, enabled=None, choices={1: options} if options else {}, locked=(0,), help=help_text, key=one.name
            )
        )
    return rows


def _counts(auth: Auth, name: str) -> bool:
    """Whether a field means something with what was chosen beside it, or has something of its own in it."""
    chooser, *choices = _ONLY_WITH.get((auth_tag(auth), name), ("", ""))
    if not chooser or getattr(auth, chooser).startswith(tuple(choices)):
        return True
    return bool(getattr(auth, name) != getattr(type(auth)(), name))


def auth_with(auth: Auth, rows: tuple[TableRow, ...]) -> Auth:
    changes: dict[str, Any] = {
        row.key: row.cells[1] == YES if isinstance(getattr(auth, row.key), bool) else row.cells[1] for row in rows
    }
    if "credential" in changes:
        changes["credential"] = changes["credential"] or None
    return msgspec.structs.replace(auth, **changes)


def new_auth(tag: str) -> Auth:
    for kind in get_args(Auth):
        if kind.__struct_config__.tag == tag:
            made: Auth = kind()
            return made
    raise ValueError(tag)


def body_tag(body: Body) -> str:
    return str(body.__struct_config__.tag)


def auth_tag(auth: Auth) -> str:
    return str(auth.__struct_config__.tag)


def option_rows(options: Options) -> list[TableRow]:
    certificate = options.client_certificate or ClientCertificate(cert="")
    rows = []
    for key, label in _OPTION_LABELS.items():
        name, _, part = key.partition(".")
        value = getattr(certificate, part) if part else getattr(options, name)
        switch = isinstance(value, bool)
        if switch:
            text = YES if value else NO
        elif key == "proxy":
            text = "" if value is None else value or "none"
        else:
            text = "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
        changed = " *" if _differs(options, name, part) else ""
        rows.append(
            TableRow(
                (label + changed, text),
                enabled=None,
                choices={1: (YES, NO)} if switch else {},
                locked=(0,),
                help=_OPTION_HELP.get(key, "space changes it" if switch else ""),
                key=key,
                file=key in _FILES,
            )
        )
    return rows


def _differs(options: Options, name: str, part: str) -> bool:
    if part:
        return options.client_certificate is not None and bool(getattr(options.client_certificate, part))
    return bool(getattr(options, name) != getattr(Options(), name))


def options_with(options: Options, rows: tuple[TableRow, ...]) -> Options:
    """Options as edited; a ValueError says which row cannot be used and why."""
    texts = {row.key: row.cells[1].strip() for row in rows}
    changes: dict[str, Any] = {row.key: row.cells[1] == YES for row in rows if row.choices}
    try:
        changes["timeout"] = float(texts["timeout"]) if texts["timeout"] else None
        changes["max_redirects"] = int(texts["max_redirects"])
    except ValueError:
        raise ValueError("a number is needed for the time limit and for the redirects") from None
    timeout = changes["timeout"]
    if timeout is not None and not 0 < timeout <= 86_400:
        raise ValueError("the time limit is more than 0 and at most 86400 seconds")
    if not 0 <= changes["max_redirects"] <= 100:
        raise ValueError("0 to 100 redirects can be followed")
    changes["ca_file"] = texts["ca_file"] or None
    changes["proxy"] = None if not texts["proxy"] else "" if texts["proxy"] == "none" else texts["proxy"]
    cert = texts["client_certificate.cert"]
    rest = {part: texts[f"client_certificate.{part}"] or None for part in ("key", "password")}
    if not cert and any(rest.values()):
        raise ValueError("a key without a client certificate cannot be used: name the certificate first")
    changes["client_certificate"] = ClientCertificate(cert=cert, **rest) if cert else None
    return msgspec.structs.replace(options, **changes)
