"""The details of a linked secret: everything but its value, seen for ten seconds and copied after a question."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from core.models import Variable, variable
from core.secret import MASK, Secret
from core.session import Session
from core.vault.config import HashicorpLink, MemoryLink, VaultToken
from tests.loopback import Loopback
from tests.tui.conftest import notices, screen_text, until
from tests.vault_app import (
    SIZES,
    STRIPE,
    back,
    everything_under,
    in_mode,
    memory,
    said,
    shown,
    type_in,
    with_store,
    workspace_at,
)
from tests.vaults.openbao import OpenBao, bao  # noqa: F401 - a fixture
from tui.screens.dialogs import ConfirmDialog, PickDialog
from tui.screens.link import LinkDialog
from tui.screens.secret_details import SecretDetailsScreen
from tui.widgets.countdown import Countdown
from tui.widgets.form import Form
from tui.widgets.secret_value import REVEALED_S, SecretValue

LINKED = Variable(link=MemoryLink(credential="vault-prod", name="payments/stripe"))


class Clock:
    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def save_in(session: Session) -> Callable[[Variable], None]:
    def save(linked: Variable) -> None:
        workspace = session.workspace
        assert workspace is not None
        environment = workspace.load_environment("production")
        variables = {**environment.variables, "stripe_key": linked}
        workspace.save_environment("production", msgspec.structs.replace(environment, variables=variables))

    return save


async def opened(
    pilot: Pilot[Any], session: Session, linked: Variable = LINKED, *, now: Clock | None = None
) -> SecretDetailsScreen:
    pilot.app.push_screen(SecretDetailsScreen(session, "stripe_key", linked, save_in(session), now=now or Clock()))
    return await shown(pilot, SecretDetailsScreen)


@pytest.fixture
async def ready(session: Session, tmp_path: Path) -> Session:
    """A workspace with the linked variable, its credential bound."""
    workspace_at(session, tmp_path / "ws", {"stripe_key": LINKED})
    await with_store(session)
    session.consent.bind("vault-prod", "vault-prod")
    return session


async def test_opening_asks_no_vault(ready: Session) -> None:
    async with in_mode(ready, "environments") as pilot:
        await opened(pilot, ready)
        assert "not fetched; press r to fetch it" in said(pilot)
        assert "not in memory" in said(pilot)
        assert ready.login_state("vault-prod").state == "not checked"
        assert not ready.cached()


async def test_shows_everything_a_real_vault_says_of_the_secret_but_its_value(
    session: Session,
    tmp_path: Path,
    bao: OpenBao,  # noqa: F811
) -> None:
    mount = bao.mount(2)
    for value in ("old", STRIPE):
        bao.put(mount, "payments/stripe", {"api_key": value})
    link = HashicorpLink(credential="team", key="api_key", mount=mount, path="payments/stripe")
    workspace_at(session, tmp_path / "ws", {"stripe_key": Variable(link=link)})
    await with_store(session, {"my-vault": bao.token_credential()})
    session.consent.bind("team", "my-vault")
    async with in_mode(session, "environments", size=(120, 40)) as pilot:
        details = await opened(pilot, session, Variable(link=link))
        await pilot.press("r")
        await until(pilot, lambda: "Fetched at" in said(pilot))
        text = said(pilot)
        for expected in (
            "Provider HashiCorp Vault",
            'Credential team, your "my-vault", connected',
            "Identity",
            "root",
            f"Secret mount path {mount}",
            "Secret path payments/stripe",
            "KV version 2",
            "JSON key api_key",
            "Fetched version 2",
            "Created",
            "Last used by no request since it was fetched",
        ):
            assert expected in text
        assert MASK in text
        assert STRIPE not in screen_text(pilot)
        assert details.query_one("#expires", Countdown).shown in ("29:59", "30:00")


async def test_the_value_is_shown_for_ten_seconds_and_then_dots_again(ready: Session) -> None:
    clock = Clock()
    async with in_mode(ready, "environments") as pilot:
        details = await opened(pilot, ready, now=clock)
        value = details.query_one(SecretValue)
        await pilot.press("v")
        await until(pilot, lambda: value.revealed)
        assert STRIPE in screen_text(pilot)
        clock.ahead = timedelta(seconds=REVEALED_S - 2)
        assert value.tick()
        assert STRIPE in screen_text(pilot)
        clock.ahead = timedelta(seconds=REVEALED_S)
        assert not value.tick()
        await pilot.pause()
        assert STRIPE not in screen_text(pilot)
        assert MASK in screen_text(pilot)


@pytest.mark.parametrize("key", ["v", "escape"])
async def test_a_key_hides_it_at_once_and_the_dialog_stays(ready: Session, key: str) -> None:
    async with in_mode(ready, "environments") as pilot:
        details = await opened(pilot, ready)
        await pilot.press("v")
        await until(pilot, lambda: details.query_one(SecretValue).revealed)
        await pilot.press(key)
        await pilot.pause()
        assert STRIPE not in screen_text(pilot)
        assert pilot.app.screen is details


async def test_it_is_copied_only_after_a_question_and_never_into_a_file(ready: Session) -> None:
    async with in_mode(ready, "environments") as pilot:
        sent: list[str] = []
        driver = pilot.app._driver
        assert driver is not None
        driver.write = sent.append  # type: ignore[assignment]
        await opened(pilot, ready)
        await pilot.press("c")
        await shown(pilot, ConfirmDialog)
        await pilot.press("enter")
        await shown(pilot, SecretDetailsScreen)
        assert not [one for one in sent if "]52;" in one]
        await pilot.press("c")
        await shown(pilot, ConfirmDialog)
        await pilot.press("left", "enter")
        await until(pilot, lambda: [one for one in sent if "]52;" in one])
        assert base64.b64encode(STRIPE.encode()).decode() in "".join(sent)
        assert "the value was sent to the terminal" in " ".join(notices(pilot))
        assert pilot.app.clipboard == ""
        assert STRIPE not in screen_text(pilot)
    assert STRIPE.encode() not in everything_under(ready.paths.data.parent)


async def test_which_requests_used_it_last(ready: Session) -> None:
    async with in_mode(ready, "environments", size=(120, 40)) as pilot:
        resolver = ready.resolver
        await resolver.linked("stripe_key", LINKED, request="payments/create")
        await resolver.linked("stripe_key", LINKED, request="payments/show")
        await opened(pilot, ready)
        await until(pilot, lambda: "payments/create" in said(pilot))
        assert said(pilot).index("payments/show") < said(pilot).index("payments/create")


async def test_a_secret_that_is_not_kept_says_so(session: Session, tmp_path: Path) -> None:
    linked = Variable(link=LINKED.link, cache_minutes=0)
    workspace_at(session, tmp_path / "ws", {"stripe_key": linked})
    await with_store(session)
    session.consent.bind("vault-prod", "vault-prod")
    async with in_mode(session, "environments") as pilot:
        await opened(pilot, session, linked)
        await pilot.press("r")
        await until(pilot, lambda: "not kept in memory: it is fetched each time" in said(pilot))


async def test_it_is_linked_anew_from_here(ready: Session) -> None:
    async with in_mode(ready, "environments") as pilot:
        await opened(pilot, ready)
        await pilot.press("l")
        await shown(pilot, PickDialog)
        await pilot.press("enter")
        dialog = await shown(pilot, LinkDialog)
        dialog.query_one(Form).row("name").control.focus()
        await pilot.press("end", "ctrl+u")
        await type_in(pilot, "payments/paypal")
        await pilot.press("enter")
        await shown(pilot, SecretDetailsScreen)
        await until(pilot, lambda: "Fetched at" in said(pilot))
        assert "payments/paypal" in said(pilot)
        await pilot.press("escape")
        await back(pilot)
        assert ready.workspace is not None
        changed = variable(ready.workspace.load_environment("production").variables["stripe_key"])
        assert changed.link == MemoryLink(credential="vault-prod", name="payments/paypal")


async def test_its_credential_logs_in_again_from_here(ready: Session) -> None:
    async with in_mode(ready, "environments") as pilot:
        await opened(pilot, ready)
        await pilot.press("a")
        await until(pilot, lambda: "vault-prod, connected" in said(pilot))


async def test_a_failed_fetch_is_said_here_and_escape_ends_one_that_hangs(
    session: Session, tmp_path: Path, server: Loopback
) -> None:
    link = HashicorpLink(credential="slow", mount="secret", path="x")
    workspace_at(session, tmp_path / "ws", {"stripe_key": Variable(link=link)})
    await with_store(session, {"slow": VaultToken(f"{server.url}/hold", Secret("s.never-shown"))})
    session.consent.bind("slow", "slow")
    async with in_mode(session, "environments") as pilot:
        details = await opened(pilot, session, Variable(link=link))
        await pilot.press("r")
        await until(pilot, lambda: server.requests)
        assert "fetching" in details.status.text
        await pilot.press("escape")
        await pilot.pause()
        assert details.status.text == "stopped"
        assert pilot.app.screen is details
        server.release()
        await pilot.press("r")
        await until(pilot, lambda: details.status.text.startswith("!"))
        assert "s.never-shown" not in screen_text(pilot)


async def test_a_hostile_value_is_shown_as_marks(session: Session, tmp_path: Path) -> None:
    hostile = "[bold]\x1b]52;c;eA==\x07\u202eevil\nsecond line"
    workspace_at(session, tmp_path / "ws", {"stripe_key": LINKED})
    await with_store(session, {"vault-prod": memory({"payments/stripe": hostile})})
    session.consent.bind("vault-prod", "vault-prod")
    async with in_mode(session, "environments") as pilot:
        details = await opened(pilot, session)
        await pilot.press("v")
        await until(pilot, lambda: details.query_one(SecretValue).revealed)
        text = screen_text(pilot)
        assert "[bold]" in text
        assert "second line" in text
        for mark in ("\x1b", "\x07", "\u202e"):
            assert mark not in text


async def test_it_draws_at_any_size(ready: Session) -> None:
    async with in_mode(ready, "environments") as pilot:
        details = await opened(pilot, ready)
        await pilot.press("r")
        await until(pilot, lambda: not details.working)
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            await pilot.press("down")
            await pilot.pause()
            assert STRIPE not in screen_text(pilot)
