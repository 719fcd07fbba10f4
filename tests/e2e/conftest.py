"""Whole products against whole servers."""

from __future__ import annotations

from tests.vaults.openbao import bao

__all__ = ["bao"]
