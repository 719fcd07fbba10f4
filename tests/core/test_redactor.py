from __future__ import annotations

import base64
import copy
import html
import json
import pickle
import shlex
import threading
import tracemalloc
import urllib.parse
import xml.sax.saxutils
from collections.abc import Callable

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from core.redactor import Redactor
from core.secret import MASK, Secret


def b64(data: str | bytes) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def urlsafe(data: str) -> str:
    return base64.urlsafe_b64encode(data.encode()).decode()


# Written from what encoders out there do, not from the forms the redactor lists.
ENCODERS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "trimmed": str.strip,
    "percent": lambda value: urllib.parse.quote(value),
    "percent, no safe characters": lambda value: urllib.parse.quote(value, safe=""),
    "percent as in JavaScript": lambda value: urllib.parse.quote(value, safe="!*'()"),
    "percent for a whole URL": lambda value: urllib.parse.quote(value, safe=";,/?:@&=+$!*'()#"),
    "percent in lower case": lambda value: (
        urllib.parse.quote(value, safe="").replace("%2F", "%2f").replace("%3A", "%3a")
    ),
    "percent, every byte": lambda value: "".join(f"%{octet:02X}" for octet in value.encode()),
    "percent, every byte, mixed case": lambda value: "".join(
        f"%{octet:02x}" if number % 2 else f"%{octet:02X}" for number, octet in enumerate(value.encode())
    ),
    "percent twice": lambda value: urllib.parse.quote(urllib.parse.quote(value, safe=""), safe=""),
    "form": lambda value: urllib.parse.urlencode({"k": value}),
    "form, in lower case": lambda value: urllib.parse.quote_plus(value).replace("%2B", "%2b").replace("%26", "%26"),
    "base64": b64,
    "base64, unpadded": lambda value: b64(value).rstrip("="),
    "base64, url-safe": urlsafe,
    "base64, url-safe, unpadded": lambda value: urlsafe(value).rstrip("="),
    "base64, after one byte": lambda value: b64("u" + value + "tail"),
    "base64, after two bytes": lambda value: urlsafe("us" + value + "tail"),
    "basic": lambda value: b64("user:" + value),
    "basic, form-encoded as OAuth 2 wants it": lambda value: b64("id:" + urllib.parse.quote_plus(value)),
    "basic, percent-encoded": lambda value: urllib.parse.quote(b64("user:" + value), safe=""),
    "base64 of JSON": lambda value: b64(json.dumps({"key": value})),
    "base64 twice": lambda value: b64(b64("user:" + value)),
    "base64, wrapped": lambda value: base64.encodebytes(b"x" * 70 + value.encode() + b"y" * 70).decode(),
    "base64, wrapped and in JSON": lambda value: json.dumps(base64.encodebytes(b"x" * 70 + value.encode()).decode()),
    "JSON": lambda value: json.dumps(value)[1:-1],
    "JSON in UTF-8": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    "JSON with escaped slashes": lambda value: json.dumps(value)[1:-1].replace("/", "\\/"),
    "JSON with escaped slashes, in UTF-8": lambda value: json.dumps(value, ensure_ascii=False)[1:-1].replace(
        "/", "\\/"
    ),
    "JSON as PHP and Go write it for HTML": lambda value: (
        json.dumps(value)[1:-1]
        .replace("<", "\\u003C")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("'", "\\u0027")
    ),
    "JSON, upper-case escapes": lambda value: json.dumps(
        "".join(f"\\u{unit:04X}" for unit in memoryview(value.encode("utf-16-le")).cast("H"))
    )[1:-1].replace("\\\\", "\\"),
    "JSON twice": lambda value: json.dumps(json.dumps({"k": value})),
    "XML text": xml.sax.saxutils.escape,
    "XML attribute": lambda value: xml.sax.saxutils.quoteattr(value, {"'": "&apos;"}),
    "HTML": html.escape,
    "HTML, quotes kept": lambda value: html.escape(value, quote=False),
    "HTML, numeric": lambda value: "".join(f"&#{ord(character)};" for character in value),
    "HTML, numeric in hexadecimal": lambda value: "".join(f"&#x{ord(character):X};" for character in value),
    "hex": lambda value: value.encode().hex(),
    "HEX": lambda value: value.encode().hex().upper(),
    "repr": repr,
    "repr beside both quotes": lambda value: repr("'\"" + value),
    "ascii": ascii,
    "repr of bytes": lambda value: repr(value.encode()),
    "repr in a list": lambda value: str([value]),
    "C string": lambda value: "".join(f"\\x{octet:02x}" for octet in value.encode()),
    "shell": shlex.quote,
    "JSON in a URL": lambda value: urllib.parse.quote(json.dumps({"k": value})),
    "URL in JSON": lambda value: json.dumps("https://h/?k=" + urllib.parse.quote_plus(value)),
    "UTF-8 taken for Latin-1": lambda value: value.encode().decode("latin-1"),
    "UTF-8 taken for Latin-1, in JSON": lambda value: json.dumps(value.encode().decode("latin-1"))[1:-1],
    "UTF-8 taken for Latin-1, in a URL": lambda value: urllib.parse.quote(value.encode().decode("latin-1"), safe=""),
    "UTF-8 taken for Latin-1, in base64": lambda value: b64("user:" + value.encode().decode("latin-1")),
    "UTF-8 taken for Windows-1252": lambda value: "".join(
        chr(octet) if octet in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else bytes([octet]).decode("cp1252")
        for octet in value.encode()
    ),
    "URL in HTML": lambda value: html.escape("?a=b&k=" + urllib.parse.quote_plus(value)),
}

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
awkward = st.text(
    st.one_of(
        st.sampled_from("abcXYZ019 /+=-_.~%&<>\"'\\:;,?#@!$*(){}[]\n\t\u00e9\u00fc\u20ac\u4e2d\U0001f511n"),
        # Without the mask's own character: a value made of it cannot be told from the mask.
        st.characters(codec="utf-8", exclude_characters="\x00\r\u2022"),
    ),
    min_size=4,
    max_size=60,
).filter(lambda value: len(value.strip()) >= 4)


