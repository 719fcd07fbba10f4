"""From a kept exchange to the requests mode: onto a request's file, or into a new request that is not saved yet."""

from __future__ import annotations

from typing import Any

from core.errors import HushpostError
from core.exchange import Exchange
from core.history.reopening import label_of, request_from
from core.workspace.filenames import safe_stem
from tui.screens.base import SessionScreen
from tui.screens.requests import RequestsScreen


async def open_file(screen: SessionScreen[Any], reference: str) -> None:
    (await _requests(screen)).open_request(reference)


async def open_as_new(screen: SessionScreen[Any], exchange: Exchange) -> None:
    """What was sent, as a request of the open workspace that has no file until it is saved."""
    import msgspec

    rebuilt = request_from(exchange)
    label = label_of(exchange)
    requests = await _requests(screen)
    reference = _free(requests, safe_stem(label, otherwise="request"))
    requests.opened.edit(reference, msgspec.structs.replace(rebuilt.request, name=label))
    requests.open_request(reference)
    requests.focus_address()
    if rebuilt.left_out:
        requests.tell(f"what was sent is not known in full: {', '.join(rebuilt.left_out)} left out", warning=True)
    else:
        requests.tell("a new request, f9 saves it")


async def _requests(screen: SessionScreen[Any]) -> RequestsScreen:
    await screen.hushpost.action_mode("requests")
    shown = screen.hushpost.base_screen
    if not isinstance(shown, RequestsScreen):
        raise HushpostError("the requests cannot be shown", hint="open a workspace")
    return shown


def _free(requests: RequestsScreen, stem: str) -> str:
    """A reference that no file and no open request has."""
    workspace = requests.session.workspace
    number = 1
    while True:
        reference = stem if number == 1 else f"{stem}-{number}"
        taken = workspace is not None and workspace.stamp(reference) is not None
        if not taken and requests.opened.get(reference) is None:
            return reference
        number += 1
