"""The texts of a curl command: data, forms, user names; and each as it has to be written in a request's file."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, quote_plus

from msgspec.structs import replace

from core import template
from core.errors import FormatError
from core.importers.commandline import CLOSE, OPEN
from core.models import Body, Field, FileBody, FormBody, JsonBody, MultipartBody, Part, TextBody, XmlBody

_VARIABLE = re.compile(f"{OPEN}([^{CLOSE}]*){CLOSE}")
_FORM_OPTION = re.compile(r';\s*(type|filename|encoder|headers)=("(?:\\.|[^"\\])*"|[^;]*)')


def names_a_file(name: str, text: str) -> bool:
    if name in ("data", "data-ascii", "data-binary", "json"):
        return text.startswith("@")
    return name in ("data-urlencode", "url-query") and re.match(r"[^=@]*@", text) is not None


def data_texts(data: list[tuple[str, str]]) -> Iterator[str]:
    for name, text in data:
        yield _urlencoded(text) if name in ("data-urlencode", "url-query") else text


def _urlencoded(text: str) -> str:
    name, equals, value = text.partition("=")
    if not equals:
        return _outside(text, quote_plus)
    return f"{name}={_outside(value, quote_plus)}" if name else _outside(value, quote_plus)


def _outside(text: str, change: Callable[[str], str]) -> str:
    """Changed everywhere but where a shell variable stands."""
    done, parts = 0, []
    for match in _VARIABLE.finditer(text):
        parts += [change(text[done : match.start()]), match[0]]
        done = match.end()
    return "".join((*parts, change(text[done:])))


def with_query(url: str, data: list[tuple[str, str]]) -> str:
    if any(names_a_file(*one) for one in data):
        raise FormatError("the query comes from a file", source="curl", hint="write it into the address")
    address, mark, fragment = url.partition("#")
    query = "&".join(text for text in data_texts(data) if text)
    if not query:
        return url
    return f"{address}{'&' if '?' in address else '?'}{query}{mark}{fragment}"


def rows(text: str) -> tuple[Field, ...] | None:
    """The fields of a form, where sending them makes this very text."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        return None
    encoded = "&".join("=".join(_outside(side, quote_plus) for side in pair) for pair in pairs)
    return tuple(Field(*pair) for pair in pairs) if encoded == text else None


def named(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise FormatError(f'a value of "{option}" has no name', source="curl", hint="write NAME=VALUE")
    return name, value


def form_options(text: str) -> dict[str, str]:
    return {match[1]: unquoted(match[2]) for match in _FORM_OPTION.finditer(text)}


def form_value(text: str) -> tuple[str, str]:
    """What a part holds, and its options behind it."""
    quoted = re.match(r'(@?)("(?:\\.|[^"\\])*")', text, re.DOTALL)
    if quoted is not None:
        return quoted[1] + unquoted(quoted[2]), text[quoted.end() :]
    option = _FORM_OPTION.search(text)
    return (text[: option.start()], text[option.start() :]) if option else (text, "")


def unquoted(text: str) -> str:
    return re.sub(r'\\(["\\])', r"\1", text[1:-1]) if len(text) > 1 and text[0] == text[-1] == '"' else text.strip()


def decoded(text: str) -> tuple[str, str] | None:
    """User name and password of a Basic header, where they make this very header again."""
    try:
        pair = base64.b64decode(text.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    user, colon, password = pair.partition(":")
    same = base64.b64encode(pair.encode()).decode() == text.strip()
    return (user, password) if colon and same else None


def number(text: str, option: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= 86_400:
        raise FormatError(
            f'the value of "{option}" is no usable number', source="curl", hint="write seconds, or a count"
        )
    return number


def from_input() -> FormatError:
    return FormatError("the body comes from another command", source="curl", hint="keep it in a file and write @FILE")


def written(text: str) -> str:
    """The text as it has to be written in a request's file: literal braces escaped, shell variables as templates."""
    parts, done = [], 0
    for match in _VARIABLE.finditer(text):
        before = _escaped(text[done : match.start()])
        parts += [before, "{{", match[1], "}}"]
        done = match.end()
    return "".join((*parts, _escaped(text[done:])))


def templated(body: Body) -> Body:
    match body:
        case JsonBody() | XmlBody() | TextBody():
            return replace(body, text=written(body.text), content_type=written(body.content_type))
        case FormBody(fields=fields):
            return FormBody(tuple(Field(written(row.name), written(row.value)) for row in fields))
        case FileBody():
            return FileBody(written(body.path), written(body.content_type))
        case MultipartBody(parts=parts):
            return MultipartBody(tuple(map(_templated_part, parts)))
        case _:
            return body


def _templated_part(part: Part) -> Part:
    optional = ("value", "file", "filename", "content_type")
    given = {name: text for name in optional if (text := getattr(part, name)) is not None}
    return replace(part, name=written(part.name), **{name: written(text) for name, text in given.items()})


def shown(text: str) -> str:
    return _VARIABLE.sub(r"$\1", text)


def _escaped(text: str) -> str:
    try:
        return template.escape(text)
    except FormatError as error:
        hint = "keep the text in a file and write --data-binary @FILE"
        raise FormatError(error.message, source="curl", hint=hint) from None
