from __future__ import annotations

import asyncio
import os
import pickle
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import HushpostError
from core.exchange import CheckResult, Hop, Shown
from core.history import history as module
from core.secret import MASK, Secret
from core.settings import Settings
from core.vault.store import CredentialStore
from tests.canary import files_below, leaks
from tests.kept import OTHER, PAYMENTS, START, Shelf, in_database, made
from tests.patience import PATIENCE_S
from tests.stores import PASSPHRASE, ROOT, at, unlocked

VALUE = 's3cr3t "value"/of+the vault\nand its second line'


@pytest.fixture
def store(tmp_path: Path) -> CredentialStore:
    made_here = at(tmp_path / "data" / "credentials.hush")
    made_here.create(passphrase=PASSPHRASE)
    return made_here


@pytest.fixture
async def shelf(tmp_path: Path, store: CredentialStore) -> AsyncIterator[Shelf]:
    opened = Shelf(tmp_path / "state" / "history", store)
    yield opened
    await opened.history.close()


async def body_of(shelf: Shelf, number: int = 0) -> bytes:
    kept = await shelf.history.get(shelf.history.list()[number].id)
    return kept.exchange.response.body.read()


# Keeping and finding


async def test_an_exchange_is_found_again_by_the_next_process(shelf: Shelf) -> None:
    await shelf.keep(made(number=1), made("https://api.example.com/refunds", number=2))
    history = await shelf.again()
    assert shelf.urls() == ["https://api.example.com/refunds", "https://api.example.com/payments"]
    kept = await history.get(history.list("refunds")[0].id)
    assert (kept.exchange.method, kept.exchange.response.status) == ("GET", 200)
    assert kept.exchange.response.body.read() == b'{"id": 7}'
    assert kept.exchange.started_at == START + timedelta(minutes=2)
    assert kept.summary.workspace_key == PAYMENTS


async def test_everything_a_response_view_shows_comes_back(shelf: Shelf) -> None:
    sent = made(
        headers=(("Set-Cookie", "session=abc; Path=/"),),
        hops=(Hop("GET", "https://old.example.com/", 307, "https://api.example.com/", ("Cookie",)),),
        notes=("a cookie was refused",),
        checks=(CheckResult("status equals 200", True), CheckResult("json $.id exists", False, "nothing there")),
        captured={"payment_id": "42", "token": Secret("captured-secret")},
        secrets_used=("stripe_key",),
    )
    await shelf.keep(sent)
    await shelf.again()
    kept = (await shelf.history.get(shelf.history.list()[0].id)).exchange
    for name in ("id", "reference", "environment", "shown", "secrets_used", "timing", "hops", "notes", "checks"):
        assert getattr(kept, name) == getattr(sent, name), name
    assert kept.response.headers == sent.response.headers
    assert kept.captured == {"payment_id": "42", "token": MASK}


async def test_searching_looks_for_every_word(shelf: Shelf) -> None:
    await shelf.keep(
        made(number=1, status=404),
        made("https://api.example.com/Refunds", number=2, method="POST", environment="staging"),
    )
    assert len(shelf.urls("")) == 2
    assert shelf.urls("404") == ["https://api.example.com/payments"]
    assert shelf.urls("post REFUNDS staging") == ["https://api.example.com/Refunds"]
    assert shelf.urls("post 404") == shelf.urls("nothing like it") == []


async def test_workspaces_are_kept_apart_by_id_and_path(shelf: Shelf) -> None:
    await shelf.keep(made("https://one/"))
    await shelf.keep(made("https://two/"), workspace=OTHER)
    moved = type(PAYMENTS)(PAYMENTS.id, Path("/elsewhere"))
    assert shelf.urls("", PAYMENTS) == ["https://one/"]
    assert shelf.urls("", OTHER) == ["https://two/"]
    assert shelf.urls("", moved) == []


