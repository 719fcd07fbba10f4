from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import StoreCorrupt
from core.secret import Secret
from core.vault import envelope
from core.vault.envelope import Cost, Slot, make_slot, new_kdf, open_body, opens, parse, passphrase_key, seal, unwrap

CHEAP = Cost(memory_kib=8 * 1024, passes=1, lanes=1)
FILE_KEY = bytes(range(32))
KEY = envelope.random_key(b"k" * 32, "key_file")
SLOT = make_slot("0a0b0c0d", "key_file", KEY, FILE_KEY)
BODY = b'{"credentials":[]}'


def sealed(body: bytes = BODY, *slots: Slot) -> bytes:
    return seal(FILE_KEY, slots or (SLOT,), body)


def reopened(data: bytes, key: X25519PrivateKey = KEY) -> bytes | None:
    """The body by way of the first slot that the key opens; None where nothing opens."""
    taken = parse(data, "store")
    for slot in taken.header.slots:
        if opens(slot, key):
            return open_body(taken, unwrap(taken, slot, key))
    return None


def with_checksum(data: bytes) -> bytes:
    """What somebody who changes the file on purpose would do too."""
    return data[:-32] + hashlib.sha256(data[:-32]).digest()


def with_header(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    version, header, rest = data.split(b"\n", 2)
    changed = change(header)
    assert changed != header
    return with_checksum(b"\n".join((version, changed, rest)))


@settings(deadline=None)
@given(st.binary(max_size=3000))
def test_what_is_sealed_opens(body: bytes) -> None:
    assert reopened(sealed(body)) == body


def test_the_first_line_says_what_it_is_and_the_rest_shows_nothing() -> None:
    data = sealed(b"attack at dawn" * 10)
    assert data.startswith(b'hushpost-store/1\n{"salt":"')
    assert b"attack" not in data
    assert FILE_KEY not in data


def test_every_flipped_bit_is_refused_before_any_key_is_derived() -> None:
    data = sealed()
    for place in range(len(data)):
        for bit in range(8):
            flipped = data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
            with pytest.raises(StoreCorrupt):
                parse(flipped, "store")


def test_every_truncation_and_every_longer_file_is_refused() -> None:
    data = sealed()
    for length in range(len(data)):
        for cut in (data[:length], data[length + 1 :]):
            with pytest.raises(StoreCorrupt):
                parse(cut, "store")
    for more in (b"\0", b"\n", b" ", data):
        with pytest.raises(StoreCorrupt):
            parse(data + more, "store")


def assert_opens_nothing(data: bytes) -> None:
    """Refused, or it opens for no key; the checksum fits, since somebody who changes a file on purpose writes one."""
    with suppress(StoreCorrupt):
        assert reopened(with_checksum(data)) is None


def test_a_flipped_bit_with_a_fitting_checksum_opens_nothing() -> None:
    data = sealed(BODY, SLOT, make_slot("00000001", "keyring", X25519PrivateKey.generate(), FILE_KEY))
    for place in range(len(data) - 32):
        for bit in range(8):
            assert_opens_nothing(data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :])


def test_a_truncated_file_with_a_fitting_checksum_opens_nothing() -> None:
    data = sealed(b"x" * 64)
    for length in range(len(data) - 32):
        assert_opens_nothing(data[:length] + bytes(32))


