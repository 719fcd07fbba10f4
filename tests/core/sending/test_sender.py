from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import signal
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from core.errors import HostNotAllowed, HushpostError, RequestError
from core.exchange import Exchange, Prepared, Progress, Route, Signature
from core.hosts import Origin
from core.models import (
    ApiKeyAuth,
    AwsSigV4Auth,
    BasicAuth,
    BearerAuth,
    Body,
    ClientCertificate,
    DigestAuth,
    Field,
    FileBody,
    JsonBody,
    MultipartBody,
    NoBody,
    NtlmAuth,
    OAuth1Auth,
    OAuth2Auth,
    Options,
    Part,
    Request,
    TextBody,
)
from core.secret import MASK, Secret
from core.sending import wire
from core.sending.cookies import Cookie, Cookies
from core.sending.leg import Leg
from core.sending.prepare import Defaults
from core.sending.sender import Sender
from tests.desk import Desk, desk
from tests.loopback import Authority, Loopback, LoopbackProxy, Received
from tests.patience import PATIENCE_S, wait_until

__all__ = ["desk"]

LATER_S = 0.05
"""How long an answer of HTTP/2 is waited for at /later."""


def take(seconds: float) -> None:
    """Let so much time go by, by the clock that the client looks at."""
    began = time.monotonic()
    wait_until(lambda: time.monotonic() - began >= seconds)


VALUE = "s3cr3t-Vä/lue+&=%"


def body(exchange: Exchange) -> bytes:
    return exchange.response.body.read()


def everything_shown(exchange: Exchange) -> str:
    return repr((exchange, exchange.shown, exchange.hops, exchange.notes))


async def test_a_request_arrives_as_it_was_written(desk: Desk, server: Loopback) -> None:
    exchange = await desk.send(
        Request(
            method="post",
            url=f"{server.url}/echo",
            headers=(Field("X-One", "1"), Field("X-Off", "2", enabled=False), Field("X-One", "zwölf")),
            query=(Field("q", "a b&c"), Field("off", "x", enabled=False)),
            body=TextBody("grüße"),
        )
    )
    received = server.last
    assert (received.method, received.target) == ("POST", "/echo?q=a%20b%26c")
    assert next(value for name, value in received.headers if name == "X-One") == "1"
    assert "zwölf".encode() in received.raw
    assert received.header("X-Off") is None
    assert received.header("Host") == f"127.0.0.1:{server.port}"
    assert received.header("Content-Length") == str(len("grüße".encode()))
    assert received.body == "grüße".encode()
    assert json.loads(body(exchange))["method"] == "POST"
    assert exchange.response.status == 200
    assert exchange.response.http_version == "HTTP/1.1"
    assert exchange.response.truncated is None


async def test_the_time_is_split(desk: Desk, tls_server: Loopback, authority: Authority) -> None:
    written = threading.Event()
    waited_ms: list[float] = []

    def slow(handler: Any, received: object) -> None:
        # The request may be here before the client notes that it is written, from when on it counts the wait.
        assert written.wait(PATIENCE_S)
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began >= 0.03)
        waited_ms.append((time.monotonic() - began) * 1000)
        handler.answer(200, b"{}")

    def told(progress: Progress) -> None:
        if progress.phase == "waiting":
            written.set()

    tls_server.routes["/slow"] = slow
    request = Request(url=f"{tls_server.url}/slow", options=Options(ca_file=str(authority.ca_file)))
    first = (await desk.send(request, progress=told)).timing
    assert first.connect_ms is not None
    assert first.tls_ms is not None
    assert first.first_byte_ms is not None
    assert first.first_byte_ms > waited_ms[0] >= 30
    assert first.download_ms is not None
    parts = first.connect_ms + first.tls_ms + first.first_byte_ms + first.download_ms
    assert parts <= first.total_ms
    second = (await desk.send(request)).timing
    assert (second.connect_ms, second.tls_ms) == (None, None)


@pytest.mark.parametrize("alone", [False, True])
async def test_one_connection_serves_requests_one_after_the_other(desk: Desk, server: Loopback, alone: bool) -> None:
    desk.sender.alone = alone
    for _ in range(3):
        await desk.send(Request(url=f"{server.url}/echo"))
    assert len({request.connection for request in server.requests}) == 1


@pytest.mark.parametrize("alone", [False, True])
async def test_a_kept_connection_that_the_server_closed_is_replaced(desk: Desk, server: Loopback, alone: bool) -> None:
    desk.sender.alone = alone

    def close_after(handler: object, received: object) -> None:
        handler.answer(200, b"{}")  # type: ignore[attr-defined]
        handler.close_connection = True  # type: ignore[attr-defined]

    server.routes["/close"] = close_after
    for _ in range(3):
        exchange = await desk.send(Request(url=f"{server.url}/close"))
        assert exchange.response.status == 200
        server.wait_for(lambda: server.open_connections == 0)


@pytest.mark.parametrize("alone", [False, True])
async def test_a_kept_connection_that_is_reset_once_it_is_used_is_replaced(desk: Desk, alone: bool) -> None:
    def serve() -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
                connection.recv(65536)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    desk.sender.alone = alone
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        for _ in range(2):
            exchange = await desk.send(Request(url=f"http://127.0.0.1:{listener.getsockname()[1]}/"))
            assert exchange.response.status == 204
        desk.sender.close()
        thread.join(PATIENCE_S)


async def test_a_kept_connection_that_ends_as_it_is_used_again_is_replaced(desk: Desk, server: Loopback) -> None:
    answered: set[int] = set()

    def once(handler: object, received: Received) -> None:
        if received.connection in answered:
            handler.close_connection = True  # type: ignore[attr-defined]
        else:
            answered.add(received.connection)
            handler.answer(200, b"{}")  # type: ignore[attr-defined]

    server.routes["/once"] = once
    for _ in range(3):
        assert (await desk.send(Request(url=f"{server.url}/once"))).response.status == 200
    assert len(server.requests) == 5


async def test_what_comes_behind_an_answer_is_not_taken_for_the_next_one(desk: Desk, server: Loopback) -> None:
    def twice(handler: object, received: Received) -> None:
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
        handler.wfile.write(answer + b"first" + answer + b"other")  # type: ignore[attr-defined]

    server.routes["/twice"] = twice
    first = await desk.send(Request(url=f"{server.url}/twice"))
    assert body(first) == b"first"
    assert first.notes == ("43 bytes came that are no part of the answer",)
    assert body(await desk.send(Request(url=f"{server.url}/status/200"))) == b'{"status": 200}'
    head = await desk.send(Request(method="HEAD", url=f"{server.url}/twice"))
    assert head.response.status == 200
    assert body(await desk.send(Request(url=f"{server.url}/status/201"))) == b'{"status": 201}'


async def test_requests_at_once_have_connections_of_their_own(desk: Desk, server: Loopback) -> None:
    requests = [asyncio.ensure_future(desk.send(Request(url=f"{server.url}/hold"))) for _ in range(5)]
    await asyncio.get_running_loop().run_in_executor(None, server.wait_for, lambda: len(server.requests) == 5)
    server.release()
    assert [exchange.response.status for exchange in await asyncio.gather(*requests)] == [200] * 5


# Secrets on the wire, and in nothing that is shown


async def test_secrets_arrive_everywhere_and_show_nowhere(desk: Desk, server: Loopback) -> None:
    desk.secret("key", VALUE)
    desk.secret("pin", "7")
    exchange = await desk.send(
        Request(
            method="POST",
            url=f"{server.url}/echo?direct={{{{key}}}}",
            headers=(Field("X-Key", "k={{key}};p={{pin}}"),),
            query=(Field("q", "{{key}}"),),
            auth=BasicAuth("bob", "{{key}}"),
            body=JsonBody('{"key": "{{key}}", "pin": "{{pin}}"}'),
        )
    )
    received = server.last
    assert received.query == {"direct": VALUE, "q": VALUE}
    assert f"k={VALUE};p=7".encode() in received.raw
    assert received.header("Authorization") == "Basic " + base64.b64encode(f"bob:{VALUE}".encode()).decode()
    assert json.loads(received.body) == {"key": VALUE, "pin": "7"}
    shown = everything_shown(exchange)
    for form in (VALUE, quote(VALUE, safe=""), base64.b64encode(VALUE.encode()).decode()[:8]):
        assert form not in shown
    headers = dict(exchange.shown.headers)
    assert headers["X-Key"] == "k={{key}};p={{pin}}"
    assert headers["Authorization"] == "Basic base64(bob:{{key}})"
    assert exchange.shown.body == '{"key": "{{key}}", "pin": "{{pin}}"}'
    assert exchange.shown.url.endswith("/echo?direct={{key}}&q={{key}}")
    assert exchange.secrets_used == ("key", "pin")