async def test_one_a_workspace_s_and_all_can_be_deleted(shelf: Shelf) -> None:
    await shelf.keep(made("https://one/", number=1), made("https://two/", number=2), made("https://three/", number=3))
    await shelf.keep(made("https://other/"), workspace=OTHER)
    await shelf.history.delete(shelf.history.list("two")[0].id)
    assert shelf.urls("", PAYMENTS) == ["https://three/", "https://one/"]
    await shelf.history.clear(PAYMENTS)
    await shelf.again()
    assert shelf.urls() == ["https://other/"]
    await shelf.history.clear()
    await shelf.again()
    assert shelf.urls() == []


async def test_one_that_was_deleted_meanwhile_is_an_error_by_name(shelf: Shelf) -> None:
    await shelf.keep(made())
    entry = shelf.history.list()[0]
    await shelf.history.delete(entry.id)
    with pytest.raises(HushpostError, match="not in the history any more"):
        await shelf.history.get(entry.id)


async def test_two_processes_see_each_other_s_exchanges(shelf: Shelf) -> None:
    other = shelf.open()
    await shelf.keep(made("https://mine/", number=1))
    other.add(made("https://theirs/", number=2), PAYMENTS)
    await other.look()
    await shelf.history.look()
    assert shelf.urls() == [entry.summary.url for entry in other.list()] == ["https://theirs/", "https://mine/"]
    await other.delete(other.list("mine")[0].id)
    await shelf.history.look()
    assert shelf.urls() == ["https://theirs/"]
    await other.close()


async def test_nothing_is_kept_when_the_settings_say_so(shelf: Shelf) -> None:
    shelf.settings = Settings(history=False)
    await shelf.keep(made())
    assert shelf.urls() == []
    assert not shelf.folder.exists()


# Bodies


async def test_a_large_body_is_cut_with_a_note(shelf: Shelf) -> None:
    await shelf.keep(made(body=b'"' + "é".encode() * 1_000_000 + b'"'))
    kept = (await shelf.history.get(shelf.history.list()[0].id)).exchange
    body = kept.response.body.read()
    assert 1024 * 1024 - 4 <= len(body) <= 1024 * 1024 + 4
    assert body.decode().strip('"\ufffd') == "é" * len(body.decode().strip('"\ufffd'))
    assert kept.response.truncated == "the history keeps the first 1024 KiB of 2,000,002 bytes"


async def test_no_secret_is_cut_in_two_by_the_limit(shelf: Shelf) -> None:
    shelf.redactor.add("key", Secret("abcdefghijklmnopqrstuvwxyz"))
    for number, before in enumerate((1024 * 1024 - 13, 1024 * 1024 - 26, 1024 * 1024 - 3)):
        await shelf.keep(made(body=b" " * before + b"abcdefghijklmnopqrstuvwxyz" + b" " * 4096, number=number))
    assert b"abc" not in await shelf.plain()


async def test_a_body_in_another_charset_is_masked_and_reads_the_same(shelf: Shelf) -> None:
    shelf.redactor.add("key", Secret("gehöimnis"))
    text = "ein Schlüssel: gehöimnis"
    for number, charset in enumerate(("latin-1", "utf-16")):
        await shelf.keep(made(body=text.encode(charset), media=f"text/plain; charset={charset}", number=number))
        assert (await body_of(shelf)).decode("utf-8-sig") == f"ein Schlüssel: {MASK}"


async def test_bytes_that_are_no_text_stay_as_they_are(shelf: Shelf) -> None:
    data = bytes(range(256)) * 10
    await shelf.keep(made(body=data, media="application/octet-stream"))
    assert await body_of(shelf) == data


# Secrets


