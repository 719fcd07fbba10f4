"""What every screen and dialog is made of: the session, work beside the keys, and errors shown with their cure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, cast

from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.geometry import Size
from textual.screen import ModalScreen, Screen, ScreenResultType
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker

from core.consent.consent import Need
from core.errors import FileError, HostNotAllowed, HushpostError
from tui.foreign import visible
from tui.hints import hint_here
from tui.messages import ChoiceAsked, Notice, TextAsked
from tui.typeahead import Hold, working_for
from tui.widgets.footer import KeyFooter
from tui.widgets.header import StatusHeader

if TYPE_CHECKING:
    from core.session import Session
    from tui.app import HushpostApp
    from tui.widgets.script_table import ScriptTable

T = TypeVar("T")

SMALLEST = Size(60, 18)
"""Below it a mode shows one line that says so; what was typed is still there afterwards."""

_CURES_AT_MOST = 12
"""How often one piece of work may be cured and tried again; a request can need several bindings and hosts."""


class SessionWork(Screen[ScreenResultType]):
    """A screen that talks to core; widgets below it never do."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.asked_by: Hold | None = None

    @property
    def hushpost(self) -> HushpostApp:
        return cast("HushpostApp", self.app)

    def run(
        self,
        work: Callable[[], Awaitable[T]],
        then: Callable[[T], object] | None = None,
        *,
        failed: Callable[[HushpostError], object] | None = None,
        group: str = "work",
        exclusive: bool = False,
        cures: bool = True,
        long: bool = False,
    ) -> Worker[None]:
        """Run a coroutine of core beside the keys, then hand its result to `then`, which may be a coroutine function.

        `work` is called again after a failure that the person cured in a dialog, so it is a function, not a coroutine.
        What is not cured goes to `failed`, by default a notification. Other exceptions are bugs and end the app.
        `cures` off is for work that is a cure itself. Keys typed meanwhile wait until the work asks something or ends,
        a second at most; `long` is for work beside which a person goes on, such as a login or a listing.
        """
        hold = None if long else self.hushpost.typeahead.hold()
        return self.run_worker(self._work(work, then, failed, cures, hold), group=group, exclusive=exclusive)

    async def _work(
        self,
        work: Callable[[], Awaitable[T]],
        then: Callable[[T], object] | None,
        failed: Callable[[HushpostError], object] | None,
        cures: bool,
        hold: Hold | None,
    ) -> None:
        working_for.set(hold)
        try:
            for _ in range(_CURES_AT_MOST):
                try:
                    result = await work()
                    break
                except HushpostError as error:
                    from tui.cures import cured

                    if not cures or not await cured(self, error):
                        raise
            else:
                result = await work()
            outcome: Any = then(result) if then is not None else None
            if isawaitable(outcome):
                await outcome
        except HushpostError as error:
            outcome = (failed or self.show_error)(error)
            if isawaitable(outcome):
                await outcome
        finally:
            if hold is not None:
                hold.free()
            if self.app.is_running:
                self.hushpost.status_changed()

    def needs(self, error: HostNotAllowed) -> Sequence[Need]:
        """What would have to be approved for the secret that was held back."""
        return [Need("", what) for what in error.missing]

    def attempt(self, work: Callable[[], T]) -> T | None:
        """The result of plain (not async) work of core; an expected failure is shown, and None returned."""
        try:
            return work()
        except HushpostError as error:
            self.show_error(error)
            return None

    def show_error(self, error: HushpostError) -> None:
        """Tell of a failure in passing: the sentence, and below it what to do."""
        text = self.session.redact(str(error))
        if hint := self.hint_of(error):
            text += f"\n{hint}"
        self.tell(text, error=True)

    def show_unmended(self, error: HushpostError) -> None:
        """As `show_error`, but not for a file whose fault stood in a dialog until the person closed that."""
        from core.mending import broken

        if not isinstance(error, FileError) or broken(error.path, self.session.paths) is None:
            self.show_error(error)

    def hint_of(self, error: HushpostError) -> str:
        """What to do about it, in the keys of the app."""
        return self.session.redact(hint_here(error, self.session.settings.keys))

    def tell(self, text: str, *, warning: bool = False, error: bool = False) -> None:
        """A notification of plain text: foreign names in it are shown letter by letter."""
        severity: Literal["information", "warning", "error"]
        severity = "error" if error else "warning" if warning else "information"
        title = "Error" if error else "Warning" if warning else ""
        self.app.notify(
            visible(text, lines=True),
            title=title,
            severity=severity,
            markup=False,
            timeout=12 if error else 8 if warning else 4,
        )

    def on_notice(self, message: Notice) -> None:
        message.stop()
        self.tell(message.text, warning=message.warning)

    def on_choice_asked(self, message: ChoiceAsked) -> None:
        message.stop()
        from tui.screens.dialogs import PickDialog
        from tui.widgets.pick_list import Pick

        picks = [Pick(choice, choice or "none") for choice in message.choices]
        dialog = PickDialog(self.session, message.title, picks, current=message.current)
        self.run(lambda: self.ask(dialog), lambda picked: message.chosen(picked) if picked is not None else None)

    def on_text_asked(self, message: TextAsked) -> None:
        message.stop()
        from tui.screens.text_dialog import TextDialog

        self.run(
            lambda: self.ask(TextDialog(self.session, message)),
            lambda text: message.taken(text) if text is not None else None,
        )

    def on_script_table_asked(self, message: ScriptTable.Asked) -> None:
        message.stop()
        from tui.screens import script_flows

        flow = script_flows.open_script if message.open else script_flows.choose
        self.run(lambda: flow(self, message))

    async def ask(self, screen: Screen[T]) -> T | None:
        """Show a dialog and wait for its answer; only inside `run` work or another worker."""
        hold = working_for.get()
        answer = self.app.push_screen(screen, wait_for_dismiss=True)
        if hold is not None:
            hold.free()
            if isinstance(screen, SessionWork):
                screen.asked_by = hold
        # Whoever cancels the work leaves the dialog to be answered.
        return cast("T | None", await asyncio.shield(answer))

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        if self.asked_by is not None:
            # What asked goes on now, and may ask again.
            self.asked_by.take()
        return super().dismiss(result)


