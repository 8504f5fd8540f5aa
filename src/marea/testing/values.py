"""Owns the kinds of values the contract suites send through a connector, and how to generate them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import Phase, settings
from hypothesis import strategies as st

TEXTS = (
    "",
    " ",
    "trailing blanks  ",
    'it\'s "quoted" and `ticked`',
    "back\\slash \\n \\. \\",
    "\\.",
    "line\nbreak\r\nand\ttab",
    "%s %(name)s $1 ? :name {0}",
    "NULL",
    "null",
    "'; DROP TABLE customers; --",
    "=cmd|'/c calc'!A1",
    "Ærøskøbing Łódź ñandú",
    "日本語 العربية עברית",
    "emoji 🧭🏴‍☠️",
    "bell \x07 escape \x1b delete \x7f",
    "long " * 20_000,
)
"""Texts that have broken a connector somewhere."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of column, and the values that must come through it unharmed."""

    type: pa.DataType
    values: st.SearchStrategy[Any]


def _decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    limit = 10**precision - 1
    return st.integers(-limit, limit).map(lambda units: Decimal(f"{units}e-{scale}"))


def _integers(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _texts() -> st.SearchStrategy[str]:
    characters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
    return st.sampled_from(TEXTS[:-1]) | st.text(characters, max_size=40)


KINDS: Mapping[str, Kind] = {
    "bool": Kind(pa.bool_(), st.booleans()),
    "int16": Kind(pa.int16(), _integers(16)),
    "int32": Kind(pa.int32(), _integers(32)),
    "int64": Kind(pa.int64(), _integers(64)),
    "float64": Kind(pa.float64(), st.floats(allow_nan=False, allow_infinity=False)),
    "decimal": Kind(pa.decimal128(12, 2), _decimals(12, 2)),
    "wide_decimal": Kind(pa.decimal128(30, 10), _decimals(30, 10)),
    "text": Kind(pa.string(), _texts()),
    "binary": Kind(pa.binary(), st.binary(max_size=40)),
    "date": Kind(pa.date32(), st.dates()),
    "time": Kind(pa.time64("us"), st.times()),
    "timestamp": Kind(pa.timestamp("us"), st.datetimes()),
    "timestamptz": Kind(pa.timestamp("us", "UTC"), st.datetimes(timezones=st.just(dt.UTC))),
}
"""Every kind by the name of its column; a suite may replace or leave out some of them."""


def searching(examples: int) -> settings:
    """So many examples, each found anew, without the shrinking that takes minutes on a database."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )


def rows_of(kinds: Mapping[str, Kind]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Lists of rows with one value, or none, of every kind."""
    row = st.fixed_dictionaries({name: st.none() | kind.values for name, kind in kinds.items()})
    ordered = row.map(lambda drawn: {name: drawn[name] for name in kinds})
    return st.lists(ordered, min_size=1, max_size=6)


def arrow(rows: Sequence[Mapping[str, Any]], fields: pa.Schema) -> pa.Table:
    """Rows of Python values as a table of exactly these fields."""
    columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in fields]
    return pa.Table.from_arrays(columns, schema=fields)


def literal(value: object) -> str:
    """A value as a literal of standard SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    text = value.isoformat(" ") if isinstance(value, dt.datetime) else str(value)
    return "'" + text.replace("'", "''") + "'"
