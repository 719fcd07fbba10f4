from __future__ import annotations

import html
import json
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.encoded import decode, forms, pieces, searchable

escaped = st.lists(
    st.one_of(
        st.sampled_from(
            ["%41", "%c3%A9", "\\n", "\\\\", "\\u00e9", "\\ud83d\\udd11", "\\x41", "&amp;", "&#65;", "&#x1F511;"]
        ),
        st.sampled_from(["a\nb", "a\r\n  b", "%", "\\", "&", "%4", "&x;", "\\ud83d", "\u00e9", "\U0001f511", "\n\n"]),
        st.text(st.characters(codec="utf-8"), max_size=5),
    ),
    max_size=20,
).map(lambda parts: "".join(parts).encode())


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a%20b%2fc%C3%A9", "a b/c\u00e9"),
        (
            '\\"\\\\\\/\\n\\t\\u00e9\\ud83d\\udd11\\u{1f511}\\x41\\U0001F511',
            '"\\/\n\t\u00e9\U0001f511\U0001f511A\U0001f511',
        ),
        ("&lt;&amp;&quot;&apos;&#39;&#x2F;&sol;", "<&\"''//"),
        ("AAAA\r\nBBBB\n  CCCC", "AAAABBBBCCCC"),
        ("%2541", "%41"),
    ],
)
def test_one_layer_of_escapes_is_undone(source: str, text: str) -> None:
    layer = decode(source.encode())
    assert layer is not None
    assert layer.data.decode() == text


@pytest.mark.parametrize(
    "text", ["", "plain", "100 %", "%zz", "a & b", "&nothing;", "\\q", "&#9999999;", "a.\n b\n", "\n\n"]
)
def test_what_is_no_escape_stays(text: str) -> None:
    assert decode(text.encode()) is None


@pytest.mark.parametrize(
    "encode", [lambda text: urllib.parse.quote(text, safe=""), lambda text: json.dumps(text)[1:-1], html.escape]
)
@settings(deadline=None)
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\r\n%&\\"), min_size=1))
def test_what_an_encoder_writes_is_undone(encode: Callable[[str], str], text: str) -> None:
    encoded = encode(text).encode()
    layer = decode(encoded)
    assert (encoded if layer is None else layer.data) == text.encode()


@settings(deadline=None)
@given(escaped)
def test_every_decoded_byte_knows_where_it_came_from(source: bytes) -> None:
    layer = decode(source)
    if layer is None:
        return
    covered = 0
    for place in range(len(layer.data)):
        start, end = layer.start(place), layer.end(place + 1)
        assert start < end
        assert start >= covered or layer.start(place - 1) == start
        covered = end
        part = source[start:end]
        again = decode(part)
        assert layer.data[place : place + 1] in (part if again is None else again.data)
    assert layer.end(len(layer.data)) == len(source) or not layer.data


@settings(deadline=None)
@given(escaped, st.data())
def test_text_cut_at_a_boundary_decodes_as_it_did_whole(source: bytes, data: st.DataObject) -> None:
    layer = decode(source)
    if layer is None:
        return
    place = layer.position(data.draw(st.integers(0, len(source))))
    cut = layer.start(place) if place < len(layer.data) else len(source)
    rest = decode(source[cut:])
    assert (source[cut:] if rest is None else rest.data) == layer.data[place:]


def test_pieces_of_a_value() -> None:
    assert set(pieces("abc")) == set()
    assert set(pieces(" abcd\n")) == {" abcd\n", "abcd"}
    assert set(pieces("first\r\n  second\nxyz")) == {"first\r\n  second\nxyz", "first", "second"}
    assert set(pieces('{"user": "admin", "n": [123456, 80, true, null, "x"]}')) == {
        '{"user": "admin", "n": [123456, 80, true, null, "x"]}',
        "admin",
        "123456",
    }


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=97, max_size=2000).filter(searchable))
def test_the_blocks_of_a_long_value_cover_it(value: str) -> None:
    blocks = list(pieces(value, depth=0))
    assert all(len(block) < 97 for block in blocks)
    for start in range(0, len(value) - 48, 48):
        block = value[start : start + 48]
        if searchable(block):
            assert any(found.startswith(block) for found in blocks)


def test_no_form_is_so_short_that_it_is_everywhere() -> None:
    for value in ("abcd", "\u00e9\u00fc\u00e4\u00df", "a%41b", "&amp;"):
        assert min(map(len, forms(value))) >= 4
