"""Vault: one fetch for all who ask, what a cancel, a reset, a log-out and a limit do, and the states of logins.

The vault here is a real provider written for the test: it counts, and it waits where the test says so.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import (
    AccessDenied,
    LoginFailed,
    LoginRequired,
    ProviderUnavailable,
    SecretNotFound,
    VaultError,
)
from core.secret import Secret
from core.vault.cache import SecretCache
from core.vault.config import AnyCredential, AnyLink, MemoryCredential, MemoryLink
from core.vault.provider import AuthPrompter, Dismiss, FetchedSecret, Provider, SecretSummary
from core.vault.service import Got, Vault
from tests.patience import PATIENCE_S, until, wait_until

ROOT = Path(__file__).parents[3]


@dataclass
class Account:
    """A vault account: what it answers, and how often it was asked."""

    value: bytes = b"v1"
    connects: int = 0
    fetches: int = 0
    closed: int = 0
    identity: str = "ada"
    expires_at: datetime | None = None
    on_connect: Callable[[AuthPrompter], None] = lambda prompter: None
    on_fetch: Callable[[], None] = lambda: None
    fingerprint_now: str = ""
    fingerprints: int = 0

    def connect(self, credential: AnyCredential, prompter: AuthPrompter) -> Provider:
        self.connects += 1
        self.on_connect(prompter)
        return Connection(self, self.identity, self.expires_at)


@dataclass
class Connection:
    account: Account
    identity: str
    expires_at: datetime | None

    def fetch(self, link: AnyLink) -> FetchedSecret:
        self.account.fetches += 1
        value = self.account.value
        self.account.on_fetch()
        return FetchedSecret(value, resolved_id=link.label, fingerprint=self.account.fingerprint_now)

    def list_secrets(self, prefix: str, limit: int) -> Sequence[SecretSummary]:
        self.account.on_fetch()
        return [SecretSummary(f"{prefix}{number}", {}) for number in range(limit)]

    def fingerprint(self) -> str:
        self.account.fingerprints += 1
        return self.account.fingerprint_now

    def close(self) -> None:
        self.account.closed += 1


@dataclass
class Gate:
    """Holds the threads that come to it until the test opens it."""

    opened: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    passed: int = 0

    def __call__(self, *_: object) -> None:
        self.arrived.release()
        assert self.opened.wait(PATIENCE_S)
        self.passed += 1

    async def reached(self) -> None:
        await until(lambda: self.arrived.acquire(blocking=False))

    def open(self) -> None:
        self.opened.set()


@dataclass
class Clock:
    monotonic: float = 1000.0
    wall: float = 1_800_000_000.0
    looks: int = 0

    def look(self) -> float:
        self.looks += 1
        return self.monotonic

    def pass_minutes(self, minutes: float) -> None:
        self.monotonic += 60 * minutes
        self.wall += 60 * minutes

    def wait_for_a_look(self) -> None:
        """Hold this thread until the waiter has looked once more whether the limit is over."""
        before = self.looks
        wait_until(lambda: self.looks > before)


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


@pytest.fixture
def vault(account: Account, clock: Clock) -> Iterator[Vault]:
    cache = SecretCache(monotonic=clock.look, wall=lambda: clock.wall)
    vault = Vault(cache, connect=account.connect)
    yield vault
    vault.close()


@pytest.fixture
def hasty(account: Account, clock: Clock) -> Iterator[Vault]:
    """A vault that gives up after 0.05 seconds of the test's clock, for which a waiter looks as often."""
    vault = Vault(SecretCache(monotonic=clock.look), connect=account.connect, total_s=0.05)
    yield vault
    vault.close()


def credential(text: str = "one") -> AnyCredential:
    return MemoryCredential(secrets=Secret(text))


def link(name: str = "a", **fields: object) -> AnyLink:
    return MemoryLink(**({"credential": "c", "name": name} | fields))  # type: ignore[arg-type]


async def read(vault: Vault, name: str = "a", *, text: str = "one", as_: str = "c", **options: object) -> str:
    got = await vault.get(as_, credential(text), link(name), **options)  # type: ignore[arg-type]
    return got.secret.reveal()


