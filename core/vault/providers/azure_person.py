"""A login that a person does in a browser: the SDK's waiting, cancelled when the person gives up.

azure-identity opens browsers through the `webbrowser` module, which in a terminal may start a text-mode one over our
screen. An opener of ours stands first there: during a login it hands the address to the prompter, at any other time it
is the browser that was first before.
"""

from __future__ import annotations

import functools
import http.client
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

from core.errors import LoginRequired, VaultError
from core.threads import start_daemon_thread
from core.vault.provider import AuthPrompter, Dismiss
from core.vault.providers.azure_errors import AGAIN

T = TypeVar("T")

PATIENCE_S = 300
"""How long a person has in the browser; a device code brings its own time."""
POLL_S = 0.1
RELEASE_S = 1.0


class Person:
    """One login by one person."""

    def __init__(self, prompter: AuthPrompter) -> None:
        self._prompter = prompter
        self._shown: Dismiss | None = None
        self._refusal: VaultError | None = None
        self._address = ""

    def show_code(self, url: str, code: str, expires_at: datetime) -> None:
        """Called by the SDK, which then polls until its credential is closed."""
        self._shown = self._prompter.show_device_code(url, code, expires_at)

    def log_in(self, authenticate: Callable[[], T]) -> T:
        """Call what blocks until the person has logged in; LoginRequired as soon as the person gives up."""
        result: list[T] = []
        failure: list[Exception] = []
        done = threading.Event()

        def wait() -> None:
            try:
                with _opener().handing_to(self._show_address):
                    result.append(authenticate())
            except Exception as error:  # noqa: BLE001 - it is raised to the waiter
                failure.append(error)
            finally:
                done.set()

        start_daemon_thread(wait, name="azure-login")
        try:
            while not done.wait(POLL_S):
                self._check()
        except VaultError:
            self._give_up()
            raise
        finally:
            if self._shown is not None:
                self._shown.dismiss()
        if failure:
            raise failure[0]
        return result[0]

    def _show_address(self, url: str) -> None:
        """Never fails: the SDK listens already, and is told to stop by an answer only."""
        self._address = url
        redirect_uri = parse_qs(urlsplit(url).query).get("redirect_uri", [""])[0]
        try:
            self._shown = self._prompter.open_url(url, redirect_uri)
        except VaultError as error:
            self._refusal = error

    def _check(self) -> None:
        if self._refusal is not None:
            raise self._refusal
        if self._shown is None:
            return
        if self._shown.cancelled:
            raise LoginRequired("the login was cancelled", hint=AGAIN)
        if self._shown.pasted and self._address:
            raise LoginRequired(
                "the answer of Azure's login in the browser cannot be pasted",
                hint='without a browser on this machine use a credential of the type "Device code"',
            )

    def _give_up(self) -> None:
        """Answer the SDK's listener in the browser's place, so that it ends."""
        if not self._address:
            return
        query = parse_qs(urlsplit(self._address).query)
        redirect = urlsplit(query.get("redirect_uri", [""])[0])
        answer = {"error": "access_denied", "state": query.get("state", [""])[0]}
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", redirect.port, timeout=RELEASE_S)
            try:
                connection.request("GET", f"/?{urlencode(answer)}")
                connection.getresponse().read()
            finally:
                connection.close()


class _Opener(webbrowser.BaseBrowser):
    def __init__(self, usual: webbrowser.BaseBrowser | None) -> None:
        super().__init__()
        self._usual = usual
        self._thread = threading.local()
        self.basename = getattr(usual, "basename", "")
        """Of the usual browser: who looks for text-mode ones looks at this."""

    @contextmanager
    def handing_to(self, show: Callable[[str], None] | None) -> Iterator[None]:
        """In this thread, pass addresses to `show`; None: to the usual browser again."""
        before = getattr(self._thread, "show", None)
        self._thread.show = show
        try:
            yield
        finally:
            self._thread.show = before

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        show = getattr(self._thread, "show", None)
        if show is None:
            return self._usual is not None and self._usual.open(url, new, autoraise)
        with self.handing_to(None):  # a prompter may open the usual browser
            show(url)
        return True


_registering = threading.Lock()


def _opener() -> _Opener:
    with _registering:
        return _registered()


@functools.cache
def _registered() -> _Opener:
    try:
        usual: webbrowser.BaseBrowser | None = webbrowser.get()
    except webbrowser.Error:
        usual = None
    opener = _Opener(usual)
    webbrowser.register("hushpost-login", None, opener, preferred=True)
    return opener