async def test_a_secret_in_plain_text_is_masked_too(desk: Desk, server: Loopback) -> None:
    desk.secret("key", VALUE)
    exchange = await desk.send(Request(url=f"{server.url}/echo", headers=(Field("X-Typed", "abc-s3cr3t-value"),)))
    assert "abc-s3cr3t-value" in everything_shown(exchange)
    desk.secret("typed", "abc-s3cr3t-value")
    exchange = await desk.send(Request(url=f"{server.url}/echo", headers=(Field("X-Typed", "abc-s3cr3t-value"),)))
    assert "abc-s3cr3t-value" not in everything_shown(exchange)


async def test_libraries_log_nothing(desk: Desk, server: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    desk.secret("key", VALUE)
    await desk.send(Request(url=f"{server.url}/echo", headers=(Field("X-Key", "{{key}}"),)))
    assert [record for record in caplog.records if record.name.startswith(("httpcore", "httpx", "hpack"))] == []


# Consent


async def test_each_secret_asks_for_the_resolved_host(desk: Desk, server: Loopback) -> None:
    desk.plain(base=server.url)
    desk.secret("key", VALUE)
    await desk.send(Request(url="{{base}}/echo", headers=(Field("X-Key", "{{key}}"),)))
    assert desk.asked == [("key", server.url)]


@pytest.mark.parametrize(
    "place",
    [
        {"headers": (Field("X-Key", "{{key}}"),)},
        {"headers": (Field("X-{{key}}", "1"),)},
        {"query": (Field("k", "{{key}}"),)},
        {"path_params": {"id": "{{key}}"}},
        {"body": TextBody("{{key}}")},
        {"body": MultipartBody((Part("p", "{{key}}"),))},
        {"auth": BearerAuth("{{key}}")},
        {"auth": DigestAuth("bob", "{{key}}")},
        {"auth": ApiKeyAuth("k", "{{key}}", "query")},
        {"auth": AwsSigV4Auth(secret_key="{{key}}")},
        {"auth": OAuth1Auth("k", "{{key}}")},
        {"auth": NtlmAuth("bob", "{{key}}")},
        {"auth": OAuth2Auth(client_secret="{{key}}", token_url="http://127.0.0.1:1/token")},
    ],
    ids=lambda place: next(iter(place)),
)
async def test_nothing_is_sent_without_approval(desk: Desk, server: Loopback, place: dict[str, object]) -> None:
    desk.secret("key", "s3cr3t")
    desk.refused = lambda need: True
    with pytest.raises(HostNotAllowed) as caught:
        await desk.send(Request(**{"url": f"{server.url}/echo/:id", "path_params": {"id": "1"}, **place}))  # type: ignore[arg-type]
    assert caught.value.missing == (server.url,)
    assert (caught.value.variable, caught.value.kind) == ("key", "host-not-allowed")
    assert server.requests == []


async def test_a_secret_in_the_host_is_not_even_looked_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.secret("tenant", "hidden-tenant")
    desk.refused = lambda need: True

    def look_up(*args: object, **options: object) -> None:
        raise AssertionError("the name was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(HostNotAllowed) as caught:
        await desk.send(Request(url="https://{{tenant}}.example.com/"))
    assert "hidden-tenant" not in str(caught.value)
    assert "hidden-tenant" not in caught.value.host


async def test_allowed_hosts_forbid_what_no_approval_cures(desk: Desk, server: Loopback) -> None:
    desk.secret("key", VALUE, allowed_hosts=("api.example.com", "*.example.org"))
    with pytest.raises(HostNotAllowed) as caught:
        await desk.send(Request(url=f"{server.url}/echo", headers=(Field("X", "{{key}}"),)))
    assert caught.value.missing == ()
    assert "api.example.com, *.example.org" in str(caught.value)
    assert VALUE not in str(caught.value)
    assert desk.asked == []
    assert server.requests == []


async def test_allowed_hosts_still_need_approval(desk: Desk, server: Loopback) -> None:
    desk.secret("key", VALUE, allowed_hosts=("127.0.0.1",))
    await desk.send(Request(url=f"{server.url}/echo", headers=(Field("X", "{{key}}"),)))
    assert desk.asked == [("key", server.url)]


async def test_who_a_host_header_names_needs_approval_too(desk: Desk, server: Loopback) -> None:
    desk.secret("key", VALUE)
    desk.refused = lambda need: "attacker" in need
    request = Request(url=f"{server.url}/echo", headers=(Field("host", "Attacker.example:81"), Field("X", "{{key}}")))
    with pytest.raises(HostNotAllowed) as caught:
        await desk.send(request)
    assert caught.value.missing == ("http://attacker.example:81",)
    assert caught.value.host == "http://attacker.example:81"
    assert server.requests == []
    desk.refused = lambda need: False
    await desk.send(request)
    assert server.last.header("Host") == "Attacker.example:81"
    assert [need for _, need in desk.asked] == [server.url, "http://attacker.example:81"] * 2


async def test_allowed_hosts_count_for_a_host_header(desk: Desk, server: Loopback) -> None:
    desk.secret("key", VALUE, allowed_hosts=("127.0.0.1",))
    with pytest.raises(HostNotAllowed, match=r'"http://attacker\.example"'):
        await desk.send(
            Request(url=f"{server.url}/echo", headers=(Field("Host", "attacker.example"), Field("X", "{{key}}")))
        )
    assert server.requests == []


@pytest.mark.parametrize("host", ["a@b.example", "{netloc}/x", "x@{netloc}", "a b", "", "[::1"])
async def test_a_host_header_that_names_no_host_gets_no_secret(desk: Desk, server: Loopback, host: str) -> None:
    desk.secret("key", VALUE)
    host = host.replace("{netloc}", server.url.removeprefix("http://"))
    with pytest.raises(RequestError) as caught:
        await desk.send(Request(url=f"{server.url}/echo", headers=(Field("Host", host), Field("X", "{{key}}"))))
    assert caught.value.kind == "request"
    assert server.requests == []


async def test_without_a_secret_a_host_header_is_anyones(desk: Desk, server: Loopback) -> None:
    await desk.send(Request(url=f"{server.url}/echo", headers=(Field("Host", "other.example"),)))
    assert server.last.header("Host") == "other.example"
    assert desk.asked == []


async def test_what_the_route_weakens_is_part_of_the_approval(
    desk: Desk, tls_server: Loopback, authority: Authority, http_proxy: LoopbackProxy
) -> None:
    desk.secret("key", VALUE)
    desk.folder.joinpath("ca.pem").write_bytes(authority.ca_file.read_bytes())
    request = Request(
        url=f"{tls_server.url}/echo",
        headers=(Field("X", "{{key}}"),),
        options=Options(verify_tls=False, ca_file="ca.pem", proxy=http_proxy.url),
    )
    await desk.send(request)
    [(_, need)] = desk.asked
    insecure, ca, fingerprint, proxy, address, origin = need.split(" ")
    assert (insecure, ca, proxy, address, origin) == ("insecure", "ca", "proxy", http_proxy.url, tls_server.url)
    assert fingerprint.startswith("ca.pem:")
    desk.folder.joinpath("ca.pem").write_bytes(b"\n" + authority.ca_file.read_bytes())
    await desk.send(request)
    assert desk.asked[1] != desk.asked[0], "another file under the same name is another approval"


async def test_a_secret_in_the_proxy_needs_approval_for_the_proxy(
    desk: Desk, server: Loopback, http_proxy: LoopbackProxy
) -> None:
    desk.secret("proxy_password", "pr0xy-p/ss")
    http_proxy.credentials = "bob:pr0xy-p/ss"
    address = http_proxy.url.replace("http://", "http://bob:{{proxy_password}}@")
    with pytest.raises(RequestError):
        await desk.send(Request(url=f"{server.url}/echo", options=Options(proxy=address)))
    desk.secret("proxy_password", "pr0xy-p%2Fss")
    exchange = await desk.send(Request(url=f"{server.url}/echo", options=Options(proxy=address)))
    assert exchange.response.status == 200
    assert ("proxy_password", http_proxy.url) in desk.asked
    assert exchange.secrets_used == ("proxy_password",)


# Redirects


async def test_redirects_are_followed_and_shown(desk: Desk, server: Loopback) -> None:
    exchange = await desk.send(Request(url=f"{server.url}/redirect?to=/redirect%3Fto%3D/echo"))
    assert exchange.response.status == 200
    assert [hop.status for hop in exchange.hops] == [302, 302]
    assert [hop.location for hop in exchange.hops][-1] == f"{server.url}/echo"
    assert [request.path for request in server.requests] == ["/redirect", "/redirect", "/echo"]


async def test_redirects_are_not_followed_where_the_request_says_so(desk: Desk, server: Loopback) -> None:
    request = Request(url=f"{server.url}/redirect?to=/echo", options=Options(follow_redirects=False))
    exchange = await desk.send(request)
    assert (exchange.response.status, exchange.hops) == (302, ())


async def test_too_many_redirects(desk: Desk, server: Loopback) -> None:
    server.routes["/loop"] = lambda handler, received: handler.answer(302, headers=(("Location", "/loop"),))
    with pytest.raises(RequestError, match="more than 3 times"):
        await desk.send(Request(url=f"{server.url}/loop", options=Options(max_redirects=3)))
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("status", "method", "then", "keeps_body"),
    [
        (301, "POST", "GET", False),
        (302, "POST", "GET", False),
        (303, "PUT", "GET", False),
        (303, "HEAD", "HEAD", True),
        (302, "PUT", "PUT", True),
        (307, "POST", "POST", True),
        (308, "DELETE", "DELETE", True),
    ],
)
async def test_methods_change_as_in_browsers(
    desk: Desk, server: Loopback, status: int, method: str, then: str, keeps_body: bool
) -> None:
    url = f"{server.url}/redirect?status={status}&to=/echo"
    await desk.send(Request(method=method, url=url, body=JsonBody('{"a": 1}')))
    assert server.last.method == then
    assert server.last.body == (b'{"a": 1}' if keeps_body else b"")
    assert (server.last.header("Content-Type") == "application/json") is keeps_body
    assert (server.last.header("Content-Length") == "8") is keeps_body


async def test_a_streamed_body_is_repeated_whole(desk: Desk, server: Loopback) -> None:
    content = b"0123456789" * 20_000
    desk.folder.joinpath("big.bin").write_bytes(content)
    url = f"{server.url}/redirect?status=307&to=/echo"
    await desk.send(Request(method="PUT", url=url, body=FileBody("big.bin")))
    assert [request.body for request in server.requests] == [content, content]


async def test_another_origin_gets_no_secret_in_any_form(desk: Desk, server: Loopback, other_server: Loopback) -> None:
    desk.secret("key", VALUE)
    desk.secret("pin", "7")
    encoded = base64.b64encode(VALUE.encode()).decode()
    exchange = await desk.send(
        Request(
            url=f"{server.url}/redirect?to={quote(other_server.url)}/echo",
            headers=(
                Field("X-Key", "{{key}}"),
                Field("X-Pin", "{{pin}}"),
                Field("X-Encoded", encoded),
                Field("X-Plain", "stays"),
                Field("Cookie", "a=b"),
                Field("Proxy-Authorization", "x"),
            ),
            auth=BearerAuth("a-token-typed-in-the-file"),
        )
    )
    assert server.last.header("X-Key") is not None
    assert server.last.header("X-Pin") == "7"
    [received] = other_server.requests
    for name in ("X-Key", "X-Pin", "X-Encoded", "Cookie", "Proxy-Authorization", "Authorization"):
        assert received.header(name) is None, name
    assert received.header("X-Plain") == "stays"
    assert received.header("Host") == f"127.0.0.1:{other_server.port}"
    [hop] = exchange.hops
    assert {name.lower() for name in hop.dropped} >= {"x-key", "x-pin", "x-encoded", "authorization", "cookie"}
    assert desk.redactor.names_in(other_server.raw()) == frozenset()


async def test_an_api_key_header_stays_behind(desk: Desk, server: Loopback, other_server: Loopback) -> None:
    url = f"{server.url}/redirect?to={quote(other_server.url)}/echo"
    await desk.send(Request(url=url, auth=ApiKeyAuth("X-Api-Key", "typed in the file")))
    assert server.last.header("X-Api-Key") == "typed in the file"
    assert other_server.last.header("X-Api-Key") is None


async def test_the_same_origin_keeps_everything(desk: Desk, server: Loopback) -> None:
    desk.secret("key", VALUE)
    request = Request(url=f"{server.url}/redirect?to=/echo", headers=(Field("X-Key", "{{key}}"),), auth=BearerAuth("t"))
    exchange = await desk.send(request)
    assert server.last.header("Authorization") == "Bearer t"
    assert server.last.header("X-Key") is not None
    assert exchange.hops[0].dropped == ()


@pytest.mark.parametrize("other_name", ["localhost", "scheme"])
async def test_another_name_or_scheme_of_the_same_server_is_another_origin(
    desk: Desk, server: Loopback, tls_server: Loopback, authority: Authority, other_name: str
) -> None:
    target = server.local_url if other_name == "localhost" else server.url
    start = server.url if other_name == "localhost" else tls_server.url
    request = Request(
        url=f"{start}/redirect?to={quote(target)}/echo",
        auth=BearerAuth("t"),
        options=Options(ca_file=str(authority.ca_file)),
    )
    await desk.send(request)
    assert server.last.path == "/echo"
    assert server.last.header("Authorization") is None


async def test_a_repeated_body_with_a_secret_stops_at_a_host_that_is_not_allowed(
    desk: Desk, server: Loopback, other_server: Loopback
) -> None:
    desk.secret("key", VALUE)
    desk.refused = lambda need: need == other_server.url
    url = f"{server.url}/redirect?status=307&to={quote(other_server.url)}/echo"
    with pytest.raises(HostNotAllowed) as caught:
        await desk.send(Request(method="POST", url=url, body=JsonBody('{"k": "{{key}}"}')))
    assert caught.value.kind == "redirect-refused"
    assert caught.value.missing == (other_server.url,)
    assert server.url in str(caught.value)
    assert other_server.url in str(caught.value)
    assert other_server.requests == []
    desk.refused = lambda need: False
    await desk.send(Request(method="POST", url=url, body=JsonBody('{"k": "{{key}}"}')))
    assert json.loads(other_server.last.body) == {"k": VALUE}


async def test_a_body_that_is_not_repeated_needs_no_approval(
    desk: Desk, server: Loopback, other_server: Loopback
) -> None:
    desk.secret("key", VALUE)
    desk.refused = lambda need: need == other_server.url
    url = f"{server.url}/redirect?status=303&to={quote(other_server.url)}/echo"
    await desk.send(Request(method="POST", url=url, body=JsonBody('{"k": "{{key}}"}')))
    assert other_server.last.body == b""


@pytest.mark.parametrize("encode", [str, lambda text: quote(quote(text, safe="")), lambda text: text.encode().hex()])
async def test_a_secret_in_the_new_url_stops_at_a_host_that_is_not_allowed(
    desk: Desk, server: Loopback, other_server: Loopback, encode: object
) -> None:
    value = "s3cr3t-value"
    desk.secret("key", value)
    desk.refused = lambda need: need == other_server.url
    location = f"{other_server.url}/echo?leak={encode(value)}"  # type: ignore[operator]
    server.routes["/leak"] = lambda handler, received: handler.answer(302, headers=(("Location", location),))
    with pytest.raises(HostNotAllowed) as caught:
        await desk.send(Request(url=f"{server.url}/leak", headers=(Field("X", "{{key}}"),)))
    assert caught.value.kind == "redirect-refused"
    assert value not in str(caught.value)
    assert other_server.requests == []


@pytest.mark.parametrize(
    "target",
    ["file:///etc/passwd", "ftp://127.0.0.1/x", "javascript:alert(1)", "http://[::1", "https://\\\\evil"],
)
async def test_a_redirect_to_anything_but_http_is_refused(desk: Desk, server: Loopback, target: str) -> None:
    server.routes["/away"] = lambda handler, received: handler.answer(302, headers=(("Location", target),))
    with pytest.raises(RequestError) as caught:
        await desk.send(Request(url=f"{server.url}/away"))
    assert caught.value.kind == "redirect-refused"


async def test_user_information_in_a_redirect_is_not_used(desk: Desk, server: Loopback, other_server: Loopback) -> None:
    target = other_server.url.replace("http://", "http://user:password@") + "/echo"
    server.routes["/away"] = lambda handler, received: handler.answer(302, headers=(("Location", target),))
    exchange = await desk.send(Request(url=f"{server.url}/away"))
    assert other_server.last.header("Authorization") is None
    assert "password" not in exchange.hops[0].location


# Auth that needs a step


async def test_digest(desk: Desk, server: Loopback) -> None:
    desk.secret("password", "p/w-secret")
    url = f"{server.url}/digest?user=bob&password=p/w-secret"
    exchange = await desk.send(Request(url=url, auth=DigestAuth("bob", "{{password}}")))
    assert exchange.response.status == 200
    assert len(server.requests) == 2
    assert dict(exchange.shown.headers)["Authorization"] == "Digest ••••••"
    wrong = await desk.send(Request(url=url.replace("bob", "eve"), auth=DigestAuth("bob", "{{password}}")))
    assert wrong.response.status == 401
    assert len(server.requests) == 4, "a refused answer is not tried again"


async def test_digest_of_a_realm_that_is_no_ascii(desk: Desk, server: Loopback) -> None:
    challenge = 'HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm="Bücher", nonce="n"\r\nContent-Length: 0\r\n\r\n'

    def guard(handler: object, received: Received) -> None:
        if received.header("Authorization") is None:
            handler.wfile.write(challenge.encode())  # type: ignore[attr-defined]
        else:
            handler.answer(200, b"{}")  # type: ignore[attr-defined]

    server.routes["/guarded"] = guard
    exchange = await desk.send(Request(url=f"{server.url}/guarded", auth=DigestAuth("bob", "pass")))
    assert exchange.response.status == 200
    assert 'realm="Bücher"'.encode() in server.last.raw


@pytest.mark.parametrize(
    "challenge", ["Digest", "Digest nonce", 'Digest realm=, nonce="n"', "Digest realm=a, nonce=b, qop=c"]
)
async def test_a_digest_challenge_that_makes_no_sense_leaves_the_answer(
    desk: Desk, server: Loopback, challenge: str
) -> None:
    def refuse(handler: object, received: Received) -> None:
        handler.answer(401, b"{}", (("WWW-Authenticate", challenge),))  # type: ignore[attr-defined]

    server.routes["/refused"] = refuse
    exchange = await desk.send(Request(url=f"{server.url}/refused", auth=DigestAuth("bob", "pass")))
    assert (exchange.response.status, len(server.requests)) == (401, 1)


async def test_oauth2_uses_the_token_that_it_is_given(desk: Desk, server: Loopback, other_server: Loopback) -> None:
    desk.secret("client_secret", "cl13nt-s3cr3t")
    asked: list[OAuth2Auth] = []

    async def token(auth: OAuth2Auth, refused: Secret | None) -> Secret:
        asked.append(auth)
        return Secret("t0k3n-value")

    auth = OAuth2Auth(token_url=f"{other_server.url}/token", client_id="me", client_secret="{{client_secret}}")
    exchange = await desk.send(Request(url=f"{server.url}/token?accept=t0k3n-value", auth=auth), token=token)
    assert exchange.response.status == 200
    assert asked[0].client_secret == "cl13nt-s3cr3t"
    assert ("client_secret", other_server.url) in desk.asked
    assert ("client_secret", server.url) in desk.asked, "the token goes to a host that the user approved"
    assert "t0k3n-value" not in everything_shown(exchange)
    assert desk.redactor.redact("t0k3n-value") == "••••••"


async def test_a_token_server_that_is_not_allowed_is_not_asked(desk: Desk, server: Loopback) -> None:
    desk.secret("client_secret", "cl13nt-s3cr3t", allowed_hosts=("login.example.com",))

    async def token(auth: OAuth2Auth, refused: Secret | None) -> Secret:
        raise AssertionError("asked")

    auth = OAuth2Auth(token_url=f"{server.url}/token", client_secret="{{client_secret}}")
    with pytest.raises(HostNotAllowed):
        await desk.send(Request(url=f"{server.url}/echo", auth=auth), token=token)


async def test_sigv4_signs_each_hop_of_its_own_origin(desk: Desk, server: Loopback, other_server: Loopback) -> None:
    signed: list[str] = []

    async def sign(hop: Prepared) -> Signature:
        signed.append(hop.url)
        authorization = f"AWS4-HMAC-SHA256 Signature={len(signed)}"
        return Signature((("Authorization", authorization), ("X-Amz-Security-Token", "session")))

    url = f"{server.url}/redirect?to=/redirect%3Fto%3D{quote(quote(other_server.url))}/echo"
    auth = AwsSigV4Auth(service="s3", region="eu-west-1", credential="aws-dev")
    exchange = await desk.send(Request(url=url, auth=auth), sign=sign)
    assert len(signed) == 2
    assert server.last.header("Authorization") == "AWS4-HMAC-SHA256 Signature=2"
    assert other_server.last.header("Authorization") is None
    assert desk.asked[0] == ("aws_sigv4", server.url)
    assert "Signature" not in everything_shown(exchange)
    assert "session" not in dict(exchange.shown.headers)["X-Amz-Security-Token"]


@pytest.mark.parametrize("auth", [OAuth2Auth(token_url="http://127.0.0.1:1/t"), AwsSigV4Auth(), OAuth1Auth("key")])
async def test_a_step_that_nobody_can_take_is_an_error(desk: Desk, server: Loopback, auth: object) -> None:
    with pytest.raises(RequestError, match="not available here"):
        await desk.send(Request(url=f"{server.url}/echo", auth=auth))  # type: ignore[arg-type]
    assert server.requests == []


# 401 and a secret that changed


def rotating(desk: Desk, request: Request, values: Sequence[str]) -> tuple[list[tuple[str, ...]], object]:
    calls: list[tuple[str, ...]] = []

    async def refetch(names: Sequence[str]) -> Prepared | None:
        calls.append(tuple(names))
        new = Secret(values[len(calls) - 1])
        if new == desk.secrets["key"]:
            return None
        desk.secrets["key"] = new
        desk.redactor.add("key", new)
        return desk.prepared(request)

    return calls, refetch


async def test_a_401_fetches_the_secret_anew_and_sends_once_more(desk: Desk, server: Loopback) -> None:
    desk.secret("key", "old-value", refetch_on_401=True)
    request = Request(url=f"{server.url}/token?accept=new-value", auth=BearerAuth("{{key}}"))
    calls, refetch = rotating(desk, request, ["new-value"])
    exchange = await desk.send(request, refetch=refetch)
    assert exchange.response.status == 200
    assert calls == [("key",)]
    assert any('"key"' in note for note in exchange.notes)
    assert [given.header("Authorization") for given in server.requests] == ["Bearer old-value", "Bearer new-value"]


async def test_a_401_is_final_where_the_value_did_not_change(desk: Desk, server: Loopback) -> None:
    desk.secret("key", "old-value", refetch_on_401=True)
    request = Request(url=f"{server.url}/token?accept=new-value", auth=BearerAuth("{{key}}"))
    calls, refetch = rotating(desk, request, ["old-value"])
    assert (await desk.send(request, refetch=refetch)).response.status == 401
    assert (len(calls), len(server.requests)) == (1, 1)


async def test_a_401_is_tried_again_only_once(desk: Desk, server: Loopback) -> None:
    desk.secret("key", "old-value", refetch_on_401=True)
    request = Request(url=f"{server.url}/status/401", auth=BearerAuth("{{key}}"))
    calls, refetch = rotating(desk, request, ["second", "third"])
    assert (await desk.send(request, refetch=refetch)).response.status == 401
    assert (len(calls), len(server.requests)) == (1, 2)


@pytest.mark.parametrize(("method", "unsafe", "times"), [("POST", False, 1), ("POST", True, 2), ("DELETE", False, 2)])
async def test_only_safe_methods_are_repeated(
    desk: Desk, server: Loopback, method: str, unsafe: bool, times: int
) -> None:
    desk.secret("key", "old-value", refetch_on_401=True)
    options = Options(retry_unsafe=unsafe)
    request = Request(method=method, url=f"{server.url}/status/401", auth=BearerAuth("{{key}}"), options=options)
    _, refetch = rotating(desk, request, ["new-value"])
    await desk.send(request, refetch=refetch)
    assert len(server.requests) == times


async def test_variables_without_the_flag_are_not_fetched_anew(desk: Desk, server: Loopback) -> None:
    desk.secret("key", "old-value")
    request = Request(url=f"{server.url}/status/401", auth=BearerAuth("{{key}}"))
    calls, refetch = rotating(desk, request, ["new-value"])
    await desk.send(request, refetch=refetch)
    assert calls == []


# Cookies


async def test_cookies_are_kept_and_sent_back(desk: Desk, server: Loopback) -> None:
    jar = Cookies()
    await desk.send(Request(url=f"{server.url}/set-cookie?sid=abc"), cookies=jar)
    exchange = await desk.send(Request(url=f"{server.url}/echo", headers=(Field("Cookie", "own=1"),)), cookies=jar)
    assert server.last.header("Cookie") == "own=1; sid=abc"
    assert dict(exchange.shown.headers)["Cookie"] == f"own=1; sid={MASK}"
    await desk.send(Request(url=f"{server.url}/echo", options=Options(send_cookies=False)), cookies=jar)
    assert server.last.header("Cookie") is None


async def test_cookies_are_not_kept_where_the_request_says_so(desk: Desk, server: Loopback) -> None:
    jar = Cookies()
    await desk.send(Request(url=f"{server.url}/set-cookie?sid=abc", options=Options(store_cookies=False)), cookies=jar)
    assert len(jar) == 0


async def test_a_cookie_set_on_the_way_is_sent_at_the_next_hop(desk: Desk, server: Loopback) -> None:
    def log_in(handler: object, received: object) -> None:
        handler.answer(302, headers=(("Location", "/echo"), ("Set-Cookie", "sid=abc")))  # type: ignore[attr-defined]

    server.routes["/login"] = log_in
    await desk.send(Request(url=f"{server.url}/login"), cookies=Cookies())
    assert server.last.header("Cookie") == "sid=abc"


async def test_a_refused_cookie_is_noted(desk: Desk, server: Loopback) -> None:
    jar = Cookies()
    exchange = await desk.send(
        Request(url=f"{server.url}/set-cookie?sid=abc&_attributes=;%20Domain%3Dexample.com"), cookies=jar
    )
    assert len(jar) == 0
    assert any('"sid"' in note for note in exchange.notes)


async def test_a_cookie_with_a_secret_goes_to_approved_hosts_only(
    desk: Desk, server: Loopback, other_server: Loopback
) -> None:
    desk.secret("key", "s3cr3t-value")
    desk.refused = lambda need: need == server.local_url
    jar = Cookies()
    jar.put(Cookie("echoed", "s3cr3t-value", "localhost"))
    url = f"{other_server.url}/redirect?to={quote(server.local_url)}/echo"
    exchange = await desk.send(Request(url=url, headers=(Field("X", "{{key}}"),)), cookies=jar)
    assert server.last.header("Cookie") is None
    assert any("cookies that hold a secret" in note for note in exchange.notes)


# Bodies that come in


async def test_compressed_bodies_are_decoded(desk: Desk, server: Loopback) -> None:
    for name in ("gzip", "deflate"):
        exchange = await desk.send(Request(url=f"{server.url}/{name}"))
        assert json.loads(body(exchange)) == {"compressed": name}


async def test_a_big_body_is_spooled_to_a_file_without_a_name(desk: Desk, server: Loopback) -> None:
    exchange = await desk.send(Request(url=f"{server.url}/bytes/3000000"))
    received = exchange.response.body
    assert received.size == 3_000_000
    assert received.read(2_999_990) == b"6789abcdef"
    name = received._file.name
    assert isinstance(name, int), "an unlinked file has a descriptor for a name"


@pytest.mark.parametrize("route", ["truncate", "reset"])
async def test_a_body_that_breaks_off_is_kept_and_flagged(desk: Desk, server: Loopback, route: str) -> None:
    exchange = await desk.send(Request(url=f"{server.url}/{route}"))
    assert body(exchange) == b"only this"
    assert exchange.response.truncated == "the connection broke after 9 of 1,000 bytes"


@pytest.mark.parametrize("body", [NoBody(), JsonBody(text="[1]")])
async def test_the_answer_is_waited_for_once_the_request_is_written(desk: Desk, server: Loopback, body: Body) -> None:
    told: list[Progress] = []
    await desk.send(Request(method="POST", url=f"{server.url}/echo", body=body), progress=told.append)
    assert [progress.phase for progress in told[:3]] == ["connecting", "waiting", "receiving"]


async def test_progress_is_told(desk: Desk, server: Loopback) -> None:
    told: list[Progress] = []
    await desk.send(Request(url=f"{server.url}/bytes/100000"), progress=told.append)
    assert told[0].phase == "connecting"
    assert any(each.phase == "receiving" and each.total == 100_000 for each in told)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"Content-Length: five", "it sent a Content-Length that is no length"),
        (b"Content-Length: 5\r\nContent-Length: 6", "it sent two lengths in Content-Length"),
        (b"Transfer-Encoding: gzip, chunked", "it sent a Transfer-Encoding other than chunked"),
        (b"a line with bad Content-Length", "it sent a line among the headers that is no header"),
        (b"X: " + b"x" * 200_000, "it sent more than 100 kB of headers"),
    ],
)
async def test_what_is_wrong_with_an_answer_is_said(desk: Desk, server: Loopback, head: bytes, said: str) -> None:
    def answer(handler: object, received: Received) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n")  # type: ignore[attr-defined]

    server.routes["/odd"] = answer
    with pytest.raises(RequestError) as caught:
        await desk.send(Request(url=f"{server.url}/odd"))
    assert caught.value.kind == "protocol"
    assert str(caught.value).endswith(f"did not answer in HTTP: {said}")


