from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from rich.color import Color
from rich.style import Style
from textual.pilot import Pilot

from core.errors import RequestError
from core.exchange import Progress, ReceivedBody
from core.reading.rows import LONGEST, TextDocument
from core.secret import MASK, Secret
from tests.core.reading.test_picture import RED, picture
from tests.response_app import SECRET, ResponseApp, exchange, redactor
from tests.terminal import TerminalApp
from tests.tui.conftest import screen_text, type_text, until
from tui.terminal.pager import lines
from tui.widgets.response_pages import amount, duration, progress_text
from tui.widgets.text_view import TextView

ITEMS = [{"id": number, "name": f"user {number}", "echo": f"Bearer {SECRET}"} for number in range(200)]
JSON = json.dumps({"items": ITEMS, "total": 200}).encode()


async def shown(pilot: Pilot[Any], text: str) -> None:
    await until(pilot, lambda: text in screen_text(pilot))


async def body(pilot: Pilot[Any], text: str) -> None:
    """Wait for the body and give the keys to it."""
    await shown(pilot, text)
    pilot.app.query_one("TextView").focus()
    await pilot.pause()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_the_status_line_and_the_body_laid_out() -> None:
    async with ResponseApp(exchange(JSON)).run_test(size=(80, 24)) as pilot:
        await shown(pilot, '"id": 0')
        text = screen_text(pilot)
        assert "200 OK  124 ms  15.2 kB  HTTP/1.1  1 redirect" in text
        assert '  4       "id": 0,' in text
        assert "1-20 of 1,005" in text


async def test_a_secret_that_the_server_echoes_is_never_shown() -> None:
    app = ResponseApp(exchange(JSON))
    async with app.run_test(size=(120, 30)) as pilot:
        await body(pilot, MASK)
        seen = []
        for keys in ("r", "r", "x", "x", *["right_square_bracket"] * 6, "slash"):
            await pilot.press(keys)
            await pilot.pause()
            seen.append(screen_text(pilot))
            if keys != "slash":
                document = app.view._pane.document
                seen += [document.row(row).decode() for row in range(document.rows)]
        await type_text(pilot, SECRET)
        await pilot.press("enter")
        await shown(pilot, "not found")
        await pilot.press("c")
        await until(pilot, lambda: app.copied)
        assert not [text for text in [*seen, screen_text(pilot).replace(SECRET, "", 1), *app.copied] if SECRET in text]
        assert app.copied[0].count(MASK) == 200


async def test_what_becomes_a_secret_later_is_masked_when_it_is_drawn_again() -> None:
    known = redactor()
    app = ResponseApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.view.show(exchange(b'{"name": "fetched-afterwards"}'), known)
        await body(pilot, "fetched-afterwards")
        known.add("other", Secret("fetched-afterwards"))
        await pilot.press("right_square_bracket", "left_square_bracket")
        await shown(pilot, f'"name": "{MASK}"')
        assert "fetched-afterwards" not in screen_text(pilot)


async def test_the_tabs_tell_the_rest() -> None:
    async with ResponseApp(exchange(JSON)).run_test(size=(80, 24)) as pilot:
        await body(pilot, '"id": 0')
        assert " Headers 4  Cookies 1  Request  Timing 1 hop  Checks 1/2 FAIL" in screen_text(pilot)
        for expected in (
            ("Content-Type: application/json", f"X-Echo: Bearer {MASK}", "X-Bad: red \\x1b[31m and \\u202e turned"),
            ("session: abc", "  Path: /", "  HttpOnly"),
            ("POST https://api.example.com/payments?key={{stripe_key}}", "secrets used: stripe_key", '{"amount": 100}'),
            ("first byte          75 ms  ━━━━", "redirect 1  307 POST https://old.example.com/", "not sent on  Auth"),
            ("ok    status equals 200", "FAIL  json $.id exists: nothing there", "payment_id  42", f"token  {MASK}"),
        ):
            await pilot.press("right_square_bracket")
            await pilot.pause()
            for text in expected:
                assert text in screen_text(pilot)
        await pilot.press("right_square_bracket")
        await shown(pilot, '"id": 0')


