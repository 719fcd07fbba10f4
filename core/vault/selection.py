"""What a link takes out of the fetched bytes (a JSON key, base64, trimmed), and what the fetch itself depends on."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Literal

import msgspec

from core.errors import SecretNotFound, VaultError
from core.secret import Secret
from core.structs import Struct
from core.vault.config import AnyLink

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")

_KINDS = {b'"': "text", b"{": "object", b"[": "list", b"n": "null", b"t": "true or false", b"f": "true or false"}


class Inside(Struct, frozen=True):
    """What a secret is made of, without any value: what a link may select from."""

    kind: Literal["object", "text", "bytes"]
    keys: tuple[tuple[str, str], ...] = ()
    """Of an object: each key, and what kind of value stands behind it."""


def look_inside(data: bytes) -> Inside:
    try:
        # As text: Raw would take bytes that are none.
        members = msgspec.json.decode(data.decode("utf-8"), type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            return Inside("bytes")
        return Inside("text")
    return Inside("object", tuple((name, _KINDS.get(bytes(raw)[:1], "number")) for name, raw in members.items()))


def whole(link: AnyLink) -> AnyLink:
    """The link without what selects from the fetched bytes and without the credential's name."""
    return msgspec.structs.replace(link, credential="", key="", encoding="", trim=False)


def select(data: bytes, link: AnyLink) -> Secret:
    """The variable's value. Errors name the link and the key, never what else the secret holds."""
    if link.key:
        data = _behind_key(data, link)
    if link.trim:
        data = data.removesuffix(b"\n").removesuffix(b"\r") if data.endswith(b"\n") else data
    if link.encoding == "base64":
        return Secret(base64.b64encode(data).decode("ascii"))
    try:
        return Secret(data.decode("utf-8"))
    except UnicodeDecodeError:
        # Not `from` the decoder's error, which holds the bytes.
        raise VaultError(
            f'secret "{link.label}" holds bytes that are no UTF-8 text',
            provider=link.provider,
            hint='set encoding = "base64" in the link to use them as base64',
        ) from None


def compact(data: bytes) -> bytes:
    """JSON without blanks and needless escapes, every number's digits kept. ValueError for what is no JSON."""
    try:
        return _ENCODER.encode(_DECODER.decode(data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError("no JSON") from None


def _behind_key(data: bytes, link: AnyLink) -> bytes:
    try:
        # Raw keeps numbers as they were written: a float would lose digits. As text: it would take bytes that are none.
        members = msgspec.json.decode(data.decode("utf-8"), type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SecretNotFound(
            f'secret "{link.label}" is no JSON object, so it has no key "{link.key}"',
            provider=link.provider,
            hint="leave the JSON key of the link blank to use the whole secret",
        ) from None
    raw = members.get(link.key)
    if raw is None:
        count = "1 key" if len(members) == 1 else f"{len(members)} keys"
        raise SecretNotFound(
            f'secret "{link.label}" has no key "{link.key}" among its {count}',
            provider=link.provider,
            hint="check the JSON key of the link; upper and lower case count",
        )
    text = bytes(raw)
    if text == b"null":
        raise SecretNotFound(
            f'key "{link.key}" of secret "{link.label}" is null',
            provider=link.provider,
            hint="give it a value in the vault, or link another key",
        )
    if text.startswith(b'"'):
        return msgspec.json.decode(text, type=str).encode("utf-8", "surrogatepass")
    # A lone number stays as it was written, 1e3 too.
    return compact(text) if text.startswith((b"{", b"[")) else text
