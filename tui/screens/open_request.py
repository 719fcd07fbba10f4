"""What is open: a request with its address, editor and answer, or a folder; what is typed, and sending it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from textual import on
from textual.worker import Worker

from core.consent.consent import Need
from core.errors import HostNotAllowed, HushpostError
from core.exchange import Exchange, Progress
from core.models import Capture, Check, Field, Folder, GraphqlBody, PlainBody, Request, Variable
from core.sending.urls import query_in, taken_apart
from core.workspace.tree import folder_file
from tui.keys import keys_of
from tui.messages import AnswerWanted
from tui.open_requests import OpenRequests, RequestOrFolder, called
from tui.screens.base import SessionScreen
from tui.screens.from_folders import inherited
from tui.typeahead import working_for
from tui.widgets.hint_line import HintLine
from tui.widgets.names import Names
from tui.widgets.outcomes import Outcomes, outcomes
from tui.widgets.request_editor import RequestEditor
from tui.widgets.response_view import ResponseView
from tui.widgets.struct_rows import body_tag
from tui.widgets.tabbed_editor import Inherited, TabbedEditor
from tui.widgets.template_input import Hint
from tui.widgets.url_bar import UrlBar
from tui.widgets.variable_table import VariableTable

if TYPE_CHECKING:
    from textual.containers import Container

    from core.reading.rows import Document
    from core.session import Session
    from tui.widgets.folder_editor import FolderEditor

_SUFFIXES = {"json": ".json", "xml": ".xml", "graphql": ".graphql"}
"""What an editor takes the language from, by the kind of body."""


class RequestScreen(SessionScreen[None]):
    """The part of the requests mode that is about the open request; the tree and the files are its subclass's."""

    bar: UrlBar
    editor: RequestEditor
    response: ResponseView
    hint: HintLine
    panes: Container

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.reference = ""
        """What is open, a request or a folder's own file; empty for nothing."""
        self.folder_editor: FolderEditor | None = None
        """Made when the first folder is opened."""
        self.opened = OpenRequests(None)
        self._names: Names | None = None
        self._sending: Worker[None] | None = None
        self._hinting: object = None
        """Whose words are in the hint line."""

    @abstractmethod
    def unzoom(self) -> None:
        """Give every pane its room again."""

    @abstractmethod
    def mark(self) -> None:
        """Say which request is open and which have unsaved edits."""

    @property
    def request(self) -> Request | None:
        """The open request as edited."""
        return self.opened.get(self.reference)

    @property
    def folder(self) -> Folder | None:
        """The open folder as edited."""
        return self.opened.folder(self.reference)

    def names(self) -> Names:
        """What template names mean for what is open; made again after something changed."""
        if self._names is None:
            request = self.request or Request(variables=self._unsaved_variables())
            scope = self.attempt(lambda: self.session.scope(request, self.reference))
            self._names = Names.of(scope, self.offered_files) if scope is not None else Names(files=self.offered_files)
        return self._names

    def _unsaved_variables(self) -> dict[str, str | Variable]:
        """Of the open folder: those in its file stand in the scope of every request below it."""
        folder = self.folder
        saved = self.opened.saved_variables(self.reference)
        return {name: entry for name, entry in folder.variables.items() if saved.get(name) != entry} if folder else {}

    def forget_names(self) -> None:
        self._names = None
        self.bar.url.refresh()
        if self.bar.url.has_focus:
            self.bar.url.say_hint()
        for editor in (self.editor, self.folder_editor):
            if editor is not None:
                editor.names_changed()

    @property
    def shown_editor(self) -> RequestEditor | FolderEditor | None:
        return self.editor if self.request is not None else self.folder_editor if self.folder is not None else None

    def described(self, name: str, entry: Variable) -> tuple[str, str]:
        """What a row of variables shows of a hidden value, and what is said of it."""
        from tui.screens.document_variables import described

        return described(self.session, self.reference, name, entry)

    def variables_changed(self) -> None:
        """Values were stored, or the variables saved: show them as they are now."""
        document, editor = self.opened.document(self.reference), self.shown_editor
        if document is not None and editor is not None:
            editor.show_variables(document.variables)
        self.forget_names()
        self.mark()

    @on(VariableTable.Asked)
    def _variable_asked(self, event: VariableTable.Asked) -> None:
        from tui.screens.document_variables import change

        self.finish()
        self.run(lambda: change(self, event.what, event.name))

    def inherited(self) -> Inherited:
        """What the folders above give what is open."""
        return inherited(self.session.workspace, self.reference)

    # What is typed

    def finish(self) -> None:
        """Take everything typed so far, also what no message has told yet."""
        if self.request is not None:
            method, url = self.bar.finish()
            request = msgspec.structs.replace(self.editor.finish(), method=method, url=url)
            self.editor.take(request)
            self.take(request)
        elif self.folder is not None and self.folder_editor is not None:
            self.take(self.folder_editor.finish())

    def take(self, document: RequestOrFolder) -> None:
        before = self.opened.document(self.reference)
        self.opened.edit(self.reference, document)
        if before is not None and before.variables != document.variables:
            self.forget_names()
        self.mark()

    @on(UrlBar.Edited)
    def _bar_edited(self, event: UrlBar.Edited) -> None:
        if (event.method, event.url) != self.bar.finish():
            return
        request = msgspec.structs.replace(self.editor.request, method=event.method, url=event.url)
        self.editor.take(request)
        self.take(request)

    @on(TabbedEditor.Edited)
    def _editor_edited(self, event: RequestEditor.Edited) -> None:
        # A message of what was open before may come late.
        shown = self.editor.request if self.request is not None else self.folder_editor and self.folder_editor.folder
        if event.document == shown and type(event.document) is type(self.opened.document(self.reference)):
            self.take(event.document)

    @on(AnswerWanted)
    def _answer_wanted(self, event: AnswerWanted) -> None:
        """Make a check or capture of what the answer shows."""
        from core.checks.examine import describe
        from tui import from_answer

        shown = event.shown if event.shown is not None and event.shown.language == "JSONPath" else None
        if shown is None and (event.what == "capture" or event.shown is not None):
            self.tell("filter by a JSONPath first: f in the body", warning=True)
            return
        made: Check | Capture
        if shown is None:
            made = from_answer.status_check(event.status)
        elif event.what == "check":
            made = from_answer.json_check(
                shown.query, shown.result.read(0, from_answer.LARGEST + 1).decode("utf-8", "replace")
            )
        else:
            made = from_answer.json_capture(shown.query)
        called = f'the check "{describe(made)}"' if isinstance(made, Check) else f'the capture "{made.name}"'
        self.tell(f"added {called}; f9 saves it" if self.editor.add(made) else f"{called} is there already")

    def action_query_rows(self) -> None:
        """Make rows of the query that stands in the address."""
        self.finish()
        request = self.request
        if request is None:
            return
        url, pairs = taken_apart(request.url)
        if not pairs:
            self.tell("the address has no query that rows could have", warning=True)
            return
        rows = tuple(Field(name, value) for name, value in pairs)
        request = msgspec.structs.replace(request, url=url, query=(*rows, *request.query))
        self.bar.show(request.method, request.url)
        self.editor.show(request, self.reference, self.inherited())
        self.editor.show_tab("params")
        self.take(request)
        stays = "; the rest stays in it" if query_in(url) else ""
        self.tell(f"{len(pairs)} of the address {'are rows' if len(pairs) > 1 else 'is a row'} now{stays}")

    @on(Hint)
    def _hinted(self, event: Hint) -> None:
        # What lost the focus takes back what it said, which may come after what the next one says.
        if event.text:
            self._hinting = event.said_by
        if event.text or event.said_by is self._hinting:
            self.hint.say(event.text)

    # Sending

    def action_send(self) -> None:
        self.finish()
        if self.request is None:
            if self.folder is not None:
                self.tell("a folder cannot be sent; open a request", warning=True)
            return
        if self.is_sending:
            self.tell("already sending; esc ends it")
            return
        reference, opened = self.reference, self.opened
        for folder in self._unsaved_above():
            self.tell(f"unsaved edits of {called(folder)} are not sent: f9 there saves them", warning=True)
        self._sending = self.run(
            lambda: self._send(reference, opened),
            lambda exchange: self._received(reference, opened, exchange),
            failed=lambda error: self._failed(reference, opened, error),
            group="send",
        )

    def _unsaved_above(self) -> Sequence[str]:
        """Folders that the open request inherits from whose file is not what is on the screen."""
        parts = self.reference.split("/")[:-1]
        above = {folder_file("/".join(parts[:end])) for end in range(len(parts) + 1)}
        return [one for one in self.opened.edited if one in above]

    async def _send(self, reference: str, opened: OpenRequests) -> Exchange | None:
        request = opened.get(reference)
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

        hold = working_for.get()

        def tell(progress: Progress) -> None:
            if (reference, opened) == (self.reference, self.opened):
                self.response.progress(progress)

        def on_its_way(progress: Progress) -> None:
            if hold is not None:
                hold.free()
            tell(progress)

        tell(Progress("preparing"))
        exchange = await self.session.send(request, reference, prompts=prompts, progress=on_its_way)
        opened.sent[reference] = request
        return exchange

    def _received(self, reference: str, opened: OpenRequests, exchange: Exchange | None) -> None:
        if exchange is None:
            return
        opened.answered(reference, exchange)
        if (reference, opened) == (self.reference, self.opened):
            self.answer(exchange)
        self.forget_names()

    def answer(self, answer: Exchange | HushpostError | None) -> None:
        """Show the answer, or why there is none; without either the editor has the room."""
        self.panes.set_class(answer is None, "-unanswered")
        sent = self.opened.sent.get(self.reference)
        found = isinstance(answer, Exchange) and sent is not None
        self.editor.show_outcomes(outcomes(sent, answer, self.session.redact) if found else Outcomes())  # type: ignore[arg-type]
        if isinstance(answer, Exchange):
            self.response.show(answer, self.session.redactor)
        elif answer is not None:
            self.response.fail(answer, self.hint_of(answer))
        else:
            self.response.clear(f"{keys_of('requests.send', self.session.settings.keys) or 'the palette'} sends")

    def _failed(self, reference: str, opened: OpenRequests, error: HushpostError) -> None:
        if (reference, opened) == (self.reference, self.opened):
            self.answer(error)
        else:
            self.show_error(error)

    def needs(self, error: HostNotAllowed) -> Sequence[Need]:
        request = self.request
        scope = self.session.scope(request, self.reference) if request is not None else None
        entry = scope.entry(error.variable) if scope is not None else None
        link = entry.variable.link if entry is not None else None
        return [Need(link.credential if link is not None else "", what) for what in error.missing]

    async def copy(self, text: str) -> str:
        from tui.terminal.clipboard import copy

        return await copy(self.app, self.session, self.session.redact(text))

    def page(self, document: Document) -> None:
        from tui.terminal.pager import show_in_pager

        command = self.session.settings.pager or self.session.surroundings.pager or ""
        show_in_pager(self.app, command, document, self.session.redactor)

    @property
    def is_sending(self) -> bool:
        return self._sending is not None and self._sending.is_running

    def cancel_sending(self) -> None:
        """Give up; a body that has begun is shown as far as it came."""
        if self.response.stop_receiving():
            return
        if self._sending is not None:
            self._sending.cancel()
        self.answer(self.opened.answers.get(self.reference))
        self.tell("cancelled")

    @on(UrlBar.Sent)
    def _sent(self) -> None:
        self.action_send()

    def action_preview(self) -> None:
        self.finish()
        request = self.request
        if request is not None:
            from tui.screens.preview import PreviewDialog

            shown = self.attempt(lambda: self.session.preview(request, self.reference))
            if shown is not None:
                self.app.push_screen(PreviewDialog(self.session, request.method, shown, self.action_copy_curl))

    def action_cookies(self) -> None:
        self.finish()
        if self.session.workspace is not None:
            from tui.screens.cookies import CookiesScreen

            self.app.push_screen(CookiesScreen(self.session, self.request, self.reference))

    def action_edit_body(self) -> None:
        """Open the body's text, with its templates as they are, in the person's own editor."""
        self.finish()
        request = self.request
        if request is None:
            return
        match request.body:
            case PlainBody(text=text):
                field = "text"
            case GraphqlBody(query=text):
                field = "query"
            case _:
                self.tell("this kind of body has no text to edit", warning=True)
                return
        from tui.terminal.outside import edited_outside

        suffix = _SUFFIXES.get(body_tag(request.body), ".txt")
        edited = self.attempt(lambda: edited_outside(self.app, self.session, text, suffix))
        if edited is not None and edited != text:
            body = msgspec.structs.replace(request.body, **{field: edited})
            request = msgspec.structs.replace(request, body=body)
            self.put(request)

    def put(self, request: Request) -> None:
        """Let the open request be another one, as an edit."""
        self.bar.show(request.method, request.url)
        self.editor.show(request, self.reference, self.inherited())
        self.take(request)

    @on(UrlBar.Pasted)
    def _pasted(self, event: UrlBar.Pasted) -> None:
        from tui.screens.curl_paste import paste

        self.finish()
        self.run(lambda: paste(self, event.command))

    def action_copy_curl(self) -> None:
        """The request as a curl command, with names in place of secrets."""
        self.finish()
        request = self.request
        if request is not None:
            from core.exporters.curl import command

            exported = self.attempt(lambda: command(self.session, request, self.reference))
            if exported is not None:
                for notice in exported.notices:
                    self.tell(notice, warning=True)
                self.run(lambda: self.copy(exported.text), lambda said: self.tell(f"curl command {said}"))

    def action_tab(self, by: int) -> None:
        if self.request is not None:
            self.editor.step_tab(by)
        elif self.folder is not None and self.folder_editor is not None:
            self.folder_editor.step_tab(by)

    def action_go(self, part: str) -> None:
        if self.request is None:
            return
        self.unzoom()
        if part == "address":
            self.bar.url.focus()
        else:
            self.response.query_one("TextView").focus()
