"""The dialog that chooses what a run sends: folders and requests of the tree, in its order or in the order picked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.strip import Strip
from textual.widgets import Static

from tui import keys
from tui.foreign import fitted, shortened, visible
from tui.screens.base import SessionDialog
from tui.themes import paint
from tui.widgets.footer import KeyFooter
from tui.widgets.line_view import CursorLines
from tui.widgets.request_tree import TreeRow, short_method

if TYPE_CHECKING:
    from core.session import Session


@dataclass(frozen=True)
class Selection:
    """What runs: requests and folders, none of them for all; in the order of the tree unless `arranged`."""

    selectors: tuple[str, ...] = ()
    arranged: bool = False


def selection_of(rows: Sequence[TreeRow], picked: Sequence[str], *, arranged: bool) -> Selection:
    """The shortest way to say it, so that what is added to a folder later runs with it."""
    every = [row.reference for row in rows if not row.folder]
    if arranged:
        return Selection(tuple(picked), arranged=True)
    if set(picked) == set(every):
        return Selection()
    for row in rows:
        if row.folder and set(picked) == {one for one in every if one.startswith(f"{row.reference}/")}:
            return Selection((row.reference,))
    chosen = set(picked)
    return Selection(tuple(one for one in every if one in chosen))


class PickRunDialog(SessionDialog[Selection]):
    """Space takes a request or a folder in or out; the numbers say in which order they run."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.RUN_PICK), *keys.bindings(keys.DIALOG)]

    def __init__(self, session: Session, rows: Sequence[TreeRow], picked: Sequence[str], *, arranged: bool) -> None:
        super().__init__(session)
        self._tree = CheckTree(rows, picked, arranged=arranged)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large run-pick") as box:
            box.border_title = "What runs"
            yield self._tree
            yield Static("", id="said", markup=False)
        yield KeyFooter()

    def on_mount(self) -> None:
        self._tree.focus()
        self._say()

    def _say(self, problem: str = "") -> None:
        count = len(self._tree.picked)
        order = "in the order picked" if self._tree.arranged else "in the order of the tree"
        self.query_one("#said", Static).update(
            problem or f"{count:,} request{'' if count == 1 else 's'}, {order}  ·  enter takes them"
        )

    def action_switch(self) -> None:
        self._tree.toggle()
        self._say()

    def action_all(self) -> None:
        self._tree.toggle_all()
        self._say()

    def action_order(self) -> None:
        self._tree.reorder()
        self._say()

    def action_take(self) -> None:
        tree = self._tree
        if not tree.picked:
            self._say("! nothing is picked: space picks what the cursor is on, a picks all")
            return
        self.dismiss(selection_of(tree.rows, tree.picked, arranged=tree.arranged))


class CheckTree(CursorLines):
    """Every folder and request of the tree, each picked or not."""

    DEFAULT_CSS = "CheckTree { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; background: $surface; }"

    def __init__(self, rows: Sequence[TreeRow], picked: Sequence[str], *, arranged: bool) -> None:
        super().__init__()
        self.rows = rows
        self.arranged = arranged
        self._picked = dict.fromkeys(picked)
        self._index = next(
            (at for at, row in enumerate(rows) if row.reference in self._picked or self._state(row) == "x"), 0
        )

    @property
    def picked(self) -> list[str]:
        """References in the order in which they run."""
        if self.arranged:
            return list(self._picked)
        return [row.reference for row in self.rows if not row.folder and row.reference in self._picked]

    def toggle(self) -> None:
        """Take in, or out, what the cursor is on; a folder with all below it."""
        if not self.rows:
            return
        row = self.rows[self._index]
        below = self._below(row)
        if all(one in self._picked for one in below):
            for one in below:
                del self._picked[one]
        else:
            self._picked.update({one: None for one in below if one not in self._picked})
        self.refresh()
        if not row.folder:
            self._go(self._index + 1)

    def toggle_all(self) -> None:
        every = [row.reference for row in self.rows if not row.folder]
        self._picked = {} if len(self._picked) == len(every) else dict.fromkeys([*self._picked, *every])
        self.refresh()

    def reorder(self) -> None:
        """Between the order of the tree and the order picked."""
        picked = self.picked
        self.arranged = not self.arranged
        self._picked = dict.fromkeys(picked)
        self.refresh()

    def _below(self, row: TreeRow) -> list[str]:
        if not row.folder:
            return [row.reference]
        return [one.reference for one in self.rows if not one.folder and one.reference.startswith(f"{row.reference}/")]

    def _state(self, row: TreeRow) -> str:
        """`x`, `-` for some of a folder's, or nothing."""
        if not row.folder:
            return "x" if row.reference in self._picked else ""
        below = self._below(row)
        there = sum(one in self._picked for one in below)
        return "x" if below and there == len(below) else "-" if there else ""

    @property
    def count(self) -> int:
        return len(self.rows)

    def clicked(self, again: bool) -> None:
        if isinstance(self.screen, PickRunDialog):
            self.screen.action_switch()

    def on_mount(self) -> None:
        self.set_line_count(len(self.rows))

    def render_line(self, y: int) -> Strip:
        base, ink = self.rich_style, paint(self.app)
        width = self.scrollable_content_region.width
        at = int(self.scroll_y) + y
        if at >= len(self.rows):
            text = "  this workspace has no requests yet" if not self.rows and y == 0 else ""
            return Strip([Segment(fitted(text, width), base + ink.muted)])
        row = self.rows[at]
        here = at == self._index
        style = base + ink.cursor if here else base
        # Only the lines that are seen are drawn, so the place is looked up for few.
        place = list(self._picked).index(row.reference) + 1 if self.arranged and row.reference in self._picked else 0
        state = str(place) if place else self._state(row)
        box = f"[{state:^{4 if self.arranged else 1}}] "
        name = row.label if row.folder else f"{short_method(visible(row.method)):4} {row.label}"
        text = f"{'▸' if here else ' '}{'  ' * row.depth}{box}{visible(name)}{'/' if row.folder else ''}"
        ink_of_name = ink.heading if row.folder and not here else style
        return Strip([Segment(shortened(text, width), style + ink_of_name)]).adjust_cell_length(width, style)