async def test_a_reason_in_utf8_is_read(desk: Desk, server: Loopback) -> None:
    def answer(handler: object, received: Received) -> None:
        handler.wfile.write("HTTP/1.1 200 Schön\r\nContent-Length: 0\r\n\r\n".encode())  # type: ignore[attr-defined]

    server.routes["/reason"] = answer
    assert (await desk.send(Request(url=f"{server.url}/reason"))).response.reason == "Schön"


async def test_a_body_that_has_begun_can_be_stopped_and_stays(desk: Desk, server: Loopback) -> None:
    def enough(progress: Progress) -> None:
        if progress.received and progress.stop is not None:
            progress.stop()

    exchange = await desk.send(Request(url=f"{server.url}/stream"), progress=enough)
    assert (exchange.response.status, exchange.response.truncated) == (200, "it was stopped")
    assert not exchange.response.late
    assert body(exchange)[:1] == b"s"
    await asyncio.get_running_loop().run_in_executor(None, server.wait_for, lambda: server.open_connections == 0)


async def test_stopping_too_late_leaves_the_connection_to_the_next_request(desk: Desk, server: Loopback) -> None:
    told: list[Progress] = []
    for _ in range(2):
        await desk.send(Request(url=f"{server.url}/bytes/10"), progress=told.append)
        assert told[-1].stop is not None
        told[-1].stop()
    assert len({request.connection for request in server.requests}) == 1


