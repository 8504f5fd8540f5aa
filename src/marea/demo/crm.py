"""Owns the demo CRM: a small web service with storage (`python -m marea.demo.crm`), for lesson and tests.

    PUT, GET, DELETE /api/{object}/{key}             records by key; a composite key has a path element a part
    GET              /api/{object}?limit=&after=     a page of them
    POST             /api/{object}/batch             many, by their `code` or the fields named in ?key=
    POST             /api/v2/{object}                a record with an id of the CRM's own
    GET              /api/v2/{object}?external_id=   those of an external id; without it a page of all
    GET, POST, PUT, PATCH, DELETE /api/v2/{object}/{id}
    POST /admin/maintenance {"on": true}             503 everywhere but here
    POST /admin/faults {"lose": 1, …}                see `marea.demo.crm_switches.Switches`
    GET, DELETE /admin/calls                         what was called and what it did; DELETE starts again
    GET              /admin/sessions                 the connections of callers that are open
    GET, DELETE /admin/records                       how many records there are; DELETE empties the CRM

Every call needs `Authorization: Bearer TOKEN`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from marea.demo.crm_gate import Gate
from marea.demo.crm_messages import (
    Refused,
    answer,
    body_of,
    external_id_of,
    key_of,
    limit_of,
    object_of,
    page_of,
    record_in,
    records_in,
    refusal,
    written,
)
from marea.demo.crm_rules import refusals
from marea.demo.crm_store import Store, with_id

TOKEN = "demo"  # noqa: S105 - of the demonstration; CRM_TOKEN gives another
LARGEST_BATCH = 1000
_BODY_BYTES = 64 * 1024 * 1024
_OBJECT = "{object:(?!v2/|v2$)[^/]+}"


class Crm:
    """The service: handlers over a store."""

    def __init__(self, store: Store, token: str) -> None:
        self._store = store
        self._gate = Gate(token)

    def application(self) -> web.Application:
        """The web application."""
        app = web.Application(middlewares=[self._gate.pass_through], client_max_size=_BODY_BYTES)
        app.add_routes(
            [
                *self._gate.routes(),
                web.get("/admin/records", self._count),
                web.delete("/admin/records", self._empty),
                web.post("/api/v2/{object}", self._create, name="create"),
                web.get("/api/v2/{object}", self._find, name="find"),
                web.get(r"/api/v2/{object}/{id:\d+}", self._get_owned, name="id"),
                web.post(r"/api/v2/{object}/{id:\d+}", self._update),
                web.put(r"/api/v2/{object}/{id:\d+}", self._update),
                web.patch(r"/api/v2/{object}/{id:\d+}", self._update),
                web.delete(r"/api/v2/{object}/{id:\d+}", self._drop),
                web.post(f"/api/{_OBJECT}/batch", self._batch, name="batch"),
                web.get(f"/api/{_OBJECT}", self._page, name="page"),
                web.put(f"/api/{_OBJECT}/{{key:.+}}", self._put, name="key"),
                web.get(f"/api/{_OBJECT}/{{key:.+}}", self._get),
                web.delete(f"/api/{_OBJECT}/{{key:.+}}", self._remove),
            ]
        )
        return app

    # -- records by key ----------------------------------------------------------------------

    async def _put(self, request: web.Request) -> web.Response:
        name, key = object_of(request), key_of(request)
        body = await body_of(request)
        self._accept(name, key, record_in(body))
        done = await self._store.put(name, key, body)
        self._gate.did(name, done)
        return answer({"key": key, "status": done}, 201 if done == "created" else 200)

    async def _get(self, request: web.Request) -> web.Response:
        body = self._store.get(object_of(request), key_of(request))
        return refusal(404, "There is no such record") if body is None else written(body)

    async def _remove(self, request: web.Request) -> web.Response:
        name, key = object_of(request), key_of(request)
        self._gate.fail(key)
        if not await self._store.remove(name, key):
            return refusal(404, "There is no such record")
        self._gate.did(name, "deleted")
        return web.Response(status=204)

    async def _page(self, request: web.Request) -> web.Response:
        limit = limit_of(request)
        rows = self._store.page(object_of(request), request.query.get("after", ""), limit)
        return page_of([body for _, body in rows], rows[-1][0] if len(rows) == limit else None)

    async def _batch(self, request: web.Request) -> web.Response:
        name = object_of(request)
        records = records_in(await body_of(request))
        if len(records) > LARGEST_BATCH:
            return refusal(413, f"A batch holds at most {LARGEST_BATCH} records")
        fields = request.query.get("key", "code").split(",")
        results = await asyncio.gather(*(self._take(name, fields, body) for body in records))
        return answer({"results": results})

    async def _take(self, name: str, fields: Sequence[str], body: str) -> dict[str, object]:
        record = record_in(body)
        key = "/".join(quote(str(record.get(field, "")), safe="") for field in fields)
        shown: dict[str, object] = {field: record.get(field) for field in fields}
        try:
            self._accept(name, key, record)
        except Refused as refused:
            self._gate.did(name, "refused")
            return {**shown, "status": "refused", "error": refused.errors}
        done = await self._store.put(name, key, body)
        self._gate.did(name, done)
        return {**shown, "status": done}

    # -- records with ids of the CRM's own ---------------------------------------------------

    async def _create(self, request: web.Request) -> web.Response:
        name, body = object_of(request), await body_of(request)
        record = record_in(body)
        external_id = external_id_of(record)
        self._accept(name, external_id or "", record)
        number = await self._store.add(name, external_id, body)
        self._gate.did(name, "created")
        return written(with_id(number, body), 201)

    async def _update(self, request: web.Request) -> web.Response:
        name, number = object_of(request), int(request.match_info["id"])
        if self._store.owned(name, number) is None:
            return refusal(404, f"There is no record {number}")
        body = await body_of(request)
        record = record_in(body)
        external_id = external_id_of(record)
        self._accept(name, external_id or "", record)
        merge = request.method == "PATCH"
        done = await self._store.change(name, number, external_id, body, merge=merge)
        self._gate.did(name, done)
        return written(self._store.owned(name, number) or "null")

    async def _get_owned(self, request: web.Request) -> web.Response:
        body = self._store.owned(object_of(request), int(request.match_info["id"]))
        return refusal(404, "There is no such record") if body is None else written(body)

    async def _drop(self, request: web.Request) -> web.Response:
        name = object_of(request)
        if not await self._store.drop(name, int(request.match_info["id"])):
            return refusal(404, "There is no such record")
        self._gate.did(name, "deleted")
        return web.Response(status=204)

    async def _find(self, request: web.Request) -> web.Response:
        name = object_of(request)
        if "external_id" in request.query:
            return page_of(self._store.find(name, request.query["external_id"]), None)
        limit = limit_of(request)
        rows = self._store.owned_page(name, int(request.query.get("after", "0")), limit)
        return page_of([body for _, body in rows], rows[-1][0] if len(rows) == limit else None)

    # -- what every write passes -------------------------------------------------------------

    def _accept(self, name: str, key: str, record: Mapping[str, object]) -> None:
        self._gate.fail(key)
        errors = refusals(name, record, self._store.has)
        if errors:
            raise Refused(errors)

    # -- all records -----------------------------------------------------------------------

    async def _count(self, _: web.Request) -> web.Response:
        return answer(self._store.counts())

    async def _empty(self, _: web.Request) -> web.Response:
        await self._store.empty()
        return answer(self._store.counts())


async def serve(storage: Path, host: str, port: int, token: str, *, attended: bool) -> None:
    """Serves until the process is told to end; prints the address once it listens.

    Attended, it also ends with its standard input: whoever started it is gone then, however he ended.
    """
    store = Store(storage)
    runner = web.AppRunner(Crm(store, token).application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    chosen = runner.addresses[0][1]
    sys.stdout.write(f"http://{host}:{chosen}\n")
    sys.stdout.flush()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    if attended:
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), stopped.set)
    await stopped.wait()
    await runner.cleanup()
    store.close()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m marea.demo.crm", description="A demo CRM")
    parser.add_argument("--storage", type=Path, required=True, help="its SQLite file; made when missing")
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--attended", action="store_true", help="end when standard input does")
    asked = parser.parse_args()
    token = os.environ.get("CRM_TOKEN", TOKEN)
    asyncio.run(serve(asked.storage, asked.host, asked.port, token, attended=asked.attended))


if __name__ == "__main__":
    main()
