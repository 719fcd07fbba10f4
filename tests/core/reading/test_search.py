from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.reading.hexrows import HexDocument
from core.reading.rows import TextDocument
from core.reading.search import Search
from core.reading.spool import Spool


def found(document: TextDocument, text: str) -> Search:
    search = Search(document, text, lambda search: None)
    search.run()
    assert search.done
    return search


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from(["ab", "aba", "x" * 1000, "é", "É", "\n"]), max_size=400),
    st.sampled_from(["ab", "aba", "é", "xa"]),
)
def test_every_match_is_found_across_pieces(parts: list[str], text: str) -> None:
    data = "".join(parts).encode()
    expected = [match.start() for match in re.finditer(text.encode(), data)]
    if text == "é":
        expected = [match.start() for match in re.finditer("é|É".encode(), data)]
    assert list(found(TextDocument.of(data), text).matches) == expected


@pytest.mark.parametrize(
    ("text", "count"), [("error", 3), ("Error", 1), ("zürich", 2), ("Zürich", 1), ("straße", 1), ("a.b", 1), ("é", 0)]
)
def test_small_letters_find_both_cases_and_a_capital_only_itself(text: str, count: int) -> None:
    body = "error Error ERROR zürich Zürich straße a.b axb"
    assert len(found(TextDocument.of(body.encode()), text).matches) == count


def test_the_nearest_match_and_those_in_a_row() -> None:
    document = TextDocument.of(b"one two one\nthree one\n" * 20_000)
    search = found(document, "one")
    assert search.count == "60,000"
    assert search.nearest(0) == 0
    assert search.nearest(1) == 1
    assert search.nearest(document.size - 1) == 0
    assert search.within(0, 11) == [(0, 0, 3), (1, 8, 11)]
    assert search.within(9, 12) == [(1, 8, 11)]


def test_nothing_found_is_said() -> None:
    search = found(TextDocument.of(b"abc"), "x")
    assert search.count == "0"
    assert search.nearest(0) is None


def test_a_cancelled_search_tells_nobody() -> None:
    told: list[int] = []
    search = Search(TextDocument.of(b"abc\n" * 300_000), "b", lambda search: told.append(1))
    search.cancel()
    search.run()
    assert told == []


def test_bytes_are_searched_too() -> None:
    spool = Spool()
    spool.append(bytes(1000) + b"needle" + bytes(1000))
    search = Search(HexDocument(spool), "needle", lambda search: None)
    search.run()
    assert list(search.matches) == [1000]
