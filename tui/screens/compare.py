"""What differs between two exchanges, as a unified diff to read, search, copy and page."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from core.exchange import Exchange
from core.threads import run_in_daemon_thread
from tui import keys
from tui.screens.base import SessionDialog
from tui.widgets.document_pane import Copy, DocumentPane, Page
from tui.widgets.footer import KeyFooter

if TYPE_CHECKING:
    from core.session import Session


class CompareDialog(SessionDialog[None]):
    AUTO_FOCUS = "TextView"
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.CLOSE)

    def __init__(self, session: Session, before: Exchange, after: Exchange, *, copy: Copy, page: Page) -> None:
        super().__init__(session)
        self._before = before
        self._after = after
        self._pane = DocumentPane(copy=copy, page=page, id="difference")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = "Compared: - earlier, + later"
            yield self._pane
        yield KeyFooter()

    def on_mount(self) -> None:
        self._pane.show_text("comparing…", "muted")
        self.run(self._compared, lambda text: self._pane.show_text(text, "diff"), long=True)

    async def _compared(self) -> str:
        from core.history.comparing import compare

        return await run_in_daemon_thread(compare, self._before, self._after, self.session.redactor)

    def action_cancel(self) -> None:
        if self._pane.searching:
            self._pane.stop_searching()
        else:
            self.dismiss(None)
