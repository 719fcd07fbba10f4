"""Names of encodings as servers give them."""

from __future__ import annotations

import encodings
import pkgutil

import pytest

from core.charsets import known_charset

EVERY = [module.name for module in pkgutil.iter_modules(encodings.__path__)]
BYTES = bytes(range(256)) * 2


@pytest.mark.parametrize("name", EVERY)
def test_whatever_a_server_names_its_bytes_can_be_decoded(name: str) -> None:
    assert isinstance(BYTES.decode(known_charset(name), "replace"), str)


@pytest.mark.parametrize(
    "name", ["", " ", "nonsense", "a\0b", "hex", "rot13", "idna", "unicode_escape", "UTF8", "é" * 99]
)
def test_what_is_no_charset_is_utf_8(name: str) -> None:
    assert known_charset(name) == "utf-8"


@pytest.mark.parametrize(("name", "codec"), [("Latin-1", "iso8859-1"), ("UTF-16LE", "utf-16-le"), (" cp037", "cp037")])
def test_charsets(name: str, codec: str) -> None:
    assert known_charset(name) == codec