def knowing(*values: str) -> Redactor:
    redactor = Redactor()
    for number, value in enumerate(values):
        redactor.add(f"secret{number}", Secret(value))
    return redactor


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS.keys())
@pytest.mark.parametrize(
    "value",
    [
        "hunter2!",
        "S3cr3t/with+all=of&the<awkward>\"ones' \\ and % ?",
        "gr\u00fc\u00dfe-\u20ac-\u4e2d\u6587-\U0001f511",
        "%41&amp;\\u0041\\n+",
        "line one of it\nline two of it\n",
        "-----BEGIN KEY-----\n" + "\n".join("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ" for _ in range(8)),
        "0123456789abcdef" * 20,
    ],
)
def test_no_encoded_form_survives(encoder: Callable[[str], str], value: str) -> None:
    encoded = encoder(value)
    text = f"before {encoded} after"
    clean = knowing(value).redact(text)
    assert MASK in clean
    assert encoded not in clean
    assert clean.startswith("before ")
    assert clean.endswith(" after")


@pytest.mark.parametrize("echo", ["pass?word-1", "pass??word-1", "pass\ufffdword-1", "pass\ufffd\ufffdword-1"])
def test_marks_in_place_of_what_is_no_ascii_hide_nothing(echo: str) -> None:
    assert knowing("pass\u00e9word-1").redact(f"<{echo}>") == f"<{MASK}>"
    assert knowing("pass\u00e9word-1").redact(json.dumps(echo)) == f'"{MASK}"'


def test_marks_alone_are_no_secret() -> None:
    assert knowing("\u00e9\u00e9\u00e9\u00e9\u00e9a").redact("????? ?????a") == "????? ?????a"


LONG_VALUE = "".join(f"{number:x}-\u00fc {number * 7919:o}/" for number in range(20_000))


@pytest.mark.parametrize(
    "encoder",
    ["raw", "percent", "form", "base64", "base64, url-safe", "basic", "JSON", "HTML", "hex", "HEX", "C string"],
)
def test_a_very_long_value_is_masked(encoder: str) -> None:
    clean = knowing(LONG_VALUE[:20_000]).redact(ENCODERS[encoder](LONG_VALUE[:20_000]))
    assert clean.count(MASK) == 1
    assert clean.replace(MASK, "").rstrip("=") in ("", "k", "dXNlcj"), "what is left is what stood around it"


def test_escapes_of_a_very_long_values_own_hide_nothing() -> None:
    # Of 60 characters each, so that an escape may lie on any border between the pieces that are searched for.
    value = "".join(f"<{number:x}%41 {number * 7919:o}\\n&lt;\\\\{number * 104729:x}" for number in range(400))
    redactor = knowing(value)
    for text in (value, json.dumps(value), urllib.parse.quote(value, safe=""), html.escape(value), b64(value)):
        clean = redactor.redact(text)
        assert len(clean.replace(MASK, "")) < len(text) / 100


