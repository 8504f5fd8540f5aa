"""Owns the rows of a batch as the calls need them: key parts as text, body bytes, the id at the target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING

from marea.model import Operation
from marea.ports import OPERATION, PAYLOAD, TARGET_ID, Shape

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Record:
    """One row to deliver."""

    row: int
    operation: str
    key: tuple[str, ...]
    """The shape's key values as text; an empty text where one is missing."""
    target_id: str | None
    payload: bytes
    """The body as it was agreed on: never decoded and encoded again."""


def records(shape: Shape, batch: pa.Table) -> Iterator[Record]:
    """The rows of a batch in order, those with nothing to do left out."""
    import pyarrow as pa

    operations = batch.column(OPERATION).to_pylist()
    keys = zip(*(_texts(batch.column(name)) for name in shape.key), strict=True)
    payloads = batch.column(PAYLOAD).cast(pa.binary()).to_pylist()
    ids = batch.column(TARGET_ID).to_pylist()
    rows = zip(operations, keys, ids, payloads, strict=True)
    for row, (operation, key, target_id, payload) in enumerate(rows):
        if operation != Operation.NONE:
            yield Record(row, operation, key, target_id, payload or b"")


def _texts(column: pa.ChunkedArray) -> list[str]:
    return [key_text(value) for value in column.to_pylist()]


def key_text(value: object) -> str:
    """A key value as it stands in an address: as in the payload, without the quotes; empty for none."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value)
