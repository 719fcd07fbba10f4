from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.exchange import Shown
from core.secret import MASK
from core.sending.cookies import Cookie, Cookies, Refused

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jar(clock: Clock) -> Cookies:
    return Cookies(clock)


def given(jar: Cookies, url: str, *lines: str) -> list[str]:
    return list(jar.store(url, tuple(("Set-Cookie", line) for line in lines)))


def test_a_host_s_own_cookie_goes_to_that_host_alone(jar: Cookies) -> None:
    assert given(jar, "https://example.com/", "a=1") == []
    assert jar.header("https://example.com/x") == "a=1"
    assert jar.header("https://www.example.com/") == ""
    assert jar.header("https://example.com:8443/") == "a=1"


def test_a_domain_s_cookie_goes_to_the_hosts_below_it(jar: Cookies) -> None:
    given(jar, "https://www.example.com/", "a=1; Domain=.Example.com")
    assert jar.header("https://example.com/") == "a=1"
    assert jar.header("https://a.b.example.com/") == "a=1"
    assert jar.header("https://badexample.com/") == ""


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://example.com/", "other.com"),
        ("https://example.com/", "www.example.com"),
        ("https://example.com/", "com"),
        ("https://127.0.0.1/", "0.0.1"),
        ("https://example.com/", "bad domain"),
        ("https://evilexample.com/", "example.com"),
    ],
)
def test_cookies_of_other_domains_are_refused_by_name(jar: Cookies, url: str, domain: str) -> None:
    [said] = given(jar, url, f"sid=1; Domain={domain}")
    assert '"sid"' in said
    assert len(jar) == 0


def test_localhost_and_addresses_work(jar: Cookies) -> None:
    given(jar, "http://localhost:8080/", "a=1; Domain=localhost; Secure")
    given(jar, "http://127.0.0.1:8080/", "b=2; Domain=127.0.0.1")
    given(jar, "http://[::1]:8080/", "c=3")
    assert jar.header("http://localhost:9090/") == "a=1"
    assert jar.header("http://127.0.0.1/") == "b=2"
    assert jar.header("http://[::1]/") == "c=3"
    assert jar.header("http://x.localhost/") == ""


@pytest.mark.parametrize(
    ("set_at", "path", "sent_to", "sent"),
    [
        ("/a/b", "", "/a/c", True),
        ("/a/b", "", "/b", False),
        ("/a/b", "", "/a", True),
        ("/", "/a", "/a", True),
        ("/", "/a", "/a/b", True),
        ("/", "/a", "/ab", False),
        ("/", "/a/", "/a", False),
        ("/x", "no-slash", "/x", True),
    ],
)
def test_paths(jar: Cookies, set_at: str, path: str, sent_to: str, sent: bool) -> None:
    given(jar, f"https://example.com{set_at}", f"a=1; Path={path}" if path else "a=1")
    assert (jar.header(f"https://example.com{sent_to}?q#f") == "a=1") is sent


def test_longer_paths_come_first(jar: Cookies) -> None:
    given(jar, "https://example.com/", "a=1", "b=2; Path=/x", "c=3; Path=/x/y")
    assert jar.header("https://example.com/x/y") == "c=3; b=2; a=1"


def test_secure_cookies_go_by_tls_alone(jar: Cookies) -> None:
    given(jar, "https://example.com/", "a=1; Secure")
    assert jar.header("http://example.com/") == ""
    assert jar.header("https://example.com/") == "a=1"
    [said] = given(jar, "http://example.com/", "b=1; Secure")
    assert "https" in said


def test_prefixes_hold_what_they_promise(jar: Cookies) -> None:
    refused = given(
        jar,
        "https://example.com/",
        "__Host-a=1; Secure",
        "__Host-b=1; Secure; Path=/; Domain=example.com",
        "__Secure-c=1",
    )
    assert len(refused) == 3
    assert given(jar, "https://example.com/", "__Host-a=1; Secure; Path=/", "__Secure-c=1; Secure") == []