async def settled() -> None:
    """Let every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_ten_askers_at_once_are_one_login_and_one_fetch(vault: Vault, account: Account, gate: Gate) -> None:
    account.on_connect = gate
    tasks = [asyncio.create_task(read(vault)) for _ in range(10)]
    await gate.reached()
    await settled()
    gate.open()
    assert await asyncio.gather(*tasks) == ["v1"] * 10
    assert (account.connects, account.fetches) == (1, 1)
    assert await read(vault) == "v1"
    assert account.fetches == 1


async def test_ten_secrets_at_once_are_one_login(vault: Vault, account: Account) -> None:
    await asyncio.gather(*(read(vault, str(number)) for number in range(10)))
    assert (account.connects, account.fetches) == (1, 10)


async def test_two_keys_of_one_secret_are_one_fetch(vault: Vault, account: Account) -> None:
    account.value = b'{"x": "1", "y": "2"}'
    x = await vault.get("c", credential(), link(key="x"))
    y = await vault.get("c", credential(), link(key="y", credential="another name for it"))
    assert (x.secret.reveal(), y.secret.reveal(), account.fetches) == ("1", "2", 1)


async def test_two_credentials_never_share(vault: Vault, account: Account) -> None:
    assert await read(vault, text="one") == "v1"
    account.value = b"v2"
    assert await read(vault, text="two", as_="d") == "v2"
    assert await read(vault, text="one") == "v1"
    assert (account.connects, account.fetches) == (2, 2)


async def test_only_successes_are_kept(vault: Vault, account: Account) -> None:
    def fail() -> None:
        raise SecretNotFound("there is none", hint="look")

    account.on_fetch = fail
    for _ in range(2):
        with pytest.raises(SecretNotFound):
            await read(vault)
    account.on_fetch = lambda: None
    assert await read(vault) == "v1"
    assert account.fetches == 3


async def test_an_error_is_each_askers_own(vault: Vault, account: Account, gate: Gate) -> None:
    def fail() -> None:
        gate()
        raise AccessDenied("not you", hint="ask for `{credential}`")

    account.on_fetch = fail
    tasks = [asyncio.create_task(read(vault, variable=name)) for name in ("x", "y")]
    await gate.reached()
    await settled()
    gate.open()
    one, two = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(one, AccessDenied)
    assert isinstance(two, AccessDenied)
    assert (one.variable, two.variable, str(one)) == ("x", "y", 'variable "x": not you')
    assert (one.credential, one.provider, one.hint) == ("c", "memory", "ask for `c`")
    assert account.fetches == 1


async def test_a_bug_in_a_provider_is_not_hidden(vault: Vault, account: Account) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    account.on_fetch = fail
    with pytest.raises(ZeroDivisionError):
        await read(vault)


async def test_a_cancelled_waiter_leaves_the_fetch_to_the_others(vault: Vault, account: Account, gate: Gate) -> None:
    account.on_fetch = gate
    first, second = asyncio.create_task(read(vault)), asyncio.create_task(read(vault))
    await gate.reached()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    gate.open()
    assert await second == "v1"
    assert account.fetches == 1


async def test_a_fetch_that_nobody_waits_for_is_kept(vault: Vault, account: Account, gate: Gate) -> None:
    account.on_fetch = gate
    only = asyncio.create_task(read(vault))
    await gate.reached()
    only.cancel()
    await asyncio.gather(only, return_exceptions=True)
    gate.open()
    await until(lambda: bool(vault.cache.entries()))
    assert await read(vault) == "v1"
    assert account.fetches == 1


async def test_a_cancelled_waiter_has_control_back_at_once(vault: Vault, account: Account, gate: Gate) -> None:
    account.on_fetch = gate
    task = asyncio.create_task(read(vault))
    await gate.reached()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gate.passed == 0


async def test_a_hanging_fetch_is_abandoned_and_its_late_value_discarded(
    hasty: Vault, account: Account, clock: Clock, gate: Gate
) -> None:
    account.on_fetch = gate
    reading = asyncio.create_task(read(hasty))
    await gate.reached()
    clock.monotonic += 0.06
    with pytest.raises(ProviderUnavailable, match=r"did not answer within 0\.05 seconds") as caught:
        await reading
    assert caught.value.hint
    gate.open()
    account.on_fetch = lambda: None
    account.value = b"v2"
    assert hasty.cache.entries() == ()
    assert await read(hasty) == "v2"


async def test_a_hanging_login_is_abandoned(hasty: Vault, account: Account, clock: Clock, gate: Gate) -> None:
    account.on_connect = gate
    reading = asyncio.create_task(read(hasty))
    await gate.reached()
    clock.monotonic += 0.06
    with pytest.raises(ProviderUnavailable):
        await reading
    gate.open()
    await settled()
    assert hasty.login_state("c").state == "not checked"


async def test_the_limit_is_for_login_and_fetch_together(
    hasty: Vault, account: Account, clock: Clock, gate: Gate
) -> None:
    def log_in(prompter: AuthPrompter) -> None:
        clock.monotonic += 0.03

    account.on_connect = log_in
    account.on_fetch = gate
    reading = asyncio.create_task(read(hasty))
    await gate.reached()
    clock.monotonic += 0.03
    with pytest.raises(ProviderUnavailable):
        await reading
    assert gate.passed == 0


async def test_a_persons_time_does_not_count(hasty: Vault, account: Account, clock: Clock) -> None:
    hasty.prompter = SlowPerson(clock)
    codes = []

    def log_in(prompter: AuthPrompter) -> None:
        codes.append(prompter.ask_code("MFA", "code"))
        clock.wait_for_a_look()

    account.on_connect = log_in
    assert await read(hasty) == "v1"
    assert codes == ["123456"]


async def test_a_browser_wait_does_not_count_until_it_is_dismissed(
    hasty: Vault, account: Account, clock: Clock, gate: Gate
) -> None:
    hasty.prompter = SlowPerson(clock)

    def log_in(prompter: AuthPrompter) -> None:
        shown = prompter.open_url("https://login.example", "http://127.0.0.1/callback")
        clock.pass_minutes(5)
        clock.wait_for_a_look()
        assert shown.pasted == "pasted"
        assert not shown.cancelled
        shown.dismiss()

    account.on_connect = log_in
    assert await read(hasty) == "v1"

    def log_in_and_hang(prompter: AuthPrompter) -> None:
        prompter.show_device_code("https://login.example", "ABCD", datetime.now(UTC)).dismiss()
        gate()

    account.on_connect = log_in_and_hang
    testing = asyncio.create_task(hasty.test("c", credential()))
    await gate.reached()
    clock.monotonic += 0.06
    with pytest.raises(ProviderUnavailable):
        await testing


class SlowPerson:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def ask_code(self, title: str, message: str) -> str:
        self._clock.pass_minutes(5)
        return "123456"

    def show_device_code(self, url: str, code: str, expires_at: datetime) -> Dismiss:
        return Shown()

    def open_url(self, url: str, redirect_uri: str) -> Dismiss:
        return Shown()


class Shown:
    cancelled = False
    pasted = "pasted"

    def dismiss(self) -> None:
        pass


async def test_nobody_is_asked_in_headless_runs(vault: Vault, account: Account) -> None:
    account.on_connect = lambda prompter: prompter.ask_code("MFA", "code")  # type: ignore[assignment]
    with pytest.raises(LoginRequired, match='credential "my vault": the login needs') as caught:
        await read(vault, as_="my vault")
    assert "hushpost credential login 'my vault'" in str(caught.value.hint)


def test_quitting_does_not_wait_for_a_hanging_vault() -> None:
    program = """
        import asyncio, threading
        from core.secret import Secret
        from core.vault.config import MemoryCredential, MemoryLink
        from core.vault.service import Vault

        started = threading.Event()

        def connect(credential, prompter):
            started.set()
            threading.Event().wait()

        async def main():
            vault = Vault(connect=connect)
            task = asyncio.create_task(
                vault.get("c", MemoryCredential(secrets=Secret("{}")), MemoryLink(credential="c", name="a"))
            )
            while not started.is_set():
                await asyncio.sleep(0)
            vault.close()
            print(repr((await asyncio.gather(task, return_exceptions=True))[0]))

        asyncio.run(main())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("LoginRequired(")


