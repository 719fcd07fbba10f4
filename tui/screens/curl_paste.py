"""A curl command pasted into the address: the open request becomes what it says, as an edit that can be reverted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from core.importers import curl
from core.models import Request
from core.workspace import secret_texts
from core.workspace.secret_texts import SecretText
from tui.cures import unlock
from tui.screens.dialogs import ConfirmDialog, PickDialog
from tui.widgets.pick_list import Pick

if TYPE_CHECKING:
    from tui.screens.open_request import RequestScreen

_MOST = 6
"""Places that a question names."""


async def paste(screen: RequestScreen, command: str) -> None:
    """Raises FormatError for what cannot be read; then nothing has changed."""
    reference, before = screen.reference, screen.request
    imported = curl.read(command)
    if before is None or not await _may_replace(screen, before):
        return
    request = replace(
        imported.request,
        name=before.name,
        description=before.description,
        variables=before.variables,
        captures=before.captures,
        checks=before.checks,
        scripts=before.scripts,
    )
    found = secret_texts.find(request)
    if found:
        kept = await _kept(screen, reference, request, found)
        if kept is None:
            return
        request = kept
    if screen.reference == reference:
        screen.put(request)
    for notice in imported.notices:
        screen.tell(notice, warning=True)


async def _may_replace(screen: RequestScreen, request: Request) -> bool:
    if replace(request, name="", description="", method="GET", variables={}) == Request():
        return True
    label = request.name or screen.reference
    question = (
        f'Make "{label}" into this curl command? Its method, address, headers, auth, body and options are replaced; '
        "as long as it is not saved, alt+z brings the file's back."
    )
    return await screen.ask(ConfirmDialog(screen.session, "Paste?", question, yes="Replace")) is True


async def _kept(screen: RequestScreen, reference: str, request: Request, found: Sequence[SecretText]) -> Request | None:
    """With variables in place of its secrets, where the person wants that; None for not pasting at all."""
    places = list(dict.fromkeys(one.shown for one in found))
    listed = ", ".join(places[:_MOST]) + (f" and {len(places) - _MOST} more" if len(places) > _MOST else "")
    picked = await screen.ask(
        PickDialog(
            screen.session,
            "Secrets in the command",
            [
                Pick("keep", "Keep them in my store", "the request names them as {{variables}}"),
                *([Pick("each", "Ask for each")] if len(found) > 1 else []),
                Pick("plain", "Leave them in plain text", "they go into the request's file"),
            ],
            text=f"What looks like a secret stands in: {listed}.",
        )
    )
    if picked == "each":
        found = [one for one in found if await _wanted(screen, one)]
    if picked is None:
        return None
    if picked == "plain" or not found:
        screen.tell(f"left in plain text: {listed}", warning=True)
        return request
    if not (screen.session.store.unlocked or await unlock(screen)):
        screen.tell("the store stays locked, so nothing was pasted", warning=True)
        return None
    changed, values = secret_texts.replaced(request, found)
    for name, value in values.items():
        await screen.session.values.set(f"requests/{reference}", name, value)
    return changed


async def _wanted(screen: RequestScreen, one: SecretText) -> bool:
    question = f"Keep what stands in {one.shown} in your store, and write {{{{{one.name}}}}} there?"
    dialog = ConfirmDialog(screen.session, "Keep it?", question, yes="Keep", no="Leave")
    return await screen.ask(dialog) is True