# Giving up


async def test_the_time_limit_is_for_the_whole_exchange(desk: Desk, server: Loopback) -> None:
    exchange = await desk.send(Request(url=f"{server.url}/stream", options=Options(timeout=1.0)))
    assert (exchange.response.status, exchange.response.late) == (200, True)
    assert exchange.response.truncated == "it had not ended after 1 s"
    assert body(exchange)[:1] == b"s"
    await asyncio.get_running_loop().run_in_executor(None, server.wait_for, lambda: server.open_connections == 0)


async def test_the_time_limit_holds_in_a_body_that_ends_with_its_connection(desk: Desk, server: Loopback) -> None:
    def drip(handler: object, received: Received) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\nfirst")  # type: ignore[attr-defined]
        server._released.wait(60)

    server.routes["/drip"] = drip
    exchange = await desk.send(Request(url=f"{server.url}/drip", options=Options(timeout=1.0)))
    server.release()
    assert body(exchange) == b"first"
    assert exchange.response.truncated == "it had not ended after 1 s"


async def test_the_time_limit_holds_while_nothing_comes(desk: Desk, server: Loopback) -> None:
    with pytest.raises(RequestError) as caught:
        await desk.send(Request(url=f"{server.url}/hold", options=Options(timeout=0.1)))
    assert caught.value.kind == "timeout"


