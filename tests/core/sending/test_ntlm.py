"""NTLM auth, against a server that logs in connections and knows them apart."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest

from core.errors import RequestError
from core.exchange import Exchange
from core.models import Body, Field, FileBody, JsonBody, NoBody, NtlmAuth, Options, Request
from tests.canary import leaks
from tests.desk import Desk, desk
from tests.loopback import Authority, Loopback, LoopbackProxy, Received
from tests.ntlm_server import NtlmServer

__all__ = ["desk"]

PASSWORD = "P4ss-wörd{}€"


@pytest.fixture(autouse=True)
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The accounts of the server's side."""
    file = tmp_path / "users"
    file.write_text(f"CORP:ann:{PASSWORD}\n:eve@corp.example:{PASSWORD}\n:bob:other\n", "utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(file))


@pytest.fixture
def ntlm(server: Loopback) -> NtlmServer:
    return serve(server)


def serve(server: Loopback, **rules: object) -> NtlmServer:
    route = NtlmServer(**rules)  # type: ignore[arg-type]
    server.routes["/ntlm"] = route
    return route


def ann(desk: Desk, **more: str) -> NtlmAuth:
    desk.secret("password", PASSWORD)
    return NtlmAuth(r"CORP\ann", "{{password}}", **more)


def user(exchange: Exchange) -> str:
    assert exchange.response.status == 200, exchange.response
    return str(json.loads(exchange.response.body.read())["user"])


async def test_the_log_in_stays_on_one_connection(desk: Desk, server: Loopback, ntlm: NtlmServer) -> None:
    exchange = await desk.send(Request(url=f"{server.url}/ntlm", auth=ann(desk)))
    assert user(exchange) == r"CORP\ann"
    assert [step for step, _, _ in ntlm.steps] == ["negotiate", "authenticate"]
    assert len({connection for _, connection, _ in ntlm.steps}) == 1
    assert dict(exchange.shown.headers)["Authorization"] == "NTLM ••••••"
    assert ("password", server.url) in desk.asked
    assert exchange.notes == ()


async def test_a_connection_that_is_logged_in_is_used_again_by_the_same_user(
    desk: Desk, server: Loopback, ntlm: NtlmServer
) -> None:
    request = Request(method="POST", url=f"{server.url}/ntlm", auth=ann(desk), body=JsonBody('{"a": 1}'))
    for _ in range(2):
        assert user(await desk.send(request)) == r"CORP\ann"
    assert [step for step, _, _ in ntlm.steps] == ["negotiate", "authenticate", "plain"]
    assert len({connection for _, connection, _ in ntlm.steps}) == 1


async def test_nobody_else_uses_a_connection_that_is_logged_in(desk: Desk, server: Loopback, ntlm: NtlmServer) -> None:
    mine = Request(url=f"{server.url}/ntlm", auth=ann(desk))
    assert user(await desk.send(mine)) == r"CORP\ann"
    owned = server.last.connection
    nobody = await desk.send(Request(url=f"{server.url}/ntlm"))
    assert nobody.response.status == 401
    assert server.last.connection != owned
    assert user(await desk.send(Request(url=f"{server.url}/ntlm", auth=NtlmAuth("bob", "other")))) == "bob"
    assert server.last.connection != owned
    wrong = await desk.send(Request(url=f"{server.url}/ntlm", auth=NtlmAuth(r"CORP\ann", "guessed")))
    assert wrong.response.status == 401
    assert user(await desk.send(mine)) == r"CORP\ann"
    assert server.last.connection == owned


async def test_users_at_the_same_time_are_not_mixed_up(desk: Desk, server: Loopback, ntlm: NtlmServer) -> None:
    both = [ann(desk), NtlmAuth("bob", "other")] * 4
    answers = await asyncio.gather(*(desk.send(Request(url=f"{server.url}/ntlm", auth=auth)) for auth in both))
    assert [user(one) for one in answers] == [r"CORP\ann", "bob"] * 4


async def test_a_log_in_that_is_cancelled_leaves_nothing_behind(desk: Desk, server: Loopback, ntlm: NtlmServer) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow(handler: Any, received: Received) -> None:
        asked.set()
        go_on.wait(60)
        ntlm(handler, received)

    server.routes["/ntlm"] = slow
    request = Request(method="POST", url=f"{server.url}/ntlm", auth=ann(desk), body=JsonBody("{}"))
    sending = asyncio.create_task(desk.send(request))
    await asyncio.to_thread(asked.wait, 60)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    go_on.set()
    assert user(await desk.send(request)) == r"CORP\ann"


async def test_a_wrong_password_is_answered_with_401_and_its_connection_is_given_up(
    desk: Desk, server: Loopback, ntlm: NtlmServer
) -> None:
    desk.secret("password", "wr0ng-password")
    request = Request(url=f"{server.url}/ntlm", auth=NtlmAuth(r"CORP\ann", "{{password}}"))
    exchange = await desk.send(request)
    assert exchange.response.status == 401
    assert exchange.response.body.read().startswith(b"who are you?")
    assert [step for step, _, _ in ntlm.steps] == ["negotiate", "authenticate"]
    await desk.send(request)
    assert len({connection for _, connection, _ in ntlm.steps}) == 2


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        (NtlmAuth("ann", "{{password}}", domain="CORP"), r"CORP\ann"),
        (NtlmAuth(r"CORP\ann", "{{password}}", domain="OTHER"), r"CORP\ann"),
        (NtlmAuth("eve@corp.example", "{{password}}"), "eve@corp.example"),
    ],
)
async def test_a_user_is_named_in_each_of_the_ways_that_windows_knows(
    desk: Desk, server: Loopback, ntlm: NtlmServer, auth: NtlmAuth, expected: str
) -> None:
    desk.secret("password", PASSWORD)
    assert user(await desk.send(Request(url=f"{server.url}/ntlm", auth=auth))) == expected


