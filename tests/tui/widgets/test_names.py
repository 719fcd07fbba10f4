"""What names in templates mean: kinds, hints, completions; never a hidden value."""

from __future__ import annotations

from textual.app import App

from core.environment import Scope
from core.models import Variable
from core.secret import Secret
from core.vault.config import MemoryLink
from tui.themes import THEMES, paint
from tui.widgets.names import Names


def names() -> Names:
    link = Variable(link=MemoryLink(credential="team", name="stripe"))
    return Names.of(
        Scope.of(
            overrides={"given": Secret("never-seen")},
            environment=(
                "production",
                {"host": "api.example.com", "stripe_key": link, "password": Variable(secret=True)},
            ),
            base={"host": "localhost", "off": Variable(value="x", enabled=False), "empty": ""},
        )
    )


def test_a_hint_says_where_the_value_comes_from_and_shows_only_plain_ones() -> None:
    known = names()
    assert known.hint_at("{{host}}/x", 3) == 'host from environment "production": api.example.com'
    assert "never shown" in known.hint_at("{{password}}", 3)
    assert "stripe" in known.hint_at("{{stripe_key}}", 3)
    assert "never-seen" not in known.hint_at("{{given}}", 3)


def test_there_is_a_hint_only_inside_a_template() -> None:
    known = names()
    assert known.hint_at("a {{host}} b", 0) == ""
    assert known.hint_at("a {{host}} b", 11) == ""
    assert known.hint_at("a {{host}} b", 10)


def test_undefined_disabled_and_broken_ones_are_warned_of() -> None:
    known = names()
    for text in ("{{nobody}}", "{{off}}", "{{$nothing}}", "{{a b}}"):
        assert "!" in known.hint_at(text, 3), text


def test_questions_and_generated_values_say_what_they_are() -> None:
    assert 'asks for "Which id"' in names().hint_at("{{?Which id}}", 4)
    assert "UUID" in names().hint_at("{{$uuid}}", 4)


def test_completions_begin_with_what_was_typed_then_hold_it() -> None:
    found = [name for name, _ in names().completions("st")]
    assert found[0] == "stripe_key"
    assert "host" in found
    assert "off" not in [name for name, _ in names().completions("")]


def test_completions_hold_no_hidden_value() -> None:
    assert not [said for _, said in names().completions("") if "never-seen" in said]


def test_kinds_look_different_and_an_undefined_one_is_underlined() -> None:
    app = App[None]()
    app.register_theme(THEMES[0])
    app.theme = THEMES[0].name
    ink = paint(app)
    known = names()
    looks = {
        text: known.styled(text, ink)[0][2]
        for text in ("{{host}}", "{{password}}", "{{stripe_key}}", "{{nobody}}", "{{$uuid}}")
    }
    assert len(set(looks.values())) == 5
    assert looks["{{nobody}}"].underline
    assert not looks["{{host}}"].underline
