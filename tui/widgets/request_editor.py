"""The tabs of a request: parameters, headers, auth, body, variables, checks and captures, options, info."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

import msgspec
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Input, Static

from core.models import Capture, Check, NoBody, Options, Request, Scripts
from core.sending.urls import parameters_in
from tui.foreign import foreign
from tui.messages import Notice
from tui.widgets.form_table import FormTable
from tui.widgets.key_value_table import KeyValueTable
from tui.widgets.line_input import LineInput
from tui.widgets.names import Names
from tui.widgets.outcomes import Outcomes
from tui.widgets.params_editor import ParamsEditor
from tui.widgets.script_table import ScriptTable
from tui.widgets.struct_rows import body_tag, option_rows, options_with
from tui.widgets.tab_line import SOME
from tui.widgets.tabbed_editor import Inherited, TabbedEditor, field_rows, fields_of
from tui.widgets.variable_table import Describe

if TYPE_CHECKING:
    from tui.widgets.body_editor import BodyEditor
    from tui.widgets.body_text import BodyText
    from tui.widgets.check_table import ChecksEditor


class RequestEditor(TabbedEditor[Request]):
    """Posts `Edited` with the whole request at each change."""

    DEFAULT_CSS = "RequestEditor #description { margin: 0 1; background: $surface; }"
    TABS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("params", "Params"),
        ("headers", "Headers"),
        ("auth", "Auth"),
        ("body", "Body"),
        ("vars", "Vars"),
        ("checks", "Checks"),
        ("options", "Options"),
        ("info", "Info"),
    )
    REFILLED: ClassVar[frozenset[str]] = frozenset({"options"})

    def __init__(self, names: Callable[[], Names], describe: Describe, *, id: str | None = None) -> None:
        super().__init__(Request(), names, describe, id=id)
        self._reference = ""
        self._outcomes = Outcomes()

    @property
    def request(self) -> Request:
        return self._document

    def show(self, request: Request, reference: str, inherited: Inherited) -> None:
        """Show another request, no edit."""
        self._reference = reference
        self.show_document(request, inherited)

    def take(self, request: Request) -> None:
        """The request changed elsewhere (method, address); the path parameters follow the address."""
        before = self._document.url
        self._document = request
        if request.url == before:
            return
        if (
            parameters_in(request.url) != parameters_in(before)
            and "params" in self._tabs
            and "params" not in self._stale
        ):
            self._params().follow(request.url)
        self._count()

    def add(self, one: Check | Capture) -> bool:
        """Have one more check or capture, and show it; False where it is there already."""
        request = self.finish()
        have = request.checks if isinstance(one, Check) else request.captures
        if one in have:
            return False
        name = "checks" if isinstance(one, Check) else "captures"
        self._document = msgspec.structs.replace(request, **{name: (*have, one)})
        self._stale.add("checks")
        self._show_tab("checks")
        self._count()
        self.post_message(self.Edited(self._document))
        return True

    def _params(self) -> ParamsEditor:
        return self._tabs["params"].query_one(ParamsEditor)

    def _count(self) -> None:
        super()._count()
        if "params" in self._tabs and self._tabs["params"].is_mounted:
            self._params().say(self._document)

    def show_outcomes(self, outcomes: Outcomes) -> None:
        """What the last answer says of the checks and captures."""
        self._outcomes = outcomes
        if "checks" in self._tabs and "checks" not in self._stale:
            self._checks_editor().show_outcomes(outcomes)

    def _checks_editor(self) -> ChecksEditor:
        return cast("ChecksEditor", self._tabs["checks"].query_one("#checks-editor"))

    def _body_editor(self) -> BodyEditor:
        return cast("BodyEditor", self._tabs["body"].query_one("#body"))

    def _make(self, tab: str) -> Widget:
        match tab:
            case "params":
                return Container(ParamsEditor(self._names), classes="tab")
            case "body":
                from tui.widgets.body_editor import BodyEditor

                return Container(BodyEditor(self._names, id="body"), classes="tab")
            case "checks":
                from tui.widgets.check_table import ChecksEditor

                return Container(ChecksEditor(self._names, id="checks-editor"), classes="tab")
            case "options":
                return Container(
                    FormTable(26, names=self._names, id="options"),
                    ScriptTable(id="scripts"),
                    classes="tab",
                )
            case "info":
                from tui.widgets.body_text import BodyText

                return Container(
                    Static("Name", classes="info-label"),
                    LineInput(id="name", classes="info-name"),
                    Static("Description", classes="info-label"),
                    BodyText(self._names, id="description"),
                    Static("", id="file", classes="info-label", markup=False),
                    classes="tab",
                )
            case _:
                return super()._make(tab)

    def _put(self, tab: str, part: Widget) -> None:
        request = self._document
        match tab:
            case "params":
                self._params().show(request, field_rows(request.query))
                self._params().say(request)
            case "body":
                self._body_editor().show(request.body)
            case "checks":
                editor = self._checks_editor()
                editor.show(request)
                editor.show_outcomes(self._outcomes)
            case "options":
                part.query_one(ScriptTable).show(request.scripts, self._inherited.scripts)
                part.query_one("#options", KeyValueTable).set_rows(option_rows(request.options))
            case "info":
                name = part.query_one("#name", LineInput)
                with name.prevent(Input.Changed):
                    name.value = request.name
                cast("BodyText", part.query_one("#description")).show(request.description)
                part.query_one("#file", Static).update(foreign(f"requests/{self._reference}.toml"))
            case _:
                super()._put(tab, part)

    def _counts(self) -> dict[str, str]:
        request = self._document
        params = sum(row.enabled for row in request.query) + len(parameters_in(request.url))
        tests = len(request.checks) + len(request.captures)
        return {
            "params": str(params) if params else "",
            **self._shared_counts(),
            "body": "" if isinstance(request.body, NoBody) else body_tag(request.body),
            "checks": str(tests) if tests else "",
            "options": SOME if request.options != Options() or request.scripts != Scripts() else "",
        }

    def _read(self, tab: str, part: Widget) -> dict[str, Any]:
        match tab:
            case "params":
                params = self._params()
                return {"query": fields_of(params.query_rows()), "path_params": params.path_params()}
            case "body":
                return {"body": self._body_editor().finish()}
            case "checks":
                editor = self._checks_editor()
                return {"checks": editor.checks.read(), "captures": editor.captures.read()}
            case "options":
                options = self._options(part.query_one("#options", KeyValueTable))
                return {"scripts": part.query_one(ScriptTable).scripts, "options": options}
            case "info":
                description = cast("BodyText", part.query_one("#description")).value
                return {"name": part.query_one("#name", LineInput).value, "description": description}
            case _:
                return super()._read(tab, part)

    def _options(self, table: KeyValueTable) -> Options:
        try:
            return options_with(self._document.options, table.finish())
        except ValueError as problem:
            self.post_message(Notice(str(problem), warning=True))
            return self._document.options