def test_cookies_end(jar: Cookies, clock: Clock) -> None:
    given(jar, "https://example.com/", "a=1; Max-Age=60", "b=2; Expires=Thu, 01 Jan 2026 00:02:00 GMT", "c=3")
    given(jar, "https://example.com/", "d=4; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
    clock.now += timedelta(seconds=59)
    assert jar.header("https://example.com/") == "a=1; b=2; c=3; d=4"
    clock.now += timedelta(seconds=2)
    assert jar.header("https://example.com/") == "b=2; c=3"
    clock.now += timedelta(hours=1)
    assert [cookie.name for cookie in jar.all()] == ["c"]


@pytest.mark.parametrize("ending", ["Max-Age=0", "Max-Age=-1", "Expires=Wed, 01-Jan-2020 00:00:00 GMT"])
def test_a_cookie_is_deleted_by_its_server(jar: Cookies, ending: str) -> None:
    given(jar, "https://example.com/", "a=1")
    given(jar, "https://example.com/", f"a=; {ending}")
    assert len(jar) == 0


@pytest.mark.parametrize("expires", ["never", "", "99999999999", "Thu, 99 Foo 2026", "Fri, 31 Dec 99999 23:59:59 GMT"])
def test_an_expiry_that_makes_no_sense_is_none(jar: Cookies, expires: str) -> None:
    assert given(jar, "https://example.com/", f"a=1; Expires={expires}") == []
    assert jar.header("https://example.com/") == "a=1"


def test_the_same_name_is_replaced(jar: Cookies) -> None:
    given(jar, "https://example.com/", "a=1", "a=2", "a=3; Path=/x")
    assert jar.header("https://example.com/") == "a=2"
    assert jar.header("https://example.com/x") == "a=3; a=2"


def test_values_are_kept_as_they_came(jar: Cookies) -> None:
    given(jar, "https://example.com/", 'a="x=y&z"; HttpOnly', "nameless", " b = c ")
    assert jar.header("https://example.com/") == 'a="x=y&z"; nameless; b=c'
    assert {cookie.name: cookie.http_only for cookie in jar.all()} == {"": False, "a": True, "b": False}


def test_odd_lines_are_refused(jar: Cookies) -> None:
    assert len(given(jar, "https://example.com/", "", "=", "a=\x00", "a=" + "x" * 5000)) == 4


def test_a_server_cannot_fill_the_memory(jar: Cookies) -> None:
    given(jar, "https://example.com/", *(f"c{number}=1" for number in range(1000)))
    assert len(jar) == 180
    assert "c999=1" in jar.header("https://example.com/")


def test_the_jar_can_be_edited(jar: Cookies) -> None:
    jar.put(Cookie("a", "1", ".Example.com", host_only=False))
    jar.put(Cookie("a", "2", "example.com", host_only=False, expires_at=NOW + timedelta(days=1)))
    [kept] = jar.all()
    assert (kept.domain, kept.value) == ("example.com", "2")
    assert jar.header("http://www.example.com/") == "a=2"
    jar.delete(kept)
    assert jar.all() == []
    jar.put(Cookie("a", "1", "example.com"))
    jar.clear()
    assert len(jar) == 0


@pytest.mark.parametrize(
    "cookie",
    [
        Cookie("a;b", "1", "example.com"),
        Cookie("a", "1\r\nX: y", "example.com"),
        Cookie("a=b", "1", "example.com"),
        Cookie("", "", "example.com"),
        Cookie("a", "1", "bad domain"),
        Cookie("a", "1", "example.com", path="x"),
        Cookie("a", "1", "com", host_only=False),
        Cookie("a", "1", "example.com", expires_at=NOW),
        Cookie("__Secure-a", "1", "example.com"),
        Cookie("__Host-a", "1", "example.com", secure=True, path="/x"),
        Cookie("__Host-a", "1", "example.com", secure=True, host_only=False),
        Cookie("a", "x" * 5000, "example.com"),
    ],
)
def test_an_edit_that_makes_no_cookie_is_refused(jar: Cookies, cookie: Cookie) -> None:
    with pytest.raises(Refused):
        jar.put(cookie)


def test_an_edited_cookie_takes_the_place_of_what_it_was_and_of_no_other(jar: Cookies) -> None:
    one, two = Cookie("a", "1", "example.com"), Cookie("b", "2", "example.com")
    jar.edit(None, one)
    jar.edit(None, two)
    with pytest.raises(Refused):
        jar.edit(None, Cookie("a", "3", "example.com"))
    with pytest.raises(Refused):
        jar.edit(one, Cookie("b", "1", "example.com"))
    jar.edit(one, Cookie("c", "1", "example.com", path="/c"))
    assert [(cookie.name, cookie.path) for cookie in jar.all()] == [("b", "/"), ("c", "/c")]


def test_a_domains_cookies_are_deleted_together(jar: Cookies) -> None:
    for name, domain in (("a", "one.example"), ("b", "one.example"), ("c", "www.one.example")):
        jar.put(Cookie(name, "1", domain))
    jar.clear("one.example")
    assert [cookie.name for cookie in jar.all()] == ["c"]


def test_a_shown_request_has_the_names_of_its_cookies(jar: Cookies) -> None:
    jar.put(Cookie("sid", "s3cr3t", "example.com"))
    jar.put(Cookie("own", "s3cr3t", "example.com"))
    shown = Shown("http://example.com/{{id}}", (("Cookie", "own=1"),), "")
    assert jar.shown_in(shown).headers == (("Cookie", f"own=1; sid={MASK}"),)
    elsewhere = Shown("http://{{host}}/", (), "")
    assert jar.shown_in(elsewhere) == elsewhere


def test_a_value_is_not_in_the_repr() -> None:
    assert "s3cr3t" not in repr(Cookie("a", "s3cr3t", "example.com"))


def test_a_refused_cookie_is_redacted_before_its_name_is_cut(jar: Cookies) -> None:
    secret = "s3cret-" * 10
    [said] = jar.store(
        "https://a.test/", (("Set-Cookie", f"{secret}=1; Domain=b.test"),), lambda text: text.replace(secret, MASK)
    )
    assert said.startswith(f'the cookie "{MASK}" was refused')


def test_an_age_of_thousands_of_digits_is_a_long_one(jar: Cookies) -> None:
    assert given(jar, "https://a.test/", f"a=1; Max-Age={'9' * 5000}", f"b=1; Max-Age=-{'9' * 5000}") == []
    assert jar.header("https://a.test/") == "a=1"
