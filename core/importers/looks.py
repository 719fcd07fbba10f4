"""Tells a curl command from an address, at every paste: so without what reading one needs."""

from __future__ import annotations

import re

_CURL = re.compile(
    r"""\s*(?:[$%>#]\s+)?(?:[A-Za-z_]\w*=(?:'[^']*'|"[^"]*"|\S)*\s+)*(?:\S*[/\\])?curl(?:\.exe)?\s+\S""", re.IGNORECASE
)


def looks_like_curl(text: str) -> bool:
    return _CURL.match(text) is not None
