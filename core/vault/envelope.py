"""Sealing and opening the credential store's bytes: a versioned first line, a header with key slots, an AEAD; no files.

    hushpost-store/1
    {"salt":…,"slots":[…]}      one line of canonical JSON
    sealed body                 ChaCha20-Poly1305, the two lines above as associated data
    SHA-256 of all of it        tells damage from a wrong passphrase before any key is derived; protects from nobody

The file key is random and stays until the passphrase changes or a slot goes; each save derives a key of its own from it
and a fresh salt. A slot wraps the file key, as age does, to an X25519 key that a passphrase, a key file or a keyring
entry gives: so the file key can be changed without asking for what opens the other slots.

Functions import the ciphers themselves: most commands touch no store, and need not load the library.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from typing import TYPE_CHECKING, Literal

import msgspec

from core.errors import StoreCorrupt
from core.secret import Secret
from core.structs import Struct

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

VERSION = 1
FILE_LIMIT = 64 * 1024 * 1024
KEY_SIZE = 32

_FIRST_LINE = b"hushpost-store/%d\n" % VERSION
_HEADER_LIMIT = 16 * 1024
_SLOT_LIMIT = 16
_DIGEST_SIZE = 32
_TAG_SIZE = 16
# A key encrypts one thing only, so its nonce need not vary.
_NONCE = bytes(12)

Kind = Literal["passphrase", "key_file", "keyring"]


class Cost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one try of a passphrase costs. Capped, so that a crafted file cannot keep the machine busy or exhaust it."""

    memory_kib: int = 64 * 1024
    passes: int = 3
    lanes: int = 4

    def __post_init__(self) -> None:
        if not (8 * 1024 <= self.memory_kib <= 1024 * 1024 and 1 <= self.passes <= 10 and 1 <= self.lanes <= 16):
            raise ValueError("the cost is out of bounds")


class Kdf(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="name", tag="argon2id"):
    """How a passphrase becomes a key."""

    cost: Cost
    salt: bytes


class Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One way to the file key, which is wrapped to `public` through an X25519 key made for this once."""

    id: str
    kind: Kind
    public: bytes
    ephemeral: bytes
    wrapped: bytes
    kdf: Kdf | None = None


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    salt: bytes
    slots: tuple[Slot, ...]


class Envelope(Struct, frozen=True):
    """A store's bytes, taken apart and found undamaged; not yet authenticated."""

    header: Header
    associated: bytes
    sealed: bytes
    source: str
    """What the bytes are called in messages."""


def parse(data: bytes, source: str) -> Envelope:
    """Take a store's bytes apart. Refuses whatever `seal` would not have written, before any work on keys."""
    end_of_version = data.find(b"\n", 0, 64) + 1
    version = re.fullmatch(rb"hushpost-store/([1-9][0-9]{0,8})\n", data[:end_of_version])
    if version is None:
        raise _corrupt(source, "it does not start as one" if data else "it is empty")
    if int(version[1]) != VERSION:
        raise StoreCorrupt(
            f'"{source}" was written by a newer hushpost, in store format {int(version[1])}', hint="update hushpost"
        )
    end_of_header = data.find(b"\n", end_of_version, end_of_version + _HEADER_LIMIT) + 1
    sealed = data[end_of_header:-_DIGEST_SIZE]
    if not end_of_header or len(sealed) < _TAG_SIZE or len(data) > FILE_LIMIT:
        raise _corrupt(source, "it is cut short or overlong")
    if hashlib.sha256(data[:-_DIGEST_SIZE]).digest() != data[-_DIGEST_SIZE:]:
        raise _corrupt(source, "its checksum is wrong")
    line = data[end_of_version:end_of_header]
    try:
        header = msgspec.json.decode(line, type=Header)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise _corrupt(source, "its header cannot be read") from error
    if _line(header) != line or not _sound(header):
        raise _corrupt(source, "its header is not as hushpost writes it")
    return Envelope(header, data[:end_of_header], sealed, source)


def seal(file_key: bytes, slots: tuple[Slot, ...], body: bytes) -> bytes:
    """A store's bytes, under a key that no other save has had."""
    header = Header(salt=secrets.token_bytes(32), slots=slots)
    associated = _FIRST_LINE + _line(header)
    data = associated + _cipher(file_key, header.salt, b"body").encrypt(_NONCE, body, associated)
    return data + hashlib.sha256(data).digest()