def test_a_very_long_value_takes_no_more_memory_than_it_is_worth() -> None:
    tracemalloc.start()
    try:
        redactor = knowing(LONG_VALUE)
        assert redactor.names_in(LONG_VALUE[1000:2000]) == {"secret0"}
        assert tracemalloc.get_traced_memory()[1] < 200 * len(LONG_VALUE)
    finally:
        tracemalloc.stop()


@settings(deadline=None)
@given(value=awkward, before=texts, after=texts, encoder=st.sampled_from(sorted(ENCODERS)))
@example(value="A" * 200, before="A", after="A", encoder="base64")
def test_no_encoded_form_survives_in_any_text(value: str, before: str, after: str, encoder: str) -> None:
    encoded = ENCODERS[encoder](value)
    redactor = knowing(value)
    clean = redactor.redact(f"{before} {encoded} {after}")
    assert encoded not in clean
    assert redactor.names_in(f"{before} {encoded} {after}") == {"secret0"}


@pytest.mark.parametrize(
    "encode",
    [
        lambda data: b64(data),
        lambda data: urlsafe(data),
        lambda data: b64(b64(data)),
        lambda data: urllib.parse.quote(b64(data), safe=""),
        lambda data: urllib.parse.quote(data, safe=""),
        lambda data: json.dumps(data),
        lambda data: data.encode().hex(),
    ],
)
@settings(deadline=None)
@given(
    # No character twice, and none of what stands around: a value that overlaps itself is masked further.
    values=st.tuples(*[st.permutations("ghijklmnopqrstuv").map(lambda letters: "".join(letters[:12]))] * 2),
    before=st.text("XYZ: ", max_size=7),
    after=st.text("XYZ, ", max_size=7),
)
def test_what_is_left_tells_nothing_of_the_value(
    encode: Callable[[str], str], values: tuple[str, str], before: str, after: str
) -> None:
    """Two values in the same place leave the same text, so not one bit of either is in what is left."""
    first, second = values
    assume(first != second)
    assert knowing(first).redact(encode(before + first + after)) == knowing(second).redact(
        encode(before + second + after)
    )


@settings(deadline=None)
@given(
    value=st.text(st.characters(codec="utf-8"), min_size=12).filter(lambda value: len(value.strip()) >= 12), text=texts
)
def test_a_text_without_the_secret_is_the_same_object(value: str, text: str) -> None:
    assume(value.strip()[:4] not in text)
    assume(not any(line.strip() and line.strip() in text for line in value.splitlines()))
    redactor = knowing(value)
    assert redactor.redact(text) is text
    data = text.encode()
    assert redactor.redact_bytes(data) is data
    assert redactor.names_in(text) == frozenset()


def test_escapes_in_a_text_without_secrets_stay() -> None:
    text = 'a%20b &amp; "c\\nd" \\u00e9 %zz &nothing; \\q \ud83d\\ud83d\n' * 10
    assert knowing("hunter2!").redact(text) == text


def test_a_mask_has_one_length() -> None:
    assert knowing("abcd").redact("<abcd>") == knowing("abcd" * 50).redact(f"<{'abcd' * 50}>") == f"<{MASK}>"


def test_overlapping_values_are_masked_whole() -> None:
    assert knowing("abcdef", "defghi").redact("-abcdefghi-") == f"-{MASK}-"
    assert knowing("bcde", "abcdefg").redact("-abcdefg-bcde-") == f"-{MASK}-{MASK}-"
    assert knowing("abcabcabd").redact("abcabcabcabd") == f"abc{MASK}"


def test_values_that_touch_become_one_mask() -> None:
    assert knowing("abcd", "efgh").redact("abcdefgh") == MASK


def test_lines_of_a_value_are_masked_alone_and_reflowed() -> None:
    redactor = knowing("first line here\r\n  second line here\nxyz\n\n")
    assert redactor.redact("a second line here, b") == f"a {MASK}, b"
    assert redactor.redact("first line here\n second line here") == f"{MASK}\n {MASK}"
    assert redactor.redact("xyz") == "xyz"


