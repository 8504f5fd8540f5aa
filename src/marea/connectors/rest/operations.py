"""Owns how one record is delivered: by its key, or by the id the application gave it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence

from marea.connectors.rest.answers import Answer, Unreadable, dig, refusal
from marea.connectors.rest.course import Applied, Refused, Verdict
from marea.connectors.rest.records import Record
from marea.connectors.rest.retry import Trouble
from marea.connectors.rest.routes import Call, Routes
from marea.connectors.rest.template import Template, Unaddressable
from marea.connectors.rest.wire import Interrupted, Wire
from marea.connectors.rest.words import text_of
from marea.model import Operation, Problem
from marea.ports import Shape

Attempt = Callable[[], Awaitable[Verdict]]

_GONE = (404, 410)


class Operations:
    """Attempts of single records; each gives a verdict or raises Interrupted, and may be repeated."""

    def __init__(self, shape: Shape, routes: Routes, wire: Wire) -> None:
        self._shape = shape
        self._routes = routes
        self._wire = wire

    async def attempt(self, record: Record) -> Verdict:
        """Brings the application's record to the payload, from whatever state it is in."""
        try:
            if record.operation == Operation.NONE:
                return Applied(record.target_id)
            if record.operation == Operation.DELETE:
                return await self._delete(record)
            if self._routes.create is None:
                return await self._upsert(record)
            return await self._by_id(record)
        except Unaddressable as error:
            return Refused(Problem("address", str(error), self._shape.key[0]))

    def address(self, path: Template, record: Record | None = None, target_id: str | None = None) -> str:
        """The path with the record's values in it. Raises Unaddressable."""
        values: dict[str, Sequence[str]] = {"object": self._shape.object.split("/")}
        if record is not None:
            values |= {name: (part,) for name, part in zip(self._shape.key, record.key, strict=True)}
            values |= {"key": record.key, "id": (target_id or "",)}
        return path.render(values)

    async def _upsert(self, record: Record) -> Verdict:
        call = self._routes.upsert
        assert call is not None  # noqa: S101 - routes without create have it, or a batch takes the record
        answer = await self._send(call, record)
        if not answer.good:
            return Refused(refusal(answer))
        return Applied(_id_in(answer, call.id) if call.id else record.target_id)

    async def _delete(self, record: Record) -> Verdict:
        call = self._routes.delete
        if call is None:
            return Refused(Problem("delete", "the system declares no delete", hint="declare delete: for it"))
        target_id = record.target_id
        if "id" in call.path.names and target_id is None:
            found = await self._find(record)
            if found is None or isinstance(found, Refused):
                return found or Applied()
            target_id = found
        path = self.address(call.path, record, target_id)
        answer = await self._wire.call(call.method, path)
        done = answer.good or answer.status in _GONE
        return Applied(target_id) if done else Refused(refusal(answer))

    async def _by_id(self, record: Record) -> Verdict:
        if record.operation == Operation.UPDATE and (record.target_id is not None or not self._needs_id):
            verdict = await self._update(record, record.target_id)
            if verdict is not None:
                return verdict
        found = await self._find(record)
        if isinstance(found, Refused):
            return found
        if found is not None:
            return await self._adopt(record, found)
        return await self._create(record)

    @property
    def _needs_id(self) -> bool:
        return self._routes.update is not None and "id" in self._routes.update.path.names

    async def _update(self, record: Record, target_id: str | None) -> Verdict | None:
        """None when there is no such record any more."""
        call = self._routes.update
        assert call is not None  # noqa: S101 - create is not accepted without it
        answer = await self._send(call, record, target_id)
        if answer.status in _GONE:
            return None
        return Applied(target_id) if answer.good else Refused(refusal(answer))

    async def _adopt(self, record: Record, target_id: str) -> Verdict:
        verdict = await self._update(record, target_id)
        if verdict is not None:
            return verdict
        gone = f"record {target_id} was found by its key, but is not there when it is updated"
        return Refused(Problem("gone", gone, retryable=True))

    async def _create(self, record: Record) -> Verdict:
        call = self._routes.create
        assert call is not None  # noqa: S101 - the caller has seen it
        try:
            answer = await self._send(call, record)
        except Interrupted as interrupted:
            if interrupted.trouble.sent and self._routes.find is None:
                return Refused(_unknown(interrupted.trouble))
            raise  # the next attempt begins with find, and so creates nothing twice (I6)
        if answer.status == 409 and self._routes.find is not None:
            return await self._conflict(record, answer)
        if not answer.good:
            return Refused(refusal(answer))
        target_id = _id_in(answer, call.id)
        return Applied(target_id) if target_id or not self._needs_id else await self._learn(record, call)

    async def _conflict(self, record: Record, answer: Answer) -> Verdict:
        """The application says that the record is there already: take it over, if it is found."""
        found = await self._find(record)
        if found is None:
            return Refused(refusal(answer))
        return found if isinstance(found, Refused) else await self._adopt(record, found)

    async def _learn(self, record: Record, call: Call) -> Verdict:
        """Asks for the id of a record just created, whose answer did not hold it."""
        found = await self._find(record)
        if isinstance(found, Refused):
            return found
        if found is not None:
            return Applied(found)
        text = f"it was created, but the answer holds no id at {call.id}"
        return Refused(
            Problem("no id", text, hint="set create.id to where the answer has it, and declare find")
        )

    async def _find(self, record: Record) -> str | Refused | None:
        """The id of the one record with this key, None for none; two are never chosen between."""
        call = self._routes.find
        if call is None:
            return None
        answer = await self._wire.call(call.method, self.address(call.path, record))
        if answer.status in _GONE:
            return None
        if not answer.good:
            return Refused(refusal(answer))
        try:
            items = _items(answer, call.items)
        except Unreadable as error:
            raise Interrupted(Trouble("answer", f"find: {error}", again=False)) from None
        ids = [_id_of(item, call.id) for item in _same(items, self._shape.key, record.key)]
        if len(ids) > 1:
            text = (
                f"{len(ids)} records with this key are there already: {', '.join(str(i) for i in ids[:10])}"
            )
            return Refused(Problem("ambiguous", text, hint="leave one of them in the application"))
        if ids and not ids[0]:
            return Refused(Problem("no id", f"the record found has no id at {call.id}", hint="set find.id"))
        return ids[0] if ids else None

    async def _send(self, call: Call, record: Record, target_id: str | None = None) -> Answer:
        path = self.address(call.path, record, target_id)
        return await self._wire.call(call.method, path, wrapped(call.wrap, record.payload))


