"""All about one linked secret but its value, which is shown for ten seconds on a key and copied after a question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from rich.cells import chop_cells
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Label, Static

from core.models import Variable
from core.secret import MASK, Secret
from core.vault.config import PROVIDERS, AnyLink
from core.vault.fields import texts
from tui import keys
from tui.foreign import foreign, visible
from tui.screens.dialogs import ConfirmDialog
from tui.screens.link import link_fields, link_variable
from tui.screens.variable_rows import Look
from tui.screens.work_dialog import StatusLine, WorkDialog
from tui.terminal.clipboard import copy
from tui.widgets.countdown import Clock, Countdown, Ticker, utc_now
from tui.widgets.footer import KeyFooter
from tui.widgets.secret_value import SecretValue

if TYPE_CHECKING:
    from core.session import Session
    from core.vault.cache import CacheEntry, Use
    from core.vault.service import LoginState, SecretInfo

NOT_FETCHED = "not fetched; press r to fetch it"


class SecretDetailsScreen(WorkDialog[Variable]):
    """Of one linked variable; dismissed with the variable when it was linked anew. `save` stores it."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.DETAILS)

    def __init__(
        self,
        session: Session,
        name: str,
        variable: Variable,
        save: Callable[[Variable], None],
        *,
        now: Clock = utc_now,
    ) -> None:
        super().__init__(session)
        self._now = now
        self._variable_name = name
        self._variable = variable
        self._save = save
        self._changed = False
        self._info: SecretInfo | None = None

    @property
    def _link(self) -> AnyLink:
        link = self._variable.link
        if link is None:
            raise TypeError(self._variable_name)
        return link

    def compose(self) -> ComposeResult:
        ticker = Ticker(self)
        with Vertical(classes="dialog", id="details") as box:
            box.border_title = foreign(f'Linked secret "{self._variable_name}"')
            with Horizontal(classes="details-line"):
                yield Label("Value", classes="details-label")
                with VerticalScroll(id="value", can_focus=False):
                    yield SecretValue(ticker, now=self._now)
            with Horizontal(classes="details-line"):
                yield Label("Expires in", classes="details-label")
                yield Countdown(ticker, left_aligned=True, now=self._now, id="expires")
                yield Static("", id="expires-at", markup=False)
            with VerticalScroll(id="details-rows"):
                yield Static("", id="rows", markup=False)
            yield StatusLine()
        yield KeyFooter()

    def on_resize(self, event: events.Resize) -> None:
        self.query_one("#details-rows").styles.max_height = max(3, event.size.height - 7)
        self.call_after_refresh(self._draw)

    def on_mount(self) -> None:
        self.query_one("#details-rows").focus()
        self._look()

    # What is known

    def _cached(self) -> CacheEntry | None:
        return Look(self.session).cached(self._link)

    def _look(self) -> None:
        """Show what is known; the vault is asked only where the answer is in the cache."""
        if self._cached() is not None:
            self.work(
                "looking",
                lambda: self.session.details(self._variable_name, self._variable),
                self._known,
                cures=False,
            )
        else:
            self._show()

    def _known(self, info: SecretInfo) -> None:
        self._info = info
        self._show()

    def _show(self) -> None:
        info = self._info
        countdown = self.query_one("#expires", Countdown)
        entry = self._cached()
        expires_at = entry.expires_at if entry is not None else None
        at = self.query_one("#expires-at", Static)
        if expires_at is not None:
            countdown.count_to(expires_at, idle="over")
            at.update(f"at {moment(expires_at)}")
        else:
            countdown.count_to(None, idle="-")
            at.update("not in memory" if info is None else "not kept in memory: it is fetched each time")
        self._draw()
        self.refresh_bindings()

    def _draw(self) -> None:
        room = self.query_one("#details-rows").size.width
        if not room:
            # Not laid out yet, which ends in a resize.
            return
        rows = self._rows()
        label_width = max(len(label) for label, _ in (*rows, ("Expires in", ""))) + 2
        for label in self.query(".details-label"):
            label.styles.width = label_width
        width = max(10, room - label_width - 1)
        lines = []
        for name, text in rows:
            folded = chop_cells(visible(text), width) or [""]
            lines.append(
                Content.styled(name.ljust(label_width), "dim")
                + (folded[0] or Content.styled("-" if name else "", "dim"))
            )
            lines += [Content(" " * label_width + rest) for rest in folded[1:]]
        self.query_one("#rows", Static).update(Content("\n").join(lines))

    def _rows(self) -> list[tuple[str, str]]:
        """Label and text of each line; an empty pair is an empty line."""
        link, info = self._link, self._info
        bound = self.session.consent.binding(link.credential)
        login = self.session.login_state(bound) if bound is not None else None
        identity = info.identity if info is not None else login.identity if login is not None else ""
        rows = [
            ("Provider", PROVIDERS[link.provider][0]),
            ("Credential", link.credential + _whose(link.credential, bound, login)),
            ("Identity", identity or "known after a login"),
            ("", ""),
        ]
        shown = texts(link)
        for field in link_fields(type(link)):
            value = shown[field.name]
            text = value if isinstance(value, str) else MASK
            rows.append(
                (field.label, {"true": "yes", "false": "no"}.get(text, text) if field.kind == "boolean" else text)
            )
        rows.append(("", ""))
        if info is None:
            rows.append(("Resolved", NOT_FETCHED))
        else:
            rows += [
                ("Resolved ID", info.resolved_id),
                ("Fetched version", info.version),
                *([("Stages", ", ".join(info.stages))] if info.stages else []),
                ("Created", moment(info.created) if info.created is not None else ""),
                ("Fetched at", moment(info.fetched_at)),
                *(("Note", note) for note in info.notes),
            ]
        rows += used(info.uses if info is not None else ())
        return rows

    @on(Countdown.Over)
    def _over(self) -> None:
        self._value_shown.hide()
        self._show()
        self.hushpost.status_changed()

    # Doing

    def action_refresh(self) -> None:
        self._value_shown.hide()
        self.work(
            "fetching",
            lambda: self.session.details(self._variable_name, self._variable, fresh=True),
            self._known,
            long=True,
        )

    def action_reveal(self) -> None:
        if self._value_shown.revealed:
            self._value_shown.hide()
            return
        self.work(
            "fetching", lambda: self.session.reveal(self._variable_name, self._variable), self._revealed, long=True
        )

    def _revealed(self, secret: Secret) -> None:
        self._value_shown.reveal(secret)
        self._look()

    @property
    def _value_shown(self) -> SecretValue:
        return self.query_one(SecretValue)

    def on_screen_suspend(self) -> None:
        self._value_shown.hide()

    def action_copy(self) -> None:
        self.run(self._copy)

    async def _copy(self) -> None:
        question = (
            f'Copy the value of "{self._variable_name}" to the clipboard?\n\n'
            "Other programs, and the history of a clipboard tool, can read it there."
        )
        if await self.ask(ConfirmDialog(self.session, "Copy the secret", question, yes="Copy", danger=True)):
            secret = await self.session.reveal(self._variable_name, self._variable)
            self.tell(f"the value was {await copy(self.app, self.session, secret.reveal(), secret=True)}")
            self._look()

    def action_relink(self) -> None:
        self.run(self._relink)

    async def _relink(self) -> None:
        variable = await link_variable(self, self._variable_name, self._variable, self._save)
        if variable is not None:
            self._variable = variable
            self._changed = True
            self._info = None
            self._look()

    def action_login(self) -> None:
        bound = self.session.consent.binding(self._link.credential)
        if bound is None:
            self.status.problem(
                f'no credential of yours is bound to "{visible(self._link.credential)}": relink binds one'
            )
            return
        self.work(
            "logging in", lambda: self.session.test_credential(bound), lambda _: self._look(), cures=False, long=True
        )

    def action_cancel(self) -> None:
        if self.working:
            super().action_cancel()
        elif self._value_shown.revealed:
            self._value_shown.hide()
        else:
            self.dismiss(self._variable if self._changed else None)


def _whose(name: str, bound: str | None, login: LoginState | None) -> str:
    """What is said behind the name that the workspace gives a credential."""
    if bound is None or login is None:
        return ", not bound on this machine"
    until = f" until {moment(login.expires_at)}" if login.expires_at is not None else ""
    return (f', your "{bound}", ' if bound != name else ", ") + login.state + until


def moment(at: datetime) -> str:
    """A time as a person's clock shows it, the date where it is not today."""
    local = at.astimezone()
    return local.strftime("%H:%M:%S" if local.date() == datetime.now().astimezone().date() else "%Y-%m-%d %H:%M:%S")


def used(uses: Sequence[Use]) -> list[tuple[str, str]]:
    """Which requests used it last, the newest first."""
    rows: list[tuple[str, str]] = []
    for use in sorted((use for use in uses if use.request), key=lambda use: use.at, reverse=True):
        rows.append(("Last used by" if not rows else " ", f"{moment(use.at)}  {use.request}"))
    return rows or [("Last used by", "no request since it was fetched")]