async def test_a_reset_makes_the_next_one_fetch(vault: Vault, account: Account) -> None:
    await read(vault, "a")
    await read(vault, "b")
    account.value = b"v2"
    [entry] = [entry for entry in vault.cache.entries() if entry.label == "a"]
    vault.reset(entry)
    assert (await read(vault, "a"), await read(vault, "b")) == ("v2", "v1")
    [other] = [entry for entry in vault.cache.entries() if entry.label == "b"]
    vault.reset(other)
    assert await read(vault, "b") == "v2"
    account.value = b"v3"
    vault.reset()
    assert (await read(vault, "a"), await read(vault, "b")) == ("v3", "v3")
    assert account.connects == 1


@pytest.mark.parametrize("all_of_them", [True, False])
async def test_a_reset_in_mid_fetch_keeps_its_value_out(
    vault: Vault, account: Account, gate: Gate, all_of_them: bool
) -> None:
    await read(vault)
    [entry] = vault.cache.entries()
    account.on_fetch = gate
    early = asyncio.create_task(read(vault, fresh=True))
    await gate.reached()
    vault.reset(None if all_of_them else entry)
    account.value = b"v2"
    late = asyncio.create_task(read(vault))
    await gate.reached()
    gate.open()
    assert (await early, await late) == ("v1", "v2")
    assert await read(vault) == "v2"
    assert account.fetches == 3


