from __future__ import annotations

import resource
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import HushpostError
from core.exchange import ReceivedBody
from core.reading.saving import Exists, save_body

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