def wrapped(name: str, body: bytes) -> bytes:
    """The body under a name, its own bytes untouched."""
    return b"{" + json.dumps(name).encode() + b":" + body + b"}" if name else body


def _unknown(trouble: Trouble) -> Problem:
    text = f"whether it was created is not known: {trouble.text}"
    return Problem(
        "unknown", text, hint="declare find: so that it can be asked; look there before `marea retry`"
    )


def _id_in(answer: Answer, path: str) -> str | None:
    try:
        return text_of(dig(answer.value(), path))
    except Unreadable:
        return None


def _id_of(item: object, path: str) -> str | None:
    return text_of(dig(item, path)) if isinstance(item, Mapping) else text_of(item)


def _items(answer: Answer, path: str) -> list[object]:
    value = dig(answer.value(), path)
    if value is None or value == {}:
        return []
    return value if isinstance(value, list) else [value]


def _same(items: list[object], fields: Sequence[str], key: Sequence[str]) -> list[object]:
    """The records that are not of another key: a search may answer with similar ones, or with all."""
    exact = [item for item in items if _agrees(item, fields, key, str)]
    return exact or [item for item in items if _agrees(item, fields, key, str.casefold)]


def _agrees(item: object, fields: Sequence[str], key: Sequence[str], form: Callable[[str], str]) -> bool:
    if not isinstance(item, Mapping):
        return True
    for field, part in zip(fields, key, strict=True):
        shown = text_of(item.get(field))
        if shown is not None and form(shown) != form(part):
            return False
    return True
