"""One open request: its address, editor and answer; what is typed, and sending it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from textual import on
from textual.worker import Worker

from core.consent import Need
from core.errors import FileError, HostNotAllowed, HushpostError
from core.exchange import Exchange, Progress
from core.models import GraphqlBody, InheritAuth, JsonBody, Request, TextBody, XmlBody
from tui.foreign import visible
from tui.open_requests import OpenRequests
from tui.screens.base import SessionScreen
from tui.typeahead import working_for
from tui.widgets.hint_line import HintLine
from tui.widgets.names import Names
from tui.widgets.outcomes import Outcomes, outcomes
from tui.widgets.request_editor import RequestEditor
from tui.widgets.response_view import ResponseView
from tui.widgets.struct_rows import AUTH_TYPES, auth_tag, body_tag
from tui.widgets.template_input import Hint
from tui.widgets.url_bar import UrlBar

if TYPE_CHECKING:
    from textual.containers import Container

    from core.reading.rows import Document
    from core.session import Session

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
        """The open request; empty for none."""
        self.opened = OpenRequests(None)
        self._names: Names | None = None
        self._sending: Worker[None] | None = None

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

    def names(self) -> Names:
        """What template names mean for the open request; made again after something changed."""
        if self._names is None:
            request = self.request or Request()
            scope = self.attempt(lambda: self.session.scope(request, self.reference))
            self._names = Names.of(scope) if scope is not None else Names()
        return self._names

    def forget_names(self) -> None:
        self._names = None
        self.bar.url.refresh()
        self.editor.names_changed()

    def inherited_auth(self) -> str:
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

    # What is typed

    def finish(self) -> None:
        """Take everything typed so far, also what no message has told yet."""
        if self.reference:
            method, url = self.bar.finish()
            request = msgspec.structs.replace(self.editor.finish(), method=method, url=url)
            self.editor.take(request)
            self.take(request)

    def take(self, request: Request) -> None:
        before = self.request
        self.opened.edit(self.reference, request)
        if before is not None and before.variables != request.variables:
            self.forget_names()
        self.mark()

    @on(UrlBar.Edited)
    def _bar_edited(self, event: UrlBar.Edited) -> None:
        if (event.method, event.url) != self.bar.finish():
            return
        request = msgspec.structs.replace(self.editor.request, method=event.method, url=event.url)
        self.editor.take(request)
        self.take(request)

    @on(RequestEditor.Edited)
    def _editor_edited(self, event: RequestEditor.Edited) -> None:
        if event.document == self.editor.request:
            self.take(self.editor.request)

    @on(Hint)
    def _hinted(self, event: Hint) -> None:
        self.hint.say(event.text)

    # Sending

    def action_send(self) -> None:
        if not self.reference:
            return
        self.finish()
        if self.is_sending:
            self.tell("already sending; esc cancels")
            return
        reference, opened = self.reference, self.opened
        self._sending = self.run(
            lambda: self._send(reference, opened),
            lambda exchange: self._received(reference, opened, exchange),
            failed=lambda error: self._failed(reference, opened, error),
            group="send",
        )

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

        tell(Progress("connecting"))
        exchange = await self.session.send(request, reference, prompts=prompts, progress=on_its_way)
        opened.sent[reference] = request
        return exchange

    def _received(self, reference: str, opened: OpenRequests, exchange: Exchange | None) -> None:
        if exchange is None:
            return
        opened.answers[reference] = exchange
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
            self.response.clear()

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
        from tui.clipboard import copy

        return await copy(self.app, self.session, self.session.redact(text))

    def page(self, document: Document) -> None:
        from tui.pager import show_in_pager

        command = self.session.settings.pager or self.session.surroundings.pager or ""
        show_in_pager(self.app, command, document, self.session.redactor)

    @property
    def is_sending(self) -> bool:
        return self._sending is not None and self._sending.is_running

    def cancel_sending(self) -> None:
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
                self.app.push_screen(PreviewDialog(self.session, request.method, shown))

    def action_edit_body(self) -> None:
        """Open the body's text, with its templates as they are, in the person's own editor."""
        self.finish()
        request = self.request
        if request is None:
            return
        match request.body:
            case JsonBody(text=text) | XmlBody(text=text) | TextBody(text=text):
                field = "text"
            case GraphqlBody(query=text):
                field = "query"
            case _:
                self.tell("this kind of body has no text to edit", warning=True)
                return
        from tui.outside import edited_outside

        suffix = _SUFFIXES.get(body_tag(request.body), ".txt")
        edited = self.attempt(lambda: edited_outside(self.app, self.session, text, suffix))
        if edited is not None and edited != text:
            body = msgspec.structs.replace(request.body, **{field: edited})
            request = msgspec.structs.replace(request, body=body)
            self.editor.show(request, self.reference, self.inherited_auth())
            self.take(request)

    def action_tab(self, by: int) -> None:
        if self.reference:
            self.editor.step_tab(by)

    def action_go(self, part: str) -> None:
        if not self.reference:
            return
        self.unzoom()
        if part == "address":
            self.bar.url.focus()
        else:
            self.response.query_one("TextView").focus()
