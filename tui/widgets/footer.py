"""The bottom line: the keys that matter for the focused part."""

from __future__ import annotations

from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from tui.keys import NOWHERE, shown_key
from tui.themes import paint


class KeyFooter(Widget, can_focus=False):
    """One line drawn from the active bindings; a click on one does it."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "KeyFooter { dock: bottom; height: 1; color: $foreground; background: $panel; }"

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[tuple[str, str, str], ...] = ()
        """Key as sent, key as shown, label."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._look)
        self._look()

    def _look(self, _: object = None) -> None:
        if not self.screen.is_active:
            return
        seen: set[str] = set()
        own: list[tuple[str, str, str]] = []
        everywhere: list[tuple[str, str, str]] = []
        for key, (node, binding, enabled, _tooltip) in self.screen.active_bindings.items():
            name = binding.id or binding.action
            if not (binding.show and enabled) or name in seen or key == NOWHERE or self._typed(key):
                continue
            seen.add(name)
            (everywhere if node is self.app else own).append((key, shown_key(key), binding.description))
        shown = (*own, *everywhere)
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def _typed(self, key: str) -> bool:
        """The focused field takes it as text; Textual leaves those keys out too, but does not know this one."""
        focused = self.screen.focused
        return key == "slash" and focused is not None and focused.check_consume_key(key, "/")

    def _spans(self) -> list[tuple[int, int, str]]:
        """Start, end and key of what fits."""
        spans = []
        x = 1
        for key, shown, label in self._shown:
            end = x + len(shown) + 1 + len(label)
            if end > self.size.width:
                break
            spans.append((x, end, key))
            x = end + 2
        return spans

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        bold = base + paint(self.app).key
        segments = [Segment(" ", base)]
        for (_start, _end, _key), (_sent, shown, label) in zip(self._spans(), self._shown, strict=False):
            segments += [Segment(shown, bold), Segment(f" {label}  ", base)]
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def on_click(self, event: events.Click) -> None:
        for start, end, key in self._spans():
            if start <= event.x < end:
                self.app.simulate_key(key)
