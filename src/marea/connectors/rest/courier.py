"""Owns one delivery: workers share the records, insist on each, and stop when the application is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import TypeVar

from marea.connectors.rest.answers import Answer
from marea.connectors.rest.chunks import alone, body, chunks, verdicts
from marea.connectors.rest.course import Applied, Course, Failed, Refused, Verdict
from marea.connectors.rest.operations import ByKey, Calls, Operations
from marea.connectors.rest.ownids import OwnIds
from marea.connectors.rest.records import Record
from marea.connectors.rest.retry import Failure, Policy, decide
from marea.connectors.rest.routes import Batch, Routes
from marea.connectors.rest.template import Unaddressable
from marea.connectors.rest.wire import Interrupted, Wire
from marea.model import Operation, Problem
from marea.ports import Shape
from marea.stop import Stop

T = TypeVar("T")


class Courier:
    """Delivers the records of one batch; `course` is told what became of each."""

    def __init__(
        self,
        shape: Shape,
        routes: Routes,
        wire: Wire,
        policy: Policy,
        course: Course,
        known: Callable[[str], bool],
    ) -> None:
        """`known` says whether a record was given an id."""
        self._routes = routes
        self._policy = policy
        self._course = course
        self._calls = Calls(shape, wire)
        self._by_key = ByKey(self._calls, routes)
        self._operations = self._by_key if routes.create is None else _own_ids(self._calls, routes, known)

    async def run(self, records: Iterator[Record], workers: int, stop: Stop) -> None:
        """Delivers every record, `workers` at once, unless it goes away or `stop` is asked for."""
        batch = self._routes.batch
        work = ([record] for record in records) if batch is None else chunks(records, batch.size)
        end = partial(asyncio.get_running_loop().call_soon_threadsafe, self._end)
        self._calls.wire.resume()
        with stop.telling(end):
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(self._work(work))

    def _end(self) -> None:
        """Begins no call any more, and waits for none that was not begun."""
        self._course.stop()
        self._calls.wire.end()

    async def _work(self, work: Iterator[list[Record]]) -> None:
        for chunk in work:
            await self._deliver(chunk, self._policy)

    async def _deliver(self, chunk: list[Record], policy: Policy) -> None:
        if self._course.end is not None:
            return
        batch = self._routes.batch
        if batch is None or (len(chunk) == 1 and (self._routes.upsert is not None or alone(chunk[0]))):
            await self._deliver_one(chunk[0], policy)
        else:
            await self._deliver_many(batch, chunk, policy)

    async def _deliver_one(self, record: Record, policy: Policy) -> None:
        started = monotonic()
        verdict = await self._attempt(self._operations.attempt, record, policy)
        self._course.settle(record.row, verdict, round((monotonic() - started) * 1000))

    async def _attempt(
        self, attempt: Callable[[Record], Awaitable[Verdict]], record: Record, policy: Policy
    ) -> Verdict:
        if record.operation == Operation.NONE:
            return Applied(record.target_id)
        try:
            end = await self._insist(lambda: attempt(record), policy)
        except Unaddressable as error:
            return Refused(Problem("address", str(error), ", ".join(self._calls.shape.key)))
        return Failed(end) if isinstance(end, Failure) else end

    async def _deliver_many(self, batch: Batch, chunk: list[Record], policy: Policy) -> None:
        end = await self._insist(lambda: self._call(batch, chunk), policy)
        if isinstance(end, Failure) and end.led_away:
            end = replace(end, away=True)
        outcome = end if isinstance(end, Failure) else verdicts(batch, chunk, end)
        if isinstance(outcome, list):
            for record, verdict in zip(chunk, outcome, strict=True):
                await self._settle(record, verdict, policy)
        elif len(chunk) == 1 or (isinstance(outcome, Failure) and (outcome.absent or self._course.end)):
            verdict = Failed(outcome) if isinstance(outcome, Failure) else Refused(outcome)
            for record in chunk:
                self._course.settle(record.row, verdict)
        else:
            # Refused as a whole, perhaps for one record: halve until that one stands alone (I8).
            # What failed after being insisted on is no passing failure: its halves get one more chance.
            calm = replace(policy, attempts=2) if isinstance(outcome, Failure) else policy
            middle = len(chunk) // 2
            await self._deliver(chunk[:middle], calm)
            await self._deliver(chunk[middle:], calm)

    async def _settle(self, record: Record, verdict: Verdict, policy: Policy) -> None:
        if isinstance(verdict, Applied) and self._by_key.moved(record, verdict):
            verdict = await self._attempt(partial(self._by_key.forget, applied=verdict), record, policy)
        self._course.settle(record.row, verdict)

    async def _call(self, batch: Batch, chunk: list[Record]) -> Answer:
        path = self._calls.address(batch.path)
        return await self._calls.wire.call(batch.method, path, body(batch, chunk))

    async def _insist(self, attempt: Callable[[], Awaitable[T]], policy: Policy) -> T | Failure:
        """What an attempt ended with, or why all of them were interrupted.

        Where one answer was lost, what later attempts met does not tell what became of the first.
        """
        started = monotonic()
        number = 0
        lost = False
        while True:
            number += 1
            try:
                return await attempt()
            except Interrupted as interrupted:
                lost = lost or interrupted.failure.lost
                failure = replace(interrupted.failure, lost=lost)
            wait = decide(failure, number, monotonic() - started, policy)
            if wait is None or self._course.end is not None:
                return failure
            if failure.throttled:
                self._calls.wire.rest(wait)
            if not await self._calls.wire.waited(wait):
                return failure


def _own_ids(calls: Calls, routes: Routes, known: Callable[[str], bool]) -> Operations:
    assert routes.create is not None  # noqa: S101 - the caller has seen it
    assert routes.update is not None  # noqa: S101 - create is not accepted without it
    return OwnIds(calls, routes.create, routes.update, routes.find, routes.delete, known)
