"""What the child process does; it imports as little as it can, because it is started for each task."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence

_PIECE = 16 * 1024 * 1024


def main(arguments: Sequence[str]) -> None:
    """Do one task; a line of JSON on stdout says how it went."""
    task, source, *rest = arguments
    _limit_memory(os.fstat(int(source)).st_size)
    tasks: dict[str, Callable[..., None]] = {"lay-out": _lay_out, "filter": _filter}
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


def _filter(data: bytes, path: str) -> None:
    """Say how many values a JSONPath finds, then write them as one laid-out array."""
    import jsonpath
    import msgspec

    from core.reading.json_layout import quote_masks

    try:
        compiled = jsonpath.compile(path)
    except (jsonpath.JSONPathError, RecursionError) as error:
        _say({"failed": "path", "message": str(error).partition("\n")[0]})
        return
    data = quote_masks(data)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        try:
            value = [json.loads(line) for line in data.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            _say({"failed": "json"})
            return
    del data
    try:
        found = compiled.findall(value)
    except (jsonpath.JSONPathError, RecursionError) as error:
        _say({"failed": "path", "message": str(error).partition("\n")[0]})
        return
    text = msgspec.json.format(json.dumps(found, ensure_ascii=False).encode("utf-8", "backslashreplace"), indent=2)
    _say({"found": len(found), "size": len(text)})
    _write(sys.stdout.fileno(), [text])
