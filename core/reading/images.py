"""What the first bytes of a picture say: its format and its size."""

from __future__ import annotations

import struct


def image_facts(head: bytes) -> str:
    """`PNG image, 640 x 480`; the format alone where the size comes later; empty for what is no picture."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _sized("PNG image", head, 16, ">II")
    if head.startswith((b"GIF87a", b"GIF89a")):
        return _sized("GIF image", head, 6, "<HH")
    if head.startswith(b"\xff\xd8\xff"):
        return _jpeg(head)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp(head)
    if head.startswith(b"BM") and len(head) > 26 and head[14:18] in (b"\x28\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0"):
        return _sized("BMP image", head, 18, "<ii")
    if head.startswith(b"\0\0\1\0"):
        return "icon"
    if head[4:12] in (b"ftypavif", b"ftypheic"):
        return f"{head[8:12].decode().upper()} image"
    return ""


def _sized(name: str, head: bytes, offset: int, layout: str) -> str:
    try:
        width, height = struct.unpack_from(layout, head, offset)
    except struct.error:
        return name
    return f"{name}, {abs(width)} x {abs(height)}"


def _jpeg(head: bytes) -> str:
    position = 2
    while position + 9 < len(head) and head[position] == 0xFF:
        marker = head[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", head, position + 5)
            return f"JPEG image, {width} x {height}"
        position += 2 + struct.unpack_from(">H", head, position + 2)[0]
    return "JPEG image"


def _webp(head: bytes) -> str:
    chunk = head[12:16]
    if chunk == b"VP8X" and len(head) >= 30:
        width, height = (int.from_bytes(head[start : start + 3], "little") + 1 for start in (24, 27))
        return f"WebP image, {width} x {height}"
    if chunk == b"VP8 " and len(head) >= 30:
        width, height = (value & 0x3FFF for value in struct.unpack_from("<HH", head, 26))
        return f"WebP image, {width} x {height}"
    if chunk == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return f"WebP image, {(bits & 0x3FFF) + 1} x {(bits >> 14 & 0x3FFF) + 1}"
    return "WebP image"
