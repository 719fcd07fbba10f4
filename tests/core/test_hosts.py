from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import HushpostError
from core.hosts import Origin, covers, is_loopback, need, normalize_host, parse_host


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.example.com/x?y", Origin("https", "api.example.com", 443)),
        ("HTTP://API.Example.COM.", Origin("http", "api.example.com", 80)),
        ("https://user:pass@api.example.com:8443#f", Origin("https", "api.example.com", 8443)),
        ("https://a@b@c.example/", Origin("https", "c.example", 443)),
        ("https://bücher.example/", Origin("https", "xn--bcher-kva.example", 443)),
        ("https://BÜCHER.example/", Origin("https", "xn--bcher-kva.example", 443)),
        ("http://[::1]:8080/", Origin("http", "::1", 8080)),
        ("http://[0:0:0:0:0:0:0:1]/", Origin("http", "::1", 80)),
        ("https://host:/", Origin("https", "host", 443)),
        ("https://example.com?x=http://other/", Origin("https", "example.com", 443)),
    ],
)
def test_origin_of_a_url(url: str, origin: Origin) -> None:
    assert Origin.of(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com",
        "example.com",
        "https:///path",
        "https://",
        "https://a b/",
        "https://a\nb/",
        "https://a..b/",
        "https://-/",
        "https://host:99999/",
        "https://host:0/",
        "https://host:8x/",
        "https://[::1",
        "https://[1.2.3.4]/",
        "https://256.1.1.1/",
        "https://127.1/",
        "https://[fe80::1%25eth0]/",
        "https://good.example\\.evil.example/",
    ],
)
def test_what_is_no_http_origin(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Origin.of(url)


def test_an_origin_is_written_without_the_scheme_s_own_port() -> None:
    assert str(Origin("https", "example.com", 443)) == "https://example.com"
    assert str(Origin("http", "::1", 8080)) == "http://[::1]:8080"
    assert Origin("http", "example.com", 443).netloc == "example.com:443"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("api.localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost.example.com", False),
        ("notlocalhost", False),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
    ],
)
def test_which_hosts_are_this_machine(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("pattern", "url", "matches"),
    [
        ("api.example.com", "https://api.example.com/x", True),
        ("API.Example.com.", "https://api.example.com", True),
        ("api.example.com", "http://api.example.com", False),
        ("api.example.com", "https://api.example.com:8443", False),
        ("api.example.com", "https://evil-api.example.com", False),
        ("api.example.com", "https://api.example.com.evil.example", False),
        ("api.example.com:8443", "https://api.example.com:8443", True),
        ("api.example.com:8443", "https://api.example.com", False),
        ("http://api.example.com", "http://api.example.com", True),
        ("http://api.example.com", "https://api.example.com", False),
        ("https://api.example.com", "https://api.example.com", True),
        ("*.example.com", "https://a.example.com", True),
        ("*.example.com", "https://a.b.example.com", True),
        ("*.example.com", "https://example.com", False),
        ("*.example.com", "https://evilexample.com", False),
        ("*.example.com", "http://a.example.com", False),
        ("http://*.example.com:81", "http://a.example.com:81", True),
        ("localhost", "http://localhost:8080", True),
        ("localhost", "https://localhost", True),
        ("127.0.0.1", "http://127.0.0.1:5", True),
        ("https://127.0.0.1", "http://127.0.0.1:5", False),
        ("127.0.0.1:80", "http://127.0.0.1:81", False),
        ("[::1]", "http://[::1]:9/", True),
        ("localhost", "http://127.0.0.1", False),
        ("bücher.example", "https://xn--bcher-kva.example", True),
        ("10.0.0.1", "http://10.0.0.1", False),
        ("api.example.com", "ftp://api.example.com", False),
        ("api.example.com", "nonsense", False),
    ],
)
def test_patterns(pattern: str, url: str, matches: bool) -> None:
    assert parse_host(pattern).matches(url) is matches


@pytest.mark.parametrize(
    "text",
    [
        *("", "*", "*.", "a b", "https://", "ftp://x.example", "x.example/path", "x.example:0", "x.example:70000"),
        *("a.*.example", "user@x.example", "https://x.example?y", "x..example", "[::1", "1.2.3.4.5", "x.example:"),
        "*.1.2.3.4",
    ],
)
def test_what_is_no_pattern_is_refused_by_name(text: str) -> None:
    with pytest.raises(HushpostError) as caught:
        parse_host(text)
    assert f'"{text}"' in str(caught.value)
    assert caught.value.hint


LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8).map("h{}".format)
HOSTS = st.lists(LABELS, min_size=1, max_size=4).map(".".join)


@given(HOSTS, st.sampled_from(["http", "https"]), st.integers(1, 65535))
def test_an_origin_s_own_text_matches_it_and_no_other(host: str, scheme: str, port: int) -> None:
    origin = Origin(scheme, host, port)
    assert Origin.of(str(origin)) == origin
    assert parse_host(str(origin)).matches(origin)
    assert not parse_host(str(origin)).matches(Origin(scheme, f"x{host}", port))
    assert not parse_host(str(origin)).matches(Origin(scheme, host, port % 65535 + 1))


@given(st.text(max_size=30))
def test_a_host_is_normal_once_and_for_all(text: str) -> None:
    try:
        host = normalize_host(text)
    except ValueError:
        return
    assert normalize_host(host) == host
    assert host.isascii()


@pytest.mark.parametrize(
    ("approval", "wanted", "covered"),
    [
        ("https://api.example.com", "https://api.example.com", True),
        ("api.example.com", "https://api.example.com", True),
        ("*.example.com", "https://api.example.com", True),
        ("https://api.example.com", "http://api.example.com", False),
        ("https://api.example.com", "insecure https://api.example.com", False),
        ("insecure https://api.example.com", "https://api.example.com", False),
        ("insecure api.example.com", "insecure https://api.example.com", True),
        ("ca corp.pem:ab https://x.example", "ca corp.pem:cd https://x.example", False),
        ("proxy http://p:1 *.example", "proxy http://p:1 https://x.example", True),
        ("proxy http://p:1 https://x.example", "insecure proxy http://p:1 https://x.example", False),
    ],
)
def test_what_an_approval_covers(approval: str, wanted: str, covered: bool) -> None:
    assert covers(approval, wanted) is covered


def test_a_need_names_the_terms_and_the_origin() -> None:
    origin = Origin.of("https://api.example.com")
    assert need(origin) == "https://api.example.com"
    assert need(origin, ("insecure", "proxy http://p:1")) == "insecure proxy http://p:1 https://api.example.com"
