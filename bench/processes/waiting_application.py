"""An application that does nothing but wait, as a process of its own: `waiting_application.py SECONDS`.

It answers every call `SECONDS` after the last byte of it came, so that what a client needs beyond
that is the client's own. Prints its port; ends with its standard input.
"""

import asyncio
import sys

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Waiting(asyncio.Protocol):
    """One connection, one call at a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._left = 0
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._left:
            self._left -= len(data)
        else:
            self._head += data
            head, ended, body = self._head.partition(b"\r\n\r\n")
            if not ended:
                return
            self._left = _length(head) - len(body)
            self._head = b""
        if not self._left:
            asyncio.get_running_loop().call_later(self._seconds, self._transport.write, ANSWER)


def _length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)


async def main(seconds: float) -> None:
    """Serves until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Waiting(seconds), "127.0.0.1")
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
