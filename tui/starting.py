"""What the app was started for, a workspace or a request to send, and what stands in the way of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import FileError, HushpostError
from core.settings import load_settings
from tui.foreign import visible

if TYPE_CHECKING:
    from core.session import Session
    from tui.app import HushpostApp


class Start:
    """`folder` is the workspace to open, else the one used last; `send` a request to open and send at once."""

    def __init__(self, session: Session, folder: Path | None, send: str, unread_settings: FileError | None) -> None:
        self._session = session
        self._folder = folder
        self._send = send
        self.unread_settings = unread_settings
        """Why the settings could not be read; until they can be, the app does nothing but offer that."""
        self._failed = False
        try:
            self._open()
        except HushpostError:
            self._failed = True

    def _open(self) -> None:
        session = self._session
        if self._folder is not None:
            session.open_workspace(self._folder)
        elif session.workspace is None and (known := session.registry.known()):
            session.open_workspace(known[0].path)

    def go_on(self, app: HushpostApp) -> None:
        """The app is on the screen: say what it cannot keep, then do what it was started for, or offer the cure."""
        self._say_what_is_not_kept(app)
        if self.unread_settings is not None:
            app.call_after_refresh(self._mend_settings, app)
        elif self._failed:
            app.call_after_refresh(self._open_again, app)
        elif self._send:
            app.call_after_refresh(self._open_and_send, app)

    def _say_what_is_not_kept(self, app: HushpostApp) -> None:
        paths = self._session.paths
        kept = {paths.config: "settings and consents", paths.data: "credentials", paths.state: "the history"}
        lost = [f'{kept[folder]} in "{folder}"' for folder in paths.unwritable()]
        if lost:
            text = "cannot be written, so changes are gone at the end: " + ", ".join(lost)
            app.notify(visible(text), severity="warning", markup=False, timeout=12)

    def _mend_settings(self, app: HushpostApp) -> None:
        async def read() -> None:
            load_settings(self._session.paths)

        def mended(_: None) -> None:
            self.unread_settings = None

        app.base_screen.run(read, mended, failed=lambda _: app.exit())

    def _open_again(self, app: HushpostApp) -> None:
        """Say what kept the workspace from being opened, with its cure where it has one."""

        async def open_it() -> None:
            self._open()

        app.base_screen.run(
            open_it, lambda _: app.call_later(app.action_mode, "requests"), failed=app.base_screen.show_unmended
        )

    def _open_and_send(self, app: HushpostApp) -> None:
        from tui.screens.requests import RequestsScreen

        screen = app.base_screen
        if isinstance(screen, RequestsScreen):
            screen.open_request(self._send)
            screen.action_send()
