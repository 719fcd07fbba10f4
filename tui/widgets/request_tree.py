"""The tree of folders and requests, drawn by the line: it costs what its visible rows cost, however many there are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip

from core.workspace.tree import TreeNode
from tui import keys
from tui.foreign import shortened, visible
from tui.themes import Paint, paint
from tui.widgets.line_view import CursorLines

_WITHOUT_ROW = ("new", "new_folder", "settings", "all_settings", "undo", "redo")
_SHORT = {"DELETE": "DEL", "PATCH": "PTCH", "OPTIONS": "OPT"}


def short_method(method: str) -> str:
    return _SHORT.get(method, method)[:4]


def method_ink(method: str, ink: Paint) -> Style:
    """The same colour for a method wherever it stands for a request."""
    return {"GET": ink.good, "HEAD": ink.good, "OPTIONS": ink.good, "DELETE": ink.bad}.get(method, ink.warning)


@dataclass(frozen=True)
class TreeRow:
    """One folder or request; `reference` is its path below `requests/`, as the command line names it."""

    reference: str
    label: str
    depth: int
    folder: bool = False
    method: str = ""
    problem: str = ""
    """Why its file cannot be read; such a row is shown and not opened."""


def rows_of(nodes: Sequence[TreeNode], depth: int = 0) -> list[TreeRow]:
    """The rows of a workspace's tree."""
    rows: list[TreeRow] = []
    for node in nodes:
        problem = str(node.error.message) if node.error is not None else ""
        folder = node.kind == "folder"
        rows.append(TreeRow(node.ref, node.name or node.stem, depth, folder, node.method, problem))
        rows.extend(rows_of(node.children, depth + 1))
    return rows


