from __future__ import annotations

from core.history.comparing import MOST_LINES, SAME, compare
from core.redactor import Redactor
from core.secret import MASK, Secret
from tests.kept import made


def changes(text: str) -> list[str]:
    return [line for line in text.splitlines()[2:] if line[:1] in "+-"]


def test_status_headers_and_the_laid_out_body_are_compared_line_by_line() -> None:
    before = made(body=b'{"id": 7, "state": "new"}', headers=(("X-A", "1"),))
    after = made(body=b'{"id": 7, "state": "paid"}', headers=(("X-A", "2"),), status=201, number=1)
    assert changes(compare(before, after, Redactor())) == [
        "-HTTP/1.1 200 OK",
        "+HTTP/1.1 201 OK",
        "-X-A: 1",
        "+X-A: 2",
        '-  "state": "new"',
        '+  "state": "paid"',
    ]


def test_what_is_the_same_is_said_to_be() -> None:
    assert compare(made(), made(number=1), Redactor()) == SAME


def test_secrets_are_masked() -> None:
    redactor = Redactor()
    redactor.add("key", Secret("s3cr3t-value"))
    text = compare(made(body=b'["s3cr3t-value"]'), made(body=b'["other"]'), redactor)
    assert MASK in text
    assert "s3cr3t" not in text


def test_bytes_are_compared_by_their_digest_and_long_bodies_in_part() -> None:
    one, other = (made(body=bytes(range(256)) * n, media="application/octet-stream") for n in (1, 2))
    assert len(changes(compare(one, other, Redactor()))) == 2
    long = [made(body=b"\n".join(b"%d %d" % (n, at) for at in range(50_000)), media="text/plain") for n in (1, 2)]
    text = compare(long[0], long[1], Redactor())
    assert len(text.splitlines()) < 2 * MOST_LINES + 100
    assert "is not compared" in text