async def test_each_tab_is_left_where_it_was() -> None:
    async with ResponseApp(exchange(JSON)).run_test(size=(80, 24)) as pilot:
        await body(pilot, '"id": 0')
        await pilot.press("pagedown", "right_square_bracket", "left_square_bracket")
        await shown(pilot, "20-39 of 1,005")


async def test_searching_counts_moves_and_ends() -> None:
    async with ResponseApp(exchange(JSON)).run_test(size=(80, 24)) as pilot:
        await body(pilot, '"id": 0')
        await pilot.press("slash", *"user 19", "enter")
        await shown(pilot, '"user 19" 1 of 11')
        assert '"user 19"' in screen_text(pilot)
        await pilot.press("n", "n")
        await shown(pilot, '"user 19" 3 of 11')
        await pilot.press("N", "N", "N")
        await shown(pilot, '"user 19" 11 of 11')
        assert "user 199" in screen_text(pilot)
        await pilot.press("r")
        await shown(pilot, '"user 19" 11')
        await pilot.press("escape")
        await until(pilot, lambda: '"user 19" 11' not in screen_text(pilot).splitlines()[-1])


def told(pilot: Pilot[Any]) -> list[str]:
    assert isinstance(pilot.app, ResponseApp)
    return pilot.app.told


async def test_filtering_shows_what_a_path_finds_and_escape_ends_it() -> None:
    async with ResponseApp(exchange(JSON)).run_test(size=(80, 24)) as pilot:
        await body(pilot, '"id": 0')
        await pilot.press("f", *".items[-2:].id", "enter")
        await shown(pilot, "$.items[-2:].id  2 found  esc ends it")
        assert "  2   198," in screen_text(pilot)
        await pilot.press("escape")
        await shown(pilot, "of 1,005")
        await pilot.press("f", *"$.items[-1:].id", "enter")
        await shown(pilot, "$.items[-1:].id  1 found  esc ends it")
        await pilot.press("escape", "f", *"[", "enter")
        await until(pilot, lambda: told(pilot))
        assert told(pilot)[0].startswith('the JSONPath "$[" cannot be used: ')


async def test_a_filter_under_way_is_told_and_ended_by_escape() -> None:
    many = b"[" + b",".join(b'{"id": %d, "deep": {"a": [1, 2, 3]}}' % number for number in range(60_000)) + b"]"
    app = ResponseApp(exchange(many))
    async with app.run_test(size=(80, 24)) as pilot:
        await body(pilot, '"id": 0')
        await until(pilot, lambda: app.view._reading and app.view._reading.phase == "done")
        await pilot.press("f")
        await type_text(pilot, "..[?@.nothing == 1]")
        await pilot.press("enter")
        await shown(pilot, "filtering…  esc ends it")
        await pilot.press("escape")
        await until(pilot, lambda: "filtering" not in screen_text(pilot))
        assert app.view._filter is None


async def test_a_command_may_filter_too() -> None:
    async with ResponseApp(exchange(JSON)).run_test(size=(80, 24)) as pilot:
        await body(pilot, '"id": 0')
        await pilot.press("f")
        await type_text(pilot, f"| grep -c . ; echo '{SECRET}'")
        await pilot.press("enter")
        await shown(pilot, "2 found  esc ends it")
        assert f"  2 {MASK}" in screen_text(pilot)
        assert SECRET not in screen_text(pilot)
        await pilot.press("f")
        await type_text(pilot, "; no-such-command")
        await pilot.press("enter")
        await until(pilot, lambda: told(pilot))
        assert "no-such-command" in told(pilot)[0]


