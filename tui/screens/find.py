"""A request found by typing: over the names, paths, methods and addresses of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.workspace.filenames import safe_stem
from core.workspace.finding import Finder
from core.workspace.tree import TreeNode
from tui.screens.dialogs import PickDialog
from tui.widgets.line_input import LineInput
from tui.widgets.pick_list import Pick, PickList
from tui.widgets.request_tree import short_method

if TYPE_CHECKING:
    from core.session import Session
    from core.workspace.workspace import Workspace

_AT_ONCE = 15
"""Files that are read between two keys: a few milliseconds."""


class FindDialog(PickDialog):
    """Returns the request's reference. What the index does not know yet is read beside the keys."""

    PLACEHOLDER = "words of its name, path, method, address or headers"

    SEARCHES = True

    def __init__(self, session: Session, workspace: Workspace) -> None:
        self._workspace = workspace
        self._look()
        picks = self.matching("")
        empty = "no request has these words" if picks else "no requests yet"
        super().__init__(session, "Find a request", picks, empty=empty)

    def on_mount(self) -> None:
        super().on_mount()
        self._index_some()

    def matching(self, typed: str) -> Sequence[Pick]:
        return [self._picks_of[node.ref] for node in self._finder.find(typed)]

    def _look(self) -> None:
        nodes = [node for top in self._workspace.tree() for node in top.walk() if node.kind != "folder"]
        self._finder = Finder(nodes)
        self._picks_of = {node.ref: _pick(node) for node in nodes}

    def _index_some(self) -> None:
        if self._workspace.index(0):
            return
        if not self._workspace.index(_AT_ONCE):
            self.set_timer(0.01, self._index_some)
            return
        self._look()
        self.query_one("#picks", PickList).choices = self.matching(self.query_one("#filter", LineInput).value)
        self.set_timer(0.01, self._index_some)


def _pick(node: TreeNode) -> Pick:
    mark = "!" if node.kind == "problem" else short_method(node.method)
    plain = node.name.casefold().replace(" ", "-") == node.stem
    named = not plain and safe_stem(node.name, otherwise=node.stem) != node.stem
    return Pick(node.ref, f"{node.ref}  {node.name}" if named else node.ref, node.url, mark=f"{mark:4}")
