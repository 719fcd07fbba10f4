"""How a login asks the person at the app: dialogs, opened from the provider's thread, which waits for the answer."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from core.errors import LoginRequired
from core.threads import start_daemon_thread
from tui.screens.prompts import BrowserDialog, CodeDialog, DeviceCodeDialog, PromptDialog

if TYPE_CHECKING:
    from tui.app import HushpostApp

T = TypeVar("T")


class DialogPrompter:
    """An `AuthPrompter`; made before the app, since the session needs it, and useless until `attach`."""

    def __init__(self) -> None:
        self._app: HushpostApp | None = None

    def attach(self, app: HushpostApp) -> None:
        self._app = app

    def ask_code(self, title: str, message: str) -> str:
        answer: Future[str | None] = Future()
        self._in_app(lambda app: app.push_screen(CodeDialog(app.session, title, message), callback=answer.set_result))
        code = answer.result()
        if code is None:
            raise _refusal("no code was given")
        return code

    def show_device_code(self, url: str, code: str, expires_at: datetime) -> Shown:
        return self._show(lambda app: DeviceCodeDialog(app.session, url, code, expires_at))

    def open_url(self, url: str, redirect_uri: str) -> Shown:
        surroundings = self._attached().session.surroundings
        display = surroundings.has_display or sys.platform == "darwin"
        opened = display and not surroundings.over_ssh and _open_browser(url)
        return self._show(lambda app: BrowserDialog(app.session, url, redirect_uri, opened=opened))

    def _show(self, make: Callable[[HushpostApp], PromptDialog]) -> Shown:
        def push(app: HushpostApp) -> Shown:
            dialog = make(app)
            shown = Shown(self, dialog)
            app.push_screen(dialog, callback=shown.closed)
            return shown

        return self._in_app(push)

    def _attached(self) -> HushpostApp:
        if self._app is None or not self._app.is_running:
            raise _refusal("the app is not running")
        return self._app

    def _in_app(self, function: Callable[[HushpostApp], T]) -> T:
        """Call in the app's own thread and wait for the result."""
        app = self._attached()

        try:
            return app.call_from_thread(function, app)
        except RuntimeError as error:
            raise _refusal("the app is closing") from error

    def close(self, dialog: PromptDialog) -> None:
        if self._app is not None and self._app.is_running:
            self._in_app(lambda _: dialog.finish())


class Shown:
    """A dialog that stays while a login waits; read and dismissed from the login's thread."""

    def __init__(self, prompter: DialogPrompter, dialog: PromptDialog) -> None:
        self._prompter = prompter
        self._dialog = dialog
        self._gone = False

    def closed(self, _: object) -> None:
        self._gone = True

    @property
    def cancelled(self) -> bool:
        return self._gone and not self._dialog.finished

    @property
    def pasted(self) -> str | None:
        return self._dialog.pasted

    def dismiss(self) -> None:
        if not self._gone:
            self._prompter.close(self._dialog)


def _refusal(why: str) -> LoginRequired:
    return LoginRequired(f"the login was not finished: {why}", hint="log in again from the credentials")


def _open_browser(url: str) -> bool:
    """Have the desktop open its browser, which must write nothing over the screen."""
    opener = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if opener is None or not url.startswith(("http://", "https://")):
        return False
    try:
        process = subprocess.Popen(  # noqa: S603
            [opener, url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    start_daemon_thread(process.wait, name="browser")
    return True
