from __future__ import annotations

import socket
import threading
from contextlib import suppress

import pytest

from core.errors import HostNotAllowed, RequestError
from core.hosts import Origin, covers
from core.models import Options, Request
from core.sending.prepare import Defaults
from tests.desk import Desk, desk
from tests.loopback import Authority, Loopback
from tests.socks_proxy import SocksProxy, socks_proxy

__all__ = ["desk", "socks_proxy"]


@pytest.mark.parametrize("scheme", ["socks5", "SOCKS5H"])
async def test_the_proxy_looks_the_name_up(desk: Desk, server: Loopback, socks_proxy: SocksProxy, scheme: str) -> None:
    options = Options(proxy=socks_proxy.url.replace("socks5", scheme))
    exchange = await desk.send(Request(url=f"http://api.example.com:{server.port}/echo", options=options))
    assert exchange.response.status == 200
    assert socks_proxy.asked == [("api.example.com", server.port)]


async def test_tls_goes_through_it(
    desk: Desk, tls_server: Loopback, authority: Authority, socks_proxy: SocksProxy
) -> None:
    options = Options(proxy=socks_proxy.url, ca_file=str(authority.ca_file))
    exchange = await desk.send(Request(url=f"{tls_server.url}/echo", options=options))
    assert exchange.response.status == 200
    assert socks_proxy.asked == [("127.0.0.1", tls_server.port)]


async def test_the_settings_may_name_it(desk: Desk, server: Loopback, socks_proxy: SocksProxy) -> None:
    desk.defaults = Defaults(proxy=socks_proxy.url)
    await desk.send(Request(url=f"http://api.example.com:{server.port}/echo"))
    assert socks_proxy.asked == [("api.example.com", server.port)]


async def test_it_gets_user_and_password_when_they_are_allowed_for_it(
    desk: Desk, server: Loopback, socks_proxy: SocksProxy
) -> None:
    socks_proxy.credentials = "bob:pr0xy-p/ss"
    desk.secret("proxy_password", "pr0xy-p%2Fss")
    options = Options(proxy=socks_proxy.url.replace("socks5://", "socks5://bob:{{proxy_password}}@"))
    exchange = await desk.send(Request(url=f"{server.url}/echo", options=options))
    assert exchange.response.status == 200
    assert ("proxy_password", socks_proxy.url) in desk.asked
    desk.refused = lambda need: True
    with pytest.raises(HostNotAllowed) as caught:
        await desk.send(Request(url=f"{server.url}/echo", options=options))
    assert socks_proxy.url in str(caught.value.missing)


async def test_a_wrong_password(desk: Desk, server: Loopback, socks_proxy: SocksProxy) -> None:
    socks_proxy.credentials = "bob:right"
    for login in ("bob:wrong@", ""):
        address = socks_proxy.url.replace("://", f"://{login}")
        with pytest.raises(RequestError) as caught:
            await desk.send(Request(url=f"{server.url}/echo", options=Options(proxy=address)))
        assert caught.value.kind == "proxy"
        assert caught.value.hint == "check the proxy's user name and password"
        assert "wrong" not in str(caught.value)


async def test_a_target_that_it_cannot_reach(desk: Desk, server: Loopback, socks_proxy: SocksProxy) -> None:
    socks_proxy.refusal = b"\x04"
    with pytest.raises(RequestError, match=r"did not make the tunnel .*: the host cannot be reached"):
        await desk.send(Request(url=f"{server.url}/echo", options=Options(proxy=socks_proxy.url)))


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x05", b"", b"\x05\x00\x04\x00\x00\x01"])
async def test_a_server_that_speaks_something_else(desk: Desk, server: Loopback, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def reply() -> None:
            client, _ = listener.accept()
            with client, suppress(OSError):
                client.recv(3)
                client.sendall(answer)
                client.shutdown(socket.SHUT_WR)
                client.recv(1024)

        thread = threading.Thread(target=reply)
        thread.start()
        options = Options(proxy=f"socks5://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(RequestError) as caught:
            await desk.send(Request(url=f"{server.url}/echo", options=options))
        thread.join()
    assert caught.value.kind == "proxy"


def test_an_approval_for_it_covers_no_other_address() -> None:
    assert covers("socks5://127.0.0.1:1080", "socks5://127.0.0.1:1080")
    assert not covers("socks5://127.0.0.1:1080", "http://127.0.0.1:1080")
    assert not covers("socks5://proxy.example.com", "https://proxy.example.com")
    assert covers("socks5://proxy.example.com", "socks5://proxy.example.com:1080")


def test_it_is_no_address_of_a_request() -> None:
    with pytest.raises(ValueError, match="not an http or https URL"):
        Origin.of("socks5://api.example.com")
