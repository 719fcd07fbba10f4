"""What the open workspace may do with what is this user's, and taking it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static

from core.consent.allowed import Allowed, allowed, revoke
from tui import keys
from tui.foreign import foreign
from tui.screens.base import SessionDialog
from tui.widgets.footer import KeyFooter
from tui.widgets.rows import Column, Row, Rows

_NOTHING = "Nothing yet. The app asks when a request first needs\na credential, a host, a script or a file of yours."


class AllowedDialog(SessionDialog[None]):
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.ALLOWED), *keys.bindings(keys.CLOSE)]

    def compose(self) -> ComposeResult:
        workspace = self.session.workspace
        with Vertical(classes="dialog large") as box:
            box.border_title = "What this workspace may do"
            if workspace is not None:
                where = f'"{workspace.name}" in {workspace.real_path} may, when you send:'
                yield Static(foreign(where), classes="dialog-text")
            yield Rows((Column(""),), titles=False, empty=_NOTHING, id="allowed")
        yield KeyFooter()

    def on_mount(self) -> None:
        self._look()
        self.query_one(Rows).focus()

    def _look(self) -> None:
        self._held: Mapping[str, Allowed] = {
            str(at): one for at, one in enumerate(self.attempt(lambda: allowed(self.session)) or ())
        }
        self.query_one(Rows).show([Row(key, (one.sentence,)) for key, one in self._held.items()])
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "revoke" or not self.is_mounted or self.query_one(Rows).key is not None

    def action_revoke(self) -> None:
        one = self._held.get(self.query_one(Rows).key or "")
        if one is None:
            return

        def take_back() -> bool:
            revoke(self.session, one)
            return True

        if self.attempt(take_back):
            self.tell(f"it may no longer {one.sentence}; the app asks again when it is needed")
            self._look()
