"""What begins and ends runs of the runner mode: everything asked first, the run itself, and leaving in the middle."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.worker import Worker, WorkerCancelled, WorkerFailed

from core.errors import FileError, HushpostError
from core.run.datafile import read_rows
from core.run.steps import with_needed
from core.threads import run_in_daemon_thread
from tui.run_log import RunLog, tally
from tui.run_options import OptionTexts
from tui.running import Part, Plan, Running, by_iterations
from tui.screens.base import SessionScreen
from tui.screens.run_ahead import settle
from tui.typeahead import working_for

if TYPE_CHECKING:
    from core.session import Session


class RunScreen(SessionScreen[None]):
    """One run at a time; it goes on when another mode is gone to. What is chosen and seen is its subclass's."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.ran = RunLog(session.redact)
        self.latest: Running | None = None
        """The run under way, or the last one."""
        self._worker: Worker[None] | None = None

    @property
    @abstractmethod
    def texts(self) -> OptionTexts:
        """The options as typed."""

    @property
    @abstractmethod
    def references(self) -> Sequence[str]:
        """What is selected, as it is on the disk now. Raises FileError."""

    @abstractmethod
    def checking(self) -> None:
        """Files and templates are looked at before the first request."""

    @abstractmethod
    def began(self, running: Running) -> None:
        """A run is about to send its first request."""

    @abstractmethod
    def look(self) -> None:
        """Show what the run said since."""

    @abstractmethod
    def wrong(self, field: str) -> None:
        """An option has a problem."""

    @abstractmethod
    def not_begun(self, error: HushpostError) -> None:
        """Say why nothing is sent."""

    @property
    def under_way(self) -> bool:
        return self._worker is not None and not self._worker.is_finished

    def action_run(self) -> None:
        self._begin(self._whole)

    def action_again(self) -> None:
        if self.ran.not_passed() and self.latest is not None:
            plan = self.latest.plan
            self._begin(lambda: self._not_passed(plan))
        elif not self.under_way:
            self.tell("everything passed: there is nothing to run again" if self.ran.lines else "nothing ran yet")

    def _begin(self, chosen: Callable[[], Awaitable[Running | None]]) -> None:
        if self.under_way:
            self.tell("a run is under way; esc stops it")
            return
        problems = self.texts.problems()
        if problems:
            self.wrong(next(iter(problems)))
            return
        self.checking()
        self._worker = self.run(chosen, self._go, failed=self.not_begun, group="run")

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        if event.worker is self._worker and event.worker.is_finished:
            self.look()

    async def _whole(self) -> Running | None:
        """The run of what is selected, once everything that can be asked before it was."""
        texts = self.texts
        references = list(self.references)
        if not references:
            raise FileError("holds no requests", path=self.session.key.path / "requests", hint="make one in f3")
        rows = await self._rows(texts.data)
        prompts = await settle(self, references, rows)
        if prompts is None:
            return None
        plan = Plan(references, texts.options(rows, prompts))
        return self._made(plan, [plan.whole], RunLog(self.session.redact))

    async def _not_passed(self, plan: Plan) -> Running | None:
        """The run of what did not pass, in its iterations, with what it takes captured values from."""
        workspace = self.session.workspace
        if workspace is None:
            return None
        there = [one for one in plan.references if workspace.stamp(one) is not None]
        wanted = {
            number: kept
            for number, references in self.ran.iterations().items()
            if (kept := [one for one in references if one in there])
        }
        if not wanted:
            raise FileError("what did not pass is not there any more", path=workspace.path / "requests")
        needed: dict[tuple[str, ...], Sequence[str]] = {}
        for references in wanted.values():
            chosen = tuple(sorted(references))
            if chosen not in needed:
                needed[chosen] = await with_needed(self.session, there, plan.options, chosen)
        parts = by_iterations(plan, needed, wanted)
        every = list(dict.fromkeys(one for part in parts for one in part.references))
        prompts = await settle(self, every, plan.options.rows)
        if prompts is None:
            return None
        failed = sum(len(references) for references in wanted.values())
        more = sum(part.total for part in parts) - failed
        self.tell(f"again: {failed:,} that did not pass" + (f", and {more:,} that they need" if more else ""))
        return self._made(plan.asked(prompts), parts, self.ran)

    def _made(self, plan: Plan, parts: Sequence[Part], log: RunLog) -> Running:
        return Running(self.session, plan, parts, log, begun=self._begun, left=self._left_run)

    async def _rows(self, data: str) -> Sequence[Mapping[str, str]]:
        if not data.strip():
            return ()
        return await run_in_daemon_thread(read_rows, self._data_file(data))

    def _data_file(self, text: str) -> Path:
        # Whoever types a path here has chosen the file: unlike one that the workspace names, it may lie anywhere.
        return self.session.key.path / Path(text.strip()).expanduser()

    async def _go(self, running: Running | None) -> None:
        if running is None:
            self.tell("nothing was sent")
            return
        if (hold := working_for.get()) is not None:
            hold.free()
        try:
            await running.go()
        finally:
            self._over(running)

    def _begun(self, running: Running) -> None:
        """Every file can be used: what ran before gives way to this run."""
        self._warn_of_edits(running)
        self.latest, self.ran = running, running.log
        self.began(running)

    def _over(self, running: Running) -> None:
        """The run ended, one way or another."""
        if not self.app.is_running or not self.is_mounted:
            return
        self.hushpost.tell_run("")
        self.look()
        if running is self.latest and self.hushpost.base_screen is not self:
            words = ", ".join(text for text, _ in tally(self.ran.counts))
            self.tell(f"the run {'was stopped' if running.interrupted else 'ended'}: {words}")

    def _warn_of_edits(self, running: Running) -> None:
        requests = self.hushpost.screen_of("requests")
        edited = set(getattr(requests, "edited", ())).intersection(running.plan.references)
        if edited:
            names = ", ".join(f'"{one}"' for one in sorted(edited)[:3])
            self.tell(f"unsaved edits of {names} do not run: f3, f9 saves them", warning=True)

    def stop(self) -> None:
        if self._worker is not None:
            self._worker.cancel()

    def _left_run(self) -> None:
        self.tell("the run was stopped: the workspace or the environment is another now", warning=True)
        self.stop()

    def leave_workspace_allowed(self, then: Callable[[], object]) -> bool:
        if not self.under_way:
            return True
        self.hushpost.base_screen.run(lambda: self._ask_to_stop(then))
        return False

    async def _ask_to_stop(self, then: Callable[[], object]) -> None:
        from tui.screens.dialogs import ConfirmDialog

        screen = self.hushpost.base_screen
        question = "A run is under way.\n\nStop it? What ran so far was sent."
        if await screen.ask(ConfirmDialog(self.session, "Stop the run?", question, yes="Stop it", no="Go on")):
            self.stop()
            if self._worker is not None and not self._worker.is_finished:
                with suppress(WorkerCancelled, WorkerFailed):
                    await self._worker.wait()
            then()