@pytest.mark.parametrize("workstation", ["", "DESK-7"])
async def test_the_server_is_told_the_workstation_of_the_request_and_not_this_machine(
    desk: Desk, server: Loopback, ntlm: NtlmServer, monkeypatch: pytest.MonkeyPatch, workstation: str
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "this-machine")
    assert user(await desk.send(Request(url=f"{server.url}/ntlm", auth=ann(desk, workstation=workstation))))
    assert ntlm.workstations == [workstation]
    # The server's own name is in the challenge, and so comes back as its target: in the answer to it, not beside it.
    last = ntlm.messages[-1]
    workstation_and_later = last[int.from_bytes(last[40:44], "little") + int.from_bytes(last[36:38], "little") :]
    assert "THIS-MACHINE".encode("utf-16-le") not in workstation_and_later


async def test_the_body_goes_once_and_whole(desk: Desk, server: Loopback, ntlm: NtlmServer) -> None:
    (desk.folder / "big.bin").write_bytes(bytes(range(256)) * 1200)
    bodies: list[tuple[Body, int]] = [(FileBody("big.bin"), 307_200), (JsonBody('{"a": 1}'), 8), (NoBody(), 0)]
    for body, size in bodies:
        ntlm.steps.clear()
        auth = NtlmAuth("bob", "other", workstation=f"W{size}")
        exchange = await desk.send(Request(method="POST", url=f"{server.url}/ntlm", auth=auth, body=body))
        assert json.loads(exchange.response.body.read()) == {"user": "bob", "size": size}
        assert [size for _, _, size in ntlm.steps] == [0, size]