async def test_an_expiry_by_either_clock_makes_the_next_one_fetch(vault: Vault, account: Account, clock: Clock) -> None:
    await read(vault)
    clock.monotonic += 1800
    await read(vault)
    assert account.fetches == 2
    clock.wall += 1800
    await read(vault)
    assert account.fetches == 3
    await read(vault)
    assert account.fetches == 3


async def test_an_edited_credential_starts_anew(vault: Vault, account: Account) -> None:
    await read(vault, text="one")
    vault.logout("c")
    account.value = b"v2"
    assert await read(vault, text="two") == "v2"
    assert len(vault.cache.entries()) == 1
    assert await read(vault, text="one") == "v2"


async def test_one_name_for_two_credentials_at_once(vault: Vault, account: Account, gate: Gate) -> None:
    """From the environment one name may mean an account of each provider; an edited one may be tried before saving."""
    account.on_fetch = gate
    tasks = [asyncio.create_task(read(vault, text=text)) for text in ("one", "two", "one")]
    await gate.reached()
    await gate.reached()
    gate.open()
    assert await asyncio.gather(*tasks) == ["v1"] * 3
    assert account.fetches == 2
    vault.logout("c")
    assert vault.cache.entries() == ()
    await until(lambda: account.closed == 2)


async def test_a_logout_drops_login_and_values_of_that_credential_only(vault: Vault, account: Account) -> None:
    await read(vault, text="one", as_="c")
    await read(vault, text="two", as_="d")
    vault.logout("c")
    vault.logout("never heard of")
    assert [entry.credential for entry in vault.cache.entries()] == ["d"]
    assert (vault.login_state("c").state, vault.login_state("d").state) == ("not checked", "connected")
    await until(lambda: account.closed == 1)
    await read(vault, text="one", as_="c")
    assert (account.connects, account.fetches) == (3, 3)


@pytest.mark.parametrize("at", ["login", "fetch"])
@pytest.mark.parametrize("how", ["logout", "lock", "close"])
async def test_who_waits_while_it_is_logged_out_is_told(
    vault: Vault, account: Account, gate: Gate, how: str, at: str
) -> None:
    if at == "login":
        account.on_connect = gate
    else:
        account.on_fetch = gate
    tasks = [asyncio.create_task(read(vault, variable="token")) for _ in range(2)]
    await gate.reached()
    if how == "logout":
        vault.logout("c")
    elif how == "lock":
        vault.lock()
    else:
        vault.close()
    for error in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(error, LoginRequired)
        assert error.hint
        assert "logged out" in str(error)
    gate.open()
    await settled()
    assert vault.cache.entries() == ()
    assert vault.login_state("c").state == "not checked"


async def test_a_login_that_comes_after_the_logout_is_not_kept(vault: Vault, account: Account, gate: Gate) -> None:
    account.on_connect = gate
    task = asyncio.create_task(vault.test("c", credential()))
    await gate.reached()
    vault.logout("c")
    with pytest.raises(LoginRequired, match="logged out"):
        await task
    gate.open()
    await until(lambda: not any(thread.name == "hushpost-connect" for thread in threading.enumerate()))
    await settled()
    account.on_connect = lambda prompter: None
    await read(vault)
    assert account.connects == 2


