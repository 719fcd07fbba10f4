"""Reads and writes the TOML files of workspaces and of the user: typed on the way in, comments kept on the way out.

tomli reads: it is tomllib compiled, and three times as fast. tomlkit takes thirty times as long and is imported by the
first save of a file that a person has edited.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import tomli

from core.errors import FileError
from core.toml import text as tomltext
from core.toml.shape import plain, same, shape_error

MAX_BYTES = 8 * 1024 * 1024
"""A larger file is refused unread."""
_BLOCK = 64 * 1024

T = TypeVar("T", bound=msgspec.Struct)

_BOM = b"\xef\xbb\xbf"
# What tomli quotes of the file: a key at best, but of a broken file who knows.
_QUOTED = re.compile(r"'[^']{2,}'|\"[^\"]{2,}\"")
# A key of so many parts is no key of ours, and tomli takes most of a minute over a file full of longer ones.
_ENDLESS_KEY = re.compile(
    rb"(?m:^|[\[{,])[ \t]*+(?:(?:[\w\-]++|\"[^\"\n]*+\"|'[^'\n]*+')[ \t]*+\.[ \t]*+){200}",
)


def load(path: Path, model: type[T], *, missing: T | None = None) -> T:
    """The file as `model`, or `missing` where there is no file.

    A FileError says what is wrong, names the key, and quotes no value, which might be a secret.
    """
    data = read_bytes(path)
    if data is None:
        if missing is not None:
            return missing
        raise FileError("does not exist", path=path)
    return parse(data, model, path)


def parse(data: bytes, model: type[T], path: Path) -> T:
    """What `load` makes of bytes that are already at hand; `path` is only named in errors."""
    if _ENDLESS_KEY.search(data):
        raise _too_deep(path)
    try:
        table = tomli.loads(data.removeprefix(_BOM).decode())
        _check_schema(table, model, path)
        return msgspec.convert(table, model)
    except UnicodeDecodeError as error:
        raise FileError(f"is not UTF-8 text at byte {error.start}", path=path) from None
    except tomli.TOMLDecodeError as error:
        raise FileError(f"is not valid TOML: {_uncapitalised(_QUOTED.sub('…', str(error)))}", path=path) from None
    except msgspec.ValidationError as error:
        message, key = shape_error(error, table, model)
        raise FileError(message, path=path, key=key) from None
    except RecursionError:
        raise _too_deep(path) from None


def save(path: Path, model: msgspec.Struct, *, mode: int = 0o644) -> None:
    """Write `model`, keeping the comments, order and formatting of the file that is there.

    A file that says the same already is not touched. One that cannot be read as this kind of model is left as it is and
    named in a FileError. `mode` as in `write_atomic`.
    """
    try:
        new = plain(model)
        data = read_bytes(path)
        old = None if data is None else plain(parse(data, type(model), path))
        if old is not None and same(old, new):
            return
        bom = _BOM if data is not None and data.startswith(_BOM) else b""
        if data is None or old is None or data == _written(model, old):
            encoded = _written(model, new)
        else:
            encoded = _merged(path, data.removeprefix(_BOM), old, new)
        if not same(plain(parse(encoded, type(model), path)), new):
            raise FileError("cannot be saved: it would not read back as it was meant", path=path)
    except UnicodeEncodeError:
        raise FileError("cannot be saved: a text in it is no valid Unicode", path=path) from None
    except TypeError as error:
        raise FileError(f"cannot be saved: {error}", path=path) from None
    except RecursionError:
        raise _too_deep(path) from None
    write_atomic(path, bom + encoded, mode=mode)


def _written(model: msgspec.Struct, data: dict[str, Any]) -> bytes:
    """The file as we write it where no person has; we need no parser to change such a one."""
    schema = getattr(model, "schema", None)
    return tomltext.document(data if schema is None else {"schema": schema} | data).encode()


def _merged(path: Path, data: bytes, old: dict[str, Any], new: dict[str, Any]) -> bytes:
    from core.toml import merge as tomlmerge

    try:
        return tomlmerge.merge(data.decode(), old, new).encode()
    except tomlmerge.Unmergeable as error:
        raise FileError("cannot be changed without losing its comments", path=path, hint="edit it by hand") from error


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace the file in one step, so that a crash leaves the old or the new content whole.

    An existing file keeps its mode, narrowed when `mode` lets nobody else read; a new one gets `mode` less the umask.
    A symbolic link stays one: its target is replaced.
    """
    try:
        target = path.resolve()
        temporary = target.with_name(f".{target.name}.{os.urandom(6).hex()}.tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                with suppress(FileNotFoundError):
                    kept = stat.S_IMODE(target.stat().st_mode)
                    os.fchmod(file.fileno(), kept if mode & 0o077 else kept & mode)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        _sync_folder(target.parent)
    except OSError as error:
        raise FileError(f"cannot be written: {reason(error)}", path=path) from error
    except RuntimeError as error:
        raise FileError("cannot be written: its symbolic links go in a circle", path=path) from error


def _sync_folder(folder: Path) -> None:
    """The new name is on the disk too; some file systems cannot, and then the rename stands without it."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_bytes(path: Path) -> bytes | None:
    """The file's bytes, None where there is no file; never waits on a pipe or a device."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileError(f"cannot be read: {reason(error)}", path=path) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise FileError("is not a regular file", path=path)
        # Buffered reading up to the limit would make room for all of it, which costs more than a small file.
        data = os.read(descriptor, min(status.st_size, MAX_BYTES) + 1)
        while len(data) <= MAX_BYTES and (more := os.read(descriptor, _BLOCK)):
            data += more
    except OSError as error:
        raise FileError(f"cannot be read: {reason(error)}", path=path) from error
    finally:
        os.close(descriptor)
    if len(data) > MAX_BYTES:
        raise FileError(f"is larger than {MAX_BYTES // 1024 // 1024} MiB", path=path)
    return data


def _check_schema(table: dict[str, Any], model: type[msgspec.Struct], path: Path) -> None:
    known = _known_schema(model)
    schema = table.get("schema", known)
    if known is None or type(schema) is not int or schema == known:
        return
    if schema > known:
        raise FileError(
            f"was written by a newer hushpost (schema {schema}, this one knows {known})",
            path=path,
            key="schema",
            hint="update hushpost; the file was not touched",
        )
    raise FileError(f"must be {known}", path=path, key="schema")


@cache
def _known_schema(model: type[msgspec.Struct]) -> int | None:
    return next((int(field.default) for field in msgspec.structs.fields(model) if field.name == "schema"), None)


def _too_deep(path: Path) -> FileError:
    return FileError("is nested too deep", path=path)


def reason(error: OSError) -> str:
    """Why the system refused, in our style."""
    return _uncapitalised(error.strerror or type(error).__name__)


def _uncapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]
