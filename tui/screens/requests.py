"""The requests mode: the tree and its files around the open request; opening and saving."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.widgets import Static

from core.errors import FileError, HushpostError
from core.workspace import unsaved
from core.workspace.tree import folder_file
from core.workspace.workspace import Workspace
from tui import keys
from tui.disk_watch import LOOK_AGAIN_S, DiskWatch
from tui.open_requests import OpenRequests, RequestOrFolder, called, in_tree
from tui.screens.pane_sizes import PaneSizes
from tui.screens.panes import PanedScreen
from tui.widgets.hint_line import HintLine
from tui.widgets.request_editor import RequestEditor
from tui.widgets.request_tree import RequestTree, rows_of
from tui.widgets.response_view import ResponseView
from tui.widgets.url_bar import MethodField, UrlBar

if TYPE_CHECKING:
    from core.models import Folder
    from core.session import Session
    from core.workspace.steps import Change

_FEW = 12
"""Rows of a tree that are seen at once in any terminal."""
_INDEXED_AT_ONCE = 15
"""Files that are read between two keys: a few milliseconds."""


class RequestsScreen(PanedScreen):
    """One request is open at a time; edits of the others stay until they are saved, so switching loses nothing."""

    MODE = "requests"
    AUTO_FOCUS = "#tree"
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.REQUESTS)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._aside: dict[int, Mapping[str, RequestOrFolder]] = {}
        """Unsaved edits of what a change took away, by its step."""
        self._disk = DiskWatch()

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="requests"):
            yield RequestTree(id="tree")
            with Vertical(id="work"):
                yield Static("", id="nothing", markup=False)
                yield UrlBar(self.names, id="bar")
                with Container(id="panes"):
                    yield RequestEditor(self.names, self.described, id="editor")
                    yield ResponseView(copy=self.copy, page=self.page, jar=self.action_cookies, id="response")
        yield HintLine(id="hint")

    def on_mount(self) -> None:
        self._tree = self.query_one(RequestTree)
        self.bar = self.query_one(UrlBar)
        self.editor = self.query_one(RequestEditor)
        self.response = self.query_one(ResponseView)
        self.response.makes_checks = True
        self.hint = self.query_one(HintLine)
        self.panes = self.query_one("#panes", Container)
        self._show_open()
        self.session_resumed()
        self.set_interval(LOOK_AGAIN_S, self._look_at_disk)

    # The session and the files may have changed

    def session_resumed(self) -> None:
        if not self.is_mounted:
            return
        workspace = self.session.workspace
        if workspace is not self.opened.workspace:
            self._remember_shown()
            self.opened = OpenRequests(workspace)
            steps = self.session.registry.panes(workspace.key) if workspace is not None else ()
            self._sizes = PaneSizes.of(steps)
            self._lay_out()
            self._aside.clear()
            self.reference = ""
            self._show_open()
            self.show_tree(expand=True)
            self._take_back_unsaved()
            self._show_again()
        self.forget_names()
        self._disk.open_shown(self.opened, self.reference, self.session.environment)
        if self.reference and self.opened.changed_on_disk(self.reference):
            self.finish()
            if self.reference not in self.edited:
                self._reread()
        if editor := self.shown_editor:
            editor.inherit(self.inherited())
            if not editor.edits_a_variable:
                self.variables_changed()

    def _remember_shown(self) -> None:
        if self.opened.workspace is not None:
            with suppress(HushpostError):
                self.session.registry.set_shown(self.opened.workspace.key, self.reference)

    def _show_again(self) -> None:
        """Show what was open when the workspace was left, if its file can still be read."""
        workspace = self.opened.workspace
        reference = self.session.registry.shown(workspace.key) if workspace is not None else ""
        if not reference or self.opened.is_gone(reference):
            return
        with suppress(HushpostError):
            self.opened.load(reference)
            self._show(reference)

    def on_unmount(self) -> None:
        self._remember_shown()

    def _look_at_disk(self) -> None:
        """Show what another program changed; unsaved edits stay, and the line below tells that their file did not."""
        workspace = self.session.workspace
        if not self.is_active or workspace is None or workspace is not self.opened.workspace:
            return
        if self._disk.tree_changed():
            self.show_tree()
        if self._disk.open_changed(self.opened, self.reference, self.session.environment):
            self.session_resumed()
            self.mark()

    def keep_unsaved(self) -> None:
        self.finish()
        edits = {one: edit for one in self.edited if (edit := self.opened.document(one))}
        if self.opened.workspace is not None and edits:
            unsaved.keep(self.session.paths, self.opened.workspace.key, edits, self.session.redactor)

    def _take_back_unsaved(self) -> None:
        workspace = self.opened.workspace
        edits = unsaved.take_back(self.session.paths, workspace.key) if workspace is not None else {}
        for reference, edit in edits.items():
            with suppress(FileError):
                self.opened.load(reference)
            self.opened.edit(reference, edit)
        if self.edited:
            names = ", ".join(map(called, self.edited))
            self.tell(f"the app was ended with unsaved edits, they are back: {names}", warning=True)
            self.mark()

    def mode_entered(self) -> None:
        self.session_resumed()
        self.show_tree()

    def show_tree(self, select: str | None = None, *, expand: bool = False) -> None:
        """Look at the files again; labels and methods that are not known yet follow in steps between the keys.

        `expand` opens the folders that were open last; in a small workspace that is new here, all of the first level.
        """
        workspace = self.session.workspace
        if workspace is None:
            self._tree.set_rows([])
            return
        nodes = self.attempt(workspace.tree) or ()
        self._disk.tree_shown(workspace)
        expanded = self.session.registry.expanded(workspace.key) if expand else None
        if expand and not expanded and len(nodes) <= _FEW:
            expanded = frozenset(node.ref for node in nodes if node.kind == "folder")
        self._tree.set_rows(rows_of(nodes), expanded)
        if select is not None:
            self._tree.select(select)
        self.mark()
        if not workspace.index(0):
            self._index_some(workspace)

    def _index_some(self, workspace: Workspace) -> None:
        if workspace is not self.session.workspace:
            return
        if workspace.index(_INDEXED_AT_ONCE):
            self._tree.set_rows(rows_of(self.attempt(workspace.tree) or ()))
            self.mark()
        else:
            self.set_timer(0.01, lambda: self._index_some(workspace))

    @property
    def _files(self) -> ModuleType:
        """The flows with dialogs, imported at the first one."""
        from tui.screens import request_files

        return request_files

    # Opening

    @property
    def edited(self) -> Sequence[str]:
        """References with unsaved edits."""
        return self.opened.edited

    def open_request(self, reference: str) -> None:
        """Show a request, or a folder's own file, as edited if it has unsaved edits."""
        self.finish()
        self._show(reference)

    def open_folder(self, folder: str) -> None:
        """Show what the requests in a folder inherit; the empty one is the folder of them all."""
        self.open_request(folder_file(folder))
        if self.folder is not None and self.folder_editor is not None:
            self.unzoom()
            # Asked of itself: it may not have its tabs yet.
            self.folder_editor.call_after_refresh(self.folder_editor.show_tab, self.folder_editor.tab, enter=True)

    def _show(self, reference: str) -> None:
        try:
            self.opened.load(reference)
        except FileError:
            self._mend(reference)
            return
        self.reference = reference
        self._names = None
        self._show_open()
        self._tree.select(in_tree(reference))

    def _mend(self, reference: str) -> None:
        """Offer to mend the file of a request that cannot be opened, and open it then."""

        async def load() -> None:
            self.opened.load(reference)

        def mended(_: None) -> None:
            self.show_tree()
            self._show(reference)

        self.run(load, mended, failed=self.show_unmended)

    def _reread(self) -> None:
        """The open request's file is another one now."""
        if self.opened.is_gone(self.reference):
            self.opened.forget(self.reference)
            self._close_if_gone()
        else:
            self._show(self.reference)

    def _show_open(self) -> None:
        self._disk.open_shown(self.opened, self.reference, self.session.environment)
        request, folder = self.request, self.folder
        for widget in (self.bar, self.panes):
            widget.display = request is not None
        nothing = self.query_one("#nothing", Static)
        nothing.display = request is None and folder is None
        if self.folder_editor is not None:
            self.folder_editor.display = folder is not None
        if request is not None:
            self.bar.show(request.method, request.url)
            self.editor.show(request, self.reference, self.inherited())
            self.answer(self.opened.answers.get(self.reference))
        elif folder is not None:
            self._show_folder(folder)
        else:
            nothing.update(
                "Pick a request in the tree and press enter, or press n there to make one.\n\n"
                "f1 lists the keys of this screen, ctrl+p every action."
            )
        self.mark()

    def _show_folder(self, folder: Folder) -> None:
        if self.folder_editor is None:
            from tui.widgets.folder_editor import FolderEditor

            self.folder_editor = FolderEditor(self.names, self.described, id="folder")
            self.query_one("#work").mount(self.folder_editor)
        self.folder_editor.show(folder, f"requests/{self.reference}.toml", self.inherited())

    # Edits

    def mark(self) -> None:
        self._tree.marked(in_tree(self.reference), {in_tree(one) for one in self.edited})
        name = self.reference if self.request is not None else called(self.reference)
        if not self.reference:
            self.hint.rest("")
        elif self.reference in self.edited and self.reference == self._disk.overtaken:
            self.hint.rest(f"{name}  ·  unsaved edits, its file was changed meanwhile: f9 asks")
        elif self.reference in self.edited:
            self.hint.rest(f"{name}  ·  unsaved edits, f9 saves them")
        else:
            self.hint.rest(name)

    @on(MethodField.Asked)
    def _method_asked(self) -> None:
        self.run(lambda: self._files.choose_method(self, self.bar))

    @on(RequestTree.Opened)
    def _opened(self, event: RequestTree.Opened) -> None:
        self.open_request(event.reference)
        if self.reference == event.reference:
            self.bar.url.focus()

    @on(RequestTree.Toggled)
    def _toggled(self, event: RequestTree.Toggled) -> None:
        workspace = self.session.workspace
        if workspace is not None:
            self.attempt(lambda: self.session.registry.set_expanded(workspace.key, event.expanded))

    @on(RequestTree.Asked)
    def _asked(self, event: RequestTree.Asked) -> None:
        row = event.row
        if event.what == "run":
            self.run(lambda: self._run_selected(row.reference if row is not None else ""))
        elif event.what == "settings":
            self.open_folder("" if row is None else row.reference if row.folder else row.reference.rpartition("/")[0])
        elif event.what == "all_settings":
            self.open_folder("")
        elif row is not None and event.what in ("up", "down"):
            self.run(lambda: self._files.shift(self, row, -1 if event.what == "up" else 1))
        else:
            self.run(lambda: self._files.change(self, event.what, row))

    async def _run_selected(self, reference: str) -> None:
        """Go to the runner with what the cursor is on; nothing is sent yet."""
        await self.hushpost.action_mode("runner")
        select = getattr(self.hushpost.base_screen, "select", None)
        if select is not None:
            select(reference)

    def focus_address(self) -> None:
        self.bar.url.focus()

    def follow(self, change: Change) -> None:
        """Let the tree and what is open of it go along with a change; unsaved edits of what is gone wait for undo."""
        self.finish()
        if change.old is not None and change.new is not None:
            self._moved(change.old, change.new)
        elif change.old is not None:
            self._aside[change.step] = self.opened.set_aside(change.old)
            self._close_if_gone()
        elif change.new is not None:
            edits = self._aside.pop(change.step, {})
            self.attempt(lambda: self.opened.bring_back(change.new or "", edits))
        self.show_tree(select=change.new)

    def _moved(self, old: str, new: str) -> None:
        if old != new:
            self.opened.move(old, new)
            self._tree.moved(old, new)
        for reference in self.opened.at_or_below(new):
            self.attempt(lambda at=reference: self.opened.follow_label(at))  # type: ignore[misc]
        if self.reference == old or self.reference.startswith(f"{old}/"):
            self.reference = new + self.reference[len(old) :]
            self._show(self.reference)

    def _close_if_gone(self) -> None:
        if self.reference and self.opened.document(self.reference) is None:
            self.reference = ""
            self._tree.focus()
            self._show_open()

    # Saving

    def action_save(self) -> None:
        if not self.reference:
            return
        self.finish()
        if self.reference not in self.edited:
            self.tell("nothing to save")
            return
        self.run(lambda: self._files.save(self, self.reference))

    def write(self, reference: str) -> None:
        """Save the edits of one request as they are."""
        self.opened.save(reference)
        self.forget_names()
        self.mark()
        self.show_tree()

    def action_revert(self) -> None:
        if self.reference in self.edited:
            self.run(lambda: self._files.revert(self, self.reference))

    def drop_edits(self, reference: str) -> None:
        self.opened.drop_edits(reference)
        if reference == self.reference:
            self._reread()
        self.mark()

    def leave_workspace_allowed(self, then: Callable[[], object]) -> bool:
        self.finish()
        if not self.edited:
            return True
        self.run(lambda: self._files.ask_unsaved(self, then))
        return False

    def action_cancel(self) -> None:
        if self.is_sending:
            self.cancel_sending()
        elif self._zoomed is not None:
            self.action_zoom()
        elif self.focused is not self._tree:
            self._tree.display = True
            self._tree.focus()
