"""Connections through a SOCKS 5 proxy, such as `ssh -D` opens: RFC 1928, with RFC 1929's user name and password.

Below httpcore, whose own way through such a proxy takes an answer in two pieces for a broken one, and leaves the
connection open when it is refused.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from core.sending.transport import httpcore

_NO_LOGIN, _LOGIN = 0, 2
_IPV4, _NAME, _IPV6 = 1, 3, 4
_REFUSALS = {
    1: "it failed there",
    2: "its rules do not allow it",
    3: "the network cannot be reached from there",
    4: "the host cannot be reached from there",
    5: "the host refused the connection",
    6: "the host did not answer there",
}


class SocksRefused(httpcore.ProxyError):
    """The proxy did not make the tunnel; `login` where user name and password are what it did not like."""

    def __init__(self, why: str, *, login: bool = False) -> None:
        super().__init__(why)
        self.login = login


class SocksBackend(httpcore.NetworkBackend):
    """Makes tunnels over the connections of another backend; names of hosts are looked up by the proxy."""

    def __init__(self, connections: httpcore.NetworkBackend, proxy: str) -> None:
        parts = urlsplit(proxy)
        self._connections = connections
        self._proxy = (parts.hostname or "", parts.port or 0)
        self._login: tuple[bytes, bytes] | None = None
        if parts.username is not None:
            self._login = (unquote(parts.username).encode(), unquote(parts.password or "").encode())

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._connections.connect_tcp(*self._proxy, timeout, local_address, socket_options)
        try:
            self._log_in(stream)
            stream.write(b"\x05\x01\x00" + _address(host) + port.to_bytes(2, "big"))
            version, reply, _, kind = _read(stream, 4)
            if version != 5 or kind not in (_IPV4, _NAME, _IPV6):
                raise SocksRefused("it does not answer in SOCKS 5")
            if reply:
                raise SocksRefused(_REFUSALS.get(reply, "it refused"))
            size = {_IPV4: 4, _IPV6: 16}.get(kind) or _read(stream, 1)[0]
            _read(stream, size + 2)
        except BaseException:
            stream.close()
            raise
        return stream

    def _log_in(self, stream: httpcore.NetworkStream) -> None:
        method = _NO_LOGIN if self._login is None else _LOGIN
        stream.write(bytes([5, 1, method]))
        version, chosen = _read(stream, 2)
        if version != 5:
            raise SocksRefused("it does not answer in SOCKS 5")
        if chosen != method:
            wants = "it wants a user name and password" if self._login is None else "it takes no user name and password"
            raise SocksRefused(wants, login=True)
        if self._login is not None:
            if any(len(part) > 255 for part in self._login):
                raise SocksRefused("its user name or password is longer than 255 bytes", login=True)
            stream.write(b"\x01" + b"".join(bytes([len(part)]) + part for part in self._login))
            if _read(stream, 2)[1]:
                raise SocksRefused("it did not take the user name and password", login=True)


def _address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return bytes([_NAME, len(host)]) + host.encode("ascii")
    return bytes([_IPV4 if address.version == 4 else _IPV6]) + address.packed


def _read(stream: httpcore.NetworkStream, size: int) -> bytes:
    """So many bytes: one at a time could be all that a piece holds, and more would belong to the tunnel."""
    data = b""
    while len(data) < size:
        piece = stream.read(size - len(data))
        if not piece:
            raise SocksRefused("it closed the connection")
        data += piece
    return data
