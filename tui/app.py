"""The app: modes, global keys, and the last resort when something breaks."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from time import monotonic, time
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events
from textual.app import App
from textual.binding import BindingType
from textual.screen import Screen

from core.errors import FileError, HushpostError
from core.settings import load_settings
from tui import keys, remapping, themes
from tui.foreign import visible
from tui.history_watch import HistoryWatch
from tui.starting import Start
from tui.stylesheet import OnceParsed
from tui.terminal import display, interpreter, keyboard
from tui.terminal.ending import end_on_signals, has_shell
from tui.typeahead import Typeahead

if TYPE_CHECKING:
    from core.session import Session
    from tui.screens.base import SessionScreen

MODES = {
    "workspaces": "WorkspacesScreen",
    "requests": "RequestsScreen",
    "environments": "EnvironmentsScreen",
    "credentials": "CredentialsScreen",
    "history": "HistoryScreen",
    "runner": "RunnerScreen",
    "settings": "SettingsScreen",
}
"""Mode and the class in `tui.screens.MODE` that shows it, imported when it is first gone to."""

DEMO = "demo"
"""What the app ends with when the person chose to go on in the demo."""

_SETTLED_S = 0.5
"""From the start until there is time for what is not needed yet."""
_READ_S = 2.0
"""After this long a notice goes at the next key."""

_NEEDS_WORKSPACE = ("requests", "environments", "runner")


class HushpostApp(App[str], inherit_bindings=False):
    """One session on the screen.

    Without `start` it opens the workspace used last; `send` is a request to open and send at once.
    """

    TITLE = "hushpost"
    # All of them, so that going to a mode for the first time parses and matches nothing anew.
    CSS_PATH = [
        "app.tcss",
        "vault.tcss",
        "screens/requests.tcss",
        "screens/workspaces.tcss",
        "screens/history.tcss",
        "screens/runner.tcss",
    ]
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.APP)
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        session: Session,
        *,
        start: Path | None = None,
        send: str = "",
        unread_settings: FileError | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.session = session
        self._clock = clock
        self.run_status = ""
        """How far a run is, in the header of every mode; empty without one."""
        self.start = Start(session, start, send, unread_settings)
        self.DEFAULT_MODE = "requests" if session.workspace is not None else "workspaces"  # type: ignore[misc]
        super().__init__()
        self.stylesheet = OnceParsed(variables=self.get_css_variables())
        for mode, screen in MODES.items():
            self.add_mode(mode, self._screen_factory(mode, screen))
        for theme in themes.THEMES:
            self.register_theme(theme)
        self._take_theme()
        animations = session.settings.animations
        if animations == "off" or (animations == "auto" and session.surroundings.over_ssh):
            self.animation_level = "none"
        keyboard.install()
        self.cell_display = display.install(
            self, enabled=session.settings.cell_display, no_color=session.surroundings.no_color
        )
        self.typeahead = Typeahead(self)
        self._history: HistoryWatch | None = None
        self._last_input = self._clock()
        self._asked_to_quit = False

    def _screen_factory(self, mode: str, screen: str) -> Callable[[], Screen[Any]]:
        return lambda: cast("Screen[Any]", getattr(import_module(f"tui.screens.{mode}"), screen)(self.session))

    def on_mount(self) -> None:
        if not self.is_headless:
            end_on_signals(self)
            self.call_after_refresh(interpreter.started)
            self.set_timer(_SETTLED_S, interpreter.load_ahead)
        self.apply_keys()
        self.set_interval(20, self.lock_when_idle)
        self._history = HistoryWatch(self)
        self.start.go_on(self)

    async def on_unmount(self) -> None:
        if self._history is not None:
            self._history.end()
        await self.session.close()

    def _take_theme(self) -> None:
        wanted = self.session.settings.theme
        system = self.console._color_system
        no_color = self.session.surroundings.no_color
        self.theme = themes.fitting(wanted if wanted in self.available_themes else "", system, no_color=no_color)

    # What screens tell the app

    def apply_keys(self) -> None:
        """Take the keys of the settings; what cannot be used is told and its default stays."""
        usable, problems = remapping.keymap(self.session.settings.keys)
        self.set_keymap(usable)
        for problem in problems:
            self.notify(visible(problem), title="Keys", severity="warning", markup=False, timeout=10)

    def settings_changed(self, *names: str) -> None:
        """Show what these settings say from now on."""
        if "theme" in names:
            self._take_theme()
        if "keys" in names:
            self.apply_keys()

    def settings_mended(self) -> None:
        """Take the settings as they stand in their file by now."""
        self.session.use_settings(load_settings(self.session.paths))
        self.settings_changed("theme", "keys")

    def on_app_focus(self) -> None:
        screen = self.screen_of(self.current_mode)
        if screen is not None and screen.is_mounted:
            screen.mode_entered()

    def status_changed(self) -> None:
        """Something the header shows may have changed."""
        for screen in self.screen_stack:
            look = getattr(screen, "status_changed", None)
            if look is not None:
                look()

    def tell_run(self, status: str) -> None:
        if status != self.run_status:
            self.run_status = status
            self.status_changed()

    @property
    def base_screen(self) -> SessionScreen[Any]:
        """The mode's own screen, below any dialog."""
        return cast("SessionScreen[Any]", self.screen_stack[0])

    # Global keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Under a dialog only its own keys work, so that no key acts on what cannot be seen."""
        return not (action in _GLOBAL and len(self.screen_stack) > 1)

    async def action_mode(self, mode: str) -> None:
        if mode == self.current_mode:
            return
        if mode in _NEEDS_WORKSPACE and self.session.workspace is None:
            self.notify("open or create a workspace first", severity="warning", markup=False)
            return
        await self.switch_mode(mode)
        if self.base_screen.is_mounted:
            self.base_screen.mode_entered()

    def action_help(self) -> None:
        from tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.session, self.screen))

    def action_environment(self) -> None:
        from tui.commands import choose_environment

        self.base_screen.run(lambda: choose_environment(self.base_screen))

    def action_find(self) -> None:
        from tui.commands import find_request

        self.base_screen.run(lambda: find_request(self.base_screen))

    def action_jump(self) -> None:
        from tui.screens.jump import JumpScreen

        def go(way: Callable[[], object] | None) -> None:
            if way is not None:
                way()

        self.push_screen(JumpScreen(self.base_screen), go)

    def action_palette(self) -> None:
        from tui.palette import palette

        self.base_screen.run(lambda: palette(self))

    def action_allowed(self) -> None:
        from tui.screens.allowed import AllowedDialog

        if self.session.workspace is None:
            self.notify("open or create a workspace first", severity="warning", markup=False)
        else:
            self.push_screen(AllowedDialog(self.session))

    def action_lock(self) -> None:
        from tui.cures import unlock

        if self.session.store.unlocked:
            self.session.lock()
            self.notify("locked: the key, logins and cached secrets are gone from memory", markup=False)
            self.status_changed()
            self.base_screen.session_resumed()
        else:
            self.base_screen.run(lambda: unlock(self.base_screen))

    def action_repaint(self) -> None:
        self.cell_display.repaint()

    def action_suspend(self) -> None:
        if has_shell():
            self.action_suspend_process()
        else:
            self.notify("no shell with job control started the app", severity="warning", markup=False)

    def action_quit_or_copy(self) -> None:
        text = self.screen.get_selected_text()
        if text:
            self.copy_to_clipboard(text)
            self.screen.clear_selection()
        else:
            self.action_ask_quit()

    def action_ask_quit(self) -> None:
        from tui.screens.dialogs import ConfirmDialog

        if self._asked_to_quit:
            # Pressed twice, faster than the dialog comes up.
            self.exit()
            return
        if not self.leave_workspace_allowed(self.exit):
            return
        self._asked_to_quit = True

        async def ask() -> None:
            dialog = ConfirmDialog(self.session, "Quit?", "Quit hushpost?", yes="Quit", again="ctrl+c,q")
            try:
                if await self.base_screen.ask(dialog):
                    self.exit()
            finally:
                self._asked_to_quit = False

        self.base_screen.run(ask)

    def leave_workspace_allowed(self, then: Callable[[], object]) -> bool:
        """Whether no mode holds unsaved edits; else it asks about them and calls `then` when they are dealt with."""
        return all(screen.leave_workspace_allowed(then) for mode in MODES if (screen := self.screen_of(mode)))

    def keep_unsaved(self) -> None:
        """Write unsaved edits down for the next start, since nobody can be asked about them."""
        for mode in MODES:
            screen = self.screen_of(mode)
            if screen is not None and screen.is_mounted:
                with suppress(OSError, HushpostError):
                    screen.keep_unsaved()

    def end(self, code: int) -> None:
        """End without a question."""
        self.keep_unsaved()
        self.exit(return_code=code)

    def screen_of(self, mode: str) -> SessionScreen[Any] | None:
        """A mode's own screen, if the mode was gone to."""
        stack = self._screen_stacks.get(mode)
        return cast("SessionScreen[Any]", stack[0]) if stack else None

    def copy_to_clipboard(self, text: str) -> None:
        """Copy what is selected or cut, by the way the settings name; the app's own paste has it at once."""
        from tui.terminal.clipboard import copy

        self._clipboard = text

        async def say() -> None:
            self.base_screen.tell(await copy(self, self.session, text))

        self.base_screen.run(say)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.InputEvent):
            self._last_input = self._clock()
        if isinstance(event, events.Key):
            self._take_notices_away()
        typed = isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded
        if not (typed and self.typeahead.keeps(event)):
            await super().on_event(event)

    # Idle lock

    def _take_notices_away(self) -> None:
        """What was told in passing and could be read by now covers nothing of what is typed next."""
        for notice in list(self._notifications):
            if notice.severity != "error" and time() - notice.raised_at > _READ_S:
                self._unnotify(notice)

    def lock_when_idle(self) -> None:
        """Lock the store when no key was pressed for as long as the settings say."""
        minutes = self.session.settings.lock_after_minutes
        if self.run_status:
            # Whoever let many requests run wants them to end; it locks at the next look after the run.
            return
        if minutes and self.session.store.unlocked and self._clock() - self._last_input > minutes * 60:
            self.session.lock()
            self.notify(f"locked after {minutes} minutes without a key", markup=False, timeout=60)
            self.status_changed()
            self.base_screen.session_resumed()

    # Last resort

    def _fatal_error(self) -> None:
        """A bug: end with a redacted message. Textual's own traceback prints local variables, which hold secrets."""
        from rich.text import Text

        self.keep_unsaved()
        self.bell()
        text = self.session.redact(traceback.format_exc())
        self._exit_renderables.append(Text(f"hushpost stopped because of a bug in it:\n\n{visible(text, lines=True)}"))
        self._close_messages_no_wait()


_GLOBAL = ("mode", "help", "environment", "find", "jump", "allowed", "lock", "palette", "ask_quit", "quit_or_copy")
