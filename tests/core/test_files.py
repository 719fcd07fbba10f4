"""A file that a command writes is whole or not there."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import FileError
from core.files import check_writable, write_whole
from tests.patience import PATIENCE_S


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    path.write_bytes(b"old")

    def chunks() -> Iterator[bytes]:
        yield b"half"
        assert path.read_bytes() == b"old"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(path, chunks())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    write_whole(path, [b"new", b" file"])
    assert path.read_bytes() == b"new file"


KILLED = """
import os, signal, sys
from pathlib import Path
from cli.sealing import seal
from core.files import write_whole

def chunks():
    yield b"half" * 100_000
    os.kill(os.getpid(), signal.SIGKILL)

seal()
write_whole(Path(sys.argv[1]), [b"whole"])
write_whole(Path(sys.argv[1]), chunks())
"""


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="only Linux has files without a name")
def test_one_killed_in_the_middle_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    root = Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", KILLED, str(path)], env={"PYTHONPATH": str(root)}, timeout=PATIENCE_S)
    assert ran.returncode == -9
    assert [file.name for file in tmp_path.iterdir()] == ["report.xml"]
    assert path.read_bytes() == b"whole"


def test_a_file_system_that_has_no_files_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    write_whole(tmp_path / "a", [b"new"])
    assert (tmp_path / "a").read_bytes() == b"new"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_permissions_are_kept_or_follow_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"")
    path.chmod(0o640)
    write_whole(path, [b"x"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "b", [b"x"])
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o640
    write_whole(tmp_path / "c", [b"x"], private=True)
    assert stat.S_IMODE((tmp_path / "c").stat().st_mode) == 0o600


def test_a_symlink_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    link = tmp_path / "link"
    link.symlink_to(target)
    write_whole(link, [b"new"])
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_device_is_written_and_not_replaced() -> None:
    check_writable(Path("/dev/null"))
    write_whole(Path("/dev/null"), [b"x"])
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("name", ["", "none/report.xml"])
def test_a_place_that_cannot_be_written_is_refused_first(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileError):
        check_writable(tmp_path / name)


def test_a_good_place_is_left_as_it_is(tmp_path: Path) -> None:
    check_writable(tmp_path / "report.xml")
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_without_a_name_is_written_too() -> None:
    reading, writing = os.pipe()
    path = Path(f"/proc/self/fd/{writing}")
    check_writable(path)
    write_whole(path, [b"report"])
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"report"
