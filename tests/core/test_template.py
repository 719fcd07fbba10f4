"""Templates: what is a reference, what a rendering sends, and that what it shows never holds a hidden value."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.errors import FormatError, TemplateError
from core.secret import Secret
from core.template import Reference, Rendered, escape, references, render
from tests import strategies


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("plain } text { with {single} braces", []),
        ("a{{x}}b", [Reference("x", 1, 6, "variable")]),
        ("{{ a.b-c_d }}", [Reference("a.b-c_d", 0, 13, "variable")]),
        ("{{vault:key}}", [Reference("key", 0, 13, "vault")]),
        ("{{$uuid}}", [Reference("uuid", 0, 9, "dynamic")]),
        ("{{? Your name, please }}", [Reference("Your name, please", 0, 24, "prompt")]),
        ("{{a}}{{b}}", [Reference("a", 0, 5, "variable"), Reference("b", 5, 10, "variable")]),
        ('{"a":{"b":{{x}}}}', [Reference("x", 10, 15, "variable")]),
        ("{{{x}}}", [Reference("x", 1, 6, "variable")]),
        ("{{{{x}}}}", [Reference("x", 2, 7, "variable")]),
        (r"\{{x}}", []),
        (r"\{{{x}}}", []),
        (r"C:\\{{x}}", [Reference("x", 4, 9, "variable")]),
        (r"\\\{{x}}", []),
        (r"\{{a}}{{b}}", [Reference("b", 6, 11, "variable")]),
        ("{{1a}}", [Reference("", 0, 6, "invalid")]),
        ("{{a b}}", [Reference("", 0, 7, "invalid")]),
        ("{{}}", [Reference("", 0, 4, "invalid")]),
        ("{{?}}", [Reference("", 0, 5, "invalid")]),
        ("{{vault:}}", [Reference("", 0, 10, "invalid")]),
        ("{{a\nb}}", [Reference("", 0, 2, "invalid")]),
        ("{{x", [Reference("", 0, 2, "invalid")]),
    ],
)
def test_references_are_found_with_their_place(text: str, found: list[Reference]) -> None:
    assert list(references(text)) == found


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("a{{x}}b", "aXb"),
        ("{{ x }}{{x}}", "XX"),
        (r"\{{x}}", "{{x}}"),
        (r"\\{{x}}", r"\\X"),
        (r"\\\{{x}}", r"\\{{x}}"),
        ("{{{x}}}", "{X}"),
        (r"\{{{x}}}", "{{{x}}}"),
        ("{{$uuid}}", "U"),
        ("{{?Name}}", "N"),
        (r"a\b\\c", r"a\b\\c"),
    ],
)
def test_rendering_puts_the_values_in(text: str, sent: str) -> None:
    assert render(text, {"x": "X", "$uuid": "U", "?Name": "N"}).reveal() == sent


def test_values_are_not_templates_themselves() -> None:
    assert render("{{a}}", {"a": r"{{b}} \{{c}}"}).reveal() == r"{{b}} \{{c}}"


def test_every_undefined_name_is_listed_with_the_field_and_a_near_miss() -> None:
    with pytest.raises(TemplateError) as caught:
        render("{{tokn}} {{x}} {{nothing}} {{tokn}} {{$uid}}", {"token": "t", "x": "x"}, where='header "Accept"')
    error = caught.value
    assert error.names == ("tokn", "nothing", "$uid")
    assert str(error) == 'header "Accept": variables "tokn", "nothing", "$uid" are not defined'
    assert error.hint == 'did you mean "token" for "tokn" and "$uuid" for "$uid"'


def test_braces_without_a_name_are_refused_by_place_without_quoting_them() -> None:
    with pytest.raises(TemplateError) as caught:
        render('{"a": {{"password": "hunter2"}}}', {}, where="body")
    assert str(caught.value) == "body: the braces at character 7 hold no name"
    assert caught.value.hint is not None
    assert "hunter2" not in caught.value.hint
    assert r"\{{" in caught.value.hint


def test_vault_takes_only_hidden_values() -> None:
    assert render("{{vault:a}}", {"a": Secret("s")}).reveal() == "s"
    with pytest.raises(TemplateError, match='"a" is plain') as caught:
        render("{{vault:a}}", {"a": "plain"}, where="url")
    assert caught.value.names == ("a",)
    assert caught.value.hint == 'make "a" a secret or link it, or write {{a}}'


def test_a_hidden_value_is_shown_by_name_in_every_form() -> None:
    rendered = render("https://h/{{k}}?a={{x}}", {"k": Secret("s/e c"), "x": "p"})
    assert rendered.reveal() == "https://h/s/e c?a=p"
    assert rendered.shown == "https://h/{{k}}?a=p"
    assert rendered.secrets == {"k"}
    assert rendered.is_hidden
    assert f"{rendered}|{rendered!r}" == f"{rendered.shown}|Rendered({rendered.shown!r})"
    assert rendered.value == Secret("https://h/s/e c?a=p")
    assert render("{{x}}", {"x": "p"}).value == "p"


def test_encodings_reach_the_value_and_leave_the_name() -> None:
    rendered = render("ä/{{k}}", {"k": Secret("s/ö")})
    encoded = rendered.map(lambda text: quote(text, safe=""))
    assert encoded.reveal() == quote("ä/s/ö", safe="")
    assert encoded.shown == "%C3%A4%2F{{k}}"
    assert encoded.secrets == {"k"}


def test_a_text_encoded_as_a_whole_is_hidden_as_a_whole() -> None:
    pair = render("{{user}}:{{password}}", {"user": "me", "password": Secret("pw")})
    basic = pair.whole(lambda text: b64encode(text.encode()).decode())
    assert basic.reveal() == "bWU6cHc="
    assert basic.shown == "me:{{password}}"
    assert basic.secrets == {"password"}
    assert pair.whole(lambda text: text[::-1], shown="…").shown == "…"
    open_pair = Rendered("a:b").whole(lambda text: b64encode(text.encode()).decode(), shown="…")
    assert open_pair.shown == open_pair.reveal() == "YTpi"


def test_parts_are_put_together() -> None:
    key = Rendered.hidden("k", Secret("s"))
    assert ("a" + key + "b").shown == "a{{k}}b"
    joined = Rendered.join("&", ["a=1", "k=" + key, Rendered("")])
    assert (joined.reveal(), joined.shown) == ("a=1&k=s&", "a=1&k={{k}}&")
    assert Rendered.join(",", []) == Rendered()
    assert not Rendered()
    assert not Rendered.hidden("k", Secret(""))
    assert key
    assert Rendered("a") + "b" == Rendered("ab")


hidden_values = st.text(min_size=1, max_size=6)


@given(st.lists(st.sampled_from(["{{a}}", "{{b}}", "x", "é", " ", "\\{{", "/", '"']), max_size=12), hidden_values)
def test_what_is_shown_is_the_same_for_any_hidden_value(pieces: list[str], secret: str) -> None:
    """The shown form cannot depend on a hidden value in any way, so it cannot leak one, however short."""
    text = "".join(pieces)

    def shown(value: str) -> list[str]:
        rendered = render(text, {"a": Secret(value), "b": "plain"})
        forms = [
            rendered,
            rendered.map(lambda part: quote(part, safe="")),
            rendered.map(lambda part: json.dumps(part)[1:-1]),
            "Basic " + rendered.whole(lambda part: b64encode(part.encode("utf-8", "surrogatepass")).decode()),
            Rendered.join("&", [rendered, rendered]),
        ]
        return [form.shown for form in forms if form.is_hidden]

    assume(not any("\ud800" <= character <= "\udfff" for character in secret))
    assert shown(secret) == shown("another")


@given(st.lists(st.sampled_from(["{", "{{", "}", "}}", "\\", "\\\\", "a", "{{a}}", "$", "\n"]), max_size=12))
def test_an_escaped_text_renders_to_itself(pieces: list[str]) -> None:
    text = "".join(pieces)
    try:
        template = escape(text)
    except FormatError:
        assert "\\{{" in text
    else:
        assert references(template) == ()
        assert render(template, {}).reveal() == text


@given(strategies.texts, strategies.names, strategies.texts)
def test_a_reference_stands_where_it_says(before: str, name: str, after: str) -> None:
    assume(not before.endswith(("\\", "{")))
    assume(not references(before))
    assume("{{" not in before)
    text = f"{before}{{{{{name}}}}}{after}"
    found = references(text)[0]
    assert (found.name, text[found.start : found.end]) == (name, "{{" + name + "}}")
