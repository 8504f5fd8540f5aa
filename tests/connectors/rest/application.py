"""Owns an application whose answers a test scripts: real HTTP, in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Call:
    """One call as it arrived; `path` is as it was sent, still encoded."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def value(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer; `lost` breaks the connection instead, `broken` in the middle of it."""

    status: int = 200
    value: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    lost: bool = False
    broken: bool = False


Script = Callable[[Call], Reply]


class Application:
    """Answers by `script`, remembers `calls`, knows how many it served at once."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.script: Script = lambda call: Reply()
        self.calls: list[Call] = []
        self.peak = 0
        self.hold: int = 0
        """Answers none until that many are there at once."""
        self._now = 0
        self._context = context
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.address = ""

    def __enter__(self) -> Application:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def paths(self, method: str) -> list[str]:
        return [call.path for call in self.calls if call.method == method]

    async def _start(self) -> None:
        self._full = asyncio.Event()
        app = web.Application(client_max_size=2**30)
        app.router.add_route("*", "/{tail:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._context).start()
        scheme = "https" if self._context else "http"
        self.address = f"{scheme}://localhost:{self._runner.addresses[0][1]}"

    async def _end(self) -> None:
        await self._runner.cleanup()
        for _ in range(10):  # connections that were broken off still have their end to tell
            await asyncio.sleep(0)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        body = await request.read()
        call = Call(request.method, path, dict(request.query), dict(request.headers), body)
        self._now += 1
        self.peak = max(self.peak, self._now)
        try:
            await self._wait()
            self.calls.append(call)
            reply = self.script(call)
        finally:
            self._now -= 1
        if reply.lost and request.transport is not None:
            request.transport.abort()
        return await _half(request, reply) if reply.broken else _response(reply)

    async def _wait(self) -> None:
        if self.hold and not self._full.is_set():
            if self._now >= self.hold:
                self._full.set()
            await self._full.wait()


async def _half(request: web.Request, reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write((reply.text or "").encode())
    assert request.transport is not None
    request.transport.close()
    return response


def _response(reply: Reply) -> web.Response:
    if reply.text is not None:
        return web.Response(status=reply.status, text=reply.text, headers=reply.headers)
    body = b"" if reply.value is None else json.dumps(reply.value).encode()
    return web.Response(
        status=reply.status, body=body, headers=reply.headers, content_type="application/json"
    )