async def test_a_server_that_wants_each_request_logged_in_gets_it(desk: Desk, server: Loopback) -> None:
    ntlm = serve(server, lasting=False)
    request = Request(method="PUT", url=f"{server.url}/ntlm", auth=ann(desk), body=JsonBody('{"a": 1}'))
    for _ in range(2):
        assert user(await desk.send(request)) == r"CORP\ann"
    steps = [step for step, _, _ in ntlm.steps]
    assert steps == ["negotiate", "authenticate", "plain", "negotiate", "authenticate"]
    assert len({connection for _, connection, _ in ntlm.steps}) == 1


async def test_a_kept_connection_that_the_server_closed_is_replaced_by_one_that_is_logged_in(
    desk: Desk, server: Loopback
) -> None:
    ntlm = serve(server, silently_closing=True)
    for _ in range(2):
        assert user(await desk.send(Request(url=f"{server.url}/ntlm", auth=ann(desk)))) == r"CORP\ann"
    assert [step for step, _, _ in ntlm.steps] == ["negotiate", "authenticate"] * 2


async def test_negotiate_is_answered_where_it_is_all_that_is_offered(desk: Desk, server: Loopback) -> None:
    serve(server, scheme="Negotiate", offers=("Negotiate",))
    exchange = await desk.send(Request(method="POST", url=f"{server.url}/ntlm", auth=ann(desk), body=JsonBody("{}")))
    assert user(exchange) == r"CORP\ann"


async def test_a_connection_that_is_closed_in_the_middle_is_an_error(desk: Desk, server: Loopback) -> None:
    ntlm = serve(server, closing=True)
    with pytest.raises(RequestError, match="in the middle of the NTLM log-in"):
        await desk.send(Request(url=f"{server.url}/ntlm", auth=ann(desk)))
    assert [step for step, _, _ in ntlm.steps] == ["negotiate"]


async def test_a_server_that_offers_no_ntlm_answers_for_itself(desk: Desk, server: Loopback) -> None:
    exchange = await desk.send(Request(url=f"{server.url}/basic?user=a&password=b", auth=ann(desk)))
    assert exchange.response.status == 401
    assert exchange.notes == ("the server offers no NTLM log-in",)
    exchange = await desk.send(
        Request(method="POST", url=f"{server.local_url}/echo", auth=ann(desk), body=JsonBody('{"a": 1}'))
    )
    assert json.loads(exchange.response.body.read())["body"] == '{"a": 1}'
    assert exchange.notes == ("the server asked for no NTLM log-in",)


@pytest.mark.parametrize("challenge", ["NTLM AAAA", "NTLM =", "NTLM TlRMTVNTUAACAAAA"])
async def test_a_broken_challenge_is_an_error(desk: Desk, server: Loopback, challenge: str) -> None:
    server.routes["/ntlm"] = lambda handler, received: handler.answer(401, b"", (("WWW-Authenticate", challenge),))
    with pytest.raises(RequestError, match="cannot be read"):
        await desk.send(Request(url=f"{server.url}/ntlm", auth=ann(desk)))


async def test_no_log_in_follows_a_redirect_to_another_origin(
    desk: Desk, server: Loopback, other_server: Loopback, ntlm: NtlmServer
) -> None:
    elsewhere = serve(other_server)
    server.routes["/here"] = lambda handler, received: handler.answer(302, headers=(("Location", "/ntlm"),))
    server.routes["/away"] = lambda handler, received: handler.answer(
        302, headers=(("Location", f"{other_server.url}/ntlm"),)
    )
    assert user(await desk.send(Request(url=f"{server.url}/here", auth=ann(desk)))) == r"CORP\ann"
    away = await desk.send(Request(url=f"{server.url}/away", auth=ann(desk)))
    assert away.response.status == 401
    assert [step for step, _, _ in elsewhere.steps] == ["plain"]
    assert other_server.last.header("Authorization") is None


