"""Jump mode: a letter over each part of the screen that can have the focus; pressing it goes there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase
from typing import Any, ClassVar

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import Offset, Size
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from tui import keys
from tui.screens.base import SessionDialog, SessionScreen
from tui.themes import paint
from tui.widgets.header import MODES
from tui.widgets.tab_line import TabLine

_LETTERS = ascii_lowercase + ascii_uppercase


@dataclass(frozen=True)
class Target:
    """A place to go: what it is called, the cell of its letter, and how one gets there."""

    name: str
    at: Offset
    go: Callable[[], object]


def targets(screen: Screen[Any]) -> list[Target]:
    """All that is seen now: the panes first, then the tabs, then what is inside of one, so that each keeps its letter
    whichever tab is open."""
    panes: list[Target] = []
    tabs: list[Target] = []
    inside: list[Target] = []
    for widget in screen.focus_chain:
        if not _seen(screen, widget):
            continue
        if isinstance(widget, TabLine) and widget.pages:
            at = widget.region.offset
            tabs += [Target(label, at + Offset(x, 0), go) for label, x, go in widget.places()]
            continue
        target = Target(_name(widget), widget.region.offset, widget.focus)
        (inside if any(one.has_class("tab") for one in widget.ancestors) else panes).append(target)
    return panes + tabs + inside


def _seen(screen: Screen[Any], widget: Widget) -> bool:
    return bool(widget.region) and screen.find_widget(widget).visible_region.contains_point(widget.region.offset)


def _name(widget: Widget) -> str:
    return next((node.id for node in widget.ancestors_with_self if node.id), "")


def lettered(targets: Iterable[Target]) -> dict[str, Target]:
    """Each with the first letter of its name that is free, else with the first that is."""
    found: dict[str, Target] = {}
    for target in targets:
        letters = (letter for letter in (*target.name.lower(), *_LETTERS) if letter in _LETTERS and letter not in found)
        if (letter := next(letters, None)) is not None:
            found[letter] = target
    return found


class JumpLabel(Widget, can_focus=False):
    """A letter in brackets, which no theme and no terminal without colours hides."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "JumpLabel { position: absolute; width: 3; height: 1; }"

    def __init__(self, letter: str, at: Offset) -> None:
        super().__init__()
        self._letter = letter
        self.styles.offset = (at.x, at.y)

    def render_line(self, y: int) -> Strip:
        return Strip([Segment(f"[{self._letter}]", self.rich_style + paint(self.app).cursor)])


class JumpScreen(SessionDialog[Callable[[], object]]):
    """Dismissed with the way to where the person wants to be."""

    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    JumpScreen { align: left top; }
    JumpScreen > Static { dock: bottom; height: 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis; }
    """
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.JUMP)

    def __init__(self, of: SessionScreen[Any]) -> None:
        super().__init__(of.session)
        self._of = of
        self._size = of.size
        self._targets = lettered(targets(of))

    @property
    def offered(self) -> Sequence[tuple[str, str]]:
        """Letter and name of each."""
        return [(letter, target.name) for letter, target in self._targets.items()]

    def compose(self) -> ComposeResult:
        for letter, target in self._targets.items():
            yield JumpLabel(letter, target.at)
        yield Static(" Press the letter of the part to go to, or the digit of a mode; esc stays here", markup=False)

    def on_resize(self, event: events.Resize) -> None:
        # The letters would stand where their parts were.
        if event.size != self._size and self._size != Size(0, 0):
            self.dismiss(None)

    def on_key(self, event: events.Key) -> None:
        if event.key in keys.given("app.jump", self.session.settings.keys):
            event.stop()
            self.dismiss(None)
            return
        character = event.character or ""
        target = self._targets.get(character)
        if target is not None:
            event.stop()
            self.dismiss(target.go)
            return
        mode = next((mode for mode, key, *_ in MODES if key == character), None)
        if mode is not None:
            event.stop()
            self.dismiss(lambda: self.app.call_later(self.hushpost.action_mode, mode))
        elif event.key != "escape" and not event.is_printable:
            # A key that is no letter was meant for the screen below.
            event.stop()
            self.dismiss(lambda: self.app.call_later(self.app.simulate_key, event.key))
