"""SecretCache: two clocks, minutes of the setting and of the variable, and what it shows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.secret import Secret
from core.vault.cache import MAX_MINUTES, CacheKey, SecretCache
from core.vault.config import MemoryCredential, MemoryLink
from core.vault.provider import FetchedSecret

START = 1_800_000_000.0


class Clock:
    """A monotonic and a wall clock that the test moves."""

    def __init__(self) -> None:
        self.monotonic = 1000.0
        self.wall = START

    def pass_minutes(self, minutes: float) -> None:
        self.monotonic += 60 * minutes
        self.wall += 60 * minutes


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> SecretCache:
    return SecretCache(30, monotonic=lambda: clock.monotonic, wall=lambda: clock.wall)


def key(name: str = "a", secret: str = "{}") -> CacheKey:
    return CacheKey(MemoryCredential(secrets=Secret(secret)), MemoryLink(credential="", name=name))


VALUE = FetchedSecret(b"the-value", version="3", resolved_id="a-full-name")


def test_a_value_is_kept_for_its_minutes(cache: SecretCache, clock: Clock) -> None:
    cache.put(key(), VALUE, "c")
    clock.pass_minutes(29.9)
    assert cache.get(key()) is not None
    clock.pass_minutes(0.1)
    assert cache.get(key()) is None
    assert cache.entries() == ()


def test_the_monotonic_clock_alone_ends_it(cache: SecretCache, clock: Clock) -> None:
    cache.put(key(), VALUE, "c")
    clock.monotonic += 1800
    clock.wall -= 86_400  # set back
    assert cache.get(key()) is None


def test_the_wall_clock_alone_ends_it(cache: SecretCache, clock: Clock) -> None:
    """A suspended laptop: the monotonic clock stood still."""
    cache.put(key(), VALUE, "c")
    clock.wall += 1800
    assert cache.entries() == ()
    assert cache.get(key()) is None


def test_another_credential_is_another_key(cache: SecretCache) -> None:
    cache.put(key(secret="{}"), VALUE, "c")
    assert cache.get(key(secret='{"x": 1}')) is None


def test_minutes_of_the_variable(cache: SecretCache, clock: Clock) -> None:
    cache.put(key(), VALUE, "c", 5)
    assert cache.get(key(), 5) is not None
    clock.pass_minutes(5)
    assert cache.get(key()) is None


def test_who_asks_for_younger_values_gets_only_those(cache: SecretCache, clock: Clock) -> None:
    cache.put(key(), VALUE, "c")
    clock.pass_minutes(2)
    assert cache.get(key(), 2) is None
    assert cache.get(key(), 3) is not None
    assert cache.get(key(), 0) is None
    assert cache.get(key()) is not None


def test_zero_minutes_keep_nothing(cache: SecretCache) -> None:
    cached = cache.put(key(), VALUE, "c", 0)
    assert cached.fetched is VALUE
    assert cache.entries() == ()


def test_off_is_off_whatever_a_variable_says(cache: SecretCache) -> None:
    cache.put(key(), VALUE, "c", 60)
    cache.minutes = 0
    assert cache.entries() == ()
    cache.put(key(), VALUE, "c", 60)
    cache.minutes = 30
    assert cache.entries() == ()


def test_a_new_setting_counts_at_once(cache: SecretCache, clock: Clock) -> None:
    cache.put(key("own"), VALUE, "c", 20)
    cache.put(key("default"), VALUE, "c")
    clock.pass_minutes(10)
    cache.minutes = 10
    assert [entry.label for entry in cache.entries()] == ["own"]


@pytest.mark.parametrize(("set_to", "is_then"), [(-1, 0), (0, 0), (720, 720), (721, MAX_MINUTES), (10**9, MAX_MINUTES)])
def test_the_setting_stays_in_its_bounds(cache: SecretCache, set_to: int, is_then: int) -> None:
    cache.minutes = set_to
    assert cache.minutes == is_then
    assert cache.lifetime(10**6) == (MAX_MINUTES * 60 if is_then else 0)


def test_entries_are_for_a_countdown(cache: SecretCache, clock: Clock) -> None:
    cache.put(key("later"), VALUE, "c")
    cache.put(key("sooner"), VALUE, "d", 10)
    clock.pass_minutes(4)
    first, second = cache.entries()
    assert (first.label, first.credential, first.provider) == ("sooner", "d", "memory")
    assert (first.remaining_s, second.remaining_s) == (360, 1560)
    assert first.fetched_at == datetime.fromtimestamp(START, UTC)
    assert first.expires_at == datetime.fromtimestamp(START + 600, UTC)
    assert (first.version, first.resolved_id) == ("3", "a-full-name")


def test_uses_are_names_with_the_newest_last(cache: SecretCache, clock: Clock) -> None:
    cache.put(key(), VALUE, "c")
    cache.note_use(key(), "token", "login")
    clock.pass_minutes(1)
    cache.note_use(key(), "token", "pay")
    clock.pass_minutes(1)
    cache.note_use(key(), "token", "login")
    [entry] = cache.entries()
    assert [(use.variable, use.request) for use in entry.uses] == [("token", "pay"), ("token", "login")]
    assert entry.uses[-1].at == datetime.fromtimestamp(START + 120, UTC)
    # Who used it is still known when the value is not.
    cache.clear()
    assert len(cache.uses(key())) == 2
    cache.drop_credential(key().credential)
    assert cache.uses(key()) == ()


def test_dropping(cache: SecretCache) -> None:
    for name in "abc":
        cache.put(key(name), VALUE, "c")
    cache.put(key("a", '{"other": 1}'), VALUE, "d")
    cache.drop(key("a"))
    cache.drop(key("never-there"))
    assert sorted(entry.label for entry in cache.entries()) == ["a", "b", "c"]
    cache.drop_credential(key().credential)
    assert [entry.credential for entry in cache.entries()] == ["d"]
    cache.forget()
    assert cache.entries() == ()


def test_nothing_that_is_shown_holds_the_value_or_the_credential(cache: SecretCache) -> None:
    secret_key = key(secret='{"canary": "the-value"}')
    cached = cache.put(secret_key, VALUE, "c")
    shown = repr((cached, secret_key, cache.entries(), cache.entry(secret_key), vars(cache)))
    assert "the-value" not in shown
    assert "canary" not in shown
