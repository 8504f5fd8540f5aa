"""Owns the delivery of a batch: hands it to the target and splits what the target refuses as a whole.

One bad record never holds back the others (I8): a refused batch is halved until the
records at fault stand alone. What is asked to end early begins no further part.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from marea.capabilities import Stoppable
from marea.delivery.receipts import checked
from marea.errors import BatchRefused, SystemUnreachable
from marea.model import INTERRUPTED, UNREACHABLE, Operation, Problem
from marea.ports import OPERATION, TARGET_ID, Receipt, Shape, Target
from marea.sql.arrays import at, flat
from marea.sql.keys import as_text, identities

if TYPE_CHECKING:
    from collections.abc import Iterable

    from marea.stop import Stop

NOT_SENT = Problem(INTERRUPTED, "the run was ended before it was sent")
"""What is said of a record that was not sent any more."""


@dataclass(slots=True)
class Delivered:
    """What became of a batch, and whether the target went away on the way."""

    system: str
    receipt: Receipt
    away: SystemUnreachable | None = None
    parts: list[tuple[int, int, pa.Array | None, pa.Array | None]] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether the target was asked about every record: else the rest is to be read again."""
        left = (problem.code == INTERRUPTED for problem in self.receipt.deferred.values())
        return self.away is None and not any(left)


def deliver(system: str, target: Target, shape: Shape, batch: pa.Table, stop: Stop) -> Delivered:
    """Deliver a batch to a system; every row ends applied, rejected, deferred or in doubt.

    Raises nothing of the target's refusals or absence: they are in the result. Raises RunStopped
    where a receipt cannot be one of its batch.
    """
    delivery = Delivered(system, Receipt())
    if isinstance(target, Stoppable):
        target.heed(stop)
    _deliver(target, shape, batch, 0, delivery, stop)
    given = _joined(((a, b, ids) for a, b, ids, _ in delivery.parts), pa.string())
    delivery.receipt.target_ids = _ids(shape, batch, delivery.receipt, given)
    delivery.receipt.durations = _joined(((a, b, took) for a, b, _, took in delivery.parts), pa.int64())
    return delivery


def _deliver(
    target: Target, shape: Shape, batch: pa.Table, start: int, delivery: Delivered, stop: Stop
) -> None:
    rows = batch.num_rows
    try:
        receipt = target.deliver(shape, batch)
    except SystemUnreachable as error:
        delivery.away = error
        _defer(delivery, start, rows)
    except BatchRefused as error:
        if rows == 1:
            delivery.receipt.rejected[start] = Problem(error.code, error.message, error.field)
            delivery.parts.append((start, rows, None, None))
            return
        half = rows // 2
        _go_on(target, shape, batch.slice(0, half), start, delivery, stop)
        _go_on(target, shape, batch.slice(half), start + half, delivery, stop)
    else:
        _add(delivery, checked(delivery.system, receipt, rows), start, rows)


def _go_on(
    target: Target, shape: Shape, batch: pa.Table, start: int, delivery: Delivered, stop: Stop
) -> None:
    """Deliver a further part, unless the target has gone away or an end is asked for."""
    if delivery.away is not None or stop.asked:
        _defer(delivery, start, batch.num_rows)
    else:
        _deliver(target, shape, batch, start, delivery, stop)


def _defer(delivery: Delivered, start: int, rows: int) -> None:
    error = delivery.away
    problem = Problem(UNREACHABLE, error.message) if error is not None else NOT_SENT
    delivery.receipt.deferred.update(dict.fromkeys(range(start, start + rows), problem))
    delivery.parts.append((start, rows, None, None))


def _add(delivery: Delivered, receipt: Receipt, start: int, rows: int) -> None:
    delivery.receipt.rejected.update({start + row: problem for row, problem in receipt.rejected.items()})
    delivery.receipt.deferred.update({start + row: problem for row, problem in receipt.deferred.items()})
    delivery.receipt.in_doubt.update({start + row: problem for row, problem in receipt.in_doubt.items()})
    delivery.parts.append((start, rows, receipt.target_ids, receipt.durations))
    if receipt.away:
        delivery.away = SystemUnreachable(delivery.system, receipt.away)


def _ids(shape: Shape, batch: pa.Table, receipt: Receipt, given: pa.Array | None) -> pa.Array:
    """The id of every record that was written: no reference to it may find none."""
    if given is not None and not given.null_count:
        return given
    ids = identities([batch[name] for name in shape.key])
    if given is not None:
        ids = pc.coalesce(given, as_text(batch[TARGET_ID]), ids)
    left = [*receipt.rejected, *receipt.deferred, *receipt.in_doubt]
    written = pc.invert(at(left, batch.num_rows))
    written = pc.and_(written, pc.not_equal(batch[OPERATION], Operation.DELETE.value))
    return flat(pc.if_else(written, ids, pa.scalar(None, pa.string())))


def _joined(parts: Iterable[tuple[int, int, pa.Array | None]], type_: pa.DataType) -> pa.Array | None:
    """One array over all parts, null where a part has none; None when no part has any."""
    found = [(rows, array) for _, rows, array in parts]
    if all(array is None for _, array in found):
        return None
    arrays = [pa.nulls(rows, type_) if array is None else flat(array).cast(type_) for rows, array in found]
    return pa.concat_arrays(arrays)
