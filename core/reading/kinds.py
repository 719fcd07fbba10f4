"""What a body is, from what its server says of it and from its first bytes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable
from typing import Literal

from core.charsets import known_charset
from core.reading.images import image_facts
from core.structs import Struct

Syntax = Literal["json", "xml", "html", "text", "binary"]
HEAD = 4096
"""How many first bytes are enough to tell."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TEXTS = re.compile(
    r"text/|application/(javascript|ecmascript|x-www-form-urlencoded|graphql|sql|toml|x?-?yaml|x-sh)|.*\+yaml"
)
_BINARIES = re.compile(
    r"(image|audio|video|font|model)/|application/(octet-stream|pdf|zip|gzip|x-tar|wasm|.*protobuf|.*cbor|.*msgpack)"
)


class Kind(Struct, frozen=True):
    """How a body is shown."""

    syntax: Syntax
    charset: str = "utf-8"
    label: str = ""
    """A few words for the person: `JSON`, `PNG image, 640 x 480`."""
    by_lines: bool = False
    """Each line is a value of its own."""
    picture: bool = False


def kind_of(headers: Iterable[tuple[str, str]], head: bytes, redact: Callable[[str], str]) -> Kind:
    """`head` are the first `HEAD` bytes, or all there are; `redact` is for what of the headers is in the label."""
    media, charset = _declared(headers, redact)
    facts = image_facts(head)
    bom = next((name for mark, name in _BOMS if head.startswith(mark)), "")
    charset = bom or known_charset(charset)
    if facts and not media.endswith(("xml", "json", "html")):
        return Kind("binary", label=facts, picture=True)
    wide = charset.replace("-", "").startswith(("utf16", "utf32"))
    if _BINARIES.match(media) and not media.endswith(("+xml", "+json")) and not (bom or _looks_like_text(head)):
        return Kind("binary", label=media)
    if b"\0" in head and not wide:
        return Kind("binary", label=media or "binary data")
    return _text(media, charset, head)


def _text(media: str, charset: str, head: bytes) -> Kind:
    if re.search(r"[/+]json$", media):
        return Kind("json", charset, "JSON")
    if re.search(r"(ndjson|jsonl(ines)?|json-seq)$", media):
        return Kind("json", charset, "JSON lines", by_lines=True)
    if media in ("text/html", "application/xhtml+xml"):
        return Kind("html", charset, "HTML")
    if re.search(r"[/+]xml$", media):
        return Kind("xml", charset, "XML")
    if media in ("", "text/plain", "application/octet-stream", "text/json", "text/javascript"):
        start = head.lstrip(codecs.BOM_UTF8 + b" \t\r\n")
        if start[:1] in (b"{", b"["):
            return Kind("json", charset, "JSON")
        if start.startswith(b"<?xml"):
            return Kind("xml", charset, "XML")
        if re.match(rb"<!doctype html|<html", start, re.IGNORECASE):
            return Kind("html", charset, "HTML")
    return Kind("text", charset, media or "text")


def _declared(headers: Iterable[tuple[str, str]], redact: Callable[[str], str]) -> tuple[str, str]:
    """Media type and charset of the Content-Type."""
    value = next((value for name, value in headers if name.lower() == "content-type"), "")
    media, *parameters = redact(value).split(";")
    charset = ""
    for parameter in parameters:
        name, _, given = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = given.strip().strip("\"'").lower()
    return media.strip().lower(), charset


def _looks_like_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return not re.search("[\x00-\x08\x0e-\x1a\x1c-\x1f]", text)
