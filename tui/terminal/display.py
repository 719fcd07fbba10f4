"""Keeps a picture of the terminal under a Textual app and writes only the cells that changed: few bytes over SSH.

Textual writes the whole region of whatever needs repainting. `install` stands between its compositor and the driver:
each update is compared with the picture, and the picture is forgotten whenever the terminal may show something else.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, cast

from rich.color import ColorSystem
from rich.console import RenderableType
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual._context import visible_screen_stack
from textual.app import App
from textual.driver import Driver
from textual.events import Resize
from textual.filter import Monochrome, NoColor
from textual.geometry import Offset
from textual.message import Message
from textual.screen import Screen

from tui.terminal.picture import Paint, Picture

_FORGETTING = ("\x1b[?1049", "\x1b[?1047", "\x1b[?47", "\x1b[2J", "\x1b[3J", "\x1bc")
"""Changes of screen, clearing and reset: after these the terminal shows something else."""


def install(app: App[Any], *, enabled: bool = True, no_color: bool = False) -> Display:
    """Put a cell-diffing display under an app that has not been started yet."""
    return Display(app, enabled=enabled, no_color=no_color)


class Display:
    """What stands between one app and its driver."""

    def __init__(self, app: App[Any], *, enabled: bool = True, no_color: bool = False) -> None:
        self._app = app
        if no_color or app.console._color_system is None:
            # Textual's own way out of colours is a hundred greys.
            app._filters[:] = [*(one for one in app._filters if not isinstance(one, Monochrome)), NoColor()]
        self._enabled = enabled
        self._picture = Picture()
        self._stale = True
        """Set from any thread and from signal handlers; taken note of before the next frame."""
        self._cursor: Offset | None = None
        self._display_whole = app._display
        app._display = self._display  # type: ignore[method-assign]
        app.driver_class = _watched(app.driver_class, self._terminal_changed)

    @property
    def enabled(self) -> bool:
        return self._enabled

    @enabled.setter
    def enabled(self, enabled: bool) -> None:
        self._enabled = enabled
        self.repaint()

    def repaint(self) -> None:
        """Write every cell anew: something else may have drawn on the terminal."""
        self._stale = True
        self._app.refresh()

    def _terminal_changed(self) -> None:
        self._stale = True
        with suppress(RuntimeError):  # the loop has closed: nothing will be painted any more
            loop = self._app._loop
            if loop is not None:
                loop.call_soon_threadsafe(self._app.refresh)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """In place of `App._display`, with its conditions."""
        app, driver = self._app, self._app._driver
        if (
            renderable is None
            or driver is None
            or app._batch_count
            or app._closed
            or not app._running
            or app.is_headless
            or driver.is_inline
        ):
            self._display_whole(screen, renderable)
            return
        if not self._enabled or not isinstance(renderable, (LayoutUpdate, ChopsUpdate)):
            self._stale = True
            self._display_whole(screen, renderable)
            return
        try:
            cursor = app.screen.outer_size.clamp_offset(app.cursor_position)
            text = self._frame(screen, renderable)
        except Exception as error:  # noqa: BLE001 - as Textual does: a widget that cannot be drawn ends the app
            self._stale = True
            app._handle_exception(error)
        else:
            if text or cursor != self._cursor:
                self._cursor = app._previous_cursor_position = cursor
                text = f"{text}\x1b[{cursor.y + 1};{cursor.x + 1}H"
                driver.write(f"{SYNC_START}{text}{SYNC_END}" if app._sync_available else text)
                driver.flush()
        finally:
            app.post_display_hook()

    def _frame(self, screen: Screen[Any], update: LayoutUpdate | ChopsUpdate) -> str:
        compositor = screen._compositor
        width, height = compositor.size
        stale, self._stale = self._stale, False
        if stale or (width, height) != (self._picture.width, self._picture.height):
            self._picture.forget(width, height)
            self._cursor = None
            if isinstance(update, ChopsUpdate) or update.region.size != compositor.size:
                visible_screen_stack.set(self._app._background_screens)
                update = compositor.render_full_update()
        system = self._app.console._color_system or ColorSystem.TRUECOLOR
        paints = _rows(update) if isinstance(update, LayoutUpdate) else _spans(update)
        return self._picture.paint(paints, system)


def _rows(update: LayoutUpdate) -> Iterator[Paint]:
    for y, strips in enumerate(update.strips, update.region.y):
        x = update.region.x
        for strip in strips:
            yield y, x, strip
            x += strip.cell_length


def _spans(update: ChopsUpdate) -> Iterator[Paint]:
    """Each piece of a row that an update touches, whole: it is the same strip as before where nothing changed in it."""
    for y, first, last in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is not None and x < last and end > first:
                yield y, x, strip


def _watched(base: type[Driver], changed: Callable[[], None]) -> type[Driver]:
    """The driver, telling whenever the terminal may show something else than was written to it."""

    class WatchedDriver(base):  # type: ignore[valid-type, misc]
        def start_application_mode(self) -> None:
            super().start_application_mode()
            told = signal.getsignal(signal.SIGWINCH)
            if callable(told):
                # By the loop, one after the other: what interrupts another would tell its newer size first.
                asyncio.get_running_loop().add_signal_handler(signal.SIGWINCH, told, signal.SIGWINCH, None)

        def write(self, data: str) -> None:
            super().write(data)
            if any(sequence in data for sequence in _FORGETTING):
                changed()

        def send_message(self, message: Message) -> None:
            if isinstance(message, Resize):
                changed()
            super().send_message(message)

        def _get_terminal_size(self) -> tuple[int, int]:
            # Asked for at start, on resuming, and whenever the terminal says that its size changed.
            changed()
            return cast("tuple[int, int]", super()._get_terminal_size())

    WatchedDriver.__name__ = WatchedDriver.__qualname__ = base.__name__
    return WatchedDriver
