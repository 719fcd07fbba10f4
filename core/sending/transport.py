"""httpcore, imported without what a request in a thread over plain HTTP/1.1 never uses: that takes half its time.

Its HTTP/2 half is loaded by a connection that speaks it, and certifi by a TLS context that nobody gave it.
"""

from __future__ import annotations

import sys
from types import ModuleType


class _Certifi(ModuleType):
    def where(self) -> str:
        import certifi

        return certifi.where()


# What is None here looks as if it were not installed. The async half alone uses anyio and trio.
_STAND_INS = {"h2": None, "anyio": None, "trio": None, "certifi": _Certifi("certifi")}
_put = {name: stand_in for name, stand_in in _STAND_INS.items() if name not in sys.modules}
sys.modules.update(_put)  # type: ignore[arg-type]
try:
    import httpcore
finally:
    for _name in _put:
        del sys.modules[_name]

__all__ = ["httpcore"]
