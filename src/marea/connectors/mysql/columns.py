"""Owns the way of values between the server's text form and Arrow columns, whole columns at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc

from marea.connectors.columns import Misfits, fit, without
from marea.connectors.mysql.types import BYTES, DECIMALS, FLOATS, INTEGERS, Native
from marea.ports import Column

LARGEST_PRECISION = 38  # more digits than a decimal128 holds travel as text

_SIGNED = {
    "tinyint": pa.int16(),
    "smallint": pa.int16(),
    "mediumint": pa.int32(),
    "int": pa.int32(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
}
_UNSIGNED = {
    "tinyint": pa.int16(),
    "smallint": pa.int32(),
    "mediumint": pa.int32(),
    "int": pa.int64(),
    "integer": pa.int64(),
    "bigint": pa.uint64(),
}
_PLAIN = {
    "float": pa.float32(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us"),
    "timestamp": pa.timestamp("us", "UTC"),
    "year": pa.int16(),
}


def arrow_type(native: str, *, tiny_bool: bool = True) -> pa.DataType:
    """The Arrow type of a column; text for what has no twin, such as TIME, which may exceed a day.

    BINARY(n) is text as well, in hexadecimal: it holds identifiers and digests.
    """
    kind = Native.parse(native)
    if kind.word in INTEGERS:
        if tiny_bool and kind.word == "tinyint" and kind.size == "(1)" and not kind.unsigned:
            return pa.bool_()
        return (_UNSIGNED if kind.unsigned else _SIGNED)[kind.word]
    if kind.word == "bit":
        return pa.bool_() if kind.size == "(1)" else pa.uint64()
    if kind.word in DECIMALS:
        return _decimal_type(kind)
    if kind.word in BYTES:
        return pa.string() if kind.word == "binary" else pa.binary()
    if kind.word in FLOATS and kind.word != "float":
        return pa.float64()
    return _PLAIN.get(kind.word, pa.string())


def _decimal_type(kind: Native) -> pa.DataType:
    precision, scale = (*(int(part) for part in kind.size.strip("()").split(",")), 0)[:2]
    return pa.decimal128(precision, scale) if precision <= LARGEST_PRECISION else pa.string()


# -- from the server ---------------------------------------------------------------------


def columns_of(rows: Sequence[Sequence[bytes | None]], columns: Sequence[Column]) -> pa.Table:
    """Rows as the server writes them, as a table of the columns' types; see `Reader.stream` for misfits."""
    misfits = Misfits()
    arrays = [
        _readable(values, column) for values, column in zip(zip(*rows, strict=True), columns, strict=True)
    ]
    arrays = [
        _truth(values, column, misfits) if pa.types.is_boolean(column.type) else values
        for values, column in zip(arrays, columns, strict=True)
    ]
    read = pa.Table.from_arrays(arrays, names=[column.name for column in columns])
    naive = [
        replace(column, type=pa.timestamp("us")) if _zoned(column.type) else column for column in columns
    ]
    return misfits.on(fit(fit(read, naive, misfits), columns, misfits))


def _readable(values: Sequence[bytes | None], column: Column) -> pa.Array:
    """The values of a column in a form that Arrow can cast."""
    raw = pa.array(values, pa.binary())
    if pa.types.is_binary(column.type) or pa.types.is_string(column.type):
        return raw
    text = raw.cast(pa.string())
    dated = pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)
    return _without_zero_dates(text) if dated else text


def _without_zero_dates(text: pa.Array) -> pa.Array:
    """0000-00-00 is how MySQL writes that there is no date: it becomes null, and nothing else does."""
    zero = pc.starts_with(text, "0000-00-00")
    return pc.if_else(zero, None, text) if pc.any(zero).as_py() else text


def _truth(values: pa.Array, column: Column, misfits: Misfits) -> pa.Array:
    """A TINYINT(1) may hold any small number; one that is neither 0 nor 1 must not become true."""
    wrong = pc.and_(pc.not_equal(values, "0"), pc.not_equal(values, "1"))
    rows = pc.indices_nonzero(wrong).to_pylist()
    for row in rows:
        hint = "write `tinyint1: integer` in the system's entry to read such columns as numbers"
        misfits.add(row, column, values[row].as_py(), hint)
    return without(values, rows) if rows else values


def _zoned(type_: pa.DataType) -> bool:
    return pa.types.is_timestamp(type_) and type_.tz is not None


# -- to the server -----------------------------------------------------------------------


def literals(rows: pa.Table) -> list[bytes]:
    """Each row as the inside of a VALUES parenthesis, ready for a statement in UTF-8."""
    parts = [_literal(column) for column in rows.columns]
    joined = pc.binary_join_element_wise(*parts, pa.scalar(b","))
    return cast("list[bytes]", joined.to_pylist())


def _literal(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values of a column as literals; fractions in quotes, which the server reads without a detour."""
    type_ = column.type
    text = _text(column).cast(pa.binary())
    if pa.types.is_integer(type_) or pa.types.is_boolean(type_):
        return pc.fill_null(text, b"NULL")
    if not (pa.types.is_temporal(type_) or pa.types.is_decimal(type_) or pa.types.is_floating(type_)):
        text = pc.replace_substring(pc.replace_substring(text, b"\\", b"\\\\"), b"'", b"\\'")
    prefix = b"_binary'" if pa.types.is_binary(type_) or pa.types.is_large_binary(type_) else b"'"
    quoted = pc.binary_join_element_wise(pa.scalar(prefix), text, pa.scalar(b"'"), pa.scalar(b""))
    return pc.fill_null(quoted, b"NULL")


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    type_ = column.type
    if pa.types.is_boolean(type_):
        return column.cast(pa.int8()).cast(pa.string())
    if pa.types.is_timestamp(type_) and type_.tz:
        return column.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us")).cast(pa.string())
    if pa.types.is_decimal(type_):
        return _plain_decimals(column)
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        return column
    return column.cast(pa.string())


def _plain_decimals(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Decimals without an exponent, so that a text column gets them as they are read."""
    text = column.cast(pa.string())
    if not pc.any(pc.match_substring(text, "E")).as_py():
        return text
    values: list[Decimal | None] = column.to_pylist()
    plain = [None if value is None else format(value, "f") for value in values]
    return pa.chunked_array([pa.array(plain, pa.string())])
