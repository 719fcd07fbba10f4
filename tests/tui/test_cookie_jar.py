"""The cookie jar by its keys: what servers get of it, and that no value is seen that was not asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from core.models import Options, Request
from core.secret import MASK, Secret
from core.sending.cookies import Cookie
from core.session import Session
from core.workspace.workspace import Workspace
from tests.loopback import Loopback
from tests.tui.conftest import Running, press_alt, screen_text, type_text, until
from tui.screens.cookie_form import CookieDialog, moment_of
from tui.screens.cookies import CookiesScreen
from tui.screens.requests import RequestsScreen
from tui.widgets.form import Form
from tui.widgets.request_tree import RequestTree
from tui.widgets.rows import Rows
from tui.widgets.secret_value import SecretValue

NOW = datetime(2030, 1, 1, tzinfo=UTC)
VALUE = "session-value-4711"


def screen_of(pilot: Pilot[Any]) -> RequestsScreen:
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, RequestsScreen)
    return screen


async def opened(pilot: Pilot[Any], reference: str) -> RequestsScreen:
    screen = screen_of(pilot)
    tree = screen.query_one(RequestTree)
    tree.select(reference)
    tree.focus()
    await pilot.pause()
    await pilot.press("enter")
    await until(pilot, lambda: screen.reference == reference)
    return screen


async def jar(pilot: Pilot[Any], reference: str = "payments/show") -> CookiesScreen:
    await opened(pilot, reference)
    await press_alt(pilot, "k")
    await until(pilot, lambda: isinstance(pilot.app.screen, CookiesScreen) and pilot.app.screen.query(Rows))
    screen = pilot.app.screen
    assert isinstance(screen, CookiesScreen)
    return screen


def rows(screen: CookiesScreen) -> list[str]:
    table = screen.query_one(Rows)
    return [table.text(row.key) for row in table.rows]


async def form(pilot: Pilot[Any], key: str) -> Form:
    await pilot.press(key)
    await until(pilot, lambda: isinstance(pilot.app.screen, CookieDialog) and pilot.app.screen.query(Form))
    return pilot.app.screen.query_one(Form)


async def fill(pilot: Pilot[Any], form: Form, **texts: str) -> None:
    """The last field keeps the focus."""
    for name, text in texts.items():
        form.row(name).control.focus()
        await pilot.pause()
        if name == "value":
            await type_text(pilot, text)
            await until(pilot, lambda: form.texts["value"] == Secret(texts["value"]))
        else:
            form.fill({name: text})


async def sent(pilot: Pilot[Any], server: Loopback) -> Any:
    before = len(server.requests)
    await pilot.press("ctrl+r")
    await until(pilot, lambda: len(server.requests) > before)
    return server.last


async def test_a_cookie_set_by_hand_is_sent_and_a_deleted_one_is_not(
    running: Running, session: Session, workspace: Workspace, server: Loopback
) -> None:
    async with running(workspace) as pilot:
        screen = await jar(pilot)
        fields = await form(pilot, "a")
        assert fields.texts["domain"] == "127.0.0.1"
        await type_text(pilot, "sid")
        await pilot.press("enter")
        await type_text(pilot, VALUE)
        assert VALUE not in screen_text(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: rows(screen) == ["127.0.0.1", f"→ | sid | {MASK} | / | session | 127.0.0.1"])
        await pilot.press("escape")
        assert (await sent(pilot, server)).header("Cookie") == f"sid={VALUE}"
        screen = await jar(pilot)
        await pilot.press("d")
        await until(pilot, lambda: 'Delete the cookie "sid"' in screen_text(pilot))
        await pilot.press("y")
        await until(pilot, lambda: rows(screen) == [])
        await pilot.press("escape")
        assert (await sent(pilot, server)).header("Cookie") is None


async def test_what_an_answer_set_is_there_and_can_be_edited(
    running: Running, session: Session, workspace: Workspace, server: Loopback
) -> None:
    workspace.save_request("payments/show", Request(name="Show", url="{{base_url}}/set-cookie?sid=first"))
    async with running(workspace) as pilot:
        await opened(pilot, "payments/show")
        await sent(pilot, server)
        await until(pilot, lambda: len(session.cookies) == 1)
        screen = await jar(pilot)
        fields = await form(pilot, "e")
        assert fields.texts["value"] == Secret("first")
        await fill(pilot, fields, value=VALUE, path="/set-cookie")
        await pilot.press("enter")
        await until(pilot, lambda: len(rows(screen)) == 2 and "/set-cookie" in rows(screen)[1])
        (kept,) = session.cookies.all()
        assert (kept.value, kept.path) == (VALUE, "/set-cookie")
        await pilot.press("escape")
        assert (await sent(pilot, server)).header("Cookie") == f"sid={VALUE}"


async def test_editing_without_a_new_value_keeps_it(running: Running, session: Session, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        ends = datetime.now(UTC) + timedelta(days=3, seconds=17)
        session.cookies.put(Cookie("sid", VALUE, "api.example.com", expires_at=ends))
        await jar(pilot)
        fields = await form(pilot, "e")
        await fill(pilot, fields, name="other")
        await pilot.press("enter")
        await until(pilot, lambda: session.cookies.all()[0].name == "other")
        (kept,) = session.cookies.all()
        assert (kept.value, kept.expires_at) == (VALUE, ends)


async def test_what_no_jar_would_take_is_said_at_its_field(
    running: Running, session: Session, workspace: Workspace
) -> None:
    usable = {"name": "a", "domain": "127.0.0.1", "path": "/", "expires_at": ""}
    async with running(workspace, size=(110, 40)) as pilot:
        session.cookies.put(Cookie("taken", "1", "127.0.0.1"))
        await jar(pilot)
        fields = await form(pilot, "n")
        for field, text, problem in (
            ("name", "a;b", "a character that no cookie"),
            ("name", "__Secure-a", "asks for Secure"),
            ("name", "", "neither a name nor a value"),
            ("domain", "not a host", "not valid"),
            ("path", "x", "begin with /"),
            ("expires_at", "soon", "30m, 12h, 7d"),
            ("expires_at", "2001-01-01", "ended already"),
            ("name", "taken", "there is a cookie of this name"),
        ):
            fields.fill(usable | {field: text})
            fields.row("secure").control.focus()
            await pilot.pause()
            await pilot.press("enter")
            await until(pilot, lambda said=problem: said in screen_text(pilot))  # type: ignore[misc]
        assert [one.name for one in session.cookies.all()] == ["taken"]


async def test_a_domains_cookies_and_all_of_them_go_after_a_question(
    running: Running, session: Session, workspace: Workspace
) -> None:
    async with running(workspace) as pilot:
        for name, domain in (("a", "a.example"), ("b", "a.example"), ("c", "b.example"), ("d", "c.example")):
            session.cookies.put(Cookie(name, "1", domain))
        screen = await jar(pilot)
        await pilot.press("D")
        await until(pilot, lambda: 'all 2 cookies of "a.example"' in screen_text(pilot))
        await pilot.press("n")
        assert len(session.cookies) == 4
        await pilot.press("D", "y")
        await until(pilot, lambda: len(session.cookies) == 2)
        await pilot.press("X")
        await until(pilot, lambda: "all 2 cookies of this environment" in screen_text(pilot))
        await pilot.press("y")
        await until(pilot, lambda: rows(screen) == [])


async def test_environments_have_jars_of_their_own(running: Running, session: Session, workspace: Workspace) -> None:
    async with running(workspace) as pilot:
        session.cookies.put(Cookie("a", "1", "a.example"))
        session.set_environment("staging")
        screen = await jar(pilot)
        assert rows(screen) == []
        assert "staging" in screen_text(pilot)


class TestValues:
    async def test_are_shown_for_ten_seconds_on_a_key(
        self, running: Running, session: Session, workspace: Workspace
    ) -> None:
        async with running(workspace) as pilot:
            session.cookies.put(Cookie("sid", VALUE, "a.example"))
            session.cookies.put(Cookie("sid", "other", "b.example"))
            screen = await jar(pilot)
            assert VALUE not in screen_text(pilot)
            await pilot.press("v")
            await until(pilot, lambda: VALUE in screen_text(pilot))
            await pilot.press("down")
            await until(pilot, lambda: VALUE not in screen_text(pilot))
            assert not screen.query_one(SecretValue).revealed

    async def test_that_hold_a_secret_say_which(self, running: Running, session: Session, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            session.redactor.add("api_key", Secret("s3cr3t-of-the-vault"))
            session.cookies.put(Cookie("sid", "x.s3cr3t-of-the-vault", "a.example"))
            await jar(pilot)
            assert 'holds "api_key"' in screen_text(pilot)
            assert "s3cr3t" not in screen_text(pilot)

    async def test_that_hold_a_secret_go_when_the_store_is_locked(self, session: Session, workspace: Workspace) -> None:
        session.open_workspace(workspace.path)
        session.redactor.add("api_key", Secret("s3cr3t-of-the-vault"))
        session.cookies.put(Cookie("sid", "x.s3cr3t-of-the-vault", "a.example"))
        session.cookies.put(Cookie("theme", "dark", "a.example"))
        session.lock()
        assert [cookie.name for cookie in session.cookies.all()] == ["theme"]

    async def test_are_in_no_file(self, running: Running, session: Session, workspace: Workspace) -> None:
        async with running(workspace) as pilot:
            session.cookies.put(Cookie("sid", VALUE, "127.0.0.1"))
            await jar(pilot)
            await pilot.press("escape")
            await pilot.press("ctrl+r")
            await until(pilot, lambda: "200 OK" in screen_text(pilot))
        for folder in (workspace.path, session.paths.state, session.paths.config, session.paths.data):
            for file in folder.rglob("*"):
                assert not file.is_file() or VALUE.encode() not in file.read_bytes()


class TestTheRequest:
    async def test_its_preview_names_the_cookies_it_would_send(
        self, running: Running, session: Session, workspace: Workspace
    ) -> None:
        async with running(workspace) as pilot:
            session.cookies.put(Cookie("sid", VALUE, "127.0.0.1"))
            session.cookies.put(Cookie("far", VALUE, "api.example.com"))
            await opened(pilot, "payments/show")
            await press_alt(pilot, "p")
            await until(pilot, lambda: f"Cookie: sid={MASK}" in screen_text(pilot))
            assert "far" not in screen_text(pilot)

    async def test_its_options_are_said(self, running: Running, session: Session, workspace: Workspace) -> None:
        workspace.save_request(
            "payments/show",
            Request(name="Show", url="{{base_url}}/echo", options=Options(send_cookies=False, store_cookies=False)),
        )
        async with running(workspace, size=(110, 30)) as pilot:
            session.cookies.put(Cookie("sid", VALUE, "127.0.0.1"))
            await jar(pilot)
            assert "sends none of them and keeps none that it is set" in screen_text(pilot)
            await pilot.press("escape")
            await press_alt(pilot, "p")
            await until(pilot, lambda: "As it will be sent" in screen_text(pilot))
            assert "Cookie:" not in screen_text(pilot)

    async def test_its_answers_cookies_tab_leads_to_the_jar(
        self, running: Running, session: Session, workspace: Workspace, server: Loopback
    ) -> None:
        workspace.save_request("payments/show", Request(name="Show", url="{{base_url}}/set-cookie?sid=first"))
        async with running(workspace) as pilot:
            screen = await opened(pilot, "payments/show")
            await sent(pilot, server)
            await until(pilot, lambda: "200 OK" in screen_text(pilot))
            await press_alt(pilot, "r")
            await pilot.press("e")
            assert pilot.app.screen is screen
            await pilot.press("]", "]", "e")
            await until(pilot, lambda: isinstance(pilot.app.screen, CookiesScreen))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("", None),
        ("90s", NOW + timedelta(seconds=90)),
        ("30m", NOW + timedelta(minutes=30)),
        ("12 H", NOW + timedelta(hours=12)),
        ("7d", NOW + timedelta(days=7)),
        ("2030-06-01T12:00:00+00:00", datetime(2030, 6, 1, 12, tzinfo=UTC)),
    ],
)
def test_ends_as_typed(text: str, moment: datetime | None) -> None:
    assert moment_of(text, NOW) == moment
