"""Which names files and folders of a workspace may have, and a safe one for any label."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from pathlib import Path

from core.errors import FileError

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_MAX_BYTES = 200
"""File systems allow 255; our endings and temporary names have to fit too."""
# Names of devices where a workspace is checked out on Windows.
_DEVICES = frozenset(["con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10))])


def name_fault(name: str) -> str | None:
    """Why a file or folder of a workspace cannot have this name; None when it can."""
    if not name or name in (".", ".."):
        return "is no name"
    if "/" in name or "\\" in name or "\0" in name:
        return "holds a path separator"
    if _CONTROL.search(name):
        return "holds a control character"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "is not UTF-8"
    if name.startswith("."):
        return "begins with a dot, which hides it"
    return None


def check_reference(reference: str, root: Path) -> tuple[str, ...]:
    """The parts of a reference such as `payments/create`, each a name that cannot lead anywhere else."""
    parts = tuple(reference.split("/")) if reference else ()
    for part in parts:
        if fault := name_fault(part):
            raise FileError(f'"{_visible(part)}" {fault}', path=root)
    return parts


def safe_stem(label: str, *, otherwise: str) -> str:
    """A file stem made of the label's letters and digits, which any file system and any shell takes as it is."""
    text = unicodedata.normalize("NFKC", label).casefold()
    text = "".join(c if c.isalnum() or c in "_." else "-" for c in text)
    text = unicodedata.normalize("NFC", text)
    text = re.sub(r"-*\.[-.]*|-{2,}", lambda match: "." if "." in match[0] else "-", text)
    text = text.encode("utf-8", "ignore")[:120].decode("utf-8", "ignore").strip("-.")
    if not text or text in _DEVICES or text.split(".")[0] in _DEVICES or name_fault(text):
        text = otherwise
    return text


def unique_stem(stem: str, taken: Collection[str]) -> str:
    """The stem, or the stem with a number, so that it differs from those taken even where case does not count."""
    used = {name.casefold() for name in taken}
    candidate, number = stem, 1
    while candidate.casefold() in used:
        number += 1
        candidate = f"{stem}-{number}"
    return candidate


def _visible(text: str) -> str:
    return text.encode("unicode_escape").decode() if _CONTROL.search(text) or not text.isprintable() else text
