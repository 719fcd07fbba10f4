"""A loopback HTTP/1.1 server that is never what a benchmark waits for: one asyncio protocol, two kinds of answer.

    python benchmarks/quick_server.py        prints its port, serves until it is ended

A GET is answered with 200 bytes of JSON, a POST with the length of its body, `/served` with the number of both so far.
Below `/slow` the answer takes 10 ms, as one of a real API may.
"""

from __future__ import annotations

import asyncio
import json

SLOW_S = 0.01
SMALL = json.dumps({"id": 7, "name": "hushpost", "ok": True, "pad": "x" * 147}).encode()


class Http(asyncio.Protocol):
    served = 0

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            length = 0
            for line in head.split(b"\r\n")[1:]:
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if len(self._received) < end + 4 + length:
                return
            self._received = self._received[end + 4 + length :]
            method, target, _ = head.split(b" ", 2)
            if target == b"/served":
                self._answer(str(Http.served).encode())
                continue
            Http.served += 1
            body = SMALL if method == b"GET" else b'{"length": %d}' % length
            if target.startswith(b"/slow/"):
                asyncio.get_running_loop().call_later(SLOW_S, self._answer, body)
            else:
                self._answer(body)

    def _answer(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Http, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
