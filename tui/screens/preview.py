"""The request as it would be sent, with names in place of secrets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from core.exchange import Shown
from tui import keys
from tui.foreign import foreign
from tui.screens.base import SessionDialog
from tui.widgets.footer import KeyFooter

if TYPE_CHECKING:
    from core.session import Session

_SHOWN = 20_000
"""Characters of the body that are shown; a longer one says how much there is."""


class PreviewDialog(SessionDialog[None]):
    """Nothing is fetched for it: no vault is asked."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings((*keys.PREVIEW, *keys.CLOSE))

    def __init__(self, session: Session, method: str, shown: Shown, copy_curl: Callable[[], None]) -> None:
        super().__init__(session)
        self._method = method
        self._shown = shown
        self._copy_curl = copy_curl

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large") as box:
            box.border_title = "As it will be sent"
            with VerticalScroll(id="scroll"):
                yield Static(self._text())
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one("#scroll").focus()

    def action_copy_curl(self) -> None:
        self._copy_curl()

    def _text(self) -> Content:
        redact = self.session.redact
        lines = [foreign(f"{self._method} {redact(self._shown.url)}", "bold"), Content("")]
        lines += [
            Content.assemble(foreign(name, "$text-muted"), ": ", foreign(redact(value)))
            for name, value in self._shown.headers
        ]
        body = self._shown.body
        if body:
            lines += [Content(""), foreign(redact(body[:_SHOWN]), lines=True)]
            if len(body) > _SHOWN:
                lines.append(Content.styled(f"… {len(body):,} characters in all", "$text-muted"))
        return Content("\n").join(lines)
