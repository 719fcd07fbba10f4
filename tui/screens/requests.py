"""The requests mode: tree, address and editor, response; sending and saving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar, TypeVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.widgets import Static
from textual.worker import Worker

from core.consent import Need
from core.errors import FileError, HostNotAllowed, HushpostError
from core.exchange import Exchange, Progress
from core.models import InheritAuth, Request
from core.tree import Stamp, TreeNode
from core.workspace import Workspace
from tui import keys
from tui.foreign import visible
from tui.screens.base import SessionScreen
from tui.widgets.hint_line import HintLine
from tui.widgets.names import Names
from tui.widgets.request_editor import RequestEditor
from tui.widgets.request_tree import RequestTree, TreeRow
from tui.widgets.response_view import ResponseView
from tui.widgets.struct_rows import AUTH_TYPES, auth_tag, body_tag
from tui.widgets.template_input import Hint
from tui.widgets.url_bar import MethodField, UrlBar

if TYPE_CHECKING:
    from textual.widget import Widget

    from core.session import Session

T = TypeVar("T")

_FEW = 12
"""Rows of a tree that are seen at once in any terminal."""
_INDEXED_AT_ONCE = 15
"""Files that are read between two keys: a few milliseconds."""


class RequestsScreen(SessionScreen[None]):
    """One request is open at a time; edits of others stay in `_drafts` until saved, so that switching loses nothing."""

    MODE = "requests"
    AUTO_FOCUS = "#tree"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-middle"), (130, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.REQUESTS)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.reference = ""
        """The open request; empty for none."""
        self._saved: dict[str, tuple[Request, Stamp | None]] = {}
        """Requests as on disk when they were opened or saved."""
        self._drafts: dict[str, Request] = {}
        """Requests with unsaved edits."""
        self._exchanges: dict[str, Exchange] = {}
        """The last answer of each request, shown again when it is opened."""
        self._names: Names | None = None
        self._shown_workspace: Workspace | None = None
        self._zoomed: Widget | None = None
        self._sending: Worker[None] | None = None

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="requests"):
            yield RequestTree(id="tree")
            with Vertical(id="work"):
                yield Static("", id="nothing", markup=False)
                yield UrlBar(self.names, id="bar")
                with Container(id="panes"):
                    yield RequestEditor(self.names, id="editor")
                    yield ResponseView(id="response")
        yield HintLine(id="hint")

    def on_mount(self) -> None:
        self._tree = self.query_one(RequestTree)
        self._bar = self.query_one(UrlBar)
        self._editor = self.query_one(RequestEditor)
        self._response = self.query_one(ResponseView)
        self._hint = self.query_one(HintLine)
        self._panes = self.query_one("#panes")
        self._show_open()
        self.session_resumed()

    # The session and the files may have changed

    def session_resumed(self) -> None:
        if not self.is_mounted:
            return
        workspace = self.session.workspace
        if workspace is not self._shown_workspace:
            self._shown_workspace = workspace
            self._saved, self._drafts, self._exchanges = {}, {}, {}
            self.reference = ""
            self._show_open()
            self.show_tree(expand=True)
        self.forget_names()
        if self.reference and self.reference not in self._drafts:
            self._reload_if_changed()

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
        expanded = self.session.registry.expanded(workspace.key) if expand else None
        if expand and not expanded and len(nodes) <= _FEW:
            expanded = frozenset(node.ref for node in nodes if node.kind == "folder")
        self._tree.set_rows(_rows(nodes), expanded)
        if select is not None:
            self._tree.select(select)
        self._mark()
        if not workspace.index(0):
            self._index_some(workspace)

    def _index_some(self, workspace: Workspace) -> None:
        if workspace is not self.session.workspace:
            return
        if workspace.index(_INDEXED_AT_ONCE):
            self._tree.set_rows(_rows(self.attempt(workspace.tree) or ()))
            self._mark()
        else:
            self.set_timer(0.01, lambda: self._index_some(workspace))

    @property
    def references(self) -> Sequence[str]:
        """All requests, as the tree has them."""
        return [row.reference for row in self._tree.rows if not row.folder]

    def names(self) -> Names:
        """What template names mean for the open request; made again after something changed."""
        if self._names is None:
            request = self._drafts.get(self.reference) or self._disk(self.reference)
            scope = self.attempt(lambda: self.session.scope(request or Request(), self.reference))
            self._names = Names.of(scope) if scope is not None else Names()
        return self._names

    def forget_names(self) -> None:
        self._names = None
        self._bar.url.refresh()
        self._editor.names_changed()

    @property
    def _files(self) -> ModuleType:
        """The flows with dialogs, imported at the first one."""
        from tui.screens import request_files

        return request_files

    # Opening

    def _disk(self, reference: str) -> Request | None:
        saved = self._saved.get(reference)
        return saved[0] if saved is not None else None

    @property
    def request(self) -> Request | None:
        """The open request as edited."""
        return self._drafts.get(self.reference) or self._disk(self.reference)

    def open_request(self, reference: str) -> None:
        """Show a request, as edited if it has unsaved edits."""
        workspace = self.session.workspace
        if workspace is None:
            return
        self._finish()
        if reference not in self._drafts:
            try:
                self._saved[reference] = (workspace.load_request(reference), workspace.stamp(reference))
            except FileError as error:
                self.show_error(error)
                return
        self.reference = reference
        self._names = None
        self._show_open()
        self._tree.select(reference)

    def _show_open(self) -> None:
        request = self.request
        for widget in (self._bar, self._panes):
            widget.display = request is not None
        nothing = self.query_one("#nothing", Static)
        nothing.display = request is None
        if request is None:
            nothing.update(
                "Pick a request in the tree and press enter, or press n there to make one.\n\n"
                "f1 lists the keys of this screen, ctrl+p every action."
            )
        else:
            self._bar.show(request.method, request.url)
            self._editor.show(request, self.reference, self._inherited_auth())
            exchange = self._exchanges.get(self.reference)
            if exchange is not None:
                self._response.show(exchange, self.session.redactor)
            else:
                self._response.clear()
        self._mark()

    def _inherited_auth(self) -> str:
        """What `inherit` means for the open request, in a few words."""
        workspace = self.session.workspace
        try:
            folders = workspace.folders_of(self.reference) if workspace is not None else ()
        except FileError:
            return ""
        for reference, folder in folders:
            if not isinstance(folder.auth, InheritAuth):
                label = dict(AUTH_TYPES)[auth_tag(folder.auth)]
                return visible(f'{label}, from folder "{reference or "requests"}"')
        return ""

    def _reload_if_changed(self) -> None:
        workspace, reference = self.session.workspace, self.reference
        if workspace is None or reference not in self._saved:
            return
        if workspace.stamp(reference) is None:
            self._forget(reference)
        elif workspace.stamp(reference) != self._saved[reference][1]:
            self.open_request(reference)

    def _forget(self, reference: str) -> None:
        for kept in (self._saved, self._drafts, self._exchanges):
            kept.pop(reference, None)
        if self.reference == reference:
            self.reference = ""
            self._show_open()

    # Edits

    @property
    def edited(self) -> Sequence[str]:
        """References with unsaved edits."""
        return tuple(self._drafts)

    def _finish(self) -> None:
        """Take everything typed so far, also what no message has told yet."""
        if self.reference:
            method, url = self._bar.finish()
            request = msgspec.structs.replace(self._editor.finish(), method=method, url=url)
            self._editor.take(request)
            self._take(request)

    def _take(self, request: Request) -> None:
        disk = self._disk(self.reference)
        before = self.request
        if request == disk:
            self._drafts.pop(self.reference, None)
        else:
            self._drafts[self.reference] = request
        if before is not None and before.variables != request.variables:
            self.forget_names()
        self._mark()

    def _mark(self) -> None:
        self._tree.marked(self.reference, self.edited)
        if not self.reference:
            self._hint.rest("")
        elif self.reference in self._drafts:
            self._hint.rest(f"{self.reference}  ·  unsaved edits, f9 saves them")
        else:
            self._hint.rest(self.reference)

    @on(UrlBar.Edited)
    def _bar_edited(self, event: UrlBar.Edited) -> None:
        if (event.method, event.url) != self._bar.finish():
            return
        request = msgspec.structs.replace(self._editor.request, method=event.method, url=event.url)
        self._editor.take(request)
        self._take(request)

    @on(RequestEditor.Edited)
    def _editor_edited(self, event: RequestEditor.Edited) -> None:
        if event.request == self._editor.request:
            self._take(event.request)

    @on(MethodField.Asked)
    def _method_asked(self) -> None:
        self.run(lambda: self._files.choose_method(self, self._bar))

    @on(Hint)
    def _hinted(self, event: Hint) -> None:
        self._hint.say(event.text)

    @on(RequestTree.Opened)
    def _opened(self, event: RequestTree.Opened) -> None:
        self.open_request(event.reference)
        if self.reference == event.reference:
            self._bar.url.focus()

    @on(RequestTree.Toggled)
    def _toggled(self, event: RequestTree.Toggled) -> None:
        workspace = self.session.workspace
        if workspace is not None:
            self.attempt(lambda: self.session.registry.set_expanded(workspace.key, event.expanded))

    @on(RequestTree.Asked)
    def _asked(self, event: RequestTree.Asked) -> None:
        row = event.row
        if row is not None and event.what in ("up", "down"):
            self.run(lambda: self._files.shift(self, row, -1 if event.what == "up" else 1))
        else:
            self.run(lambda: self._files.change(self, event.what, row))

    def focus_address(self) -> None:
        self._bar.url.focus()

    def moved(self, old: str, new: str) -> None:
        """A request or folder has another reference now: what is kept of it moves along."""

        def follow(kept: dict[str, T]) -> None:
            for reference in [one for one in kept if one == old or one.startswith(f"{old}/")]:
                kept[new + reference[len(old) :]] = kept.pop(reference)

        follow(self._saved)
        follow(self._drafts)
        follow(self._exchanges)
        if self.reference == old or self.reference.startswith(f"{old}/"):
            self.reference = new + self.reference[len(old) :]
            self._reread_stamp()
        self._names = None

    def _reread_stamp(self) -> None:
        """The file was written by us: take its new contents where nothing is edited."""
        if self.reference not in self._drafts:
            self.open_request(self.reference)

    def deleted(self, reference: str) -> None:
        for one in [*self._saved, *self._drafts, self.reference]:
            if one == reference or one.startswith(f"{reference}/"):
                self._forget(one)

    # Saving

    def action_save(self) -> None:
        if not self.reference:
            return
        self._finish()
        if self.reference not in self._drafts:
            self.tell("nothing to save")
            return
        self.run(lambda: self._files.save(self, self.reference))

    def write(self, reference: str) -> None:
        """Save one draft as it is."""
        workspace = self.session.workspace
        request = self._drafts.get(reference)
        if workspace is None or request is None:
            return
        workspace.save_request(reference, request)
        self._saved[reference] = (request, workspace.stamp(reference))
        del self._drafts[reference]
        self._mark()
        self.show_tree()

    def changed_on_disk(self, reference: str) -> bool:
        workspace = self.session.workspace
        saved = self._saved.get(reference)
        return workspace is not None and saved is not None and workspace.stamp(reference) != saved[1]

    def action_revert(self) -> None:
        if self.reference in self._drafts:
            self.run(lambda: self._files.revert(self, self.reference))

    def drop_draft(self, reference: str) -> None:
        self._drafts.pop(reference, None)
        if reference == self.reference:
            self.open_request(reference)
        self._mark()

    def leave_workspace_allowed(self, then: Callable[[], object]) -> bool:
        self._finish()
        if not self._drafts:
            return True
        self.run(lambda: self._files.ask_unsaved(self, then))
        return False

    # Sending

    def action_send(self) -> None:
        request = self.request
        if request is None:
            return
        self._finish()
        if self._sending is not None and self._sending.is_running:
            self.tell("already sending; esc cancels")
            return
        reference = self.reference
        self._sending = self.run(
            lambda: self._send(reference),
            lambda exchange: self._received(reference, exchange),
            failed=lambda error: self._failed(reference, error),
            group="send",
        )

    async def _send(self, reference: str) -> Exchange | None:
        request = self._drafts.get(reference) or self._disk(reference)
        if request is None:
            return None
        prompts: dict[str, str] = {}
        questions = self.session.prompts_in(request, reference)
        if questions:
            from tui.screens.dialogs import AskSeveralDialog

            answers = await self.ask(AskSeveralDialog(self.session, "This request asks", questions))
            if answers is None:
                return None
            prompts = answers
        self._response.progress(Progress("connecting"))
        return await self.session.send(request, reference, prompts=prompts, progress=self._progress)

    def _progress(self, progress: Progress) -> None:
        self._response.progress(progress)

    def _received(self, reference: str, exchange: Exchange | None) -> None:
        if exchange is None:
            return
        self._exchanges[reference] = exchange
        if reference == self.reference:
            self._response.show(exchange, self.session.redactor)
        self.forget_names()

    def _failed(self, reference: str, error: HushpostError) -> None:
        if reference == self.reference:
            self._response.fail(error)
        else:
            self.show_error(error)

    def needs(self, error: HostNotAllowed) -> Sequence[Need]:
        request = self.request
        scope = self.session.scope(request, self.reference) if request is not None else None
        entry = scope.entry(error.variable) if scope is not None else None
        link = entry.variable.link if entry is not None else None
        return [Need(link.credential if link is not None else "", what) for what in error.missing]

    def action_cancel(self) -> None:
        if self._sending is not None and self._sending.is_running:
            self._sending.cancel()
            self._response.clear()
            self.tell("cancelled")
        elif self._zoomed is not None:
            self.action_zoom()
        elif self.focused is not self._tree:
            self._tree.display = True
            self._tree.focus()

    @on(UrlBar.Sent)
    def _sent(self) -> None:
        self.action_send()

    def action_preview(self) -> None:
        request = self.request
        if request is not None:
            from tui.screens.preview import PreviewDialog

            self._finish()
            shown = self.attempt(lambda: self.session.preview(request, self.reference))
            if shown is not None:
                self.app.push_screen(PreviewDialog(self.session, request.method, shown))

    def action_edit_body(self) -> None:
        """Open the body's text, with its templates as they are, in the person's own editor."""
        if not self.reference:
            return
        self._finish()
        text = self._editor.body_text
        if text is None:
            self.tell("this kind of body has no text to edit", warning=True)
            return
        from tui.outside import edited_outside

        edited = self.attempt(lambda: edited_outside(self.app, self.session, text, self._suffix()))
        if edited is not None and edited != text:
            self._editor.set_body_text(edited)

    def _suffix(self) -> str:
        request = self.request
        tag = body_tag(request.body) if request is not None else ""
        return {"json": ".json", "xml": ".xml", "graphql": ".graphql"}.get(tag, ".txt")

    # Panes

    def action_tab(self, by: int) -> None:
        if self.reference:
            self._editor.step_tab(by)

    def action_toggle_tree(self) -> None:
        self._tree.display = not self._tree.display
        if not self._tree.display and self.focused is self._tree:
            self._bar.url.focus()

    def action_zoom(self) -> None:
        """The focused pane takes the whole room, or gives it back."""
        focused = self.focused
        panes = (self._tree, self._editor, self._response)
        if self._zoomed is not None or focused is None or not self.reference:
            self._zoomed = None
            for pane in panes:
                pane.display = True
            self._bar.display = self._panes.display = bool(self.reference)
            self.query_one("#work").display = True
            return
        chosen = next((pane for pane in panes if pane in focused.ancestors_with_self), self._editor)
        self._zoomed = chosen
        for pane in panes:
            pane.display = pane is chosen
        self._bar.display = chosen is self._editor


def _rows(nodes: Sequence[TreeNode], depth: int = 0) -> list[TreeRow]:
    rows: list[TreeRow] = []
    for node in nodes:
        problem = str(node.error.message) if node.error is not None else ""
        folder = node.kind == "folder"
        rows.append(TreeRow(node.ref, node.name or node.stem, depth, folder, node.method, problem))
        rows.extend(_rows(node.children, depth + 1))
    return rows