@pytest.mark.parametrize("path", ["stream", "hold"])
async def test_the_time_limit_holds_in_the_calling_thread(desk: Desk, server: Loopback, path: str) -> None:
    desk.sender.alone = True
    await desk.send(Request(url=f"{server.url}/echo"))
    try:
        late = (await desk.send(Request(url=f"{server.url}/{path}", options=Options(timeout=0.1)))).response.late
    except RequestError as error:
        late = error.kind == "timeout"
    assert late
    assert (await desk.send(Request(url=f"{server.url}/echo"))).response.status == 200


async def test_the_time_limit_holds_while_a_name_is_looked_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def look_up(*args: object, **options: object) -> None:
        answered.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(RequestError) as caught:
        await desk.send(Request(url="http://slow.example/", options=Options(timeout=0.05)))
    answered.set()
    assert caught.value.kind == "timeout"
    assert "could not be reached within 0.05 s" in str(caught.value)


async def test_a_body_that_a_server_is_slow_to_take_is_not_sent_in_the_calling_thread(desk: Desk) -> None:
    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            given_up.wait(PATIENCE_S)

    desk.sender.alone = True
    given_up = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        await desk.send(Request(url=url))
        large = Request(method="POST", url=url, body=TextBody("x" * 20_000_000), options=Options(timeout=1.0))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(desk.send(large), 0.01)
        with pytest.raises(RequestError) as caught:
            await desk.send(large)
        given_up.set()
        thread.join(PATIENCE_S)
    # The second one was on a connection that nobody accepted.
    assert str(caught.value) == f'"{url[:-1]}" did not take the whole request within 1 s'


