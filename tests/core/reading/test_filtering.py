from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from core.errors import HushpostError
from core.reading.filtering import Filter
from core.reading.kinds import Syntax
from core.reading.rows import TextDocument
from core.redactor import Redactor
from core.secret import MASK, Secret
from tests.core.reading.test_reading import redactor, text

__all__ = ["redactor"]

FEED = """<?xml version="1.0"?>
<!DOCTYPE feed SYSTEM "file:///etc/passwd">
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:m="urn:media">
<entry id="1"><title>Öne &amp; only</title><m:size>20</m:size></entry>
<entry id="2"><title>two</title><m:size>22</m:size></entry>
</feed>"""
PAGE = "<html><body><ul><li class=a>one<li class=b>two <b>bold</b></ul><br></body>"


def result(body: str, query: str, redactor: Redactor, syntax: Syntax) -> tuple[int, str]:
    one = Filter(TextDocument.of(body.encode()), query, redactor, syntax)
    assert one.run()
    return one.found, text(one.result)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("//title/text()", (2, "Öne & only\ntwo")),
        ("//entry/@id", (2, "1\n2")),
        ("sum(//m:size)", (1, "42")),
        ("count(//entry) > 1", (1, "true")),
        ("//entry[@id='2']/title", (1, "<title>two</title>")),
        ("//nothing", (0, "")),
    ],
)
def test_xpath_in_xml(redactor: Redactor, query: str, found: tuple[int, str]) -> None:
    number, shown = result(FEED, query, redactor, "xml")
    assert (number, shown.replace(' xmlns="http://www.w3.org/2005/Atom" xmlns:m="urn:media"', "")) == found


def test_elements_are_laid_out(redactor: Redactor) -> None:
    _, shown = result("<a><b><c>1</c><d/></b></a>", "//b", redactor, "xml")
    assert shown.splitlines() == ["<b>", "  <c>1</c>", "  <d/>", "</b>"]


def test_xpath_in_html_that_is_not_well_formed(redactor: Redactor) -> None:
    assert result(PAGE, "//li/@class", redactor, "html") == (2, "a\nb")
    assert result(PAGE, "string(//li[2])", redactor, "html") == (1, "two bold")


def test_entities_are_not_followed(redactor: Redactor, tmp_path: Path) -> None:
    secret = tmp_path / "outside"
    secret.write_text("from the disk")
    body = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}"><!ENTITY y "inside">]><a>&x;&y;</a>'
    _, shown = result(body, "//a", redactor, "xml")
    assert "from the disk" not in shown


@pytest.mark.parametrize("query", ["//[", "//q:entry", "frobnicate(//a)", "//a["])
def test_an_xpath_that_is_none(redactor: Redactor, query: str) -> None:
    with pytest.raises(HushpostError, match=r"the XPath .* cannot be used") as caught:
        result(FEED, query, redactor, "xml")
    assert caught.value.hint == "a path looks like //item/@id"


@pytest.mark.parametrize(
    ("body", "query", "found"),
    [
        ('{"a": NaN, "b": [-Infinity]}', "$.a", "[\n  NaN\n]"),
        ('{"a": 1e400}', "$.a", "[\n  Infinity\n]"),
        (r'{"a": "half \ud83d"}', "$.a", '[\n  "half \\ud83d"\n]'),
        (f'{{"a": {"9" * 5000}}}', "$.a", f"[\n  {'9' * 5000}\n]"),
    ],
)
def test_values_that_are_hardly_json_are_found(redactor: Redactor, body: str, query: str, found: str) -> None:
    assert result(body, query, redactor, "json") == (1, found)


def test_a_body_that_is_nested_too_deep_says_so(redactor: Redactor) -> None:
    with pytest.raises(HushpostError, match="nested too deep"):
        result("[" * 100_000 + "]" * 100_000, "$[0]", redactor, "json")


def test_a_command_reads_the_masked_body(redactor: Redactor) -> None:
    redactor.add("word", Secret("swordfish"))
    masked = f'{{"a": 1, "b": "{MASK}"}}\n'
    assert result(masked * 3, "| tr a z | head -n 2", redactor, "json") == (2, masked.replace("a", "z") * 2)
    # What it makes of it is masked once more.
    assert (
        result("nothing", "| echo fishsword | sed 's/\\(fish\\)\\(sword\\)/\\2\\1/'", redactor, "text")[1]
        == f"{MASK}\n"
    )


def test_the_result_of_a_command_is_what_it_looks_like(redactor: Redactor) -> None:
    one = Filter(TextDocument.of(b"<a/>"), "| echo '{\"a\": 1}'", redactor, "xml")
    one.run()
    assert one.syntax == "json"


def test_a_command_that_finds_nothing_is_no_failure(redactor: Redactor) -> None:
    assert result("abc\n", "|grep xyz", redactor, "text") == (0, "")


@pytest.mark.parametrize(
    "query", ["| no-such-command-anywhere", "| sh -c 'echo broken >&2; exit 3'", "| exit 3", "| kill -9 $$"]
)
def test_a_command_that_fails_says_why(redactor: Redactor, query: str) -> None:
    with pytest.raises(HushpostError, match=r"failed: .*(not found|broken|code 3|code -9)"):
        result("abc", query, redactor, "text")


def test_a_command_without_an_end_is_ended(redactor: Redactor) -> None:
    with pytest.raises(HushpostError, match="more than 256 MiB"):
        result("abc", "| exec yes", redactor, "text")


def test_cancelling_ends_the_command_too(redactor: Redactor, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    one = Filter(TextDocument.of(b"abc"), f"| exec 3> {pipe}; echo started >&3; (sleep 600; true)", redactor, "text")
    ended: list[bool] = []
    thread = threading.Thread(target=lambda: ended.append(one.run()))
    thread.start()
    with pipe.open() as reader:
        assert reader.readline() == "started\n"
        one.cancel()
        # The pipe ends when nobody holds it open any more.
        assert reader.read() == ""
    thread.join()
    assert ended == [False]
