"""Builds a request: templates rendered, everything checked that can be checked before a byte leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core.exchange import Prepared, Shown
from core.models import Request

if TYPE_CHECKING:
    from core.environment import ResolvedScope


@dataclass(frozen=True)
class Defaults:
    """What a request that says nothing gets."""

    timeout: float = 30.0
    proxy: str = ""
    """Of the settings; empty: what `proxies` says."""
    proxies: Mapping[str, str] = field(default_factory=dict)
    """http_proxy, https_proxy, all_proxy and no_proxy as the process was started with."""
    user_agent: str = "hushpost"


def prepare(
    request: Request,
    scope: ResolvedScope,
    *,
    files: Callable[[str], Path],
    reference: str = "",
    defaults: Defaults = Defaults(),
) -> Prepared:
    """The request as it goes out. `request` has what its folders give it; `files` finds a file that the request names."""
    raise NotImplementedError


def preview(request: Request, scope: ResolvedScope, *, defaults: Defaults = Defaults()) -> Shown:
    """What `prepare` would show, for a scope whose hidden values are stand-ins: nothing is checked, no file is read."""
    raise NotImplementedError
