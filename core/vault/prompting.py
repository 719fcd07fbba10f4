"""Who answers a login's questions: nobody in headless runs, else a person, whose time does not count as the vault's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NoReturn

from core.errors import LoginRequired
from core.vault.provider import AuthPrompter, Dismiss


class RefusingPrompter:
    """For headless runs: every question is refused, with the way to log in."""

    def ask_code(self, title: str, message: str) -> NoReturn:
        raise self._refusal("a one-time code")

    def show_device_code(self, url: str, code: str, expires_at: datetime) -> NoReturn:
        raise self._refusal("a person at a browser")

    def open_url(self, url: str, redirect_uri: str) -> NoReturn:
        raise self._refusal("a person at a browser")

    def _refusal(self, what: str) -> LoginRequired:
        return LoginRequired(
            f"the login needs {what}, and nobody can be asked here",
            hint="use a credential that logs in by itself, or run `hushpost credential login {credential}`",
        )


class WorkingTime:
    """Seconds since its making without those in which a person was asked; a login's thread and its waiters share it."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._started = monotonic()
        self._asked = 0.0
        self._asking = 0
        self._asking_since = 0.0
        self.abandoned = False
        """Nobody waits for the login any more; what it shows to a person counts as cancelled."""

    @property
    def asking(self) -> bool:
        return self._asking > 0

    def seconds(self) -> float:
        with self._lock:
            now = self._monotonic()
            asking = now - self._asking_since if self._asking else 0.0
            return now - self._started - self._asked - asking

    def begin_asking(self) -> None:
        with self._lock:
            if self._asking == 0:
                self._asking_since = self._monotonic()
            self._asking += 1

    def end_asking(self) -> None:
        with self._lock:
            self._asking -= 1
            if self._asking == 0:
                self._asked += self._monotonic() - self._asking_since

    @contextmanager
    def paused(self) -> Iterator[None]:
        self.begin_asking()
        try:
            yield
        finally:
            self.end_asking()


class TimedPrompter:
    """Passes questions on to another prompter and keeps the person's time out of the login's."""

    def __init__(self, inner: AuthPrompter, working: WorkingTime) -> None:
        self._inner = inner
        self._working = working

    def ask_code(self, title: str, message: str) -> str:
        self._check_wanted()
        with self._working.paused():
            return self._inner.ask_code(title, message)

    def show_device_code(self, url: str, code: str, expires_at: datetime) -> Dismiss:
        return self._shown(lambda: self._inner.show_device_code(url, code, expires_at))

    def open_url(self, url: str, redirect_uri: str) -> Dismiss:
        return self._shown(lambda: self._inner.open_url(url, redirect_uri))

    def _shown(self, show: Callable[[], Dismiss]) -> Dismiss:
        self._check_wanted()
        self._working.begin_asking()
        try:
            return _TimedDismiss(show(), self._working)
        except BaseException:
            self._working.end_asking()
            raise

    def _check_wanted(self) -> None:
        if self._working.abandoned:
            raise LoginRequired("the login was given up before a person was asked")


class _TimedDismiss:
    def __init__(self, inner: Dismiss, working: WorkingTime) -> None:
        self._inner = inner
        self._working = working
        self._dismissed = False

    @property
    def cancelled(self) -> bool:
        return self._working.abandoned or self._inner.cancelled

    @property
    def pasted(self) -> str | None:
        return self._inner.pasted

    def dismiss(self) -> None:
        if not self._dismissed:
            self._dismissed = True
            self._working.end_asking()
        self._inner.dismiss()
