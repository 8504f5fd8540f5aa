"""Owns the rows of a batch as the calls need them: key parts as text, body bytes, the id at the target."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING

from marea.ports import CHANGES, OPERATION, PAYLOAD, TARGET_ID, TRIED, Shape

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Record:
    """One row to deliver."""

    row: int
    operation: str
    key: tuple[str, ...]
    """The shape's key values as text; an empty text where a delete lacks one."""
    target_id: str | None
    payload: bytes
    """The body as it was agreed on: never decoded and encoded again."""
    former: tuple[str, ...] | None = None
    """The key values it was last delivered with, where they are others now."""
    tried: tuple[tuple[str, ...], ...] = ()
    """Other key values it may have been given since, by deliveries whose end is not known."""


def records(shape: Shape, batch: pa.Table) -> Iterator[Record]:
    """The rows of a batch in order."""
    import pyarrow as pa

    keys = zip(*(map(key_text, batch.column(name).to_pylist()) for name in shape.key), strict=True)
    rows = zip(
        batch.column(OPERATION).to_pylist(),
        keys,
        batch.column(TARGET_ID).to_pylist(),
        batch.column(PAYLOAD).cast(pa.binary()).to_pylist(),
        batch.column(CHANGES).to_pylist(),
        strict=True,
    )
    tried = _tried(shape, batch)
    for row, (operation, key, target_id, payload, changes) in enumerate(rows):
        others = tuple(other for other in tried.get(row, ()) if other != key)
        yield Record(row, operation, key, target_id, payload or b"", _former(shape.key, key, changes), others)


def _tried(shape: Shape, batch: pa.Table) -> dict[int, list[tuple[str, ...]]]:
    """Row -> the keys that its record may stand under."""
    if TRIED not in batch.column_names:
        return {}
    import pyarrow.compute as pc

    from marea.sql.arrays import flat
    from marea.sql.keys import parted

    lists = flat(batch.column(TRIED))
    types = [shape.fields.field(name).type for name in shape.key]
    parts = [part.to_pylist() for part in parted(pc.list_flatten(lists), types)]
    found: dict[int, list[tuple[str, ...]]] = {}
    for row, *key in zip(pc.list_parent_indices(lists).to_pylist(), *parts, strict=True):
        found.setdefault(row, []).append(tuple(map(key_text, key)))
    return found


def _former(fields: Sequence[str], key: tuple[str, ...], changes: str | None) -> tuple[str, ...] | None:
    """The key that a record was known by before these changes (JSON text); None where it still is."""
    if changes is None or not any(json.dumps(field, ensure_ascii=False) in changes for field in fields):
        return None
    pairs: dict[str, list[object]] = json.loads(changes, parse_float=str)
    named = zip(fields, key, strict=True)
    former = tuple(key_text(pairs[field][0]) if field in pairs else part for field, part in named)
    return former if former != key else None


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
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return str(value)


def identity(key: Sequence[str]) -> str:
    """The target id of a record that is addressed by its key: the one value, or a JSON array of them."""
    return key[0] if len(key) == 1 else json.dumps(list(key), ensure_ascii=False)


def key_of(target_id: str, parts: int) -> tuple[str, ...]:
    """What `identity` was made of; of another number of parts, empty ones."""
    if parts == 1:
        return (target_id,)
    try:
        key = json.loads(target_id)
    except ValueError:
        key = None
    return tuple(map(str, key)) if isinstance(key, list) and len(key) == parts else ("",) * parts
