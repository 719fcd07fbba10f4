from __future__ import annotations

import pytest

from core.reading.kinds import Kind, kind_of

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (640).to_bytes(4, "big") + (480).to_bytes(4, "big") + b"\x08\x06"
JPEG = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08\x01\xe0\x02\x80\x03"


@pytest.mark.parametrize(
    ("declared", "head", "syntax"),
    [
        ("application/json; charset=utf-8", b"{}", "json"),
        ("application/problem+json", b"{}", "json"),
        ("application/x-ndjson", b"{}\n{}", "json"),
        ("text/html", b"<p>", "html"),
        ("application/atom+xml", b"<a/>", "xml"),
        ("image/svg+xml", b"<svg/>", "xml"),
        ("text/csv", b"a,b", "text"),
        ("", b' \r\n{"a": 1}', "json"),
        ("text/plain", b"[1, 2]", "json"),
        ("text/plain", b"hello", "text"),
        ("", b"<!DOCTYPE html><html>", "html"),
        ("", b"\xef\xbb\xbf<?xml version='1.0'?>", "xml"),
        ("application/octet-stream", b"readable after all", "text"),
        ("application/octet-stream", b"\x00\x01\x02", "binary"),
        ("application/pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "binary"),
        ("text/plain", b"a\x00b", "binary"),
        ("application/json", b"{\x00", "binary"),
        ("text/plain; charset=utf-16le", "wide".encode("utf-16-le"), "text"),
        ("", "\ufeffwide".encode("utf-16-le"), "text"),
        ("application/json", PNG, "binary"),
        ("", b"", "text"),
    ],
)
def test_what_a_body_is(declared: str, head: bytes, syntax: str) -> None:
    headers = [("X-Other", "text/html"), ("Content-Type", declared)] if declared else []
    assert kind_of(headers, head, str).syntax == syntax


@pytest.mark.parametrize(
    ("declared", "charset"),
    [
        ("text/plain", "utf-8"),
        ('text/plain; CHARSET="ISO-8859-1"', "iso8859-1"),
        ("text/plain; charset=utf8", "utf-8"),
        ("text/plain; charset=klingon", "utf-8"),
        ("text/plain; charset=base64", "utf-8"),
        ("text/plain; charset=rot13", "utf-8"),
        ("text/plain; charset=idna\0", "utf-8"),
    ],
)
def test_the_charset_is_one_that_we_can_decode(declared: str, charset: str) -> None:
    assert kind_of([("content-type", declared)], b"abc", str).charset == charset


@pytest.mark.parametrize(
    ("head", "label"),
    [
        (PNG, "PNG image, 640 x 480"),
        (PNG[:18], "PNG image"),
        (b"GIF89a\x10\x00\x20\x00", "GIF image, 16 x 32"),
        (JPEG, "JPEG image, 640 x 480"),
        (b"\xff\xd8\xff", "JPEG image"),
        (b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + b"\x7f\x02\x00\xdf\x01\x00", "WebP image, 640 x 480"),
        (b"RIFF\0\0\0\0WEBP", "WebP image"),
    ],
)
def test_pictures_say_their_size(head: bytes, label: str) -> None:
    assert kind_of([("content-type", "image/x")], head, str) == Kind("binary", label=label, picture=True)
