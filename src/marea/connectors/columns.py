"""Owns the fitting of what a driver read to the types a stream promised, and to its size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation

import pyarrow as pa

from marea.errors import ConfigurationError
from marea.ports import Column

_WIDE, _WIDEST = 38, 76  # the decimal digits that 128 and 256 bits hold

SHOWN = 60
"""Characters of a value that an error shows."""


def fit(table: pa.Table, columns: Sequence[Column]) -> pa.Table:
    """The columns by position, cast to exactly their types.

    Raises ConfigurationError for a value that does not fit.
    """
    return pa.Table.from_arrays(
        [_fit(table, index, column) for index, column in enumerate(columns)],
        names=[column.name for column in columns],
    )


def regroup(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of `rows` rows, the last one smaller."""
    held: list[pa.Table] = []
    count = 0
    for table in tables:
        rest = table
        while count + rest.num_rows >= rows:
            yield pa.concat_tables([*held, rest.slice(0, rows - count)])
            rest = rest.slice(rows - count)
            held, count = [], 0
        if rest.num_rows:
            held.append(rest)
            count += rest.num_rows
    if held:
        yield pa.concat_tables(held)


def misfit(
    place: Sequence[tuple[str, object]], column: Column, value: object, hint: str = ""
) -> ConfigurationError:
    """The error for a value that its column's type cannot hold; the row is named by its first columns."""
    row = ", ".join(f"{name} {_short(held)}" for name, held in place[:2])
    return ConfigurationError.single(
        f'column "{column.name}" ({column.native or "no declared type"}) holds {_short(value)}, '
        f"which is no {column.type}; in the row with {row}",
        hint=hint or "correct the value, or read the table through a view that casts the column",
    )


def place(table: pa.Table, row: int) -> list[tuple[str, object]]:
    """The first columns of a row, which tell it apart for a reader."""
    head = table.slice(row, 1).select(range(min(2, table.num_columns)))
    return list(head.to_pylist()[0].items())


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def _fit(table: pa.Table, index: int, column: Column) -> pa.ChunkedArray:
    values = plain(table.column(index))
    if values.type.equals(column.type):
        return values
    try:
        return _cast(values, column.type)
    except pa.ArrowInvalid:
        row = _first_misfit(values, column.type)
        raise misfit(place(table, row), column, values[row].as_py()) from None


def plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """An extension type's values as what they are stored as."""
    if not isinstance(values.type, pa.BaseExtensionType):
        return values
    return pa.chunked_array([chunk.storage for chunk in values.chunks], values.type.storage_type)


def _first_misfit(values: pa.ChunkedArray, type_: pa.DataType) -> int:
    """The row of the first value that cannot be cast, by halving."""
    start, count = 0, len(values)
    while count > 1:
        half = count // 2
        if _castable(values.slice(start, half), type_):
            start, count = start + half, count - half
        else:
            count = half
    return start


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
    return value


def first(mask: pa.ChunkedArray) -> int:
    """The first row where a mask is true."""
    import pyarrow.compute as pc  # 0.1 s that a run with nothing new does not spend

    return int(pc.index(mask, True).as_py())
