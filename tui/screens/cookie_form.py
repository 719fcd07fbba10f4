"""The dialog of one cookie, which takes only what a browser's jar would."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button

from core.errors import FieldError
from core.secret import Secret
from core.sending.cookies import Cookie, Refused
from core.vault.fields import FormField
from tui import keys
from tui.foreign import foreign
from tui.screens.base import SessionDialog
from tui.screens.dialogs import DialogButton
from tui.widgets.countdown import Clock, utc_now
from tui.widgets.footer import KeyFooter
from tui.widgets.form import Form

if TYPE_CHECKING:
    from core.session import Session

FIELDS = (
    FormField("name", "Name", "as the server reads it", required=True),
    FormField("value", "Value", "sent as it is: no templates; kept in memory alone", secret=True),
    FormField("domain", "Domain", "the host that it is sent to, such as api.example.com", required=True),
    FormField("path", "Path", "sent to this path and what is below it", default="/"),
    FormField(
        "expires_at",
        "Ends",
        "as 30m, 12h, 7d, or 2030-12-31 18:00 by this machine's clock; blank: when hushpost ends",
    ),
    FormField("host_only", "This host alone", "off: hosts below the domain get it too", "boolean", default="true"),
    FormField("secure", "Secure", "sent over https, or to this machine, and nowhere else", "boolean", default="false"),
    FormField("http_only", "HttpOnly", "for browsers: hidden from a page's scripts", "boolean", default="false"),
)
_SPANS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class CookieDialog(SessionDialog[Cookie]):
    """Puts the cookie into the jar of the open workspace and environment itself, so that a refusal stands by its
    field."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.DIALOG)

    def __init__(self, session: Session, cookie: Cookie | None, *, domain: str = "", now: Clock = utc_now) -> None:
        super().__init__(session)
        self._cookie = cookie
        self._domain = domain
        self._now = now

    def compose(self) -> ComposeResult:
        cookie = self._cookie
        values: dict[str, str | Secret] = {"domain": self._domain, "path": "/"}
        if cookie is not None:
            values = {
                "name": cookie.name,
                "value": Secret(cookie.value),
                "domain": cookie.domain,
                "path": cookie.path,
                "expires_at": written(cookie.expires_at),
                **{flag: "true" if getattr(cookie, flag) else "false" for flag in ("host_only", "secure", "http_only")},
            }
        with Vertical(classes="dialog wide vault") as box:
            box.border_title = foreign(f'Edit the cookie "{cookie.name}"' if cookie is not None else "Add a cookie")
            yield Form(FIELDS, values)
            with Horizontal(classes="dialog-buttons"):
                yield DialogButton("Save", id="yes")
                yield DialogButton("Cancel", id="no")
        yield KeyFooter()

    def on_mount(self) -> None:
        form = self.query_one(Form)
        if self._cookie is None:
            form.focus_first()
        else:
            form.row("value").control.focus()

    def on_resize(self, event: events.Resize) -> None:
        self.query_one(Form).fit(event.size.height - 8)

    @on(Form.Submitted)
    def _submitted(self) -> None:
        """Enter on the name of a new cookie goes on to its value while that is empty, which is rarely meant."""
        form = self.query_one(Form)
        if self._cookie is None and form.row("name").control.has_focus and form.texts["value"] == Secret(""):
            form.row("value").control.focus()
        else:
            self._take()

    def _take(self) -> None:
        form = self.query_one(Form)
        try:
            cookie = self._made(form.texts)
            self.session.cookies.edit(self._cookie, cookie)
        except FieldError as error:
            form.show_problems(error.fields)
        except Refused as refused:
            form.show_problems({refused.field or "name": str(refused)})
        else:
            self.dismiss(cookie)

    def _made(self, texts: dict[str, str | Secret]) -> Cookie:
        value, ends = texts["value"], str(texts["expires_at"]).strip()
        before = self._cookie.expires_at if self._cookie is not None else None
        return Cookie(
            str(texts["name"]).strip(),
            value.reveal() if isinstance(value, Secret) else value,
            str(texts["domain"]).strip(),
            str(texts["path"]).strip() or "/",
            before if ends == written(before) else moment_of(ends, self._now()),
            secure=texts["secure"] == "true",
            http_only=texts["http_only"] == "true",
            host_only=texts["host_only"] == "true",
        )

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "yes":
            self._take()
        else:
            self.dismiss(None)


def written(at: datetime | None) -> str:
    """A moment as the field has it, to the minute; blank for none."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M") if at is not None else ""


def moment_of(text: str, now: datetime) -> datetime | None:
    """What was typed as a cookie's end; FieldError for what means nothing."""
    if not text:
        return None
    if span := re.fullmatch(r"(\d{1,9})\s*([smhd])", text.lower()):
        try:
            return now + timedelta(**{_SPANS[span[2]]: int(span[1])})
        except OverflowError:
            pass
    try:
        return datetime.fromisoformat(text).astimezone(now.tzinfo)
    except (ValueError, OverflowError):
        problem = "30m, 12h, 7d or a date such as 2030-12-31 18:00 is needed"
        raise FieldError("the cookie cannot be saved as it is", fields={"expires_at": problem}) from None
