"""Owns the check of a receipt: what a target says of a batch can be said of that batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pyarrow as pa

from marea.errors import RunStopped
from marea.model import Problem
from marea.ports import Receipt


def checked(system: str, receipt: object, rows: int) -> Receipt:
    """The receipt of so many rows, as it came.

    Raises RunStopped where it cannot be one: nobody knows then what was applied of its batch.
    """
    said = "is none"
    if isinstance(receipt, Receipt):
        said = next(_wrong(receipt, rows), "")
        if not said:
            return receipt
    text = f"the connector of system {system} gave a receipt that {said}"
    raise RunStopped(text, hint="tell its author; what was sent is in doubt until the next run")


def _wrong(receipt: Receipt, rows: int) -> Iterator[str]:
    for row, times in Counter([*receipt.rejected, *receipt.deferred, *receipt.in_doubt]).items():
        if not isinstance(row, int) or not 0 <= row < rows:
            yield f"names row {row!r} of a batch of {rows} rows"
        if times > 1:
            yield f"says two things of row {row}"
    for problems in (receipt.rejected, receipt.deferred, receipt.in_doubt):
        if not all(isinstance(problem, Problem) for problem in problems.values()):
            yield "names a row without a Problem"
    yield from _misshapen("target_ids", receipt.target_ids, rows, _is_text)
    yield from _misshapen("durations", receipt.durations, rows, pa.types.is_integer)


def _misshapen(name: str, given: object, rows: int, fits: Callable[[pa.DataType], bool]) -> Iterator[str]:
    if given is None:
        return
    if not isinstance(given, pa.Array | pa.ChunkedArray):
        yield f"has {name} that are no Arrow array"
    elif len(given) != rows:
        yield f"has {len(given)} {name} for {rows} rows"
    elif not (fits(given.type) or pa.types.is_null(given.type)):
        yield f"has {name} of the type {given.type}"


def _is_text(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))
