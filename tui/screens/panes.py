"""The panes of the requests mode: how much room each one has, zoomed and hidden ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.widget import Widget

from tui.screens.open_request import RequestScreen
from tui.screens.pane_sizes import PaneSizes
from tui.widgets.request_tree import RequestTree

if TYPE_CHECKING:
    from core.session import Session


class PanedScreen(RequestScreen):
    """Tree, editor and answer; the subclass composes them."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-middle"), (130, "-wide")]

    _tree: RequestTree

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._zoomed: Widget | None = None
        self._tree_shown = True
        """Whether the tree was shown when a pane was zoomed."""
        self._sizes = PaneSizes()

    def action_resize_pane(self, by: int) -> None:
        """Give the focused pane more room, or less; it stays so in this workspace."""
        workspace = self.session.workspace
        inside = self.focused.ancestors_with_self if self.focused is not None else ()
        sizes = self._sizes
        if self._tree in inside:
            self._sizes = sizes.stepped(tree=by)
        else:
            self._sizes = sizes.stepped(split=-by if self.response in inside else by)
        self._lay_out()
        if workspace is not None and sizes != self._sizes:
            self.attempt(lambda: self.session.registry.set_panes(workspace.key, self._sizes.steps))

    def _lay_out(self) -> None:
        """Give the panes their sizes: what the terminal's size gives, and the person's steps from it."""
        width = self.app.size.width
        breakpoints = {name: at for at, name in self.HORIZONTAL_BREAKPOINTS or ()}
        wide, middle = width >= breakpoints["-wide"], width >= breakpoints["-middle"]
        self._tree.styles.width = self._sizes.tree_width(36 if wide else 32 if middle else 22, width)
        along, across = ("width", "height") if wide else ("height", "width")
        self.editor.set_styles(f"{along}: {self._sizes.editor_share(1 if wide else 2)}; {across}: 1fr;")

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self._lay_out()

    def action_toggle_tree(self) -> None:
        self._tree.display = not self._tree.display
        if not self._tree.display and self.focused is self._tree:
            self.bar.url.focus()

    def action_zoom(self) -> None:
        """The focused pane takes the whole room, or gives it back."""
        focused = self.focused
        panes = (self._tree, self.editor, self.response)
        if self._zoomed is not None or focused is None or self.request is None:
            self.unzoom()
            return
        chosen = next((pane for pane in panes if pane in focused.ancestors_with_self), self.editor)
        self._zoomed = chosen
        self._tree_shown = self._tree.display
        for pane in panes:
            pane.display = pane is chosen
        self.bar.display = chosen is self.editor

    def unzoom(self) -> None:
        if self._zoomed is not None:
            self._zoomed = None
            self._tree.display = self._tree_shown
            self.editor.display = self.response.display = True
            self.bar.display = True
