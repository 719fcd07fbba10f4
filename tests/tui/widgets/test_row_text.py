"""Rows as text and back."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tui.widgets.row_text import LineError, lines_of, text_of

AWKWARD = st.sampled_from(
    [
        "",
        " ",
        ":",
        "#",
        '"',
        "\n",
        "\r\n",
        "\t",
        "\\",
        ";",
        "; type=",
        "{{",
        "}}",
        "{{a:b}}",
        "\x85",
        "\u2028",
        "\ud800",
    ]
)
texts = st.lists(AWKWARD | st.text(max_size=4), max_size=5).map("".join)


@given(rows=st.lists(st.tuples(st.tuples(texts, texts), st.booleans()), max_size=5))
@example(rows=[(("{{", "}}: x"), True)])
@example(rows=[(("", ""), False), (("# off", " \n"), True), (('"', '"'), False)])
def test_rows_come_back_exactly(rows: list[tuple[tuple[str, str], bool]]) -> None:
    text = text_of(rows)
    assert [(line.cells, line.enabled) for line in lines_of(text)] == rows
    # Whatever an editor takes for the end of a line: a row is one line.
    assert len(text.splitlines()) == len(rows)


@given(rows=st.lists(st.tuples(st.tuples(texts, texts, texts, texts), st.booleans()), max_size=3))
def test_rows_of_more_columns_come_back_exactly(rows: list[tuple[tuple[str, ...], bool]]) -> None:
    more = ("type", "filename")
    assert [(line.cells, line.enabled) for line in lines_of(text_of(rows, more), more)] == rows


def test_it_reads_as_people_write_it() -> None:
    text = "\n  Accept : text/plain\n\n#X-Debug:1\n# X-Off:  a b  \nHost:\n{{vault:h}}: {{a}}:{{b}}\r\n"
    assert [(line.number, line.cells, line.enabled) for line in lines_of(text)] == [
        (2, ("Accept", "text/plain"), True),
        (4, ("X-Debug", "1"), False),
        (5, ("X-Off", "a b"), False),
        (6, ("Host", ""), True),
        (7, ("{{vault:h}}", "{{a}}:{{b}}"), True),
    ]


def test_what_is_plain_is_written_plainly() -> None:
    assert text_of([(("Accept", "a: b # c"), True), (("X", " y"), False)]) == 'Accept: a: b # c\n# X: " y"\n'
    assert text_of([(("f", "@a.png", "image/png", ""), True)], ("type", "filename")) == "f: @a.png; type=image/png\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: b\nno sign", 'line 2: there is no ":" after the name'),
        ("a: b\n\n: x", "line 3: there is no name"),
        ('a: "b', "line 1: the quotes do not end"),
        ('a: "b" c', "line 1: something follows"),
        ('"a"', 'line 1: there is no ":"'),
        ("# just a remark", 'line 1: there is no ":"'),
    ],
)
def test_a_line_that_is_no_row_is_named(text: str, said: str) -> None:
    with pytest.raises(LineError) as caught:
        lines_of(text)
    assert str(caught.value).startswith(said)


def test_what_follows_a_semicolon_has_to_be_known() -> None:
    with pytest.raises(LineError, match="line 1: after"):
        lines_of("a: b; color=red", ("type",))
