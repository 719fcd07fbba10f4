"""Builds a request's body, as it goes out and as it is shown.

What a variable may put in depends on where it stands, so that no value can break out of its place:

    inside the quotes of a JSON string     every value is that string's text, escaped: quotes, line breaks, emoji
    elsewhere in JSON                      the value is JSON as it is: a number, an object
    in XML text or an attribute            a hidden value is text, escaped; a plain one may be markup
    in a form, a multipart part, text      the value is the value
"""

from __future__ import annotations

import html
import json
import mimetypes
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote_plus

from core import template
from core.errors import RequestError
from core.exchange import Content, FileContent
from core.models import (
    Body,
    Field,
    FileBody,
    FormBody,
    GraphqlBody,
    JsonBody,
    MultipartBody,
    NoBody,
    Part,
    TextBody,
    XmlBody,
)
from core.structs import Struct
from core.template import Rendered

Render = Callable[[str, str], Rendered]
"""Renders a text that stands at a place: (text, where)."""
Files = Callable[[str], Path]
"""Finds a file that the request names, where the workspace may reach it."""

_JSON_MARK = re.compile(r'\\.|"', re.DOTALL)
_XML_MARK = re.compile(r"<!--|-->|<!\[CDATA\[|\]\]>|[<>\"']")
CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._:-]+)", re.IGNORECASE)
BOUNDARY = re.compile(r"boundary\s*=\s*(?:\"([^\"]+)\"|([^\s;]+))", re.IGNORECASE)


class Built(Struct, frozen=True):
    """A body and what its headers say of it."""

    unshown = frozenset({"content"})

    content: Content
    shown: str
    content_type: Rendered = Rendered()  # nothing changes it
    names: frozenset[str] = frozenset()
    """The secrets in it."""


def build(body: Body, render: Render, files: Files | None, content_type: Rendered) -> Built:
    """`content_type` is the request's own header, which goes before the body's; without `files` nothing is read."""

    def kind(of_body: str) -> Rendered:
        return content_type or render(of_body, "body.content_type")

    match body:
        case NoBody():
            return Built(None, "")
        case JsonBody():
            return _text(_json(body.text, render, "body"), kind(body.content_type))
        case XmlBody():
            return _text(_xml(body.text, render), kind(body.content_type))
        case TextBody():
            return _text(render(body.text, "body"), kind(body.content_type))
        case GraphqlBody():
            return _text(_graphql(body, render, checked=files is not None), kind("application/json"))
        case FormBody():
            return _text(_form(body, render), kind("application/x-www-form-urlencoded"))
        case FileBody():
            return _file(body, render, files, kind(body.content_type))
        case MultipartBody():
            return _multipart(body, render, files, kind("multipart/form-data"))


def size_of(content: Content) -> int:
    if content is None:
        return 0
    if isinstance(content, bytes):
        return len(content)
    if isinstance(content, FileContent):
        return content.size
    return sum(size_of(part) for part in content)


def _text(text: Rendered, content_type: Rendered) -> Built:
    charset = CHARSET.search(content_type.reveal())
    try:
        data = text.reveal().encode(charset[1] if charset else "utf-8")
    except LookupError:
        raise RequestError(
            f'the charset "{charset[1] if charset else ""}" is not known', kind="request", hint="use charset=utf-8"
        ) from None
    except UnicodeError:
        raise RequestError(
            f"the body has characters that {charset[1] if charset else 'utf-8'} cannot hold",
            kind="request",
            hint="use charset=utf-8",
        ) from None
    return Built(data, text.shown, content_type, text.secrets)


def _json(text: str, render: Render, where: str) -> Rendered:
    return _by_context(text, render, where, _json_strings(text), lambda value: value.map(json_text))


def json_text(text: str) -> str:
    """The text as it stands between the quotes of a JSON string; a lone surrogate stays an escape."""
    encoded = json.dumps(text, ensure_ascii=False)
    return encoded[1:-1] if encoded.isascii() or _encodable(encoded) else json.dumps(text)[1:-1]


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _xml(text: str, render: Render) -> Rendered:
    return _by_context(text, render, "body", _xml_texts(text), lambda value: value.map(str, _xml_text))


def _xml_text(text: str) -> str:
    return html.escape(text).replace("&#x27;", "&apos;")


def _by_context(
    text: str, render: Render, where: str, inside: Sequence[bool], encode: Callable[[Rendered], Rendered]
) -> Rendered:
    """Rendered with the references that stand inside encoded."""
    if True not in inside:
        return render(text, where)
    parts: list[Rendered] = []
    done = 0
    for reference, encoded in zip(template.references(text), inside, strict=True):
        if encoded:
            parts.append(render(text[done : reference.start], where))
            parts.append(encode(render(text[reference.start : reference.end], where)))
            done = reference.end
    parts.append(render(text[done:], where))
    return Rendered.join("", parts)


@lru_cache(maxsize=256)
def _json_strings(text: str) -> tuple[bool, ...]:
    """For each reference of the text, whether it stands inside the quotes of a JSON string."""
    inside = False
    found = []
    for before, _ in _around(text):
        for mark in _JSON_MARK.finditer(before):
            if mark[0] == '"':
                inside = not inside
        found.append(inside)
    return tuple(found)


@lru_cache(maxsize=256)
def _xml_texts(text: str) -> tuple[bool, ...]:
    """For each reference of the text, whether it stands in character data or an attribute's value."""
    place = "text"
    found = []
    for before, _ in _around(text):
        for mark in _XML_MARK.finditer(before):
            place = _XML_MOVES.get((place, mark[0]), place)
        found.append(place in ("text", '"', "'"))
    return tuple(found)


