"""Owns what a column of an SQL target makes of values that it takes without an error."""

from __future__ import annotations

import re

import pyarrow as pa

from marea.ports import Column

_EXACT_DIGITS = 15  # what a double keeps of any decimal
_SIZE = re.compile(r"\((\d+)")
_PADDED = re.compile(r"(char|character)\b(?! varying)")


def altered(type_: pa.DataType, column: Column) -> str:
    """What a column does to some values of a type, as a verb; empty where it keeps them all or refuses."""
    if pa.types.is_string(type_):
        return "pads or cuts blanks at the end" if _PADDED.match(column.native) else ""
    if pa.types.is_timestamp(type_):
        return _moment(column)
    if pa.types.is_decimal(type_) or pa.types.is_floating(type_):
        return _number(type_, column)
    return ""


def _moment(column: Column) -> str:
    if pa.types.is_date(column.type):
        return "drops the time"
    digits = _SIZE.search(column.native)
    fraction = pa.types.is_timestamp(column.type) and digits and int(digits[1])
    return "" if fraction in (None, False) or fraction >= 6 else f"keeps {fraction} digits of the seconds"


def _number(type_: pa.DataType, column: Column) -> str:
    scale = type_.scale if pa.types.is_decimal(type_) else None
    if pa.types.is_decimal(column.type) and _SIZE.search(column.native):
        kept = column.type.scale
        return "" if scale is not None and scale <= kept else f"rounds to {kept} digits after the point"
    if pa.types.is_integer(column.type):
        return "" if scale == 0 else "rounds to whole numbers"
    if column.type.equals(pa.float32()):
        return "keeps some 6 digits"
    wide = pa.types.is_decimal(type_) and type_.precision > _EXACT_DIGITS
    return f"keeps {_EXACT_DIGITS} digits" if wide and column.type.equals(pa.float64()) else ""