async def test_locking_forgets_everything(vault: Vault, account: Account) -> None:
    await read(vault, variable="token", request="pay")
    vault.lock()
    assert vault.cache.entries() == ()
    assert vault.login_state("c").state == "not checked"
    assert vault.uses(credential(), link()) == ()
    await until(lambda: account.closed == 1)
    assert await read(vault) == "v1"
    assert account.connects == 2


async def test_a_variables_own_minutes(vault: Vault, account: Account, clock: Clock) -> None:
    await read(vault, minutes=5)
    clock.pass_minutes(4)
    await read(vault, minutes=5)
    assert account.fetches == 1
    clock.pass_minutes(1)
    await read(vault, minutes=5)
    assert account.fetches == 2


async def test_zero_minutes_fetch_each_time_and_still_share_a_fetch_under_way(
    vault: Vault, account: Account, gate: Gate
) -> None:
    await read(vault, minutes=0)
    await read(vault, minutes=0)
    assert account.fetches == 2
    assert vault.cache.entries() == ()
    account.on_fetch = gate
    tasks = [asyncio.create_task(read(vault, minutes=minutes)) for minutes in (0, None)]
    await gate.reached()
    await settled()
    gate.open()
    await asyncio.gather(*tasks)
    assert account.fetches == 3
    assert len(vault.cache.entries()) == 1, "one of the two wanted it kept"


async def test_fresh_goes_to_the_vault(vault: Vault, account: Account) -> None:
    await read(vault)
    account.value = b"v2"
    assert await read(vault, fresh=True) == "v2"
    assert await read(vault) == "v2"
    assert account.fetches == 2


async def test_fresh_does_not_join_what_began_before(vault: Vault, account: Account, gate: Gate) -> None:
    account.on_fetch = gate
    stale = asyncio.create_task(read(vault))
    await gate.reached()
    account.value = b"v2"
    fresh = [asyncio.create_task(read(vault, fresh=True)) for _ in range(3)]
    await gate.reached()
    await settled()
    gate.open()
    assert await asyncio.gather(*fresh) == ["v2"] * 3
    assert await stale == "v1"
    assert await read(vault) == "v2"
    assert account.fetches == 2


async def test_files_that_changed_make_a_cached_value_stale(vault: Vault, account: Account) -> None:
    account.fingerprint_now = "first"
    await read(vault)
    await read(vault)
    assert (account.fetches, account.fingerprints) == (1, 1)
    account.fingerprint_now = "second"
    await read(vault)
    assert account.fetches == 2
    await read(vault)
    assert account.fetches == 2


async def test_a_login_that_ended_at_the_vault_is_made_anew_once(vault: Vault, account: Account) -> None:
    await read(vault)
    ended = [True]

    def fetch() -> None:
        if ended.pop() if ended else False:
            raise LoginRequired("the login ended", hint="log in")

    account.on_fetch = fetch
    assert await read(vault, fresh=True) == "v1"
    assert (account.connects, account.fetches) == (2, 3)
    assert vault.login_state("c").state == "connected"


async def test_a_login_that_ends_again_is_named(vault: Vault, account: Account) -> None:
    await read(vault)

    def fetch() -> None:
        raise LoginRequired("the login ended", hint="log in")

    account.on_fetch = fetch
    with pytest.raises(LoginRequired, match="the login ended"):
        await read(vault, fresh=True)
    assert (account.connects, account.fetches) == (2, 3)


async def test_a_login_that_was_made_just_now_is_not_made_again(vault: Vault, account: Account) -> None:
    def fetch() -> None:
        raise LoginRequired("the login ended", hint="log in")

    account.on_fetch = fetch
    with pytest.raises(LoginRequired):
        await read(vault)
    assert (account.connects, account.fetches) == (1, 1)


