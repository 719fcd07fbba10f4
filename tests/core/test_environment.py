"""Layers: which variable a name means, what a request needs before it can be built, and what its values are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.environment import Scope, Source
from core.errors import SecretNotFound, TemplateError
from core.models import Variable
from core.secret import MASK, Secret
from core.template import MAX_LENGTH
from core.vault.config import MemoryLink

LINK = MemoryLink(credential="team", name="n")
LINKED = Variable(link=LINK, allowed_hosts=("api.example.com",), refetch_on_401=True)
SECRET = Variable(secret=True)
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def sent(scope: Scope, text: str, values: Mapping[str, Secret] | None = None) -> str:
    return scope.resolve(values or {}).render(text).reveal()


def refused(scope: Scope, *texts: str) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        scope.needed([("url", text) for text in texts])
    return caught.value


# Layers

LAYERS = ("override", "script", "captured", "request", "inner folder", "outer folder", "environment", "base")


def layered(present: set[str]) -> Scope:
    """A scope in which each layer that is present gives x its own name."""

    def layer(name: str) -> dict[str, str]:
        return {"x": name} if name in present else {}

    return Scope.of(
        overrides=layer("override"),
        scripted=layer("script"),
        captured=layer("captured"),
        request=layer("request"),
        reference="a/b/c",
        folders=[("a/b", layer("inner folder")), ("a", layer("outer folder"))],
        environment=("production", layer("environment")),
        base=layer("base"),
    )


@given(st.sets(st.sampled_from(LAYERS), min_size=1))
def test_the_first_layer_that_has_a_name_wins(present: set[str]) -> None:
    scope = layered(present)
    wins = next(name for name in LAYERS if name in present)
    assert sent(scope, "{{x}}") == wins
    found = scope.lookup("x")
    assert found is not None
    assert found[1].kind == wins.split()[-1]


def test_a_source_says_where_a_value_came_from() -> None:
    places = {name: layered({name}).lookup("x") for name in LAYERS}
    shown = {name: str(found[1]) for name, found in places.items() if found}
    assert shown == {
        "override": "this run",
        "script": "a script",
        "captured": "a capture",
        "request": 'request "a/b/c"',
        "inner folder": 'folder "a/b"',
        "outer folder": 'folder "a"',
        "environment": 'environment "production"',
        "base": "the base environment",
    }


def test_a_source_names_the_file_that_holds_a_secret() -> None:
    assert Source("environment", "production").holder == "environments/production"
    assert Source("base", "base").holder == "environments/base"
    assert Source("request", "a/b").holder == "requests/a/b"
    assert Source("folder", "a").holder == "requests/a"
    assert Source("folder", "").holder == "requests"
    assert Source("override").holder == ""


def test_a_disabled_variable_is_as_if_it_were_not_there() -> None:
    off = Variable(value="off", enabled=False)
    assert sent(Scope.of(environment=("e", {"x": off}), base={"x": "base"}), "{{x}}") == "base"
    scope = Scope.of(environment=("e", {"x": off}))
    assert scope.lookup("x") is None
    assert scope.disabled("x") == Source("environment", "e")
    error = refused(scope, "{{x}}")
    assert str(error) == 'url: variable "x" is disabled in environment "e"'
    assert error.names == ("x",)


# What is a template, and what is literal


def test_only_plain_values_in_files_are_templates() -> None:
    scope = Scope.of(
        overrides={"o": "{{b}}"},
        captured={"c": "{{b}}"},
        scripted={"s": "{{b}}"},
        base={"b": "B", "plain": "{{b}}", "deep": "<{{plain}}>", "secret": SECRET, "linked": LINKED},
    )
    values = {"secret": Secret("{{b}}"), "linked": Secret(r"\{{b}}")}
    assert sent(scope, "{{o}} {{c}} {{s}}") == "{{b}} {{b}} {{b}}"
    assert sent(scope, "{{plain}} {{deep}}") == "B <B>"
    assert sent(scope, "{{secret}} {{linked}}", values) == r"{{b}} \{{b}}"
    resolved = scope.resolve({}, prompts={"Q": "{{b}}"})
    assert resolved.render("{{?Q}}").reveal() == "{{b}}"


def test_names_inside_a_value_are_looked_up_from_the_top() -> None:
    scope = Scope.of(environment=("e", {"host": "prod"}), base={"host": "local", "url": "http://{{host}}/"})
    assert sent(scope, "{{url}}") == "http://prod/"


# Hidden values


def test_what_is_needed_are_the_hidden_names_behind_the_texts_in_order_of_use() -> None:
    scope = Scope.of(
        overrides={"given": Secret("g")},
        base={"url": "{{host}}/{{key}}", "host": "h", "key": LINKED, "pw": SECRET, "unused": SECRET, "given": SECRET},
    )
    texts = [("body", "{{pw}}{{given}}"), ("url", "{{url}}{{pw}}{{vault:key}}")]
    assert scope.needed(texts) == ("pw", "key")
    assert scope.used(texts) == ("pw", "given", "url", "host", "key")


def test_a_plain_variable_that_holds_a_secret_shows_its_name() -> None:
    scope = Scope.of(base={"header": "Bearer {{key}}", "twice": "{{header}}!", "key": LINKED})
    resolved = scope.resolve({"key": Secret("k-123")})
    value = resolved.values["twice"]
    assert value.rendered.reveal() == "Bearer k-123!"
    assert value.rendered.shown == "Bearer {{key}}!"
    assert value.rendered.secrets == {"key"}
    assert value.text == Secret("Bearer k-123!")
    assert "k-123" not in f"{value!r}{resolved.values['key']!r}"
    with pytest.raises(TemplateError, match='"header" is plain'):
        resolved.render("{{vault:header}}")


def test_a_value_comes_with_the_rules_of_its_variable() -> None:
    scope = Scope.of(overrides={"o": Secret("o")}, captured={"t": Secret("t")}, base={"key": LINKED, "pw": SECRET})
    values = scope.resolve({"key": Secret("k"), "pw": Secret("p")}, consented={"pw"}).values
    key = values["key"]
    assert (key.hidden, key.credential, key.allowed_hosts, key.refetch_on_401, key.consented) == (
        True,
        "team",
        ("api.example.com",),
        True,
        False,
    )
    assert (values["pw"].credential, values["pw"].consented) == ("", True)
    assert (values["o"].hidden, values["o"].consented) == (True, True)
    assert (values["t"].hidden, values["t"].consented) == (True, True)


def test_what_a_run_gives_for_a_hidden_variable_is_hidden_too() -> None:
    base: dict[str, str | Variable] = {"key": LINKED, "other": "plain"}
    typed = Scope.of(overrides={"key": "dummy", "other": "x"}, base=base)
    assert typed.needed([("url", "{{vault:key}}{{other}}")]) == ()
    rendered = typed.resolve({}).render("{{vault:key}} {{other}}")
    assert (rendered.reveal(), rendered.shown) == ("dummy x", "{{key}} x")
    assert typed.resolve({}).values["key"].allowed_hosts is None
    real = Scope.of(overrides={"key": Secret("k")}, base=base).resolve({}).values["key"]
    assert (real.allowed_hosts, real.consented) == (("api.example.com",), True)


def test_an_empty_secret_is_never_sent() -> None:
    scope = Scope.of(base={"pw": SECRET})
    with pytest.raises(SecretNotFound, match='the secret value of "pw" is empty'):
        sent(scope, "{{pw}}", {"pw": Secret("")})
    with pytest.raises(TemplateError, match='the value of "pw" was not fetched'):
        sent(scope, "{{pw}}")


def test_a_run_may_replace_a_secret_but_a_capture_or_script_may_not() -> None:
    for hidden in (SECRET, LINKED):
        assert sent(Scope.of(overrides={"k": "test"}, base={"k": hidden}), "{{k}}") == "test"
        for scope, what in (
            (Scope.of(captured={"k": "x"}, base={"k": hidden}), "a capture"),
            (Scope.of(scripted={"k": Secret("x")}, base={"k": hidden}), "a script"),
        ):
            error = refused(scope, "{{k}}")
            assert str(error) == f'url: {what} sets "k", which is a {hidden.kind} variable of the base environment'
            with pytest.raises(TemplateError, match="which is a"):
                sent(scope, "{{k}}", {"k": Secret("real")})
            assert scope.shadowed("k") is not None
    plain_above = Scope.of(captured={"k": "x"}, environment=("e", {"k": "plain"}), base={"k": SECRET})
    assert plain_above.shadowed("k") is None
    assert sent(plain_above, "{{k}}") == "x"


def test_vault_asks_for_a_hidden_variable_whatever_a_capture_says() -> None:
    scope = Scope.of(captured={"k": "x"}, base={"p": "plain"})
    for name in ("k", "p"):
        assert refused(scope, f"{{{{vault:{name}}}}}").names == (name,)
    assert Scope.of(base={"k": SECRET}).needed([("url", "{{vault:k}}")]) == ("k",)


# Errors


def test_everything_in_the_way_is_named_at_once_with_its_place_and_cure() -> None:
    scope = Scope.of(
        base={
            "token": "t",
            "base_url": "https://{{hots}}/",
            "host": "h",
            "off": Variable(value="", enabled=False),
            "a": "{{b}}",
            "b": "{{a}}",
        }
    )
    with pytest.raises(TemplateError) as caught:
        scope.needed(
            [
                ("url", "{{base_url}}{{tokn}}"),
                ('header "X"', "{{off}}{{tokn}}{{zzz}}"),
                ("body", "{{a}} {{no name}} {{vault:token}} {{$uid}}"),
            ]
        )
    error = caught.value
    assert error.names == ("hots", "tokn", "off", "zzz", "a", "b", "token", "$uid")
    assert str(error).split("; ") == [
        'variable "hots" is not defined (url, variable "base_url")',
        'variable "tokn" is not defined (url)',
        'variable "off" is disabled in the base environment (header "X")',
        'variable "tokn" is not defined (header "X")',
        'variable "zzz" is not defined (header "X")',
        'variables refer to each other in a circle: "a" -> "b" -> "a" (body)',
        "the braces at character 7 hold no name (body)",
        'variable "token" is plain, and vault: asks for a secret or linked one (body)',
        'variable "$uid" is not defined (body)',
    ]
    assert error.hint is not None
    assert 'did you mean "host" for "hots"' in error.hint
    assert 'did you mean "token" for "tokn"' in error.hint
    assert "-v zzz=VALUE" in error.hint
    assert 'did you mean "$uuid" for "$uid"' in error.hint


def test_one_obstacle_reads_as_a_sentence() -> None:
    error = refused(Scope.of(base={"token": "t"}), "{{tokn}}")
    assert str(error) == 'url: variable "tokn" is not defined'
    assert (error.where, error.names) == ("url", ("tokn",))


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_circle_of_any_size_is_named(size: int) -> None:
    names = [f"v{number}" for number in range(size)]
    scope = Scope.of(base={name: f"{{{{{names[(place + 1) % size]}}}}}" for place, name in enumerate(names)})
    circle = " -> ".join(f'"{name}"' for name in [*names, names[0]])
    assert refused(scope, "{{v0}}").message == f"variables refer to each other in a circle: {circle}"
    with pytest.raises(TemplateError, match="in a circle"):
        sent(scope, "{{v0}}")


def test_a_chain_may_be_long_but_not_endless() -> None:
    def chain(length: int) -> Scope:
        return Scope.of(base={"v0": "end"} | {f"v{n}": f"{{{{v{n - 1}}}}}" for n in range(1, length)})

    assert sent(chain(100), "{{v99}}") == "end"
    assert chain(100).needed([("url", "{{v99}}")]) == ()
    assert "deep" in refused(chain(2000), "{{v1999}}").message
    with pytest.raises(TemplateError, match="deep"):
        sent(chain(2000), "{{v1999}}")


def test_values_that_multiply_each_other_do_not_fill_the_memory() -> None:
    scope = Scope.of(base={"v0": "x" * 1_000_000} | {f"v{n}": f"{{{{v{n - 1}}}}}" * 4 for n in range(1, 60)})
    with pytest.raises(TemplateError, match="would grow beyond") as caught:
        sent(scope, "{{v59}}")
    assert caught.value.where.startswith("variable")
    assert len(sent(scope, "{{v2}}")) == 16_000_000 < MAX_LENGTH


# Generated values, questions, previews


def test_generated_values_are_the_same_all_through_one_request() -> None:
    scope = Scope.of(base={"id": "{{$uuid}}"})
    resolved = scope.resolve({}, now=NOW)
    first, second = resolved.render("{{$uuid}} {{id}}").reveal().split()
    assert first == second
    UUID(first)
    assert resolved.render("{{$timestamp}} {{$isoTimestamp}}").reveal() == "1767323045 2026-01-02T03:04:05.678Z"
    assert re.fullmatch(r"\d{1,4}", resolved.render("{{$randomInt}}").reveal())
    assert scope.resolve({}).render("{{$uuid}}").reveal() != first
    assert resolved.render("{{$uuid}}").shown == first


def test_questions_are_found_also_behind_variables_and_need_an_answer() -> None:
    scope = Scope.of(base={"who": "{{?Your name}}", "unused": "{{?Never}}"})
    assert scope.prompts([("url", "{{?Age}} {{who}} {{?Age}}")]) == ("Age", "Your name")
    resolved = scope.resolve({}, prompts={"Your name": "Ada", "Age": Secret("36")})
    rendered = resolved.render("{{who}} {{?Age}}")
    assert (rendered.reveal(), rendered.shown) == ("Ada 36", "Ada {{?Age}}")
    with pytest.raises(TemplateError, match='the question "Your name" has no answer') as caught:
        sent(scope, "{{who}}")
    assert caught.value.hint is not None


def test_a_preview_needs_no_value() -> None:
    scope = Scope.of(base={"header": "Bearer {{key}}", "key": LINKED, "pw": SECRET})
    rendered = scope.preview().render("{{header}} {{pw}} {{?Who}}")
    assert rendered.shown == "Bearer {{key}} {{pw}} {{?Who}}"
    assert rendered.is_hidden


def test_names_are_listed_with_kind_source_and_what_may_be_shown() -> None:
    scope = Scope.of(
        overrides={"run": "r", "token": Secret("hunter2")},
        environment=("e", {"url": "https://{{host}}/{{key}}", "loop": "{{loop}}"}),
        base={
            "host": "h",
            "url": "other",
            "key": LINKED,
            "pw": Variable(secret=True, description="of the job"),
            "off": Variable(value="", enabled=False),
        },
    )
    listed = {info.name: (info.kind, info.source.kind, info.shown, info.description) for info in scope.names()}
    assert listed == {
        "host": ("plain", "base", "h", ""),
        "key": ("linked", "base", MASK, ""),
        "loop": ("plain", "environment", "{{loop}}", ""),
        "pw": ("secret", "base", MASK, "of the job"),
        "run": ("plain", "override", "r", ""),
        "token": ("secret", "override", MASK, ""),
        "url": ("plain", "environment", "https://h/{{key}}", ""),
    }
    assert list(listed) == sorted(listed)