class SessionScreen(SessionWork[ScreenResultType]):
    """A mode of the app: header, its own part, footer. `MODE` is its name in keys, palette and header."""

    MODE: ClassVar[str] = ""
    _focus_when_large: Widget | None = None

    def compose(self) -> ComposeResult:
        yield Static("", id="too-small", markup=False)
        yield StatusHeader(self.session, self.MODE)
        yield from self.compose_body()
        yield KeyFooter()

    def compose_body(self) -> ComposeResult:
        """The part between header and footer."""
        yield from ()

    def on_resize(self, event: events.Resize) -> None:
        size, smallest = event.size, SMALLEST
        small = size.width < smallest.width or size.height < smallest.height
        if small:
            text = f"hushpost needs {smallest.width}x{smallest.height}, this is {size.width}x{size.height}"
            self.query_one("#too-small", Static).update(text)
        if small and not self.has_class("-small"):
            self._focus_when_large = self.focused
        self.set_class(small, "-small")
        if not small and self._focus_when_large is not None:
            self.call_after_refresh(self._focus_again)

    def _focus_again(self) -> None:
        """Where the keys went before there was no room; a hidden part loses the focus."""
        if not self.has_class("-small") and self._focus_when_large is not None:
            if self._focus_when_large.is_attached:
                self.set_focus(self._focus_when_large)
            self._focus_when_large = None

    def on_screen_resume(self) -> None:
        self.status_changed()
        self.session_resumed()

    def status_changed(self) -> None:
        """Workspace, environment, lock or cache may have changed: the header looks again."""
        for header in self.query(StatusHeader):
            # What is not mounted yet looks when it is.
            if header.is_mounted:
                header.look()

    def session_resumed(self) -> None:
        """This screen is shown again, after a dialog too; another one may have changed the session or its files."""

    def mode_entered(self) -> None:
        """Gone to from another mode, or the terminal has the focus again: other programs may have changed files."""

    def offered_files(self, typed: str) -> Sequence[tuple[str, str]]:
        """Files of the open workspace whose path goes on from what is typed, for fields that name one."""
        from core.workspace.offered_files import offered_files

        workspace = self.session.workspace
        return offered_files(workspace.path, typed) if workspace is not None else ()

    def leave_workspace_allowed(self, then: Callable[[], object]) -> bool:
        """Whether the workspace or the app may be left now; if not, it asks about unsaved edits, then calls `then`."""
        return True

    def keep_unsaved(self) -> None:
        """The app is being ended from outside, or by a bug: write unsaved edits down for the next start."""


class SessionDialog(SessionWork[ScreenResultType], ModalScreen[ScreenResultType]):
    """A question over the screen; dismissed with None on esc."""

    AUTO_FOCUS = "*"

    def action_cancel(self) -> None:
        self.dismiss(None)
