"""Struct, the base of immutable records: a frozen dataclass would take forty times as long to define."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec


class Struct(msgspec.Struct, frozen=True):
    unshown: ClassVar[frozenset[str]] = frozenset()
    """Fields that are left out where the record is printed."""

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in self.__struct_fields__ if name not in self.unshown]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"
