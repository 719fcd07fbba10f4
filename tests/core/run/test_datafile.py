"""Data files become rows of texts; a wrong one is named with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import FormatError
from core.run.datafile import read_rows


def rows(tmp_path: Path, name: str, content: str | bytes) -> list[dict[str, str]]:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [dict(row) for row in read_rows(path)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'user,note\nann,1\nbob,"two\nlines, quoted"\n'),
        ("a.csv", '\ufeffuser,note\r\nann,1\r\n\r\nbob,"two\nlines, quoted"\r\n'),
        ("a.tsv", 'user\tnote\nann\t1\nbob\t"two\nlines, quoted"\n'),
        ("a.json", '[{"user": "ann", "note": 1}, {"user": "bob", "note": "two\\nlines, quoted"}]'),
        ("a.jsonl", '{"user": "ann", "note": 1}\n\n{"user": "bob", "note": "two\\nlines, quoted"}\n'),
        ("a.NDJSON", '{"user": "ann", "note": 1}\r\n{"user": "bob", "note": "two\\nlines, quoted"}'),
    ],
)
def test_each_format_gives_the_same_rows(tmp_path: Path, name: str, content: str) -> None:
    assert rows(tmp_path, name, content) == [
        {"user": "ann", "note": "1"},
        {"user": "bob", "note": "two\nlines, quoted"},
    ]


def test_a_cell_may_be_long(tmp_path: Path) -> None:
    text = "x" * 300_000
    assert rows(tmp_path, "a.csv", f'user\n"{text}"\n') == [{"user": text}]


def test_other_separators_are_recognized(tmp_path: Path) -> None:
    with pytest.raises(FormatError) as raised:
        rows(tmp_path, "a.csv", "user;note\nann;1\n")
    assert "commas" in (raised.value.hint or "")


def test_json_values_become_compact_texts_and_null_leaves_the_name_alone(tmp_path: Path) -> None:
    found = rows(tmp_path, "a.json", '[{"a": true, "b": null, "c": [1, {"d": "é"}], "e": 1.50, "f": ""}]')
    assert found == [{"a": "true", "c": '[1,{"d":"é"}]', "e": "1.5", "f": ""}]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "user,note\nann\n", 'a.csv", line 2: has 1 cells where the first line has 2'),
        ("a.csv", "user,user\n1,2\n", "two columns have the same name"),
        ("a.csv", "my user\n1\n", '"my user" is no variable name'),
        ("a.csv", "user\n", "holds no rows"),
        ("a.csv", "", "holds no rows"),
        ("a.csv", b"user\n\xff\n", "no UTF-8 text"),
        ("a.csv", 'a\n"x"y\n', "no CSV"),
        ("a.json", "{", "is no JSON"),
        ("a.json", "[" * 100_000, "nested too deep"),
        ("a.json", '{"a": 1}', "no array of objects"),
        ("a.json", '[{"a": 1}, 2]', "row 2: is no object"),
        ("a.jsonl", '{"a": 1}\nnope\n', "line 2: is no JSON"),
        ("a.xlsx", "", 'cannot end in ".xlsx"'),
    ],
)
def test_a_wrong_file_is_named_with_its_place(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(FormatError) as raised:
        rows(tmp_path, name, content)
    assert message in str(raised.value)
    assert name in str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no such file"):
        read_rows(tmp_path / "none.csv")
