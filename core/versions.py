"""The version of hushpost and of what it is built on."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as _version


def version(package: str = "hushpost") -> str:
    try:
        return _version(package)
    except PackageNotFoundError:
        return "not installed"
