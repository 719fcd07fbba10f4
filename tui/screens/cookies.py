"""The cookie jar of the open workspace and environment, and editing it; values are dots until they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Label, Static

from core.errors import HushpostError
from core.hosts import Origin
from core.models import Request
from core.secret import MASK, Secret
from core.sending.cookies import Cookie
from tui import keys
from tui.foreign import foreign, visible
from tui.screens.base import SessionDialog
from tui.screens.cookie_form import CookieDialog
from tui.screens.dialogs import ConfirmDialog
from tui.widgets.countdown import Clock, Ticker, utc_now
from tui.widgets.footer import KeyFooter
from tui.widgets.rows import Cell, Column, Row, Rows, Until
from tui.widgets.secret_value import SecretValue

if TYPE_CHECKING:
    from core.session import Session

_COLUMNS = (
    Column("", width=1),
    Column("Name", share=3),
    Column("Value", width=10),
    Column("Path", share=2),
    Column("   Ends", width=8),
    Column("Sent to", share=3, from_width=64),
)
_EMPTY = "No cookies yet. Answers of servers fill the jar, or n adds one."


class CookiesScreen(SessionDialog[None]):
    """With a request open, it marks what that would send, and says whether its options let it."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.COOKIES)

    def __init__(
        self, session: Session, request: Request | None = None, reference: str = "", *, now: Clock = utc_now
    ) -> None:
        super().__init__(session)
        self._request = request
        self._reference = reference
        self._now = now
        self._url = self._address()
        self._shown: dict[str, Cookie] = {}

    def _address(self) -> str:
        """Where the open request goes, as far as that is known without a secret."""
        if self._request is None:
            return ""
        try:
            return self.session.preview(self._request, self._reference).url
        except HushpostError:
            return ""

    def compose(self) -> ComposeResult:
        ticker = Ticker(self)
        with Vertical(classes="dialog", id="jar") as box:
            environment = self.session.environment or "base"
            name = self.session.workspace.name if self.session.workspace is not None else ""
            box.border_title = foreign(f"Cookies of {name}, {environment}: in memory until hushpost ends")
            yield Rows(_COLUMNS, ticker=ticker, empty=_EMPTY, now=self._now, id="cookies")
            with Horizontal(classes="details-line"):
                yield Label("Value ", classes="jar-label")
                with VerticalScroll(id="jar-value", can_focus=False):
                    yield SecretValue(ticker, now=self._now)
            yield Static("", id="jar-more", markup=False)
            yield Static("", id="jar-request", markup=False)
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one(Rows).focus()
        self._look()

    # What is shown

    @property
    def _current(self) -> Cookie | None:
        return self._shown.get(self.query_one(Rows).key or "")

    @property
    def _value(self) -> SecretValue:
        return self.query_one(SecretValue)

    def _look(self, cookie: Cookie | None = None) -> None:
        """Read the jar again; the cursor goes to a cookie, or stays."""
        jar = self.session.cookies
        sent = {one.key for one in jar.matching(self._url)}
        rows: list[Row] = []
        self._shown = {}
        domain = None
        for one in jar.all():
            if one.domain != domain:
                domain = one.domain
                rows.append(Row(f"\n{domain}", (self.session.redact(domain),), heading=True))
            key = "\n".join(one.key)
            self._shown[key] = one
            rows.append(Row(key, self._cells(one, sent=one.key in sent)))
        self.query_one(Rows).show(rows, key="\n".join(cookie.key) if cookie is not None else None)
        self.query_one("#jar-request", Static).update(foreign(self._of_request(len(sent))))
        self._say()

    def _cells(self, cookie: Cookie, *, sent: bool) -> tuple[str | Cell | Until, ...]:
        redact = self.session.redact
        where = cookie.domain if cookie.host_only else f"*.{cookie.domain}"
        return (
            Cell("→" if sent else "", "good"),
            redact(cookie.name) or "(no name)",
            Cell(MASK if cookie.value else "empty", "" if cookie.value else "muted"),
            redact(cookie.path),
            Until(cookie.expires_at, "session"),
            Cell(redact(("https " if cookie.secure else "") + where), "muted"),
        )

    def _of_request(self, count: int) -> str:
        request = self._request
        if request is None:
            return "Open a request to see which of them it would send."
        options = request.options
        sends = "sends none of them"
        if options.send_cookies and self._shown:
            sends = f"would send {count or 'none'}{' (→)' if count else ''}"
        elif options.send_cookies:
            sends = "sends what is here for its host"
        keeps = "keeps those it is set" if options.store_cookies else "keeps none that it is set"
        return f"{self._reference or 'the request'} {sends} and {keeps}; see its options"

    def _say(self) -> None:
        cookie = self._current
        self._value.hide()
        for one in (self._value, self.query_one(".jar-label")):
            one.display = cookie is not None and bool(cookie.value)
        said = ""
        if cookie is not None:
            domain = self.session.redact(cookie.domain)
            facts = [f"to {domain} alone" if cookie.host_only else f"to {domain} and hosts below it"]
            facts += ["over https or to this machine only"] if cookie.secure else []
            facts += ["HttpOnly"] if cookie.http_only else []
            names = sorted(self.session.redactor.names_in(cookie.value))
            facts += ["holds " + ", ".join(f'"{name}"' for name in names)] if names else []
            said = visible(" · ".join(facts))
        self.query_one("#jar-more", Static).update(foreign(said))
        self.refresh_bindings()

    @on(Rows.Highlighted)
    def _moved(self) -> None:
        self._say()

    @on(Rows.Over)
    def _over(self) -> None:
        self._look()

    def on_screen_suspend(self) -> None:
        self._value.hide()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted or not self.query(Rows):
            return True
        if action in ("edit", "delete", "delete_domain", "reveal"):
            return self._current is not None and (action != "reveal" or bool(self._current.value))
        return action != "clear" or bool(self._shown)

    # Doing

    def action_add(self) -> None:
        domain = self._current.domain if self._current is not None else ""
        if not domain and self._url:
            try:
                domain = Origin.of(self._url).host
            except ValueError:
                domain = ""
        dialog = CookieDialog(self.session, None, domain=domain, now=self._now)
        self.run(lambda: self.ask(dialog), self._look)

    def action_edit(self) -> None:
        if (cookie := self._current) is not None:
            dialog = CookieDialog(self.session, cookie, now=self._now)
            self.run(lambda: self.ask(dialog), self._look)

    @on(Rows.Chosen)
    def _chosen(self) -> None:
        self.action_edit()

    def action_reveal(self) -> None:
        if self._value.revealed:
            self._value.hide()
        elif (cookie := self._current) is not None:
            self._value.reveal(Secret(cookie.value))

    def action_delete(self) -> None:
        if (cookie := self._current) is not None:
            self._delete(
                f'the cookie "{cookie.name}" of "{cookie.domain}"', lambda: self.session.cookies.delete(cookie)
            )

    def action_delete_domain(self) -> None:
        if (cookie := self._current) is not None:
            count = sum(one.domain == cookie.domain for one in self._shown.values())
            many = f"all {count} cookies" if count > 1 else "the one cookie"
            self._delete(f'{many} of "{cookie.domain}"', lambda: self.session.cookies.clear(cookie.domain))

    def action_clear(self) -> None:
        count = len(self._shown)
        many = f"all {count} cookies" if count > 1 else "the one cookie"
        self._delete(f"{many} of this environment", self.session.cookies.clear)

    def _delete(self, what: str, delete: Callable[[], object]) -> None:
        async def work() -> None:
            question = self.session.redact(f"Delete {what}?")
            if await self.ask(ConfirmDialog(self.session, "Delete", question, yes="Delete", danger=True)):
                delete()
                self._look()

        self.run(work)
