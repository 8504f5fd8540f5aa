"""Owns a target in memory: a real implementation of the port, for tests of everything around targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from marea.errors import BatchRefused, ConfigurationError, SystemUnreachable
from marea.model import Operation
from marea.ports import OPERATION, TARGET_ID, TRIED, Receipt, Shape
from marea.sql.keys import identities

if TYPE_CHECKING:
    import pyarrow as pa

Records = dict[str, dict[str, dict[str, Any]]]
"""Object -> key there, as `identities` writes it -> fields."""


class MemoryTarget:
    """Keeps records by their key there; refuses and goes away as it is told.

    `refuse(key, record)` says why a record is refused, or None; one refused record refuses
    its whole batch. `away_after` counts the batches it takes before it is away. Targets of the
    same `records` are targets of one system.
    """

    def __init__(
        self,
        refuse: Callable[[str, Mapping[str, Any]], str | None] = lambda key, record: None,
        away_after: int | None = None,
        records: Records | None = None,
    ) -> None:
        self.records: Records = {} if records is None else records
        self.batches: list[int] = []
        self._away_after = away_after
        self._refuse = refuse

    def prepare(self, shape: Shape) -> None:
        """Make a place for the shape, unless one that was delivered to is gone."""
        self._reach()
        for option in shape.options:
            raise ConfigurationError.single(f'unknown option "{option}"', entity=shape.entity, field="target")
        if shape.delivered and shape.object not in self.records:
            text = f"{shape.object} is gone, and records were delivered to it"
            hint = f"marea sync {shape.entity} --resend"
            raise ConfigurationError.single(text, entity=shape.entity, field="target.object", hint=hint)
        self.records.setdefault(shape.object, {})

    def would_make(self, shape: Shape) -> bool:
        """Whether there is no place, and none was delivered to."""
        self._reach()
        return not shape.delivered and shape.object not in self.records

    def repeats(self, shape: Shape) -> bool:
        """Always: records are kept by their key."""
        return True

    def deliver(self, shape: Shape, batch: pa.Table) -> Receipt:
        """Apply all of a batch, or refuse it, or be away."""
        self._reach()
        keys = identities([batch[name] for name in shape.key]).to_pylist()
        rows = batch.select(shape.fields.names).to_pylist()
        for key, row in zip(keys, rows, strict=True):
            if words := self._refuse(key, row):
                raise BatchRefused(words, code="memory")
        self.batches.append(batch.num_rows)
        operations, before = batch[OPERATION].to_pylist(), batch[TARGET_ID].to_pylist()
        tried = batch[TRIED].to_pylist() if TRIED in batch.column_names else [None] * len(rows)
        for operation, old, others, key, row in zip(operations, before, tried, keys, rows, strict=True):
            self._apply(shape.object, operation, [*(others or ()), old or key], key, row)
        return Receipt()  # it gives no ids: the keys stand for them

    def close(self) -> None:
        """Nothing is held open."""

    def _apply(self, name: str, operation: str, old: list[str], key: str, row: dict[str, Any]) -> None:
        held = self.records.setdefault(name, {})
        found: dict[str, Any] = {}
        for other in old:
            found |= held.pop(other, {})
        if operation != Operation.DELETE:
            held[key] = {**found, **held.get(key, {}), **row}

    def _reach(self) -> None:
        if self._away_after is not None and len(self.batches) >= self._away_after:
            raise SystemUnreachable("memory", "the target is in maintenance", hint="run again")
