from __future__ import annotations

import gzip
import os
import stat
import threading
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import RequestError
from core.exchange import ReceivedBody
from core.sending.receiving import BadEncoding, Spool, TooLarge, decoder


def decoded(encoding: list[str], blocks: list[bytes], limit: int = 1 << 30) -> bytes:
    decode, _ = decoder(encoding)
    spool = Spool(limit=limit)
    for block in blocks:
        decode.feed(block, spool)
    decode.finish(spool)
    return spool.body().read()


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


@given(st.binary(max_size=5000), st.integers(2, 700))
def test_every_encoding_comes_out_as_it_went_in(data: bytes, size: int) -> None:
    assert decoded(["gzip"], cut(gzip.compress(data), size)) == data
    assert decoded(["x-gzip"], cut(gzip.compress(data), size)) == data
    assert decoded(["gzip"], cut(gzip.compress(data) + gzip.compress(data), size)) == data * 2
    assert decoded(["deflate"], cut(zlib.compress(data), size)) == data
    assert decoded(["deflate"], cut(raw_deflate(data), size)) == data
    assert decoded([], cut(data, size)) == data
    assert decoded(["identity"], cut(data, size)) == data


def test_an_encoding_that_was_not_asked_for_stays_and_is_said() -> None:
    assert decoder(["br"])[1] == "br"
    assert decoder(["gzip", "br"])[1] == "gzip, br"
    assert decoded(["zstd"], [b"\x28\xb5"]) == b"\x28\xb5"


@pytest.mark.parametrize(
    "data",
    [b"not compressed", gzip.compress(b"x" * 1000)[:-20], gzip.compress(b"x")[:5]],
    ids=["plain", "cut in its data", "cut in its head"],  # gzip holds the time, and an ID has to stay the same
)
def test_bad_compression_is_told(data: bytes) -> None:
    with pytest.raises(BadEncoding):
        decoded(["gzip"], [data])


def test_zeros_after_gzip_are_padding() -> None:
    assert decoded(["gzip"], [gzip.compress(b"x") + bytes(100)]) == b"x"


def test_a_bomb_stops_at_the_limit() -> None:
    decode, _ = decoder(["gzip"])
    spool = Spool(limit=3_000_000)
    bomb = gzip.compress(bytes(200_000_000), 1)
    with pytest.raises(TooLarge):
        decode.feed(bomb, spool)
    assert spool.body().size == 3_000_000


def test_a_small_body_stays_in_memory_and_a_big_one_in_a_file_nobody_else_opens() -> None:
    spool = Spool(in_memory=1000)
    spool.write(b"a" * 1000)
    with pytest.raises(OSError, match="fileno"):
        spool._file.fileno()
    spool.write(b"b")
    status = os.fstat(spool._file.fileno())
    assert status.st_nlink == 0
    assert stat.S_IMODE(status.st_mode) == 0o600
    body = spool.body()
    assert (body.size, body.read(998), body.read(0, 2)) == (1001, b"aab", b"aa")


def test_a_full_disk_is_an_error_that_says_what_to_do() -> None:
    spool = Spool(in_memory=10)
    spool._file = open("/dev/full", "r+b", buffering=0)  # noqa: SIM115, PTH123
    with pytest.raises(RequestError, match="no space left") as caught:
        spool.write(b"x" * 5)
    assert caught.value.kind == "disk"
    assert "TMPDIR" in (caught.value.hint or "")


def test_a_body_is_read_by_several_threads() -> None:
    data = bytes(range(256)) * 400
    body = ReceivedBody.of(data)
    wrong: list[int] = []

    def read(offset: int) -> None:
        wrong.extend(at for at in range(offset, 50_000, 97) if body.read(at, 11) != data[at : at + 11])

    threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
