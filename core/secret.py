"""Secret, the only type that holds a secret value."""

from __future__ import annotations

import hmac
from typing import NoReturn

MASK = "••••••"
"""What stands where a value would: fixed length, so that it tells nothing of the value."""


class Secret:
    """A text that must not be seen: `reveal()` is the only way out.

    Printing and formatting give dots; pickling, copying and serialising raise. Comparison takes constant time.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        return self.__value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(
            self.__value.encode("utf-8", "surrogatepass"), other.__value.encode("utf-8", "surrogatepass")
        )

    def __hash__(self) -> int:
        return hash((Secret, self.__value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied")
