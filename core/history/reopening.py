"""A new request out of an exchange that was kept: what was sent, with names where values of secrets stood."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from urllib.parse import parse_qsl, unquote

from core.exchange import Exchange
from core.models import (
    Auth,
    BasicAuth,
    Body,
    Field,
    FormBody,
    JsonBody,
    NoAuth,
    NoBody,
    Request,
    TextBody,
    XmlBody,
)
from core.secret import MASK
from core.structs import Struct
from core.template import escape

_NAME = re.compile(r"\{\{([A-Za-z_][A-Za-z0-9_.-]*)\}\}")
_BASIC = re.compile(r"Basic base64\((.*?):(.*)\)", re.DOTALL)
_FILE = re.compile(r'the file "[^\n]*"')
_OURS = frozenset({"host", "content-length", "content-type", "accept-encoding", "connection", "cookie"})
"""Lower-case names of headers that sending makes anew."""


class Rebuilt(Struct, frozen=True):
    request: Request
    left_out: tuple[str, ...]
    """What could not be had from what was shown."""


def request_from(exchange: Exchange) -> Rebuilt:
    """Braces become references only where they name a secret that the exchange used; whoever else wrote some, they stay
    text."""
    template = _templates(exchange.secrets_used)
    shown = exchange.shown
    left_out: list[str] = []
    auth: Auth = NoAuth()
    headers: list[Field] = []
    media = ""
    for name, value in shown.headers:
        key = name.lower()
        if key == "content-type":
            media = value
        if key in _OURS or (key, value) in (("user-agent", "hushpost"), ("accept", "*/*")):
            continue
        basic = _BASIC.fullmatch(value) if key == "authorization" else None
        if MASK in value:
            left_out.append(f'the header "{name}"')
        elif basic is not None:
            auth = BasicAuth(username=template(basic[1]), password=template(basic[2]))
        else:
            headers.append(Field(template(name), template(value)))
    address, _, query = shown.url.partition("?")
    if MASK in address or MASK in query:
        left_out.append("a part of the URL")
    body = _body(shown.body, media, template)
    if body is None or MASK in shown.body:
        left_out.append("the body" if body is None else "a part of the body")
    request = Request(
        method=exchange.method,
        url=template(address),
        query=tuple(Field(template(name), template(value)) for name, value in _pairs(query)),
        headers=tuple(headers),
        auth=auth,
        body=body or NoBody(),
    )
    return Rebuilt(request, tuple(left_out))


def _body(text: str, media: str, template: Callable[[str], str]) -> Body | None:
    """None for one that its shown form does not give back."""
    kind = media.partition(";")[0].strip().lower()
    if not text:
        return NoBody()
    if kind.startswith("multipart/") or _FILE.match(text):
        return None
    if kind == "application/x-www-form-urlencoded":
        return FormBody(fields=tuple(Field(template(name), template(value)) for name, value in _pairs(text)))
    if kind == "application/json" or kind.endswith("+json"):
        return JsonBody(text=template(text), content_type=template(media))
    if kind.endswith(("/xml", "+xml")):
        return XmlBody(text=template(text), content_type=template(media))
    return TextBody(text=template(text), content_type=template(media))


def _pairs(text: str) -> list[tuple[str, str]]:
    """Without what an OAuth 1 signature put there."""
    pairs = parse_qsl(text, keep_blank_values=True, errors="surrogateescape") if text else []
    return [(name, value) for name, value in pairs if not (name.startswith("oauth_") and value == MASK)]


def _templates(secrets: Collection[str]) -> Callable[[str], str]:
    """What makes a template of a shown text."""

    def template(text: str) -> str:
        out: list[str] = []
        done = 0
        for match in _NAME.finditer(text):
            if match[1] in secrets:
                out += [escape(text[done : match.start()]), match[0]]
                done = match.end()
        return "".join([*out, escape(text[done:])])

    return template


def label_of(exchange: Exchange) -> str:
    """A name for the new request: the method, and the end of the path."""
    path = exchange.shown.url.partition("?")[0].partition("://")[2].rstrip("/")
    last = unquote(path.rpartition("/")[2])
    return f"{exchange.method} {last}".strip()[:60]
