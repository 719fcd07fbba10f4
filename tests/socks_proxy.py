"""A SOCKS 5 proxy (RFC 1928, RFC 1929) on loopback that notes the names it is asked for and leads all of them here."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from tests.loopback import LoopbackProxy

NO_LOGIN, LOGIN, NONE_OF_THESE = b"\x00", b"\x02", b"\xff"


@dataclass
class SocksProxy(LoopbackProxy):
    """`credentials` as for the HTTP proxy; `asked` has the targets as they came, by name or address."""

    asked: list[tuple[str, int]] = field(default_factory=list)
    refusal: bytes = b"\x00"
    """The reply code to a CONNECT; zero lets it through."""

    @property
    def url(self) -> str:
        return f"socks5://127.0.0.1:{self.port}"

    def _handle(self, client: socket.socket) -> None:
        with client, suppress(OSError), client.makefile("rb") as stream:
            version, count = stream.read(2)
            offered = stream.read(count)
            self.seen.append(bytes([version, count]) + offered)
            wanted = NO_LOGIN if self.credentials is None else LOGIN
            client.sendall(b"\x05" + (wanted if wanted in offered else NONE_OF_THESE))
            if wanted not in offered:
                return
            if self.credentials is not None:
                stream.read(1)
                user, password = (stream.read(stream.read(1)[0]).decode() for _ in range(2))
                wrong = f"{user}:{password}" != self.credentials
                client.sendall(bytes([1, wrong]))
                if wrong:
                    return
            _, command, _, kind = stream.read(4)
            assert command == 1
            size = {1: 4, 3: 0, 4: 16}[kind] or stream.read(1)[0]
            address = stream.read(size)
            host = address.decode() if kind == 3 else socket.inet_ntop({1: 2, 4: 10}[kind], address)
            port = int.from_bytes(stream.read(2), "big")
            self.asked.append((host, port))
            client.sendall(b"\x05" + self.refusal + b"\x00\x01" + bytes(6))
            if self.refusal == b"\x00":
                with socket.create_connection(("127.0.0.1", port), 10) as upstream:
                    self._pump(client, upstream)


@pytest.fixture
def socks_proxy() -> Iterator[SocksProxy]:
    proxy = SocksProxy()
    yield proxy
    proxy.close()
