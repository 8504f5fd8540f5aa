"""Owns how one record is delivered to an application that is addressed by key, and what all calls share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from marea.connectors.rest.answers import Answer, Unreadable, dig, refusal
from marea.connectors.rest.course import Applied, Refused, Verdict
from marea.connectors.rest.records import Record, identity, key_of
from marea.connectors.rest.routes import Call, Routes
from marea.connectors.rest.template import Template
from marea.connectors.rest.wire import Wire
from marea.connectors.rest.words import text_of
from marea.model import Operation, Problem
from marea.ports import Shape

GONE = (404, 410)
"""Statuses that say there is no such record (any more)."""


class Operations(Protocol):
    """The ways to address records: `ByKey` and `marea.connectors.rest.ownids.OwnIds`."""

    async def attempt(self, record: Record) -> Verdict:
        """Brings the application's record to the payload, from whatever state it is in.

        Repeatable after any failure. Raises Interrupted, Unaddressable.
        """
        ...


class Calls:
    """The calls of one entity: addresses filled, bodies wrapped."""

    def __init__(self, shape: Shape, wire: Wire) -> None:
        self.shape = shape
        self.wire = wire

    def address(self, path: Template, record: Record | None = None, target_id: str | None = None) -> str:
        """The path with the record's values in it. Raises Unaddressable."""
        values: dict[str, Sequence[str]] = {"object": self.shape.object.split("/")}
        if record is not None:
            values |= {name: (part,) for name, part in zip(self.shape.key, record.key, strict=True)}
            values |= {"key": record.key, "id": (target_id or "",)}
        return path.render(values)

    async def send(self, call: Call, record: Record, target_id: str | None = None) -> Answer:
        """The call with the record's payload as its body."""
        path = self.address(call.path, record, target_id)
        return await self.wire.call(call.method, path, wrapped(call.wrap, record.payload))

    async def ask(self, call: Call, record: Record, target_id: str | None = None) -> Answer:
        """The call without a body."""
        return await self.wire.call(call.method, self.address(call.path, record, target_id))


class ByKey:
    """Records that are put and deleted by their key."""

    def __init__(self, calls: Calls, routes: Routes) -> None:
        self._calls = calls
        self._upsert = routes.upsert
        self._delete = routes.delete
        self._keyed = routes.keyed

    async def attempt(self, record: Record) -> Verdict:
        """One PUT or DELETE: whichever state it meets, the record is as wanted afterwards."""
        if record.operation == Operation.DELETE:
            return await self._remove(record)
        if self._upsert is None:
            return Refused(Problem("upsert", "the system declares no upsert", hint="declare upsert: for it"))
        answer = await self._calls.send(self._upsert, record)
        if not answer.good:
            return Refused(refusal(answer))
        applied = Applied(identity(record.key) if self._keyed else id_in(answer, self._upsert.id))
        return await self.forget(record, applied) if self.moved(record, applied) else applied

    def moved(self, record: Record, applied: Applied) -> bool:
        """Whether the record may still be there as it was known before, beside what was applied."""
        return bool(self._before(record, applied))

    async def forget(self, record: Record, applied: Applied) -> Verdict:
        """Ends the upsert of a record that moved: removes it from under its old keys."""
        for before in self._before(record, applied):
            verdict = await self._remove(before)
            if isinstance(verdict, Refused):
                return verdict
        return applied

    def _before(self, record: Record, applied: Applied) -> list[Record]:
        """The record as it was known, and as it may have been, where it may still be there so."""
        if self._keyed:
            known = record.target_id not in (None, applied.target_id)
        else:
            # With the id it had it is the same record: the application moved it, or takes both keys for one.
            if applied.target_id is not None and applied.target_id == record.target_id:
                return []
            known = record.former is not None
        return [record] * known + [self._under(record, key) for key in self._addressable(record)]

    def _addressable(self, record: Record) -> tuple[tuple[str, ...], ...]:
        """The keys tried by which it can be removed: the id that one was given came with the lost answer."""
        by_id = self._delete is not None and "id" in self._delete.path.names
        return () if by_id and not self._keyed else record.tried

    def _under(self, record: Record, key: tuple[str, ...]) -> Record:
        return replace(record, key=key, former=None, target_id=identity(key) if self._keyed else None)

    async def _remove(self, record: Record) -> Verdict:
        """Deletes the record under the key it was delivered with, which its fields may no longer show."""
        if self._delete is None:
            return Refused(Problem("delete", "the system declares no delete", hint="declare delete: for it"))
        if self._keyed and record.target_id is not None:
            record = replace(record, key=key_of(record.target_id, len(record.key)))
        elif record.former is not None:
            record = replace(record, key=record.former)
        return await removed(self._calls, self._delete, record, record.target_id)


async def removed(calls: Calls, delete: Call, record: Record, target_id: str | None) -> Verdict:
    """Deletes; a record that is not there any more is as deleted as can be."""
    answer = await calls.ask(delete, record, target_id)
    done = answer.good or answer.status in GONE
    return Applied(target_id) if done else Refused(refusal(answer))


def wrapped(name: str, body: bytes) -> bytes:
    """The body under a name, its own bytes untouched."""
    return b"{" + json.dumps(name).encode() + b":" + body + b"}" if name else body


def id_in(answer: Answer, path: str) -> str | None:
    """The id an answer holds at a dotted path, None where it holds none."""
    try:
        return text_of(dig(answer.value(), path))
    except Unreadable:
        return None
