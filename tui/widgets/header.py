"""The top line: which workspace and environment, the modes, the lock, and how long cached secrets live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from core.errors import HushpostError
from tui.environment_color import COLORS
from tui.foreign import shortened, visible
from tui.themes import paint

if TYPE_CHECKING:
    from core.session import Session

MODES = (
    ("workspaces", "2", "Workspaces", "Work"),
    ("requests", "3", "Requests", "Req"),
    ("environments", "4", "Environments", "Env"),
    ("credentials", "5", "Credentials", "Cred"),
    ("history", "6", "History", "Hist"),
    ("runner", "7", "Runner", "Run"),
    ("settings", "8", "Settings", "Set"),
)
"""Mode, its plain key, its name, and its name where there is little room."""


def clock(seconds: float) -> str:
    """`12:04`, or `1:02:09` from an hour on."""
    whole = max(0, int(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


class StatusHeader(Widget, can_focus=False):
    """One line that looks at the session when told, and once a second while there are secrets to count down."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "StatusHeader { dock: top; height: 1; color: $foreground; background: $panel; }"

    def __init__(self, session: Session, mode: str) -> None:
        super().__init__()
        self.session = session
        self.mode = mode
        self._left: tuple[str, str, str] = ("", "", "")
        """Workspace, environment, its colour."""
        self._lock = ""
        self._cache = ""
        self._run = ""
        self._modes_at: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        self._timer = self.set_interval(1, self._tick, pause=True)
        self.look()

    def look(self) -> None:
        """Read everything again; the countdown runs only while there is something to count."""
        session = self.session
        workspace = session.workspace
        name = visible(workspace.name) if workspace is not None else "no workspace"
        environment = session.environment or ("base" if workspace is not None else "")
        left = (name, visible(environment), self._color())
        lock = "unlocked" if session.store.unlocked else "locked" if session.store.exists else "no store"
        cache = self._cache_text()
        run: str = getattr(self.app, "run_status", "")
        if (left, lock, cache, run) != (self._left, self._lock, self._cache, self._run):
            self._left, self._lock, self._cache, self._run = left, lock, cache, run
            self.refresh()
        if cache and self.screen.is_active:
            self._timer.resume()
        else:
            self._timer.pause()

    def _color(self) -> str:
        workspace, environment = self.session.workspace, self.session.environment
        if workspace is None or environment is None:
            return ""
        try:
            color = workspace.load_environment(environment).color or ""
        except HushpostError:
            return ""
        return COLORS.get(color, color)

    def _cache_text(self) -> str:
        entries = self.session.cached()
        if not entries:
            return ""
        return f"{len(entries)} cached {clock(min(entry.remaining_s for entry in entries))}"

    def _tick(self) -> None:
        if not self.screen.is_active:
            self._timer.pause()
            return
        before, self._cache = self._cache, self._cache_text()
        if self._cache == before:
            return
        if len(self._cache) != len(before):
            self.look()
            self.refresh()
            return
        start, end = self._cache_span()
        self.refresh(Region(start, 0, end - start, 1))

    def _cache_span(self) -> tuple[int, int]:
        end = self.size.width - len(self._lock) - 2
        return end - len(self._cache), end

    def _modes(self, width: int) -> list[tuple[str, str]]:
        """Mode and text of what fits into a width."""
        names = [(mode, f" {key} {name} ") for mode, key, name, _ in MODES]
        short = [(mode, f" {key} {name} ") for mode, key, _, name in MODES]
        tight = [(mode, f" {key} {name} " if mode == self.mode else f" {key}{name}") for mode, key, _, name in MODES]
        digits = [(mode, f" {key} {name} " if mode == self.mode else f" {key} ") for mode, key, _, name in MODES]
        for texts in (names, short, tight, digits):
            if sum(len(text) for _, text in texts) <= width:
                return texts
        return [entry for entry in digits if entry[0] == self.mode and len(entry[1]) <= width]

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        base, ink = self.rich_style, paint(self.app)
        right = [text for text in (self._run, self._cache, self._lock) if text]
        right_width = sum(len(text) + 1 for text in right)
        name, environment, color = self._left
        room = max(10, width - right_width - (9 if width < 70 else 22 if width < 120 else 66))
        badge_text = f" {shortened(environment, max(4, room // 2))} " if environment else ""
        name = shortened(name, max(6, room - len(badge_text) - 3))
        segments = [Segment(f" {name} ", base + Style(bold=True))]
        if badge_text:
            segments.append(Segment(badge_text, self._badge(color, base)))
        x = sum(segment.cell_length for segment in segments)
        self._modes_at = []
        for mode, shown in self._modes(width - right_width - x - 1):
            segments.append(Segment(shown, base + (ink.cursor if mode == self.mode else ink.muted)))
            self._modes_at.append((x, x + len(shown), mode))
            x += len(shown)
        segments.append(Segment(" " * max(0, width - x - right_width), base))
        for text in right:
            segments.append(Segment(text, base + (ink.warning if text in ("unlocked", self._run) else ink.muted)))
            segments.append(Segment(" ", base))
        return Strip(segments).adjust_cell_length(width, base)

    def _badge(self, color: str, base: Style) -> Style:
        if not color:
            return base + Style(reverse=True)
        from textual.color import Color, ColorParseError

        try:
            parsed = Color.parse(color)
        except ColorParseError:
            return base + Style(reverse=True)
        return base + Style(color=parsed.get_contrast_text(1.0).rich_color, bgcolor=parsed.rich_color, bold=True)

    def on_click(self, event: events.Click) -> None:
        for start, end, mode in self._modes_at:
            if start <= event.x < end:
                self.app.call_later(self.app.run_action, f"app.mode('{mode}')")
