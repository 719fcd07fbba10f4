from __future__ import annotations

import os
import shutil
import signal
import stat
from pathlib import Path

import pytest

from core.errors import StoreCorrupt, StoreError
from core.secret import Secret
from core.vault.store import CredentialStore
from tests.patience import PATIENCE_S
from tests.stores import CHILD, OTHER, PASSPHRASE, PASSWORD, TOKEN, at, names, run_child, tree, unlocked


def test_only_this_user_can_read_it(path: Path) -> None:
    before = os.umask(0)
    try:
        store = at(path)
        store.create(passphrase=PASSPHRASE, key_file=path.parent.parent / "ci.key")
        store.put("vault-prod", TOKEN)
        store.backup(path.parent.parent / "backup.hush")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    files = [*path.parent.iterdir(), path.parent.parent / "ci.key", path.parent.parent / "backup.hush"]
    assert {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in files} == {
        "credentials.hush": 0o600,
        "credentials.hush.bak": 0o600,
        "credentials.hush.lock": 0o600,
        "ci.key": 0o600,
        "backup.hush": 0o600,
    }


def test_reading_writes_nothing(store: CredentialStore) -> None:
    (store.path.parent / "credentials.hush.lock").unlink()
    before = tree(store.path.parent)
    again = unlocked(store.path)
    assert again.get("vault-prod").credential == TOKEN
    assert again.value(PASSWORD) == Secret("s3cret")
    again.slots()
    again.history_key()
    assert tree(store.path.parent) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_home_can_be_read(store: CredentialStore) -> None:
    store.path.parent.chmod(0o500)
    try:
        again = unlocked(store.path)
        assert again.get("vault-prod").credential == TOKEN
        with pytest.raises(StoreError, match="cannot be saved"):
            again.put("x", TOKEN)
    finally:
        store.path.parent.chmod(0o700)


def test_every_flipped_bit_and_every_truncation_is_refused_and_left_as_it_is(store: CredentialStore) -> None:
    good = store.path.read_bytes()
    damaged = [good[:length] for length in range(0, len(good), 7)] + [good + b"\n"]
    damaged += [good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :] for at in range(len(good))]
    other = at(store.path)
    for data in damaged:
        store.path.write_bytes(data)
        with pytest.raises(StoreCorrupt):
            other.unlock(passphrase=PASSPHRASE)
        with pytest.raises(StoreCorrupt):
            store.put("x", TOKEN)
        with pytest.raises(StoreCorrupt):
            store.credentials()
        assert store.path.read_bytes() == data
    store.path.write_bytes(good)
    assert names(store) == ["vault-prod"]


def test_a_newer_format_is_left_as_it_is(store: CredentialStore) -> None:
    data = store.path.read_bytes().replace(b"store/1", b"store/2", 1)
    store.path.write_bytes(data)
    for call in (lambda: store.put("x", TOKEN), lambda: store.unlock(passphrase=PASSPHRASE), store.slots):
        with pytest.raises(StoreCorrupt, match="newer hushpost"):
            call()
    assert store.path.read_bytes() == data


def test_something_else_in_the_file_s_place(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreError):
        at(path).unlock(passphrase=PASSPHRASE)
    with pytest.raises(StoreError, match="already"):
        at(path).create(passphrase=PASSPHRASE)
    path.rmdir()
    os.mkfifo(path)
    with pytest.raises(StoreCorrupt):
        at(path).unlock(passphrase=PASSPHRASE)


def test_a_linked_store_stays_where_it_is(store: CredentialStore, tmp_path: Path) -> None:
    link = tmp_path / "home" / "credentials.hush"
    link.parent.mkdir()
    link.symlink_to(store.path)
    unlocked(link).put("second", OTHER)
    assert link.is_symlink()
    assert names(unlocked(store.path)) == ["vault-prod", "second"]
    assert [entry.name for entry in link.parent.iterdir()] == ["credentials.hush"]


def test_the_previous_generation_is_kept(store: CredentialStore) -> None:
    before = store.path.read_bytes()
    store.put("second", OTHER)
    assert store.path.with_name("credentials.hush.bak").read_bytes() == before


def test_a_save_after_a_kill_that_left_one_generation_under_two_names(store: CredentialStore) -> None:
    previous = store.path.with_name("credentials.hush.bak")
    previous.unlink()
    previous.hardlink_to(store.path)
    before = store.path.read_bytes()
    store.put("second", OTHER)
    assert previous.read_bytes() == before
    assert names(unlocked(store.path)) == ["vault-prod", "second"]
    assert {entry.name for entry in store.path.parent.iterdir()} == {
        "credentials.hush",
        "credentials.hush.lock",
        "credentials.hush.bak",
    }


def test_processes_saving_at_once_lose_nothing(store: CredentialStore) -> None:
    script = CHILD + (
        "store.unlock(passphrase=Secret('correct horse'))\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "for number in range(12):\n"
        "    store.put(f'{sys.argv[2]}-{number}', token)\n"
        "    store.put_value(ValueKey('w', '/p', sys.argv[2], str(number)), Secret('v'))\n"
    )
    children = [run_child(script, store.path, name) for name in "ab"]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for number in range(12):
        store.put(f"c-{number}", OTHER)
    for child in children:
        output = child.communicate(timeout=PATIENCE_S)[0]
        assert child.returncode == 0, output
    assert set(names(unlocked(store.path))) == {"vault-prod"} | {f"{name}-{n}" for name in "abc" for n in range(12)}
    assert len(store.value_keys()) == 1 + 24


