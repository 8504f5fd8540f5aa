"""Owns one delivery: workers that share the records, insist on each, and stop when the application is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from time import monotonic
from typing import TypeVar

from marea.connectors.rest.answers import Answer
from marea.connectors.rest.chunks import body, chunks, verdicts
from marea.connectors.rest.course import Course, Failed, Refused
from marea.connectors.rest.operations import Operations
from marea.connectors.rest.records import Record
from marea.connectors.rest.retry import Policy, Trouble, decide
from marea.connectors.rest.routes import Batch, Routes
from marea.connectors.rest.wire import Interrupted, Wire
from marea.model import Operation
from marea.ports import Shape

T = TypeVar("T")


class Delivery:
    """Delivers the records of one batch; `course` is told what became of each."""

    def __init__(self, shape: Shape, routes: Routes, wire: Wire, policy: Policy, course: Course) -> None:
        self._routes = routes
        self._wire = wire
        self._policy = policy
        self._course = course
        self._operations = Operations(shape, routes, wire)

    async def run(self, records: Iterator[Record], workers: int) -> None:
        """Delivers every record, `workers` at once, unless the application goes away."""
        batch = self._routes.batch
        work = ([record] for record in records) if batch is None else chunks(records, batch.size)
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work(work))

    async def _work(self, work: Iterator[list[Record]]) -> None:
        for chunk in work:
            await self._deliver(chunk, self._policy)

    async def _deliver(self, chunk: list[Record], policy: Policy) -> None:
        if self._course.away is not None:
            return
        batch = self._routes.batch
        if batch is None or (len(chunk) == 1 and self._alone(chunk[0])):
            await self._deliver_one(chunk[0], policy)
        else:
            await self._deliver_many(batch, chunk, policy)

    def _alone(self, record: Record) -> bool:
        return self._routes.upsert is not None or record.operation == Operation.DELETE

    async def _deliver_one(self, record: Record, policy: Policy) -> None:
        started = monotonic()
        end = await self._insist(lambda: self._operations.attempt(record), policy)
        verdict = Failed(end) if isinstance(end, Trouble) else end
        self._course.settle(record.row, verdict, round((monotonic() - started) * 1000))

    async def _deliver_many(self, batch: Batch, chunk: list[Record], policy: Policy) -> None:
        end = await self._insist(lambda: self._call(batch, chunk), policy)
        outcome = end if isinstance(end, Trouble) else verdicts(batch, chunk, end)
        if isinstance(outcome, list):
            for record, verdict in zip(chunk, outcome, strict=True):
                self._course.settle(record.row, verdict)
        elif len(chunk) == 1 or (isinstance(outcome, Trouble) and outcome.absent):
            verdict = Failed(outcome) if isinstance(outcome, Trouble) else Refused(outcome)
            for record in chunk:
                self._course.settle(record.row, verdict)
        else:
            # Refused as a whole, perhaps for one record: halve until that one stands alone (I8).
            # What failed after being insisted on is no passing trouble: its halves get one more chance.
            calm = replace(policy, attempts=2) if isinstance(outcome, Trouble) else policy
            middle = len(chunk) // 2
            await self._deliver(chunk[:middle], calm)
            await self._deliver(chunk[middle:], calm)

    async def _call(self, batch: Batch, chunk: list[Record]) -> Answer:
        path = self._operations.address(batch.path)
        return await self._wire.call(batch.method, path, body(batch, chunk))

    async def _insist(self, attempt: Callable[[], Awaitable[T]], policy: Policy) -> T | Trouble:
        """What an attempt ended with, or why all of them were interrupted."""
        started = monotonic()
        number = 0
        while True:
            number += 1
            try:
                return await attempt()
            except Interrupted as interrupted:
                trouble = interrupted.trouble
            wait = decide(trouble, number, monotonic() - started, policy)
            if wait is None or self._course.away is not None:
                return trouble
            await asyncio.sleep(wait)
