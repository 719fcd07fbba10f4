"""Waits for the redirect that ends a login in a browser: on a port of this machine, or pasted by a person."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import parse_qsl, urlsplit

from core.errors import LoginFailed, LoginRequired
from core.vault.provider import AuthPrompter

CALLBACK_PATH = "/callback"
DONE = b"<!doctype html><title>hushpost</title><p>Logged in. You can close this window and go back to the terminal."
STRAY = b"<!doctype html><title>hushpost</title><p>This address belongs to no login that is waiting."


PATIENCE_S = 300.0
"""How long a person has in the browser."""
POLL_S = 0.1


class Listening(Protocol):
    """Something that a redirect comes to, by itself or pasted."""

    def wait(self, seconds: float) -> Mapping[str, str] | None: ...

    def accept(self, address: str) -> bool: ...


def redirected(
    prompter: AuthPrompter, listening: Listening, url: str, redirect_uri: str, *, again: str
) -> Mapping[str, str]:
    """Let a person log in at `url`; the query of the redirect that ends it. `again` is the next step where none does.

    Raises LoginRequired when nobody does, LoginFailed for a pasted address of another login.
    """
    shown = prompter.open_url(url, redirect_uri)
    try:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            answer = listening.wait(POLL_S)
            if answer is not None:
                return answer
            if shown.cancelled:
                raise LoginRequired("the login in the browser was cancelled", hint=again)
            if shown.pasted and not listening.accept(shown.pasted):
                raise LoginFailed(
                    "the pasted address does not belong to this login",
                    hint=f"paste the whole address that the browser could not open; {again}",
                )
        raise LoginRequired(f"nobody logged in within {PATIENCE_S / 60:g} minutes", hint=again)
    finally:
        shown.dismiss()


class RedirectListener:
    """A port of 127.0.0.1 (0: any free one) for one login; an answer counts only with the login's `state`."""

    def __init__(self, state: str, *, port: int = 0, path: str = CALLBACK_PATH) -> None:
        self._state = state
        self._path = path
        self._answer: Mapping[str, str] | None = None
        self._answered = threading.Event()
        self._server = _Server(self, port)

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def redirect_uri(self) -> str:
        return f"http://127.0.0.1:{self.port}{self._path}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="hushpost-redirect", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self, seconds: float) -> Mapping[str, str] | None:
        """The redirect's query, if it came within this time."""
        self._answered.wait(seconds)
        return self._answer

    def accept(self, address: str) -> bool:
        """Take a redirect's address, from the browser or pasted; False when it does not belong to this login."""
        try:
            parts = urlsplit(address.strip())
        except ValueError:
            return False
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.path != self._path or query.get("state") != self._state:
            return False
        if not self._answered.is_set():
            self._answer = query
            self._answered.set()
        return True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: RedirectListener, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.listener = listener

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing on the terminal: a browser that hangs up is no event."""


class _Handler(BaseHTTPRequestHandler):
    wbufsize = 65536
    timeout = 10
    server: _Server

    def do_GET(self) -> None:
        ours = self.server.listener.accept(self.path)
        body = DONE if ours else STRAY
        with suppress(OSError):
            self.send_response(200 if ours else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            # Neither the address bar's code nor this page is for anybody else.
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the request line holds the code."""