def header(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(data.split(b"\n", 2)[1])
    return found


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def edited(**changes: Any) -> Callable[[bytes], bytes]:
    """Change a field of the first slot, None removing it."""

    def change(line: bytes) -> bytes:
        fields = json.loads(line)
        fields["slots"][0] |= changes
        fields["slots"][0] = {key: value for key, value in fields["slots"][0].items() if value is not None}
        return compact(fields)

    return change


def loose(line: bytes) -> bytes:
    """The last base64 character before `=` has bits that a lax decoder ignores."""
    salt = header(b"\n" + line + b"\n")["salt"]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = salt[:-2] + letters[letters.index(salt[-2]) ^ 1] + "="
    assert base64.b64decode(other) == base64.b64decode(salt)
    return line.replace(salt.encode(), other.encode())


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace(b":", b": ", 1),
        lambda line: line + b" ",
        lambda line: line + b"\r",
        lambda line: line.replace(b"key_file", b"key\\u005ffile"),
        lambda line: compact(dict(reversed(json.loads(line).items()))),
        lambda line: line.replace(b'{"salt"', b'{"salt":"AA==","salt"'),
        lambda line: line.replace(b'{"salt"', b'{"note":1,"salt"'),
        lambda line: line.replace(b'"slots":', b'"slots":[],"slots":'),
        loose,
        lambda line: compact(json.loads(line) | {"salt": "AAAA"}),
        lambda line: compact(json.loads(line) | {"slots": []}),
        lambda line: compact(json.loads(line) | {"slots": json.loads(line)["slots"] * 2}),
        lambda line: compact(
            json.loads(line) | {"slots": [json.loads(line)["slots"][0] | {"id": f"{n:08x}"} for n in range(17)]}
        ),
        edited(id="../../etc"),
        edited(id="0A0B0C0D"),
        edited(kind="recovery"),
        edited(kind="passphrase"),
        edited(public="AAAA"),
        edited(ephemeral=""),
        edited(wrapped=None),
        edited(note="x"),
        lambda line: b"[" * 5000,
        lambda line: b"null",
        lambda line: b"\xff\xfe",
        lambda line: b'{"salt":' + b" " * 20_000,
    ],
)
def test_a_header_that_hushpost_would_not_write_is_refused(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(StoreCorrupt):
        parse(with_header(sealed(), change), "store")


@pytest.mark.parametrize(
    "cost",
    [
        {"memory_kib": 1024 * 1024 + 1},
        {"memory_kib": 2**40},
        {"memory_kib": 8 * 1024 - 1},
        {"memory_kib": -1},
        {"memory_kib": 65536.0},
        {"memory_kib": True},
        {"passes": 11},
        {"passes": 0},
        {"lanes": 17},
        {"lanes": 0},
    ],
)
def test_a_kdf_beyond_its_bounds_is_refused_while_parsing(cost: dict[str, object]) -> None:
    kdf = new_kdf(CHEAP)
    data = sealed(BODY, make_slot("00000001", "passphrase", passphrase_key(Secret("p"), kdf), FILE_KEY, kdf))

    def change(line: bytes) -> bytes:
        fields = json.loads(line)
        fields["slots"][0]["kdf"]["cost"] |= cost
        return compact(fields)

    with pytest.raises(StoreCorrupt):
        parse(with_header(data, change), "store")


def test_another_kdf_or_a_short_salt_is_refused() -> None:
    kdf = new_kdf(CHEAP)
    data = sealed(BODY, make_slot("00000001", "passphrase", passphrase_key(Secret("p"), kdf), FILE_KEY, kdf))
    for old, new in ((b"argon2id", b"scrypt"), (base64.b64encode(kdf.salt), b"AAAA")):
        with pytest.raises(StoreCorrupt):
            parse(with_checksum(data.replace(old, new)), "store")


def test_the_costs_a_caller_may_choose_have_the_same_bounds() -> None:
    with pytest.raises(ValueError, match="out of bounds"):
        Cost(memory_kib=1024)
    assert Cost() == Cost(memory_kib=64 * 1024, passes=3, lanes=4)


def test_a_newer_format_says_so() -> None:
    data = sealed()
    with pytest.raises(StoreCorrupt, match="newer hushpost, in store format 2") as error:
        parse(data.replace(b"store/1", b"store/2", 1), "store")
    assert error.value.hint == "update hushpost"


@pytest.mark.parametrize(
    "line", [b"", b"hushpost-store/01\n", b"hushpost-store/1\r\n", b"hushpost-store/0\n", b"PK\x03"]
)
def test_what_is_no_store_says_so(line: bytes) -> None:
    data = sealed()
    with pytest.raises(StoreCorrupt, match=r'"my\.hush" is no sound credential store'):
        parse(with_checksum(data.replace(b"hushpost-store/1\n", line, 1)) if line else b"", "my.hush")


def test_two_saves_of_one_body_have_nothing_in_common() -> None:
    first, second = parse(sealed(), "store"), parse(sealed(), "store")
    assert first.header.salt != second.header.salt
    assert first.sealed[:16] != second.sealed[:16]


def test_a_passphrase_opens_however_its_accents_are_composed() -> None:
    kdf = new_kdf(CHEAP)
    slot = make_slot("00000001", "passphrase", passphrase_key(Secret("gr\u00fc\u00dfe"), kdf), FILE_KEY, kdf)
    data = sealed(BODY, slot)
    assert reopened(data, passphrase_key(Secret("gru\u0308\u00dfe"), kdf)) == BODY
    assert reopened(data, passphrase_key(Secret("gruesse"), kdf)) is None


def test_a_key_opens_only_slots_of_its_kind() -> None:
    assert not opens(SLOT, envelope.random_key(b"k" * 32, "keyring"))


def test_a_new_file_key_reaches_slots_without_what_opens_them() -> None:
    other = envelope.new_file_key()
    again = envelope.wrap_again(SLOT, other)
    assert again.public == SLOT.public
    data = seal(other, (again,), BODY)
    assert reopened(data) == BODY
    assert open_body(parse(data, "store"), FILE_KEY) is None


def test_a_slot_of_an_earlier_generation_opens_nothing_new() -> None:
    """Somebody who had the old passphrase puts its slot into the file with the new file key."""
    other = envelope.new_file_key()
    data = seal(other, (envelope.wrap_again(SLOT, other),), BODY)
    old = header(sealed())["slots"][0]
    assert reopened(with_header(data, edited(ephemeral=old["ephemeral"], wrapped=old["wrapped"]))) is None


def test_a_worthless_ephemeral_key_is_refused_by_name() -> None:
    data = with_header(sealed(), edited(ephemeral=base64.b64encode(bytes(32)).decode()))
    with pytest.raises(StoreCorrupt, match="does not have its key"):
        reopened(data)
