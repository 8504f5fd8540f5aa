"""What a driver read is fitted to the promised types, and regrouped, without losing a row or a digit."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marea.connectors.columns import Misfits, fit, regroup
from marea.ports import MISFIT, Column


def numbers(values: list[int]) -> pa.Table:
    return pa.table({"a": pa.array(values, pa.int64())})


@pytest.mark.property
@given(st.lists(st.lists(st.integers(0, 9), max_size=12)), st.integers(1, 7))
def test_regrouping_keeps_every_row_in_order(parts: list[list[int]], rows: int) -> None:
    tables = list(regroup((numbers(part) for part in parts), rows))
    assert [value for table in tables for value in table["a"].to_pylist()] == [
        v for part in parts for v in part
    ]
    assert all(table.num_rows == rows for table in tables[:-1])
    assert all(0 < table.num_rows <= rows for table in tables)


@pytest.mark.unit
def test_values_are_cast_to_exactly_their_columns() -> None:
    table = pa.table({"x": ["1.10", None], "y": pa.array([1, 2], pa.int32())})
    columns = [Column("a", pa.decimal128(12, 2), ""), Column("b", pa.int64(), "")]
    fitted = fit(table, columns, Misfits())
    assert fitted.schema == pa.schema([("a", pa.decimal128(12, 2)), ("b", pa.int64())])
    assert fitted.to_pylist() == [{"a": Decimal("1.10"), "b": 1}, {"a": None, "b": 2}]


@pytest.mark.property
@example(2384185791015625 * 10**23, 19, True)
@given(st.integers(-(10**45), 10**45), st.integers(0, 30), st.booleans())
def test_a_decimal_is_exact_or_refused(units: int, scale: int, scientific: bool) -> None:
    value = Decimal(f"{units}e-{scale}")
    text = f"{value:e}" if scientific else f"{value:f}"
    column = Column("a", pa.decimal128(38, 18), "numeric")
    fits = abs(Decimal(text)) < 10**20 and (Decimal(text).as_tuple().exponent >= -18 or units % 10**12 == 0)  # type: ignore[operator]
    misfits = Misfits()
    got = misfits.on(fit(pa.table({"a": [text]}), [column], misfits))
    if MISFIT in got.column_names:
        assert not fits
        assert got["a"][0].as_py() is None
    else:
        assert got["a"][0].as_py() == Decimal(text)


@pytest.mark.unit
@pytest.mark.parametrize(
    "bad", ["nan", "inf", "1.234", "12345678901.00", "9" * 40, "1e30", "9" * 99, "x" * 500]
)
def test_values_that_do_not_fit_are_null_and_told_in_their_rows(bad: str) -> None:
    texts = ["1.00"] * 700 + [bad] + ["2.00"] * 98 + [bad]
    table = pa.table({"id": list(range(800)), "amount": texts})
    columns = [Column("id", pa.int64(), "bigint"), Column("amount", pa.decimal128(12, 2), "numeric(12,2)")]
    misfits = Misfits()
    rows = misfits.on(fit(table, columns, misfits)).to_pylist()
    told = {row["id"]: row[MISFIT] for row in rows if row[MISFIT]}
    assert told.keys() == {700, 799}
    assert [row["id"] for row in rows if row["amount"] is None] == [700, 799]
    assert (told[700]["column"], told[700]["type"]) == ("amount", "numeric(12,2)")
    assert bad[:50] in told[700]["value"]
    assert len(told[700]["value"]) < 100


@pytest.mark.unit
def test_tables_with_and_without_misfits_are_one_stream() -> None:
    column = Column("a", pa.int64(), "int")
    tables = []
    for text in ("1", "x", "3"):
        misfits = Misfits()
        tables.append(misfits.on(fit(pa.table({"a": [text]}), [column], misfits)))
    (table,) = regroup(tables, 10)
    assert table["a"].to_pylist() == [1, None, 3]
    assert [told and told["value"] for told in table[MISFIT].to_pylist()] == [None, "'x'", None]
