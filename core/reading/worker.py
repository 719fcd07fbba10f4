"""What the child process does; it imports as little as it can, because it is started for each task."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence

_PIECE = 16 * 1024 * 1024
MOST_WRITTEN = 256 * 1024 * 1024
"""Bytes that a command may make of a body."""
_LONGEST_NUMBER = 200_000
"""Digits; Python's own limit is far below what a body may have, and past this one a number takes seconds."""


def main(arguments: Sequence[str]) -> None:
    """Do one task; a line of JSON on stdout says how it went."""
    task, source, *rest = arguments
    # The app goes on drawing meanwhile, and a person waits for that.
    os.nice(5)
    _limit_memory(os.fstat(int(source)).st_size)
    tasks: dict[str, Callable[..., None]] = {"lay-out": _lay_out, "filter": _filter, "picture": _picture}
    try:
        tasks[task](_read(int(source)), *rest)
    except MemoryError:
        _say({"failed": "memory"})
    except OSError as error:
        _say({"failed": "disk", "message": (error.strerror or "").lower()})


def _say(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _limit_memory(size: int) -> None:
    """A body made to be large in memory ends the child, not the machine."""
    import resource

    room = 1024**3 + 20 * size
    resource.setrlimit(resource.RLIMIT_AS, (room, room))


def _read(descriptor: int) -> bytes:
    parts, at = [], 0
    while part := os.pread(descriptor, _PIECE, at):
        parts.append(part)
        at += len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _write(descriptor: int, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(descriptor, rest[:_PIECE]) :]


def _lay_out(data: bytes, syntax: str, by_lines: str, out: str) -> None:
    from core.reading.layout import TooDeep, lay_out

    try:
        _write(int(out), lay_out(data, syntax, by_lines=bool(by_lines)))
    except TooDeep:
        _say({"failed": "deep"})
    else:
        _say({})


def _filter(data: bytes, query: str, language: str, syntax: str) -> None:
    """Say how much a query finds, then write it."""
    queries = {"JSONPath": _by_jsonpath, "XPath": _by_xpath, "command": _by_command}
    try:
        found, text = queries[language](data, query, syntax)
    except Refused as refused:
        _say({"failed": refused.kind, "message": str(refused).partition("\n")[0]})
    else:
        _say({"found": found, "size": len(text)})
        _write(sys.stdout.fileno(), [text])


class Refused(Exception):
    """The query or the body cannot be used; `kind` says which."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def _by_jsonpath(data: bytes, query: str, _: str) -> tuple[int, bytes]:
    """The values as one laid-out array."""
    import jsonpath

    from core.reading.json_layout import lay_out_anything, lay_out_value, quote_masks

    try:
        compiled = jsonpath.compile(query)
    except (jsonpath.JSONPathError, RecursionError) as error:
        raise Refused("path", str(error)) from error
    data = quote_masks(data)
    sys.set_int_max_str_digits(_LONGEST_NUMBER)
    try:
        value = json.loads(data)
    except RecursionError as error:
        raise Refused("deep", "") from error
    except ValueError:
        try:
            value = [json.loads(line) for line in data.splitlines() if line.strip()]
        except (ValueError, RecursionError) as error:
            raise Refused("body", "JSON") from error
    del data
    try:
        found = compiled.findall(value)
    except (jsonpath.JSONPathError, RecursionError) as error:
        raise Refused("path", str(error)) from error
    text = json.dumps(found, ensure_ascii=False).encode("utf-8", "backslashreplace")
    # Half of a character, or a number beyond what JSON has: it came so, and is shown so.
    return len(found), lay_out_value(text) or b"".join(lay_out_anything(text))


def _by_xpath(data: bytes, query: str, syntax: str) -> tuple[int, bytes]:
    """Elements laid out one below the other, attributes and texts a line each.

    The prefixes are those of the document; elements in its default namespace are named without one.
    """
    from lxml import etree

    from core.reading.layout import lay_out

    try:
        compiled = etree.XPath(query)
    except etree.XPathSyntaxError as error:
        raise Refused("path", str(error).lower()) from error
    # Nothing outside the body is read, and no entity is followed.
    safe = {"no_network": True, "huge_tree": True, "remove_comments": False}
    parser = (
        etree.HTMLParser(encoding="utf-8", **safe)
        if syntax == "html"
        else etree.XMLParser(encoding="utf-8", recover=True, resolve_entities=False, load_dtd=False, **safe)
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise Refused("body", syntax.upper()) from error
    if root is None:
        raise Refused("body", syntax.upper())
    prefixes: dict[str, str] = {}
    for element in root.iter(etree.Element):
        for prefix, uri in element.nsmap.items():
            if prefix is not None:
                prefixes.setdefault(prefix, uri)
        default = element.nsmap.get(None)
        if default is not None:
            element.tag = element.tag.removeprefix(f"{{{default}}}")
    try:
        found = etree.XPath(query, namespaces=prefixes)(root) if prefixes else compiled(root)
    except etree.XPathError as error:
        raise Refused("path", str(error).lower()) from error
    values = found if isinstance(found, list) else [found]
    parts = []
    for value in values:
        if isinstance(value, etree._Element):
            raw = etree.tostring(value, encoding="utf-8", with_tail=False, method=syntax)
            parts.append(b"".join(lay_out(raw, syntax)).rstrip(b"\n"))
        else:
            parts.append(str(value).lower().encode() if isinstance(value, bool) else _plain(value))
    return len(values), b"\n".join(parts)


def _plain(value: object) -> bytes:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text.encode("utf-8", "backslashreplace")


def _by_command(data: bytes, query: str, _: str) -> tuple[int, bytes]:
    """What a command line of the person's writes when it reads the text."""
    import resource
    import subprocess
    import tempfile

    # A command without an end is ended by the size of the file that it fills.
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_WRITTEN, MOST_WRITTEN))
    with tempfile.TemporaryFile() as written:
        done = subprocess.run(  # noqa: S602 - the person typed it
            query, shell=True, input=data, stdout=written, stderr=subprocess.PIPE, check=False
        )
        written.seek(0)
        text = written.read()
    if len(text) >= MOST_WRITTEN:
        raise Refused("command", f"it wrote more than {MOST_WRITTEN // 1024**2} MiB")
    said = done.stderr.decode("utf-8", "replace").strip()
    # Some tell with their exit code that they found nothing.
    if done.returncode and said:
        raise Refused("command", said)
    if done.returncode not in (0, 1) and not text:
        raise Refused("command", f"it ended with code {done.returncode} and wrote nothing")
    return len(text.splitlines()), text


def _picture(data: bytes, columns: str, rows: str, ground: str) -> None:
    """Say how wide a picture becomes within so many cells of two points each, then write its points."""
    import io
    import warnings

    from PIL import Image, UnidentifiedImageError

    # A few bytes may say that they are a huge picture.
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        with Image.open(io.BytesIO(data)) as opened:
            opened.draft("RGB", (int(columns), int(rows) * 2))
            picture = opened.convert("RGBA")
    except UnidentifiedImageError:
        _say({"failed": "picture", "message": "it is in no format that is known here"})
        return
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        _say({"failed": "picture", "message": "it is too large"})
        return
    except (OSError, ValueError, SyntaxError, EOFError):
        _say({"failed": "picture", "message": "it is damaged"})
        return
    scale = min(int(columns) / picture.width, int(rows) * 2 / picture.height, 1)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    drawn = Image.new("RGBA", size, ground)
    drawn.alpha_composite(picture.resize(size))
    points = drawn.convert("RGB").tobytes()
    _say({"width": size[0], "size": len(points)})
    _write(sys.stdout.fileno(), [points])
