"""Errors with a cure: the dialog that offers it, does it, and says whether to try again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.errors import HushpostError, StoreLocked

if TYPE_CHECKING:
    from tui.screens.base import SessionWork


async def cured(screen: SessionWork[Any], error: HushpostError) -> bool:
    """Offer the cure of this failure; True when it was done and the work should be tried again."""
    match error:
        case StoreLocked():
            return await unlock(screen)
        case _:
            return False


async def unlock(screen: SessionWork[Any]) -> bool:
    """Unlock the store, or make it where there is none; True when it is open afterwards."""
    from tui.screens.unlock import UnlockScreen

    await screen.ask(UnlockScreen(screen.session))
    return bool(screen.session.store.unlocked)