def test_leaves_of_a_json_value_are_masked_alone() -> None:
    value = json.dumps(
        {
            "user": "admin-user",
            "nested": [{"password": "p\u00e4ss/w\u00f6rd"}],
            "embedded": json.dumps({"inner": "inner-secret"}),
            "pem": "-----BEGIN-----\nMIIabcdefgh\n-----END-----\n",
            "pin": 90210421,
            "port": 5432,
            "tls": True,
            "mode": "true",
        },
        indent=2,
    )
    redactor = knowing(value)
    for leaf in (
        "admin-user",
        "p\u00e4ss/w\u00f6rd",
        "p\\u00e4ss\\/w\\u00f6rd",
        "inner-secret",
        "MIIabcdefgh",
        "90210421",
    ):
        assert redactor.redact(f"[{leaf}]") == f"[{MASK}]", leaf
    for harmless in ("5432", "true", '"password": ', "    }\n  ],\n"):
        assert redactor.redact(harmless) == harmless


def test_a_value_that_only_looks_like_json_is_masked() -> None:
    for value in ('{"half', "[" * 5000, "[1, 2", '"quoted text"', "{}{}"):
        assert knowing(value).redact(f"<{value}>") == f"<{MASK}>"


def test_part_of_a_long_value_is_masked() -> None:
    value = "".join(chr(97 + number * 7 % 26) + str(number) for number in range(200))
    clean = knowing(value).redact(value[:-30])
    assert clean.startswith(MASK)
    assert len(clean) < len(MASK) + 100
    assert knowing(value).redact(value) == MASK


def test_short_values_are_not_searched() -> None:
    redactor = knowing("abc", " ab ", "     ", "", "\n\n\n\n")
    text = "abc ab      \n\n\n\n"
    assert redactor.redact(text) is text


def test_bytes_that_are_no_text() -> None:
    redactor = knowing("hunter2!", "p\u00e4ssword")
    data = b"\xff\xfe\x80hunter2!\x80\xc3 p\xe4ssword p\xc3\xa4ssword\xe4\x00"
    assert redactor.redact_bytes(data) == b"\xff\xfe\x80%(m)s\x80\xc3 %(m)s %(m)s\xe4\x00" % {b"m": MASK.encode()}


@settings(deadline=None)
@given(before=st.binary(max_size=40), after=st.binary(max_size=40))
def test_any_bytes_around(before: bytes, after: bytes) -> None:
    assert b"hunter2!" not in knowing("hunter2!").redact_bytes(before + b"hunter2!" + after)


def test_a_hit_inside_characters_leaves_text() -> None:
    """In Latin-1 `£` is one byte, which is also the second half of `ã` in UTF-8."""
    assert knowing("\u00a3abcd").redact("x\u00e3abcdx") == f"x{MASK}x"
    assert knowing("abc\u00e9").redact("x" + b"abc\xe9\xb4\x80".decode() + "x") == f"x{MASK}x"


def test_lone_surrogates_pass() -> None:
    assert knowing("hunter2!").redact("\udcff hunter2! \ud83d") == f"\udcff {MASK} \ud83d"


@settings(deadline=None)
@given(
    chunks=st.lists(st.integers(1, 4000), min_size=1, max_size=30),
    places=st.lists(st.tuples(st.integers(0, 20_000), st.sampled_from(sorted(ENCODERS))), max_size=6),
    gap=st.sampled_from(["lorem ipsum \u00e9 ", "\\\\", "%25", "a&amp;b\n", "\u4e2d", "abcd", "\\u00e9\n "]),
)
def test_a_stream_masks_what_whole_bytes_would(chunks: list[int], places: list[tuple[int, str]], gap: str) -> None:
    value = "top/s3cret & \u00e4 +\"value'"
    parts, at = [], 0
    for place, encoder in sorted(places):
        parts += [(gap * 20_000)[: place - at], " ", ENCODERS[encoder](value), " "]
        at = place
    data = ("".join(parts) + (gap * 20_000)[: 20_000 - at]).encode()
    redactor = knowing(value, "abcdabcd")
    stream = redactor.stream()
    out, start, number = [], 0, 0
    while start < len(data):
        out.append(stream.feed(data[start : start + chunks[number % len(chunks)]]))
        start += chunks[number % len(chunks)]
        number += 1
    out.append(stream.finish())
    joined = b"".join(out)
    assert joined == redactor.redact_bytes(data)
    for _, encoder in places:
        assert ENCODERS[encoder](value).encode() not in joined


