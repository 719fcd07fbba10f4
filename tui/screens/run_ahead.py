"""What is asked before a run: that the workspace may do what the requests need, once for all, and their questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, Static

from core.run.ahead import Ahead, look_ahead
from tui import keys
from tui.cures import bind, unlock, who
from tui.foreign import foreign, visible
from tui.screens.base import SessionDialog
from tui.screens.dialogs import AskSeveralDialog, DialogButton
from tui.widgets.footer import KeyFooter

if TYPE_CHECKING:
    from core.session import Session
    from tui.screens.base import SessionWork

Answer = Literal["settle", "without"]


async def settle(
    screen: SessionWork[Any], references: Sequence[str], rows: Sequence[Mapping[str, str]]
) -> dict[str, str] | None:
    """Ask for everything that is known before the first request; the answers to the questions, None to send nothing."""
    session = screen.session
    ahead = await look_ahead(session, references, rows)
    if ahead.locked and await session.unlock_unattended():
        ahead = await look_ahead(session, references, rows)
    only_locked = ahead.locked and not (ahead.unbound or ahead.approvals or ahead.scripts)
    # As for a request that is sent alone: the passphrase is all there is to ask.
    if ahead.consents and not (only_locked and await unlock(screen)):
        answer = await screen.ask(AheadDialog(session, ahead, len(references)))
        if answer is None:
            return None
        if answer == "settle" and not await _settled(screen, ahead):
            return None
    if not ahead.questions:
        return {}
    return await screen.ask(AskSeveralDialog(session, "These requests ask", ahead.questions, yes="Run"))


async def _settled(screen: SessionWork[Any], ahead: Ahead) -> bool:
    """False when the person turned back in a dialog of it."""
    session = screen.session
    if ahead.locked and not session.store.unlocked and not await unlock(screen):
        return False
    for error in ahead.unbound:
        if session.consent.binding(error.credential) is None and not await bind(screen, error):
            return False
    if ahead.approvals:
        session.consent.approve(ahead.approvals)
    if ahead.scripts:
        session.grant("scripts")
    return True


class AheadDialog(SessionDialog[Answer]):
    """Names all that the workspace asks for; the button that gives nothing has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.bindings(keys.DIALOG),
        *keys.plain("pagedown", "read(1)"),
        *keys.plain("pageup", "read(-1)"),
    ]

    def __init__(self, session: Session, ahead: Ahead, count: int) -> None:
        super().__init__(session)
        self._ahead = ahead
        self._count = count

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog run-ahead") as box:
            box.border_title = "Before the run"
            with VerticalScroll(can_focus=False):
                yield Static(foreign("\n".join(self._lines()), lines=True))
            yield Static("there is more: pgdn shows it", id="more", classes="dialog-problem", markup=False)
            with Horizontal(classes="dialog-buttons"):
                yield DialogButton("Allow and run", id="settle", danger=True)
                yield DialogButton("Run without", id="without")
                yield DialogButton("Cancel", id="no")
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one("#no").focus()
        self._look()

    def on_resize(self) -> None:
        self._look()

    def _look(self) -> None:
        """Nobody is to agree to what did not fit."""
        self.call_after_refresh(lambda: self._more(self.query_one(VerticalScroll)))

    def _more(self, text: VerticalScroll) -> None:
        self.query_one("#more").display = text.scroll_target_y < text.max_scroll_y

    def action_read(self, direction: int) -> None:
        text = self.query_one(VerticalScroll)
        text.scroll_relative(y=direction * max(1, text.size.height - 1), animate=False)
        self._look()

    def _lines(self) -> Sequence[str]:
        ahead = self._ahead
        many = "this request" if self._count == 1 else f"these {self._count:,} requests"
        lines = [f"{visible(who(self.session))} asks, for {many}:", ""]
        if ahead.locked:
            lines.append("- your credential store unlocked: it holds values they use")
        for error in ahead.unbound:
            meant = visible(f'"{error.credential}" ({error.provider})')
            lines.append(f"- which of your credentials it means by {meant}")
        for credential in sorted({need.credential for need in ahead.approvals}):
            whose = f'the credential "{visible(credential)}"' if credential else "the local store"
            hosts = [f"    {visible(need.what)}" for need in ahead.approvals if need.credential == credential]
            lines += [f"- that secrets of {whose} go to", *hosts]
            lines.append("  which may then receive every secret of it that this workspace uses")
        if ahead.scripts:
            lines.append("- that its scripts run on this machine, as you: no sandbox, read scripts/ first")
        lines.append("\nWithout them, requests that need them end in an error and the others run.")
        return lines

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        answers: dict[str | None, Answer] = {"settle": "settle", "without": "without"}
        self.dismiss(answers.get(event.button.id))