async def test_html_is_filtered_by_xpath() -> None:
    async with ResponseApp(exchange(b"<p>x</p><p class=a>y</p>", "text/html")).run_test(size=(80, 24)) as pilot:
        await body(pilot, "<p>")
        await pilot.press("f", *"p[2]/@class", "enter")
        await shown(pilot, "//p[2]/@class  1 found")
        assert "  1 a" in screen_text(pilot)


async def test_a_filter_needs_text() -> None:
    async with ResponseApp(exchange(bytes(64), "application/octet-stream")).run_test() as pilot:
        await body(pilot, "00 00")
        await pilot.press("f")
        assert told(pilot) == ["a filter works on text only"]


async def test_a_picture_is_drawn_in_its_colours_and_its_bytes_are_a_key_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    app = ResponseApp(exchange(picture(30, 20), "image/png"), slow_line=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, "▀" * 30)
        await shown(pilot, "PNG image, 30 x 20")
        first = app.query_one(TextView).render_line(0)
        assert {segment.style for segment in first if segment.text == "▀"} == {
            Style(color=Color.from_rgb(*RED), bgcolor=Color.from_rgb(*RED))
        }
        await body(pilot, "▀")
        await pilot.press("x")
        await shown(pilot, "89 50 4e 47")
        await pilot.press("x")
        await shown(pilot, "▀" * 30)
        await pilot.resize_terminal(20, 24)
        await until(pilot, lambda: "▀" * 10 in screen_text(pilot) and "▀" * 20 not in screen_text(pilot))


async def test_a_slow_line_gets_the_bytes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    app = ResponseApp(exchange(picture(30, 20), "image/png"))
    async with app.run_test(size=(80, 24)) as pilot:
        await body(pilot, "89 50 4e 47")
        await pilot.press("x")
        await shown(pilot, "▀" * 30)


