"""Writing a body, as it was received or as a filter left it, into a file of the person's choice."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path
from urllib.parse import unquote, urlsplit

from core.errors import HushpostError
from core.exchange import Exchange, ReceivedBody
from core.reading.kinds import Kind
from core.reading.rows import Document
from core.workspace.filenames import safe_stem

_PIECE = 1024 * 1024


class Exists(HushpostError):
    """There is a file already."""


_ENDINGS = {"json": ".json", "xml": ".xml", "html": ".html", "text": ".txt", "binary": ".bin"}
_PICTURES = re.compile(r"(PNG|GIF|JPEG|WebP|BMP|AVIF|HEIC) image|icon")


def suggested_name(exchange: Exchange, kind: Kind, redact: Callable[[str], str]) -> str:
    """What a file of the body could be called: as its server says, as the address ends, or as the request is called."""
    said = next((value for name, value in exchange.response.headers if name.lower() == "content-disposition"), "")
    named = _named(said)
    picture = _PICTURES.match(kind.label)
    ending = f".{(picture[1] or 'ico').lower()}" if picture else _ENDINGS[kind.syntax]
    address = unquote(urlsplit(exchange.shown.url).path).rpartition("/")[2]
    for name in (named, address):
        if redact(name) != name:
            continue
        stem, dot, suffix = re.split(r"[/\\]", name)[-1].rpartition(".")
        if stem and dot and suffix.isalnum() and len(suffix) <= 8 and "{{" not in name:
            return f"{safe_stem(stem, otherwise='body')}.{suffix.lower()}"
    return safe_stem(exchange.reference.rpartition("/")[2], otherwise="body") + ending


def _named(disposition: str) -> str:
    header = Message()
    header["Content-Disposition"] = disposition or "inline"
    try:
        return header.get_filename() or ""
    except ValueError:  # a charset that no codec can be called
        return ""


def save_body(body: ReceivedBody | Document, path: Path, *, overwrite: bool = False) -> Path:
    """A body's bytes as received, or a document's masked ones, readable by this user only; returns the whole path.

    The file is whole or not there. Raises HushpostError.
    """
    try:
        path = path.expanduser()
        if path.is_dir():
            raise HushpostError(f'"{path}" is a folder', hint="name a file in it")
        if path.exists() and not overwrite:
            raise Exists(f'"{path}" is there already', hint="enter once more to overwrite it")
        _write(body, path)
        return path.absolute()
    except OSError as error:
        reason = (error.strerror or "the disk failed").lower()
        raise HushpostError(f'"{path}" cannot be written: {reason}') from error
    except (ValueError, RuntimeError) as error:
        # A body that was closed meanwhile, a NUL in the path, a home that nobody knows.
        reason = "the body is no longer there" if "closed" in str(error) else "that is no path"
        raise HushpostError(f'"{path}" cannot be written: {reason}') from error


def _write(body: ReceivedBody | Document, path: Path) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(_pieces(body))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _pieces(body: ReceivedBody | Document) -> Iterator[bytes]:
    for start in range(0, body.size, _PIECE):
        yield body.read(start, _PIECE if isinstance(body, ReceivedBody) else min(start + _PIECE, body.size))