def open_body(envelope: Envelope, file_key: bytes) -> bytes | None:
    """The body; None when it was sealed with another file key, or it or the header were changed by somebody."""
    from cryptography.exceptions import InvalidTag

    try:
        cipher = _cipher(file_key, envelope.header.salt, b"body")
        return cipher.decrypt(_NONCE, envelope.sealed, envelope.associated)
    except InvalidTag:
        return None


def new_file_key() -> bytes:
    return secrets.token_bytes(KEY_SIZE)


def new_slot_id() -> str:
    return secrets.token_hex(4)


def new_kdf(cost: Cost) -> Kdf:
    return Kdf(cost=cost, salt=secrets.token_bytes(16))


def passphrase_key(passphrase: Secret, kdf: Kdf) -> X25519PrivateKey:
    """Takes the time that `kdf` says. The same text typed on another system counts as the same passphrase."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    text = unicodedata.normalize("NFC", passphrase.reveal()).encode("utf-8", "surrogatepass")
    cost = kdf.cost
    derived = Argon2id(
        salt=kdf.salt, length=KEY_SIZE, iterations=cost.passes, lanes=cost.lanes, memory_cost=cost.memory_kib
    ).derive(text)
    return X25519PrivateKey.from_private_bytes(derived)


def random_key(secret: bytes, kind: Kind) -> X25519PrivateKey:
    """The key of 32 random bytes that a key file or a keyring keeps."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    return X25519PrivateKey.from_private_bytes(_derived(secret, b"", kind.encode()))


def make_slot(slot_id: str, kind: Kind, key: X25519PrivateKey, file_key: bytes, kdf: Kdf | None = None) -> Slot:
    public = key.public_key().public_bytes_raw()
    return wrap_again(Slot(id=slot_id, kind=kind, public=public, ephemeral=b"", wrapped=b"", kdf=kdf), file_key)


def wrap_again(slot: Slot, file_key: bytes) -> Slot:
    """The same slot for another file key; what opens it stays the same and is not needed."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    once = X25519PrivateKey.generate()
    ephemeral = once.public_key().public_bytes_raw()
    cipher = _cipher(once.exchange(X25519PublicKey.from_public_bytes(slot.public)), ephemeral + slot.public, b"wrap")
    wrapped = cipher.encrypt(_NONCE, file_key, None)
    return msgspec.structs.replace(slot, ephemeral=ephemeral, wrapped=wrapped)


def opens(slot: Slot, key: X25519PrivateKey) -> bool:
    return secrets.compare_digest(key.public_key().public_bytes_raw(), slot.public)


def unwrap(envelope: Envelope, slot: Slot, key: X25519PrivateKey) -> bytes:
    """The file key, from a slot that `key` opens."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    try:
        shared = key.exchange(X25519PublicKey.from_public_bytes(slot.ephemeral))
        return _cipher(shared, slot.ephemeral + slot.public, b"wrap").decrypt(_NONCE, slot.wrapped, None)
    # ValueError: an ephemeral key of low order.
    except (InvalidTag, ValueError) as error:
        raise altered(envelope.source) from error


def altered(source: str) -> StoreCorrupt:
    return _corrupt(source, "it was changed by something that does not have its key")


def _sound(header: Header) -> bool:
    slots = header.slots
    return (
        len(header.salt) == 32
        and 1 <= len(slots) <= _SLOT_LIMIT
        and len({slot.id for slot in slots}) == len(slots)
        and sum(slot.kind == "passphrase" for slot in slots) <= 1
        and all(
            re.fullmatch("[0-9a-f]{8}", slot.id)
            and (len(slot.public), len(slot.ephemeral), len(slot.wrapped)) == (32, 32, KEY_SIZE + _TAG_SIZE)
            and (slot.kind == "passphrase") == (slot.kdf is not None)
            and (slot.kdf is None or len(slot.kdf.salt) == 16)
            for slot in slots
        )
    )


def _line(header: Header) -> bytes:
    return msgspec.json.encode(header) + b"\n"


def _cipher(key: bytes, salt: bytes, purpose: bytes) -> ChaCha20Poly1305:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    return ChaCha20Poly1305(_derived(key, salt, purpose))


def _derived(key: bytes, salt: bytes, purpose: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), length=KEY_SIZE, salt=salt, info=b"hushpost-store/1 " + purpose).derive(key)


def _corrupt(source: str, reason: str) -> StoreCorrupt:
    return StoreCorrupt(
        f'"{source}" is no sound credential store: {reason}',
        hint="restore a backup with `hushpost store restore FILE`; the generation before is the file ending in .bak",
    )
