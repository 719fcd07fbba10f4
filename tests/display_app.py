"""A Textual app for the tests of the cell-diffing display: `python display_app.py diff|plain [FILE]`.

What Textual would have written itself goes to FILE.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.screen import ModalScreen, Screen
from textual.strip import Strip
from textual.style import Style as ContentStyle
from textual.widget import Widget
from textual.widgets import Footer, Header, Input, Static, TextArea, Tree

from tui.terminal import display

WORDS = ("plain", "日本語", "e\u0301toile", "naïve", "│box─┤", "한국어 text", "", "  spaces  ", "x", "广告", "…")
STYLES = (
    "",
    "bold",
    "dim italic",
    "underline",
    "reverse",
    "red",
    "#12ab34 on #331122",
    "strike bold #ffffff",
    "on blue",
    "bold dim",
    "blink",
    "underline2",
)


class Patch(Widget):
    """Cells that change at random."""

    DEFAULT_CSS = "Patch { width: 30; height: 6; }"

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = random.Random(seed)
        self.rows: list[list[tuple[str, str]]] = [[] for _ in range(6)]

    def change(self) -> None:
        row = self.random.randrange(6)
        self.rows[row] = [
            (self.random.choice(WORDS), self.random.choice(STYLES)) for _ in range(self.random.randrange(6))
        ]
        self.refresh()

    def render_line(self, y: int) -> Strip:
        segments = [Segment(text, Style.parse(style)) for text, style in self.rows[y]] if y < len(self.rows) else []
        return Strip(segments).adjust_cell_length(self.size.width, Style.parse("on #222222"))


class Dialog(ModalScreen[None]):
    CSS = "Dialog { align: center middle; } Dialog Static { width: 30; height: 5; border: round red; }"

    def compose(self) -> ComposeResult:
        yield Static("a dialog over it 中文", markup=False)

    def key_m(self) -> None:
        self.dismiss()


class DisplayApp(App[None]):
    CSS = "Tree { width: 24; } Input { width: 1fr; } TextArea { height: 6; } VerticalScroll { width: 1fr; }"
    BINDINGS = [
        ("f2", "change", "Change"),
        ("f3", "add", "Add"),
        ("f4", "dialog", "Dialog"),
        ("f5", "theme", "Theme"),
        ("f6", "clear", "Clear"),
        ("f7", "suspend", "Suspend"),
        ("f8", "repaint", "Repaint"),
        ("f9", "link", "Link"),
    ]

    def __init__(self, mode: str, whole: Path | None = None) -> None:
        super().__init__()
        self.display_control = display.install(self, enabled=mode == "diff")
        self.count = 0
        if whole is not None:
            self.tell_whole(whole)

    def tell_whole(self, path: Path) -> None:
        display = self._display
        file = path.open("w", buffering=1)

        def both(screen: Screen[Any], update: Any) -> None:
            if update is not None and not self._batch_count:
                file.write(update.render_segments(self.console))
                file.flush()
            display(screen, update)

        self._display = both  # type: ignore[method-assign,assignment]

    def compose(self) -> ComposeResult:
        yield Header()
        yield Input(placeholder="type 日本 here", id="one")
        with Horizontal():
            tree: Tree[None] = Tree("tree")
            tree.root.expand()
            for number in range(30):
                tree.root.add_leaf(f"leaf {number} 字" if number % 3 else f"leaf {number}")
            yield tree
            with VerticalScroll():
                yield Static("ready", id="status", markup=False)
                yield Patch(1)
                yield TextArea("one\ntwo\n三\n", id="area")
                yield Patch(2)
        yield Footer()

    def on_mount(self) -> None:
        for widget in (self.query_one(Input), self.query_one(TextArea)):
            widget.cursor_blink = False
        self.animation_level = "none"

    def on_resize(self, event: Resize) -> None:
        self.sub_title = f"{event.size.width}x{event.size.height}"

    def done(self) -> None:
        """Say so once all that was changed is drawn."""
        self.count += 1
        self.call_after_refresh(self.query_one("#status", Static).update, f"done {self.count}")

    def action_change(self) -> None:
        for patch in self.query(Patch):
            patch.change()
        self.done()

    def action_add(self) -> None:
        self.query_one(VerticalScroll).mount(Static(f"added {self.count} ✔ 中", markup=False), before=0)
        self.done()

    def action_dialog(self) -> None:
        self.push_screen(Dialog())

    def action_theme(self) -> None:
        self.theme = "textual-light" if self.theme == "textual-dark" else "textual-dark"
        self.done()

    def action_clear(self) -> None:
        assert self._driver is not None
        self._driver.write("\x1b[2J")
        self.refresh()
        self.done()

    def action_suspend(self) -> None:
        with self.suspend():
            assert sys.__stdout__ is not None
            sys.__stdout__.write("\x1b[2J\x1b[Hsomething else was here\r\n" * 3)
            sys.__stdout__.flush()
        self.done()

    def action_repaint(self) -> None:
        self.display_control.repaint()

    def action_link(self) -> None:
        self.count += 1
        page = ContentStyle(link="https://example.com/a?b=c;d")
        self.query_one("#status", Static).update(Content.assemble("see ", ("the page", page), f" done {self.count}"))


if __name__ == "__main__":
    DisplayApp(sys.argv[1], *map(Path, sys.argv[2:])).run()