async def test_no_form_of_a_secret_is_sealed(shelf: Shelf) -> None:
    import base64
    import json
    from urllib.parse import quote

    shelf.redactor.add("key", Secret(VALUE))
    encoded = base64.b64encode(f"user:{VALUE}".encode()).decode()
    await shelf.keep(
        made(
            f"https://api.example.com/{quote(VALUE, safe='')}",
            body=json.dumps({"echo": VALUE, "basic": encoded, "hex": VALUE.encode().hex()}).encode(),
            headers=(("X-Echo", quote(VALUE)), ("X-Basic", f"Basic {encoded}")),
            shown=Shown(f"https://x/?k={quote(VALUE)}", (("X", VALUE.replace("\n", " ")),), json.dumps(VALUE)),
            notes=(VALUE,),
            checks=(CheckResult(VALUE, False, f"found {VALUE!r}"),),
            captured={"all": Secret(VALUE), "plain": json.dumps(VALUE)},
            hops=(Hop("GET", f"https://x/{quote(VALUE)}", 302, f"/{quote(VALUE, safe='')}"),),
        )
    )
    plain = await shelf.plain()
    assert b"api.example.com" not in plain
    assert b"https://x/" in plain
    assert leaks({"key": VALUE}, [("plain", plain)]) == []


async def test_the_files_tell_neither_what_was_sent_nor_the_key(shelf: Shelf, tmp_path: Path) -> None:
    await shelf.keep(*(made(body=b'{"name": "Ada Lovelace"}', number=number) for number in range(3)))
    during = dict(files_below(shelf.folder))
    await shelf.history.close()
    key = shelf.store.history_key()
    clear = ("api.example.com", "/payments", "Ada Lovelace", "production", "payments-0123", "2026", "GET", key.hex())
    for sink, data in {**during, **dict(files_below(shelf.folder))}.items():
        for word in clear:
            assert word.encode() not in data.removeprefix(sink.encode()), (sink, word)
        assert key not in data, sink


async def test_only_this_user_can_read_the_files(shelf: Shelf) -> None:
    before = os.umask(0)
    try:
        await shelf.keep(made())
        files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in shelf.folder.iterdir()}
        assert set(files.values()) == {0o600}
        assert {"cache.db", "cache.db-wal"} <= set(files)
        assert stat.S_IMODE(shelf.folder.stat().st_mode) == 0o700
    finally:
        os.umask(before)


async def test_files_that_others_could_read_are_closed_to_them(shelf: Shelf) -> None:
    await shelf.keep(made())
    await shelf.history.close()
    shelf.folder.chmod(0o755)
    (shelf.folder / "cache.db").chmod(0o644)
    await shelf.again()
    assert stat.S_IMODE(shelf.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((shelf.folder / "cache.db").stat().st_mode) == 0o600


# What somebody may write into the database


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.path,)


async def test_nothing_planted_is_ever_unpickled(shelf: Shelf, tmp_path: Path) -> None:
    await shelf.keep(made("https://mine/", number=1), made("https://bomb/", number=2))
    row = shelf.history.list("bomb")[0].id
    await shelf.history.close()
    target = tmp_path / "exploded"
    bomb = pickle.dumps(Bomb(str(target)))
    insert = "INSERT INTO Cache (key, raw, store_time, access_time, mode, filename, value) VALUES (?, ?, 1, 1, ?, ?, ?)"
    (shelf.folder / "bomb.val").write_bytes(bomb)
    in_database(shelf.folder, "UPDATE Cache SET mode = 4, value = ? WHERE key = ?", bomb, row)
    in_database(shelf.folder, insert, bomb, 0, 1, None, b"pickled key")
    in_database(shelf.folder, insert, "0" * 32, 1, 4, None, bomb)
    in_database(shelf.folder, insert, "1" * 32, 1, 4, "bomb.val", None)
    in_database(shelf.folder, insert, "2" * 32, 1, 2, "bomb.val", None)

    history = await shelf.again()
    assert shelf.urls() == ["https://mine/"]
    with pytest.raises(HushpostError, match="any more"):
        await history.get(row)
    await history.clear()
    assert not target.exists()