async def test_a_login_that_worked_and_is_refused_now_has_ended(vault: Vault, account: Account) -> None:
    await read(vault)

    def refuse(_: object = None) -> None:
        raise LoginFailed("wrong key", hint="edit it")

    def fetch() -> None:
        raise LoginRequired("the login ended", hint="bring a new token")

    account.on_fetch, account.on_connect = fetch, refuse
    for _ in range(2):
        with pytest.raises(LoginRequired, match="the login ended") as caught:
            await read(vault, fresh=True)
        assert caught.value.hint == "bring a new token"
        state = vault.login_state("c")
        assert (state.state, state.identity, state.message) == ("expired", "ada", "the login ended")
    # But who tests it is told what the vault says.
    with pytest.raises(LoginFailed):
        await vault.test("c", credential())
    assert vault.login_state("c").state == "needs login"


async def test_a_login_whose_time_is_up_is_made_anew(vault: Vault, account: Account, clock: Clock) -> None:
    account.expires_at = datetime.fromtimestamp(clock.wall, UTC) + timedelta(hours=1)
    await read(vault)
    assert vault.login_state("c").expires_at == account.expires_at
    clock.pass_minutes(60)
    assert vault.login_state("c").state == "expired"
    account.expires_at = None
    await read(vault)
    assert (account.connects, vault.login_state("c").state) == (2, "connected")


async def test_states(vault: Vault, account: Account) -> None:
    assert vault.login_state("c").state == "not checked"
    info = await vault.test("c", credential())
    assert (info.identity, info.expires_at) == ("ada", None)
    assert vault.login_state("c").state == "connected"

    def refuse(_: object) -> None:
        raise LoginFailed("the key is wrong", hint="edit it")

    account.on_connect = refuse
    with pytest.raises(LoginFailed, match='credential "c": the key is wrong'):
        await vault.test("c", credential())
    state = vault.login_state("c")
    assert (state.state, state.identity, state.message) == ("needs login", "ada", "the key is wrong")


async def test_an_unreachable_vault_says_nothing_of_the_login(vault: Vault, account: Account) -> None:
    await vault.test("c", credential())

    def unreachable(_: object = None) -> None:
        raise ProviderUnavailable("no way there", hint="wait")

    account.on_connect = unreachable
    with pytest.raises(ProviderUnavailable):
        await vault.test("c", credential())
    assert vault.login_state("c").state == "connected"


async def test_a_test_logs_in_anew_and_keeps_the_values(vault: Vault, account: Account) -> None:
    await read(vault)
    await vault.test("c", credential())
    await until(lambda: account.closed == 1)
    await read(vault)
    assert (account.connects, account.fetches) == (2, 1)


async def test_a_list_comes_through_the_same_login(vault: Vault, account: Account) -> None:
    await read(vault)
    rows = await vault.list_secrets("c", credential(), "x", 3)
    assert [row.name for row in rows] == ["x0", "x1", "x2"]
    assert account.connects == 1

    def deny() -> None:
        raise AccessDenied("not you", hint="type it")

    account.on_fetch = deny
    with pytest.raises(AccessDenied) as caught:
        await vault.list_secrets("c", credential())
    assert caught.value.credential == "c"


async def test_what_is_known_of_a_secret(vault: Vault, account: Account, clock: Clock) -> None:
    got: Got = await vault.get("c", credential(), link(key=""), variable="token", request="pay")
    info = got.info
    assert (info.credential, info.identity, info.resolved_id) == ("c", "ada", "a")
    assert info.fetched_at == datetime.fromtimestamp(clock.wall, UTC)
    assert info.expires_at == info.fetched_at + timedelta(minutes=30)
    assert [(use.variable, use.request) for use in info.uses] == [("token", "pay")]
    [entry] = vault.cache.entries()
    assert entry.uses == info.uses == vault.uses(credential(), link())
    clock.pass_minutes(31)
    assert vault.cache.entries() == ()
    again = await vault.get("c", credential(), link(), minutes=0)
    assert again.info.expires_at is None
    assert account.fetches == 2


async def test_nothing_that_is_shown_holds_the_value_or_the_credential(vault: Vault, account: Account) -> None:
    account.value = b"canary-value"
    got = await vault.get("c", credential("canary-credential"), link())
    shown = repr((got, vault.cache.entries(), vault.login_state("c"), vars(vault.cache)))
    assert "canary" not in shown
    account.value = b"\xffcanary-value"
    with pytest.raises(VaultError) as caught:
        await vault.get("c", credential("canary-credential"), link(), fresh=True)
    assert "canary" not in repr((caught.value, vars(caught.value), caught.value.__context__))
