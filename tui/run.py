"""Runs the app in this terminal, and the demo after it for whom chose to go on there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import FileError
from core.session import Session, open_session
from core.settings import Settings
from tui.app import DEMO, HushpostApp
from tui.prompter import DialogPrompter

if TYPE_CHECKING:
    from core.paths import Surroundings

_CAREFUL = Settings(history=False, cache_minutes=0, mouse=False)
"""While it is not known what the person set, nothing is kept."""


def run_app(
    surroundings: Surroundings,
    *,
    start: Path | None = None,
    send: str = "",
    opened: Callable[[Session], object] | None = None,
) -> int:
    """Show the app until the person quits; the exit code. `opened` is told the session before anything is shown."""
    prompter = DialogPrompter()
    unread: FileError | None = None
    try:
        session = open_session(surroundings, headless=False, prompter=prompter)
    except FileError as error:
        if error.path != surroundings.paths.settings:
            raise
        unread = error
        session = Session(surroundings, _CAREFUL, headless=False, prompter=prompter, environment=None)
    if opened is not None:
        opened(session)
    app = HushpostApp(session, start=start, send=send, unread_settings=unread)
    prompter.attach(app)
    ended = app.run(mouse=session.settings.mouse)
    if app.start.unread_settings is not None:
        raise app.start.unread_settings
    if ended == DEMO:
        from core.demo.demo import FIRST_REQUEST, Demo

        with Demo(surroundings) as demo:
            return run_app(demo.surroundings, start=demo.workspace, send=FIRST_REQUEST, opened=opened)
    return app.return_code or 0