async def test_a_damaged_picture_stays_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    app = ResponseApp(exchange(picture(90, 90)[:150], "image/png"), slow_line=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await body(pilot, "89 50 4e 47")
        await shown(pilot, "PNG image, 90 x 90  cannot be drawn: it is damaged")
        assert "x shows" not in screen_text(pilot)


async def test_as_received_in_hex_and_wrapped() -> None:
    async with ResponseApp(exchange(b'{"a":[1,2]}')).run_test(size=(80, 24)) as pilot:
        await body(pilot, '  2   "a": [')
        await pilot.press("r")
        await shown(pilot, '  1 {"a":[1,2]}')
        await pilot.press("x")
        await shown(pilot, "00000000  7b 22 61 22 3a 5b 31 2c  32 5d 7d")
        await pilot.press("r")
        await shown(pilot, '  2   "a": [')


@pytest.mark.parametrize(
    ("data", "media", "expected"),
    [
        (b"", "application/json", "the body is empty"),
        (b"plain words", "text/plain", "  1 plain words"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\2\x80\0\0\1\xe0", "image/png", "PNG image, 640 x 480"),
        (b"\0\1\2", "application/octet-stream", "00000000  00 01 02"),
        ("grün".encode("latin-1"), "text/plain; charset=latin-1", "  1 grün"),
        (b"\x1b]0;title\x07\x1b[2J", "text/plain", "\\x1b]0;title\\x07\\x1b[2J"),
        (b'{"a": "\x1b[31m[bold]"}', "application/json", '"\\x1b[31m[bold]"'),
        (b"<a><b>1</b></a>", "application/xml", "  2   <b>1</b>"),
        (b'{"cut": [1,', "application/json", '  2   "cut": ['),
    ],
)
async def test_every_kind_of_body_is_shown(data: bytes, media: str, expected: str) -> None:
    async with ResponseApp(exchange(data, media)).run_test(size=(80, 24)) as pilot:
        await shown(pilot, expected)


async def test_a_cut_body_and_a_bad_status_are_told_in_words() -> None:
    async with ResponseApp(exchange(b"{}", status=404, truncated="the limit of 2 GB")).run_test() as pilot:
        await shown(pilot, "404 Not Found  cut short: the limit of 2 GB")


async def test_progress_failure_and_nothing() -> None:
    app = ResponseApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, "no answer yet")
        app.view.progress(Progress("receiving", received=12_345_678, total=50_000_000))
        await shown(pilot, "receiving 12.3 MB of 50.0 MB, 24 %  esc cancels")
        app.view.fail(RequestError('no connection to "api"', kind="connect", hint="is the server running?"))
        await shown(pilot, 'error: no connection to "api"')
        assert "is the server running?" in screen_text(pilot)
        app.view.show(exchange(b"[1]"), redactor())
        await shown(pilot, "  2   1")
        assert "error" not in screen_text(pilot)
        app.view.clear()
        await shown(pilot, "no answer yet")
        assert "200 OK" not in screen_text(pilot)


async def test_a_long_error_is_wrapped_at_words() -> None:
    app = ResponseApp()
    async with app.run_test(size=(40, 24)) as pilot:
        words = " ".join(f"word{number}" for number in range(30))
        app.view.fail(RequestError(words, kind="connect", hint="is the server running?"))
        await shown(pilot, "is the server running?")
        assert words in " ".join(screen_text(pilot).split())
        assert "…" not in screen_text(pilot)


async def test_the_last_answer_stays_to_be_read_until_the_next_one_is_there() -> None:
    app = ResponseApp(exchange(b'{"first": 1}'))
    async with app.run_test() as pilot:
        await shown(pilot, '"first": 1')
        app.view.progress(Progress("waiting"))
        await shown(pilot, "waiting for the answer")
        assert '"first": 1' in screen_text(pilot)
        app.view.show(exchange(b'{"second": 2}'), redactor())
        await shown(pilot, '"second": 2')
        assert "waiting" not in screen_text(pilot)


async def test_what_a_filter_found_is_saved_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with ResponseApp(exchange(JSON)).run_test(size=(80, 24)) as pilot:
        await body(pilot, '"id": 0')
        await pilot.press("f", *".items[:2].echo", "enter")
        await shown(pilot, "2 found  esc ends it")
        await pilot.press("s", "enter")
        await until(pilot, lambda: told(pilot))
    assert names(tmp_path) == ["create-found.json"]
    assert json.loads((tmp_path / "create-found.json").read_bytes()) == [f"Bearer {MASK}"] * 2


async def test_saving_writes_the_bytes_as_received_and_asks_before_it_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    async with ResponseApp(exchange(JSON)).run_test(size=(120, 24)) as pilot:
        await body(pilot, '"id": 0')
        await pilot.press("s")
        await type_text(pilot, str(path))
        await pilot.press("enter")
        await until(pilot, lambda: told(pilot))
        assert path.read_bytes() == JSON
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.write_bytes(b"other")
        await pilot.press("s")
        await type_text(pilot, str(path))
        await pilot.press("enter")
        await shown(pilot, "there already, enter overwrites it")
        assert path.read_bytes() == b"other"
        await pilot.press("enter")
        await until(pilot, lambda: path.read_bytes() == JSON)
        await pilot.press("s")
        await type_text(pilot, str(tmp_path / "none" / "x"))
        await pilot.press("enter")
        await until(pilot, lambda: "cannot be written" in told(pilot)[-1])
        assert names(tmp_path) == ["out.json"]


async def test_copying_gives_the_text_as_shown() -> None:
    app = ResponseApp(exchange(b'{"a":1}'))
    async with app.run_test() as pilot:
        await body(pilot, '"a": 1')
        await pilot.press("c")
        await until(pilot, lambda: app.copied)
        assert app.copied == ['{\n  "a": 1\n}']
        assert app.told == ["copied"]


async def test_too_much_for_a_clipboard_is_said() -> None:
    app = ResponseApp(exchange(b"x" * 5_000_000, "text/plain"))
    async with app.run_test() as pilot:
        await body(pilot, "of 1,221")
        await pilot.press("y")
        assert app.copied == []
        assert app.told == ["too much text for a clipboard: save it, or read it in your pager"]


async def test_another_answer_ends_the_work_on_the_last_one() -> None:
    app = ResponseApp(exchange(b'[{"a": 1}]' * 4_000_000))
    async with app.run_test() as pilot:
        await pilot.pause()
        first = app.view._reading
        assert first is not None
        app.view.show(exchange(b'{"second": 2}'), redactor())
        await shown(pilot, '"second": 2')
        await until(pilot, lambda: first.phase == "done")
        await pilot.pause()
        assert '"second": 2' in screen_text(pilot)
        assert first.laid_out is None


async def test_whoever_reads_the_text_as_received_is_not_moved_away() -> None:
    app = ResponseApp()
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.view
        view.show(exchange(b"[" + b'{"a": 1},\n' * 600_000 + b"0]"), redactor())
        await until(pilot, lambda: view._shown is not None)
        reading = view._reading
        assert reading is not None
        early = reading.laid_out is None
        app.query_one("TextView").focus()
        await pilot.press("pagedown")
        await until(pilot, lambda: reading.phase == "done")
        await pilot.pause()
        if early:
            assert view._shown is reading.text
            await pilot.press("r")
        await until(pilot, lambda: view._shown is reading.laid_out)


async def test_a_question_is_withdrawn_when_the_keys_go_elsewhere() -> None:
    app = ResponseApp(exchange(JSON))
    async with app.run_test(size=(80, 24)) as pilot:
        await body(pilot, '"id": 0')
        await pilot.press("s")
        assert "save as received" in screen_text(pilot)
        await pilot.press("tab")
        await until(pilot, lambda: "save as received" not in screen_text(pilot))
        assert app.focused is app.query_one("#field")


async def test_an_answer_that_another_one_replaced_is_not_saved_as_that_one(tmp_path: Path) -> None:
    app = ResponseApp(exchange(b'{"first": 1}'))
    async with app.run_test(size=(80, 24)) as pilot:
        await body(pilot, '"first": 1')
        await pilot.press("s")
        app.view.show(exchange(b'{"second": 2}'), redactor())
        await shown(pilot, '"second": 2')
        await type_text(pilot, str(tmp_path / "saved"))
        await pilot.press("enter")
        await until(pilot, lambda: app.told == ["nothing was saved: there is another answer now"])
        assert names(tmp_path) == []


def test_the_pager_gets_whole_lines_without_what_a_terminal_obeys() -> None:
    data = b"one\x1b[2J\n" + b"x" * (LONGEST + 10) + b"\nlast"
    assert b"".join(lines(TextDocument.of(data), redactor())) == b"one\\x1b[2J\n" + b"x" * (LONGEST + 10) + b"\nlast\n"


@contextmanager
def in_pager(body: bytes, reads: str, home: Path, folder: Path) -> Iterator[TerminalApp]:
    """The body opened in a pager that `reads` by that command, then left."""
    file, pager = folder / "body.json", folder / "less"
    file.write_bytes(body)
    pager.write_text(f"#!/bin/sh\n{reads}\necho the pager was here\nread line < /dev/tty\n")
    pager.chmod(0o755)
    script = Path(__file__).parents[1] / "response_app.py"
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(home), "TERM": "xterm-256color"}
    with TerminalApp([sys.executable, str(script), str(file)], environment=environment | {"LANG": "C.UTF-8"}) as app:
        app.wait_for('"id": 0')
        app.see("tab", "tab")
        app.press("p")
        app.wait_for("the pager was here")
        app.press("enter")
        app.wait_for(lambda screen: "the pager was here" not in screen and '"id": 0' in screen)
        yield app


