import copy
import json
import pickle

import msgspec
import pytest

from core.secret import MASK, Secret

VALUE = "hunter2-Zürich"


def test_reveal_is_the_way_out() -> None:
    assert Secret(VALUE).reveal() == VALUE


@pytest.mark.parametrize(
    "shown",
    [
        str(Secret(VALUE)),
        repr(Secret(VALUE)),
        f"{Secret(VALUE)}",
        f"{Secret(VALUE)!r}",
        f"{Secret(VALUE):>40}",
        f"{Secret(VALUE):s}",
        "%s %r" % (Secret(VALUE), Secret(VALUE)),  # noqa: UP031 - one of the ways a value could be printed
        str([Secret(VALUE)]),
        str({"key": Secret(VALUE)}),
    ],
)
def test_everything_that_prints_gives_dots(shown: str) -> None:
    assert "hunter2" not in shown


def test_length_is_not_told() -> None:
    assert str(Secret("a")) == str(Secret("a" * 100)) == MASK
    with pytest.raises(TypeError):
        len(Secret(VALUE))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "leak",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        json.dumps,
        msgspec.json.encode,
        msgspec.msgpack.encode,
        msgspec.to_builtins,
        vars,
        bytes,
        iter,
    ],
)
def test_copying_and_serialising_raise(leak: object) -> None:
    with pytest.raises(TypeError) as error:
        leak(Secret(VALUE))  # type: ignore[operator]
    assert "hunter2" not in str(error.value)


def test_equality_is_by_value_and_never_with_a_text() -> None:
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret(VALUE + "x")
    assert Secret(VALUE) != VALUE
    assert Secret("\udcff") == Secret("\udcff")
    assert len({Secret(VALUE), Secret(VALUE), Secret("other")}) == 2


def test_an_attribute_cannot_be_added() -> None:
    with pytest.raises(AttributeError):
        Secret(VALUE).note = VALUE  # type: ignore[attr-defined]