async def test_half_a_body_that_ends_with_its_connection_is_not_whole_where_it_is_interrupted(
    desk: Desk, server: Loopback
) -> None:
    def half(handler: object, received: Received) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\nhalf")  # type: ignore[attr-defined]
        server._released.wait(60)

    begun = threading.Event()

    def keep(status: int, headers: object) -> bool:
        begun.set()
        return True

    def interrupt() -> None:
        begun.wait(PATIENCE_S)
        os.kill(os.getpid(), signal.SIGUSR1)

    def leg(path: str) -> Leg:
        url, deadline = f"{server.url}{path}", time.monotonic() + PATIENCE_S
        origin = Origin.of(url)
        return Leg("GET", url, (("Host", str(origin)),), None, Route(), origin, "it", deadline, PATIENCE_S)

    server.routes["/half"] = half
    carrier = desk.sender.wire
    await carrier.carry(leg("/echo"), lambda *_: True, here=True)
    before = signal.signal(signal.SIGUSR1, lambda *_: carrier.interrupt())
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(RequestError) as caught:
            await carrier.carry(leg("/half"), keep, here=True)
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)
        server.release()
    assert caught.value.kind == "cancelled"


async def test_an_interruption_right_before_the_calling_thread_waits_counts(desk: Desk, server: Loopback) -> None:
    def interrupt() -> None:
        desk.sender.interrupt()
        loop.call_soon(sending.cancel)

    desk.sender.alone = True
    await desk.send(Request(url=f"{server.url}/echo"))
    loop = asyncio.get_running_loop()
    sending = asyncio.ensure_future(desk.send(Request(url=f"{server.url}/hold", options=Options(timeout=1.0))))
    loop.call_soon(interrupt)
    with pytest.raises(asyncio.CancelledError):
        await sending


@pytest.mark.parametrize("tls", [False, True])
async def test_what_the_calling_thread_waits_for_is_interrupted(
    desk: Desk, server: Loopback, tls_server: Loopback, authority: Authority, tls: bool
) -> None:
    desk.sender.alone = True
    asked = tls_server if tls else server
    options = Options(ca_file=str(authority.ca_file))
    await desk.send(Request(url=f"{asked.url}/echo", options=options))

    def interrupt() -> None:
        asked.wait_for(lambda: len(asked.requests) == 2)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, lambda *_: desk.sender.interrupt())
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(RequestError) as caught:
            await desk.send(Request(url=f"{asked.url}/hold", options=options))
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)
    assert caught.value.kind == "cancelled"
    assert (await desk.send(Request(url=f"{asked.url}/echo", options=options))).response.status == 200


async def test_requests_in_the_calling_thread_leave_the_loop_its_turn(desk: Desk, server: Loopback) -> None:
    desk.sender.alone = True

    async def send_for_ever() -> None:
        while True:
            await desk.send(Request(url=f"{server.url}/echo"))

    def cancel() -> None:
        server.wait_for(lambda: len(server.requests) >= 5)
        loop.call_soon_threadsafe(sending.cancel)

    loop = asyncio.get_running_loop()
    sending = asyncio.ensure_future(send_for_ever())
    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(asyncio.CancelledError):
        await sending
    thread.join()


async def test_cancelling_in_mid_body_ends_the_connection_at_once(desk: Desk, server: Loopback) -> None:
    receiving = asyncio.Event()

    def told(progress: Progress) -> None:
        if progress.phase == "receiving":
            receiving.set()

    sending = asyncio.ensure_future(desk.send(Request(url=f"{server.url}/stream"), progress=told))
    await asyncio.wait_for(receiving.wait(), PATIENCE_S)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await asyncio.get_running_loop().run_in_executor(None, server.wait_for, lambda: server.open_connections == 0)
    assert (await desk.send(Request(url=f"{server.url}/echo"))).response.status == 200


async def test_cancelling_while_waiting_ends_the_connection(
    desk: Desk, tls_server: Loopback, authority: Authority
) -> None:
    request = Request(url=f"{tls_server.url}/hold", options=Options(ca_file=str(authority.ca_file)))
    sending = asyncio.ensure_future(desk.send(request))
    await asyncio.get_running_loop().run_in_executor(None, tls_server.wait_for, lambda: len(tls_server.requests) == 1)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    tls_server.release()
    await asyncio.get_running_loop().run_in_executor(
        None, tls_server.wait_for, lambda: tls_server.open_connections == 0
    )


async def test_closing_ends_what_is_under_way(desk: Desk, server: Loopback) -> None:
    sending = asyncio.ensure_future(desk.send(Request(url=f"{server.url}/hold")))
    await asyncio.get_running_loop().run_in_executor(None, server.wait_for, lambda: len(server.requests) == 1)
    desk.sender.close()
    with pytest.raises(RequestError) as caught:
        await sending
    assert caught.value.kind == "cancelled"
    with pytest.raises(RequestError):
        await desk.send(Request(url=f"{server.url}/echo"))


