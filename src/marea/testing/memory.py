"""Owns a target in memory: a real implementation of the port, for tests of everything around targets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from marea.errors import BatchRefused, SystemUnreachable
from marea.model import Operation
from marea.ports import KEY, OPERATION, PAYLOAD, Receipt, Shape

if TYPE_CHECKING:
    import pyarrow as pa


class MemoryTarget:
    """Keeps records by their ledger key; refuses and goes away as it is told.

    `refuse(key, payload)` says why a record is refused, or None; one refused record refuses
    its whole batch. `away_after` counts the batches it takes before it is away.
    """

    def __init__(
        self,
        refuse: Callable[[str, Mapping[str, Any]], str | None] = lambda key, payload: None,
        away_after: int | None = None,
    ) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.batches: list[int] = []
        self.shapes: dict[str, Shape] = {}
        self.away_after = away_after
        self._refuse = refuse

    def prepare(self, shape: Shape) -> None:
        """Take the shape as it is."""
        self.shapes[shape.entity] = shape

    def repeats(self, shape: Shape) -> bool:
        """Always: records are kept by their key."""
        return True

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        """Apply all of a batch, or refuse it, or be away."""
        if self.away_after is not None and len(self.batches) >= self.away_after:
            raise SystemUnreachable("memory", "the target is in maintenance")
        payloads = [json.loads(text) for text in batch.column(PAYLOAD).to_pylist()]
        keys = batch.column(KEY).to_pylist()
        for key, payload in zip(keys, payloads, strict=True):
            if words := self._refuse(key, payload):
                raise BatchRefused(words, code="memory")
        self.batches.append(batch.num_rows)
        for key, operation, payload in zip(keys, batch.column(OPERATION).to_pylist(), payloads, strict=True):
            if operation == Operation.DELETE:
                self.records.pop(key, None)
            else:
                self.records[key] = payload
        return Receipt()

    def close(self) -> None:
        """Nothing is held open."""
