"""The listener for a browser's redirect: only the right path with the right state counts, and only once."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from core.vault.redirect_listener import RedirectListener
from tests.patience import PATIENCE_S


@pytest.fixture
def listener() -> Iterator[RedirectListener]:
    with RedirectListener("the-state") as listener:
        yield listener


def visit(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_right_redirect_is_the_answer(listener: RedirectListener) -> None:
    assert listener.wait(0) is None
    status, page = visit(f"{listener.redirect_uri}?code=c%20d&state=the-state")
    assert status == 200
    assert "Logged in" in page
    assert "c d" not in page
    assert listener.wait(0) == {"code": "c d", "state": "the-state"}


def test_a_refusal_is_an_answer_too(listener: RedirectListener) -> None:
    visit(f"{listener.redirect_uri}?error=access_denied&state=the-state")
    assert listener.wait(0) == {"error": "access_denied", "state": "the-state"}


@pytest.mark.parametrize(
    "end", ["", "?code=c", "?code=c&state=x", "/?code=c&state=the-state", "#code=c&state=the-state"]
)
def test_anything_else_is_turned_away(listener: RedirectListener, end: str) -> None:
    status, page = visit(listener.redirect_uri + end)
    assert status == 404
    assert "no login" in page
    assert listener.wait(0) is None


def test_the_first_right_answer_counts(listener: RedirectListener) -> None:
    visit(f"{listener.redirect_uri}?code=first&state=the-state")
    visit(f"{listener.redirect_uri}?code=second&state=the-state")
    answer = listener.wait(0)
    assert answer is not None
    assert answer["code"] == "first"


def test_a_pasted_address_is_taken_whatever_its_host(listener: RedirectListener) -> None:
    assert not listener.accept("not an address")
    assert not listener.accept("http://[broken")
    assert not listener.accept("http://127.0.0.1:1/callback?code=c&state=other")
    assert listener.accept("  http://localhost:1234/callback?code=c&state=the-state\n")
    answer = listener.wait(0)
    assert answer is not None
    assert answer["code"] == "c"


def test_it_listens_on_this_machine_only_and_stops(listener: RedirectListener) -> None:
    assert listener.redirect_uri.startswith("http://127.0.0.1:")
    port = int(listener.redirect_uri.rsplit(":", 1)[1].split("/")[0])
    with RedirectListener("other") as other:
        assert other.redirect_uri != listener.redirect_uri
    listener.__exit__(None, None, None)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def test_a_browser_that_hangs_up_prints_nothing(listener: RedirectListener, capfd: pytest.CaptureFixture[str]) -> None:
    port = int(listener.redirect_uri.rsplit(":", 1)[1].split("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        connection.sendall(b"GET /callback?code=c&state=the-state HTTP/1.1\r\n\r\n")
    assert listener.wait(PATIENCE_S) is not None
    visit(listener.redirect_uri)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
