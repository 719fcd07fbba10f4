"""The body of a request: its kind in one line, and below it what that kind needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from core.models import Body, Field, FileBody, FormBody, GraphqlBody, MultipartBody, NoBody, PlainBody
from tui.messages import PartEdited
from tui.widgets.body_text import LARGEST, BodyText
from tui.widgets.form_table import FormTable
from tui.widgets.key_value_table import KeyValueTable
from tui.widgets.names import Names
from tui.widgets.part_table import PartTable, part_of, part_row
from tui.widgets.struct_rows import body_tag
from tui.widgets.tab_line import TabLine
from tui.widgets.table_lines import TableColumn, TableRow
from tui.widgets.template_input import TemplateInput

KINDS = (
    ("none", "None"),
    ("json", "JSON"),
    ("xml", "XML"),
    ("text", "Text"),
    ("form", "Form"),
    ("multipart", "Multipart"),
    ("file", "File"),
    ("graphql", "GraphQL"),
)
"""The tag in the file, and the label."""


def new_body(tag: str, like: Body) -> Body:
    """An empty body of a kind, with the text of the one before where both are text."""
    kind = next(kind for kind in get_args(Body) if kind.__struct_config__.tag == tag)
    if issubclass(kind, PlainBody) and isinstance(like, PlainBody):
        return kind(text=like.text)  # type: ignore[no-any-return]
    return kind()  # type: ignore[no-any-return]


class BodyEditor(Container):
    """Posts `PartEdited` at each change, `finish` says what the body is then; one kind's part is mounted at a time."""

    DEFAULT_CSS = """
    BodyEditor { height: 1fr; layout: vertical; }
    BodyEditor > #kinds { margin: 0; }
    BodyEditor .label { width: auto; min-width: 14; color: $text-muted; height: 1; }
    BodyEditor .content-type { height: 1; }
    BodyEditor .content-type TemplateInput { width: 1fr; }
    BodyEditor .graphql-variables { height: 40%; }
    BodyEditor .note { padding: 0 1; color: $text-muted; }
    BodyEditor .part { height: 1fr; layout: vertical; }
    """

    def __init__(self, names: Callable[[], Names], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._names = names
        self._body: Body = NoBody()
        self._kept: dict[str, Body] = {}
        """What the other kinds held, so that going through them loses nothing."""
        self._kinds = TabLine(KINDS, id="kinds")
        self._part: Widget | None = None
        self._part_tag = ""
        self._filled: Body | None = None
        """The body whose values are in the widgets; another one is still on its way there."""

    def compose(self) -> ComposeResult:
        yield self._kinds

    def on_mount(self) -> None:
        self._show_part()

    def show(self, body: Body) -> None:
        """Show another request's body; this is no edit."""
        self._kept = {}
        self._body = body
        if self.is_mounted:
            self._show_part()

    def finish(self) -> Body:
        """The body with everything typed so far, also what no message has told yet."""
        part = self._part
        if part is not None and part.is_mounted and self._filled is self._body:
            self._body = self._filled = self._read(part)
        return self._body

    def names_changed(self) -> None:
        for area in self.query(BodyText):
            area.recolour()
        for field in self.query(TemplateInput):
            field.refresh()

    # The part of the chosen kind

    def _show_part(self) -> None:
        tag = body_tag(self._body)
        self._kinds.show(tag, {})
        if tag != self._part_tag or self._too_large() != isinstance(self._part, Static):
            if self._part is not None:
                self._part.remove()
            self._part_tag = tag
            self._part = self._make_part()
            self.mount(self._part)
        self._fill()

    def _too_large(self) -> bool:
        return self._length() > LARGEST

    def _length(self) -> int:
        match self._body:
            case PlainBody(text=text) | GraphqlBody(query=text):
                return len(text)
            case _:
                return 0

    def _make_part(self) -> Widget:
        """What it makes has no id: the part before it is still there until the app has removed it."""
        if self._too_large():
            return Static("", markup=False, classes="part note")
        match self._body:
            case PlainBody():
                return Container(
                    BodyText(self._names, id="text"),
                    Horizontal(
                        Static("Content-Type", classes="label"),
                        TemplateInput(names=self._names, id="content-type"),
                        classes="content-type",
                    ),
                    classes="part",
                )
            case GraphqlBody():
                return Container(
                    BodyText(self._names, id="text"),
                    Static("Variables (JSON)", classes="label"),
                    BodyText(self._names, id="variables"),
                    classes="part",
                )
            case FormBody():
                columns = (TableColumn("Name"), TableColumn("Value", 2))
                return KeyValueTable(columns, names=self._names, empty="no fields yet: n adds one")
            case MultipartBody():
                return PartTable(self._names)
            case FileBody():
                return FormTable(14, names=self._names)
            case _:
                note = "This request has no body. Left and right in the line above choose a kind."
                return Static(note, classes="note", markup=False)

    def _fill(self) -> None:
        part = self._part
        if part is None:
            return
        if not part.is_mounted or (isinstance(part, Container) and not part.children):
            # A part whose screen is being closed loses its children first, and needs no text any more.
            if part.is_attached and not part.is_mounted:
                self.call_after_refresh(self._fill)
            return
        if self._too_large() and isinstance(part, Static):
            part.update(
                f"This text has {self._length():,} characters, too many to edit here. alt+e opens it in your editor."
            )
            return
        self._filled = self._body
        match self._body:
            case PlainBody() as body:
                part.query_one("#text", BodyText).show(body.text, body_tag(body))
                field = part.query_one("#content-type", TemplateInput)
                if field.value != body.content_type:
                    with field.prevent(Input.Changed):
                        field.value = body.content_type
            case GraphqlBody() as body:
                part.query_one("#text", BodyText).show(body.query)
                part.query_one("#variables", BodyText).show(body.variables, "json")
            case FormBody(fields=fields) if isinstance(part, KeyValueTable):
                part.set_rows([TableRow((row.name, row.value), row.enabled) for row in fields])
            case MultipartBody(parts=parts) if isinstance(part, KeyValueTable):
                part.set_rows([part_row(one) for one in parts])
            case FileBody() as body if isinstance(part, KeyValueTable):
                path_help = "a file of this workspace, relative to its folder; streamed when sent"
                part.set_rows(
                    [
                        TableRow(("File", body.path), None, locked=(0,), help=path_help, file=True),
                        TableRow(("Content-Type", body.content_type), None, locked=(0,)),
                    ]
                )

    # Edits

    def _read(self, part: Widget) -> Body:
        body = self._body
        if isinstance(part, KeyValueTable):
            part.finish()
            rows = part.rows
            match body:
                case FormBody():
                    return FormBody(
                        fields=tuple(Field(row.cells[0], row.cells[1], row.enabled is not False) for row in rows)
                    )
                case MultipartBody():
                    before = body.parts
                    return MultipartBody(parts=tuple(part_of(row, before) for row in rows))
                case FileBody():
                    path, content_type = (row.cells[1] for row in rows)
                    return FileBody(path=path, content_type=content_type)
        match body:
            case PlainBody() if not isinstance(part, Static):
                text = part.query_one("#text", BodyText).value
                content_type = part.query_one("#content-type", TemplateInput).value
                return msgspec.structs.replace(body, text=text, content_type=content_type)
            case GraphqlBody() if not isinstance(part, Static):
                query = part.query_one("#text", BodyText).value
                return GraphqlBody(query=query, variables=part.query_one("#variables", BodyText).value)
        return body

    def _edited(self, body: Body) -> None:
        self._body = body
        self.post_message(PartEdited())

    @on(TabLine.Chosen)
    def _kind_chosen(self, event: TabLine.Chosen) -> None:
        event.stop()
        body = self.finish()
        tag = body_tag(body)
        if event.tab != tag:
            self._kept[tag] = body
            kept = self._kept.get(event.tab)
            self._edited(kept if kept is not None else new_body(event.tab, body))
            self._show_part()
        if event.enter and self._part is not None:
            first = next(iter(self._part.query("BodyText, TableLines")), None)
            if first is not None:
                first.focus()

    @on(TextArea.Changed)
    @on(Input.Changed)
    @on(KeyValueTable.Changed)
    def _typed(self, event: Message) -> None:
        event.stop()
        self.post_message(PartEdited())
