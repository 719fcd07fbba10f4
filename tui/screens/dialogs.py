"""The plain questions: yes or no, a line of text, several lines of text, one of a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static

from tui import keys
from tui.foreign import foreign, visible
from tui.screens.base import SessionDialog
from tui.widgets.footer import KeyFooter
from tui.widgets.line_input import LineInput
from tui.widgets.names import Words
from tui.widgets.pick_list import Pick, PickList, matching
from tui.widgets.template_input import TemplateInput

if TYPE_CHECKING:
    from textual import events

    from core.session import Session


FEW = 8
"""Rows of a list that needs no field to narrow it."""


class ConfirmDialog(SessionDialog[bool]):
    """A question with two answers; the one that changes nothing has the focus when `danger` is set."""

    # Not the first button for a moment, which a key typed just then would press.
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.CONFIRM), *keys.bindings(keys.DIALOG)]

    def __init__(
        self,
        session: Session,
        title: str,
        question: str,
        *,
        yes: str = "Yes",
        no: str = "Cancel",
        danger: bool = False,
        unasked: bool = False,
        again: str = "",
    ) -> None:
        """`unasked` is a question that may come up while something else is typed: no letter says yes to it.
        `again` are keys that say yes: the same one that asked."""
        super().__init__(session)
        if again:
            self._bindings.bind(again, "yes", show=False)
        self._title = title
        self._question = question
        self._yes = yes
        self._no = no
        self._danger = danger
        self._unasked = unasked

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = foreign(self._title)
            yield Static(foreign(self._question, lines=True), classes="dialog-text")
            with Horizontal(classes="dialog-buttons"):
                yield DialogButton(self._yes, id="yes", danger=self._danger)
                yield DialogButton(self._no, id="no")
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one("#no" if self._danger else "#yes", DialogButton).focus()

    @on(Button.Pressed)
    def _answered(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "yes")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not (action == "yes" and self._unasked)

    def action_yes(self) -> None:
        self.dismiss(True)

    def action_cancel(self) -> None:
        self.dismiss(False)


class DialogButton(Button):
    """A button of one line; arrows go to its neighbours, and the focused one is marked without colour too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.plain("left,up", "app.focus_previous"),
        *keys.plain("right,down", "app.focus_next"),
    ]

    def __init__(self, label: str, *, id: str | None = None, danger: bool = False) -> None:
        super().__init__(visible(label), id=id, compact=True, classes="danger" if danger else "")

    def render(self) -> str:
        return f"▸{self.label}◂" if self.has_focus else f" {self.label} "


class AskTextDialog(SessionDialog[str]):
    """One line of text; `problem` says what is wrong with it, in a sentence, or None."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.DIALOG)

    def __init__(
        self,
        session: Session,
        title: str,
        label: str,
        value: str = "",
        *,
        placeholder: str = "",
        problem: Callable[[str], str | None] | None = None,
        empty_allowed: bool = False,
        yes: str = "OK",
        text: str = "",
        words: Words | None = None,
    ) -> None:
        """`words` are offered as one types."""
        super().__init__(session)
        self._words = words
        self._title = title
        self._label = label
        self._value = value
        self._placeholder = placeholder
        self._problem = problem
        self._empty_allowed = empty_allowed
        self._yes = yes
        self._text = text

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = foreign(self._title)
            if self._text:
                yield Static(foreign(self._text, lines=True), classes="dialog-text")
            yield Static(foreign(self._label), classes="dialog-label")
            if self._words is None:
                yield LineInput(self._value, placeholder=self._placeholder, id="answer")
            else:
                answer = TemplateInput(self._value, placeholder=self._placeholder, id="answer")
                answer.offer(self._words)
                yield answer
            yield Static("", id="problem", classes="dialog-problem")
            with Horizontal(classes="dialog-buttons"):
                yield DialogButton(self._yes, id="yes")
                yield DialogButton("Cancel", id="no")
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one("#answer", LineInput).focus()

    @on(Input.Submitted)
    def _take(self, event: Input.Submitted | None = None) -> None:
        text = self.query_one("#answer", LineInput).value.strip()
        problem = None
        if not text and not self._empty_allowed:
            problem = "a text is needed here"
        elif self._problem is not None:
            problem = self._problem(text)
        if problem is None:
            self.dismiss(text)
        else:
            self.query_one("#problem", Static).update(foreign(f"! {problem}"))
            self.query_one("#answer", LineInput).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "yes":
            self._take()
        else:
            self.dismiss(None)


class AskSeveralDialog(SessionDialog[dict[str, str]]):
    """One line of text for each question, such as what `{{?…}}` asks when a request is sent."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.DIALOG)

    def __init__(self, session: Session, title: str, questions: Sequence[str], *, yes: str = "Send") -> None:
        super().__init__(session)
        self._title = title
        self._questions = tuple(questions)
        self._yes = yes

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = foreign(self._title)
            for question in self._questions:
                yield Static(foreign(question), classes="dialog-label")
                yield LineInput(classes="answer")
            with Horizontal(classes="dialog-buttons"):
                yield DialogButton(self._yes, id="yes")
                yield DialogButton("Cancel", id="no")
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query(LineInput).first().focus()

    def _answers(self) -> dict[str, str]:
        inputs = self.query(LineInput).results(LineInput)
        return dict(zip(self._questions, (one.value for one in inputs), strict=True))

    @on(Input.Submitted)
    def _next(self, event: Input.Submitted) -> None:
        if event.input is self.query(LineInput).last():
            self.dismiss(self._answers())
        else:
            self.focus_next(LineInput)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(self._answers() if event.button.id == "yes" else None)


