"""Servers that stand for vaults; the fixtures are written beside their servers so that other rooms can import them."""

from __future__ import annotations

from tests.vaults.openbao import bao, tls_bao

__all__ = ["bao", "tls_bao"]
