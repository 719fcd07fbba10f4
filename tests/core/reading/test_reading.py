from __future__ import annotations

import json
import tempfile
import threading

import pytest

from core.errors import HushpostError
from core.exchange import ReceivedBody, Response
from core.reading.filtering import Filter
from core.reading.reading import Reading
from core.reading.rows import TextDocument
from core.redactor import Redactor
from core.secret import MASK, Secret
from tests.patience import PATIENCE_S

SECRET = "s3cr3t/value+of=the vault"


@pytest.fixture
def redactor() -> Redactor:
    redactor = Redactor()
    redactor.add("token", Secret(SECRET))
    redactor.add("pin", Secret("48151623"))
    return redactor


def reading(data: bytes, redactor: Redactor, media: str = "application/json") -> Reading:
    response = Response(200, "OK", "HTTP/1.1", (("Content-Type", media),), ReceivedBody.of(data))
    made = Reading(response, redactor, lambda reading: None)
    made.run()
    assert made.phase == "done"
    return made


def text(document: TextDocument | None) -> str:
    assert document is not None
    return document.read(0, document.size).decode()


def many(count: int) -> bytes:
    return json.dumps([{"id": number, "name": f"user {number}", "token": SECRET} for number in range(count)]).encode()


@pytest.mark.parametrize("count", [3, 40_000], ids=["small", "large"])
def test_json_is_masked_and_laid_out(redactor: Redactor, count: int) -> None:
    made = reading(many(count), redactor)
    masked = [{"id": number, "name": f"user {number}", "token": MASK} for number in range(count)]
    assert text(made.laid_out) == json.dumps(masked, indent=2, ensure_ascii=False)
    assert text(made.text) == json.dumps(masked, ensure_ascii=False)
    assert made.laid_out is not None
    assert made.laid_out.row(3) == b'    "name": "user 0",'


@pytest.mark.parametrize("count", [1, 40_000], ids=["small", "large"])
def test_a_number_that_is_a_secret_is_masked_and_the_rest_laid_out(redactor: Redactor, count: int) -> None:
    made = reading(json.dumps([{"pin": 48151623}] * count).encode(), redactor)
    assert text(made.laid_out).count(f'"pin": "{MASK}"') == count


def test_a_secret_across_pieces_and_in_other_charsets_is_masked(redactor: Redactor) -> None:
    for codec in ("utf-8", "utf-16", "iso8859-15"):
        data = (("é" * 32_760 + SECRET + "…"[: codec == "utf-8"] + "x") * 4).encode(codec)
        made = reading(data, redactor, f"text/plain; charset={codec}")
        assert SECRET not in text(made.text)
        assert text(made.text).count(MASK) == 4
        assert text(made.text).count("é") == 4 * 32_760


def test_bytes_are_masked_before_they_are_shown_in_hex(redactor: Redactor) -> None:
    made = reading(b"\x00\x01" + SECRET.encode() + b"\x02" * 1000, redactor, "application/octet-stream")
    assert made.bytes is not None
    shown = b"\n".join(made.bytes.row(row) for row in range(made.bytes.rows))
    assert SECRET.encode()[:6] not in shown
    assert SECRET.encode()[:6].hex(" ").encode() not in shown
    assert made.bytes.size == 2 + len(MASK.encode()) + 1000


def test_a_byte_order_mark_is_no_text(redactor: Redactor) -> None:
    assert text(reading(b"\xef\xbb\xbf[1]", redactor).laid_out) == "[\n  1\n]"


def test_xml_and_html_are_laid_out_elsewhere_when_large(redactor: Redactor) -> None:
    made = reading(b"<list>" + b"<item><name>x</name></item>" * 10_000 + b"</list>", redactor, "text/xml")
    assert made.laid_out is not None
    assert made.laid_out.rows == 30_002
    assert made.laid_out.row(2) == b"    <name>x</name>"


def test_what_cannot_be_laid_out_says_so_and_can_be_read_as_received(redactor: Redactor) -> None:
    deep = b"[" * 900 + b"1," * 200_000 + b"1" + b"]" * 900
    made = reading(deep, redactor)
    assert made.laid_out is None
    assert made.note == "nested too deep to be laid out"
    assert made.text.size == len(deep)


def test_a_body_that_is_no_text_has_no_layout(redactor: Redactor) -> None:
    assert reading(b"plain words", redactor, "text/plain").laid_out is None


def test_an_empty_body_is_nothing(redactor: Redactor) -> None:
    made = reading(b"", redactor)
    assert (made.text.size, made.text.rows, made.laid_out, made.note) == (0, 0, None, "")


def test_progress_is_told_and_cancelling_ends_it(redactor: Redactor) -> None:
    response = Response(200, "OK", "HTTP/1.1", (), ReceivedBody.of(b'{"a": 1}' * 3_000_000))
    told = threading.Event()
    made = Reading(response, redactor, lambda reading: told.set())
    thread = threading.Thread(target=made.run)
    thread.start()
    assert told.wait(PATIENCE_S)
    assert 0 < made.read <= made.size
    made.close()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert made.read < made.size or made.laid_out is None


def test_a_body_closed_meanwhile_ends_the_reading(redactor: Redactor) -> None:
    body = ReceivedBody.of(b"x" * 100)
    made = Reading(Response(200, "OK", "HTTP/1.1", (), body), redactor, lambda reading: None)
    body.close()
    made.run()
    assert made.text.size == 0


def test_a_path_finds_values_in_a_body_of_any_size(redactor: Redactor) -> None:
    for count in (2, 5000):
        whole = reading(many(count), redactor).text
        ids = Filter(whole, "$[*].id", redactor)
        assert ids.run()
        assert ids.found == count
        assert json.loads(text(ids.result)) == list(range(count))


def test_what_a_path_finds_is_masked(redactor: Redactor) -> None:
    escaped = "".join(f"\\u{ord(character):04x}" for character in SECRET)
    tokens = Filter(TextDocument.of(f'{{"a": "{escaped}", "pin": {MASK}}}'.encode()), "$.*", redactor)
    assert tokens.run()
    assert json.loads(text(tokens.result)) == [MASK, MASK]


def test_a_body_that_had_to_stay_in_memory_is_filtered_all_the_same(
    redactor: Redactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", "/nonexistent")
        whole = reading(many(5000), redactor)
    assert whole.text.spool.file is None
    assert whole.note == "not laid out: no room for a temporary file"
    ids = Filter(whole.text, "$[*].id", redactor)
    assert ids.run()
    assert ids.found == 5000


def test_json_lines_are_filtered_as_a_list(redactor: Redactor) -> None:
    lines = Filter(TextDocument.of(b'{"a": 1}\n{"a": 2}\n'), "$[*].a", redactor)
    assert lines.run()
    assert json.loads(text(lines.result)) == [1, 2]


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        (b"{}", "$[", 'the JSONPath "$[" cannot be used: '),
        (b"{}", "$.a[?nofunction(@.b)]", "cannot be used: "),
        (b"<p>", "$.a", "the body is not JSON, so there is nothing to filter"),
    ],
)
def test_a_path_or_body_that_cannot_be_used_is_named(redactor: Redactor, body: bytes, path: str, message: str) -> None:
    with pytest.raises(HushpostError) as caught:
        Filter(TextDocument.of(body), path, redactor).run()
    assert message in str(caught.value)


def test_a_filter_can_be_cancelled(redactor: Redactor) -> None:
    slow = Filter(TextDocument.of(many(200_000)), "$..[?@.name == 'x']", redactor)
    timer = threading.Timer(0.3, slow.cancel)
    timer.start()
    assert slow.run() is False
    timer.join()
