"""Looks for known secrets in whatever came out, in every form an API or a sink may give them.

Written without a look at the redactor, so that the two can disagree.
"""

from __future__ import annotations

import base64
import html
import json
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

LEAST = 4


def forms(value: str) -> dict[str, bytes]:
    """The value's encodings by name; base64 without the characters that depend on what stands around it."""
    raw = value.encode()
    texts = {
        "raw": value,
        "trimmed": value.strip(),
        "percent": urllib.parse.quote(value, safe=""),
        "percent, slash kept": urllib.parse.quote(value),
        "percent, lower case": urllib.parse.quote(value, safe="").lower() if value.lower() != value else "",
        "form": urllib.parse.quote_plus(value),
        "json": json.dumps(value)[1:-1],
        "json, unicode kept": json.dumps(value, ensure_ascii=False)[1:-1],
        "repr": repr(value)[1:-1],
        "xml": escape(value),
        "xml attribute": quoteattr(value)[1:-1],
        "html": html.escape(value),
        "hex": raw.hex(),
        "hex, upper case": raw.hex().upper(),
        "python bytes": repr(raw)[2:-1],
    }
    found = {name: text.encode() for name, text in texts.items() if len(text) >= LEAST}
    for offset in range(3):
        for kind, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            whole = encode(b"\0" * offset + raw)
            first = -(-offset * 4 // 3) if offset else 0
            last = len(raw + b"\0" * offset) * 8 // 6
            core = whole[first + (1 if offset else 0) : last]
            if len(core) >= 6:
                found[f"{kind} at {offset}"] = core
    for number, line in enumerate(value.splitlines()):
        if len(line.strip()) >= LEAST and line != value:
            found[f"line {number}"] = line.strip().encode()
    return found


def leaks(secrets: Mapping[str, str], sinks: Iterable[tuple[str, bytes]]) -> list[str]:
    """Every place where a secret stands: `sink: secret as form`. Empty is what a test wants."""
    wanted = [(name, form, needle) for name, value in secrets.items() for form, needle in forms(value).items()]
    return [
        f"{sink}: {name} as {form}"
        for sink, data in sinks
        for name, form, needle in wanted
        if needle and needle in data
    ]


def files_below(*folders: Path) -> Iterator[tuple[str, bytes]]:
    """Every file's name and bytes, and the names themselves."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield str(path), str(path).encode() + b"\n" + path.read_bytes()
