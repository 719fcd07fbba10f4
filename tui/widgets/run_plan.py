"""What runs and how, in view above the table of a run: the selection, the file of rows, and the numbers."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from tui import keys
from tui.foreign import shortened, visible
from tui.run_options import OptionTexts
from tui.widgets.line_input import LineInput
from tui.widgets.names import Words
from tui.widgets.one_of import OneOf, Toggle
from tui.widgets.template_input import TemplateInput

_LINES = (("what",), ("data",), ("iterations", "parallel", "delay", "retries", "bail"))


class WhatRuns(Widget, can_focus=True):
    """The selection in words; enter or a click chooses another."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    WhatRuns { width: 1fr; height: 1; background: $surface; }
    WhatRuns:focus { background: $panel; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = keys.plain("enter,space", "ask")

    class Asked(Message):
        """Choose something else."""

    def __init__(self) -> None:
        super().__init__(id="what")
        self.text = ""

    def say(self, text: str) -> None:
        if text != self.text:
            self.text = text
            self.refresh()

    def action_ask(self) -> None:
        self.post_message(self.Asked())

    def on_click(self) -> None:
        self.action_ask()

    def render(self) -> str:
        ends = ("▸", "◂ enter chooses") if self.has_focus else (" ", "")
        return ends[0] + shortened(visible(self.text), self.size.width - 1 - len(ends[1])) + ends[1]


class RunPlan(Vertical):
    """Three lines of controls, four where it is narrow; up and down go from line to line."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.plain("up", "step(-1)"), *keys.plain("down", "step(1)")]

    class Edited(Message):
        """A text is another; which, the owner reads from `texts`."""

    class Left(Message):
        """Enter in a field, or down from the last line."""

    def __init__(self, files: Words) -> None:
        """`files` are offered for the data file as one types."""
        super().__init__(id="plan")
        self.what = WhatRuns()
        data = TemplateInput(
            id="data", placeholder="none; a CSV, JSON or JSON lines file with a row of variables for each iteration"
        )
        # Not for an empty field: down goes on to the next line there.
        data.offer(lambda typed: files(typed) if typed else ())
        self._fields: dict[str, LineInput] = {
            "data": data,
            **{
                name: LineInput(id=name, placeholder=placeholder)
                for name, placeholder in (("iterations", "auto"), ("parallel", "1"), ("delay", "0"), ("retries", "0"))
            },
        }
        self._bail = Toggle(id="bail")

    def compose(self) -> ComposeResult:
        with Horizontal(classes="plan-line"):
            yield Static("run", markup=False)
            yield self.what
        with Horizontal(classes="plan-line"):
            yield Static("data", markup=False)
            yield self._fields["data"]
        with Horizontal(id="numbers"):
            with Horizontal(classes="plan-line"):
                for name, label in (("iterations", "iterations"), ("parallel", "parallel"), ("delay", "delay ms")):
                    yield Static(label, markup=False)
                    yield self._fields[name]
            with Horizontal(classes="plan-line"):
                yield Static("retries", markup=False)
                yield self._fields["retries"]
                yield Static("bail", markup=False)
                yield self._bail

    @property
    def texts(self) -> OptionTexts:
        values = {name: field.value for name, field in self._fields.items()}
        return OptionTexts(**values, bail=self._bail.on)

    @texts.setter
    def texts(self, texts: OptionTexts) -> None:
        for name, field in self._fields.items():
            field.value = getattr(texts, name)
        self._bail.value = "on" if texts.bail else "off"

    def focus_field(self, name: str) -> None:
        self.query_one(f"#{name}").focus()

    def action_step(self, by: int) -> None:
        at = next((n for n, line in enumerate(_LINES) if any(self.query_one(f"#{one}").has_focus for one in line)), 0)
        if at + by >= len(_LINES):
            self.post_message(self.Left())
        elif at + by >= 0:
            self.focus_field(_LINES[at + by][0])

    @on(Input.Changed)
    @on(OneOf.Changed)
    def _edited(self, event: Message) -> None:
        event.stop()
        self.post_message(self.Edited())

    @on(Input.Submitted)
    @on(OneOf.Submitted)
    def _submitted(self, event: Message) -> None:
        event.stop()
        self.post_message(self.Left())

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        self.what.refresh()