class RequestTree(CursorLines):
    """A flat list of rows in tree order; rows below a folder that is not expanded are left out."""

    DEFAULT_CSS = "RequestTree { scrollbar-size-vertical: 1; overflow-x: hidden; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.bindings(keys.TREE),
        *keys.plain("left", "close"),
        *keys.plain("right", "expand"),
    ]

    class Opened(Message):
        """A request was picked."""

        def __init__(self, reference: str) -> None:
            super().__init__()
            self.reference = reference

    class Toggled(Message):
        """A folder was opened or closed; the owner remembers the set."""

        def __init__(self, expanded: frozenset[str]) -> None:
            super().__init__()
            self.expanded = expanded

    class Asked(Message):
        """A key asks for `what` at a row: new, new_folder, settings, all_settings, rename, duplicate, …"""

        def __init__(self, what: str, row: TreeRow | None) -> None:
            super().__init__()
            self.what = what
            self.row = row

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._all: Sequence[TreeRow] = ()
        self._rows: list[TreeRow] = []
        self._expanded: set[str] = set()
        self.open_reference = ""
        self.edited: Collection[str] = ()
        """References with unsaved edits, marked with a star."""

    # What the owner uses

    def set_rows(self, rows: Sequence[TreeRow], expanded: Collection[str] | None = None) -> None:
        """Show other rows; the cursor stays on its reference where that is still there."""
        kept = self.current.reference if self.current else self.open_reference
        self._all = rows
        if expanded is not None:
            self._expanded = set(expanded)
        self._flatten()
        # Where its row is gone, the cursor stays at the row's place.
        nearest = min(self._index, max(0, len(self._rows) - 1)) if expanded is None else 0
        self._index = next((at for at, row in enumerate(self._rows) if row.reference == kept), nearest)
        self._show_cursor()

    @property
    def rows(self) -> Sequence[TreeRow]:
        """All of them, also below closed folders."""
        return self._all

    @property
    def current(self) -> TreeRow | None:
        return self._rows[self._index] if self._index < len(self._rows) else None

    @property
    def count(self) -> int:
        return len(self._rows)

    def clicked(self, again: bool) -> None:
        self.action_pick()

    @property
    def expanded(self) -> frozenset[str]:
        return frozenset(self._expanded)

    def select(self, reference: str) -> None:
        """Put the cursor on a row, opening the folders above it."""
        parts = reference.split("/")
        above = {"/".join(parts[:end]) for end in range(1, len(parts))}
        if not above <= self._expanded:
            self._expanded |= above
            self._flatten()
            self.post_message(self.Toggled(self.expanded))
        at = next((at for at, row in enumerate(self._rows) if row.reference == reference), None)
        if at is not None:
            self._go(at)

    def moved(self, old: str, new: str) -> None:
        """A request or folder has another reference: what is open of it and under the cursor stays so."""

        def now(reference: str) -> str:
            return new + reference[len(old) :] if reference == old or reference.startswith(f"{old}/") else reference

        self._expanded = {now(reference) for reference in self._expanded}
        self.open_reference = now(self.open_reference)
        self.post_message(self.Toggled(self.expanded))

    def marked(self, open_reference: str, edited: Collection[str]) -> None:
        """Which request is open and which have unsaved edits; only the rows concerned are drawn again."""
        concerned = {self.open_reference, open_reference} | (set(self.edited) ^ set(edited))
        self.open_reference, self.edited = open_reference, edited
        for at, row in enumerate(self._rows):
            if row.reference in concerned:
                self.refresh_line(at)

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "ask" and parameters and parameters[0] not in _WITHOUT_ROW:
            return self.current is not None
        return True

    def action_ask(self, what: str) -> None:
        self.post_message(self.Asked(what, self.current))

    def action_pick(self) -> None:
        row = self.current
        if row is None:
            self.action_ask("new")
        elif row.folder:
            self._toggle(row)
        else:
            self.post_message(self.Opened(row.reference))

    def action_expand(self) -> None:
        row = self.current
        if row is not None and row.folder:
            if row.reference in self._expanded:
                self._go(self._index + 1)
            else:
                self._toggle(row)

    def action_close(self) -> None:
        row = self.current
        if row is None:
            return
        if row.folder and row.reference in self._expanded:
            self._toggle(row)
            return
        above = row.reference.rpartition("/")[0]
        at = next((at for at, one in enumerate(self._rows) if one.folder and one.reference == above), None)
        if at is not None:
            self._go(at)

    def _toggle(self, row: TreeRow) -> None:
        self._expanded ^= {row.reference}
        self._flatten()
        self.post_message(self.Toggled(self.expanded))

    def _flatten(self) -> None:
        rows: list[TreeRow] = []
        hidden_below = -1
        for row in self._all:
            if hidden_below >= 0 and row.depth > hidden_below:
                continue
            hidden_below = row.depth if row.folder and row.reference not in self._expanded else -1
            rows.append(row)
        self._rows = rows
        self._index = min(self._index, max(0, len(rows) - 1))
        self.set_line_count(len(rows))

    def render_line(self, y: int) -> Strip:
        base, ink = self.rich_style, paint(self.app)
        width = self.scrollable_content_region.width
        at = int(self.scroll_y) + y
        if not self._rows and y < 2:
            text = (" no requests yet", " n makes one")[y]
            return Strip([Segment(shortened(text, width), base + ink.muted)]).adjust_cell_length(width, base)
        if at >= len(self._rows):
            return Strip.blank(width, base)
        row = self._rows[at]
        here = at == self._index
        lit = here and self.has_focus
        style = base + (ink.cursor if lit else ink.resting) if here else base
        is_open = row.reference == self.open_reference
        mark = "▸" if here else "•" if is_open else " "
        segments = [Segment(mark + " " * row.depth, style)]
        if row.folder:
            arrow = "▾ " if row.reference in self._expanded else "▹ "
            segments += [Segment(arrow, style), Segment(visible(row.label), style if lit else style + ink.heading)]
            if row.problem:
                segments.append(Segment(" !", style if lit else style + ink.bad))
        else:
            if row.problem:
                segments.append(Segment("!    ", style if lit else style + ink.bad))
            else:
                method = f"{short_method(visible(row.method)):4} "
                segments.append(Segment(method, style if lit else style + method_ink(row.method, ink)))
            label = visible(row.label)
            segments.append(Segment(label, style + ink.strong if is_open else style))
        strip = Strip(segments)
        edited = row.reference in self.edited
        # Behind the label, and not at the edge, where it would seem to be the editor's.
        room = width - 3 if edited else width
        if strip.cell_length > room:
            strip = Strip([*strip.crop(0, room - 1), Segment("…", style)])
        if edited:
            strip = Strip([*strip, Segment(" *", style if lit else style + ink.warning)])
        return strip.adjust_cell_length(width, style)