def test_the_pager_reads_masked_text_from_its_stdin(home: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    with in_pager(JSON, f"cat > {taken}", home, tmp_path) as app:
        app.press("pagedown")
        app.wait_for("20-39 of 1,005")
    assert taken.read_text().count(MASK) == 200
    assert SECRET not in taken.read_text()


def test_the_app_comes_back_from_a_pager_that_was_left_before_it_had_read_all(home: Path, tmp_path: Path) -> None:
    # Short lines: what is written at once stays below what a buffered file would still write when it is closed.
    body = json.dumps({"id": 0, "numbers": [0] * 50_000}).encode()
    with in_pager(body, "head -c 1 > /dev/null", home, tmp_path) as app:
        app.press("pagedown")
        app.wait_for("20-39 of 50,005")


@pytest.mark.parametrize("media", ["text", "image"])
async def test_a_secret_that_a_server_hides_in_its_words_is_not_shown(media: str) -> None:
    one = exchange(b"\x00 no text" if media == "image" else b"text", f"{media}/{SECRET}", truncated=f"no {SECRET}")
    headers = (*one.response.headers, ("Content-Disposition", f'attachment; filename="{SECRET}.txt"'))
    response = structs.replace(one.response, reason=f"Bad {SECRET}", headers=headers, http_version="HTTP/1.1")
    async with ResponseApp(structs.replace(one, response=response)).run_test(size=(160, 24)) as pilot:
        await body(pilot, MASK)
        seen = []
        for key in ("s", "escape", *"]]]]]]"):
            await pilot.press(key)
            seen.append(screen_text(pilot))
    assert "create." in seen[0]
    assert f"200 Bad {MASK}" in seen[0]
    assert f"cut short: no {MASK}" in seen[0]
    assert f"{media}/{MASK}" in seen[1]
    assert [text for text in seen if SECRET in text] == []


async def test_a_long_reason_leaves_room_for_what_else_is_known() -> None:
    one = exchange(b"{}")
    response = structs.replace(one.response, reason="Why " * 500)
    async with ResponseApp(structs.replace(one, response=response)).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "…  124 ms  2 B  HTTP/1.1")


