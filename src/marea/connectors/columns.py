"""Owns the fitting of what a driver read to the types a stream promised, and to its size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Context, Decimal, InvalidOperation

import pyarrow as pa

from marea.ports import MISFIT, Column
from marea.sql.arrays import at

_WIDE, _WIDEST = 38, 76  # the decimal digits that 128 and 256 bits hold
_EXACT = Context(prec=_WIDEST)

_MISFIT = pa.struct([(name, pa.string()) for name in ("column", "type", "value")])

SHOWN = 60
"""Characters of a value that is shown."""


class Misfits:
    """What values of a table its columns cannot hold; the first of a row is told."""

    def __init__(self) -> None:
        self._found: dict[int, dict[str, str]] = {}

    def add(self, row: int, column: Column, value: object, hint: str = "") -> None:
        """Note a value, which the table must not hold any more: it is null there."""
        native = column.native or "no declared type"
        kind = f"{native}; {hint}" if hint else native
        self._found.setdefault(row, {"column": column.name, "type": kind, "value": _short(value)})

    def on(self, table: pa.Table) -> pa.Table:
        """The table, with MISFIT where anything was noted."""
        if not self._found:
            return table
        told = [self._found.get(row) for row in range(table.num_rows)]
        return table.append_column(MISFIT, pa.array(told, _MISFIT))


def fit(table: pa.Table, columns: Sequence[Column], misfits: Misfits) -> pa.Table:
    """The columns by position, cast to exactly their types; what does not fit becomes null and is noted."""
    return pa.Table.from_arrays(
        [_fit(table.column(index), column, misfits) for index, column in enumerate(columns)],
        names=[column.name for column in columns],
    )


def regroup(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of `rows` rows, the last one smaller."""
    held: list[pa.Table] = []
    count = 0
    for table in tables:
        rest = table
        while count + rest.num_rows >= rows:
            yield joined([*held, rest.slice(0, rows - count)])
            rest = rest.slice(rows - count)
            held, count = [], 0
        if rest.num_rows:
            held.append(rest)
            count += rest.num_rows
    if held:
        yield joined(held)


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """The rows of all; MISFIT is null in those that have none."""
    return pa.concat_tables(tables, promote_options="default")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def _fit(read: pa.ChunkedArray, column: Column, misfits: Misfits) -> pa.ChunkedArray:
    values = plain(read)
    if values.type.equals(column.type):
        return values
    try:
        return _cast(values, column.type)
    except pa.ArrowInvalid:
        wrong = list(_misfits(values, column.type, 0))
        for row in wrong:
            misfits.add(row, column, values[row].as_py())
        return _cast(without(values, wrong), column.type)


def without(values: pa.ChunkedArray, rows: Sequence[int]) -> pa.ChunkedArray:
    """The values, null in some rows."""
    import pyarrow.compute as pc  # 0.1 s that a run with nothing new does not spend

    return pc.if_else(at(rows, len(values)), pa.scalar(None, values.type), values)


def plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """An extension type's values as what they are stored as."""
    if not isinstance(values.type, pa.BaseExtensionType):
        return values
    return pa.chunked_array([chunk.storage for chunk in values.chunks], values.type.storage_type)


def _misfits(values: pa.ChunkedArray, type_: pa.DataType, start: int) -> Iterator[int]:
    """The rows, counted from `start`, of values that cannot be cast, by halving."""
    if _castable(values, type_):
        return
    half = len(values) // 2
    if not half:
        yield start
        return
    yield from _misfits(values.slice(0, half), type_, start)
    yield from _misfits(values.slice(half), type_, start + half)


def _castable(values: pa.ChunkedArray, type_: pa.DataType) -> bool:
    try:
        _cast(values, type_)
    except pa.ArrowInvalid:
        return False
    return True


def _cast(values: pa.ChunkedArray, type_: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_decimal(type_) and pa.types.is_string(values.type):
        return _decimals(values, type_)
    return values.cast(type_)


def _decimals(texts: pa.ChunkedArray, type_: pa.DataType) -> pa.ChunkedArray:
    """Decimals from texts. Arrow does not notice when more than 128 bits, or 256, overflow on the way."""
    import pyarrow.compute as pc  # 0.1 s that a run with nothing new does not spend

    digits = (pc.max(pc.binary_length(texts)).as_py() or 0) + type_.scale
    if pc.any(pc.match_substring(texts, "e")).as_py() or digits > _WIDEST:
        return pa.chunked_array([[_decimal(text, type_) for text in texts.to_pylist()]], type_)
    if digits > _WIDE:
        return texts.cast(pa.decimal256(_WIDEST, type_.scale)).cast(type_)
    return texts.cast(type_)


def _decimal(text: str | None, type_: pa.DataType) -> Decimal | None:
    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise pa.ArrowInvalid(text) from None
    if not value.is_finite() or len(value.as_tuple().digits) > _WIDEST or abs(value.adjusted()) > _WIDEST:
        raise pa.ArrowInvalid(text)
    # Zeros at the end count as digits for Arrow, and might be one too many.
    return value.normalize(_EXACT)
