"""An app with nothing but a response, for tests and measurements: `python response_app.py FILE [MEDIA-TYPE]`."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from textual import on
from textual.app import App, ComposeResult

from core.exchange import CheckResult, Exchange, Hop, ReceivedBody, Response, Shown, Timing
from core.redactor import Redactor
from core.secret import MASK, Secret
from tui import themes
from tui.messages import Notice
from tui.terminal.display import install
from tui.terminal.pager import show_in_pager
from tui.widgets.line_input import LineInput
from tui.widgets.response_view import ResponseView

SECRET = "s3cr3t-value-of-the-vault"


def exchange(
    body: bytes | ReceivedBody = b"", media: str = "application/json", *, status: int = 200, **more: Any
) -> Exchange:
    received = body if isinstance(body, ReceivedBody) else ReceivedBody.of(body)
    response = Response(
        status,
        "OK" if status == 200 else "Not Found",
        "HTTP/1.1",
        (
            ("Content-Type", media),
            ("Set-Cookie", "session=abc; Path=/; HttpOnly"),
            ("X-Echo", f"Bearer {SECRET}"),
            ("X-Bad", "red \x1b[31m and \u202e turned"),
        ),
        received,
        truncated=more.pop("truncated", None),
    )
    return Exchange(
        id="1",
        reference="payments/create",
        environment="production",
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        method="POST",
        shown=Shown(
            "https://api.example.com/payments?key={{stripe_key}}",
            (("Authorization", f"Bearer {MASK}"), ("Accept", "application/json")),
            '{"amount": 100}',
        ),
        secrets_used=("stripe_key",),
        timing=Timing(total_ms=124.2, connect_ms=12.5, tls_ms=30.1, first_byte_ms=75.0, download_ms=6.4),
        response=response,
        hops=(Hop("POST", "https://old.example.com/", 307, "https://api.example.com/", ("Authorization",)),),
        notes=("the secret was fetched anew after a 401",),
        checks=(CheckResult("status equals 200", True), CheckResult("json $.id exists", False, "nothing there")),
        captured={"payment_id": "42", "token": Secret(SECRET)},
        **more,
    )


def redactor() -> Redactor:
    made = Redactor()
    made.add("stripe_key", Secret(SECRET))
    return made


class ResponseApp(App[None]):
    """`ResponseView` with a field above it to type in."""

    CSS = "Screen { background: $background; color: $foreground; } ResponseView { height: 1fr; }"

    def __init__(self, first: Exchange | None = None, *, slow_line: bool = True) -> None:
        super().__init__()
        self.slow_line = slow_line
        install(self)
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.theme = themes.DEFAULT
        self.first = first
        self.copied: list[str] = []
        self.told: list[str] = []
        self.view = ResponseView(copy=self.copy, page=lambda document: show_in_pager(self, "", document, redactor()))

    def compose(self) -> ComposeResult:
        yield LineInput(placeholder="type here", id="field")
        yield self.view

    def on_mount(self) -> None:
        if self.slow_line:
            self.animation_level = "none"
        if self.first is not None:
            self.view.show(self.first, redactor())

    async def copy(self, text: str) -> str:
        self.copied.append(text)
        return "copied"

    @on(Notice)
    def _told(self, event: Notice) -> None:
        self.told.append(event.text)
        self.notify(event.text, markup=False, severity="warning" if event.warning else "information")

    def on_input_submitted(self) -> None:
        """Enter in the field shows the answer anew."""
        if self.first is not None:
            self.view.show(self.first, redactor())


if __name__ == "__main__":
    file = Path(sys.argv[1])
    media_type = sys.argv[2] if len(sys.argv) > 2 else "application/json"
    opened = file.open("rb")
    ResponseApp(exchange(ReceivedBody(opened, os.fstat(opened.fileno()).st_size), media_type)).run()
