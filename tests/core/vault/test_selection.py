"""What a link takes out of the fetched bytes."""

from __future__ import annotations

import base64
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import SecretNotFound, VaultError
from core.vault.config import HashicorpLink, MemoryLink
from core.vault.selection import Inside, compact, look_inside, select, whole


def link(**fields: object) -> MemoryLink:
    return MemoryLink(**({"credential": "c", "name": "n"} | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "fields", "value"),
    [
        (b"plain", {}, "plain"),
        (b"", {}, ""),
        ("grüße\n".encode(), {}, "grüße\n"),
        (b"x\n", {"trim": True}, "x"),
        (b"x\r\n", {"trim": True}, "x"),
        (b"x\n\n", {"trim": True}, "x\n"),
        (b"x\r", {"trim": True}, "x\r"),
        (b"x", {"trim": True}, "x"),
        (b"\xff\x00", {"encoding": "base64"}, "/wA="),
        (b"x\n", {"encoding": "base64", "trim": True}, "eA=="),
        (b'{"k": "v"}', {}, '{"k": "v"}'),
        (b'{"k": "v"}', {"key": "k"}, "v"),
        (b'{"k": "v\\n"}', {"key": "k", "trim": True}, "v"),
        (b'{"k": "v"}', {"key": "k", "encoding": "base64"}, "dg=="),
        (b'{"a.b": {"k": 1}, "k": 2}', {"key": "a.b"}, '{"k":1}'),
        (b'{"k": 1.10}', {"key": "k"}, "1.10"),
        (b'{"k": 1e3}', {"key": "k"}, "1e3"),
        (b'{"k": 123456789012345678901234567890}', {"key": "k"}, "123456789012345678901234567890"),
        (b'{"k": [1.10, {"a" : "\\u003c"}]}', {"key": "k"}, '[1.10,{"a":"<"}]'),
        (b'{"k": true}', {"key": "k"}, "true"),
        (b'{"k": ""}', {"key": "k"}, ""),
        (b'{"k": "a", "k": "b"}', {"key": "k"}, "b"),
    ],
)
def test_selected(data: bytes, fields: dict[str, object], value: str) -> None:
    assert select(data, link(**fields)).reveal() == value


@pytest.mark.parametrize(
    ("data", "count"), [(b"{}", "0 keys"), (b'{"K": "hidden"}', "1 key"), (b'{"a": "hidden", "b": 1}', "2 keys")]
)
def test_a_missing_key_tells_only_how_many_there_are(data: bytes, count: str) -> None:
    with pytest.raises(SecretNotFound) as caught:
        select(data, link(key="k"))
    assert caught.value.message == f'secret "n" has no key "k" among its {count}'
    assert "hidden" not in repr(caught.value.__dict__)


@pytest.mark.parametrize(
    "data",
    [
        b"hidden",
        b"",
        b"[1]",
        b'"hidden"',
        b'{"k": "hid',
        b'{"k": "\xff"}',
        b'{"k": {"\xff": 1}}',
        b"\xff\xfe",
        b'{"k":' * 5000,
    ],
)
def test_a_key_of_what_is_no_object(data: bytes) -> None:
    with pytest.raises(SecretNotFound, match="no JSON object") as caught:
        select(data, link(key="k"))
    assert caught.value.__cause__ is None
    assert "hid" not in str(caught.value.hint)


def test_null_is_no_value() -> None:
    with pytest.raises(SecretNotFound, match="is null"):
        select(b'{"k": null}', link(key="k"))


def test_bytes_are_refused_with_the_cure_and_without_the_bytes() -> None:
    with pytest.raises(VaultError, match="no UTF-8") as caught:
        select(b"\xffhidden", link())
    assert "base64" in str(caught.value.hint)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_links_that_differ_in_selection_only_are_one_fetch() -> None:
    one = HashicorpLink(credential="a", mount="m", path="p", key="x", encoding="base64", trim=True)
    two = HashicorpLink(credential="b", mount="m", path="p")
    assert whole(one) == whole(two)
    assert whole(one) != whole(msgspec.structs.replace(two, version=2))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
).filter(lambda value: "\\ud" not in json.dumps(value) or _encodable(value))


def _encodable(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


@given(json_values)
def test_compacting_keeps_the_meaning(value: object) -> None:
    assert json.loads(compact(json.dumps(value, indent=2).encode())) == value


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.text(), min_size=1))
def test_any_text_behind_any_key(members: dict[str, str]) -> None:
    data = json.dumps(members, ensure_ascii=False).encode()
    for key, value in members.items():
        if key:
            assert select(data, link(key=key)).reveal() == value


@given(st.binary())
def test_base64_of_any_bytes(data: bytes) -> None:
    assert base64.b64decode(select(data, link(encoding="base64")).reveal()) == data


@pytest.mark.parametrize(
    ("data", "inside"),
    [
        (b"plain", Inside("text")),
        (b'"quoted"', Inside("text")),
        (b"[1]", Inside("text")),
        (b"\xff\x00", Inside("bytes")),
        (b"{}", Inside("object")),
        (
            b'{"a": "hidden", "b": {"c": "hidden"}, "d": [1], "e": 1.5, "f": null, "g": true}',
            Inside(
                "object",
                (("a", "text"), ("b", "object"), ("d", "list"), ("e", "number"), ("f", "null"), ("g", "true or false")),
            ),
        ),
    ],
)
def test_what_is_inside_is_told_by_names_and_kinds_alone(data: bytes, inside: Inside) -> None:
    assert look_inside(data) == inside
    assert "hidden" not in repr(look_inside(data))


@given(st.binary(max_size=40))
def test_looking_inside_takes_any_bytes(data: bytes) -> None:
    assert look_inside(data).kind in ("object", "text", "bytes")