class _Filter(LineInput):
    """Home and end are of the list while nothing is typed."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self.value) or action not in ("home", "end")


class PickDialog(SessionDialog[str]):
    """One of a list, narrowed by typing; returns the picked row's key."""

    PLACEHOLDER: ClassVar[str] = "type to narrow the list, enter picks"

    SEARCHES: ClassVar[bool] = False
    """Typing is the point of it, however few the rows are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.bindings(keys.DIALOG),
        *keys.plain("up", "list('move', -1)"),
        *keys.plain("down", "list('move', 1)"),
        *keys.plain("pageup", "list('page', -1)"),
        *keys.plain("pagedown", "list('page', 1)"),
        *keys.plain("home", "list('edge', 0)"),
        *keys.plain("end", "list('edge', 1)"),
    ]

    def __init__(
        self,
        session: Session,
        title: str,
        picks: Sequence[Pick],
        *,
        current: str | None = None,
        empty: str = "nothing matches",
        text: str = "",
    ) -> None:
        super().__init__(session)
        self._title = title
        self._picks = picks
        self._current = current
        self._empty = empty
        self._text = text

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog picker") as box:
            box.border_title = foreign(self._title)
            if self._text:
                yield Static(foreign(self._text, lines=True), classes="dialog-text")
            few = len(self._picks) <= FEW and not self.SEARCHES
            yield _Filter(placeholder=self.PLACEHOLDER, id="filter", classes="-few" if few else "")
            yield PickList(self._picks, id="picks", empty=self._empty, active=True)
        yield KeyFooter()

    def on_mount(self) -> None:
        rows = self.query_one("#picks", PickList)
        rows.can_focus = False
        # The height follows the number of rows once; narrowing the list lays nothing out.
        rows.styles.height = max(1, min(len(self._picks), 16, self.app.size.height - 8 - 2 * bool(self._text)))
        if self._current is not None:
            rows.select(self._current)
        self.query_one("#filter", LineInput).focus()

    def on_resize(self, event: events.Resize) -> None:
        rows = self.query_one("#picks", PickList)
        rows.styles.height = max(1, min(len(self._picks), 16, event.size.height - 8 - 2 * bool(self._text)))

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        event.stop()
        if event.value:
            # A short list is read at a glance, and says of itself only what is typed.
            event.input.remove_class("-few")
        rows = self.query_one("#picks", PickList)
        rows.mark_words(event.value.split())
        rows.choices = self.matching(event.value)
        rows.action_edge(0)

    def matching(self, typed: str) -> Sequence[Pick]:
        return matching(self._picks, typed)

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#picks", PickList).action_pick()

    @on(PickList.Picked)
    def _picked(self, event: PickList.Picked) -> None:
        event.stop()
        self.dismiss(event.choice.key)

    def action_list(self, what: str, by: int) -> None:
        rows = self.query_one("#picks", PickList)
        {"move": rows.action_go, "page": rows.action_page, "edge": rows.action_edge}[what](by)