async def test_a_planted_file_name_deletes_nothing(shelf: Shelf, tmp_path: Path) -> None:
    await shelf.keep(made())
    await shelf.history.close()
    precious = tmp_path / "precious"
    precious.write_text("stays")
    in_database(shelf.folder, "UPDATE Cache SET mode = 2, filename = ?", str(precious))
    await shelf.again()
    assert shelf.urls() == []
    await shelf.history.clear()
    assert precious.read_text() == "stays"


async def test_a_row_put_in_another_s_place_or_changed_by_a_bit_does_not_open(shelf: Shelf) -> None:
    await shelf.keep(made("https://one/", number=1), made("https://two/", number=2), made("https://three/", number=3))
    one, two = (shelf.history.list(name)[0].id for name in ("one", "two"))
    await shelf.history.close()
    in_database(
        shelf.folder, "UPDATE Cache SET value = (SELECT value FROM Cache WHERE key = ?) WHERE key = ?", two, one
    )
    [(sealed,)] = in_database(shelf.folder, "SELECT value FROM Cache WHERE key = ?", two)
    flipped = bytes([*sealed[:-1], sealed[-1] ^ 1])
    in_database(shelf.folder, "UPDATE Cache SET value = ? WHERE key = ?", flipped, two)
    await shelf.again()
    assert shelf.urls() == ["https://three/"]


# Locked, absent, other stores


async def test_without_a_store_it_stays_in_memory_and_goes_to_the_disk_once_there_is_one(
    tmp_path: Path, shelf: Shelf
) -> None:
    created = shelf.store
    shelf.store = at(tmp_path / "nowhere" / "credentials.hush")
    await shelf.keep(made("https://early/"))
    assert shelf.urls() == ["https://early/"]
    assert not shelf.history.list()[0].saved
    assert await body_of(shelf) == b'{"id": 7}'
    assert not shelf.folder.exists()

    shelf.store = created
    shelf.history.settle()
    await shelf.history.look()
    assert shelf.history.list()[0].saved
    await shelf.again()
    assert shelf.urls() == ["https://early/"]


async def test_locking_forgets_what_is_on_the_disk_and_unlocking_finds_it_again(shelf: Shelf) -> None:
    await shelf.keep(made("https://before/", number=1))
    shelf.store.lock()
    shelf.history.lock()
    assert shelf.urls() == []
    await shelf.keep(made("https://locked/", number=2))
    assert shelf.urls() == ["https://locked/"]
    before = (shelf.folder / "cache.db").read_bytes()
    shelf.store.unlock(passphrase=PASSPHRASE)
    shelf.history.settle()
    await shelf.history.look()
    assert shelf.urls() == ["https://locked/", "https://before/"]
    assert b"https://locked/" not in before
    await shelf.again()
    assert shelf.urls() == ["https://locked/", "https://before/"]


async def test_what_is_waiting_when_the_app_quits_is_written(shelf: Shelf) -> None:
    for number in range(20):
        shelf.history.add(made(f"https://x/{number}", number=number), PAYMENTS)
    await shelf.again()
    assert len(shelf.urls()) == 20


