"""Which encoding a foreign text is in, by the name that its sender gives it."""

from __future__ import annotations

import codecs

UTF_8 = "utf-8"
_NOT_FOR_BODIES = frozenset({"idna", "mbcs", "oem", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""Python's own, of which some fail whatever is decoded and others undo escapes."""


def known_charset(name: str) -> str:
    """Python's name for an encoding that decodes any bytes with the error handler `replace`; UTF-8 for all others."""
    try:
        codec = codecs.lookup(name.strip() or UTF_8)
    except (LookupError, ValueError):
        return UTF_8
    # There are codecs between bytes and bytes, and between texts, too.
    if not getattr(codec, "_is_text_encoding", True) or codec.name.replace("_", "-") in _NOT_FOR_BODIES:
        return UTF_8
    return codec.name