async def test_a_header_of_the_request_does_not_stand_beside_the_log_in(
    desk: Desk, server: Loopback, ntlm: NtlmServer
) -> None:
    request = Request(url=f"{server.url}/ntlm", auth=ann(desk), headers=(Field("authorization", "Bearer x"),))
    for _ in range(2):
        exchange = await desk.send(request)
        assert user(exchange) == r"CORP\ann"
    assert server.last.header("Authorization") is None
    assert [value for name, value in exchange.shown.headers if name.lower() == "authorization"] == ["NTLM ••••••"]


@pytest.mark.parametrize("proxied", [False, True])
async def test_over_tls_the_log_in_is_bound_to_the_certificate(
    desk: Desk, tls_server: Loopback, authority: Authority, http_proxy: LoopbackProxy, proxied: bool
) -> None:
    certificate = ssl.get_server_certificate(("127.0.0.1", tls_server.port), ca_certs=str(authority.ca_file))
    ntlm = serve(tls_server, certificate=certificate.encode())
    options = Options(ca_file=str(authority.ca_file), proxy=http_proxy.url if proxied else None)
    for _ in range(2):
        exchange = await desk.send(Request(url=f"{tls_server.url}/ntlm", auth=ann(desk), options=options))
        assert user(exchange) == r"CORP\ann"
    assert [step for step, _, _ in ntlm.steps] == ["negotiate", "authenticate", "plain"]
    assert bool(http_proxy.seen) is proxied


async def test_http_2_is_not_asked_for(desk: Desk, authority: Authority) -> None:
    context = authority.server_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    server = Loopback(context=context)
    serve(server)
    options = Options(ca_file=str(authority.ca_file), http2=True)
    try:
        exchange = await desk.send(Request(url=f"{server.url}/ntlm", auth=ann(desk), options=options))
    finally:
        server.close()
    assert user(exchange) == r"CORP\ann"
    assert exchange.response.http_version == "HTTP/1.1"


async def test_a_log_in_that_is_bound_to_another_certificate_is_refused(
    desk: Desk, tls_server: Loopback, authority: Authority
) -> None:
    serve(tls_server, certificate=authority.ca.cert_pem.bytes())
    options = Options(ca_file=str(authority.ca_file))
    exchange = await desk.send(Request(url=f"{tls_server.url}/ntlm", auth=ann(desk), options=options))
    assert exchange.response.status == 401


async def test_a_proxy_with_plain_http_is_refused_before_anything_is_sent(
    desk: Desk, server: Loopback, http_proxy: LoopbackProxy
) -> None:
    request = Request(url=f"{server.url}/ntlm", auth=ann(desk), options=Options(proxy=http_proxy.url))
    with pytest.raises(RequestError, match="plain http") as caught:
        await desk.send(request)
    assert caught.value.kind == "proxy"
    assert http_proxy.seen == []


async def test_neither_password_nor_messages_are_shown(desk: Desk, server: Loopback) -> None:
    ntlm = serve(server)
    request = Request(method="POST", url=f"{server.url}/ntlm", auth=ann(desk), body=JsonBody('{"p": "{{password}}"}'))
    exchange = await desk.send(request)
    assert user(exchange) == r"CORP\ann"
    shown = repr((exchange, exchange.shown, exchange.hops, exchange.notes, desk.prepared(request), desk.sender))
    assert leaks({"password": PASSWORD}, [("shown", shown.encode())]) == []
    assert not any(base64.b64encode(message).decode() in shown for message in ntlm.messages if message)
    wrong = NtlmAuth("ann", "{{password}}", domain="OTHER")
    refused = await desk.send(Request(url=f"{server.url}/ntlm", auth=wrong))
    assert refused.response.status == 401
    assert leaks({"password": PASSWORD}, [("shown", repr((refused, refused.shown)).encode())]) == []


async def test_a_user_is_needed(desk: Desk, server: Loopback) -> None:
    with pytest.raises(RequestError, match="no user name"):
        await desk.send(Request(url=f"{server.url}/ntlm", auth=NtlmAuth()))
    assert server.requests == []