async def test_a_pager_that_is_not_there_is_named() -> None:
    app = ResponseApp(exchange(b"[1]"))
    async with app.run_test() as pilot:
        await body(pilot, "  2   1")
        await pilot.press("p")
        assert app.told == ["this terminal cannot be given to a pager"]


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (999_960, "1.0 MB"), (5e7, "50.0 MB"), (2e9, "2.0 GB")],
)
def test_sizes(size: float, text: str) -> None:
    assert amount(int(size)) == text


@pytest.mark.parametrize(("spent", "text"), [(0.42, "0.4 ms"), (124.2, "124 ms"), (3210, "3.21 s")])
def test_durations(spent: float, text: str) -> None:
    assert duration(spent) == text


@pytest.mark.parametrize(
    ("progress", "seconds", "text"),
    [
        (Progress("preparing"), 1.2, "getting ready…  1 s"),
        (Progress("connecting"), 0.2, "connecting…"),
        (Progress("waiting"), 3.4, "waiting for the answer…  3 s"),
        (Progress("sending", sent=2000), 0.0, "sending…  2.0 kB"),
        (Progress("receiving", received=10), 0.0, "receiving 10 B"),
    ],
)
def test_what_is_going_on(progress: Progress, seconds: float, text: str) -> None:
    assert progress_text(progress, seconds) == text


async def test_a_body_that_was_closed_meanwhile_says_so(tmp_path: Path) -> None:
    app = ResponseApp()
    received = ReceivedBody.of(b"[1]")
    async with app.run_test() as pilot:
        app.view.show(exchange(received), redactor())
        await body(pilot, "  2   1")
        received.close()
        await pilot.press("s")
        await type_text(pilot, str(tmp_path / "x"))
        await pilot.press("enter")
        await until(pilot, lambda: app.told)
        assert app.told[0].endswith("cannot be written: the body is no longer there")
