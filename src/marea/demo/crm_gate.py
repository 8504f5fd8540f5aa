"""Owns what stands before the demo CRM's records: the token, the faults on request, who called what."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import replace

from aiohttp import web

from marea.demo.crm_messages import Refused, answer, body_of, record_in, refusal
from marea.demo.crm_switches import Counts, Sessions, Switches

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gate:
    """What every call passes, and what an administrator asks of it."""

    def __init__(self, token: str) -> None:
        self._token = f"Bearer {token}".encode()
        self._switches = Switches()
        self._counts = Counts()
        self._sessions = Sessions()

    def routes(self) -> list[web.RouteDef]:
        """Its own calls."""
        return [
            web.post("/admin/maintenance", self._maintenance),
            web.post("/admin/faults", self._faults),
            web.get("/admin/calls", self._calls),
            web.delete("/admin/calls", self._reset),
            web.get("/admin/sessions", self._connected),
        ]

    def did(self, name: str, what: str) -> None:
        """Counts what became of a record of an object: created, updated, unchanged, deleted, refused."""
        self._counts.records[name][what] += 1

    def fail(self, key: str) -> None:
        """Ends a write of a key that is to fail."""
        if key in self._switches.fail:
            raise web.HTTPInternalServerError(text="Something went wrong in the CRM")

    @web.middleware
    async def pass_through(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Lets a call in, and its answer out."""
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), self._token):
            return refusal(401, "The token is missing or wrong")
        if request.path.startswith("/admin/"):
            return await handler(request)
        self._counts.enter(_kind(request))
        self._sessions.enter(request.transport)
        try:
            return await self._serve(request, handler)
        finally:
            self._counts.now -= 1

    async def _serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        switches = self._switches
        if switches.latency:
            await asyncio.sleep(switches.latency)
        if switches.maintenance:
            headers = {"Retry-After": switches.retry_after} if switches.retry_after else {}
            return refusal(503, "The CRM is in maintenance", headers)
        if switches.throttle:
            switches.throttle -= 1
            return refusal(429, "Too many calls", {"Retry-After": switches.throttle_after})
        try:
            done = await handler(request)
        except Refused as refused:
            self.did(request.match_info["object"], "refused")
            return answer({"error": str(refused), "errors": refused.errors}, 422)
        if request.method != "GET":
            self._lose(request)
        return done

    def _lose(self, request: web.Request) -> None:
        """Breaks the connection instead of answering, when this write's turn has come."""
        if self._switches.lose:
            self._switches.lose -= 1
            if self._switches.lose == 0 and request.transport is not None:
                request.transport.abort()

    # -- administration ----------------------------------------------------------------------

    async def _maintenance(self, request: web.Request) -> web.Response:
        asked = record_in(await body_of(request))
        self._switches.maintenance = bool(asked.get("on"))
        self._switches.retry_after = str(asked.get("retry_after", "30"))
        return answer({"on": self._switches.maintenance})

    async def _faults(self, request: web.Request) -> web.Response:
        asked = dict(record_in(await body_of(request)))
        if "fail" in asked:
            asked["fail"] = frozenset(map(str, asked["fail"]))  # type: ignore[call-overload]
        try:
            self._switches = replace(self._switches, **asked)  # type: ignore[arg-type]
        except TypeError as error:
            return refusal(422, str(error))
        return answer({"faults": sorted(asked)})

    async def _calls(self, _: web.Request) -> web.Response:
        return answer(self._counts.shown())

    async def _reset(self, _: web.Request) -> web.Response:
        self._counts = Counts(now=self._counts.now)
        return answer(self._counts.shown())

    async def _connected(self, _: web.Request) -> web.Response:
        return answer(self._sessions.shown())


def _kind(request: web.Request) -> str:
    """Method and kind of call: its route without what differs from record to record."""
    path = request.path
    if path.startswith("/api/v2/"):
        whole = "find" if request.method == "GET" else "new"
        return f"{request.method} {'id' if path.count('/') > 3 else whole}"
    if request.method == "POST":
        return "POST batch"
    return f"{request.method} {'key' if path.count('/') > 2 else 'page'}"
