"""httpcore, imported without its HTTP/2 half: that costs as much again and is loaded by a connection that speaks it."""

from __future__ import annotations

import sys

if "h2" in sys.modules:
    import httpcore
else:
    # To httpcore h2 looks as if it were not installed; it tries again when a connection needs it.
    sys.modules["h2"] = None  # type: ignore[assignment]
    try:
        import httpcore
    finally:
        del sys.modules["h2"]

__all__ = ["httpcore"]
