from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.reading.json_layout import JsonLayout, lay_out_anything, lay_out_value
from core.reading.layout import TooDeep, lay_out

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
PIECES = st.lists(st.text("ab\"\\{}[]:, \n<>/!-'=é0"), max_size=12).map("".join)


def laid_out(data: bytes, syntax: str, **more: bool) -> str:
    return b"".join(lay_out(data, syntax, **more)).decode()


def in_pieces(data: bytes, cuts: list[int]) -> bytes:
    layout = JsonLayout()
    out, at = b"", 0
    for cut in sorted(cut % (len(data) + 1) for cut in cuts):
        out += layout.feed(data[at:cut])
        at = cut
    return out + layout.feed(data[at:]) + layout.finish()


@given(VALUES)
def test_json_looks_as_everybody_writes_it(value: object) -> None:
    compact = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    assert laid_out(compact, "json") == json.dumps(value, indent=2, ensure_ascii=False)


@given(VALUES, st.lists(st.integers(0, 10_000), max_size=6), st.sampled_from([(",", ":"), (" ,\n", " :\t")]))
def test_the_tolerant_layout_gives_the_same_in_pieces(value: object, cuts: list[int], marks: tuple[str, str]) -> None:
    data = json.dumps(value, separators=marks, ensure_ascii=False).encode()
    assert in_pieces(data, cuts) == lay_out_value(data)


@given(PIECES, st.sampled_from(["json", "xml", "html"]))
def test_nothing_but_white_space_is_added_or_lost(text: str, syntax: str) -> None:
    assert squeezed(laid_out(text.encode(), syntax)) == squeezed(text)


@given(PIECES, st.lists(st.integers(0, 100), max_size=5))
def test_nothing_is_lost_in_pieces_either(text: str, cuts: list[int]) -> None:
    assert squeezed(in_pieces(text.encode(), cuts).decode()) == squeezed(text)


@pytest.mark.parametrize(
    "text",
    [
        "upstream connect error or disconnect/reset before headers",
        "<html><p>502 Bad Gateway</p></html>",
        "  no {a: 1}",
        "",
    ],
)
def test_what_is_only_called_json_is_left_as_it_is(text: str) -> None:
    assert laid_out(text.encode(), "json") == text


@pytest.mark.parametrize("before", ["", "// made by hand\n", ")]}',\n", "show("])
def test_json_behind_something_else_is_laid_out(before: str) -> None:
    assert '\n  "a": 1,\n  "b": [' in laid_out(f'{before}{{"a":1,"b":[}}'.encode(), "json")


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_tokens_stay_as_they_came() -> None:
    text = laid_out(b'{"price":1.10,"big":12345678901234567890123,"esc":"\\u00e9\\/","price":1E400}', "json")
    assert text.splitlines()[1:-1] == [
        '  "price": 1.10,',
        '  "big": 12345678901234567890123,',
        '  "esc": "\\u00e9\\/",',
        '  "price": 1E400',
    ]


def test_a_masked_number_does_not_spoil_the_layout() -> None:
    assert laid_out('{"pin":••••••,"a":[••••••]}'.encode(), "json").splitlines() == [
        "{",
        '  "pin": "••••••",',
        '  "a": [',
        '    "••••••"',
        "  ]",
        "}",
    ]


def test_json_that_is_cut_short_is_laid_out_as_far_as_it_goes() -> None:
    assert laid_out(b'{"a":[1,{"b":"not ended', "json").splitlines() == [
        "{",
        '  "a": [',
        "    1,",
        "    {",
        '      "b": "not ended',
    ]


@pytest.mark.parametrize("by_lines", [True, False])
def test_json_lines_are_laid_out_one_by_one(by_lines: bool) -> None:
    assert (
        laid_out(b'{"a":1}\n{"b":[2]}\n', "json", by_lines=by_lines) == '{\n  "a": 1\n}\n{\n  "b": [\n    2\n  ]\n}\n'
    )


def test_a_string_of_megabytes_passes_in_pieces() -> None:
    data = b'{"a":"' + b"x\\\\" * 500_000 + b'","b":"y" '
    pieces = list(lay_out_anything(data))
    assert b"".join(pieces).splitlines()[2] == b'  "b": "y"'
    assert max(map(len, pieces)) < 200_000


def test_xml_has_a_line_for_each_element() -> None:
    data = b'<?xml version="1.0"?><a x="1>2"><b>text</b><c/><d></d><e>mixed <i>in</i> tail</e><!-- c --></a>'
    assert laid_out(data, "xml").splitlines() == [
        '<?xml version="1.0"?>',
        '<a x="1>2">',
        "  <b>text</b>",
        "  <c/>",
        "  <d></d>",
        "  <e>",
        "    mixed",
        "    <i>in</i>",
        "    tail",
        "  </e>",
        "  <!-- c -->",
        "</a>",
    ]


def test_html_leaves_scripts_alone_and_knows_what_has_no_end() -> None:
    script = b"<script>\n  if (a<b) x('</p>')\n</script>"
    data = b"<HTML><head><meta charset=utf-8>" + script + b"</head><body><br><p>one<li>x</body></HTML>"
    assert laid_out(data, "html").splitlines() == [
        "<HTML>",
        "  <head>",
        "    <meta charset=utf-8>",
        "    <script>",
        "  if (a<b) x('</p>')",
        "    </script>",
        "  </head>",
        "  <body>",
        "    <br>",
        "    <p>",
        "      one",
        "      <li>",
        "        x",
        "  </body>",
        "</HTML>",
    ]


@pytest.mark.parametrize("data", [b"[" * 900 + b"1," * 20_000 + b"1" + b"]" * 900, b"<a>" * 40 + b"<b/>" * 40_000])
def test_a_body_that_would_grow_beyond_reason_is_refused(data: bytes) -> None:
    syntax = "json" if data.startswith(b"[") else "xml"
    with pytest.raises(TooDeep):
        laid_out(data, syntax)


def test_nesting_without_end_is_laid_out_or_refused_and_never_breaks() -> None:
    for data in (b"[" * 100_000, b'{"a":' * 50_000, b"<a>" * 50_000):
        syntax = "xml" if data.startswith(b"<") else "json"
        with suppress(TooDeep):
            assert squeezed(laid_out(data, syntax)) == data.decode()
