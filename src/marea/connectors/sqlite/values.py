"""Owns the values of SQLite: from rows of Python values to typed columns, and back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from marea.connectors.columns import Misfits, fit, without
from marea.errors import BatchRefused
from marea.ports import Column

_NONE = type(None)


def arranged(rows: Sequence[tuple[Any, ...]], columns: Sequence[Column]) -> pa.Table:
    """Rows as columns of exactly their types; see `Reader.stream` for values of another one."""
    misfits = Misfits()
    lists = zip(*rows, strict=True)
    arrays = [_array(values, column, misfits) for values, column in zip(lists, columns, strict=True)]
    table = pa.Table.from_arrays(arrays, names=[column.name for column in columns])
    return misfits.on(fit(table, columns, misfits))


def bytewise(select: str, columns: int, offset: int) -> str:
    """The rows of a SELECT after so many: for each column its value, a text as bytes, and whether it is one.

    MATERIALIZED, so that the rows come in the order in which the SELECT alone gives them.
    """
    names = [f"c{index}" for index in range(columns)]
    values = ", ".join(
        f"CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) ELSE {name} END, typeof({name}) = 'text'"
        for name in names
    )
    rows = f"q({', '.join(names)}) AS MATERIALIZED ({select})"
    return f"WITH {rows} SELECT {values} FROM q LIMIT -1 OFFSET {offset}"


def decoded(row: tuple[Any, ...], encoding: str) -> tuple[Any, ...]:
    """A row of `bytewise` with its texts; those that are none stay bytes."""
    pairs = zip(row[::2], row[1::2], strict=True)
    return tuple(_text(value, encoding) if is_text else value for value, is_text in pairs)


def _text(value: bytes, encoding: str) -> str | bytes:
    try:
        return value.decode(encoding)
    except UnicodeDecodeError:
        return value


def _array(values: tuple[Any, ...], column: Column, misfits: Misfits) -> pa.Array:
    wanted, stored = _stored(column.type)
    if not set(map(type, values)).issubset(wanted):
        values = tuple(_kept(values, column, wanted, misfits))
    array = pa.array(values, stored)
    if pa.types.is_boolean(column.type):
        return _booleans(array, column, misfits)
    if pa.types.is_temporal(column.type):
        return _moments(array, column, misfits)
    return array


def _kept(
    values: tuple[Any, ...], column: Column, wanted: tuple[type, ...], misfits: Misfits
) -> Iterator[Any]:
    for row, value in enumerate(values):
        fits = type(value) in wanted
        if not fits:
            misfits.add(row, column, value)
        yield value if fits else None


def _stored(type_: pa.DataType) -> tuple[tuple[type, ...], pa.DataType]:
    """The Python types a column of this type is read as, and the Arrow type they are taken up in."""
    if pa.types.is_integer(type_) or pa.types.is_boolean(type_):
        return (int, _NONE), pa.int64()
    if pa.types.is_floating(type_):
        return (float, int, _NONE), pa.float64()
    if pa.types.is_binary(type_):
        return (bytes, _NONE), pa.binary()
    return (str, _NONE), pa.string()


def _booleans(numbers: pa.Array, column: Column, misfits: Misfits) -> pa.Array:
    import pyarrow.compute as pc  # 0.1 s that a run with nothing new does not spend

    outside = pc.invert(pc.is_in(numbers, pa.array([0, 1, None], pa.int64())))
    rows = pc.indices_nonzero(outside).to_pylist()
    for row in rows:
        misfits.add(row, column, numbers[row].as_py())
    return (without(numbers, rows) if rows else numbers).cast(pa.bool_())


# -- dates and times, which SQLite keeps as ISO text ---------------------------------------


def _moments(texts: pa.Array, column: Column, misfits: Misfits) -> pa.Array:
    """All at once where every text has the usual form, else one by one."""
    try:
        return _cast(texts, column.type)
    except pa.ArrowInvalid:
        values = []
        for row, text in enumerate(texts.to_pylist()):
            try:
                values.append(_moment(text, column.type))
            except ValueError:
                misfits.add(row, column, text)
                values.append(None)
        return pa.array(values, column.type)


def _cast(texts: pa.Array, type_: pa.DataType) -> pa.Array:
    if pa.types.is_time(type_):
        import pyarrow.compute as pc

        return pc.binary_join_element_wise("1970-01-01 ", texts, "").cast(pa.timestamp("us")).cast(type_)
    return texts.cast(type_)


def _moment(text: str | None, type_: pa.DataType) -> dt.date | dt.time | None:
    """One text; with an offset it is turned to UTC, without one it is UTC already, as SQLite has it."""
    if text is None:
        return None
    if pa.types.is_time(type_):
        return dt.time.fromisoformat(text)
    moment = dt.datetime.fromisoformat(text)
    if pa.types.is_date(type_):
        if moment.time() != dt.time():
            raise ValueError(text)
        return moment.date()
    utc = moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return utc if type_.tz else utc.replace(tzinfo=None)


# -- to SQLite -------------------------------------------------------------------------------


def bound(rows: pa.Table) -> Iterator[tuple[Any, ...]]:
    """Rows of values SQLite can hold; raises BatchRefused for one it cannot."""
    return zip(*(_bound(rows.column(index)) for index in range(rows.num_columns)), strict=True)


def _bound(values: pa.ChunkedArray) -> list[Any]:
    import pyarrow.compute as pc

    type_ = values.type
    if pa.types.is_floating(type_) and pc.any(pc.is_nan(values)).as_py():
        raise BatchRefused("SQLite has no NaN: it would become NULL", code="nan")
    if pa.types.is_timestamp(type_) or pa.types.is_time(type_):
        texts = pc.replace_substring(values.cast(pa.string()), ".000000", "")
        return list(texts.to_pylist())
    if pa.types.is_date(type_) or pa.types.is_decimal(type_) or type_.equals(pa.uint64()):
        values = values.cast(pa.string())
    return list(values.to_pylist())