async def test_idle_threads_end(monkeypatch: pytest.MonkeyPatch, desk: Desk, server: Loopback) -> None:
    monkeypatch.setattr(wire, "IDLE_SECONDS", 0.01)
    others = set(threading.enumerate())
    await desk.send(Request(url=f"{server.url}/echo"))
    wait_until(lambda: not [one for one in set(threading.enumerate()) - others if one.name == "hushpost-wire"])
    assert (await desk.send(Request(url=f"{server.url}/echo"))).response.status == 200


# TLS and proxies


async def test_a_certificate_that_is_not_trusted(desk: Desk, tls_server: Loopback, authority: Authority) -> None:
    with pytest.raises(RequestError) as caught:
        await desk.send(Request(url=f"{tls_server.url}/echo"))
    assert caught.value.kind == "tls"
    assert "not trusted" in str(caught.value)
    assert "options.ca_file" in (caught.value.hint or "")
    trusted = Options(ca_file=str(authority.ca_file))
    assert (await desk.send(Request(url=f"{tls_server.url}/echo", options=trusted))).response.status == 200
    insecure = Options(verify_tls=False)
    assert (await desk.send(Request(url=f"{tls_server.url}/echo", options=insecure))).response.status == 200


async def test_a_certificate_for_another_host(desk: Desk, authority: Authority) -> None:
    server = Loopback(context=authority.server_context("example.com"))
    try:
        desk.secret("path", "hidden-path")
        with pytest.raises(RequestError, match="another host"):
            await desk.send(Request(url=f"{server.url}/echo", options=Options(ca_file=str(authority.ca_file))))
    finally:
        server.close()


async def test_a_client_certificate(desk: Desk, authority: Authority, tmp_path: Path) -> None:
    server = Loopback(context=authority.server_context(client_certificate=True))
    try:
        issued = authority.ca.issue_cert("client@example.com")
        issued.cert_chain_pems[0].write_to_path(tmp_path / "client.pem")
        issued.private_key_pem.write_to_path(tmp_path / "client.key")
        request = Request(
            url=f"{server.url}/echo",
            options=Options(
                ca_file=str(authority.ca_file), client_certificate=ClientCertificate("client.pem", "client.key")
            ),
        )
        assert (await desk.send(request)).response.status == 200
        with pytest.raises(RequestError):
            await desk.send(Request(url=f"{server.url}/echo", options=Options(ca_file=str(authority.ca_file))))
    finally:
        server.close()


async def test_an_encrypted_key_without_its_password_is_an_error(
    desk: Desk, tls_server: Loopback, authority: Authority, tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives import serialization

    issued = authority.ca.issue_cert("client@example.com")
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    sealed = serialization.BestAvailableEncryption(b"key-passphrase")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "client.pem")
    (tmp_path / "client.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed)
    )

    def request(password: str | None) -> Request:
        certificate = ClientCertificate("client.pem", "client.key", password)
        options = Options(ca_file=str(authority.ca_file), client_certificate=certificate)
        return Request(url=f"{tls_server.url}/echo", options=options)

    with pytest.raises(RequestError, match="cannot be used"):
        await desk.send(request(None))
    desk.secret("passphrase", "key-passphrase")
    exchange = await desk.send(request("{{passphrase}}"))
    assert exchange.response.status == 200
    assert exchange.secrets_used == ("passphrase",)
    assert desk.asked == [], "the password of a key goes to no host"


async def test_plain_http_on_a_tls_port_and_the_reverse(desk: Desk, server: Loopback, tls_server: Loopback) -> None:
    with pytest.raises(RequestError) as caught:
        await desk.send(Request(url=server.url.replace("http:", "https:")))
    assert caught.value.kind == "tls"
    with pytest.raises(RequestError) as caught:
        await desk.send(Request(url=tls_server.url.replace("https:", "http:")))
    assert caught.value.kind in ("protocol", "connect")


async def test_http2(desk: Desk, h2_server: str, authority: Authority) -> None:
    options = Options(http2=True, ca_file=str(authority.ca_file))
    exchange = await desk.send(Request(method="POST", url=f"{h2_server}/path", body=TextBody("hello"), options=options))
    assert exchange.response.http_version == "HTTP/2"
    assert json.loads(body(exchange)) == {":method": "POST", ":path": "/path", "body": "hello"}


async def test_a_connection_of_http2_with_the_rest_of_a_body_is_not_used_again(
    desk: Desk, h2_server: str, authority: Authority
) -> None:
    options = Options(http2=True, ca_file=str(authority.ca_file))
    exchange = await desk.send(Request(method="GET", url=f"{h2_server}/no-gzip", options=options))
    assert exchange.response.truncated == "the body is not valid gzip"
    for _ in range(2):
        exchange = await desk.send(Request(method="GET", url=f"{h2_server}/", options=options))
        assert ("x-connection", "2") in exchange.response.headers


async def test_the_time_to_the_first_byte_of_http2(
    desk: Desk, h2_server: str, client_waits: threading.Event, authority: Authority
) -> None:
    def told(progress: Progress) -> None:
        if progress.phase == "waiting":
            client_waits.set()

    options = Options(http2=True, ca_file=str(authority.ca_file))
    exchange = await desk.send(Request(url=f"{h2_server}/later", options=options), progress=told)
    assert exchange.timing.first_byte_ms is not None
    assert exchange.timing.first_byte_ms >= LATER_S * 1000


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ("000005 01 05 00000001 0803616263", "did not answer in HTTP"),  # the status "abc"
        ("000005 00 01 00000001 68656c6c6f", "did not answer in HTTP/2"),  # a body without a head
        ("000006 01 05 00000001 ffffffffffff", "did not answer in HTTP/2"),  # headers that cannot be unpacked
    ],
)
async def test_frames_of_http2_that_make_no_sense(
    desk: Desk, h2_server: str, authority: Authority, frame: str, said: str
) -> None:
    options = Options(http2=True, ca_file=str(authority.ca_file))
    with pytest.raises(RequestError) as caught:
        await desk.send(Request(method="GET", url=f"{h2_server}/raw/{frame.replace(' ', '')}", options=options))
    assert (caught.value.kind, str(caught.value)) == ("protocol", f'"{h2_server}" {said}')


async def test_a_proxy_tunnels_tls_and_forwards_plain_http(
    desk: Desk, server: Loopback, tls_server: Loopback, authority: Authority, http_proxy: LoopbackProxy
) -> None:
    options = Options(proxy=http_proxy.url, ca_file=str(authority.ca_file))
    assert (await desk.send(Request(url=f"{tls_server.url}/echo", options=options))).response.status == 200
    assert (await desk.send(Request(url=f"{server.url}/echo", options=options))).response.status == 200
    tunnel, forward = http_proxy.seen
    assert tunnel.startswith(f"CONNECT 127.0.0.1:{tls_server.port} ".encode())
    assert forward.startswith(f"GET {server.url}/echo ".encode())


@pytest.mark.parametrize("route", ["hangup", "garbage"])
async def test_behind_a_proxy_it_may_be_either(
    desk: Desk, server: Loopback, http_proxy: LoopbackProxy, route: str
) -> None:
    with pytest.raises(RequestError) as caught:
        await desk.send(Request(method="POST", url=f"{server.url}/{route}", options=Options(proxy=http_proxy.url)))
    assert str(caught.value).startswith(f'"{server.url}", or the proxy to it, ')


async def test_the_certificate_of_a_proxy_is_said_to_be_its(desk: Desk, server: Loopback, tls_server: Loopback) -> None:
    with pytest.raises(RequestError) as caught:
        await desk.send(Request(url=f"{server.url}/echo", options=Options(proxy=tls_server.url)))
    assert str(caught.value).startswith(f'the certificate of the proxy for "{server.url}" is not trusted')


async def test_a_proxy_that_refuses(desk: Desk, tls_server: Loopback, http_proxy: LoopbackProxy) -> None:
    http_proxy.credentials = "bob:secret"
    with pytest.raises(RequestError) as caught:
        await desk.send(Request(url=f"{tls_server.url}/echo", options=Options(proxy=http_proxy.url)))
    assert caught.value.kind == "proxy"
    assert "407" in str(caught.value)


