"""The query that stands in an address: found, made rows of, and shown with them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.environment import Scope
from core.models import Field, Request
from core.sending.prepare import prepare
from core.sending.urls import as_written, query_in, taken_apart

HOST = "https://x.example"


def sent(request: Request) -> str:
    return prepare(request, Scope.of(request={"v": "a b&c"}).resolve({}), files=Path().joinpath).url


@pytest.mark.parametrize(
    ("url", "rest", "pairs"),
    [
        (f"{HOST}/a?b=c", f"{HOST}/a", [("b", "c")]),
        (f"{HOST}/a?b=c&d=%2Fe+f#top", f"{HOST}/a#top", [("b", "c"), ("d", "/e f")]),
        (f"{HOST}/a?flag&b=c=d&=x&", f"{HOST}/a?flag&=x", [("b", "c=d")]),
        (f"{HOST}/a?b=%FF&c=%7B%7Bx%7D%7D&d=%0A", f"{HOST}/a?b=%FF&c=%7B%7Bx%7D%7D&d=%0A", []),
        ("{{base}}/{{?Which? one}}?b={{?a&b=c}}", "{{base}}/{{?Which? one}}", [("b", "{{?a&b=c}}")]),
        (f"{HOST}/a", f"{HOST}/a", []),
        (f"{HOST}/a?", f"{HOST}/a?", []),
    ],
)
def test_a_query_is_taken_out_where_rows_can_have_it(url: str, rest: str, pairs: list[tuple[str, str]]) -> None:
    assert taken_apart(url) == (rest, tuple(pairs))


@given(pairs=st.lists(st.tuples(st.text("aB=&+%#? é/", min_size=1), st.text("aB=&+%#? é/")), max_size=4))
def test_rows_send_what_the_address_sent(pairs: list[tuple[str, str]]) -> None:
    before = Request(url=f"{HOST}/a", query=tuple(Field(name, value) for name, value in pairs))
    url, rows = taken_apart(sent(before))
    after = Request(url=url, query=tuple(Field(name, value) for name, value in rows))
    assert rows == tuple(pairs)
    assert sent(after) == sent(before)


@pytest.mark.parametrize("query", ["a=b&c=d", "a=1+2&b=%20", "a={{v}}", "flag&a=b"])
def test_moving_changes_nothing_that_a_server_reads(query: str) -> None:
    url, rows = taken_apart(f"{HOST}/a?{query}")
    moved = Request(url=url, query=tuple(Field(name, value) for name, value in rows))
    found = parse_qsl(urlsplit(sent(moved)).query, keep_blank_values=True)
    if "{{" in query:
        # As text of an address a plain value may hold structure; as a row it is one value.
        assert found == [("a", "a b&c")]
    else:
        assert found == parse_qsl(urlsplit(sent(Request(url=f"{HOST}/a?{query}"))).query, keep_blank_values=True)


def test_the_whole_address_as_it_is_written() -> None:
    rows = [("limit", "10"), ("q", "{{word}}")]
    assert as_written("{{base}}/:id/:other?x=1#top", {"id": "{{id}}"}, rows) == (
        "{{base}}/{{id}}/:other?x=1&limit=10&q={{word}}"
    )
    assert as_written(" https://x.example ", {}, []) == "https://x.example"
    assert query_in("{{base}}/{{?a?b}}") == ""