def test_a_stream_releases_what_is_settled() -> None:
    stream = knowing("hunter2!").stream()
    out = stream.feed(b"x" * 100_000)
    assert len(out) > 90_000
    assert out + stream.finish() == b"x" * 100_000


def test_a_secret_across_every_border() -> None:
    redactor = knowing("hunter2!")
    data = b"." * 9_000 + b"hunter2!" + b"." * 9_000
    for border in range(8_990, 9_020):
        stream = redactor.stream()
        assert stream.feed(data[:border]) + stream.feed(data[border:]) + stream.finish() == redactor.redact_bytes(data)


@pytest.mark.parametrize("lead", range(4))
@pytest.mark.parametrize("run", [b"\\\\", b"%25", b"\\u005c\\u005c", b"&amp;"])
def test_a_window_does_not_tear_an_escape(run: bytes, lead: int) -> None:
    """Read from its middle, a run of escapes would mean something else, and so would the secret behind it."""
    encoded = "".join(f"\\u{ord(character):04x}" for character in "hunter2!").encode()
    data = b"." * lead + run * 3000 + encoded + b"." * 6000
    redactor = knowing("hunter2!")
    for border in range(5000, 5000 + len(run)):
        stream = redactor.stream()
        out = stream.feed(data[:border]) + stream.feed(data[border:]) + stream.finish()
        assert out == data.replace(encoded, MASK.encode())


def test_one_long_run_of_hits_over_many_windows_is_one_mask() -> None:
    redactor = knowing("aaaa")
    assert redactor.redact("-" + "a" * 700_000 + "-") == f"-{MASK}-"


def test_windows_of_a_long_text() -> None:
    filler = "lorem ipsum dolor sit amet\n" * 11_000
    text = (filler + "hunter2!" + filler + urllib.parse.quote("p\u00e4ss/word") + filler) * 2
    clean = knowing("hunter2!", "p\u00e4ss/word").redact(text)
    assert clean == (filler + MASK + filler + MASK + filler) * 2


def test_names_say_which_secrets_occur() -> None:
    redactor = Redactor()
    redactor.add("one", Secret("hunter2!"))
    redactor.add("two", Secret("hunter2!"))
    redactor.add("three", Secret("another-value"))
    redactor.add("four", Secret("unused-value"))
    assert redactor.names_in(f"{b64('u:hunter2!')} another%2Dvalue") == {"one", "two", "three"}
    assert redactor.names_in(b"\xffhunter2!") == {"one", "two"}
    assert redactor.names_in("nothing") == frozenset()


def test_values_added_later_and_a_rotated_value() -> None:
    redactor = Redactor()
    assert redactor.redact("old-value new-value") == "old-value new-value"
    redactor.add("key", Secret("old-value"))
    assert redactor.redact("old-value new-value") == f"{MASK} new-value"
    redactor.add("key", Secret("new-value"))
    redactor.add("key", Secret("new-value"))
    assert redactor.redact("old-value new-value") == f"{MASK} {MASK}"
    for number in range(300):
        redactor.add("token", Secret(f"token-number-{number}-end"))
        assert redactor.redact(f"token-number-{number}-end") == MASK
    assert redactor.redact("old-value token-number-0-end") == f"{MASK} {MASK}"


def test_forget() -> None:
    redactor = knowing("hunter2!")
    redactor.redact("hunter2!")
    redactor.forget()
    assert redactor.redact("hunter2!") == "hunter2!"
    redactor.add("again", Secret("hunter2!"))
    assert redactor.redact("hunter2!") == MASK


def test_the_redactor_shows_no_secret_of_its_own() -> None:
    redactor = knowing("hunter2!")
    assert "hunter2" not in repr(redactor) + str(redactor)
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(redactor)


def test_threads_read_while_others_add() -> None:
    redactor = knowing("hunter2!")
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(200):
                assert redactor.redact("x hunter2! y") == f"x {MASK} y"
                assert "secret0" in redactor.names_in("hunter2!")
        except BaseException as error:  # noqa: BLE001 - a thread's failure is the test's
            failures.append(error)

    def write(start: int) -> None:
        for number in range(start, start + 60):
            redactor.add(f"name{number}", Secret("hunter2!" if number % 7 == 0 else f"value-{number}-x"))

    threads = [threading.Thread(target=read) for _ in range(3)]
    threads += [threading.Thread(target=write, args=(start,)) for start in (0, 1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert redactor.redact("value-1-x value-1002-x") == f"{MASK} {MASK}"
