"""The credentials mode: how this user logs in where, with the state of each login, and the secrets held in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static
from textual.worker import Worker

from core.errors import HushpostError, StoreLocked
from core.vault.config import PROVIDERS
from core.vault.fields import type_tag
from tui import keys
from tui.cures import unlock
from tui.foreign import foreign, visible
from tui.screens.base import SessionScreen
from tui.screens.credential_form import CredentialDialog, add_credential
from tui.screens.dialogs import AskTextDialog, ConfirmDialog
from tui.screens.variable_rows import SHORT_PROVIDERS
from tui.widgets.countdown import WIDTH, Ticker
from tui.widgets.rows import Cell, Column, Row, Rows, Until

if TYPE_CHECKING:
    from core.vault.cache import CacheEntry
    from core.vault.contents import StoredCredential, UnreadableCredential

STATE_INKS = {"connected": "good", "expired": "bad", "needs login": "warning"}
"""Of `Paint`."""

NO_STORE = "No credentials yet. Press n to add the first one:\nthe encrypted store is made with it."
LOCKED = "The credential store is locked. Press enter to unlock it."


class CredentialsScreen(SessionScreen[None]):
    MODE = "credentials"
    AUTO_FOCUS = "#credentials"
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.CREDENTIALS)

    def compose_body(self) -> ComposeResult:
        self._ticker = Ticker(self)
        self._logging_in: dict[str, Worker[None]] = {}
        with Vertical(classes="pane", id="credentials-pane") as pane:
            pane.border_title = "Credentials"
            yield Rows(
                (
                    Column("Name", share=3),
                    Column("Provider", width=9),
                    Column("Type", share=3),
                    Column("Identity", share=5, from_width=110),
                    Column("State", width=11),
                    Column("Left".rjust(WIDTH), width=WIDTH),
                ),
                ticker=self._ticker,
                id="credentials",
            )
            yield Static("", id="credential-more", markup=False)
        with Vertical(classes="pane", id="cache-pane") as pane:
            pane.border_title = "Cached secrets"
            yield Rows(
                (
                    Column("Secret", share=5),
                    Column("Credential", share=3),
                    Column("Version", width=10, from_width=100),
                    Column("Fetched", width=8),
                    Column("Left".rjust(WIDTH), width=WIDTH),
                ),
                ticker=self._ticker,
                id="cache",
                empty="Nothing is cached: a secret is fetched when a request that uses it is sent.",
            )

    def on_mount(self) -> None:
        self._look()

    def session_resumed(self) -> None:
        if self.is_mounted:
            self._look()

    def status_changed(self) -> None:
        super().status_changed()
        if self.is_mounted and self.query("#cache"):
            self._look()

    # What is shown

    @property
    def _stored(self) -> Sequence[StoredCredential]:
        return self.session.credentials() if self.session.store.unlocked else ()

    def _look(self) -> None:
        store = self.session.store
        try:
            rows = [self._row(one) for one in self._stored]
            rows += [self._unreadable_row(one) for one in store.unreadable()] if store.unlocked else []
        except StoreLocked:
            rows = []
        empty = LOCKED if store.exists and not store.unlocked else NO_STORE
        self.query_one("#credentials", Rows).show(rows, empty=empty)
        minutes = self.session.settings.cache_minutes
        entries = self.session.cached()
        pane = self.query_one("#cache-pane")
        kept = f"kept {minutes} min" if minutes else "keeping is off"
        pane.border_title = f"Cached secrets: {len(entries)}, {kept}"
        self.query_one("#cache", Rows).show([self._cached_row(entry) for entry in entries])
        self.refresh_bindings()

    def _row(self, stored: StoredCredential) -> Row:
        login = self.session.login_state(stored.name)
        state = "logging in" if stored.name in self._logging_in else login.state
        return Row(
            stored.name,
            (
                stored.name,
                SHORT_PROVIDERS.get(stored.provider, stored.provider),
                stored.credential.label,
                login.identity,
                Cell(state, STATE_INKS.get(state, "muted")),
                Until(login.expires_at),
            ),
        )

    def _unreadable_row(self, one: UnreadableCredential) -> Row:
        return Row(
            one.name, (one.name, SHORT_PROVIDERS.get(one.provider, one.provider), "", "", Cell("unreadable", "bad"))
        )

    def _cached_row(self, entry: CacheEntry) -> Row:
        return Row(
            cache_key(entry),
            (
                entry.label,
                entry.credential,
                entry.version,
                local_time(entry.fetched_at),
                Until(entry.expires_at),
            ),
        )

    @on(Rows.Highlighted, "#credentials")
    def _explain(self, event: Rows.Highlighted) -> None:
        more = self.query_one("#credential-more", Static)
        if event.key is None:
            more.update("")
            return
        stored = self._named(event.key)
        if stored is None:
            problems = [one.problem for one in self.session.store.unreadable() if one.name == event.key]
            more.update(foreign("\n".join(visible(problem) for problem in problems), lines=True))
            return
        login = self.session.login_state(event.key)
        provider = PROVIDERS[stored.provider][0]
        if login.identity:
            said = f"logged in as {login.identity}"
        else:
            said = self.session.redact(login.message) or "press t to log in and see the identity"
        more.update(foreign(f"{provider}\n{visible(said)}", lines=True))

    @on(Rows.Over)
    def _over(self) -> None:
        self._look()
        self.hushpost.status_changed()

    def _named(self, name: str) -> StoredCredential | None:
        return next((one for one in self._stored if one.name == name), None)

    @property
    def _current(self) -> StoredCredential | None:
        key = self.query_one("#credentials", Rows).key
        return self._named(key) if key is not None else None

    @property
    def _entry(self) -> CacheEntry | None:
        key = self.query_one("#cache", Rows).key
        return next((entry for entry in self.session.cached() if cache_key(entry) == key), None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted or not self.query("#cache"):
            return True
        in_cache = self.query_one("#cache", Rows).has_focus
        match action:
            case "edit" | "test" | "login" | "logout":
                return not in_cache and self._current is not None
            case "delete":
                return not in_cache and self.query_one("#credentials", Rows).key is not None
            case "add":
                return not in_cache
            case "reset":
                return in_cache and self._entry is not None
            case "reset_all":
                return bool(self.session.cached())
            case "stop":
                return bool(self._logging_in)
        return True

    # Credentials

    @on(Rows.Chosen, "#credentials")
    def _chosen(self) -> None:
        self.action_edit()

    def on_key(self, event: object) -> None:
        rows = self.query_one("#credentials", Rows)
        if getattr(event, "key", "") == "enter" and rows.has_focus and rows.key is None and self.session.store.exists:
            self.run(lambda: unlock(self), lambda _: self._look())

    def action_add(self) -> None:
        self.run(self._add)

    async def _add(self) -> None:
        if self.session.store.exists and not self.session.store.unlocked and not await unlock(self):
            return
        name = await add_credential(self)
        self._look()
        if name is not None:
            self.query_one("#credentials", Rows).go_to(name)

    def action_edit(self) -> None:
        stored = self._current
        if stored is not None:
            self.run(lambda: self._edit(stored))

    async def _edit(self, stored: StoredCredential) -> None:
        dialog = CredentialDialog(self.session, stored.provider, type_tag(type(stored.credential)), stored=stored)
        name = await self.ask(dialog)
        self._look()
        if name is not None:
            self.query_one("#credentials", Rows).go_to(name)

    def action_test(self) -> None:
        self._log_in()

    def action_login(self) -> None:
        self._log_in()

    def _log_in(self) -> None:
        stored = self._current
        if stored is None or stored.name in self._logging_in:
            return
        name = stored.name

        def ended(then: Callable[[], object]) -> None:
            self._logging_in.pop(name, None)
            then()
            self._look()

        def failed(error: HushpostError) -> None:
            ended(lambda: self.show_error(error))

        self._logging_in[name] = self.run(
            lambda: self.session.test_credential(name),
            lambda login: ended(lambda: self.tell(f'"{name}" is logged in as {visible(login.identity)}')),
            failed=failed,
            group=f"login {name}",
            cures=False,
            long=True,
        )
        self._look()

    def action_stop(self) -> None:
        for worker in self._logging_in.values():
            worker.cancel()
        self._logging_in.clear()
        self.tell("stopped logging in")
        self._look()

    def action_logout(self) -> None:
        stored = self._current
        if stored is not None:
            self.session.logout(stored.name)
            self.tell(f'"{stored.name}" is logged out, its cached secrets are gone from memory')
            self.hushpost.status_changed()

    def action_delete(self) -> None:
        name = self.query_one("#credentials", Rows).key
        if name is not None:
            self.run(lambda: self._delete(name))

    async def _delete(self, name: str) -> None:
        question = (
            f'Delete the credential "{name}" from the store of this machine?\n\n'
            "Links that use it stay in their files and cannot be fetched until they are bound to another credential."
        )
        if await self.ask(ConfirmDialog(self.session, "Delete", question, yes="Delete", danger=True)):
            await self.session.delete_credential(name)
            self._look()

    # Cache

    @on(Rows.Chosen, "#cache")
    def _cached_chosen(self) -> None:
        self.action_reset()

    def action_reset(self) -> None:
        entry = self._entry
        if entry is not None:
            self.session.reset_cache(entry)
            self.tell(f'"{entry.label}" is gone from memory; it is fetched again when it is needed')
            self.hushpost.status_changed()

    def action_reset_all(self) -> None:
        count = len(self.session.cached())
        self.session.reset_cache(None)
        self.tell(f"{count} cached secret{'s are' if count != 1 else ' is'} gone from memory")
        self.hushpost.status_changed()

    def action_minutes(self) -> None:
        self.run(self._minutes)

    async def _minutes(self) -> None:
        text = await self.ask(
            AskTextDialog(
                self.session,
                "How long are fetched secrets kept?",
                "Minutes, 0 to 720; 0 fetches them anew each time",
                str(self.session.settings.cache_minutes),
                problem=_minutes_problem,
            )
        )
        if text is not None:
            settings = msgspec.structs.replace(self.session.settings, cache_minutes=int(text))
            self.attempt(lambda: self.session.save_settings(settings))
            self._look()


def cache_key(entry: CacheEntry) -> str:
    return f"{entry.provider}\n{entry.credential}\n{entry.resolved_id}\n{entry.label}"


def local_time(moment: datetime) -> str:
    return moment.astimezone().strftime("%H:%M:%S")


def _minutes_problem(text: str) -> str | None:
    return None if text.isdecimal() and int(text) <= 720 else "a whole number from 0 to 720 is needed"