async def test_in_memory_there_is_a_limit(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_IN_MEMORY", 5 * 1024 * 1024)
    shelf.store.lock()
    await shelf.keep(*(made(f"https://x/{number}", body=b"x" * 10**6, number=number) for number in range(12)))
    assert shelf.urls() == [f"https://x/{number}" for number in (11, 10, 9, 8, 7)]


async def test_another_store_s_rows_are_left_out_with_one_note_and_kept(shelf: Shelf, tmp_path: Path) -> None:
    await shelf.keep(made("https://old/", number=1), made("https://old/2", number=2))
    first = shelf.store
    shelf.store = at(tmp_path / "other" / "credentials.hush")
    shelf.store.create(passphrase=PASSPHRASE)
    await shelf.again()
    assert shelf.urls() == []
    await shelf.keep(made("https://new/", number=3))
    assert shelf.urls() == ["https://new/"]
    assert shelf.history.take_notes() == [
        "2 kept exchanges were sealed with the key of another store, and are left out"
    ]
    assert shelf.history.take_notes() == []

    shelf.store = first
    await shelf.again()
    assert shelf.urls() == ["https://old/2", "https://old/"]


async def test_a_store_replaced_while_it_runs_changes_the_list(shelf: Shelf, tmp_path: Path) -> None:
    await shelf.keep(made("https://old/"))
    shelf.store = at(tmp_path / "other" / "credentials.hush")
    shelf.store.create(passphrase=PASSPHRASE)
    await shelf.keep(made("https://new/", number=1))
    assert shelf.urls() == ["https://new/"]


async def test_another_passphrase_leaves_the_history_as_it_is(shelf: Shelf) -> None:
    await shelf.keep(made())
    shelf.store.change_passphrase(Secret("another one"))
    shelf.store = unlocked(shelf.store.path, Secret("another one"))
    await shelf.again()
    assert len(shelf.urls()) == 1


async def test_all_can_be_cleared_without_the_key(shelf: Shelf) -> None:
    await shelf.keep(made())
    await shelf.history.close()
    shelf.store.lock()
    await shelf.history.clear()
    shelf.store.unlock(passphrase=PASSPHRASE)
    await shelf.again()
    assert shelf.urls() == []
    assert in_database(shelf.folder, "SELECT COUNT(*) FROM Cache") == [(0,)]


# Limits


async def test_what_is_too_old_goes(shelf: Shelf) -> None:
    await shelf.keep(made("https://old/", number=0), made("https://new/", number=10 * 24 * 60))
    shelf.settings = Settings(history_days=7)
    shelf.now = START + timedelta(days=11)
    await shelf.history.look()
    assert shelf.urls() == ["https://new/"]
    assert b"https://old/" not in await shelf.plain()


async def test_what_takes_too_much_room_goes_the_oldest_first(shelf: Shelf) -> None:
    shelf.settings = Settings(history_megabytes=5)
    for number in range(40):
        await shelf.keep(made(f"https://x/{number}", body=os.urandom(500_000), number=number, media="image/x"))
    await shelf.history.close()
    size = sum(path.stat().st_size for path in shelf.folder.iterdir())
    assert size < 7_000_000
    await shelf.again()
    assert 2 <= len(shelf.urls()) <= 12
    assert shelf.urls()[0] == "https://x/39"


async def test_a_smaller_limit_holds_at_once(shelf: Shelf) -> None:
    for number in range(20):
        await shelf.keep(made(f"https://x/{number}", body=os.urandom(500_000), number=number, media="image/x"))
    shelf.settings = Settings(history_megabytes=3)
    await shelf.history.look()
    assert len(shelf.urls()) < 10


async def test_there_are_never_more_than_the_index_can_hold(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 5)
    await shelf.keep(*(made(f"https://x/{number}", number=number) for number in range(12)))
    assert shelf.urls() == [f"https://x/{number}" for number in (11, 10, 9, 8, 7)]


# A disk that fails


async def test_a_damaged_database_is_moved_aside(shelf: Shelf) -> None:
    await shelf.keep(made("https://lost/"))
    await shelf.history.close()
    for path in shelf.folder.iterdir():
        path.write_bytes(b"this is no database " * 500)
    await shelf.again()
    assert shelf.urls() == []
    await shelf.keep(made("https://new/"))
    assert shelf.urls() == ["https://new/"]
    aside = [path for path in shelf.folder.parent.iterdir() if path.name.startswith("history.damaged-")]
    assert len(aside) == 1
    assert shelf.history.take_notes() == [f'the history is damaged; it was moved to "{aside[0]}", and a new one begins']
    await shelf.again()
    assert shelf.urls() == ["https://new/"]


async def test_a_database_of_something_else_is_moved_aside(shelf: Shelf) -> None:
    shelf.folder.mkdir(parents=True)
    in_database(shelf.folder, "CREATE TABLE Cache (something TEXT)")
    await shelf.keep(made("https://new/"))
    assert shelf.urls() == ["https://new/"]
    await shelf.again()
    assert shelf.urls() == ["https://new/"]


async def test_where_no_folder_can_be_made_the_list_lives_in_memory_with_one_note(shelf: Shelf) -> None:
    shelf.folder.parent.write_text("a file where the folder would be")
    await shelf.keep(made("https://one/", number=1), made("https://two/", number=2))
    assert shelf.urls() == ["https://two/", "https://one/"]
    assert shelf.history.take_notes() == [f'the history in "{shelf.folder}" cannot be used: not a directory']


async def test_a_history_deleted_under_a_running_app_begins_anew(shelf: Shelf) -> None:
    await shelf.keep(made("https://gone/"))
    for path in shelf.folder.iterdir():
        path.unlink()
    await shelf.keep(made("https://new/", number=1))
    await shelf.again()
    assert shelf.urls() == ["https://new/"]


FULL_DISK = """
import asyncio, os, resource, sys
from pathlib import Path
from core.redactor import Redactor
from tests.kept import Shelf, made
from tests.stores import PASSPHRASE, at

async def main(folder):
    store = at(folder / "credentials.hush")
    store.create(passphrase=PASSPHRASE)
    shelf = Shelf(folder / "history", store)
    await shelf.keep(made("https://before/"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    full = (made(f"https://full/{n}", body=os.urandom(200_000), media="image/x", number=n + 1) for n in range(6))
    await shelf.keep(*full)
    print(len(shelf.urls()), [entry.saved for entry in shelf.history.list("before")], len(shelf.history.take_notes()))
    await shelf.history.close()

asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_full_disk_costs_the_history_on_it_and_nothing_else(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert (done.stdout.split("\n")[0], done.stderr) == ("7 [True] 1", "")
    assert not list(tmp_path.glob("history.damaged*"))


async def test_adding_does_not_wait_for_the_disk(shelf: Shelf) -> None:
    """The event loop goes on while another process keeps the database locked."""
    await shelf.keep(made("https://before/"))
    import sqlite3

    blocker = sqlite3.connect(shelf.folder / "cache.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    shelf.history.add(made("https://waiting/", number=1), PAYMENTS)
    looked = asyncio.ensure_future(shelf.history.look())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not looked.done()
    blocker.execute("ROLLBACK")
    blocker.close()
    await looked
    assert shelf.urls() == ["https://waiting/", "https://before/"]


async def test_a_huge_answer_that_waits_does_not_keep_the_next_one_out(shelf: Shelf) -> None:
    await shelf.keep(made("https://before/"))
    import sqlite3

    blocker = sqlite3.connect(shelf.folder / "cache.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    for number, body in enumerate((b"held up", bytes(module.MOST_WAITING), b"small"), 1):
        shelf.history.add(made(f"https://{number}/", number=number, body=body), PAYMENTS)
    blocker.execute("ROLLBACK")
    blocker.close()
    await shelf.history.look()
    assert shelf.urls() == ["https://3/", "https://2/", "https://1/", "https://before/"]
    assert shelf.history.take_notes() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_in_a_read_only_home_the_list_lives_in_memory_with_one_note(shelf: Shelf) -> None:
    await shelf.keep(made("https://before/"))
    await shelf.history.close()
    for path in (*shelf.folder.iterdir(), shelf.folder):
        path.chmod(0o400 if path.is_file() else 0o500)
    try:
        await shelf.keep(made("https://one/", number=1), made("https://two/", number=2))
        assert shelf.urls()[:2] == ["https://two/", "https://one/"]
        assert len(shelf.history.take_notes()) == 1
    finally:
        shelf.folder.chmod(0o700)