def test_another_process_holds_the_lock_for_too_long(store: CredentialStore) -> None:
    script = CHILD + ("with store._file.locked():\n    print('locked', flush=True)\n    sys.stdin.readline()\n")
    child = run_child(script, store.path)
    assert child.stdout is not None
    assert child.stdout.readline() == "locked\n"
    other = at(store.path, lock_timeout=0.05)
    other.unlock(passphrase=PASSPHRASE)
    with pytest.raises(StoreError, match="another hushpost is saving"):
        other.put("x", TOKEN)
    assert names(other) == ["vault-prod"]
    child.communicate("go\n", timeout=PATIENCE_S)
    other.put("x", TOKEN)


KILLED_AT_EACH_LINE = (
    CHILD
    + """
change, key_file, file = sys.argv[2], Path(sys.argv[3]), Path(sys.argv[1])

def fresh():
    return CredentialStore(file, cost=Cost(memory_kib=8192, passes=1, lanes=1))

def opens(**way):
    store = fresh()
    try:
        store.unlock(**way)
    except WrongPassphrase:
        return None
    return [one.name for one in store.credentials()]

def in_child(line, action):
    child = os.fork()
    if child == 0:
        left = line
        def trace(frame, event, argument):
            nonlocal left
            if not frame.f_code.co_filename.endswith("storefile.py"):
                return None
            if event == "line":
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace
        sys.settrace(trace)
        action()
        sys.settrace(None)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), status
    return status == 0

have, passphrase, outcomes = ["vault-prod"], "correct horse", set()
for line in range(1, 1000):
    store = fresh()
    if change == "create":
        file.unlink(missing_ok=True)
        ended = in_child(line, lambda: store.create(passphrase=Secret("p")))
        new = file.exists()
        if new:
            assert opens(passphrase=Secret("p")) == []
        else:
            fresh().create(passphrase=Secret("p"))
    elif change == "put":
        store.unlock(key_file=key_file)
        ended = in_child(line, lambda: store.put(f"line-{line}", token))
        found = opens(key_file=key_file)
        new = found != have
        assert found == have + [f"line-{line}"] * new, found
        have = found
        previous = CredentialStore(Path(f"{file}.bak"))
        previous.unlock(key_file=key_file)
        assert len(have) - len(previous.credentials()) in (0, 1)
    else:
        store.unlock(key_file=key_file)
        ended = in_child(line, lambda: store.change_passphrase(Secret(f"line-{line}")))
        assert opens(key_file=key_file) == have
        new = opens(passphrase=Secret(f"line-{line}")) == have
        assert new or opens(passphrase=Secret(passphrase)) == have
        passphrase = f"line-{line}" if new else passphrase
        if new:
            assert not Path(f"{file}.bak").exists()
    outcomes.add(new)
    if ended:
        assert new
        print(line, outcomes == {True, False})
        break
"""
)


@pytest.mark.parametrize("change", ["create", "put", "passphrase"])
def test_a_kill_at_any_line_of_a_save_leaves_the_old_or_the_new_store(
    store: CredentialStore, tmp_path: Path, change: str
) -> None:
    store.add_slot(key_file=tmp_path / "key")
    store.put_value(PASSWORD, Secret("so that the key opens the previous generation too"))
    if change == "create":
        shutil.rmtree(store.path.parent)
    child = run_child(KILLED_AT_EACH_LINE, store.path, change, tmp_path / "key")
    output = child.communicate(timeout=120)[0]
    assert child.returncode == 0, output
    lines, both = output.split()
    assert int(lines) > 30
    assert both == "True"
    # Nothing that a kill left in the folder stays.
    left = {entry.name for entry in store.path.parent.iterdir()}
    assert left <= {"credentials.hush", "credentials.hush.lock", "credentials.hush.bak"}


def test_a_kill_or_a_full_disk_in_the_middle_of_writing(store: CredentialStore, tmp_path: Path) -> None:
    before = store.path.read_bytes()
    script = CHILD + (
        "import resource\n"
        "store.unlock(passphrase=Secret('correct horse'))\n"
        "if sys.argv[2] == 'kill':\n"
        "    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))\n"
        "store.put('x', token)\n"
    )
    child = run_child(script, store.path, "full")
    assert "cannot be saved: file too large" in child.communicate(timeout=PATIENCE_S)[0]
    assert child.returncode == 1
    assert not store.path.with_name("credentials.hush.new").exists()

    child = run_child(script, store.path, "kill")
    assert child.communicate(timeout=PATIENCE_S)[0] == ""
    assert child.returncode == -signal.SIGXFSZ
    assert store.path.with_name("credentials.hush.new").stat().st_size == 200

    assert store.path.read_bytes() == before
    store.put("second", OTHER)
    assert not store.path.with_name("credentials.hush.new").exists()
    assert names(unlocked(store.path)) == ["vault-prod", "second"]


def test_what_was_saved_before_a_kill_is_there(store: CredentialStore) -> None:
    script = CHILD + (
        "store.unlock(passphrase=Secret('correct horse'))\n"
        "for number in range(100000):\n"
        "    store.put(f'number-{number}', token)\n"
        "    print(number, flush=True)\n"
    )
    child = run_child(script, store.path)
    assert child.stdout is not None
    for _ in range(20):
        last = child.stdout.readline()
    child.kill()
    child.communicate(timeout=PATIENCE_S)
    assert f"number-{int(last)}" in names(store)
    assert len(names(store)) >= 21
