from __future__ import annotations

import resource
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from core.errors import HushpostError
from core.exchange import ReceivedBody
from core.reading.kinds import kind_of
from core.reading.rows import TextDocument
from core.reading.saving import Exists, save_body, suggested_name
from tests.response_app import exchange

BODY = bytes(range(256)) * 10_000


@pytest.fixture
def small_disk() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


def test_the_bytes_are_those_received_and_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "body.bin"
    save_body(ReceivedBody.of(BODY), path)
    assert path.read_bytes() == BODY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_document_is_saved_whole(tmp_path: Path) -> None:
    save_body(TextDocument.of(b"line\n" * 500_000), tmp_path / "text")
    assert (tmp_path / "text").read_bytes() == b"line\n" * 500_000


@pytest.mark.parametrize(
    ("url", "headers", "body", "name"),
    [
        ("https://x/files/Report.PDF?a=b.c", {}, b"%PDF", "report.pdf"),
        ("https://x/items", {"Content-Type": "application/json"}, b"{}", "list-items.json"),
        ("https://x/items", {}, b"<?xml?><a/>", "list-items.xml"),
        ("https://x/v1.2", {}, b"text", "v1.2"),
        ("https://x/", {"Content-Type": "image/png"}, b"\x89PNG\r\n\x1a\n" + bytes(8), "list-items.png"),
        ("https://x/a.json", {"Content-Disposition": 'attachment; filename="My data.csv"'}, b"", "my-data.csv"),
        ("https://x/", {"Content-Disposition": "attachment; filename*=UTF-8''%e2%82%ac.csv"}, b"", "body.csv"),
        ("https://x/", {"Content-Disposition": 'attachment; filename="../../.bashrc"'}, b"", "list-items.txt"),
        ("https://x/", {"Content-Disposition": "attachment; filename=a\\..\\b.exe"}, b"", "b.exe"),
        ("https://x/", {"Content-Disposition": "attachment; filename*=a\0b''x.txt"}, b"", "list-items.txt"),
        ("https://x/{{key}}.json", {}, b"text", "list-items.txt"),
    ],
)
def test_a_name_is_suggested(url: str, headers: dict[str, str], body: bytes, name: str) -> None:
    one = exchange(body)
    response = structs.replace(one.response, headers=tuple(headers.items()))
    shown = structs.replace(one.shown, url=url)
    one = structs.replace(one, reference="shop/List items", shown=shown, response=response)
    assert suggested_name(one, kind_of(headers.items(), body, str), str) == name


def test_a_home_is_understood(home: Path) -> None:
    save_body(ReceivedBody.of(b"x"), Path("~/body.bin"))
    assert (home / "body.bin").read_bytes() == b"x"


def test_a_file_that_is_there_is_overwritten_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "body.bin"
    path.write_bytes(b"old")
    with pytest.raises(Exists):
        save_body(ReceivedBody.of(BODY), path)
    assert path.read_bytes() == b"old"
    save_body(ReceivedBody.of(BODY), path, overwrite=True)
    assert path.read_bytes() == BODY


@pytest.mark.usefixtures("small_disk")
def test_a_full_disk_leaves_what_was_there_and_nothing_half(tmp_path: Path) -> None:
    path = tmp_path / "body.bin"
    path.write_bytes(b"old")
    with pytest.raises(HushpostError, match="cannot be written: file too large"):
        save_body(ReceivedBody.of(BODY), path, overwrite=True)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_places_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    with pytest.raises(HushpostError, match="is a folder"):
        save_body(ReceivedBody.of(BODY), tmp_path)
    with pytest.raises(HushpostError, match="cannot be written: no such file or directory"):
        save_body(ReceivedBody.of(BODY), tmp_path / "none" / "body")
    with pytest.raises(HushpostError, match="cannot be written"):
        save_body(ReceivedBody.of(BODY), tmp_path / ("x" * 300))
    with pytest.raises(HushpostError, match="that is no path"):
        save_body(ReceivedBody.of(BODY), tmp_path / "a\0b")
    with pytest.raises(HushpostError, match="that is no path"):
        save_body(ReceivedBody.of(BODY), Path("~nobody-of-this-name/x"))
