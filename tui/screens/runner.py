"""The runner mode: what is selected runs in order, is seen as it ends, read, mended, and run again where it failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from core.consent.consent import Need
from core.errors import FileError, HostNotAllowed, HushpostError
from core.exchange import ErrorInfo, RunFinished
from tui import keys
from tui.cures import CURABLE, cured
from tui.run_log import Line, RunLog, tally
from tui.run_options import OptionTexts
from tui.running import Running
from tui.screens.run_pick import PickRunDialog, Selection
from tui.screens.run_screen import RunScreen
from tui.widgets.hint_line import HintLine
from tui.widgets.request_tree import rows_of
from tui.widgets.response_pages import duration
from tui.widgets.response_view import ResponseView
from tui.widgets.run_bar import RunBar
from tui.widgets.run_plan import RunPlan, WhatRuns
from tui.widgets.run_table import RunTable

if TYPE_CHECKING:
    from core.reading.rows import Document
    from core.session import Session
    from core.workspace.workspace import WorkspaceKey

LOOK_S = 0.25
"""How often what a run said is shown: a list that scrolls costs bytes."""

_READ_AT_ONCE = 200
"""Files that are read before what runs is chosen, for their names and methods: some tens of milliseconds."""


@dataclass
class Sitting:
    """What was chosen for a workspace, until the app ends."""

    selection: Selection = field(default_factory=Selection)
    texts: OptionTexts = field(default_factory=OptionTexts)


class RunnerScreen(RunScreen):
    """The selection and options above, the table of what ran below, and the answer of one line of it."""

    MODE = "runner"
    AUTO_FOCUS = "#results"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (76, "-middle"), (130, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (32, "-high")]
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.RUNNER)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._workspace = session.workspace
        self._sittings: dict[WorkspaceKey, Sitting] = {}
        self._report_path = "report.html"
        self._at_checks = False
        """The answer shown last was opened on its checks."""
        self._built = False
        """All parts are there."""
        self._seen: tuple[Running | None, int] = (None, 0)
        """What the table shows: of which run, and how many."""
        self._keys_for: tuple[bool, ...] = ()

    def compose_body(self) -> ComposeResult:
        with Vertical(id="runner"):
            yield RunPlan(self.offered_files)
            yield RunBar(id="progress")
            with Vertical(id="lower"):
                yield RunTable(self.session.redact, id="results")
                yield ResponseView(copy=self.copy, page=self.page, id="exchange")
        yield HintLine(id="hint")

    def on_mount(self) -> None:
        self._plan = self.query_one(RunPlan)
        self._bar = self.query_one(RunBar)
        self._table = self.query_one(RunTable)
        self._response = self.query_one(ResponseView)
        self._hint = self.query_one(HintLine)
        self._clock = self.set_interval(LOOK_S, self.look, pause=True)
        self._built = True
        self._show_sitting()

    # What is chosen

    @property
    def _sitting(self) -> Sitting:
        return self._sittings.setdefault(self.session.key, Sitting())

    def session_resumed(self) -> None:
        if not self._built:
            return
        if self.session.workspace is not self._workspace:
            self._workspace = self.session.workspace
            self.stop()
            self.latest = None
            self.ran = RunLog(self.session.redact)
            self._show_sitting()
        self._say_selection()
        self.look()

    def mode_entered(self) -> None:
        self.session_resumed()

    def select(self, reference: str) -> None:
        """Run this request or folder next; empty for all of the workspace."""
        self._sitting.selection = Selection((reference,) if reference else ())
        if self._built:
            self._say_selection()
            self._table.focus()

    def _show_sitting(self) -> None:
        self._close()
        self._plan.texts = self._sitting.texts
        self._table.show(self.ran.lines, empty="")
        self._say_selection()
        self.look()

    @property
    def texts(self) -> OptionTexts:
        return self._plan.texts

    @property
    def references(self) -> Sequence[str]:
        """What is selected, as it is on the disk now. Raises FileError."""
        workspace = self.session.workspace
        return workspace.requests(self._sitting.selection.selectors) if workspace is not None else ()

    def _say_selection(self) -> None:
        selection = self._sitting.selection
        try:
            count = len(self.references)
        except FileError as error:
            self._plan.what.say(f"! {error.message}: s chooses something else")
            return
        requests = f"{count:,} request{'' if count == 1 else 's'}"
        chosen = selection.selectors
        if not chosen:
            text = f"the whole workspace, {requests}"
        elif len(chosen) == 1:
            text = chosen[0] if chosen == tuple(self.references) else f"{chosen[0]}/, {requests}"
        else:
            order = "in the order picked" if selection.arranged else "in the order of the tree"
            text = f"{requests} {order}: {', '.join(chosen[:20])}"
        self._plan.what.say(text)
        self._table.say_empty(
            f"ctrl+r runs {requests}, s chooses others.\n\n"
            "Each line is a request that ended: enter reads its answer, o opens the request, r runs again what did "
            "not pass. Escape stops a run."
        )

    @on(RunPlan.Edited)
    def _edited(self) -> None:
        self._sitting.texts = self._plan.texts
        self._say()

    @on(RunPlan.Left)
    def _left_plan(self) -> None:
        self._table.focus()

    @on(WhatRuns.Asked)
    def action_pick(self) -> None:
        self.run(self._pick)

    async def _pick(self) -> None:
        workspace = self.session.workspace
        if workspace is None:
            return
        try:
            picked = self.references
        except FileError:
            picked = ()
        workspace.index(_READ_AT_ONCE)
        rows = rows_of(workspace.tree())
        dialog = PickRunDialog(self.session, rows, picked, arranged=self._sitting.selection.arranged)
        chosen = await self.ask(dialog)
        if chosen is not None:
            self._sitting.selection = chosen
            self._say_selection()

    def action_all(self) -> None:
        self.select("")

    def action_options(self) -> None:
        self._plan.focus_field("data")

    # What is seen

    def checking(self) -> None:
        self._bar.say(0, 0, [("checking the files and templates…", "")])

    def began(self, running: Running) -> None:
        self._close()
        if not running.again:
            numbered = len(running.plan.whole.iterations) > 1
            self._table.show(self.ran.lines, empty="the first request is under way", numbered=numbered)
        self._table.focus()
        self._clock.resume()

    def wrong(self, field: str) -> None:
        self._plan.focus_field(field)
        self._say()

    def not_begun(self, error: HushpostError) -> None:
        """At length; what is listed stays."""
        self._close()
        self.set_class(True, "-open")
        self._response.fail(ErrorInfo(error.kind, self.session.redact(str(error)), self.hint_of(error)))

    def look(self) -> None:
        running = self.latest
        if not self._built:
            return
        goes_on = running is not None and not running.ended
        if running is not None and goes_on:
            self.hushpost.tell_run(f"run {running.done:,}/{running.total:,}")
        elif not self.under_way:
            self._clock.pause()
        if self.is_active or not goes_on:
            seen = (running, running.done if running is not None else 0)
            if running is not None and seen != self._seen:
                self._table.look()
            self._seen = seen
            self._say_progress(running)
            self._tell_keys()

    def _tell_keys(self) -> None:
        """Let the footer look again, which costs some milliseconds, only where it may find something else."""
        line = self._table.current
        keys_for = (self.under_way, line is None, line is not None and self._cause(line) is not None, bool(self._again))
        if keys_for != self._keys_for:
            self._keys_for = keys_for
            self.refresh_bindings()

    @property
    def _again(self) -> int:
        """How many did not pass."""
        return self.ran.counts.total() - self.ran.counts["passed"]

    def _say_progress(self, running: Running | None) -> None:
        if running is None:
            self._bar.say(0, 0, [("not run yet", "muted")])
            return
        done = f"{running.done:,}/{running.total:,}"
        words = [(f"again {done}" if running.again else done, "strong"), *tally(self.ran.counts)]
        words.append((_time(running.seconds), "muted"))
        if not running.ended:
            now = f"esc stops  {running.now}"
        elif running.interrupted:
            now = "stopped: what is listed ran"
        elif running.done < running.total:
            now = "bailed out at the first that did not pass"
        else:
            now = "ended"
        if self.ran.unlisted:
            now += f", {self.ran.unlisted:,} that passed have no line"
        self._bar.say(running.done, running.total, words, now)

    @on(RunTable.Moved)
    def _moved(self) -> None:
        self._say()
        self._tell_keys()

    def _say(self) -> None:
        """What the line below says: what is wrong with an option, else of the line under the cursor all there is."""
        problems = self._plan.texts.problems()
        line = self._table.current
        if problems:
            field, problem = next(iter(problems.items()))
            text = f"! {field} {problem}"
        elif line is None:
            text = "tab goes to the options above, s chooses what runs"
        else:
            redact = self.session.redact
            where = redact(line.reference) + (f" #{line.iteration}" if line.iteration > 1 else "")
            parts = [where, redact(line.why) if line.why else redact(line.url)]
            if self._cause(line) is not None:
                parts.insert(0, "c mends it")
            elif hint := self._hint_of(line):
                parts.append(hint)
            if line.status is not None and not self.ran.has_body(line):
                parts.append("body no longer kept" if self.ran.exchange(line) else "answer no longer kept")
            text = "  ·  ".join(parts)
        self._hint.rest(text)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self._built:
            return True
        line = self._table.current
        here = self._table.has_focus
        match action:
            case "back":
                return self.has_class("-open") or not here or self.under_way
            case "run":
                return not self.under_way
            case "request":
                return line is not None and (here or self.has_class("-open"))
            case "cure":
                return line is not None and here and not self.under_way and self._cause(line) is not None
            case "again":
                return here and not self.under_way and self._again > 0
            case "report":
                return here and not self.under_way and bool(self.ran.lines)
            case "failures":
                return here and bool(self.ran.lines)
            case "pick" | "options" | "all":
                return here
        return True

    # What the keys do

    def action_back(self) -> None:
        """One step at a time: the answer closed, back to the table, the run stopped."""
        if self.has_class("-open"):
            self._close()
            self._table.focus()
        elif not self._table.has_focus:
            self._table.focus()
        elif self.under_way:
            self.stop()

    def _close(self) -> None:
        if self.has_class("-open"):
            self.set_class(False, "-open")
            self._response.clear()

    def action_failures(self) -> None:
        self._table.filter(not self._table.failures_only)

    @on(RunTable.Chosen)
    def _chosen(self) -> None:
        line = self._table.current
        if line is None:
            return
        self.set_class(True, "-open")
        exchange = self.ran.exchange(line)
        if exchange is not None:
            failed = not all(check.passed for check in line.checks)
            tab = "checks" if failed else "body" if self._at_checks else ""
            self._at_checks = failed
            self._response.show(exchange, self.session.redactor, tab=tab)
        elif line.error is not None:
            self._response.fail(line.error, self._hint_of(line))
        else:
            self._response.fail(
                HushpostError("the answer is no longer kept here", hint="the history (f6) may have it still")
            )
        self._response.query_one("TextView").focus()

    def action_request(self) -> None:
        line = self._table.current
        if line is not None:
            from tui.screens.history_requests import open_file

            self.run(lambda: open_file(self, line.reference))

    def _failure(self, line: Line) -> HushpostError | None:
        """The error of a line as it was raised."""
        error = self.latest.failures.get(line.reference) if self.latest is not None else None
        return error if line.error is not None and error is not None and error.kind == line.error.kind else None

    def _cause(self, line: Line) -> HushpostError | None:
        """The same, where the app has a cure for it."""
        error = self._failure(line)
        return error if isinstance(error, CURABLE) else None

    def _hint_of(self, line: Line) -> str:
        error = self._failure(line)
        return self.hint_of(error) if error is not None else self.session.redact(line.cure)

    def action_cure(self) -> None:
        line = self._table.current
        error = self._cause(line) if line is not None else None
        if error is not None:
            self.run(lambda: cured(self, error), self._mended, cures=False)

    def _mended(self, mended: bool) -> None:
        if mended:
            self.action_again()

    def needs(self, error: HostNotAllowed) -> Sequence[Need]:
        return [Need(error.credential, what) for what in error.missing]

    def action_report(self) -> None:
        if self.ran.lines and not self.under_way:
            self.run(self._report)

    async def _report(self) -> None:
        from tui.screens.run_report import report

        running = self.latest
        if running is not None:
            ended = RunFinished(running.seconds * 1000, interrupted=running.interrupted)
            self._report_path = await report(self, self.ran, ended, self._report_path) or self._report_path

    # What the widgets are given

    async def copy(self, text: str) -> str:
        from tui.terminal.clipboard import copy

        return await copy(self.app, self.session, self.session.redact(text))

    def page(self, document: Document) -> None:
        from tui.terminal.pager import show_in_pager

        command = self.session.settings.pager or self.session.surroundings.pager or ""
        show_in_pager(self.app, command, document, self.session.redactor)


def _time(seconds: float) -> str:
    if seconds < 1:
        return duration(seconds * 1000)
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