async def test_proxies_of_the_environment_are_never_asked_for_this_machine(
    desk: Desk, server: Loopback, http_proxy: LoopbackProxy
) -> None:
    desk.defaults = Defaults(proxies={"http_proxy": http_proxy.url, "all_proxy": http_proxy.url})
    await desk.send(Request(url=f"{server.url}/echo"))
    assert http_proxy.seen == []


async def test_a_name_is_reached_through_the_proxy_of_the_settings(desk: Desk, http_proxy: LoopbackProxy) -> None:
    desk.defaults = Defaults(proxy=http_proxy.url)
    http_proxy.credentials = "nobody:knows"
    exchange = await desk.send(Request(url="http://api.example.com/x"))
    assert exchange.response.status == 407
    assert http_proxy.seen[0].startswith(b"GET http://api.example.com/x ")


async def test_a_redirect_chooses_its_proxy_anew(desk: Desk, server: Loopback, http_proxy: LoopbackProxy) -> None:
    desk.defaults = Defaults(proxies={"http_proxy": http_proxy.url})
    http_proxy.credentials = "nobody:knows"
    await desk.send(Request(url=f"{server.url}/redirect?to=http://api.example.com/x"))
    assert [head.split(b"\r\n")[0] for head in http_proxy.seen] == [b"GET http://api.example.com/x HTTP/1.1"]


async def test_a_dead_address_is_followed_by_the_next(
    desk: Desk, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look_up(host: str, port: int, *args: object, **options: object) -> list[object]:
        if host != "two.example":
            return real(host, port, *args, **options)  # type: ignore[arg-type, return-value]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.9", "127.0.0.1")]

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    exchange = await desk.send(Request(url=f"http://two.example:{server.port}/echo"))
    assert exchange.response.status == 200
    assert server.last.header("Host") == f"two.example:{server.port}"


@contextmanager
def answering_on_ipv6(context: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a server on ::1 that answers once."""
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")

    def answer() -> None:
        connection, _ = listener.accept()
        with context.wrap_socket(connection, server_side=True) if context else connection as stream:
            stream.recv(65536)
            stream.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    with listener:
        yield listener.getsockname()[1]
        thread.join(PATIENCE_S)


async def test_localhost_is_not_looked_up_and_may_be_ipv6(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(host: str, *args: object, **options: object) -> list[object]:
        assert host in ("127.0.0.1", "::1"), "a name for this machine was looked up"
        return real(host, *args, **options)  # type: ignore[arg-type, return-value]

    real = socket.getaddrinfo
    with answering_on_ipv6() as port:
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        exchange = await desk.send(Request(url=f"http://api.localhost:{port}/"))
    assert exchange.response.status == 204


async def test_an_ipv6_address(desk: Desk, authority: Authority) -> None:
    with answering_on_ipv6() as port:
        assert (await desk.send(Request(url=f"http://[::1]:{port}/"))).response.status == 204
    options = Options(ca_file=str(authority.ca_file))
    with answering_on_ipv6(authority.server_context("::1")) as port:
        assert (await desk.send(Request(url=f"https://[::1]:{port}/", options=options))).response.status == 204


# What goes wrong on the wire


async def test_nobody_listens(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(RequestError) as caught:
        await desk.send(Request(url=f"http://127.0.0.1:{port}/"))
    assert caught.value.kind == "connect"
    assert "refused the connection" in str(caught.value)


async def test_an_unknown_name(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*args: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    desk.secret("tenant", "hidden-tenant")
    with pytest.raises(RequestError) as caught:
        await desk.send(Request(url="https://{{tenant}}.example.com/"))
    assert caught.value.kind == "connect"
    assert "{{tenant}}.example.com" in str(caught.value)
    assert "hidden-tenant" not in str(caught.value)


@pytest.mark.parametrize(("route", "says"), [("hangup", "without an answer"), ("garbage", "did not answer in HTTP")])
async def test_no_answer_in_http(desk: Desk, server: Loopback, route: str, says: str) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        await desk.send(Request(url=f"{server.url}/{route}"))
    assert caught.value.kind == "protocol"


async def test_a_file_that_shrinks_while_it_is_sent(desk: Desk, server: Loopback) -> None:
    path = desk.folder / "body.bin"
    path.write_bytes(b"0" * 1000)
    prepared = desk.prepared(Request(method="POST", url=f"{server.url}/echo", body=FileBody("body.bin")))
    path.write_bytes(b"0" * 10)
    with pytest.raises(RequestError, match="became shorter"):
        await desk.sender.send(prepared, approve=desk.approve)


@pytest.mark.parametrize(
    "request_",
    [
        Request(url="{{base}}/hangup", headers=(Field("X", "{{key}}"),)),
        Request(url="{{base}}/garbage?k={{key}}"),
        Request(url="{{base}}/redirect?to=ftp://{{key}}/", headers=(Field("X", "{{key}}"),)),
        Request(url="{{base}}/hold?{{key}}", options=Options(timeout=0.1)),
        Request(url="https://{{key}}@[::", headers=(Field("X", "{{key}}"),)),
        Request(url="{{base}}/echo", headers=(Field("X", "a{{key}}\n"),)),
        Request(url="{{base}}/echo", headers=(Field("X {{key}}", "a"),)),
        Request(url="{{base}}/echo", options=Options(proxy="socks4://{{key}}")),
        Request(url="{{key}}"),
    ],
)
async def test_no_error_holds_a_secret(desk: Desk, server: Loopback, request_: Request) -> None:
    desk.plain(base=server.url)
    desk.secret("key", "S3cr3tValue")
    with pytest.raises(HushpostError) as caught:
        await desk.send(request_)
    text = f"{caught.value} {caught.value.hint} {caught.value.__dict__}"
    assert "S3cr3tValue" not in text
    assert caught.value.__cause__ is None or "S3cr3tValue" not in repr(caught.value.__cause__)


def test_a_session_can_be_made_before_a_loop_runs(desk: Desk) -> None:
    sender = Sender(desk.redactor)
    sender.close()


@pytest.fixture
def client_waits() -> threading.Event:
    """Set by a test when the client has noted that its request is written; at /later the server's wait begins then."""
    return threading.Event()


@pytest.fixture
def h2_server(authority: Authority, client_waits: threading.Event) -> object:
    """A server that speaks nothing but HTTP/2 and answers with what it saw, at /raw/HEX with those bytes."""
    import h2.config
    import h2.connection
    import h2.events

    context = authority.server_context()
    context.set_alpn_protocols(["h2"])
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(number: int) -> None:
        raw, _ = listener.accept()
        with raw, context.wrap_socket(raw, server_side=True) as connection:
            state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
            state.initiate_connection()
            connection.sendall(state.data_to_send())
            seen: dict[str, str] = {}
            while data := connection.recv(65536):
                for event in state.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        pairs = {str(name): str(value) for name, value in event.headers}
                        seen = {name: pairs[name] for name in (":method", ":path")}
                        if seen[":path"].startswith("/raw/"):
                            connection.sendall(bytes.fromhex(seen[":path"].removeprefix("/raw/")))
                    elif isinstance(event, h2.events.DataReceived):
                        seen["body"] = seen.get("body", "") + event.data.decode()
                    elif isinstance(event, h2.events.StreamEnded):
                        if seen[":path"] == "/later":
                            connection.sendall(state.data_to_send())
                            assert client_waits.wait(PATIENCE_S)
                            take(LATER_S)
                        head = [(":status", "200"), ("x-connection", str(number))]
                        if seen[":path"] == "/no-gzip":
                            state.send_headers(event.stream_id, [*head, ("content-encoding", "gzip")])
                            state.send_data(event.stream_id, b"no gzip")
                            continue
                        state.send_headers(event.stream_id, [*head, ("content-type", "application/json")])
                        state.send_data(event.stream_id, json.dumps(seen).encode(), end_stream=True)
                connection.sendall(state.data_to_send())

    def guarded() -> None:
        for number in range(1, 3):
            with suppress(OSError, ssl.SSLError):
                serve(number)

    threading.Thread(target=guarded, daemon=True).start()
    yield f"https://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()