_XML_MOVES = {
    ("text", "<!--"): "comment",
    ("comment", "-->"): "text",
    ("text", "<![CDATA["): "cdata",
    ("cdata", "]]>"): "text",
    ("text", "<"): "tag",
    ("tag", ">"): "text",
    ("tag", '"'): '"',
    ("tag", "'"): "'",
    ('"', '"'): "tag",
    ("'", "'"): "tag",
}


def _around(text: str) -> Iterator[tuple[str, template.Reference]]:
    """Each reference with the text between it and the one before."""
    done = 0
    for reference in template.references(text):
        yield text[done : reference.start], reference
        done = reference.end


def _graphql(body: GraphqlBody, render: Render, *, checked: bool) -> Rendered:
    query = render(body.query, "body.query").map(json_text)
    if not body.variables.strip():
        return Rendered.join("", ('{"query": "', query, '"}'))
    variables = _json(body.variables, render, "body.variables")
    if checked:
        try:
            valid = isinstance(json.loads(variables.reveal()), dict)
        except (ValueError, RecursionError):
            valid = False
        if not valid:
            raise RequestError(
                "the variables of the GraphQL query are no JSON object", kind="request", hint='write {"name": "value"}'
            )
    return Rendered.join("", ('{"query": "', query, '", "variables": ', variables, "}"))


def _form(body: FormBody, render: Render) -> Rendered:
    return Rendered.join(
        "&",
        (Rendered.join("=", (_plus(name), _plus(value))) for name, value in rows(body.fields, render, "form field")),
    )


def rows(fields: Iterable[Field], render: Render, what: str) -> Iterator[tuple[Rendered, Rendered]]:
    """The enabled rows, rendered."""
    for row in fields:
        if row.enabled:
            yield render(row.name, what), render(row.value, f'{what} "{row.name}"')


def _plus(value: Rendered) -> Rendered:
    return value.map(lambda piece: quote_plus(piece, errors="surrogatepass"))


def _file(body: FileBody, render: Render, files: Files | None, content_type: Rendered) -> Built:
    path = render(body.path, "body.path")
    if files is None:
        return Built(None, f'the file "{path.shown}"', content_type)
    content = file_content(path, files, "body.path")
    return Built(content, f'the file "{path.shown}", {content.size:,} bytes', content_type)


def file_content(path: Rendered, files: Files, where: str) -> FileContent:
    if not path.reveal():
        raise RequestError(f"{where} names no file", kind="request", hint="give the path of a file in the workspace")
    found = files(path.reveal())
    try:
        if not found.is_file():
            raise RequestError(f'{where}: "{path.shown}" is no file', kind="request", hint="give the path of a file")
        return FileContent(str(found), found.stat().st_size)
    except OSError as error:
        raise RequestError(
            f'{where}: "{path.shown}" cannot be read: {(error.strerror or "it failed").lower()}', kind="request"
        ) from error


def _multipart(body: MultipartBody, render: Render, files: Files | None, content_type: Rendered) -> Built:
    given = BOUNDARY.search(content_type.reveal())
    boundary = (given[1] or given[2]) if given else f"hushpost-{secrets.token_hex(12)}"
    content: list[bytes | FileContent] = []
    shown: list[str] = []
    names: frozenset[str] = frozenset()

    def add(text: Rendered) -> None:
        nonlocal names
        names |= text.secrets
        data = text.reveal().encode("utf-8", "surrogatepass")
        if content and isinstance(last := content[-1], bytes):
            content[-1] = last + data
        else:
            content.append(data)
        shown.append(text.shown)

    for part in body.parts:
        if not part.enabled:
            continue
        where = f'part "{part.name}"'
        if part.file is None:
            add(_part_head(part, boundary, render, Rendered()))
            add(render(part.value or "", where) + "\r\n")
            continue
        if part.value is not None:
            raise RequestError(f"{where} has a value and a file", kind="request", hint="take one of them out")
        path = render(part.file, where)
        add(_part_head(part, boundary, render, path.whole(lambda real: Path(real).name)))
        if files is None:
            shown.append(f'the file "{path.shown}"')
        else:
            source = file_content(path, files, where)
            content.append(source)
            shown.append(f'the file "{path.shown}", {source.size:,} bytes')
        add(Rendered("\r\n"))
    add(Rendered(f"--{boundary}--\r\n"))
    whole = content[0] if len(content) == 1 else tuple(content)
    return Built(
        # Of files that were not read no length can be told.
        whole if files is not None or not any(part.enabled and part.file is not None for part in body.parts) else None,
        "".join(shown).replace("\r\n", "\n"),
        content_type if given else content_type + f"; boundary={boundary}",
        names,
    )


def _part_head(part: Part, boundary: str, render: Render, file_name: Rendered) -> Rendered:
    where = f'part "{part.name}"'
    name = render(part.filename, where) if part.filename is not None else file_name
    kind = render(part.content_type, where) if part.content_type is not None else Rendered()
    if part.file is not None and not kind:
        kind = Rendered(mimetypes.guess_type(name.shown)[0] or "application/octet-stream")
    if any(character in kind.reveal() for character in "\r\n\0"):
        raise RequestError(f"the content type of {where} holds a line break", kind="request")
    head: list[Rendered | str] = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="',
        _disposition(render(part.name, where)),
        '"',
    ]
    if part.file is not None or part.filename is not None:
        head += ['; filename="', _disposition(name), '"']
    if kind:
        head += ["\r\nContent-Type: ", kind]
    return Rendered.join("", [*head, "\r\n\r\n"])


def _disposition(text: Rendered) -> Rendered:
    """As browsers write names in a part's head (HTML, multipart/form-data encoding)."""
    return text.map(lambda piece: piece.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A"))
