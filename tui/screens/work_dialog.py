"""A dialog whose answer takes long work: a line says what goes on, esc ends the work first and the dialog next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import ClassVar, TypeVar

from textual.binding import BindingType
from textual.screen import ScreenResultType
from textual.timer import Timer
from textual.widgets import Static
from textual.worker import Worker

from core.errors import HushpostError
from tui import keys
from tui.foreign import foreign, visible
from tui.screens.base import SessionDialog

T = TypeVar("T")


class StatusLine(Static):
    """What a dialog says while it works, and what went wrong."""

    def __init__(self) -> None:
        super().__init__("", classes="dialog-status", markup=False)
        self.text = ""

    def say(self, text: str) -> None:
        self._show(text, problem=False)

    def problem(self, text: str) -> None:
        self._show(f"! {text}" if text else "", problem=True)

    def _show(self, text: str, *, problem: bool) -> None:
        self.text = text
        self.set_class(problem, "problem")
        self.update(foreign(text, lines=True))


class WorkDialog(SessionDialog[ScreenResultType]):
    """Holds one `StatusLine`, and one piece of work at a time."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.DIALOG)

    _worker: Worker[None] | None = None
    _elapsed: Timer | None = None

    @property
    def status(self) -> StatusLine:
        return self.query_one(StatusLine)

    @property
    def working(self) -> bool:
        return self._worker is not None and not self._worker.is_finished

    def work(
        self,
        doing: str,
        work: Callable[[], Awaitable[T]],
        then: Callable[[T], object],
        *,
        failed: Callable[[HushpostError], object] | None = None,
        cures: bool = True,
        long: bool = False,
    ) -> None:
        """Do one piece of work; a second one is not begun while it goes on."""
        if self.working:
            return
        started = monotonic()

        def tick() -> None:
            seconds = int(monotonic() - started)
            self.status.say(f"{doing}…" + (f" {seconds} s, esc stops it" if seconds else ""))

        def done(result: T) -> object:
            self._rest()
            return then(result)

        def failure(error: HushpostError) -> object:
            self._rest()
            return (failed or self.show_problem)(error)

        tick()
        self._elapsed = self.set_interval(1, tick)
        self._worker = self.run(work, done, failed=failure, group="dialog", cures=cures, long=long)

    def _rest(self) -> None:
        if self._elapsed is not None:
            self._elapsed.stop()
            self._elapsed = None
        self._worker = None
        self.status.say("")

    def close_with(self, answer: ScreenResultType | None) -> None:
        """Dismiss from within work, which must not wait for its own dialog to be gone."""
        self.dismiss(answer)

    def show_problem(self, error: HushpostError) -> None:
        """Say below the fields what is wrong, and what to do about it."""
        text = self.session.redact(str(error))
        if hint := self.hint_of(error):
            text += f"\n  {hint}"
        self.status.problem(visible(text, lines=True))

    def action_cancel(self) -> None:
        if self.working and self._worker is not None:
            self._worker.cancel()
            self._rest()
            self.status.say("stopped")
        else:
            self.dismiss(None)
